/* Of the os library: date, time, difftime and clock. "Now" is the host's recorded clock, never the
 * system's, so a repeated run reads the same times. */
#include <math.h>
#include "lib.h"

#define FORMAT_MAX ((size_t)64 << 10)

static void push_now(lua_State *L) {
  double now = floor(clk_now(L));
  lua_Integer seconds;
  if (!lua_numbertointeger(now, &seconds)) seconds = 0;
  lua_pushinteger(L, seconds);
}

static int own_time(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    push_now(L);
    return 1;
  }
  clk_charge(L, 100);
  return lib_native(L);
}

static int own_date(lua_State *L) {
  size_t n;
  luaL_optlstring(L, 1, "%c", &n);
  luaL_argcheck(L, n <= FORMAT_MAX, 1, "format too long");
  if (lua_isnoneornil(L, 2)) {
    lua_settop(L, 1);
    push_now(L);
  }
  clk_charge(L, 200 + n * 40); /* each conversion goes through strftime */
  return lib_native(L);
}

/* Seconds by the host's clock since the script asked first. */
static int own_clock(lua_State *L) {
  double now = clk_now(L);
  if (lua_isnil(L, lua_upvalueindex(1))) {
    lua_pushnumber(L, now);
    lua_replace(L, lua_upvalueindex(1));
  }
  lua_pushnumber(L, now - lua_tonumber(L, lua_upvalueindex(1)));
  return 1;
}

void lib_open_os(lua_State *L) {
  static const lib_entry entries[] = {
      {"date", own_date, 1}, {"time", own_time, 1}, {"difftime", NULL, 0}, {NULL, NULL, 0}};
  lua_newtable(L);
  int target = lua_gettop(L);
  lib_push_natives(L, luaopen_os);
  lib_install(L, target, entries);
  lua_pop(L, 1);
  lua_pushnil(L);
  lua_pushcclosure(L, own_clock, 1);
  lua_setfield(L, target, "clock");
  lua_setfield(L, -2, "os");
}
