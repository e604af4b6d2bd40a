/* The life of a state: making it, what is given to scripts, runs and their segments.
 *
 * Facts it answers:
 * - What scripts may use is put in, name by name; nothing is opened and then taken out, since copies of
 *   what was removed would stay reachable.
 * - The registry's table of loaded modules is removed after set-up: error messages of the library search
 *   it for names, which takes long once a script has filled what it refers to.
 * - Everything between making and freeing a state runs in protected calls. Messages that the library makes
 *   outside of any protection are made once and kept, so that making them again allocates nothing.
 */
#include "run.h"
#include <stdlib.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

const char clk_key_top = 0, clk_key_seed = 0, clk_key_texts = 0;

extern const char lua_ident[];
const char *clk_library_identity(void) { return lua_ident; }

/* All our entries are protected, so this is unreachable; if a fault of ours made it reachable, the last
 * words name it. The library aborts when it returns. */
static int panic(lua_State *L) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "(no text)";
  fprintf(stderr, "Lua error outside of a protected call: %s\n", text);
  return 0;
}

static void new_registry_table(lua_State *L, const void *key) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static void seal_library(lua_State *L, const char *name) { /* the table of modules is at 1, globals at 2 */
  if (lua_getfield(L, 2, name) != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, 1, name);
  lua_pushstring(L, name);
  lua_insert(L, -2);
  clk_seal_table(L);
  lua_setfield(L, 2, name);
}

static int open_body(lua_State *L) {
  static const char *const libraries[] = {"string", "table", "utf8", "math", "os", "coroutine"};
  static const char *const texts[] = {"C stack overflow", "cannot resume dead coroutine",
                                      "cannot resume non-suspended coroutine", "error in error handling"};
  luaL_checkstack(L, 40, NULL);
  new_registry_table(L, &clk_key_references);
  new_registry_table(L, &clk_key_numbers);
  new_registry_table(L, &clk_key_metatables);
  new_registry_table(L, &clk_key_types);
  new_registry_table(L, &clk_key_loaded);
  lua_newtable(L);
  for (int i = 0; i < 4; i++) {
    lua_pushstring(L, texts[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_texts);
  lua_newtable(L); /* 1: the modules' real tables */
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_protected);
  lua_pushglobaltable(L); /* 2 */
  clk_open_library(L);
  lua_settop(L, 2);
  clk_open_protect(L);
  clk_open_coroutine(L);
  clk_open_metatable(L);
  clk_open_load(L);
  lua_pushvalue(L, 2);
  lua_setfield(L, 2, "_G");
  lua_pushliteral(L, LUA_VERSION);
  lua_setfield(L, 2, "_VERSION");
  lua_getfield(L, 2, "tostring");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_tostring);
  if (lua_getfield(L, 2, "math") == LUA_TTABLE) {
    lua_getfield(L, -1, "randomseed");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_seed);
  }
  lua_settop(L, 2);
  for (int i = 0; i < 6; i++) seal_library(L, libraries[i]);
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  return 0;
}

clk_run *clk_new(const clk_limits *limits, const clk_host *host) {
  clk_run *run = calloc(1, sizeof *run);
  if (!run) return NULL;
  run->limits = *limits;
  run->host = *host;
  run->s.epoch = 1;
  if (getrandom(run->hash_key, sizeof run->hash_key, GRND_NONBLOCK) != sizeof run->hash_key) {
    run->hash_key[0] = (uint64_t)(uintptr_t)run * 0x9e3779b97f4a7c15ull;
    run->hash_key[1] = (uint64_t)clock();
  }
  run->magic = run->hash_key[0] ^ 0x436f756c69737365ull;
  if (!clk_arena_open(run)) {
    free(run);
    return NULL;
  }
  run->main = lua_newstate(clk_allocate, run);
  if (run->main) {
    lua_atpanic(run->main, panic);
    clk_of(run->main) = run;
    if (clk_enter(run, open_body, 0) == CLK_DONE) return run;
  }
  clk_free(run);
  return NULL;
}

/* lua_close would walk all objects to give them back one by one and run nothing else (there are no
 * finalisers and no open variables outside a run): giving back the memory itself is the same. */
void clk_free(clk_run *run) {
  clk_arena_close(run);
  free(run->lent.numbers);
  free(run->parcel.nodes);
  free(run->parcel.bytes);
  free(run);
}

/* ---- definitions ----------------------------------------------------------------------------- */

static int define_global_body(lua_State *L) {
  lua_pushglobaltable(L);
  clk_push_parcel(L);
  lua_rawset(L, 1);
  return 0;
}

int clk_define_global(clk_run *run) { return clk_enter(run, define_global_body, 0); }

static int define_function_body(lua_State *L) {
  clk_run *run = clk_of(L);
  clk_push_parcel(L); /* 1 name, 2 module, 3 value where it is no function */
  if (run->job.function >= 0) {
    lua_settop(L, 2);
    clk_push_host_function(L, run->job.function, -1);
  } else {
    lua_settop(L, 3);
  }
  if (lua_isnil(L, 2)) {
    lua_pushglobaltable(L);
  } else {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_protected);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TTABLE) {
      lua_pop(L, 1);
      lua_newtable(L);
      lua_pushvalue(L, 2);
      lua_pushvalue(L, -2);
      lua_rawset(L, -4);
      lua_pushglobaltable(L);
      lua_pushvalue(L, 2);
      lua_pushvalue(L, 2);
      lua_pushvalue(L, -4);
      clk_seal_table(L);
      lua_rawset(L, -3);
      lua_pop(L, 1);
    }
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 3);
  lua_rawset(L, -3);
  return 0;
}

