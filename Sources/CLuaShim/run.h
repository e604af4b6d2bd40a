/* The record of a run, private to the shim's core. Library functions use shim_internal.h only. */
#ifndef CLK_RUN_H
#define CLK_RUN_H

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include "include/clua_shim.h"
#include "shim_internal.h"

#define CLK_CLASSES 88 /* of block sizes: see arena.c */
#define CLK_SMALL_MAX (64 * 1024)          /* bigger blocks live outside of the arena */
#define CLK_RESERVE ((size_t)16 << 20)     /* granted over the limit until a collection has judged */
#define CLK_LAST_RESERVE ((size_t)4 << 20) /* granted beyond that to small requests */
#define CLK_COUNT_STEP 1000                /* instructions per firing where they are counted */
#define CLK_TRACE_MAX 20
#define CLK_DEPTH_MAX 32                   /* nesting of converted tables */
#define CLK_ELEMENTS_MAX 100000            /* values of one conversion */
#define CLK_MESSAGE_MAX 4096               /* bytes kept of an error's text */

/* All that a run changes in the record itself: an image copies it whole. */
typedef struct clk_saved {
  size_t bump;                /* bytes of the arena in use, from its base */
  void *free_lists[CLK_CLASSES];
  size_t used, peak;
  uint32_t epoch;             /* of cached fields; never 0 */
  int32_t references;         /* functions the host holds: highest number given */
  int32_t types;
  int killed;                 /* 0, or the CLK_KIND_ that ended the run: sticky */
  int suspended;              /* a host function waits for its answer */
  int suspending;             /* its yield is on its way up */
  int started;                /* budgets belong to a run that has begun */
  int sealed;                 /* set-up is over */
  int64_t host_calls, instructions, work;
  double seconds;             /* CPU time of the run's earlier segments */
  size_t printed;
} clk_saved;

/* A block outside of the arena. Those an image has are pinned: never moved nor given back before the
 * state itself, so that a reset finds them where they were. */
typedef struct clk_big {
  _Alignas(16) struct clk_big *next; /* the payload behind the header is aligned as well */
  struct clk_big *previous;
  size_t size;
  void *copy; /* the image's copy of a pinned block */
  int pinned;
} clk_big;

typedef struct clk_chain { /* the coroutines below the running one; lives on the C stack */
  lua_State *thread;
  struct clk_chain *below;
} clk_chain;

struct clk_run {
  lua_State *main;
  clk_host host;
  clk_limits limits;
  uint64_t hash_key[2];
  uint64_t magic; /* marks userdata of ours */

  char *base;               /* the arena: address space kept for this state alone */
  size_t reserved, opened;  /* its size; how much of it is readable and writable */
  clk_big *bigs;
  clk_saved s;

  char *image;
  size_t image_size;
  clk_saved image_saved;

  int limited;    /* the memory limit is active: only while a run executes */
  int depth;      /* entries from the host that are on the C stack */
  lua_State *volatile running;
  clk_chain *chain;
  lua_State *top; /* the coroutine of start; scripts see it as the main one */

  /* written by the signal handler, on this thread */
  volatile sig_atomic_t attention; /* any of the below, or a kill: look */
  volatile sig_atomic_t due;       /* the deadline may have passed */
  volatile sig_atomic_t ticks;     /* signals since the hook last fired */
  int refused;                     /* a growing request got no memory since the host's entry */
  int pressure;                    /* over the memory limit, not yet judged */

  clk_run *outer; /* the run this one interrupts on the same thread */
  double segment_cpu, segment_wall;
  /* owned by the timer, under its lock */
  pthread_t thread;
  int64_t deadline;
  int watched;
  clk_run *watch_next, *watch_previous;

  struct {         /* what the present call from Lua may still pass to the host */
    int values;
    size_t bytes;
  } passing;
  struct {            /* functions lent to the host functions that execute */
    int32_t *numbers; /* ascending; negative once retained */
    size_t count, capacity;
    size_t floor;     /* those below it were lent to host functions further out */
  } lent;
  clk_parcel parcel;
  int kind;        /* of the last failure */
  struct {         /* what the next protected body is to do */
    int32_t function, type;
    lua_State *from;
    int index;
    int64_t a, b;
    int status;
  } job;

