/* The pattern matcher, as find, match, gmatch and gsub use it. */
#ifndef CLK_LIB_MATCH_H
#define CLK_LIB_MATCH_H

#include <string.h>
#include "lib.h"

#define LIB_CAPTURES_MAX 32

enum { LIB_CAPTURE_OPEN = -1, LIB_CAPTURE_POSITION = -2 };

typedef struct lib_capture {
  const char *start;
  ptrdiff_t length; /* or one of the above */
} lib_capture;

typedef struct lib_matcher {
  lua_State *L;
  const char *subject, *subject_end, *pattern_end;
  size_t steps; /* done and not yet charged */
  int depth, captures;
  lib_capture capture[LIB_CAPTURES_MAX];
} lib_matcher;

static inline void lib_match_spend(lib_matcher *m, size_t steps) {
  m->steps += steps;
  if (m->steps >= 1024) {
    size_t due = m->steps;
    m->steps = 0;
    clk_charge(m->L, due);
  }
}

void lib_match_open(lib_matcher *m, lua_State *L, const char *subject, size_t subject_size, const char *pattern,
                    size_t pattern_size);
/* The end of the match of `pattern` at exactly `at`, or NULL. Captures are those of this match. */
const char *lib_match_at(lib_matcher *m, const char *at, const char *pattern);
/* Charges what is left over. */
void lib_match_close(lib_matcher *m);

/* A capture's bytes; a position capture is pushed as a number and answers LIB_CAPTURE_POSITION.
 * Where the pattern has no captures, the first is the whole match. */
ptrdiff_t lib_match_capture(lib_matcher *m, int index, const char *start, const char *end, const char **bytes);
void lib_match_push(lib_matcher *m, int index, const char *start, const char *end);
/* Pushes all captures, or the whole match if there are none and `start` is given. */
int lib_match_push_all(lib_matcher *m, const char *start, const char *end);

#endif
