/* The utf8 library: the natives, charged for the bytes they may walk over. */
#include "lib.h"

static int own_char(lua_State *L) {
  clk_charge(L, (size_t)lua_gettop(L) + 1);
  return lib_native(L);
}

/* One character unless a third argument asks for more. */
static int own_codepoint(lua_State *L) {
  size_t n;
  luaL_checklstring(L, 1, &n);
  clk_charge(L, lua_isnoneornil(L, 3) ? 1 : n / 4 + 1);
  return lib_native(L);
}

static int own_len(lua_State *L) {
  size_t n;
  luaL_checklstring(L, 1, &n);
  clk_charge(L, n / 4 + 1);
  return lib_native(L);
}

static int own_offset(lua_State *L) {
  size_t n;
  luaL_checklstring(L, 1, &n);
  lua_Integer characters = luaL_checkinteger(L, 2);
  lua_Unsigned far = characters < 0 ? 0 - (lua_Unsigned)characters : (lua_Unsigned)characters;
  clk_charge(L, (far > 0 && far < n ? (size_t)far : n) / 4 + 1);
  return lib_native(L);
}

static int is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* The iterator skips the continuation bytes behind its position: as many as a hostile string has. */
static int next_code(lua_State *L) {
  size_t n;
  const char *s = luaL_checklstring(L, 1, &n);
  lua_Unsigned i = (lua_Unsigned)lua_tointeger(L, 2), end = i;
  while (end < n && is_continuation(s[end])) end++;
  clk_charge(L, (size_t)(end - i) / 4 + 1);
  return lib_native(L);
}

static int own_codes(lua_State *L) {
  lib_native(L); /* iterator, text, 0 */
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, next_code, 1);
  lua_replace(L, -4);
  return 3;
}

void lib_open_utf8(lua_State *L) {
  static const lib_entry entries[] = {{"char", own_char, 1},     {"charpattern", NULL, 0}, {"codepoint", own_codepoint, 1},
                                      {"codes", own_codes, 1},   {"len", own_len, 1},      {"offset", own_offset, 1},
                                      {NULL, NULL, 0}};
  lua_newtable(L);
  int target = lua_gettop(L);
  lib_push_natives(L, luaopen_utf8);
  lib_install(L, target, entries);
  lua_pop(L, 1);
  lua_setfield(L, -2, "utf8");
}
