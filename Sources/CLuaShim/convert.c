/* Values between the Lua stack and the parcel.
 *
 * Facts it answers:
 * - Reading is raw: no metamethod runs, `#t` is not trusted (a table's values are those at 1, 2, 3... up
 *   to the first nil), and keys are never converted in place while lua_next walks over them.
 * - Depth, number and bytes are bounded and a table that holds itself is found, so hostile data ends in
 *   an ordinary error. The bounds are one call's: what is cheap in Lua, such as one long string or table given
 *   as each of many arguments, is a copy each in the host.
 * - Each push is preceded by a demand for stack; only the callers' protected calls see what is raised.
 */
#include "run.h"
#include <stdlib.h>

clk_parcel *clk_parcel_of(clk_run *run) { return &run->parcel; }

bool clk_parcel_grow(clk_parcel *p) {
  size_t capacity = p->node_capacity ? p->node_capacity * 2 : 32;
  clk_node *nodes = clk_host_memory(p->nodes, capacity * sizeof(clk_node));
  if (!nodes) {
    p->failed = true;
    return false;
  }
  p->nodes = nodes;
  p->node_capacity = capacity;
  return true;
}

void clk_parcel_bytes(clk_parcel *p, const void *bytes, size_t count) {
  if (count > p->byte_capacity - p->byte_count) {
    size_t capacity = p->byte_capacity ? p->byte_capacity * 2 : 512;
    while (capacity - p->byte_count < count) capacity *= 2;
    uint8_t *grown = clk_host_memory(p->bytes, capacity);
    if (!grown) {
      p->failed = true;
      return;
    }
    p->bytes = grown;
    p->byte_capacity = capacity;
  }
  if (count) memcpy(p->bytes + p->byte_count, bytes, count);
  clk_parcel_add(p, CLK_NODE_STRING, 0, (int64_t)p->byte_count, (int64_t)count, 0);
  p->byte_count += count;
}

/* ---- parcel to stack ------------------------------------------------------------------------- */

static size_t push_node(lua_State *L, const clk_parcel *p, size_t i) {
  luaL_checkstack(L, 4, "too many values");
  if (i >= p->node_count) {
    lua_pushnil(L);
    return i;
  }
  clk_node n = p->nodes[i++];
  switch (n.kind) {
    case CLK_NODE_BOOLEAN: lua_pushboolean(L, n.first != 0); break;
    case CLK_NODE_INTEGER: lua_pushinteger(L, n.first); break;
    case CLK_NODE_NUMBER: lua_pushnumber(L, n.number); break;
    case CLK_NODE_STRING: lua_pushlstring(L, (const char *)p->bytes + n.first, (size_t)n.second); break;
    case CLK_NODE_FUNCTION: clk_push_function(L, n.tag); break;
    case CLK_NODE_OBJECT: clk_push_object(L, n.tag, n.first, n.second); break;
    case CLK_NODE_TABLE: {
      lua_createtable(L, (int)n.first, (int)n.second);
      for (int64_t k = 1; k <= n.first; k++) {
        i = push_node(L, p, i);
        lua_rawseti(L, -2, k);
      }
      for (int64_t k = 0; k < n.second; k++) {
        i = push_node(L, p, i);
        i = push_node(L, p, i);
        if (lua_isnil(L, -2)) lua_pop(L, 2); /* Swift refuses such keys; nothing to set */
        else lua_rawset(L, -3);
      }
      break;
    }
    default: lua_pushnil(L);
  }
  return i;
}

int clk_push_parcel(lua_State *L) {
  clk_run *run = clk_of(L);
  if (run->parcel.failed) clk_kill(L, CLK_KIND_MEMORY);
  int count = 0;
  for (size_t i = 0; i < run->parcel.node_count; count++) i = push_node(L, &run->parcel, i);
  if (run->parcel.node_count > 16) clk_charge(L, run->parcel.node_count);
  return count;
}

/* ---- stack to parcel ------------------------------------------------------------------------- */

typedef struct reading {
  clk_run *run;
  clk_parcel *parcel;
  int depth;
  const void *path[CLK_DEPTH_MAX];
} reading;

static void read_one(lua_State *L, int index, reading *r);

static void read_key(lua_State *L, int index, reading *r) {
  int type = lua_type(L, index);
  if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TBOOLEAN)
    luaL_error(L, "a table with a %s as a key can't be passed to the host", luaL_typename(L, index));
  read_one(L, index, r);
}

