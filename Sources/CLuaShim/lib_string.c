/* string: byte char sub upper lower reverse len rep pack unpack packsize, and the strings' metatable
 *
 * Facts it answers:
 * - What is linear in its arguments is the library's own function behind a charge. `dump` is left out.
 * - `rep` of an empty string returns at once, whatever the count. A result that can never fit is an
 *   ordinary error, found before anything is charged.
 * - A result of `rep` is made by concatenation of ever longer pieces, so no buffer as long as the result
 *   stands beside it.
 */
#include <string.h>
#include "lib.h"

size_t lib_start_position(lua_Integer index, size_t length) {
  if (index > 0) return (size_t)index;
  if (index == 0 || index < -(lua_Integer)length) return 1;
  return length + (size_t)index + 1;
}

enum { PIECES = 64, SHORT = 4096 };

/* Pushes the text at `unit` repeated. */
static void push_repeated(lua_State *L, int unit, size_t size, size_t count) {
  if (count == 1) {
    lua_pushvalue(L, unit);
  } else if (size * count <= SHORT) {
    char bytes[SHORT];
    const char *text = lua_tolstring(L, unit, NULL);
    if (size == 1) {
      memset(bytes, *text, count);
    } else {
      for (size_t i = 0; i < count; i++) memcpy(bytes + i * size, text, size);
    }
    lua_pushlstring(L, bytes, size * count);
  } else {
    luaL_checkstack(L, PIECES + 4, NULL);
    clk_charge(L, size * count / 32);
    size_t each = count / PIECES, rest = count % PIECES;
    if (each > 0) {
      push_repeated(L, unit, size, each);
      for (int i = 1; i < PIECES; i++) lua_pushvalue(L, -1);
      lua_concat(L, PIECES);
    }
    for (size_t i = 0; i < rest; i++) lua_pushvalue(L, unit);
    lua_concat(L, (int)rest + (each > 0));
  }
}

static int own_rep(lua_State *L) {
  size_t size, between;
  luaL_checklstring(L, 1, &size);
  lua_Integer count = luaL_checkinteger(L, 2);
  luaL_optlstring(L, 3, "", &between);
  if (count <= 0 || size + between == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (size + between > (SIZE_MAX / 2) / (size_t)count) return luaL_error(L, "resulting string too large");
  size_t total = size * (size_t)count + between * (size_t)(count - 1);
  clk_need_memory(L, total, NULL);
  clk_charge(L, total / 64 + 1);
  clk_need_memory(L, total, NULL); /* the charge may have brought a collection or other news */
  lua_settop(L, 3);
  lua_tolstring(L, 1, NULL); /* numbers become strings in their slots */
  if (count == 1 || between == 0) {
    push_repeated(L, 1, size, (size_t)count);
    return 1;
  }
  lua_tolstring(L, 3, NULL);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  lua_concat(L, 2);
  push_repeated(L, 4, size + between, (size_t)(count - 1));
  lua_pushvalue(L, 1);
  lua_concat(L, 2);
  return 1;
}

/* ---- the library's own behind a charge ---------------------------------------------------------- */

static int whole_text(lua_State *L) { /* upper lower reverse */
  size_t size = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
  if (size > 1024) {
    clk_charge(L, size / 4);
    clk_need_memory(L, size, NULL);
  }
  return lib_native(L);
}

static int by_result(lua_State *L) { /* sub byte char: what they give is what they cost */
  clk_charge(L, (size_t)lua_gettop(L));
  int results = lib_native(L);
  if (results == 1 && lua_type(L, -1) == LUA_TSTRING) clk_charge(L, lua_rawlen(L, -1) / 16);
  else if (results > 1) clk_charge(L, (size_t)results);
  return results;
}

/* "c1000000" in a format asks for a million bytes, whatever the value: such sizes are looked at first. */
static size_t padding(const char *format, size_t size) {
  size_t total = 0;
  for (size_t i = 0; i < size; i++) {
    if (format[i] != 'c') continue;
    size_t n = 0;
    for (; i + 1 < size && format[i + 1] >= '0' && format[i + 1] <= '9'; i++)
      if (n < SIZE_MAX / 64) n = n * 10 + (size_t)(format[i + 1] - '0');
    total = total > SIZE_MAX / 4 ? total : total + n;
  }
  return total;
}

static int own_pack(lua_State *L) {
  size_t size, total;
  const char *format = luaL_checklstring(L, 1, &size);
  total = padding(format, size);
  if (total > 1024) clk_need_memory(L, total, NULL);
  clk_charge(L, size + total / 16);
  int results = lib_native(L);
  clk_charge(L, lua_rawlen(L, -1) / 16);
  return results;
}

static int own_unpack(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) clk_charge(L, lua_rawlen(L, 1));
  if (lua_type(L, 2) == LUA_TSTRING) clk_charge(L, lua_rawlen(L, 2) / 64);
  return lib_native(L);
}

static int own_packsize(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) clk_charge(L, lua_rawlen(L, 1));
  return lib_native(L);
}

void lib_open_string(lua_State *L) {
  static const lib_entry entries[] = {
      {"len", NULL, 0},         {"byte", by_result, 1},   {"char", by_result, 1},    {"sub", by_result, 1},
      {"upper", whole_text, 1}, {"lower", whole_text, 1}, {"reverse", whole_text, 1}, {"rep", own_rep, 0},
      {"pack", own_pack, 1},    {"unpack", own_unpack, 1}, {"packsize", own_packsize, 1}, {NULL, NULL, 0}};
  lua_newtable(L);
  int target = lua_gettop(L);
  lib_push_natives(L, luaopen_string); /* this also gives strings a metatable, with their arithmetic */
  lib_install(L, target, entries);
  lua_settop(L, target);
  lib_add_patterns(L);
  lib_add_format(L);
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushvalue(L, target);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_settop(L, target);
  lua_setfield(L, -2, "string");
}
