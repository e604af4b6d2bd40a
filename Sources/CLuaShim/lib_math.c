/* The math library: the natives, none of which loops. */
#include "lib.h"

/* Without arguments the native takes the time and an address as its seed, which no second run has. */
static int own_randomseed(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1)); /* not called in this frame: it has an upvalue, the generator */
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}

void lib_open_math(lua_State *L) {
  static const lib_entry entries[] = {
      {"abs", NULL, 0},  {"acos", NULL, 0},      {"asin", NULL, 0}, {"atan", NULL, 0},       {"ceil", NULL, 0},
      {"cos", NULL, 0},  {"deg", NULL, 0},       {"exp", NULL, 0},  {"floor", NULL, 0},      {"fmod", NULL, 0},
      {"huge", NULL, 0}, {"log", NULL, 0},       {"max", NULL, 0},  {"maxinteger", NULL, 0}, {"min", NULL, 0},
      {"modf", NULL, 0}, {"mininteger", NULL, 0}, {"pi", NULL, 0},  {"rad", NULL, 0},        {"random", NULL, 0},
      {"sin", NULL, 0},  {"sqrt", NULL, 0},      {"tan", NULL, 0},  {"tointeger", NULL, 0},  {"type", NULL, 0},
      {"ult", NULL, 0},  {"randomseed", own_randomseed, 1}, {NULL, NULL, 0}};
  lua_newtable(L);
  int target = lua_gettop(L);
  lib_push_natives(L, luaopen_math);
  lib_install(L, target, entries);
  lua_pop(L, 1);
  lua_getfield(L, target, "randomseed"); /* the same numbers in each state until the host seeds it */
  lua_pushinteger(L, 0);
  lua_pushinteger(L, 0);
  lua_call(L, 2, 0);
  lua_setfield(L, -2, "math");
}
