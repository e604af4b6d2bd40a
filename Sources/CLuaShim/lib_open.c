/* Installs the library functions, from lists of names: what is not listed is not there. */
#include "lib.h"

void lib_push_natives(lua_State *L, lua_CFunction open) {
  lua_pushcfunction(L, open);
  lua_call(L, 0, 1);
}

void lib_install(lua_State *L, int target, const lib_entry *entries) {
  int natives = lua_gettop(L);
  for (const lib_entry *e = entries; e->name; e++) {
    if (!e->own) {
      lua_getfield(L, natives, e->name);
    } else if (e->over_native) {
      lua_getfield(L, natives, e->name);
      lua_pushcclosure(L, e->own, 1);
    } else {
      lua_pushcfunction(L, e->own);
    }
    lua_setfield(L, target, e->name);
  }
}

void clk_open_library(lua_State *L) {
  luaL_checkstack(L, 20, NULL);
  lib_open_base(L);
  lib_open_traversal(L);
  lib_open_string(L);
  lib_open_table(L);
  lib_open_utf8(L);
  lib_open_math(L);
  lib_open_os(L);
}
