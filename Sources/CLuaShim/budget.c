/* Budgets: time by a signal, memory by a verdict after a collection, host calls and instructions by count.
 *
 * Facts it answers:
 * - An error raised by a hook can be caught by a script's pcall, and each catch costs. So the kill is a sticky flag outside
 *   of Lua; the hook then fires at every instruction, all our protected calls raise it again, and the
 *   outcome of a run is read from the flag. Its error value is a light userdata made of a private
 *   address: pushing it allocates nothing, and scripts can neither see nor forge it.
 * - A count hook slows every instruction, and does not fire in C. So time is watched by a thread that
 *   signals the engine's own thread at the deadline and every 20 ms after it; the handler sets a flag
 *   and arms the hook. Arming from another thread would be a data race inside the library. C functions
 *   look at the flag as they charge their work.
 * - lua_sethook walks all call frames, so an armed thread is not armed again. But the library can lose
 *   an arm that comes while it is just about to clear its own trap flag; hence with the 1st, 2nd, 4th,
 *   8th... signal without a firing in between it is repeated all the same.
 */
#define _GNU_SOURCE
#include "run.h"
#include <errno.h>
#include <limits.h>
#include <time.h>

#define TICK 20000000ll /* ns between signals after the deadline */
#define WALL_FACTOR 10  /* a run may last this many times its CPU budget by the wall clock */
/* A standard signal: one that is pending already is merged with the next, while real-time signals are queued, and
 * are dropped once the user's quota of pending ones is used up. Nothing else in the process uses it; its default is to
 * be ignored. */
#define CLK_SIGNAL SIGURG

const char clk_key_kill = 0;

static _Thread_local clk_run *volatile current; /* the innermost run that executes on this thread */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static clk_run *watched;
static int64_t planned = INT64_MAX; /* when the timer wakes by itself */
static int timer_runs;

static int64_t nanoseconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000ll + t.tv_nsec;
}

double clk_thread_seconds(void) { return (double)nanoseconds(CLOCK_THREAD_CPUTIME_ID) * 1e-9; }

/* ---- the hook ------------------------------------------------------------------------------- */

static int is_armed(lua_State *L) {
  return lua_gethook(L) == clk_hook && lua_gethookcount(L) == 1 && (lua_gethookmask(L) & LUA_MASKCOUNT) != 0;
}

static void arm_thread(lua_State *L) {
  if (!is_armed(L)) lua_sethook(L, clk_hook, LUA_MASKCOUNT, 1);
}

void clk_arm(clk_run *run) {
  lua_State *L = run->running;
  if (L) arm_thread(L);
}

/* Instructions are counted where that is asked for, and where there is no timer. */
static int counts(const clk_run *run) {
  return run->limits.instructions >= 0 || (run->limits.seconds > 0 && !timer_runs);
}

static void disarm(clk_run *run, lua_State *L) {
  if (!lua_gethook(L)) return;
  if (counts(run)) lua_sethook(L, clk_hook, LUA_MASKCOUNT, CLK_COUNT_STEP);
  else lua_sethook(L, NULL, 0, 0);
}

void clk_hook_adopt(clk_run *run, lua_State *L) {
  if (run->attention || run->s.killed) arm_thread(L);
  else if (counts(run) && !lua_gethook(L))
    lua_sethook(L, clk_hook, LUA_MASKCOUNT, CLK_COUNT_STEP);
}

void clk_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  clk_run *run = clk_of(L);
  int count = lua_gethookcount(L);
  run->ticks = 0;
  if (run->depth == 0 || run->s.suspended) return; /* nothing runs: a stale arm */
  if (run->limits.instructions >= 0) run->s.instructions += count;
  if (!timer_runs) run->due = 1;
  clk_check(L);
  if (!run->s.killed && count == 1 && !run->attention) disarm(run, L);
}

/* ---- the verdicts --------------------------------------------------------------------------- */

void clk_mark_killed(clk_run *run, int kind) {
  if (!run->s.killed) run->s.killed = kind;
  run->attention = 1;
  clk_arm(run);
}

/* Ends what runs on this thread. Where the thread can yield it is left by a yield that nobody resumes:
 * that goes to its lua_resume at once, past all protected calls between. (An error would stop at each of
 * them, and in a coroutine there may be a hundred thousand, since a caught error there sets the count of
 * C calls back; each stop walks all call frames.) Within a hook lua_yield returns, and so does this; else
 * it does not return. */
