/* Matching of Lua patterns at one place of a subject.
 *
 * Facts it answers:
 * - The library's own matcher backtracks without end and never reaches a hook; this one counts each step,
 *   each byte of a set, of a back reference and of a balanced stretch, and looks at the flags.
 * - What recurses is what recurses in the library, with the same bound, so what is "too complex" is too
 *   complex in both. Faults of a pattern are found when matching comes to them, as there.
 * - Subject and pattern are Lua strings, so a zero byte lies behind the last one and may be read.
 */
#include "lib_match.h"
#include <ctype.h>

#define DEPTH_MAX 200

static const char *match(lib_matcher *m, const char *s, const char *p);

static int byte_of(const char *s) { return (unsigned char)*s; }

/* ---- single characters ----------------------------------------------------------------------- */

static int in_class(int c, int letter) {
  int found;
  switch (tolower(letter)) {
    case 'a': found = isalpha(c); break;
    case 'c': found = iscntrl(c); break;
    case 'd': found = isdigit(c); break;
    case 'g': found = isgraph(c); break;
    case 'l': found = islower(c); break;
    case 'p': found = ispunct(c); break;
    case 's': found = isspace(c); break;
    case 'u': found = isupper(c); break;
    case 'w': found = isalnum(c); break;
    case 'x': found = isxdigit(c); break;
    case 'z': found = c == 0; break;
    default: return letter == c;
  }
  return isupper(letter) ? !found : found != 0;
}

/* `set` is at the '[', `last` at the ']' that ends it. */
static int in_set(lib_matcher *m, int c, const char *set, const char *last) {
  int wanted = 1;
  const char *at = set + 1;
  lib_match_spend(m, (size_t)(last - set) / 2);
  if (*at == '^') {
    wanted = 0;
    at++;
  }
  while (at < last) {
    if (*at == '%') {
      if (in_class(c, byte_of(at + 1))) return wanted;
      at += 2;
    } else if (at[1] == '-' && at + 2 < last) {
      if (byte_of(at) <= c && c <= byte_of(at + 2)) return wanted;
      at += 3;
    } else {
      if (byte_of(at) == c) return wanted;
      at++;
    }
  }
  return !wanted;
}

/* Where the single-character item that starts at p ends. */
static const char *item_end(lib_matcher *m, const char *p) {
  const char *start = p;
  char first = *p++;
  if (first == '%') {
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 1;
  }
  if (first != '[') return p;
  if (*p == '^') p++;
  do { /* a ']' that comes first stands for itself */
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == '%' && p < m->pattern_end) p++;
  } while (*p != ']');
  lib_match_spend(m, (size_t)(p - start) / 2);
  return p + 1;
}

static int accepts(lib_matcher *m, const char *s, const char *p, const char *end) {
  lib_match_spend(m, 1);
  if (s >= m->subject_end) return 0;
  int c = byte_of(s);
  switch (*p) {
    case '.': return 1;
    case '%': return in_class(c, byte_of(p + 1));
    case '[': return in_set(m, c, p, end - 1);
    default: return byte_of(p) == c;
  }
}

/* ---- repetitions ------------------------------------------------------------------------------ */

static const char *longest_first(lib_matcher *m, const char *s, const char *p, const char *end) {
  ptrdiff_t count = 0;
  while (accepts(m, s + count, p, end)) count++;
  for (; count >= 0; count--) {
    const char *found = match(m, s + count, end + 1);
    if (found) return found;
  }
  return NULL;
}

static const char *shortest_first(lib_matcher *m, const char *s, const char *p, const char *end) {
  for (;; s++) {
    const char *found = match(m, s, end + 1);
    if (found) return found;
    if (!accepts(m, s, p, end)) return NULL;
  }
}

/* ---- captures --------------------------------------------------------------------------------- */

static const char *open_capture(lib_matcher *m, const char *s, const char *p, ptrdiff_t kind) {
  if (m->captures >= LIB_CAPTURES_MAX) luaL_error(m->L, "too many captures");
  m->capture[m->captures].start = s;
  m->capture[m->captures].length = kind;
  m->captures++;
  const char *found = match(m, s, p);
  if (!found) m->captures--;
  return found;
}

static const char *close_capture(lib_matcher *m, const char *s, const char *p) {
  int index = m->captures - 1;
  while (index >= 0 && m->capture[index].length != LIB_CAPTURE_OPEN) index--;
  if (index < 0) luaL_error(m->L, "invalid pattern capture");
  m->capture[index].length = s - m->capture[index].start;
  const char *found = match(m, s, p);
  if (!found) m->capture[index].length = LIB_CAPTURE_OPEN;
  return found;
}

static const char *repeat_capture(lib_matcher *m, const char *s, int digit) {
  int index = digit - '1';
  if (index < 0 || index >= m->captures || m->capture[index].length == LIB_CAPTURE_OPEN) {
    luaL_error(m->L, "invalid capture index %%%d", index + 1);
    return NULL;
  }
  ptrdiff_t length = m->capture[index].length;
  if (length < 0 || length > m->subject_end - s) return NULL;
  lib_match_spend(m, (size_t)length / 16);
  return memcmp(m->capture[index].start, s, (size_t)length) == 0 ? s + length : NULL;
}

