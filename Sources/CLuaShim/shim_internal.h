/* What the library functions (lib_*.c) may use of the shim's core.
 *
 * Rules for them: a loop in C charges its steps, because a hook never fires inside C code; the order
 * of checks is arguments, sizes that can never fit, the charge, memory that does not fit now; a
 * callback is called by lua_call (never yieldable) and a kill goes up by itself as an error.
 */
#ifndef CLK_SHIM_INTERNAL_H
#define CLK_SHIM_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

typedef struct clk_run clk_run;

/* The run's record; valid in every coroutine (the library copies the main thread's extra space). */
#define clk_of(L) (*(clk_run **)lua_getextraspace(L))

/* Charges work. Looks at the flags when one is up; then it may raise the kill and not return. */
void clk_charge(lua_State *L, size_t steps);
/* Looks at the flags now: collects under memory pressure, raises the kill if the run is over. */
void clk_check(lua_State *L);
/* Before making something of a known size. More than the memory limit: ordinary error
 * "resulting string too large" (with `what` in place of "string" unless NULL). Does not fit now:
 * a collection, and if that does not help the kill. */
void clk_need_memory(lua_State *L, size_t bytes, const char *what);
/* Nonzero when the run is over: an own protected call must then call clk_check, which raises. */
int clk_killed(lua_State *L);
/* A keyed hash in the place of an address, for tostring. */
uint64_t clk_hash_pointer(lua_State *L, const void *p);
/* The host's clock, in seconds since 1970. */
double clk_now(lua_State *L);
/* The sink of print; bounded in bytes per run and charged. */
void clk_write(lua_State *L, const char *s, size_t n);
/* Whether the table at index is a library's or module's read-only one: raw writes must refuse it. */
int clk_is_protected(lua_State *L, int index);

/* Offered by lib_*.c: installs the library functions on the table at the top of the stack. */
void clk_open_library(lua_State *L);

#endif
