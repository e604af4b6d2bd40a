/* table.sort
 *
 * The order is made by merging, from copies of the elements in two tables of our own: the number of
 * comparisons is bounded (n log n) for whatever comparison, equal elements keep their order, and no run
 * depends on a random pivot. The script's table is written once, at the end; an error in a comparison
 * leaves it as it was.
 *
 * Facts it answers:
 * - A comparison may be anything that can be called, may fail, lie or change the table: nothing is
 *   trusted but that it ends, and for that each one is charged and the flags are looked at after it.
 * - Sorting with "<=" or with a constant is a common mistake that other algorithms stumble over. Here one
 *   element is compared with itself, which finds both.
 */
#include <string.h>
#include "lib.h"
#include <limits.h>

enum { TABLE = 1, COMPARISON = 2, FROM = 3, TO = 4 };

/* Whether the value at a comes before the one at b, by absolute indices. */
static int comes_before(lua_State *L, int a, int b) {
  clk_charge(L, 10);
  if (lua_isnil(L, COMPARISON)) return lua_compare(L, a, b, LUA_OPLT);
  lua_pushvalue(L, COMPARISON);
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  lua_call(L, 2, 1);
  clk_check(L);
  int answer = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return answer;
}

/* Merges [low, middle) and [middle, high) of the table at `from` into the one at `to`. */
static void merge(lua_State *L, int from, int to, lua_Integer low, lua_Integer middle, lua_Integer high) {
  lua_Integer left = low, right = middle, at = low;
  int a = lua_gettop(L) + 1, b = a + 1;
  if (middle < high) {
    lua_rawgeti(L, from, middle - 1);
    lua_rawgeti(L, from, middle);
    if (comes_before(L, b, a)) {
      lua_settop(L, a - 1);
      lua_rawgeti(L, from, left);
      lua_rawgeti(L, from, right);
      for (;;) {
        if (comes_before(L, b, a)) {
          lua_rawseti(L, to, at++);
          if (++right == high) break;
          lua_rawgeti(L, from, right);
        } else {
          lua_pushvalue(L, a);
          lua_rawseti(L, to, at++);
          if (++left == middle) break;
          lua_rawgeti(L, from, left);
          lua_replace(L, a);
        }
      }
    }
    lua_settop(L, a - 1);
  }
  clk_charge(L, (size_t)(high - low));
  for (; left < middle; left++) {
    lua_rawgeti(L, from, left);
    lua_rawseti(L, to, at++);
  }
  for (; right < high; right++) {
    lua_rawgeti(L, from, right);
    lua_rawseti(L, to, at++);
  }
}

static void check_comparison(lua_State *L, lua_Integer count) {
  if (lua_isnil(L, COMPARISON) || count < 4) return;
  lua_rawgeti(L, FROM, 1);
  int one = lua_gettop(L);
  if (comes_before(L, one, one)) luaL_error(L, "invalid order function for sorting");
  lua_pop(L, 1);
}

static int check_callable(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__call") == LUA_TNIL) return 0;
  lua_pop(L, 1);
  return 1;
}

static int own_sort(lua_State *L) {
  lua_Integer count = lib_checked_length(L, TABLE);
  if (count < 2) return 0;
  luaL_argcheck(L, count < INT_MAX, 1, "array too big");
  if (!lua_isnoneornil(L, COMPARISON) && !check_callable(L, COMPARISON))
    luaL_checktype(L, COMPARISON, LUA_TFUNCTION);
  lua_settop(L, 2);
  luaL_checkstack(L, 20, NULL);
  clk_need_memory(L, (size_t)count * 2 * 16, "table");
  lua_createtable(L, (int)count, 0);
  lua_createtable(L, (int)count, 0);
  for (lua_Integer i = 1; i <= count; i++) {
    clk_charge(L, 4);
    lua_geti(L, TABLE, i);
    lua_rawseti(L, FROM, i);
  }
  check_comparison(L, count);
  int from = FROM, to = TO;
  for (lua_Integer width = 1; width < count; width *= 2) {
    for (lua_Integer low = 1; low <= count; low += 2 * width) {
      lua_Integer middle = low + width <= count ? low + width : count + 1;
      lua_Integer high = middle + width <= count ? middle + width : count + 1;
      merge(L, from, to, low, middle, high);
    }
    int swap = from;
    from = to;
    to = swap;
  }
  for (lua_Integer i = 1; i <= count; i++) {
    clk_charge(L, 4);
    lua_rawgeti(L, from, i);
    lua_seti(L, TABLE, i);
  }
  return 0;
}

void lib_add_sort(lua_State *L) {
  lua_pushcfunction(L, own_sort);
  lua_setfield(L, -2, "sort");
}
