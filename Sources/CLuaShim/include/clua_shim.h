/* What Swift sees of the Lua shim.
 *
 * No function declared here ever raises a Lua error or yields out of itself: each either uses only
 * calls of the library that cannot raise, or does its work under a protected call and answers with a
 * status. So no Swift frame is ever unwound by longjmp. The callbacks in clk_host return plain codes;
 * the C frame that called them raises or yields after Swift has returned.
 */
#ifndef CLUA_SHIM_H
#define CLUA_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

typedef struct lua_State lua_State;
typedef struct clk_run clk_run;

/* ---- values in transit -------------------------------------------------------------------- */

/* Values cross the border as a flat list of nodes in pre-order; the bytes of strings lie behind one
 * another in `bytes`. The same shape serves both directions, so neither side ever holds a pointer
 * into the other's memory. */
enum {
  CLK_NODE_NIL = 0,
  CLK_NODE_BOOLEAN,  /* first: 0 or 1 */
  CLK_NODE_INTEGER,  /* first */
  CLK_NODE_NUMBER,   /* number */
  CLK_NODE_STRING,   /* first: offset in bytes; second: length */
  CLK_NODE_TABLE,    /* first: values of the sequence that follow; second: key-value pairs after them */
  CLK_NODE_FUNCTION, /* tag: reference */
  CLK_NODE_OBJECT    /* tag: type; first, second: payload */
};

typedef struct clk_node {
  int32_t kind;
  int32_t tag;
  int64_t first;
  int64_t second;
  double number;
} clk_node;

typedef struct clk_parcel {
  clk_node *nodes;
  size_t node_count, node_capacity;
  uint8_t *bytes;
  size_t byte_count, byte_capacity;
  bool failed; /* the system had no memory: the parcel is incomplete */
} clk_parcel;

clk_parcel *clk_parcel_of(clk_run *run);
bool clk_parcel_grow(clk_parcel *p);
void clk_parcel_bytes(clk_parcel *p, const void *bytes, size_t count); /* appends a string node */

static inline void clk_parcel_clear(clk_parcel *p) {
  p->node_count = 0;
  p->byte_count = 0;
  p->failed = false;
}

static inline void clk_parcel_add(clk_parcel *p, int32_t kind, int32_t tag, int64_t first, int64_t second,
                                  double number) {
  if (p->node_count == p->node_capacity && !clk_parcel_grow(p)) return;
  clk_node *n = &p->nodes[p->node_count++];
  n->kind = kind;
  n->tag = tag;
  n->first = first;
  n->second = second;
  n->number = number;
}

/* ---- life of a state ------------------------------------------------------------------------ */

typedef struct clk_limits {
  double seconds;       /* 0: none */
  size_t memory;        /* bytes */
  int64_t host_calls;   /* negative: none */
  int64_t instructions; /* negative: none */
  size_t source;        /* bytes of one source text */
  size_t printed;       /* bytes print may write in one run */
} clk_limits;

/* What a callback of the host answers. */
enum {
  CLK_ANSWER_NONE = 0,
  CLK_ANSWER_VALUES,  /* the parcel holds them */
  CLK_ANSWER_SUSPEND,
  CLK_ANSWER_ERROR,   /* the parcel holds the message, position included */
  CLK_ANSWER_FATAL    /* ends the run; no script can catch it */
};

typedef struct clk_host {
  void *context;
  int (*call)(void *context, lua_State *L, int32_t function, int32_t first_argument);
  int (*answer)(void *context, lua_State *L); /* the answer to a suspended call */
  int (*get)(void *context, lua_State *L, int32_t type, int32_t slot);
  int (*set)(void *context, lua_State *L, int32_t type, int32_t slot);
  int (*unknown)(void *context, lua_State *L, int32_t type, bool writing); /* always an error */
  int (*source)(void *context, lua_State *L, const char *name, size_t length); /* name, text; or none */
  double (*now)(void *context);
  void (*write)(void *context, const char *bytes, size_t count);
} clk_host;

clk_run *clk_new(const clk_limits *limits, const clk_host *host); /* NULL: no memory */
void clk_free(clk_run *run);

/* ---- set-up: each takes its arguments from the parcel; 0 or a failure (see below) --------------- */

int clk_define_global(clk_run *run);                     /* name, value */
int clk_define_function(clk_run *run, int32_t function); /* name, module or nil */
int clk_define_type(clk_run *run, int32_t type);         /* name, caches, fields, methods, metamethods, has index */
int clk_seed(clk_run *run, int64_t a, int64_t b);

/* ---- running -------------------------------------------------------------------------------- */

