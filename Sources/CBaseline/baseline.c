#include "baseline.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum { DEAL, ORGANIZATION, PERSON, LINES, PRODUCT, MOVE, EVENT, RUN, COUNT, COUNTED, QUOTE, LINE, FIELDS, BEGIN, COMMIT, STATEMENTS };

static const char *const sql[STATEMENTS] = {
  [DEAL] = "SELECT title, stage_id, status, owner_id, organization_id, person_id, email, custom FROM deal WHERE id = ?",
  [ORGANIZATION] = "SELECT name, address, siret, vat_number FROM organization WHERE id = ?",
  [PERSON] = "SELECT first_name, last_name, email, job_title FROM person WHERE id = ?",
  [LINES] = "SELECT position, product_id, quantity, price, discount FROM deal_line WHERE deal_id = ? ORDER BY position",
  [PRODUCT] = "SELECT name, price, vat_rate FROM product WHERE id = ?",
  [MOVE] = "UPDATE deal SET stage_id = 2 WHERE id = ?",
  [EVENT] = "INSERT INTO event (name, deal_id, data, actor, origin, path, at) VALUES ('deal.moved', ?, "
            "'{\"from\":\"Qualifié\",\"to\":\"Créer documents\"}', 'user:bench', 0, '', 1767600000000)",
  [RUN] = "INSERT INTO run (deal_id, event_id, bundle_id, automation, file, place, origin, path, status, lane_order, seed, "
          "created_at, finished_at) VALUES (?, ?, 1, 'w1', 'scripts/w1.lua', 0, ?, 'w1', 'succeeded', 1, 1, "
          "1767600000000, 1767600000000)",
  [COUNT] = "INSERT INTO counter (name, value) VALUES ('quote-2026', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
  [COUNTED] = "SELECT value FROM counter WHERE name = 'quote-2026'",
  [QUOTE] = "INSERT INTO quote (number, deal_id, status, url, customer_name, currency, total_without_tax, total_tax, total, "
            "fingerprint, created_at) VALUES (?, ?, 'draft', ?, ?, 'EUR', 360000, 72000, 432000, 'cafe', 1767600000000)",
  [LINE] = "INSERT INTO quote_line (quote_id, position, product_id, description, quantity, price, vat_rate, total, tax) "
           "VALUES (?, ?, 1, 'EDLC', 1000000, 180000, 20000000, 180000, 36000)",
  [FIELDS] = "UPDATE deal SET custom = ? WHERE id = ?",
  [BEGIN] = "BEGIN IMMEDIATE",
  [COMMIT] = "COMMIT",
};

struct baseline {
  sqlite3 *db;
  sqlite3_stmt *statements[STATEMENTS];
};

static char problem[512];

static bool run(sqlite3 *db, const char *text) {
  char *message = NULL;
  if (sqlite3_exec(db, text, NULL, NULL, &message) == SQLITE_OK) return true;
  snprintf(problem, sizeof problem, "%s", message ? message : "unknown error");
  sqlite3_free(message);
  return false;
}

const char *baseline_fill(const char *path, int64_t deals) {
  sqlite3 *db;
  if (sqlite3_open(path, &db) != SQLITE_OK) return "the database can't be opened";
  char *text = sqlite3_mprintf(
    "PRAGMA synchronous = OFF; BEGIN;"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld / 10 + 1)"
    " INSERT INTO organization (id, name, siret) SELECT i, 'Organization ' || i, '73282932000074' FROM n;"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld / 10 + 1)"
    " INSERT INTO person (id, first_name, last_name, email, organization_id)"
    " SELECT i, 'Person', 'Number ' || i, 'p' || i || '@client.example', i FROM n;"
    "INSERT INTO product (id, name, description, price, vat_rate, sales_category, category, class)"
    " VALUES (1, 'EDLC', 'Formation', 180000, 20000000, 'prestation de services', 'Formation', 'Formation');"
    "INSERT INTO user (id, name, email, email_folded) VALUES (1, 'Owner', 'owner@shop.example', 'owner@shop.example');"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
    " INSERT INTO deal (id, title, pipeline_id, stage_id, owner_id, organization_id, person_id, email, created_at, custom)"
    " SELECT i, 'Deal ' || i, 1, 1, 1, i %% (%lld / 10 + 1) + 1, i %% (%lld / 10 + 1) + 1, 'deal' || i || '@shop.example',"
    " 1767600000000, '{\"hours_total\":{\"$decimal\":\"49\"},\"place\":\"Paris\",\"promo\":\"[EDLC_001]\"}' FROM n;"
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %lld)"
    " INSERT INTO deal_line (deal_id, position, product_id, quantity)"
    " SELECT i, 1, 1, 1000000 FROM n UNION ALL SELECT i, 2, 1, 1000000 FROM n;"
    "COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
    deals, deals, deals, deals, deals, deals);
  bool done = run(db, text);
  sqlite3_free(text);
  sqlite3_close(db);
  return done ? NULL : problem;
}

baseline *baseline_open(const char *path) {
  baseline *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  if (sqlite3_open(path, &b->db) != SQLITE_OK
      || !run(b->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                     "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536;"
                     "INSERT OR IGNORE INTO bundle (id, hash, files, created_at) VALUES (1, 'bench', '{}', 0)")) {
    baseline_close(b);
    return NULL;
  }
  for (int i = 0; i < STATEMENTS; i++) {
    if (sqlite3_prepare_v3(b->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &b->statements[i], NULL) != SQLITE_OK) {
      snprintf(problem, sizeof problem, "%s", sqlite3_errmsg(b->db));
      baseline_close(b);
      return NULL;
    }
  }
  return b;
}