static void read_table(lua_State *L, int index, reading *r) {
  const void *self = lua_topointer(L, index);
  if (r->depth >= CLK_DEPTH_MAX)
    luaL_error(L, "a table nested more than %d deep can't be passed to the host", CLK_DEPTH_MAX);
  for (int i = 0; i < r->depth; i++)
    if (r->path[i] == self) luaL_error(L, "a table that contains itself can't be passed to the host");
  clk_charge(L, 8); /* also looks at the flags: an emptied table may have a million places to walk over */
  r->path[r->depth++] = self;
  luaL_checkstack(L, 4, "tables nested too deep");
  size_t head = r->parcel->node_count;
  clk_parcel_add(r->parcel, CLK_NODE_TABLE, 0, 0, 0, 0);
  lua_Integer count = 0;
  while (lua_rawgeti(L, index, count + 1) != LUA_TNIL) {
    read_one(L, lua_gettop(L), r);
    lua_pop(L, 1);
    count++;
  }
  lua_pop(L, 1);
  int64_t fields = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int key = lua_gettop(L) - 1;
    lua_Integer n = lua_isinteger(L, key) ? lua_tointeger(L, key) : 0;
    if (n < 1 || n > count) {
      read_key(L, key, r);
      read_one(L, key + 1, r);
      fields++;
    }
    lua_pop(L, 1);
  }
  if (!r->parcel->failed) {
    r->parcel->nodes[head].first = count;
    r->parcel->nodes[head].second = fields;
  }
  r->depth--;
}

static void read_one(lua_State *L, int index, reading *r) {
  clk_parcel *p = r->parcel;
  clk_run *run = r->run;
  if (run->passing.values-- <= 0)
    luaL_error(L, "more than %d values can't be passed to the host at once", CLK_ELEMENTS_MAX);
  if ((run->passing.values & 1023) == 0) clk_charge(L, 1024);
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL: clk_parcel_add(p, CLK_NODE_NIL, 0, 0, 0, 0); break;
    case LUA_TBOOLEAN: clk_parcel_add(p, CLK_NODE_BOOLEAN, 0, lua_toboolean(L, index), 0, 0); break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) clk_parcel_add(p, CLK_NODE_INTEGER, 0, lua_tointeger(L, index), 0, 0);
      else clk_parcel_add(p, CLK_NODE_NUMBER, 0, 0, 0, lua_tonumber(L, index));
      break;
    case LUA_TSTRING: {
      size_t size;
      const char *bytes = lua_tolstring(L, index, &size);
      if (size > run->passing.bytes) luaL_error(L, "the strings are too long to be passed to the host at once");
      run->passing.bytes -= size;
      if (size > 4096) clk_charge(L, size / 64);
      clk_parcel_bytes(p, bytes, size);
      break;
    }
    case LUA_TTABLE: read_table(L, index, r); break;
    case LUA_TFUNCTION:
      clk_parcel_add(p, CLK_NODE_FUNCTION, clk_reference(L, index), 0, 0, 0);
      break;
    case LUA_TUSERDATA: {
      clk_object *o = clk_object_at(L, index);
      if (o) {
        clk_parcel_add(p, CLK_NODE_OBJECT, o->type, o->first, o->second, 0);
        break;
      }
    }
    /* fall through */
    default: luaL_error(L, "a %s can't be passed to the host", luaL_typename(L, index));
  }
  if (p->failed) clk_kill(L, CLK_KIND_MEMORY);
}

void clk_read_values(lua_State *L, int first, int last, clk_parcel *p) {
  clk_run *run = clk_of(L);
  reading r = {.run = run, .parcel = p};
  clk_parcel_clear(p);
  for (int i = first; i <= last; i++) read_one(L, i, &r);
}

static int deep_body(lua_State *L) {
  clk_read_values(L, 1, 1, &clk_of(L)->parcel);
  return 0;
}

bool clk_arg_deep(lua_State *L, int32_t index) {
  clk_run *run = clk_of(L);
  int top = lua_gettop(L);
  if (lua_checkstack(L, 4)) {
    lua_pushcfunction(L, deep_body);
    if (index <= top) lua_pushvalue(L, index);
    else lua_pushnil(L);
    int status = lua_pcall(L, 1, 0, 0);
    if (status == LUA_OK) return true;
    clk_parcel_clear(&run->parcel);
    size_t size;
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &size) : NULL;
    if (text) clk_parcel_bytes(&run->parcel, text, size);
    lua_settop(L, top);
    if (status != LUA_ERRMEM) return false;
  }
  clk_mark_killed(run, CLK_KIND_MEMORY);
  return false;
}
