/* Source texts: the host's, those of require, and those a script gives to load.
 *
 * Facts it answers:
 * - Bytecode is never accepted: the mode is "t" whatever a script asks for.
 * - The compiler sees no hook. The text is fed in small pieces and the flags are looked at in between.
 * - Some corners of the compiler and of error messages are quadratic; the text is capped.
 * - What a reader function raises is a result of load, not an error.
 * - A module is loaded once, its result kept; while it is loading, asking for it again is an error.
 */
#include "run.h"

#define PIECE 1024

const char clk_key_loaded = 0;

typedef struct feed {
  const char *text;
  size_t left;
} feed;

static const char *read_piece(lua_State *L, void *data, size_t *size) {
  feed *f = data;
  clk_charge(L, PIECE / 8);
  *size = f->left < PIECE ? f->left : PIECE;
  const char *piece = f->text;
  f->text += *size;
  f->left -= *size;
  return *size ? piece : NULL;
}

/* The text must stay alive by itself (on the stack). Raises only the kill. */
int clk_load_text(lua_State *L, const char *text, size_t size, const char *chunk, int environment) {
  feed f = {text, size};
  int status = lua_load(L, read_piece, &f, chunk, "t");
  clk_look(L, status);
  if (status == LUA_OK && environment != 0) {
    lua_pushvalue(L, environment);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
  }
  return status;
}

static int no_chunk(lua_State *L, const char *message) {
  lua_pushnil(L);
  lua_pushstring(L, message);
  return 2;
}

/* Calls the reader at 1 until it gives nil or "", and leaves the joined text in a userdata. NULL: the reader
 * failed; the error is at the top. */
static const char *join_pieces(lua_State *L, size_t *size) {
  clk_run *run = clk_of(L);
  size_t capacity = PIECE;
  char *buffer = lua_newuserdatauv(L, capacity, 0);
  int at = lua_gettop(L);
  *size = 0;
  for (;;) {
    clk_charge(L, 10);
    lua_pushvalue(L, 1);
    int status = lua_pcall(L, 0, 1, 0);
    clk_look(L, status);
    if (status != LUA_OK) return NULL;
    if (lua_isnil(L, -1)) break;
    size_t n;
    if (lua_type(L, -1) != LUA_TSTRING) {
      lua_pushliteral(L, "reader function must return a string");
      return NULL;
    }
    const char *piece = lua_tolstring(L, -1, &n);
    if (n == 0) break;
    if (n > run->limits.source - *size) {
      *size = run->limits.source + 1;
      break;
    }
    if (*size + n > capacity) {
      while (capacity < *size + n) capacity *= 2;
      char *grown = lua_newuserdatauv(L, capacity, 0);
      memcpy(grown, buffer, *size);
      lua_replace(L, at);
      buffer = grown;
    }
    memcpy(buffer + *size, piece, n);
    *size += n;
    lua_settop(L, at);
  }
  lua_settop(L, at);
  return buffer;
}

static int own_load(lua_State *L) {
  clk_run *run = clk_of(L);
  size_t size;
  const char *mode = luaL_optstring(L, 3, "bt");
  int environment = lua_isnone(L, 4) ? 0 : 4;
  const char *text, *chunk;
  if (lua_isstring(L, 1)) { /* a number will do, as for the library */
    text = lua_tolstring(L, 1, &size);
    chunk = luaL_optstring(L, 2, text);
  } else {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    chunk = luaL_optstring(L, 2, "=(load)");
    if (lua_gettop(L) < 4) lua_settop(L, 4);
    text = join_pieces(L, &size);
    if (!text) {
      run->trace_pending = 0;
      lua_pushnil(L);
      lua_insert(L, -2);
      return 2;
    }
  }
  if (size > run->limits.source) {
    lua_pushnil(L);
    lua_pushfstring(L, "the text is too long: at most %I bytes are possible", (LUAI_UACINT)run->limits.source);
    return 2;
  }
  if (!strchr(mode, 't')) return no_chunk(L, "only text chunks can be loaded");
  if (clk_load_text(L, text, size, chunk, environment) == LUA_OK) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

/* ---- require: 1 name, 2 loaded, 3 chunk's name, 4 text, 5... result ------------------------------- */

static int finish_require(lua_State *L, int status, lua_KContext context) {
  (void)context;
  clk_run *run = clk_of(L);
  clk_look(L, status);
  lua_pushvalue(L, 1);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_pushnil(L);
    lua_rawset(L, 2);
    run->trace_pending = 1; /* the frames inside the module; those outside follow */
    return lua_error(L);
  }
  lua_insert(L, -2);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, -1);
  lua_insert(L, -3);
  lua_rawset(L, 2);
  return 1;
}

static int own_require(lua_State *L) {
  clk_run *run = clk_of(L);
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_loaded);
  lua_pushvalue(L, 1);
  lua_rawget(L, 2);
  if (lua_islightuserdata(L, -1)) return luaL_error(L, "module '%s' requires itself while it is loading", name);
  if (!lua_isnil(L, -1)) return 1;
  lua_settop(L, 2);
  clk_begin_call(L, run);
  int answer = run->host.source(run->host.context, L, name, length);
  if (clk_finish(L, answer) != 2) return luaL_error(L, "module '%s' not found", name);
  size_t size;
  const char *text = lua_tolstring(L, 4, &size);
  if (clk_load_text(L, text, size, lua_tostring(L, 3), 0) != LUA_OK) return lua_error(L);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, (void *)&clk_key_loaded);
  lua_rawset(L, 2);
  lua_pushcfunction(L, clk_gather);
  lua_insert(L, 5);
  lua_pushvalue(L, 1);
  return finish_require(L, lua_pcallk(L, 1, 1, 5, 0, finish_require), 0);
}

void clk_open_load(lua_State *L) {
  static const luaL_Reg functions[] = {{"load", own_load}, {"require", own_require}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}

static int load_body(lua_State *L) {
  clk_run *run = clk_of(L);
  clk_push_parcel(L); /* 1 chunk's name, 2 text */
  size_t size;
  const char *text = lua_tolstring(L, 2, &size);
  if (clk_load_text(L, text, size, lua_tostring(L, 1), 0) != LUA_OK) {
    run->job.status = CLK_FAILED;
    run->trace_count = 0;
    clk_describe(L);
    run->kind = CLK_KIND_SYNTAX;
    return 0;
  }
  run->job.function = clk_reference(L, -1);
  clk_retain(run, run->job.function);
  return 0;
}

int clk_load(clk_run *run, int32_t *reference) {
  int outcome = clk_enter(run, load_body, 1);
  *reference = run->job.function;
  return outcome;
}