int clk_define_function(clk_run *run, int32_t function) {
  run->job.function = function;
  return clk_enter(run, define_function_body, 0);
}

static int seed_body(lua_State *L) {
  clk_run *run = clk_of(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &clk_key_seed) == LUA_TFUNCTION) {
    lua_pushinteger(L, run->job.a);
    lua_pushinteger(L, run->job.b);
    lua_call(L, 2, 0);
  }
  return 0;
}

int clk_seed(clk_run *run, int64_t a, int64_t b) {
  run->job.a = a;
  run->job.b = b;
  return clk_enter(run, seed_body, 0);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void forget_top(lua_State *L, clk_run *run) {
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_top);
  run->top = NULL;
}

/* Resumes the run's coroutine and takes stock. */
static int drive(lua_State *L, lua_State *co, int count) {
  clk_run *run = clk_of(L);
  int results = 0;
  run->s.suspending = run->s.suspended = 0;
  clk_hook_adopt(run, co);
  run->running = co;
  int status = lua_resume(co, L, count, &results);
  run->running = L;
  if (status == LUA_YIELD && run->s.suspending && !run->s.killed) {
    run->s.suspended = 1;
    run->job.status = CLK_SUSPENDED;
    return 0;
  }
  if (run->s.killed || (status != LUA_OK && status != LUA_YIELD)) {
    if (!run->s.killed || run->trace_killed != co) {
      run->trace_pending = run->s.killed && run->trace_killed; /* below the frames of the coroutine that was struck */
      clk_trace(run, co);
    }
    run->job.status = CLK_FAILED;
    if (clk_no_memory(run, status)) clk_mark_killed(run, CLK_KIND_MEMORY);
    if (!run->s.killed) {
      lua_xmove(co, L, 1);
      clk_describe(L);
      run->kind = CLK_KIND_RUNTIME;
    }
    forget_top(L, run);
    return 0;
  }
  clk_end_lending(L);
  luaL_checkstack(L, results + 4, "too many results");
  lua_xmove(co, L, results);
  forget_top(L, run);
  clk_open_passing(run);
  clk_read_values(L, 1, results, &run->parcel);
  return 0;
}

static int start_body(lua_State *L) {
  clk_run *run = clk_of(L);
  int32_t function = run->job.function;
  lua_State *co = lua_newthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_top);
  run->top = co;
  clk_push_function(L, function);
  int count = clk_push_parcel(L);
  if (!lua_checkstack(co, count + 2)) return luaL_error(L, "too many arguments");
  lua_xmove(L, co, count + 1);
  lua_settop(L, 0);
  return drive(L, co, count);
}

static void fresh_budgets(clk_run *run) {
  clk_restart_budgets(run);
  run->s.peak = run->s.used;
}

int clk_start(clk_run *run, int32_t function) {
  fresh_budgets(run);
  run->job.function = function;
  int outcome = clk_enter(run, start_body, 1);
  if (outcome != CLK_SUSPENDED) run->top = NULL;
  return outcome;
}

static int resume_body(lua_State *L) { return drive(L, clk_of(L)->top, 0); }

int clk_resume(clk_run *run) {
  int outcome = clk_enter(run, resume_body, 1);
  if (outcome != CLK_SUSPENDED) {
    run->top = NULL;
    run->s.suspended = 0;
  }
  return outcome;
}

static int call_body(lua_State *L) {
  clk_run *run = clk_of(L);
  clk_push_function(L, run->job.function);
  lua_call(L, clk_push_parcel(L), LUA_MULTRET);
  if (run->attention || run->s.killed) clk_check(L);
  clk_end_lending(L);
  clk_open_passing(run);
  clk_read_values(L, 1, lua_gettop(L), &run->parcel);
  return 0;
}

int clk_call(clk_run *run, int32_t function) {
  if (run->depth == 0) fresh_budgets(run);
  run->job.function = function;
  return clk_enter(run, call_body, 1);
}

bool clk_is_running(const clk_run *run) { return run->depth > 0; }
bool clk_is_suspended(const clk_run *run) { return run->s.suspended != 0 && run->depth == 0; }
bool clk_is_spent(const clk_run *run) { return run->s.killed != 0; }
int clk_stack_top(const clk_run *run) { return lua_gettop(run->main); }

uint64_t clk_hash_pointer(lua_State *L, const void *p) {
  clk_run *run = clk_of(L);
  uint64_t x = (uint64_t)(uintptr_t)p ^ run->hash_key[0];
  for (int i = 0; i < 3; i++) { /* an invertible mixing: different objects never look the same */
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ull;
    x ^= run->hash_key[1];
  }
  return x ^ (x >> 32);
}

clk_statistics clk_statistics_of(const clk_run *run) {
  clk_statistics s = {.peak = run->s.peak,
                      .used = run->s.used,
                      .host_calls = run->s.host_calls,
                      .instructions = run->s.instructions + run->s.work,
                      .seconds = run->s.seconds};
  if (run->depth > 0) s.seconds += clk_thread_seconds() - run->segment_cpu;
  return s;
}
