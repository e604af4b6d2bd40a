/* Userdata of the host's types: a type number and two words, no pointer into Swift, no finaliser.
 *
 * Facts it answers:
 * - A cast after lua_touserdata confuses types: each of ours carries a mark that only this state knows,
 *   and its type is compared at each use. A method called with '.' on something else is an error.
 * - Metatables are out of reach: __metatable answers in their place.
 * - Cached fields lie in the userdata's own user values, each with the epoch it was read in; raising
 *   the run's epoch makes all of them stale at once.
 */
#include "run.h"

const char clk_key_types = 0;

int clk_host_get(lua_State *L, int32_t type, int32_t slot);
int clk_host_set(lua_State *L, int32_t type, int32_t slot);
int clk_host_unknown(lua_State *L, int32_t type, int writing);

clk_object *clk_object_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_rawlen(L, index) < sizeof(clk_object)) return NULL;
  clk_object *o = lua_touserdata(L, index);
  return o->magic == clk_of(L)->magic ? o : NULL;
}

void clk_push_object(lua_State *L, int32_t type, int64_t first, int64_t second) {
  clk_run *run = clk_of(L);
  luaL_checkstack(L, 4, NULL);
  if (type < 0 || type >= run->s.types) luaL_error(L, "an object of an unknown type");
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_types);
  if (lua_rawgeti(L, -1, type + 1) != LUA_TTABLE) /* one that a reset took away leaves a gap */
    luaL_error(L, "an object of an unknown type");
  lua_rawgeti(L, -1, 1);
  int fields = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  size_t size = sizeof(clk_object) + (size_t)fields * sizeof(uint32_t);
  clk_object *o = lua_newuserdatauv(L, size, fields);
  memset(o, 0, size);
  o->magic = run->magic;
  o->type = type;
  o->fields = fields;
  o->first = first;
  o->second = second;
  lua_insert(L, -3); /* object, types, metatable */
  lua_pushvalue(L, -1);
  lua_setmetatable(L, -4);
  lua_pop(L, 2);
}

void clk_invalidate_fields(clk_run *run) {
  if (++run->s.epoch == 0) run->s.epoch = 1;
}

static clk_object *receiver(lua_State *L, int32_t type) {
  clk_object *o = clk_object_at(L, 1);
  if (!o || o->type != type) luaL_error(L, "an object of another type was expected, got %s", luaL_typename(L, 1));
  return o;
}

/* upvalues: names (field -> slot, method -> function), type, handler of integer keys or nil */
static int object_index(lua_State *L) {
  int32_t type = (int32_t)lua_tointeger(L, lua_upvalueindex(2));
  clk_object *o = receiver(L, type);
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  switch (lua_rawget(L, lua_upvalueindex(1))) {
    case LUA_TNUMBER: {
      int32_t slot = (int32_t)lua_tointeger(L, -1);
      lua_pop(L, 1);
      if (slot < o->fields && o->epochs[slot] == clk_of(L)->s.epoch) {
        lua_getiuservalue(L, 1, slot + 1);
        return 1;
      }
      if (clk_host_get(L, type, slot) != 1) lua_pushnil(L);
      if (slot < o->fields) {
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, slot + 1);
        o->epochs[slot] = clk_of(L)->s.epoch;
      }
      return 1;
    }
    case LUA_TFUNCTION: return 1;
    default:
      lua_pop(L, 1);
      if (lua_isinteger(L, 2) && lua_isfunction(L, lua_upvalueindex(3))) {
        lua_pushvalue(L, lua_upvalueindex(3));
        lua_insert(L, 1);
        lua_call(L, 2, 1);
        return 1;
      }
      return clk_host_unknown(L, type, 0);
  }
}

/* upvalues: names, type */
static int object_newindex(lua_State *L) {
  int32_t type = (int32_t)lua_tointeger(L, lua_upvalueindex(2));
  receiver(L, type);
  lua_settop(L, 3);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER) {
    lua_pop(L, 1);
    return clk_host_unknown(L, type, 1);
  }
  int32_t slot = (int32_t)lua_tointeger(L, -1);
  lua_pop(L, 1);
  clk_host_set(L, type, slot);
  clk_invalidate_fields(clk_of(L)); /* also what was read while it was assigned */
  return 0;
}

static int object_equal(lua_State *L) {
  clk_object *a = clk_object_at(L, 1), *b = clk_object_at(L, 2);
  lua_pushboolean(L, a && b && a->type == b->type && a->first == b->first && a->second == b->second);
  return 1;
}

static int define_type_body(lua_State *L) {
  clk_run *run = clk_of(L);
  clk_push_parcel(L); /* 1 name, 2 caches, 3 fields, 4 methods, 5 metamethods, 6 settable */
  lua_settop(L, 6);
  lua_newtable(L); /* 7: the metatable */
  lua_newtable(L); /* 8: names */
  int count = (int)lua_rawlen(L, 3);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, 3, i);
    lua_pushinteger(L, i - 1);
    lua_rawset(L, 8);
  }
  for (lua_pushnil(L); lua_next(L, 4); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    clk_push_host_function(L, (int32_t)lua_tointeger(L, -2), run->job.type);
    lua_rawset(L, 8);
  }
  lua_pushinteger(L, lua_toboolean(L, 2) ? count : 0);
  lua_rawseti(L, 7, 1);
  lua_pushvalue(L, 1);
  lua_setfield(L, 7, "__name");
  lua_pushvalue(L, 1);
  lua_setfield(L, 7, "__metatable");
  lua_pushcfunction(L, object_equal);
  lua_setfield(L, 7, "__eq");
  lua_pushnil(L); /* 9: handler of integer keys */
  for (lua_pushnil(L); lua_next(L, 5); lua_pop(L, 1)) {
    clk_push_host_function(L, (int32_t)lua_tointeger(L, -1), -1);
    if (strcmp(lua_tostring(L, -3), "__index") == 0) {
      lua_replace(L, 9);
    } else {
      lua_pushvalue(L, -3);
      lua_insert(L, -2);
      lua_rawset(L, 7);
    }
  }
  lua_pushvalue(L, 8);
  lua_pushinteger(L, run->job.type);
  lua_pushvalue(L, 9);
  lua_pushcclosure(L, object_index, 3);
  lua_setfield(L, 7, "__index");
  lua_pushvalue(L, 8);
  lua_pushinteger(L, run->job.type);
  lua_pushcclosure(L, object_newindex, 2);
  lua_setfield(L, 7, "__newindex");
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_types);
  lua_pushvalue(L, 7);
  lua_rawseti(L, -2, run->job.type + 1);
  run->s.types = run->job.type + 1;
  return 0;
}

int clk_define_type(clk_run *run, int32_t type) {
  run->job.type = type;
  return clk_enter(run, define_type_body, 0);
}
