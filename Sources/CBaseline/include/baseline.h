#ifndef COULISSE_BASELINE_H
#define COULISSE_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

/* What the engine is measured against: the same work in C, on the plain SQLite and Lua APIs, with prepared statements
   and nothing else around it. */

typedef struct baseline baseline;

/* Fills a database that has the product's own schema with `deals` deals of two lines each. NULL or an error text that
   lives until the next call. */
const char *baseline_fill(const char *path, int64_t deals);

/* Opens a filled database (WAL, FULL sync) and prepares the statements of W1. NULL when that fails. */
baseline *baseline_open(const char *path);
void baseline_close(baseline *b);

/* W1, a transition: read a deal with its organization, person and two lines, check a rule, move it, append event and
   run (first half); insert a quote with two lines and update three custom fields (second half). False on any error. */
bool baseline_first_half(baseline *b, int64_t deal);
bool baseline_second_half(baseline *b, int64_t deal);
bool baseline_begin(baseline *b);
bool baseline_commit(baseline *b);
const char *baseline_error(baseline *b);
const char *baseline_sqlite_version(void); /* of the library that all rivals share */

/* Nanoseconds a field read takes from Lua, through a checked userdata whose __index finds a slot by name. */
double baseline_field_read(int64_t reads);
/* Nanoseconds a new Lua state with base, string, table and math takes, with closing it. */
double baseline_fresh_state(int64_t states);

#endif