void baseline_close(baseline *b) {
  if (!b) return;
  for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(b->statements[i]);
  sqlite3_close(b->db);
  free(b);
}

const char *baseline_sqlite_version(void) { return sqlite3_libversion(); }

const char *baseline_error(baseline *b) { return b ? sqlite3_errmsg(b->db) : problem; }

static bool done(sqlite3_stmt *s) {
  int status;
  while ((status = sqlite3_step(s)) == SQLITE_ROW) {}
  sqlite3_reset(s);
  return status == SQLITE_DONE;
}

static bool one(baseline *b, int statement, int64_t id) {
  sqlite3_stmt *s = b->statements[statement];
  sqlite3_bind_int64(s, 1, id);
  return done(s);
}

bool baseline_begin(baseline *b) { return done(b->statements[BEGIN]); }
bool baseline_commit(baseline *b) { return done(b->statements[COMMIT]); }

bool baseline_first_half(baseline *b, int64_t deal) {
  sqlite3_stmt *s = b->statements[DEAL];
  sqlite3_bind_int64(s, 1, deal);
  if (sqlite3_step(s) != SQLITE_ROW) return false;
  int64_t organization = sqlite3_column_int64(s, 4), person = sqlite3_column_int64(s, 5);
  const char *custom = (const char *)sqlite3_column_text(s, 7);
  bool promo = custom && strstr(custom, "[EDLC_001]");
  sqlite3_reset(s);
  if (!promo || !one(b, ORGANIZATION, organization) || !one(b, PERSON, person)) return false;
  s = b->statements[LINES];
  sqlite3_bind_int64(s, 1, deal);
  while (sqlite3_step(s) == SQLITE_ROW) {
    if (!one(b, PRODUCT, sqlite3_column_int64(s, 1))) return false;
  }
  sqlite3_reset(s);
  if (!one(b, MOVE, deal) || !one(b, EVENT, deal)) return false;
  int64_t event = sqlite3_last_insert_rowid(b->db);
  s = b->statements[RUN];
  sqlite3_bind_int64(s, 1, deal);
  sqlite3_bind_int64(s, 2, event);
  sqlite3_bind_int64(s, 3, event);
  return done(s);
}

bool baseline_second_half(baseline *b, int64_t deal) {
  if (!done(b->statements[COUNT])) return false;
  sqlite3_stmt *s = b->statements[COUNTED];
  if (sqlite3_step(s) != SQLITE_ROW) return false;
  int64_t count = sqlite3_column_int64(s, 0);
  sqlite3_reset(s);
  char number[40], url[80], custom[300];
  snprintf(number, sizeof number, "D-2026-%04lld", (long long)count);
  snprintf(url, sizeof url, "coulisse://quotes/%s", number);
  s = b->statements[QUOTE];
  sqlite3_bind_text(s, 1, number, -1, SQLITE_STATIC);
  sqlite3_bind_int64(s, 2, deal);
  sqlite3_bind_text(s, 3, url, -1, SQLITE_STATIC);
  sqlite3_bind_text(s, 4, "Organization", -1, SQLITE_STATIC);
  if (!done(s)) return false;
  int64_t quote = sqlite3_last_insert_rowid(b->db);
  for (int position = 1; position <= 2; position++) {
    s = b->statements[LINE];
    sqlite3_bind_int64(s, 1, quote);
    sqlite3_bind_int(s, 2, position);
    if (!done(s)) return false;
  }
  snprintf(custom, sizeof custom,
           "{\"hours_total\":{\"$decimal\":\"49\"},\"place\":\"Lyon\",\"promo\":\"[EDLC_001]\",\"quote_number\":\"%s\","
           "\"quote_url\":\"%s\"}", number, url);
  s = b->statements[FIELDS];
  sqlite3_bind_text(s, 1, custom, -1, SQLITE_STATIC);
  sqlite3_bind_int64(s, 2, deal);
  return done(s);
}

/* Lua */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int read_field(lua_State *L) {
  int64_t *record = luaL_checkudata(L, 1, "record");
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  lua_pushinteger(L, record[lua_tointeger(L, -1)]);
  return 1;
}

double baseline_field_read(int64_t reads) {
  lua_State *L = luaL_newstate();
  if (!L) return 0;
  int64_t *record = lua_newuserdatauv(L, 4 * sizeof(int64_t), 0);
  memset(record, 0, 4 * sizeof(int64_t));
  luaL_newmetatable(L, "record");
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, 1);
  lua_setfield(L, -2, "title");
  lua_pushcclosure(L, read_field, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_setglobal(L, "deal");
  luaL_loadstring(L, "local deal, n = deal, ... for i = 1, n do local t = deal.title end");
  lua_pushinteger(L, reads);
  double start = now();
  lua_call(L, 1, 0);
  double time = now() - start;
  lua_close(L);
  return time / (double)reads;
}

double baseline_fresh_state(int64_t states) {
  double start = now();
  for (int64_t i = 0; i < states; i++) {
    lua_State *L = luaL_newstate();
    if (!L) return 0;
    luaL_requiref(L, "_G", luaopen_base, 1);
    luaL_requiref(L, "string", luaopen_string, 1);
    luaL_requiref(L, "table", luaopen_table, 1);
    luaL_requiref(L, "math", luaopen_math, 1);
    lua_close(L);
  }
  return (now() - start) / (double)states;
}
