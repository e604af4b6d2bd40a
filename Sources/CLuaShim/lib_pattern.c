/* string.find match gmatch gsub
 *
 * Facts it answers:
 * - A search without magic characters is linear (memmem), whatever the texts.
 * - A replacement may be long and repeated often: what it adds is charged and its size is known before
 *   memory is taken.
 */
#define _GNU_SOURCE
#include "lib_match.h"
#include <ctype.h>

static int has_magic(const char *pattern, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (pattern[i] != 0 && strchr("^$*+?.([%-", pattern[i])) return 1;
  return 0;
}

static int search(lua_State *L, int finding) {
  size_t subject_size, pattern_size;
  const char *subject = luaL_checklstring(L, 1, &subject_size);
  const char *pattern = luaL_checklstring(L, 2, &pattern_size);
  size_t start = lib_start_position(luaL_optinteger(L, 3, 1), subject_size) - 1;
  if (start > subject_size) {
    luaL_pushfail(L);
    return 1;
  }
  if (finding && (lua_toboolean(L, 4) || !has_magic(pattern, pattern_size))) {
    clk_charge(L, (subject_size - start + pattern_size) / 16);
    const char *found = memmem(subject + start, subject_size - start, pattern, pattern_size);
    if (!found) {
      luaL_pushfail(L);
      return 1;
    }
    lua_pushinteger(L, found - subject + 1);
    lua_pushinteger(L, found - subject + (ptrdiff_t)pattern_size);
    return 2;
  }
  int anchored = *pattern == '^';
  lib_matcher m;
  lib_match_open(&m, L, subject, subject_size, pattern, pattern_size);
  pattern += anchored;
  for (const char *at = subject + start; at <= m.subject_end; at++) {
    const char *end = lib_match_at(&m, at, pattern);
    if (end) {
      if (!finding) {
        int count = lib_match_push_all(&m, at, end);
        lib_match_close(&m);
        return count;
      }
      lua_pushinteger(L, at - subject + 1);
      lua_pushinteger(L, end - subject);
      int count = lib_match_push_all(&m, NULL, NULL) + 2;
      lib_match_close(&m);
      return count;
    }
    if (anchored) break;
  }
  lib_match_close(&m);
  luaL_pushfail(L);
  return 1;
}

static int own_find(lua_State *L) { return search(L, 1); }
static int own_match(lua_State *L) { return search(L, 0); }

/* ---- gmatch ------------------------------------------------------------------------------------ */

typedef struct walk { /* offsets from the subject's first byte */
  size_t next;
  size_t last_end; /* of the match before, SIZE_MAX: none; an empty match there does not count */
} walk;

static int gmatch_step(lua_State *L) { /* upvalues: subject, pattern, walk */
  size_t subject_size, pattern_size;
  const char *subject = lua_tolstring(L, lua_upvalueindex(1), &subject_size);
  const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_size);
  walk *w = lua_touserdata(L, lua_upvalueindex(3));
  lib_matcher m;
  lib_match_open(&m, L, subject, subject_size, pattern, pattern_size);
  for (size_t at = w->next; at <= subject_size; at++) {
    const char *end = lib_match_at(&m, subject + at, pattern);
    if (end && (size_t)(end - subject) != w->last_end) {
      w->next = w->last_end = (size_t)(end - subject);
      int count = lib_match_push_all(&m, subject + at, end);
      lib_match_close(&m);
      return count;
    }
  }
  w->next = subject_size + 1;
  lib_match_close(&m);
  return 0;
}

static int own_gmatch(lua_State *L) {
  size_t size;
  luaL_checklstring(L, 1, &size);
  luaL_checkstring(L, 2);
  size_t start = lib_start_position(luaL_optinteger(L, 3, 1), size) - 1;
  lua_settop(L, 2);
  walk *w = lua_newuserdatauv(L, sizeof *w, 0);
  w->next = start > size ? size + 1 : start;
  w->last_end = SIZE_MAX;
  lua_pushcclosure(L, gmatch_step, 3);
  return 1;
}