  clk_frame trace[CLK_TRACE_MAX];
  int trace_count;
  int trace_pending; /* frames of a coroutine whose error is on its way through wrap */
  lua_State *trace_killed; /* the thread whose frames were gathered when the kill struck it */
};

/* Registry keys: addresses that no script can name. */
extern const char clk_key_kill, clk_key_references, clk_key_numbers, clk_key_metatables, clk_key_types,
    clk_key_loaded, clk_key_top, clk_key_seed, clk_key_tostring, clk_key_texts, clk_key_protected;

/* arena.c */
int clk_arena_open(clk_run *run);
void clk_arena_close(clk_run *run);
void *clk_allocate(void *ud, void *p, size_t osize, size_t nsize);
void *clk_host_memory(void *p, size_t n); /* realloc for what is not the state's own; tests can make it fail */

/* budget.c */
void clk_segment_begin(clk_run *run);
void clk_segment_end(clk_run *run);
void clk_arm(clk_run *run);             /* the running thread's hook fires at its next instruction */
void clk_hook(lua_State *L, lua_Debug *ar);
void clk_hook_adopt(clk_run *run, lua_State *L); /* for a thread about to be resumed */
void clk_kill(lua_State *L, int kind);  /* raises; does not return */
void clk_mark_killed(clk_run *run, int kind);
void clk_look(lua_State *L, int status); /* after a protected call: raises the kill if there is one */
int clk_no_memory(clk_run *run, int status); /* the status is LUA_ERRMEM, and truly so */
double clk_thread_seconds(void);

/* convert.c */
int clk_push_parcel(lua_State *L);                    /* all of the parcel's values; how many */
void clk_read_values(lua_State *L, int first, int last, clk_parcel *p); /* charged to run->passing; may raise */

/* functions.c */
int32_t clk_reference(lua_State *L, int index);  /* number of a function for the host, lent if it is new */
void clk_push_function(lua_State *L, int32_t reference);
void clk_end_lending(lua_State *L); /* gives back what is lent above the floor; never raises */

/* host.c */
void clk_open_passing(clk_run *run); /* for what is passed to the host next */
void clk_begin_call(lua_State *L, clk_run *run); /* before each question to the host */
int clk_host_call(lua_State *L);
void clk_push_host_function(lua_State *L, int32_t function, int32_t receiver);
int clk_finish(lua_State *L, int answer);

/* userdata.c */
typedef struct clk_object {
  uint64_t magic;
  int32_t type, fields;
  int64_t first, second;
  uint32_t epochs[]; /* of each field's cached value; 0: none */
} clk_object;
clk_object *clk_object_at(lua_State *L, int index);
void clk_push_object(lua_State *L, int32_t type, int64_t first, int64_t second);
void clk_define_type_body(lua_State *L);

/* the rest: each puts functions into the table at the top of the stack */
void clk_open_protect(lua_State *L);    /* pcall xpcall */
void clk_open_coroutine(lua_State *L);  /* coroutine */
void clk_open_metatable(lua_State *L);  /* setmetatable getmetatable rawset collectgarbage */
void clk_open_load(lua_State *L);       /* load require */
void clk_seal_table(lua_State *L);      /* replaces the table on top by its read-only face */
int clk_load_text(lua_State *L, const char *text, size_t size, const char *chunk, int environment);

/* traceback.c */
int clk_gather(lua_State *L);           /* a message handler that only gathers */
void clk_trace(clk_run *run, lua_State *L);
void clk_push_trace(lua_State *L);      /* as text */

/* protect.c */
int clk_enter(clk_run *run, lua_CFunction body, int executes);
void clk_describe(lua_State *L);        /* error object on top -> text in the parcel; protected inside */

#endif
