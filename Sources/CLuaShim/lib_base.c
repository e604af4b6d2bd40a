/* print, tostring, tonumber, and the natives of the base library that are safe as they are. */
#include <stdio.h>
#include "lib.h"

void lib_tostring(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (luaL_callmeta(L, index, "__tostring")) {
    if (!lua_isstring(L, -1)) luaL_error(L, "'__tostring' must return a string");
    lua_tolstring(L, -1, NULL); /* a number becomes its text */
    return;
  }
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
      lua_pushvalue(L, index);
      lua_tolstring(L, -1, NULL);
      break;
    case LUA_TBOOLEAN: lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false"); break;
    case LUA_TNIL: lua_pushliteral(L, "nil"); break;
    default: {
      /* A hash in the place of the address: addresses tell about the process, and give away the seed
       * of the string table. */
      char hash[24];
      snprintf(hash, sizeof hash, "0x%016llx",
               (unsigned long long)clk_hash_pointer(L, lua_topointer(L, index)));
      int named = luaL_getmetafield(L, index, "__name");
      const char *kind = named == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, index);
      lua_pushfstring(L, "%s: %s", kind, hash);
      if (named != LUA_TNIL) lua_remove(L, -2);
    }
  }
}

static int own_tostring(lua_State *L) {
  luaL_checkany(L, 1);
  lib_tostring(L, 1);
  return 1;
}

static int own_tonumber(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) clk_charge(L, lua_rawlen(L, 1) / 4 + 1);
  return lib_native(L);
}

/* One line, given to the sink as a whole with its line end. */
static int own_print(lua_State *L) {
  int count = lua_gettop(L);
  lib_buffer b;
  lib_buffer_open(L, &b);
  for (int i = 1; i <= count; i++) {
    if (i > 1) lib_buffer_byte(&b, '\t');
    lib_tostring(L, i);
    lib_buffer_add_value(&b);
  }
  lib_buffer_byte(&b, '\n');
  clk_charge(L, 10);
  clk_write(L, b.data, b.used);
  return 0;
}

/* The opening function of the base library writes into the state's globals; it gets another table in
 * their place for as long as it runs. */
static void push_base_natives(lua_State *L) {
  lua_pushglobaltable(L);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  lib_push_natives(L, luaopen_base);
  lua_pop(L, 1);
  lua_insert(L, -2);
  lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

void lib_open_base(lua_State *L) {
  static const lib_entry entries[] = {
      {"assert", NULL, 0},   {"error", NULL, 0},  {"ipairs", NULL, 0}, {"rawequal", NULL, 0},
      {"rawget", NULL, 0},   {"rawlen", NULL, 0}, {"select", NULL, 0}, {"type", NULL, 0},
      {"print", own_print, 0}, {"tostring", own_tostring, 0}, {"tonumber", own_tonumber, 1}, {NULL, NULL, 0}};
  int target = lua_gettop(L);
  push_base_natives(L);
  lib_install(L, target, entries);
  lua_pop(L, 1);
}
