// SQLite's interface to the disks. Names of other disks go to the system's own file system.
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

typedef struct {
  sqlite3_file base;
  fault_disk *disk;
  disk_file *file;
  uint64_t life;         // Of the disk, when it was opened.
  int lock;              // SQLITE_LOCK_…
  shared_memory *memory;
  bool deletes;
} open_file;

static sqlite3_vfs *system_vfs;

static bool is_dead(const open_file *open) { return open->life != open->disk->life; }

static int ask(open_file *open, fault_operation operation) {
  if (is_dead(open)) return SQLITE_IOERR;
  return disk_ask(open->disk, operation);
}

static int fault_unlock(sqlite3_file *base, int level) {
  open_file *open = (open_file *)base;
  if (open->lock <= level) return SQLITE_OK;
  if (!is_dead(open)) {
    disk_file *file = open->file;
    if (open->lock >= SQLITE_LOCK_EXCLUSIVE) file->exclusive = false;
    if (open->lock >= SQLITE_LOCK_PENDING) file->pending = false;
    if (open->lock >= SQLITE_LOCK_RESERVED) file->reserved = false;
    if (level == SQLITE_LOCK_NONE) file->readers--;
  }
  open->lock = level;
  return SQLITE_OK;
}

static int fault_lock(sqlite3_file *base, int level) {
  open_file *open = (open_file *)base;
  if (open->lock >= level) return SQLITE_OK;
  int fault = ask(open, FAULT_LOCK);
  if (fault) return fault;
  disk_file *file = open->file;
  if (open->lock == SQLITE_LOCK_NONE) {
    if (file->pending || file->exclusive) return SQLITE_BUSY;
    file->readers++;
    open->lock = SQLITE_LOCK_SHARED;
    if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
  }
  if (level == SQLITE_LOCK_RESERVED) {
    if (file->reserved) return SQLITE_BUSY;
    file->reserved = true;
    open->lock = SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
  }
  if (open->lock < SQLITE_LOCK_RESERVED) {
    if (file->reserved) return SQLITE_BUSY;
    file->reserved = true;
  }
  file->pending = true;
  open->lock = SQLITE_LOCK_PENDING;
  if (file->readers > 1) return SQLITE_BUSY;
  file->exclusive = true;
  open->lock = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

static int fault_check_reserved(sqlite3_file *base, int *answer) {
  open_file *open = (open_file *)base;
  *answer = !is_dead(open) && open->file->reserved;
  return SQLITE_OK;
}

static int fault_close(sqlite3_file *base) {
  open_file *open = (open_file *)base;
  fault_unlock(base, SQLITE_LOCK_NONE);
  if (open->memory) memory_release(open->memory);
  open->memory = NULL;
  if (!is_dead(open)) {
    open->file->users--;
    if (open->deletes) disk_remove(open->disk, open->file, false);
  }
  return SQLITE_OK;
}

static int fault_read(sqlite3_file *base, void *to, int size, sqlite3_int64 offset) {
  open_file *open = (open_file *)base;
  int fault = ask(open, FAULT_READ);
  if (fault) return fault;
  bytes *present = &open->file->present;
  size_t there = (size_t)offset < present->size ? present->size - (size_t)offset : 0;
  if (there > (size_t)size) there = (size_t)size;
  if (there) memcpy(to, present->data + offset, there);
  if (there == (size_t)size) return SQLITE_OK;
  memset((char *)to + there, 0, (size_t)size - there);
  return SQLITE_IOERR_SHORT_READ;
}

static int fault_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset) {
  open_file *open = (open_file *)base;
  int fault = ask(open, FAULT_WRITE);
  // A write that fails may have written a part, and so may one in which the power goes.
  if (fault && fault != SQLITE_BUSY && !is_dead(open)) file_write(open->file, data, (size_t)size / 2, (size_t)offset);
  if (fault) return fault;
  return file_write(open->file, data, (size_t)size, (size_t)offset) ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int fault_truncate(sqlite3_file *base, sqlite3_int64 size) {
  open_file *open = (open_file *)base;
  int fault = ask(open, FAULT_TRUNCATE);
  if (fault) return fault;
  return file_truncate(open->file, (size_t)size) ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int fault_sync(sqlite3_file *base, int flags) {
  (void)flags;
  open_file *open = (open_file *)base;
  int fault = ask(open, FAULT_SYNC);
  if (fault) return fault;
  return file_sync(open->disk, open->file) ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int fault_size(sqlite3_file *base, sqlite3_int64 *size) {
  open_file *open = (open_file *)base;
  if (is_dead(open)) return SQLITE_IOERR_FSTAT;
  *size = (sqlite3_int64)open->file->present.size;
  return SQLITE_OK;
}

static int fault_control(sqlite3_file *base, int operation, void *argument) {
  (void)base, (void)operation, (void)argument;
  return SQLITE_NOTFOUND;
}

static int fault_sector(sqlite3_file *base) {
  (void)base;
  return 4096;
}

// What SQLite supposes of an ordinary disk: writing a part of a sector harms nothing beside it.
static int fault_traits(sqlite3_file *base) {
  (void)base;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int fault_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **address) {
  open_file *open = (open_file *)base;
  *address = NULL;
  if (is_dead(open) || open->disk->is_off) return SQLITE_IOERR_SHMMAP;
  if (!open->memory) {
    if (!open->file->memory) {
      open->file->memory = calloc(1, sizeof *open->file->memory);
      if (!open->file->memory) return SQLITE_NOMEM;
      open->file->memory->users = 1;
    }
    open->memory = open->file->memory;
    open->memory->users++;
  }
  if (region >= SHM_REGIONS) return SQLITE_IOERR_SHMSIZE;
  if (!open->memory->regions[region] && extend) open->memory->regions[region] = calloc(1, (size_t)size);
  *address = open->memory->regions[region];
  return *address || !extend ? SQLITE_OK : SQLITE_NOMEM;
}

static int fault_shm_lock(sqlite3_file *base, int first, int count, int flags) {
  open_file *open = (open_file *)base;
  shared_memory *memory = open->memory;
  if (!memory) return SQLITE_IOERR_SHMLOCK;
  if (flags & SQLITE_SHM_UNLOCK) {
    for (int slot = first; slot < first + count; slot++) {
      if (flags & SQLITE_SHM_EXCLUSIVE) memory->exclusive[slot] = false;
      else memory->shared[slot]--;
    }
    return SQLITE_OK;
  }
  int fault = ask(open, FAULT_LOCK);
  if (fault) return fault;
  for (int slot = first; slot < first + count; slot++) {
    if (memory->exclusive[slot] || (flags & SQLITE_SHM_EXCLUSIVE && memory->shared[slot])) return SQLITE_BUSY;
  }
  for (int slot = first; slot < first + count; slot++) {
    if (flags & SQLITE_SHM_EXCLUSIVE) memory->exclusive[slot] = true;
    else memory->shared[slot]++;
  }
  return SQLITE_OK;
}

static void fault_shm_barrier(sqlite3_file *base) { (void)base; }

static int fault_shm_unmap(sqlite3_file *base, int deletes) {
  open_file *open = (open_file *)base;
  if (!open->memory) return SQLITE_OK;
  if (deletes && !is_dead(open) && open->file->memory == open->memory) {
    open->file->memory = NULL;
    memory_release(open->memory);
  }
  memory_release(open->memory);
  open->memory = NULL;
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_reserved,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_traits,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *given) {
  (void)vfs;
  fault_disk *disk = disk_of(name);
  if (!disk) return system_vfs->xOpen(system_vfs, name, base, flags, given);
  open_file *open = (open_file *)base;
  memset(open, 0, sizeof *open);
  int fault = disk_ask(disk, FAULT_OPEN);
  if (fault) return fault;
  disk_file *file = disk_find(disk, name);
  if (!file && !(flags & SQLITE_OPEN_CREATE)) return SQLITE_CANTOPEN;
  if (!file) file = disk_create(disk, name);
  if (!file) return SQLITE_NOMEM;
  file->users++;
  open->disk = disk;
  open->file = file;
  open->life = disk->life;
  open->deletes = flags & SQLITE_OPEN_DELETEONCLOSE;
  open->base.pMethods = &methods;
  if (given) *given = flags;
  return SQLITE_OK;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs;
  fault_disk *disk = disk_of(name);
  if (!disk) return system_vfs->xDelete(system_vfs, name, sync);
  int fault = disk_ask(disk, FAULT_DELETE);
  if (fault) return fault;
  disk_file *file = disk_find(disk, name);
  if (!file) return SQLITE_IOERR_DELETE_NOENT;
  disk_remove(disk, file, sync);
  return SQLITE_OK;
}

static int fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *answer) {
  (void)vfs;
  fault_disk *disk = disk_of(name);
  if (!disk) return system_vfs->xAccess(system_vfs, name, flags, answer);
  if (disk->is_off) return SQLITE_IOERR_ACCESS;
  disk_file *file = disk_find(disk, name);
  // As SQLite has it: an empty file does not exist.
  *answer = file && (flags != SQLITE_ACCESS_EXISTS || file->present.size > 0);
  return SQLITE_OK;
}

static int fault_full_path(sqlite3_vfs *vfs, const char *name, int room, char *path) {
  (void)vfs;
  if (!disk_of(name)) return system_vfs->xFullPathname(system_vfs, name, room, path);
  if (strlen(name) + 1 > (size_t)room) return SQLITE_CANTOPEN;
  strcpy(path, name);
  return SQLITE_OK;
}

int fault_vfs_register(void) {
  static sqlite3_vfs own;
  if (system_vfs) return SQLITE_OK;
  int fault = sqlite3_initialize();
  if (fault) return fault;
  system_vfs = sqlite3_vfs_find(NULL);
  if (!system_vfs) return SQLITE_ERROR;
  own = *system_vfs;
  own.pNext = NULL;
  own.zName = "coulisse-fault";
  own.szOsFile = system_vfs->szOsFile > (int)sizeof(open_file) ? system_vfs->szOsFile : (int)sizeof(open_file);
  own.xOpen = fault_open;
  own.xDelete = fault_delete;
  own.xAccess = fault_access;
  own.xFullPathname = fault_full_path;
  return sqlite3_vfs_register(&own, 1);
}
