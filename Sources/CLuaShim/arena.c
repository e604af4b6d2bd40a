/* The allocator of a state, and its images.
 *
 * Facts it answers:
 * - `used` counts garbage too, so going over the limit proves nothing: the request is granted, pressure
 *   is noted and the hook armed; at the next safe point a full collection decides (budget.c).
 * - A small request never fails, so that messages, call frames and error objects can always be made;
 *   only one big block can be refused, where the library is prepared for it.
 * - When ptr is NULL the old size is a type tag; a shrinking request must not fail.
 *
 * Images. All memory a state has comes from here: small blocks from one range of addresses (the arena),
 * bigger ones from malloc, in a list. An image is a copy of the arena's used part, of the pinned big
 * blocks and of clk_saved. Putting it back at the same addresses restores the state bit for bit:
 * liblua keeps no state outside its allocator (string table, registry, metatables, collector, coroutines
 * and hooks are all in it), userdata hold no host reference, and no frame of a run is on the C stack
 * when it is done. Hence nothing of a run can survive it.
 */
#include "run.h"
#include <stdlib.h>
#include <sys/mman.h>

#define OPEN_STEP ((size_t)256 << 10)
#define KEEP_DIRTY ((size_t)1 << 20) /* pages above an image that a reset leaves to the next run */

static _Thread_local int64_t fail_count;
static _Thread_local int fail_for_ever;

void clk_fail_allocation(int64_t n, bool for_ever) {
  fail_count = n;
  fail_for_ever = for_ever;
}

int64_t clk_failures_left(void) { return fail_count; }

static int must_fail(void) {
  if (fail_count == 0) return 0;
  if (fail_count > 1) {
    fail_count--;
    return 0;
  }
  if (!fail_for_ever) fail_count = 0;
  return 1;
}

void *clk_host_memory(void *p, size_t n) { return must_fail() ? NULL : realloc(p, n); }

/* Sizes to 1 KB in steps of 16, above that four classes a doubling. */
static unsigned class_of(size_t n) {
  if (n <= 1024) return (unsigned)((n + 15) / 16 - 1);
  unsigned shift = 63 - (unsigned)__builtin_clzll(n - 1); /* 2^shift <= n - 1 < 2^(shift+1) */
  unsigned quarter = (unsigned)(((n - 1) >> (shift - 2)) & 3);
  return 64 + (shift - 10) * 4 + quarter;
}

static size_t class_size(unsigned c) {
  if (c < 64) return ((size_t)c + 1) * 16;
  unsigned shift = 10 + (c - 64) / 4, quarter = (c - 64) % 4;
  return ((size_t)1 << shift) + ((size_t)(quarter + 1) << (shift - 2));
}

