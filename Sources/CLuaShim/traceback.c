/* Where an error happened: at most 20 levels, gathered into a fixed buffer.
 *
 * Facts it answers: the library's own traceback walks the whole stack and searches the table of loaded
 * modules for every line, which takes seconds when a script has filled it; and asking for names ("n")
 * scans the caller's code. Only source and line are asked for here; nothing is allocated and the stack
 * need not grow.
 */
#include "run.h"

static void trace_from(clk_run *run, lua_State *L, int first) {
  lua_Debug ar;
  if (!run->trace_pending) run->trace_count = 0;
  run->trace_pending = 0;
  for (int level = first; run->trace_count < CLK_TRACE_MAX && lua_getstack(L, level, &ar); level++) {
    int spare = lua_checkstack(L, 2);
    lua_getinfo(L, spare ? "Slf" : "Sl", &ar);
    clk_frame *f = &run->trace[run->trace_count++];
    memcpy(f->source, ar.short_src, sizeof f->source);
    f->source[sizeof f->source - 1] = 0;
    f->line = ar.currentline;
    f->defined = ar.linedefined;
    f->host = -1;
    if (spare) {
      if (lua_tocfunction(L, -1) == clk_host_call && lua_getupvalue(L, -1, 1)) {
        f->host = (int32_t)lua_tointeger(L, -1);
        lua_pop(L, 1);
      }
      lua_pop(L, 1);
    }
  }
}

void clk_trace(clk_run *run, lua_State *L) { trace_from(run, L, 0); }

int clk_gather(lua_State *L) {
  clk_run *run = clk_of(L);
  if (!run->s.killed) trace_from(run, L, 1); /* level 0 is this handler */
  return 1;
}

void clk_push_trace(lua_State *L) {
  clk_run *run = clk_of(L);
  luaL_checkstack(L, 8, NULL);
  lua_pushliteral(L, "stack traceback:");
  for (int i = 0; i < run->trace_count; i++) {
    clk_frame *f = &run->trace[i];
    if (f->defined < 0) lua_pushliteral(L, "\n\t[C]");
    else if (f->line > 0) lua_pushfstring(L, "\n\t%s:%d", f->source, f->line);
    else lua_pushfstring(L, "\n\t%s", f->source);
    if (f->defined == 0) lua_pushliteral(L, ": in main chunk");
    else if (f->defined > 0) lua_pushfstring(L, ": in function <%s:%d>", f->source, f->defined);
    else lua_pushliteral(L, ": in ?");
    lua_concat(L, 3);
  }
}

int32_t clk_frame_count(const clk_run *run) { return run->trace_count; }

const clk_frame *clk_frame_at(const clk_run *run, int32_t index) {
  return index >= 0 && index < run->trace_count ? &run->trace[index] : NULL;
}
