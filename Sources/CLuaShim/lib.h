/* What the library functions (lib_*.c) share among themselves.
 *
 * Rules they keep:
 * - No memory of malloc is held across a call that may raise, and none of them keeps state in C:
 *   whatever lasts from call to call lies in upvalues, so an image of the state holds it.
 * - Where a native function is as safe as ours could be it is called directly, in the frame of the
 *   function that charged for it, so its error messages name the right function and argument.
 */
#ifndef CLK_LIB_H
#define CLK_LIB_H

#include "shim_internal.h"

/* A text under construction. It lies in the C frame while it is short and then in a plain userdata in a
 * slot of the Lua stack: nothing has to be closed or freed when an error comes through. */
typedef struct lib_buffer {
  lua_State *L;
  int slot;         /* of the Lua stack; taken for as long as the buffer is in use */
  char *data;
  size_t used, capacity;
  size_t uncharged; /* bytes added since the last charge */
  char first[1024]; /* so a conversion of format, 512 bytes at most, fits behind a short text */
} lib_buffer;

void lib_buffer_open(lua_State *L, lib_buffer *b);         /* pushes the slot */
char *lib_buffer_room(lib_buffer *b, size_t n);            /* n writable bytes behind what is used */
void lib_buffer_add(lib_buffer *b, const char *s, size_t n);
void lib_buffer_add_value(lib_buffer *b);                  /* pops a string or number */
void lib_buffer_finish(lib_buffer *b);                     /* pushes the text */

static inline void lib_buffer_byte(lib_buffer *b, char c) {
  if (b->used == b->capacity) lib_buffer_room(b, 1);
  b->data[b->used++] = c;
}

/* Pushes the value's text as tostring makes it; may call __tostring. */
void lib_tostring(lua_State *L, int index);

/* Position from an index that may count from the end: 1 and up, also beyond the length. */
size_t lib_start_position(lua_Integer index, size_t length);

/* The length of an argument that is a table or reads, writes and measures like one. */
lua_Integer lib_checked_length(lua_State *L, int argument);

/* Calls the native function kept as the first upvalue, in this very frame. */
static inline int lib_native(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

typedef struct lib_entry {
  const char *name;
  lua_CFunction own; /* NULL: the native one as it is */
  int over_native;   /* own gets the native one as its first upvalue */
} lib_entry;

/* Natives' table at the top of the stack, target at index `target`: installs the entries there. */
void lib_install(lua_State *L, int target, const lib_entry *entries);
/* Pushes a fresh table of what a library's own opening function makes. */
void lib_push_natives(lua_State *L, lua_CFunction open);

/* Each adds its functions or its table to the table at the top of the stack. */
void lib_open_base(lua_State *L);
void lib_open_traversal(lua_State *L);
void lib_open_string(lua_State *L);
void lib_add_patterns(lua_State *L); /* to the string table itself, at the top of the stack */
void lib_add_format(lua_State *L);   /* likewise */
void lib_open_table(lua_State *L);
void lib_add_sort(lua_State *L);     /* to the table `table` at the top of the stack */
void lib_open_utf8(lua_State *L);
void lib_open_math(lua_State *L);
void lib_open_os(lua_State *L);

#endif