static void raise_kill(lua_State *L) {
  clk_run *run = clk_of(L);
  if (!run->trace_killed) { /* now: a yield out of a hook leaves the frame an instruction behind */
    run->trace_pending = 0;
    clk_trace(run, L);
    run->trace_killed = L;
  }
  if (lua_isyieldable(L)) {
    lua_yield(L, 0);
    return;
  }
  arm_thread(L);
  if (!lua_checkstack(L, 1)) lua_pop(L, 1); /* no room means that the frame is full: there is something to drop */
  lua_pushlightuserdata(L, (void *)&clk_key_kill);
  lua_error(L);
}

void clk_kill(lua_State *L, int kind) {
  clk_mark_killed(clk_of(L), kind);
  raise_kill(L);
}

/* A script can raise LUA_ERRMEM by error("not enough memory", 0): the library compares the text. So the
 * allocator has to confirm it. It does for the rest of the segment, since requests that are granted while the
 * error goes up, such as for a smaller stack, say nothing about the one that was not. */
int clk_no_memory(clk_run *run, int status) { return status == LUA_ERRMEM && run->refused; }

void clk_look(lua_State *L, int status) {
  clk_run *run = clk_of(L);
  if (run->attention || run->s.killed) clk_check(L);
  if (clk_no_memory(run, status)) clk_kill(L, CLK_KIND_MEMORY);
}

int clk_killed(lua_State *L) { return clk_of(L)->s.killed; }

static int time_is_over(clk_run *run) {
  if (run->limits.seconds <= 0) return 0;
  double cpu = run->s.seconds + clk_thread_seconds() - run->segment_cpu;
  double wall = (double)nanoseconds(CLOCK_MONOTONIC) * 1e-9 - run->segment_wall;
  return cpu >= run->limits.seconds || wall >= run->limits.seconds * WALL_FACTOR;
}

/* Full collections cost steps as the rest does. If the first leaves too much, the cache of metatables goes as
 * well: what only it holds is garbage. */
static void collect(lua_State *L, clk_run *run, size_t more) {
  run->s.work += (int64_t)(run->s.used / 64);
  lua_gc(L, LUA_GCCOLLECT);
  if (run->s.used + more > run->limits.memory && lua_checkstack(L, 1)) {
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &clk_key_metatables); /* clearing a key allocates nothing */
    lua_gc(L, LUA_GCCOLLECT);
  }
  run->pressure = 0;
}

void clk_check(lua_State *L) {
  clk_run *run = clk_of(L);
  if (run->s.killed) {
    raise_kill(L);
    return;
  }
  run->attention = 0; /* before the flags are read: a signal in between sets it again */
  if (run->pressure) {
    collect(L, run, 0);
    if (run->limited && run->s.used > run->limits.memory) {
      clk_kill(L, CLK_KIND_MEMORY);
      return;
    }
  }
  if (run->due) {
    run->due = 0;
    if (time_is_over(run)) {
      clk_kill(L, CLK_KIND_TIME);
      return;
    }
  }
  if (run->limits.instructions >= 0 && run->limited &&
      run->s.instructions + run->s.work > run->limits.instructions)
    clk_kill(L, CLK_KIND_INSTRUCTIONS);
}

void clk_charge(lua_State *L, size_t steps) {
  clk_run *run = clk_of(L);
  run->s.work += (int64_t)steps;
  if (run->attention ||
      (run->limits.instructions >= 0 && run->s.instructions + run->s.work > run->limits.instructions))
    clk_check(L);
}

void clk_need_memory(lua_State *L, size_t bytes, const char *what) {
  clk_run *run = clk_of(L);
  if (bytes > run->limits.memory) luaL_error(L, "resulting %s too large", what ? what : "string");
  if (run->limited && run->s.used + bytes > run->limits.memory) {
    collect(L, run, bytes);
    if (run->s.used + bytes > run->limits.memory) clk_kill(L, CLK_KIND_MEMORY);
  }
}

/* ---- the timer ------------------------------------------------------------------------------ */

static void on_signal(int number) {
  (void)number;
  int error = errno;
  for (clk_run *run = current; run; run = run->outer) {
    run->due = 1;
    run->attention = 1;
    int n = ++run->ticks;
    lua_State *L = run->running;
    if (L && (!is_armed(L) || (n & (n - 1)) == 0)) lua_sethook(L, clk_hook, LUA_MASKCOUNT, 1);
  }
  errno = error;
}

