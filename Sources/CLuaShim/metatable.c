/* setmetatable, getmetatable, and tables that scripts can read only.
 *
 * Facts it answers:
 * - __gc functions run with hooks off, and weak tables arm a fault of older libraries; a metatable can be
 *   filled after it was attached. So what is attached is a private copy of the allowed raw fields; the
 *   script's own table is kept in it and is what getmetatable answers.
 * - __close would run while a killed run unwinds: a guard in its place does nothing then, and otherwise
 *   calls the script's function, which may yield.
 * - Copies are cached by the script's table in a strong, bounded table: a weak one would be an ephemeron
 *   table whose chains scripts could build. The fields are compared at each hit. The cache is dropped whole when
 *   memory is short, before a run is ended for it.
 */
#include "run.h"

#define CACHE_MAX 256

const char clk_key_metatables = 0, clk_key_protected = 0;

static const char *const allowed[] = {
    "__index",  "__newindex", "__call", "__close", "__add",  "__sub", "__mul", "__div",    "__mod",
    "__pow",    "__unm",      "__idiv", "__band",  "__bor",  "__bxor", "__shl", "__shr",   "__bnot",
    "__concat", "__len",      "__eq",   "__lt",    "__le",   "__tostring", "__pairs", "__metatable"};
enum { ALLOWED = sizeof allowed / sizeof allowed[0], OWN = 1, ORIGINAL_CLOSE = 2 };

static int finish_close(lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 0;
}

static int guarded_close(lua_State *L) {
  if (clk_killed(L)) return 0;
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_callk(L, 2, 0, 0, finish_close);
  return 0;
}

static int is_close(int i) { return i == 3; }

/* Whether the copy at `copy` still says what `mt` says. */
static int is_current(lua_State *L, int mt, int copy) {
  for (int i = 0; i < ALLOWED; i++) {
    lua_pushstring(L, allowed[i]);
    lua_rawget(L, mt);
    if (is_close(i)) {
      lua_rawgeti(L, copy, ORIGINAL_CLOSE);
    } else {
      lua_pushstring(L, allowed[i]);
      lua_rawget(L, copy);
    }
    int same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!same) return 0;
  }
  return 1;
}

static void refuse_gc(lua_State *L, int mt) {
  lua_pushliteral(L, "__gc");
  if (lua_rawget(L, mt) != LUA_TNIL) luaL_error(L, "finalizers ('__gc') are not available to scripts");
  lua_pop(L, 1);
}

static void push_copy(lua_State *L, int mt) {
  lua_createtable(L, 2, 4);
  int copy = lua_gettop(L);
  lua_pushvalue(L, mt);
  lua_rawseti(L, copy, OWN);
  for (int i = 0; i < ALLOWED; i++) {
    lua_pushstring(L, allowed[i]);
    lua_pushvalue(L, -1);
    int type = lua_rawget(L, mt);
    if (type == LUA_TNIL) {
      lua_pop(L, 2);
      continue;
    }
    if (allowed[i][2] == 'c' && allowed[i][3] == 'a' && type != LUA_TFUNCTION)
      luaL_error(L, "'__call' must be a function, got %s", luaL_typename(L, -1));
    if (is_close(i)) {
      lua_pushvalue(L, -1);
      lua_rawseti(L, copy, ORIGINAL_CLOSE);
      lua_pushcclosure(L, guarded_close, 1);
    }
    lua_rawset(L, copy);
  }
}

static void push_new_cache(lua_State *L) {
  lua_createtable(L, 0, 16);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_metatables);
}

static void push_cached_copy(lua_State *L, int mt) {
  refuse_gc(L, mt);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_metatables) != LUA_TTABLE) {
    lua_pop(L, 1);
    push_new_cache(L);
  }
  int cache = lua_gettop(L);
  lua_pushvalue(L, mt);
  if (lua_rawget(L, cache) == LUA_TTABLE && is_current(L, mt, lua_gettop(L))) {
    lua_replace(L, cache);
    lua_settop(L, cache);
    return;
  }
  lua_settop(L, cache);
  push_copy(L, mt);
  lua_rawgeti(L, cache, 0); /* how many there are */
  lua_Integer count = lua_tointeger(L, -1);
  lua_pop(L, 1);
  if (count >= CACHE_MAX) {
    push_new_cache(L);
    lua_replace(L, cache);
    count = 0;
  }
  lua_pushvalue(L, mt);
  lua_pushvalue(L, -2);
  lua_rawset(L, cache);
  lua_pushinteger(L, count + 1);
  lua_rawseti(L, cache, 0);
  lua_replace(L, cache);
  lua_settop(L, cache);
}

static int own_setmetatable(lua_State *L) {
  int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  lua_settop(L, 2);
  if (type == LUA_TTABLE) push_cached_copy(L, 2);
  lua_setmetatable(L, 1);
  lua_settop(L, 1);
  return 1;
}

static int own_getmetatable(lua_State *L) {
  luaL_checkany(L, 1);
  if (!lua_getmetatable(L, 1)) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushliteral(L, "__metatable");
  if (lua_rawget(L, -2) == LUA_TNIL) lua_rawgeti(L, -2, OWN);
  return 1;
}

static int own_rawset(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  luaL_checkany(L, 3);
  if (clk_is_protected(L, 1)) return luaL_error(L, "this table can't be changed by a script");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

static int own_collectgarbage(lua_State *L) {
  const char *option = luaL_optstring(L, 1, "collect");
  if (strcmp(option, "count") != 0)
    return luaL_error(L, "collectgarbage answers \"count\" only; memory is managed by the host");
  lua_pushnumber(L, (lua_Number)lua_gc(L, LUA_GCCOUNT) + (lua_Number)lua_gc(L, LUA_GCCOUNTB) / 1024);
  return 1;
}

/* ---- read-only tables -------------------------------------------------------------------------- */

int clk_is_protected(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return 0;
  int found = lua_rawgetp(L, -1, &clk_key_protected) != LUA_TNIL;
  lua_pop(L, 2);
  return found;
}

static int refuse_change(lua_State *L) {
  return luaL_error(L, "the module '%s' can't be changed by a script", lua_tostring(L, lua_upvalueindex(1)));
}

static int next_of(lua_State *L) { /* upvalues: next, the real table */
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 2);
  lua_call(L, 2, LUA_MULTRET);
  return lua_gettop(L) - 2;
}

/* The real table itself is never handed out: the iterator looks it up for the face. */
static int pairs_of(lua_State *L) {
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_pushnil(L);
  return 3;
}

/* name, real table -> its read-only face: an empty table that looks everything up in the real one */
void clk_seal_table(lua_State *L) {
  int real = lua_gettop(L), name = real - 1;
  lua_newtable(L);
  lua_newtable(L);
  lua_pushvalue(L, real);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, name);
  lua_pushcclosure(L, refuse_change, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushglobaltable(L);
  lua_getfield(L, -1, "next");
  lua_remove(L, -2);
  lua_pushvalue(L, real);
  lua_pushcclosure(L, next_of, 2);
  lua_pushcclosure(L, pairs_of, 1);
  lua_setfield(L, -2, "__pairs");
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &clk_key_protected);
  lua_setmetatable(L, -2);
  lua_replace(L, name);
  lua_settop(L, name);
}

void clk_open_metatable(lua_State *L) {
  static const luaL_Reg functions[] = {{"setmetatable", own_setmetatable},
                                       {"getmetatable", own_getmetatable},
                                       {"rawset", own_rawset},
                                       {"collectgarbage", own_collectgarbage},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
