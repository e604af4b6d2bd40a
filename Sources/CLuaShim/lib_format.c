/* string.format
 *
 * Facts it answers:
 * - `%p` would show an address and is refused. `%s` uses this library's own text conversion.
 * - A conversion has at most two digits of width and two of precision, so one item is short, except for
 *   `%s` without either and `%f` of a big number.
 */
#include <string.h>
#include "lib.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>

enum { SPECIFICATION_MAX = 32, ITEM_MAX = 512 };

static const char *skip_two_digits(const char *at) {
  for (int i = 0; i < 2 && isdigit((unsigned char)*at); i++) at++;
  return at;
}

static void check_specification(lua_State *L, const char *specification, const char *flags, int precision) {
  const char *at = specification + 1;
  at += strspn(at, flags);
  if (*at != '0') { /* a zero that is not a flag can't begin a width */
    at = skip_two_digits(at);
    if (*at == '.' && precision) at = skip_two_digits(at + 1);
  }
  if (!isalpha((unsigned char)*at)) luaL_error(L, "invalid conversion specification: '%s'", specification);
}

/* ---- %q ------------------------------------------------------------------------------------------ */

static void add_quoted(lib_buffer *b, const char *text, size_t size) {
  char code[8];
  lib_buffer_byte(b, '"');
  for (size_t i = 0; i < size; i++) {
    if ((i & 1023) == 1023) clk_charge(b->L, 1024);
    char c = text[i];
    if (c == '"' || c == '\\' || c == '\n') {
      lib_buffer_byte(b, '\\');
      lib_buffer_byte(b, c);
    } else if (iscntrl((unsigned char)c)) {
      int next_is_digit = i + 1 < size && isdigit((unsigned char)text[i + 1]);
      int n = snprintf(code, sizeof code, next_is_digit ? "\\%03d" : "\\%d", (unsigned char)c);
      lib_buffer_add(b, code, (size_t)n);
    } else {
      lib_buffer_byte(b, c);
    }
  }
  lib_buffer_byte(b, '"');
}

static void add_float_literal(lib_buffer *b, double n) {
  char *room = lib_buffer_room(b, ITEM_MAX);
  int size;
  if (n == HUGE_VAL) size = snprintf(room, ITEM_MAX, "1e9999");
  else if (n == -HUGE_VAL) size = snprintf(room, ITEM_MAX, "-1e9999");
  else if (n != n) size = snprintf(room, ITEM_MAX, "(0/0)");
  else size = snprintf(room, ITEM_MAX, "%a", n);
  b->used += (size_t)size;
}

static void add_literal(lua_State *L, lib_buffer *b, int index) {
  size_t size;
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      const char *text = lua_tolstring(L, index, &size);
      add_quoted(b, text, size);
      return;
    }
    case LUA_TNUMBER:
      if (!lua_isinteger(L, index)) {
        add_float_literal(b, lua_tonumber(L, index));
      } else {
        long long n = lua_tointeger(L, index);
        char *room = lib_buffer_room(b, ITEM_MAX);
        b->used += (size_t)snprintf(room, ITEM_MAX, n == LUA_MININTEGER ? "0x%llx" : "%lld", n);
      }
      return;
    case LUA_TNIL:
    case LUA_TBOOLEAN: {
      lib_tostring(L, index);
      const char *text = lua_tolstring(L, -1, &size);
      lib_buffer_add(b, text, size);
      lua_pop(L, 1);
      return;
    }
    default: luaL_argerror(L, index, "value has no literal form");
  }
}

/* ---- %s ------------------------------------------------------------------------------------------ */

