/* Calls from Lua into Swift, and what Swift may ask while it is called.
 *
 * Facts it answers:
 * - An error or a yield in Lua is a longjmp, which must not cross a Swift frame. So Swift is called with
 *   plain values and answers with a code; what is raised or yielded here is after it has returned.
 * - A yield needs the whole chain of coroutines down to the run's own to be yieldable: one that was
 *   resumed within a sort comparison is not, though it says so of itself.
 * - Arguments are read where they lie, by calls that neither raise nor allocate.
 */
#include "run.h"

void clk_open_passing(clk_run *run) {
  run->passing.values = CLK_ELEMENTS_MAX;
  run->passing.bytes = run->limits.memory;
}

void clk_begin_call(lua_State *L, clk_run *run) {
  clk_end_lending(L);
  clk_open_passing(run);
  run->s.host_calls++;
  if (run->limits.host_calls >= 0 && run->limited && run->s.host_calls > run->limits.host_calls)
    clk_kill(L, CLK_KIND_HOST_CALLS);
}

bool clk_can_suspend(lua_State *L) {
  clk_run *run = clk_of(L);
  if (!run->top || !lua_isyieldable(L)) return false;
  for (clk_chain *c = run->chain; c; c = c->below)
    if (!lua_isyieldable(c->thread)) return false;
  return true;
}

static int answered(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  clk_run *run = clk_of(L);
  run->s.suspending = 0;
  return clk_finish(L, run->host.answer(run->host.context, L));
}

int clk_finish(lua_State *L, int answer) {
  clk_run *run = clk_of(L);
  if (run->attention) clk_check(L);
  int count = answer == CLK_ANSWER_VALUES ? clk_push_parcel(L) : 0; /* may hold functions that were lent */
  clk_end_lending(L);
  switch (answer) {
    case CLK_ANSWER_NONE:
    case CLK_ANSWER_VALUES: return count;
    case CLK_ANSWER_SUSPEND:
      if (!clk_can_suspend(L))
        return luaL_error(L, "the script can't wait here: within a sort comparison, a replacement function, "
                             "a metamethod or a call from the host");
      run->s.suspending = 1;
      return lua_yieldk(L, 0, 0, answered);
    case CLK_ANSWER_FATAL: clk_kill(L, CLK_KIND_FATAL); return 0;
    default:
      if (run->parcel.node_count == 1 && run->parcel.nodes[0].kind == CLK_NODE_STRING) clk_push_parcel(L);
      else lua_pushliteral(L, "error in a host function");
      return lua_error(L);
  }
}

/* Strings are read by the host where they lie; what is left for tables is what they leave. */
static void charge_arguments(lua_State *L, clk_run *run, int first) {
  int last = lua_gettop(L);
  if (last - first >= CLK_ELEMENTS_MAX)
    luaL_error(L, "more than %d values can't be passed to the host at once", CLK_ELEMENTS_MAX);
  for (int i = first; i <= last; i++) {
    if (lua_type(L, i) != LUA_TSTRING) continue;
    size_t size = lua_rawlen(L, i);
    if (size > run->passing.bytes) luaL_error(L, "the strings are too long to be passed to the host at once");
    run->passing.bytes -= size;
  }
}

int clk_host_call(lua_State *L) {
  clk_run *run = clk_of(L);
  int32_t function = (int32_t)lua_tointeger(L, lua_upvalueindex(1));
  int32_t receiver = (int32_t)lua_tointeger(L, lua_upvalueindex(2)), first = 1;
  if (receiver >= 0) {
    clk_object *object = clk_object_at(L, 1);
    if (!object || object->type != receiver)
      return luaL_error(L, "a method is called with ':' on its own object, as in object:method(...); got %s before it",
                        luaL_typename(L, 1));
    first = 2;
  }
  clk_begin_call(L, run);
  charge_arguments(L, run, first);
  return clk_finish(L, run->host.call(run->host.context, L, function, first));
}

void clk_push_host_function(lua_State *L, int32_t function, int32_t receiver) {
  lua_pushinteger(L, function);
  lua_pushinteger(L, receiver);
  lua_pushcclosure(L, clk_host_call, 2);
}

int clk_host_get(lua_State *L, int32_t type, int32_t slot) {
  clk_run *run = clk_of(L);
  clk_begin_call(L, run);
  return clk_finish(L, run->host.get(run->host.context, L, type, slot));
}

int clk_host_set(lua_State *L, int32_t type, int32_t slot) {
  clk_run *run = clk_of(L);
  clk_begin_call(L, run);
  clk_invalidate_fields(run);
  return clk_finish(L, run->host.set(run->host.context, L, type, slot));
}

int clk_host_unknown(lua_State *L, int32_t type, int writing) {
  clk_run *run = clk_of(L);
  clk_begin_call(L, run);
  return clk_finish(L, run->host.unknown(run->host.context, L, type, writing != 0));
}

double clk_now(lua_State *L) {
  clk_run *run = clk_of(L);
  return run->host.now(run->host.context);
}

void clk_write(lua_State *L, const char *s, size_t n) {
  clk_run *run = clk_of(L);
  if (n > run->limits.printed - run->s.printed)
    luaL_error(L, "a run can't print more than %I bytes", (LUAI_UACINT)run->limits.printed);
  run->s.printed += n;
  clk_charge(L, n / 16 + 10);
  run->host.write(run->host.context, s, n);
  if (run->attention) clk_check(L);
}

/* ---- arguments ------------------------------------------------------------------------------ */

int32_t clk_arg_count(lua_State *L) { return lua_gettop(L); }
int32_t clk_arg_type(lua_State *L, int32_t index) { return lua_type(L, index); }
bool clk_arg_boolean(lua_State *L, int32_t index) { return lua_toboolean(L, index) != 0; }
bool clk_arg_is_integer(lua_State *L, int32_t index) { return lua_isinteger(L, index) != 0; }

bool clk_arg_integer(lua_State *L, int32_t index, int64_t *value) {
  if (lua_type(L, index) != LUA_TNUMBER) return false;
  int good;
  *value = lua_tointegerx(L, index, &good);
  return good != 0;
}

double clk_arg_number(lua_State *L, int32_t index) {
  return lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : 0;
}

const char *clk_arg_bytes(lua_State *L, int32_t index, size_t *count) {
  return lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, count) : NULL;
}

bool clk_arg_object(lua_State *L, int32_t index, int32_t *type, int64_t *first, int64_t *second) {
  clk_object *o = clk_object_at(L, index);
  if (!o) return false;
  *type = o->type;
  *first = o->first;
  *second = o->second;
  return true;
}

const char *clk_position(lua_State *L, char *buffer60, int32_t *line) {
  lua_Debug ar;
  for (int level = 1; level <= CLK_TRACE_MAX && lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0) {
      memcpy(buffer60, ar.short_src, LUA_IDSIZE);
      *line = ar.currentline;
      return buffer60;
    }
  }
  return NULL;
}