/* ---- %b and %f -------------------------------------------------------------------------------- */

static const char *balanced(lib_matcher *m, const char *s, const char *p) { /* p: the two characters */
  if (p >= m->pattern_end - 1) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s >= m->subject_end || *s != p[0]) return NULL;
  const char *start = s;
  ptrdiff_t open = 1;
  while (++s < m->subject_end) {
    if (((s - start) & 1023) == 0) lib_match_spend(m, 1024);
    if (*s == p[1]) {
      if (--open == 0) break;
    } else if (*s == p[0]) {
      open++;
    }
  }
  lib_match_spend(m, (size_t)(s - start) & 1023);
  return s < m->subject_end ? s + 1 : NULL;
}

static int at_frontier(lib_matcher *m, const char *s, const char *set, const char *end) {
  int before = s == m->subject ? 0 : byte_of(s - 1);
  int after = s == m->subject_end ? 0 : byte_of(s);
  return !in_set(m, before, set, end - 1) && in_set(m, after, set, end - 1);
}

/* ---- the whole -------------------------------------------------------------------------------- */

static const char *match_rest(lib_matcher *m, const char *s, const char *p) {
  while (p != m->pattern_end) {
    lib_match_spend(m, 1);
    if (*p == '(') {
      return p[1] == ')' ? open_capture(m, s, p + 2, LIB_CAPTURE_POSITION)
                         : open_capture(m, s, p + 1, LIB_CAPTURE_OPEN);
    }
    if (*p == ')') return close_capture(m, s, p + 1);
    if (*p == '$' && p + 1 == m->pattern_end) return s == m->subject_end ? s : NULL;
    if (*p == '%' && p[1] == 'b') {
      s = balanced(m, s, p + 2);
      if (!s) return NULL;
      p += 4;
      continue;
    }
    if (*p == '%' && p[1] == 'f') {
      p += 2;
      if (*p != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
      const char *end = item_end(m, p);
      if (!at_frontier(m, s, p, end)) return NULL;
      p = end;
      continue;
    }
    if (*p == '%' && isdigit(byte_of(p + 1))) {
      s = repeat_capture(m, s, byte_of(p + 1));
      if (!s) return NULL;
      p += 2;
      continue;
    }
    const char *end = item_end(m, p), *found;
    if (!accepts(m, s, p, end)) {
      if (*end != '*' && *end != '?' && *end != '-') return NULL;
      p = end + 1; /* none of them is enough */
      continue;
    }
    switch (*end) {
      case '*': return longest_first(m, s, p, end);
      case '+': return longest_first(m, s + 1, p, end);
      case '-': return shortest_first(m, s, p, end);
      case '?':
        if ((found = match(m, s + 1, end + 1)) != NULL) return found;
        p = end + 1;
        break;
      default:
        s++;
        p = end;
    }
  }
  return s;
}

static const char *match(lib_matcher *m, const char *s, const char *p) {
  if (m->depth == DEPTH_MAX) luaL_error(m->L, "pattern too complex");
  m->depth++;
  const char *found = match_rest(m, s, p);
  m->depth--;
  return found;
}

void lib_match_open(lib_matcher *m, lua_State *L, const char *subject, size_t subject_size, const char *pattern,
                    size_t pattern_size) {
  m->L = L;
  m->subject = subject;
  m->subject_end = subject + subject_size;
  m->pattern_end = pattern + pattern_size;
  m->steps = 0;
  m->depth = m->captures = 0;
}

const char *lib_match_at(lib_matcher *m, const char *at, const char *pattern) {
  m->depth = m->captures = 0;
  return match(m, at, pattern);
}

void lib_match_close(lib_matcher *m) {
  clk_charge(m->L, m->steps);
  m->steps = 0;
}

/* ---- captures as values ------------------------------------------------------------------------- */

ptrdiff_t lib_match_capture(lib_matcher *m, int index, const char *start, const char *end, const char **bytes) {
  if (index >= m->captures) {
    if (index != 0) luaL_error(m->L, "invalid capture index %%%d", index + 1);
    *bytes = start;
    return end - start;
  }
  const lib_capture *c = &m->capture[index];
  if (c->length == LIB_CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
  if (c->length == LIB_CAPTURE_POSITION) lua_pushinteger(m->L, c->start - m->subject + 1);
  *bytes = c->start;
  return c->length;
}

void lib_match_push(lib_matcher *m, int index, const char *start, const char *end) {
  const char *bytes;
  ptrdiff_t length = lib_match_capture(m, index, start, end, &bytes);
  if (length < 0) return;
  lib_match_spend(m, (size_t)length / 16);
  lua_pushlstring(m->L, bytes, (size_t)length);
}

int lib_match_push_all(lib_matcher *m, const char *start, const char *end) {
  int count = m->captures == 0 && start ? 1 : m->captures;
  luaL_checkstack(m->L, count, "too many captures");
  for (int i = 0; i < count; i++) lib_match_push(m, i, start, end);
  return count;
}
