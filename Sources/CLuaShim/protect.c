/* Protected calls: the host's entries, and the scripts' pcall and xpcall.
 *
 * Facts it answers:
 * - An API call that raises outside of a protected call aborts the process; so the host enters Lua in
 *   clk_enter only, and all that can raise is in the body it calls.
 * - A kill is an error like others to lua_pcall; ours look at the flag and raise it again.
 * - While the library calls a message handler after a hook's error, hooks stay off. So the handler given
 *   to it only gathers; the script's own is called after unwinding, as an ordinary protected call.
 * - A memory error can't be caught: what follows it could be anything.
 * - Error objects may be anything: text is made of them inside the run, protected, and then cut.
 * - Calls and the making of that text happen on the main thread, so it needs the counting hook as well.
 */
#include "run.h"

const char clk_key_tostring = 0;

/* ---- the host's entries ---------------------------------------------------------------------- */

static int describe_body(lua_State *L) {
  if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL || clk_object_at(L, 1)) {
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_tostring);
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) == LUA_TSTRING) return 1;
    lua_pushliteral(L, "(the error object's __tostring gave no string)");
    return 1;
  }
  lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  return 1;
}

static void keep_text(clk_run *run, lua_State *L) {
  size_t size;
  const char *text = lua_tolstring(L, -1, &size); /* a string: no conversion */
  clk_parcel_clear(&run->parcel);
  clk_parcel_bytes(&run->parcel, text, size < CLK_MESSAGE_MAX ? size : CLK_MESSAGE_MAX);
}

void clk_describe(lua_State *L) {
  static const char failed[] = "(error object that can't be turned into text)";
  clk_run *run = clk_of(L);
  if (lua_type(L, -1) != LUA_TSTRING) {
    int done = 0;
    if (!run->s.killed && lua_checkstack(L, 4)) {
      lua_pushcfunction(L, describe_body);
      lua_insert(L, -2);
      int status = lua_pcall(L, 1, 1, 0);
      if (clk_no_memory(run, status)) clk_mark_killed(run, CLK_KIND_MEMORY);
      done = status == LUA_OK && lua_type(L, -1) == LUA_TSTRING;
    }
    if (!done) {
      clk_parcel_clear(&run->parcel);
      clk_parcel_bytes(&run->parcel, failed, sizeof failed - 1);
      return;
    }
  }
  keep_text(run, L);
}

int clk_enter(clk_run *run, lua_CFunction body, int executes) {
  int outermost = run->depth == 0;
  lua_State *L = outermost ? run->main : run->running;
  lua_State *running = run->running;
  clk_chain *chain = run->chain;
  const size_t passing_bytes = run->passing.bytes;
  const int passing_values = run->passing.values;
  const size_t floor = run->lent.floor;
  int top = lua_gettop(L), outcome = CLK_FAILED, outer_status = run->job.status;
  const int killed_before = run->s.killed;
  run->kind = CLK_KIND_RUNTIME;
  if (outermost) {
    run->running = L;
    run->chain = NULL;
    run->refused = 0;
    if (executes) clk_segment_begin(run);
  }
  run->lent.floor = run->lent.count;
  run->depth++;
  run->job.status = CLK_DONE;
  run->trace_pending = 0;
  if (executes) {
    run->trace_count = 0;
    run->trace_killed = NULL;
    clk_hook_adopt(run, L);
  }
  int status = LUA_ERRMEM;
  if (lua_checkstack(L, 6)) {
    lua_pushcfunction(L, clk_gather);
    lua_pushcfunction(L, body);
    status = lua_pcall(L, 0, 0, top + 1);
  }
  run->running = L;
  run->chain = chain;
  if (status == LUA_OK) {
    outcome = run->job.status;
  } else if (status == LUA_ERRMEM && (clk_no_memory(run, status) || lua_gettop(L) == top)) {
    if (executes && !run->s.killed) clk_mark_killed(run, CLK_KIND_MEMORY);
    run->kind = CLK_KIND_MEMORY;
    clk_parcel_clear(&run->parcel);
  } else {
    clk_describe(L);
    run->kind = CLK_KIND_RUNTIME; /* whatever entries within this one have noted */
  }
  if (run->s.killed && (executes || !killed_before)) { /* set-up can end for want of memory */
    outcome = CLK_FAILED;
    run->kind = run->s.killed;
  }
  lua_settop(L, top);
  if (outcome != CLK_DONE) clk_end_lending(L);
  else if (outermost) run->lent.count = run->lent.floor; /* the results: the host's own */
  run->lent.floor = floor;
  run->depth--;
  if (outermost) {
    if (executes) clk_segment_end(run);
    if (lua_gethook(L)) lua_sethook(L, NULL, 0, 0);
    if (!run->s.killed) run->attention = 0;
    run->pressure = 0;
  }
  run->running = running;
  if (!outermost) {
    run->job.status = outer_status;
    run->passing.values = passing_values;
    run->passing.bytes = passing_bytes;
  }
  return outcome;
}

int clk_failure_kind(const clk_run *run) { return run->kind; }

/* ---- pcall and xpcall ------------------------------------------------------------------------ */


static int failed(int status) { return status != LUA_OK && status != LUA_YIELD; }

static int finish_pcall(lua_State *L, int status, lua_KContext context) {
  (void)context;
  clk_look(L, status);
  if (!failed(status)) return lua_gettop(L);
  clk_of(L)->trace_pending = 0;
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

static int own_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_pcall);
  return finish_pcall(L, status, 0);
}

/* The stack below the handler's result: gatherer, handler, true, error, false. */
static int finish_handler(lua_State *L, int status, lua_KContext context) {
  (void)context;
  clk_look(L, status);
  return lua_gettop(L) - 4;
}

/* The stack: gatherer, handler, true, then results or the error. */
static int finish_xpcall(lua_State *L, int status, lua_KContext context) {
  (void)context;
  clk_look(L, status);
  if (!failed(status)) return lua_gettop(L) - 2;
  clk_of(L)->trace_pending = 0;
  luaL_checkstack(L, 10, NULL);
  lua_pushboolean(L, 0);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 4);
  clk_push_trace(L);
  status = lua_pcallk(L, 2, 1, 0, 0, finish_handler);
  return finish_handler(L, status, 0);
}

static int own_xpcall(lua_State *L) {
  int count = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);
  lua_pushcfunction(L, clk_gather);
  lua_replace(L, 1);
  int status = lua_pcallk(L, count - 2, LUA_MULTRET, 1, 0, finish_xpcall);
  return finish_xpcall(L, status, 0);
}

void clk_open_protect(lua_State *L) {
  static const luaL_Reg functions[] = {{"pcall", own_pcall}, {"xpcall", own_xpcall}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