enum { CLK_DONE = 0, CLK_SUSPENDED = 1, CLK_FAILED = 2 };

enum {
  CLK_KIND_RUNTIME = 0,
  CLK_KIND_TIME,
  CLK_KIND_MEMORY,
  CLK_KIND_HOST_CALLS,
  CLK_KIND_INSTRUCTIONS,
  CLK_KIND_FATAL,
  CLK_KIND_SYNTAX,
  CLK_KIND_MISUSE
};

/* After CLK_DONE the parcel holds the results; after CLK_FAILED the message. */
int clk_load(clk_run *run, int32_t *reference); /* parcel: chunk name, text */
int clk_start(clk_run *run, int32_t function);  /* parcel: arguments */
int clk_resume(clk_run *run);                   /* the answer is asked for by clk_host.answer */
int clk_call(clk_run *run, int32_t function);   /* parcel: arguments */
/* A function lent to a host function, that is, made known while one executes, is the host's until released. */
void clk_retain(clk_run *run, int32_t function);
int clk_release(clk_run *run, int32_t function);
int clk_failure_kind(const clk_run *run);

bool clk_is_running(const clk_run *run);
bool clk_is_suspended(const clk_run *run);
bool clk_is_spent(const clk_run *run); /* a budget ended the last run: reset or drop the state */

void clk_restart_budgets(clk_run *run);
void clk_invalidate_fields(clk_run *run);

typedef struct clk_statistics {
  size_t peak, used;
  int64_t host_calls, instructions;
  double seconds;
} clk_statistics;
clk_statistics clk_statistics_of(const clk_run *run);

/* ---- images ----------------------------------------------------------------------------------- */

int clk_take_image(clk_run *run);
bool clk_reset(clk_run *run); /* false: there is no image */
size_t clk_image_size(const clk_run *run);
uint64_t clk_fingerprint(const clk_run *run); /* of all memory an image covers: for tests */
size_t clk_outside_bytes(const clk_run *run); /* big blocks beside the arena: for tests */

/* ---- reading arguments, from inside a callback ---------------------------------------------------- */

enum {
  CLK_TYPE_NONE = -1, CLK_TYPE_NIL = 0, CLK_TYPE_BOOLEAN = 1, CLK_TYPE_LIGHT = 2, CLK_TYPE_NUMBER = 3,
  CLK_TYPE_STRING = 4, CLK_TYPE_TABLE = 5, CLK_TYPE_FUNCTION = 6, CLK_TYPE_OBJECT = 7, CLK_TYPE_THREAD = 8
};

int32_t clk_arg_count(lua_State *L);
int32_t clk_arg_type(lua_State *L, int32_t index);
bool clk_arg_boolean(lua_State *L, int32_t index);
bool clk_arg_is_integer(lua_State *L, int32_t index);               /* its subtype is integer */
bool clk_arg_integer(lua_State *L, int32_t index, int64_t *value);  /* a number with an integer's value */
double clk_arg_number(lua_State *L, int32_t index);                 /* 0 unless it is a number */
const char *clk_arg_bytes(lua_State *L, int32_t index, size_t *count); /* NULL unless a string */
bool clk_arg_object(lua_State *L, int32_t index, int32_t *type, int64_t *first, int64_t *second);
/* Any value, deeply, into the parcel, under a protected call. false: the parcel holds the message. */
bool clk_arg_deep(lua_State *L, int32_t index);
/* Where the Lua code that called the present host function stands; NULL if no Lua code is near. */
const char *clk_position(lua_State *L, char *buffer60, int32_t *line);
bool clk_can_suspend(lua_State *L);

/* ---- where it happened ------------------------------------------------------------------------ */

typedef struct clk_frame {
  char source[60];
  int32_t line;    /* -1: none */
  int32_t defined; /* line of the function's definition, 0: main chunk, -1: C */
  int32_t host;    /* index of a host function, or -1 */
} clk_frame;
int32_t clk_frame_count(const clk_run *run);
const clk_frame *clk_frame_at(const clk_run *run, int32_t index);

/* ---- about the library -------------------------------------------------------------------------- */

const char *clk_library_identity(void); /* as the loaded library says it, "$LuaVersion: Lua 5.4.4 ..." */

/* For tests: on this thread, the n-th next growing request of memory fails (and all after it, if
 * for_ever). 0: none. */
void clk_fail_allocation(int64_t n, bool for_ever);
int64_t clk_failures_left(void);
int clk_held_functions(const clk_run *run); /* how many functions the host holds, while nothing runs */
int clk_stack_top(const clk_run *run); /* values on the main thread's stack */

#endif
