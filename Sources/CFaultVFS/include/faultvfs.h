// Disks for SQLite that live in memory and break when they are told to: a read, write or sync fails, the power goes at
// a chosen moment, and what was not synced is lost, torn or kept, as the disk's own random numbers say.
//
// A file called "NAME.anything" is on the disk NAME, if there is one of that name; all other files are where they
// always are. A disk belongs to one thread at a time.
#ifndef COULISSE_FAULTVFS_H
#define COULISSE_FAULTVFS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct fault_disk fault_disk;

// What SQLite asks of a disk.
typedef enum { FAULT_READ, FAULT_WRITE, FAULT_SYNC, FAULT_TRUNCATE, FAULT_OPEN, FAULT_DELETE, FAULT_LOCK, FAULT_OPERATIONS } fault_operation;

// How an operation fails: as a broken disk, as a full one, as one that somebody else has locked.
typedef enum { FAULT_BROKEN, FAULT_FULL, FAULT_BUSY } fault_kind;

// What a crash leaves of the writes that were not synced.
typedef enum {
  FAULT_KEEP,  // All: a process was killed, and the system wrote for it.
  FAULT_LOSE,  // None.
  FAULT_TEAR,  // Any part of each: some sectors reached the disk, some did not, some in part.
} fault_loss;

// Registers the file system with SQLite, once for the process. Answers SQLite's result code.
int fault_vfs_register(void);

// An empty disk. The name must be unique, and without a dot. Null when there is no memory.
fault_disk *fault_disk_make(const char *name, uint64_t seed);
// A disk with what is on another one now.
fault_disk *fault_disk_copy(const fault_disk *disk, const char *name, uint64_t seed);
// No file of it may be open.
void fault_disk_free(fault_disk *disk);

// From the nth operation of this kind on, counted from now and from 1, `times` of them fail.
void fault_disk_fail(fault_disk *disk, fault_operation operation, fault_kind kind, int64_t nth, int64_t times);
// Nothing fails any more.
void fault_disk_mend(fault_disk *disk);
// While a disk is paused nothing fails and nothing is counted: whoever only looks at it shall not disturb it.
void fault_disk_pause(fault_disk *disk, bool paused);
// How often an operation was asked for since the disk was made.
int64_t fault_disk_count(const fault_disk *disk, fault_operation operation);

// The power goes at the nth operation that changes the disk (write, sync, truncate, delete), counted from now; 0: at
// once. From then on everything fails.
void fault_disk_cut_at(fault_disk *disk, int64_t nth);
bool fault_disk_is_off(const fault_disk *disk);
// The disk is as a crash leaves it, and works again; files that were open are dead.
void fault_disk_restart(fault_disk *disk, fault_loss loss);

// How many bytes a file has; 0 when there is none.
int64_t fault_disk_size(fault_disk *disk, const char *name);

// A second connection to a database, for whoever looks at it from outside.
typedef struct fault_database fault_database;
// Makes the file if there is none. Null when it can't be opened.
fault_database *fault_database_open(const char *path);
void fault_database_close(fault_database *database);
// The rows of a query: each ends with 0x1E, each of its columns with 0x1F; texts, null as nothing. To be freed with
// free. Null when the query fails; the reason is in fault_database_message then.
char *fault_database_rows(fault_database *database, const char *sql);
// Executes a script of several statements.
bool fault_database_execute(fault_database *database, const char *script);
const char *fault_database_message(fault_database *database);

#endif
