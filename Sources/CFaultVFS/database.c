// A connection for whoever looks at a database from outside, without anything of the program that writes it.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faultvfs.h"

// The same questions are asked again and again: each is compiled once.
enum { KEPT = 64 };

struct fault_database {
  sqlite3 *connection;
  sqlite3_stmt *statements[KEPT];
  int count;
};

static sqlite3_stmt *compiled(fault_database *database, const char *sql) {
  for (int place = 0; place < database->count; place++) {
    if (strcmp(sqlite3_sql(database->statements[place]), sql) == 0) return database->statements[place];
  }
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL) != SQLITE_OK || !statement) return NULL;
  int place = database->count < KEPT ? database->count++ : KEPT - 1;
  sqlite3_finalize(database->statements[place]);
  database->statements[place] = statement;
  return statement;
}

fault_database *fault_database_open(const char *path) {
  fault_database *database = calloc(1, sizeof *database);
  if (!database) return NULL;
  if (sqlite3_open_v2(path, &database->connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
    fault_database_close(database);
    return NULL;
  }
  return database;
}

void fault_database_close(fault_database *database) {
  if (!database) return;
  for (int place = 0; place < database->count; place++) sqlite3_finalize(database->statements[place]);
  sqlite3_close_v2(database->connection);
  free(database);
}

const char *fault_database_message(fault_database *database) { return sqlite3_errmsg(database->connection); }

char *fault_database_rows(fault_database *database, const char *sql) {
  sqlite3_stmt *statement = compiled(database, sql);
  if (!statement) return NULL;
  char *text = NULL;
  size_t size = 0;
  FILE *rows = open_memstream(&text, &size);
  if (!rows) return NULL;
  int answer;
  while ((answer = sqlite3_step(statement)) == SQLITE_ROW) {
    for (int column = 0; column < sqlite3_column_count(statement); column++) {
      const char *value = (const char *)sqlite3_column_text(statement, column);
      fprintf(rows, "%s\x1f", value ? value : "");
    }
    fputc('\x1e', rows);
  }
  sqlite3_reset(statement);
  fclose(rows);
  if (answer == SQLITE_DONE) return text;
  free(text);
  return NULL;
}

bool fault_database_execute(fault_database *database, const char *script) {
  return sqlite3_exec(database->connection, script, NULL, NULL, NULL) == SQLITE_OK;
}