/* ---- gsub -------------------------------------------------------------------------------------- */

static void add_template(lib_matcher *m, lib_buffer *b, const char *start, const char *end) {
  lua_State *L = m->L;
  size_t size;
  const char *text = lua_tolstring(L, 3, &size), *text_end = text + size;
  lib_match_spend(m, size / 8 + 1);
  for (const char *mark; (mark = memchr(text, '%', (size_t)(text_end - text))) != NULL; text = mark + 2) {
    lib_buffer_add(b, text, (size_t)(mark - text));
    lib_match_spend(m, 1);
    char what = mark[1];
    if (what == '%') {
      lib_buffer_byte(b, '%');
    } else if (what == '0') {
      lib_match_spend(m, (size_t)(end - start) / 16);
      lib_buffer_add(b, start, (size_t)(end - start));
    } else if (isdigit((unsigned char)what)) {
      const char *bytes;
      ptrdiff_t length = lib_match_capture(m, what - '1', start, end, &bytes);
      if (length == LIB_CAPTURE_POSITION) {
        size_t digits;
        const char *number = luaL_tolstring(L, -1, &digits);
        lib_buffer_add(b, number, digits);
        lua_pop(L, 2);
      } else {
        lib_match_spend(m, (size_t)length / 16);
        lib_buffer_add(b, bytes, (size_t)length);
      }
    } else {
      luaL_error(L, "invalid use of '%%' in replacement string");
    }
  }
  lib_buffer_add(b, text, (size_t)(text_end - text));
}

/* Whether the match was replaced; false: the replacement was nil or false, and it stays. */
static int add_replacement(lib_matcher *m, lib_buffer *b, const char *start, const char *end, int kind) {
  lua_State *L = m->L;
  if (kind == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, lib_match_push_all(m, start, end), 1);
    clk_check(L);
  } else if (kind == LUA_TTABLE) {
    lib_match_push(m, 0, start, end);
    lua_gettable(L, 3);
  } else {
    add_template(m, b, start, end);
    return 1;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    lib_buffer_add(b, start, (size_t)(end - start));
    return 0;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  lib_match_spend(m, size / 16);
  lib_buffer_add(b, text, size);
  lua_pop(L, 1);
  return 1;
}

static int own_gsub(lua_State *L) {
  size_t subject_size, pattern_size;
  const char *subject = luaL_checklstring(L, 1, &subject_size);
  const char *pattern = luaL_checklstring(L, 2, &pattern_size);
  int kind = lua_type(L, 3);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject_size + 1), count = 0;
  luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
                   "string/function/table");
  if (kind == LUA_TNUMBER) lua_tolstring(L, 3, NULL);
  lua_settop(L, 4);
  int anchored = *pattern == '^', changed = 0;
  const char *at = subject, *last_end = NULL;
  lib_matcher m;
  lib_buffer b;
  lib_match_open(&m, L, subject, subject_size, pattern, pattern_size);
  lib_buffer_open(L, &b);
  pattern += anchored;
  while (count < most) {
    const char *end = lib_match_at(&m, at, pattern);
    if (end && end != last_end) {
      count++;
      changed |= add_replacement(&m, &b, at, end, kind);
      at = last_end = end;
    } else if (at < m.subject_end) {
      lib_buffer_byte(&b, *at++);
    } else {
      break;
    }
    if (anchored) break;
  }
  lib_match_close(&m);
  if (changed) {
    lib_buffer_add(&b, at, (size_t)(m.subject_end - at));
    lib_buffer_finish(&b);
  } else {
    lua_pushvalue(L, 1);
  }
  lua_pushinteger(L, count);
  return 2;
}

void lib_add_patterns(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"find", own_find}, {"match", own_match}, {"gmatch", own_gmatch}, {"gsub", own_gsub}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
