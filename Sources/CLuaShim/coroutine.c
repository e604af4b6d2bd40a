/* Coroutines: create resume wrap yield status running isyieldable. There is no close.
 *
 * Facts it answers:
 * - Closing a coroutine runs its pending __close functions where hooks may be off, recurses without
 *   bound in older libraries and can call a stale handler. So nothing is ever closed: a coroutine that
 *   died stays as it is until collected, and wrap only hands its error on.
 * - A hook belongs to one thread: resume gives the thread the hook it needs, notes it as the running one
 *   for the signal handler, and looks at the flags when it is back.
 * - Passing the caller as `from` keeps the count of nested C calls, so nesting is bounded.
 * - A host function that suspends deep in nested coroutines yields all of them up to the run's own;
 *   the flag says so, not a value, so no script can imitate it.
 * - The library makes three messages outside of any protection; they are made at set-up and kept, so
 *   that making them again allocates nothing (state.c).
 */
#include "run.h"

enum { FAILED = -1, PASS_UP = -2 };

static lua_State *thread_at(lua_State *L, int index) {
  lua_State *co = lua_tothread(L, index);
  luaL_argexpected(L, co, index, "coroutine");
  return co;
}

static const char *status_of(lua_State *L, lua_State *co) {
  lua_Debug ar;
  if (L == co) return "running";
  switch (lua_status(co)) {
    case LUA_YIELD: return "suspended";
    case LUA_OK:
      if (lua_getstack(co, 0, &ar)) return "normal";
      return lua_gettop(co) == 0 ? "dead" : "suspended";
    default: return "dead";
  }
}

/* Results are moved to L; on failure the error object. */
static int resume_thread(lua_State *L, lua_State *co, int count, int again) {
  clk_run *run = clk_of(L);
  clk_charge(L, 20);
  if (!again) {
    const char *status = status_of(L, co);
    if (status[0] != 's') {
      lua_pushfstring(L, "cannot resume %s coroutine", status[0] == 'd' ? "dead" : "non-suspended");
      return FAILED;
    }
    if (!lua_checkstack(co, count + 1)) {
      lua_pushliteral(L, "too many arguments to resume");
      return FAILED;
    }
    lua_xmove(L, co, count);
  }
  clk_hook_adopt(run, co);
  int results = 0;
  clk_chain link = {L, run->chain};
  run->chain = &link;
  run->running = co;
  int status = lua_resume(co, L, count, &results);
  run->running = L;
  run->chain = link.below;
  clk_look(L, status);
  clk_hook_adopt(run, L);
  if (status == LUA_YIELD && run->s.suspending) return PASS_UP;
  if (status == LUA_OK || status == LUA_YIELD) {
    if (!lua_checkstack(L, results + 1)) {
      lua_pop(co, results);
      lua_pushliteral(L, "too many results to resume");
      return FAILED;
    }
    lua_xmove(co, L, results);
    return results;
  }
  clk_trace(run, co);
  run->trace_pending = 1;
  lua_xmove(co, L, 1);
  return FAILED;
}

static int resume_on(lua_State *L, int status, lua_KContext context);

static int finish_resume(lua_State *L, int results) {
  if (results == PASS_UP) return lua_yieldk(L, 0, 0, resume_on);
  if (results == FAILED) {
    clk_of(L)->trace_pending = 0;
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushboolean(L, 1);
  lua_insert(L, -(results + 1));
  return results + 1;
}

static int resume_on(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return finish_resume(L, resume_thread(L, lua_tothread(L, 1), 0, 1));
}

static int co_resume(lua_State *L) {
  lua_State *co = thread_at(L, 1);
  return finish_resume(L, resume_thread(L, co, lua_gettop(L) - 1, 0));
}

static int wrap_on(lua_State *L, int status, lua_KContext context);

static int finish_wrap(lua_State *L, int results) {
  if (results == PASS_UP) return lua_yieldk(L, 0, 0, wrap_on);
  if (results != FAILED) return results;
  if (lua_type(L, -1) == LUA_TSTRING) { /* as the library's own: the caller's line before it */
    luaL_checkstack(L, 4, NULL);
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

static int wrap_on(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return finish_wrap(L, resume_thread(L, lua_tothread(L, lua_upvalueindex(1)), 0, 1));
}

static int wrapped(lua_State *L) {
  return finish_wrap(L, resume_thread(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L), 0));
}

static int co_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  clk_charge(L, 50);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int co_wrap(lua_State *L) {
  co_create(L);
  lua_pushcclosure(L, wrapped, 1);
  return 1;
}

static int is_main(lua_State *L, lua_State *co) {
  clk_run *run = clk_of(L);
  return co == run->main || co == run->top;
}

static int co_yield(lua_State *L) {
  if (is_main(L, L)) return luaL_error(L, "attempt to yield from outside a coroutine");
  return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L) {
  lua_pushstring(L, status_of(L, thread_at(L, 1)));
  return 1;
}

static int co_yieldable(lua_State *L) {
  lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
  lua_pushboolean(L, !is_main(L, co) && lua_isyieldable(co));
  return 1;
}

static int co_running(lua_State *L) {
  lua_pushthread(L);
  lua_pushboolean(L, is_main(L, L));
  return 2;
}

void clk_open_coroutine(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"create", co_create}, {"resume", co_resume},           {"wrap", co_wrap},       {"yield", co_yield},
      {"status", co_status}, {"isyieldable", co_yieldable}, {"running", co_running}, {NULL, NULL}};
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, "coroutine");
}
