/* Texts under construction: see lib_buffer in lib.h. */
#include <string.h>
#include "lib.h"

#define SLOW_GROWTH ((size_t)1 << 20) /* from here on a quarter more at a time, not twice as much */
#define CHARGE_EVERY ((size_t)64 << 10)

void lib_buffer_open(lua_State *L, lib_buffer *b) {
  lua_pushnil(L);
  b->L = L;
  b->slot = lua_gettop(L);
  b->data = b->first;
  b->used = 0;
  b->capacity = sizeof b->first;
  b->uncharged = 0;
}

static void charge(lib_buffer *b) {
  size_t bytes = b->uncharged;
  b->uncharged = 0;
  clk_charge(b->L, bytes / 16 + 1);
}

char *lib_buffer_room(lib_buffer *b, size_t n) {
  if (n <= b->capacity - b->used) return b->data + b->used;
  size_t needed = n > SIZE_MAX / 4 - b->used ? SIZE_MAX / 4 : b->used + n;
  clk_need_memory(b->L, needed, NULL);
  size_t capacity = needed + (needed < SLOW_GROWTH ? needed : needed / 4);
  b->uncharged += b->used;
  charge(b);
  char *data = lua_newuserdatauv(b->L, capacity, 0);
  memcpy(data, b->data, b->used);
  lua_replace(b->L, b->slot); /* the old one, if any, is garbage now */
  b->data = data;
  b->capacity = capacity;
  return data + b->used;
}

void lib_buffer_add(lib_buffer *b, const char *s, size_t n) {
  if (n == 0) return;
  memcpy(lib_buffer_room(b, n), s, n);
  b->used += n;
  b->uncharged += n;
  if (b->uncharged >= CHARGE_EVERY) charge(b);
}

void lib_buffer_add_value(lib_buffer *b) {
  size_t n;
  const char *s = lua_tolstring(b->L, -1, &n);
  lib_buffer_add(b, s, n);
  lua_pop(b->L, 1);
}

void lib_buffer_finish(lib_buffer *b) {
  charge(b);
  clk_need_memory(b->L, b->used, NULL);
  lua_pushlstring(b->L, b->data, b->used);
}
