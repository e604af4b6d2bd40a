// The disk itself, below SQLite's interface.
#ifndef COULISSE_FAULT_DISK_H
#define COULISSE_FAULT_DISK_H

#include <stddef.h>

#include "faultvfs.h"

typedef struct {
  uint8_t *data;
  size_t size, room;
} bytes;

// A write that was not synced yet; without data it sets the size.
typedef struct change {
  struct change *next;
  size_t offset, size;
  uint8_t data[];
} change;

// The memory that connections to one file share, and its locks. It outlives a crash as long as a dead connection has it.
#define SHM_REGIONS 32
#define SHM_SLOTS 8
typedef struct {
  int users;
  uint8_t *regions[SHM_REGIONS];
  int shared[SHM_SLOTS];
  bool exclusive[SHM_SLOTS];
} shared_memory;

typedef struct disk_file {
  struct disk_file *next;
  char *name;
  bytes present;          // As whoever reads it sees it.
  bytes durable;          // As it is after a crash.
  change *first, *last;   // What leads from one to the other.
  bool is_named;          // Its name has reached the disk.
  bool is_deleted;        // And that it was removed has not.
  int users;
  int readers;            // Locks of the file, as SQLite's rollback mode has them.
  bool reserved, pending, exclusive;
  shared_memory *memory;
} disk_file;

struct fault_disk {
  struct fault_disk *next;
  char *name;
  uint64_t random;
  uint64_t life;          // Goes up with each crash.
  disk_file *files;
  int64_t counts[FAULT_OPERATIONS];
  struct {
    fault_kind kind;
    int64_t first, end;   // By count; nothing fails while both are 0.
  } plans[FAULT_OPERATIONS];
  int64_t changes, cut;   // Operations that change the disk; at which of them the power goes, or -1.
  bool is_off, is_paused;
};

fault_disk *disk_of(const char *path);

disk_file *disk_find(fault_disk *disk, const char *name);
disk_file *disk_create(fault_disk *disk, const char *name);
void disk_remove(fault_disk *disk, disk_file *file, bool at_once);

// Counts an operation. Answers SQLITE_OK, or how it fails.
int disk_ask(fault_disk *disk, fault_operation operation);

bool file_write(disk_file *file, const void *data, size_t size, size_t offset);
bool file_truncate(disk_file *file, size_t size);
bool file_sync(fault_disk *disk, disk_file *file);

void memory_release(shared_memory *memory);

#endif
