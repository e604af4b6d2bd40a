/* Functions that the host holds: a number stands for each.
 *
 * Facts it answers:
 * - A function keeps alive all it can reach. So one that comes as an argument, or as the result of a nested
 *   call, is only lent: it is given back when the host function that got it has returned, unless the host
 *   retains it. Results of a run are the host's until it releases them.
 * - No number is given twice, so a handle kept for too long is an error and never another function.
 * - Host functions nest strictly, whatever coroutines do: Swift has returned before anything is yielded. So
 *   what is lent is a stack, and each entry from the host begins a part of it (its floor).
 * - An error can pass by the end of a call; what it left is given back when the next call begins.
 */
#include "run.h"
#include <stdlib.h>

const char clk_key_references = 0, clk_key_numbers = 0; /* number -> function, function -> number */

static void lend(lua_State *L, clk_run *run, int32_t number) {
  if (run->lent.count == run->lent.capacity) {
    size_t capacity = run->lent.capacity ? run->lent.capacity * 2 : 32;
    int32_t *numbers = clk_host_memory(run->lent.numbers, capacity * sizeof *numbers);
    if (!numbers) {
      clk_kill(L, CLK_KIND_MEMORY);
      return;
    }
    run->lent.numbers = numbers;
    run->lent.capacity = capacity;
  }
  run->lent.numbers[run->lent.count++] = number;
}

int32_t clk_reference(lua_State *L, int index) {
  clk_run *run = clk_of(L);
  index = lua_absindex(L, index);
  luaL_checkstack(L, 4, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_numbers);
  lua_pushvalue(L, index);
  if (lua_rawget(L, -2) == LUA_TNUMBER) {
    int32_t known = (int32_t)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return known;
  }
  lua_pop(L, 1);
  if (run->s.references == INT32_MAX) luaL_error(L, "too many functions were passed to the host");
  int32_t number = ++run->s.references;
  lend(L, run, number); /* first: should memory end below, it finds nothing to give back */
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_references);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, number);
  lua_pop(L, 1);
  lua_pushvalue(L, index);
  lua_pushinteger(L, number);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return number;
}

void clk_push_function(lua_State *L, int32_t reference) {
  luaL_checkstack(L, 3, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_references);
  int type = lua_rawgeti(L, -1, reference);
  lua_remove(L, -2);
  if (type != LUA_TFUNCTION) luaL_error(L, "the function has been released");
}

/* The tables are at -2 (numbers) and -1 (references). Clears fields that are there, so it allocates nothing. */
static void forget(lua_State *L, int32_t number) {
  if (lua_rawgeti(L, -1, number) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    return;
  }
  lua_pushvalue(L, -1);
  if (lua_rawget(L, -4) == LUA_TNIL) { /* memory ended between the two */
    lua_pop(L, 2);
  } else {
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
  lua_pushnil(L);
  lua_rawseti(L, -2, number);
}

void clk_end_lending(lua_State *L) {
  clk_run *run = clk_of(L);
  if (run->lent.count <= run->lent.floor || !lua_checkstack(L, 6)) return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_numbers);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_references);
  while (run->lent.count > run->lent.floor) {
    int32_t number = run->lent.numbers[--run->lent.count];
    if (number > 0) forget(L, number);
  }
  lua_pop(L, 2);
}

void clk_retain(clk_run *run, int32_t function) {
  size_t low = 0, high = run->lent.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int32_t number = run->lent.numbers[middle];
    if (number == function) run->lent.numbers[middle] = -function;
    if (number == function || number == -function) return;
    if ((number < 0 ? -number : number) < function) low = middle + 1;
    else high = middle;
  }
}

static int release_body(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_numbers);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_references);
  forget(L, clk_of(L)->job.function);
  return 0;
}

int clk_release(clk_run *run, int32_t function) {
  run->job.function = function;
  return clk_enter(run, release_body, 0);
}

int clk_held_functions(const clk_run *run) {
  lua_State *L = run->main;
  int count = 0;
  if (!lua_checkstack(L, 3)) return -1;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_references);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) count++;
  lua_pop(L, 1);
  return count;
}