static void add_text(lua_State *L, lib_buffer *b, int index, const char *specification) {
  size_t size;
  lib_tostring(L, index);
  const char *text = lua_tolstring(L, -1, &size);
  clk_charge(L, size / 16);
  if (specification[2] == 0) {
    lib_buffer_add(b, text, size);
  } else {
    luaL_argcheck(L, size == strlen(text), index, "string contains zeros");
    check_specification(L, specification, "-", 1);
    if (!strchr(specification, '.') && size >= 100) {
      lib_buffer_add(b, text, size);
    } else {
      char *room = lib_buffer_room(b, ITEM_MAX);
      b->used += (size_t)snprintf(room, ITEM_MAX, specification, text);
    }
  }
  lua_pop(L, 1);
}

/* ---- the rest -------------------------------------------------------------------------------------- */

static void add_integer(lua_State *L, lib_buffer *b, int index, char *specification, const char *flags) {
  long long n = luaL_checkinteger(L, index);
  check_specification(L, specification, flags, 1);
  size_t last = strlen(specification) - 1;
  char kind = specification[last];
  memcpy(specification + last, "ll", 2);
  specification[last + 2] = kind;
  specification[last + 3] = 0;
  char *room = lib_buffer_room(b, ITEM_MAX);
  b->used += (size_t)snprintf(room, ITEM_MAX, specification, n);
}

static void add_number(lua_State *L, lib_buffer *b, int index, const char *specification) {
  double n = luaL_checknumber(L, index);
  check_specification(L, specification, "-+#0 ", 1);
  char *room = lib_buffer_room(b, ITEM_MAX);
  b->used += (size_t)snprintf(room, ITEM_MAX, specification, n);
}

static void add_item(lua_State *L, lib_buffer *b, int index, char *specification, char kind) {
  switch (kind) {
    case 'c': {
      check_specification(L, specification, "-", 0);
      char *room = lib_buffer_room(b, ITEM_MAX);
      b->used += (size_t)snprintf(room, ITEM_MAX, specification, (int)luaL_checkinteger(L, index));
      return;
    }
    case 'd':
    case 'i': add_integer(L, b, index, specification, "-+0 "); return;
    case 'u': add_integer(L, b, index, specification, "-0"); return;
    case 'o':
    case 'x':
    case 'X': add_integer(L, b, index, specification, "-#0"); return;
    case 'a':
    case 'A': check_specification(L, specification, "-+#0 ", 1); /* fallthrough */
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G': add_number(L, b, index, specification); return;
    case 'q':
      if (specification[2] != 0) luaL_error(L, "specifier '%%q' cannot have modifiers");
      add_literal(L, b, index);
      return;
    case 's': add_text(L, b, index, specification); return;
    case 'p': luaL_error(L, "'%%p' is not available: values have no addresses here"); return;
    default: luaL_error(L, "invalid conversion '%s' to 'format'", specification);
  }
}

static int own_format(lua_State *L) {
  int count = lua_gettop(L), index = 1;
  size_t size;
  const char *format = luaL_checklstring(L, 1, &size), *end = format + size;
  char specification[SPECIFICATION_MAX];
  lib_buffer b;
  clk_charge(L, size / 16 + 1);
  lib_buffer_open(L, &b);
  while (format < end) {
    const char *mark = memchr(format, '%', (size_t)(end - format));
    if (!mark) mark = end;
    lib_buffer_add(&b, format, (size_t)(mark - format));
    format = mark + 1;
    if (mark == end) break;
    clk_charge(L, 20);
    if (*format == '%') {
      lib_buffer_byte(&b, '%');
      format++;
      continue;
    }
    if (++index > count) return luaL_argerror(L, index, "no value");
    size_t length = strspn(format, "-+#0 .123456789") + 1;
    if (length >= SPECIFICATION_MAX - 10) return luaL_error(L, "invalid format (too long)");
    specification[0] = '%';
    memcpy(specification + 1, format, length);
    specification[length + 1] = 0;
    format += length;
    add_item(L, &b, index, specification, format[-1]);
  }
  lib_buffer_finish(&b);
  return 1;
}

void lib_add_format(lua_State *L) {
  lua_pushcfunction(L, own_format);
  lua_setfield(L, -2, "format");
}
