/* table: concat insert remove move pack unpack
 *
 * Facts it answers:
 * - Each of these loops runs as long as the table says it is, and a table may say so by `__len`: every
 *   element is charged. Elements are read and written with metamethods, as in plain Lua.
 */
#include <string.h>
#include "lib.h"
#include <limits.h>

enum { READS = 1, WRITES = 2, MEASURES = 4 };

static int has_field(lua_State *L, const char *name, int metatable) {
  lua_pushstring(L, name);
  int found = lua_rawget(L, metatable) != LUA_TNIL;
  lua_pop(L, 1);
  return found;
}

/* A table, or what has the metamethods to stand for one. */
static void check_table(lua_State *L, int index, int uses) {
  if (lua_type(L, index) == LUA_TTABLE) return;
  if (lua_getmetatable(L, index)) {
    int metatable = lua_gettop(L);
    if ((!(uses & READS) || has_field(L, "__index", metatable)) &&
        (!(uses & WRITES) || has_field(L, "__newindex", metatable)) &&
        (!(uses & MEASURES) || has_field(L, "__len", metatable))) {
      lua_pop(L, 1);
      return;
    }
  }
  luaL_checktype(L, index, LUA_TTABLE);
}

lua_Integer lib_checked_length(lua_State *L, int argument) {
  check_table(L, argument, READS | WRITES | MEASURES);
  return luaL_len(L, argument);
}

static void copy_element(lua_State *L, int from, lua_Integer source, int to, lua_Integer destination) {
  clk_charge(L, 4);
  lua_geti(L, from, source);
  lua_seti(L, to, destination);
}

static int own_insert(lua_State *L) {
  int count = lua_gettop(L);
  lua_Unsigned end = (lua_Unsigned)lib_checked_length(L, 1) + 1;
  lua_Integer position = (lua_Integer)end;
  if (count == 3) {
    position = luaL_checkinteger(L, 2);
    luaL_argcheck(L, (lua_Unsigned)position - 1u < end, 2, "position out of bounds");
    for (lua_Integer i = (lua_Integer)end; i > position; i--) copy_element(L, 1, i - 1, 1, i);
  } else if (count != 2) {
    return luaL_error(L, "wrong number of arguments to 'insert'");
  }
  lua_seti(L, 1, position);
  return 0;
}

static int own_remove(lua_State *L) {
  lua_Integer length = lib_checked_length(L, 1);
  lua_Integer position = luaL_optinteger(L, 2, length);
  if (position != length)
    luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)length, 2, "position out of bounds");
  lua_geti(L, 1, position);
  for (; position < length; position++) copy_element(L, 1, position + 1, 1, position);
  lua_pushnil(L);
  lua_seti(L, 1, position);
  return 1;
}

static int own_move(lua_State *L) {
  lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, READS);
  check_table(L, target, WRITES);
  if (last >= first) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    lua_Integer count = last - first + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    int apart = to > last || to <= first || (target != 1 && !lua_compare(L, 1, target, LUA_OPEQ));
    if (apart) {
      for (lua_Integer i = 0; i < count; i++) copy_element(L, 1, first + i, target, to + i);
    } else { /* the places overlap: from the end, so nothing is overwritten before it is read */
      for (lua_Integer i = count - 1; i >= 0; i--) copy_element(L, 1, first + i, target, to + i);
    }
  }
  lua_pushvalue(L, target);
  return 1;
}

static int own_concat(lua_State *L) {
  check_table(L, 1, READS | MEASURES);
  lua_Integer last = luaL_len(L, 1);
  size_t between;
  const char *separator = luaL_optlstring(L, 2, "", &between);
  lua_Integer i = luaL_optinteger(L, 3, 1);
  last = luaL_optinteger(L, 4, last);
  lib_buffer b;
  lib_buffer_open(L, &b);
  for (; i <= last; i++) {
    clk_charge(L, 4);
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1))
      return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
                        (LUAI_UACINT)i);
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    clk_charge(L, (size + between) / 64);
    lib_buffer_add(&b, text, size);
    lua_pop(L, 1);
    if (i == last) break; /* the biggest integer has no next one */
    lib_buffer_add(&b, separator, between);
  }
  lib_buffer_finish(&b);
  return 1;
}

static int own_pack(lua_State *L) {
  int count = lua_gettop(L);
  clk_charge(L, (size_t)count);
  lua_createtable(L, count, 1);
  lua_insert(L, 1);
  for (int i = count; i >= 1; i--) lua_rawseti(L, 1, i);
  lua_pushinteger(L, count);
  lua_setfield(L, 1, "n");
  return 1;
}

static int own_unpack(lua_State *L) {
  lua_Integer first = luaL_optinteger(L, 2, 1);
  lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
  if (first > last) return 0;
  lua_Unsigned count = (lua_Unsigned)last - (lua_Unsigned)first;
  if (count >= (lua_Unsigned)INT_MAX || !lua_checkstack(L, (int)++count))
    return luaL_error(L, "too many results to unpack");
  clk_charge(L, (size_t)count);
  for (lua_Unsigned i = 0; i < count; i++) {
    if ((i & 255) == 255) clk_charge(L, 256);
    lua_geti(L, 1, first + (lua_Integer)i);
  }
  return (int)count;
}

void lib_open_table(lua_State *L) {
  static const luaL_Reg functions[] = {{"concat", own_concat}, {"insert", own_insert}, {"remove", own_remove},
                                       {"move", own_move},     {"pack", own_pack},     {"unpack", own_unpack},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  lib_add_sort(L);
  lua_setfield(L, -2, "table");
}