int clk_arena_open(clk_run *run) {
  size_t wanted = run->limits.memory;
  size_t most = (size_t)1 << 30; /* blocks beyond the arena go to malloc: only address space is meant here */
  if (wanted > most) wanted = most;
  run->reserved = (wanted * 2 + CLK_RESERVE * 2 + OPEN_STEP) / OPEN_STEP * OPEN_STEP;
  void *base = mmap(NULL, run->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return 0;
  run->base = base;
  return 1;
}

void clk_arena_close(clk_run *run) {
  clk_big *next;
  for (clk_big *b = run->bigs; b; b = next) {
    next = b->next;
    free(b->copy);
    free(b);
  }
  if (run->base) munmap(run->base, run->reserved);
  free(run->image);
}

static void *take_big(clk_run *run, size_t n) {
  if (n > SIZE_MAX - sizeof(clk_big)) return NULL;
  clk_big *b = malloc(sizeof(clk_big) + n);
  if (!b) return NULL;
  b->size = n;
  b->copy = NULL;
  b->pinned = 0;
  b->previous = NULL;
  b->next = run->bigs;
  if (b->next) b->next->previous = b;
  run->bigs = b;
  return b + 1;
}

static void drop_big(clk_run *run, clk_big *b) {
  if (b->pinned) return;
  if (b->previous) b->previous->next = b->next;
  else run->bigs = b->next;
  if (b->next) b->next->previous = b->previous;
  free(b);
}

static int in_arena(const clk_run *run, const void *p) {
  return (const char *)p >= run->base && (const char *)p < run->base + run->reserved;
}

static void *take(clk_run *run, size_t n) {
  if (n > CLK_SMALL_MAX) return take_big(run, n);
  unsigned c = class_of(n);
  void *p = run->s.free_lists[c];
  if (p) {
    memcpy(&run->s.free_lists[c], p, sizeof(void *));
    return p;
  }
  size_t size = class_size(c);
  if (run->s.bump + size > run->opened) {
    if (run->opened == run->reserved) return take_big(run, n);
    size_t more = run->reserved - run->opened < OPEN_STEP ? run->reserved - run->opened : OPEN_STEP;
    if (mprotect(run->base + run->opened, more, PROT_READ | PROT_WRITE) != 0) return NULL;
    run->opened += more;
    if (run->s.bump + size > run->opened) return take_big(run, n);
  }
  p = run->base + run->s.bump;
  run->s.bump += size;
  return p;
}

static void give(clk_run *run, void *p, size_t n) {
  if (in_arena(run, p)) {
    unsigned c = class_of(n);
    memcpy(p, &run->s.free_lists[c], sizeof(void *));
    run->s.free_lists[c] = p;
  } else {
    drop_big(run, (clk_big *)p - 1);
  }
}

/* 0: refused. The verdict over what is granted beyond the limit falls in clk_check. */
static int grant(clk_run *run, size_t after, size_t request) {
  if (!run->limited || after <= run->limits.memory) return 1;
  size_t over = after - run->limits.memory;
  if (over > CLK_RESERVE) {
    clk_mark_killed(run, CLK_KIND_MEMORY);
    return request <= CLK_SMALL_MAX && over <= CLK_RESERVE + CLK_LAST_RESERVE;
  }
  if (!run->pressure) {
    run->pressure = 1;
    run->attention = 1;
    clk_arm(run);
  }
  return 1;
}

static void *refuse(clk_run *run) {
  run->refused = 1;
  return NULL;
}

void *clk_allocate(void *ud, void *p, size_t osize, size_t nsize) {
  clk_run *run = ud;
  if (!p) osize = 0;
  if (nsize == 0) {
    if (p) {
      run->s.used -= osize;
      give(run, p, osize);
    }
    return NULL;
  }
  if (nsize > osize && (must_fail() || !grant(run, run->s.used - osize + nsize, nsize))) return refuse(run);
  void *q;
  if (!p) {
    q = take(run, nsize);
    if (!q) return refuse(run);
  } else if (in_arena(run, p) && nsize <= CLK_SMALL_MAX && class_of(osize) == class_of(nsize)) {
    q = p;
  } else if (!in_arena(run, p) && nsize <= ((clk_big *)p - 1)->size && nsize > CLK_SMALL_MAX) {
    q = p; /* a big block that shrinks stays: its true size is in its header */
  } else {
    q = take(run, nsize);
    if (!q) {
      if (nsize > osize) return refuse(run);
      q = p; /* the system is out of memory, but shrinking must not fail */
    } else {
      memcpy(q, p, osize < nsize ? osize : nsize);
      give(run, p, osize);
    }
  }
  run->s.used = run->s.used - osize + nsize;
  if (run->s.used > run->s.peak) run->s.peak = run->s.used;
  return q;
}

/* ---- images -------------------------------------------------------------------------------- */

static int collect(lua_State *L) {
  lua_gc(L, LUA_GCCOLLECT);
  return 0;
}

int clk_take_image(clk_run *run) {
  if (run->depth > 0 || run->s.suspended || run->s.killed) return CLK_KIND_MISUSE;
  if (clk_enter(run, collect, 0) != CLK_DONE) return run->kind ? run->kind : CLK_KIND_MISUSE;
  size_t count = 0, made = 0;
  for (clk_big *b = run->bigs; b; b = b->next) count++;
  char *copy = clk_host_memory(NULL, run->s.bump ? run->s.bump : 1);
  void **copies = clk_host_memory(NULL, (count + 1) * sizeof *copies);
  int complete = copy && copies;
  for (clk_big *b = run->bigs; complete && b; b = b->next) {
    complete = (copies[made] = clk_host_memory(NULL, b->size)) != NULL;
    made += (size_t)complete;
  }
  if (!complete) { /* nothing of the image before has been touched */
    while (made > 0) free(copies[--made]);
    free(copies);
    free(copy);
    return CLK_KIND_MEMORY;
  }
  made = 0;
  for (clk_big *b = run->bigs; b; b = b->next) {
    free(b->copy);
    b->copy = memcpy(copies[made++], b + 1, b->size);
    b->pinned = 1;
  }
  free(copies);
  memcpy(copy, run->base, run->s.bump);
  run->s.peak = run->s.used;
  free(run->image);
  run->image = copy;
  run->image_size = run->s.bump;
  run->image_saved = run->s;
  return 0;
}

bool clk_reset(clk_run *run) {
  if (!run->image || run->depth > 0) return false;
  clk_big *next;
  for (clk_big *b = run->bigs; b; b = next) {
    next = b->next;
    if (b->pinned) memcpy(b + 1, b->copy, b->size);
    else drop_big(run, b);
  }
  size_t dirty = run->s.bump;
  memcpy(run->base, run->image, run->image_size);
  run->s = run->image_saved;
  run->attention = run->due = run->ticks = 0;
  run->pressure = 0;
  run->limited = 0;
  run->running = run->main;
  run->top = NULL;
  run->chain = NULL;
  run->trace_count = run->trace_pending = 0;
  run->trace_killed = NULL;
  run->lent.count = run->lent.floor = 0;
  if (dirty > run->image_size + KEEP_DIRTY) {
    size_t from = (run->image_size + KEEP_DIRTY / 2 + 4095) / 4096 * 4096;
    madvise(run->base + from, run->opened - from, MADV_DONTNEED);
  }
  if (run->parcel.byte_capacity > KEEP_DIRTY || run->parcel.node_capacity > KEEP_DIRTY / sizeof(clk_node)) {
    free(run->parcel.bytes);
    free(run->parcel.nodes);
    memset(&run->parcel, 0, sizeof run->parcel);
  }
  return true;
}

size_t clk_image_size(const clk_run *run) { return run->image_size; }

static uint64_t mix(uint64_t h, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3ull;
  return h;
}

uint64_t clk_fingerprint(const clk_run *run) {
  uint64_t h = mix(0xcbf29ce484222325ull, run->base, run->s.bump);
  h = mix(h, &run->s, sizeof run->s);
  for (clk_big *b = run->bigs; b; b = b->next) h = mix(h, b + 1, b->size);
  int flags[3] = {run->attention, run->due, run->pressure};
  return mix(h, flags, sizeof flags);
}

size_t clk_outside_bytes(const clk_run *run) {
  size_t n = 0;
  for (clk_big *b = run->bigs; b; b = b->next) n += b->size;
  return n;
}