static void *timer(void *unused) {
  (void)unused;
  pthread_mutex_lock(&lock);
  for (;;) {
    int64_t now = nanoseconds(CLOCK_MONOTONIC), next = INT64_MAX;
    for (clk_run *run = watched; run; run = run->watch_next) {
      if (run->deadline <= now) {
        pthread_kill(run->thread, CLK_SIGNAL); /* alive: it leaves the list, under the lock, before it ends */
        run->deadline = now + TICK;
      }
      if (run->deadline < next) next = run->deadline;
    }
    planned = next;
    if (next == INT64_MAX) {
      pthread_cond_wait(&wake, &lock);
    } else {
      struct timespec until = {(time_t)(next / 1000000000ll), (long)(next % 1000000000ll)};
      pthread_cond_timedwait(&wake, &lock, &until);
    }
  }
  return NULL;
}

static void start_timer(void) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&wake, &attributes);
  pthread_condattr_destroy(&attributes);

  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (sigaction(CLK_SIGNAL, &action, NULL) != 0) return;

  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* no signal meant for others may land on the timer */
  pthread_attr_t thread_attributes;
  pthread_attr_init(&thread_attributes);
  pthread_attr_setdetachstate(&thread_attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  timer_runs = pthread_create(&thread, &thread_attributes, timer, NULL) == 0;
  pthread_attr_destroy(&thread_attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void set_deadline(clk_run *run) { /* under the lock */
  double left = run->limits.seconds - run->s.seconds;
  if (left < 0) left = 0;
  if (left > 1e8) left = 1e8;
  run->deadline = nanoseconds(CLOCK_MONOTONIC) + (int64_t)(left * 1e9);
  if (run->deadline < planned) pthread_cond_signal(&wake);
}

/* Worker threads of dispatch are made with nearly all signals blocked; ours has to come through. The
 * handler does nothing while no run executes, so the thread may keep it open. */
static void open_signal(void) {
  static _Thread_local int is_open;
  if (is_open) return;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, CLK_SIGNAL);
  is_open = pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0;
}

/* Without the timer (no thread could be made) the hook counts instead, which is slower but as safe. */
void clk_segment_begin(clk_run *run) {
  run->limited = 1;
  run->attention = run->due = run->ticks = 0;
  run->pressure = 0;
  if (run->s.used > run->limits.memory) {
    run->pressure = 1;
    run->attention = 1;
  }
  run->outer = current;
  run->segment_cpu = clk_thread_seconds();
  run->segment_wall = (double)nanoseconds(CLOCK_MONOTONIC) * 1e-9;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  current = run;
  if (run->limits.seconds > 0) {
    pthread_once(&once, start_timer);
    open_signal();
    if (!timer_runs) {
      run->due = 1; /* every look then asks the clock */
      return;
    }
    pthread_mutex_lock(&lock);
    run->thread = pthread_self();
    run->watch_previous = NULL;
    run->watch_next = watched;
    if (watched) watched->watch_previous = run;
    watched = run;
    run->watched = 1;
    set_deadline(run);
    pthread_mutex_unlock(&lock);
  }
}

void clk_segment_end(clk_run *run) {
  if (run->watched) {
    pthread_mutex_lock(&lock);
    if (run->watch_previous) run->watch_previous->watch_next = run->watch_next;
    else watched = run->watch_next;
    if (run->watch_next) run->watch_next->watch_previous = run->watch_previous;
    run->watched = 0;
    pthread_mutex_unlock(&lock);
  }
  run->s.seconds += clk_thread_seconds() - run->segment_cpu;
  current = run->outer;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  run->outer = NULL;
  run->limited = 0;
}

void clk_restart_budgets(clk_run *run) {
  if (run->s.killed) return;
  run->s.host_calls = run->s.instructions = run->s.work = 0;
  run->s.seconds = 0;
  run->s.printed = 0;
  run->segment_cpu = clk_thread_seconds();
  run->segment_wall = (double)nanoseconds(CLOCK_MONOTONIC) * 1e-9;
  if (run->watched) {
    pthread_mutex_lock(&lock);
    set_deadline(run);
    pthread_mutex_unlock(&lock);
  }
}
