#include "disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

static const size_t sector = 512;

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static fault_disk *disks;

// SplitMix64.
static uint64_t next_random(fault_disk *disk) {
  uint64_t mixed = disk->random += 0x9e3779b97f4a7c15u;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
  return mixed ^ (mixed >> 31);
}

static bool bytes_resize(bytes *bytes, size_t size) {
  if (size > bytes->room) {
    size_t room = bytes->room ? bytes->room : 4096;
    while (room < size) room *= 2;
    uint8_t *data = realloc(bytes->data, room);
    if (!data) return false;
    bytes->data = data;
    bytes->room = room;
  }
  if (size > bytes->size) memset(bytes->data + bytes->size, 0, size - bytes->size);
  bytes->size = size;
  return true;
}

static bool bytes_put(bytes *bytes, const void *data, size_t size, size_t offset) {
  if (offset + size > bytes->size && !bytes_resize(bytes, offset + size)) return false;
  memcpy(bytes->data + offset, data, size);
  return true;
}

static bool bytes_copy(bytes *to, const bytes *from) {
  if (!bytes_resize(to, from->size)) return false;
  if (from->size) memcpy(to->data, from->data, from->size);
  return true;
}

static void forget_changes(disk_file *file) {
  while (file->first) {
    change *change = file->first;
    file->first = change->next;
    free(change);
  }
  file->last = NULL;
}

static bool note_change(disk_file *file, const void *data, size_t size, size_t offset) {
  change *change = malloc(sizeof *change + (data ? size : 0));
  if (!change) return false;
  change->next = NULL;
  change->offset = offset;
  change->size = data ? size : 0;
  if (data) memcpy(change->data, data, size);
  if (file->last) file->last->next = change;
  else file->first = change;
  file->last = change;
  return true;
}

bool file_write(disk_file *file, const void *data, size_t size, size_t offset) {
  if (size == 0) return true;
  return bytes_put(&file->present, data, size, offset) && note_change(file, data, size, offset);
}

bool file_truncate(disk_file *file, size_t size) {
  return bytes_resize(&file->present, size) && note_change(file, NULL, 0, size);
}

static void file_free(disk_file *file) {
  forget_changes(file);
  free(file->present.data);
  free(file->durable.data);
  if (file->memory) memory_release(file->memory);
  free(file->name);
  free(file);
}

// Removed files are gone for good once the folder is on the disk.
static void forget_removed(fault_disk *disk) {
  for (disk_file **place = &disk->files; *place;) {
    disk_file *file = *place;
    if (file->is_deleted && file->users == 0) {
      *place = file->next;
      file_free(file);
    } else {
      place = &file->next;
    }
  }
}

bool file_sync(fault_disk *disk, disk_file *file) {
  for (change *change = file->first; change; change = change->next) {
    bool done = change->size ? bytes_put(&file->durable, change->data, change->size, change->offset)
                             : bytes_resize(&file->durable, change->offset);
    if (!done) return false;
  }
  forget_changes(file);
  // SQLite syncs the folder with the first sync of a file that it made.
  if (!file->is_named) {
    for (disk_file *other = disk->files; other; other = other->next) other->is_named = true;
    forget_removed(disk);
  }
  return true;
}

disk_file *disk_find(fault_disk *disk, const char *name) {
  for (disk_file *file = disk->files; file; file = file->next) {
    if (!file->is_deleted && strcmp(file->name, name) == 0) return file;
  }
  return NULL;
}

disk_file *disk_create(fault_disk *disk, const char *name) {
  disk_file *file = calloc(1, sizeof *file);
  if (!file || !(file->name = strdup(name))) {
    free(file);
    return NULL;
  }
  file->next = disk->files;
  disk->files = file;
  return file;
}

void disk_remove(fault_disk *disk, disk_file *file, bool at_once) {
  file->is_deleted = true;
  if (at_once || !file->is_named) {
    file->is_named = false;  // No crash brings it back.
    forget_removed(disk);
  }
}

// A crash in the middle of writing: each sector of each write may have reached the disk, or not, or in part.
static bool tear(fault_disk *disk, disk_file *file) {
  uint64_t kept = next_random(disk) % 3 * 45;  // Percent: none, half, nearly all.
  for (change *change = file->first; change; change = change->next) {
    if (change->size == 0) {
      if (next_random(disk) % 100 < kept && !bytes_resize(&file->durable, change->offset)) return false;
      continue;
    }
    for (size_t done = 0; done < change->size;) {
      size_t offset = change->offset + done;
      size_t size = sector - offset % sector;
      if (size > change->size - done) size = change->size - done;
      size_t reached = next_random(disk) % 100 < kept ? size : next_random(disk) % 20 ? 0 : next_random(disk) % size;
      if (reached && !bytes_put(&file->durable, change->data + done, reached, offset)) return false;
      done += size;
    }
  }
  return true;
}

void fault_disk_restart(fault_disk *disk, fault_loss loss) {
  disk->life++;
  disk->is_off = false;
  disk->cut = -1;
  memset(disk->plans, 0, sizeof disk->plans);
  for (disk_file **place = &disk->files; *place;) {
    disk_file *file = *place;
    bool exists = true;
    switch (loss) {
    case FAULT_KEEP:
      exists = !file->is_deleted && bytes_copy(&file->durable, &file->present);
      break;
    case FAULT_LOSE:
      exists = file->is_named;
      break;
    case FAULT_TEAR:
      // A name that was not synced may be there or not, and so may one whose removal was not.
      exists = file->is_deleted ? file->is_named && next_random(disk) % 2 : file->is_named || next_random(disk) % 2;
      if (exists && !tear(disk, file)) exists = false;
      break;
    }
    if (exists && file->is_deleted && disk_find(disk, file->name)) exists = false;  // Somebody has its name now.
    file->users = 0;
    if (!exists) {
      *place = file->next;
      file_free(file);
      continue;
    }
    forget_changes(file);
    bytes_copy(&file->present, &file->durable);
    file->is_named = true;
    file->is_deleted = false;
    file->readers = 0;
    file->reserved = file->pending = file->exclusive = false;
    if (file->memory) memory_release(file->memory);
    file->memory = NULL;
    place = &file->next;
  }
}

int disk_ask(fault_disk *disk, fault_operation operation) {
  static const int broken[FAULT_OPERATIONS] = {
      SQLITE_IOERR_READ, SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE,
      SQLITE_CANTOPEN,   SQLITE_IOERR_DELETE, SQLITE_IOERR_LOCK};
  if (disk->is_paused && !disk->is_off) return SQLITE_OK;
  int64_t count = ++disk->counts[operation];
  bool changes = operation == FAULT_WRITE || operation == FAULT_SYNC || operation == FAULT_TRUNCATE || operation == FAULT_DELETE;
  if (changes && disk->cut >= 0 && ++disk->changes >= disk->cut) disk->is_off = true;
  if (disk->is_off) return broken[operation];
  if (count < disk->plans[operation].first || count >= disk->plans[operation].end) return SQLITE_OK;
  switch (disk->plans[operation].kind) {
  case FAULT_FULL: return SQLITE_FULL;
  case FAULT_BUSY: return SQLITE_BUSY;
  default: return broken[operation];
  }
}

void fault_disk_fail(fault_disk *disk, fault_operation operation, fault_kind kind, int64_t nth, int64_t times) {
  disk->plans[operation].kind = kind;
  disk->plans[operation].first = disk->counts[operation] + nth;
  disk->plans[operation].end = disk->plans[operation].first + times;
}

void fault_disk_pause(fault_disk *disk, bool paused) { disk->is_paused = paused; }

void fault_disk_mend(fault_disk *disk) { memset(disk->plans, 0, sizeof disk->plans); }

int64_t fault_disk_count(const fault_disk *disk, fault_operation operation) { return disk->counts[operation]; }

void fault_disk_cut_at(fault_disk *disk, int64_t nth) {
  disk->changes = 0;
  disk->cut = nth;
  if (nth == 0) disk->is_off = true;
}

bool fault_disk_is_off(const fault_disk *disk) { return disk->is_off; }

int64_t fault_disk_size(fault_disk *disk, const char *name) {
  disk_file *file = disk_find(disk, name);
  return file ? (int64_t)file->present.size : 0;
}

fault_disk *fault_disk_make(const char *name, uint64_t seed) {
  fault_disk *disk = calloc(1, sizeof *disk);
  if (!disk || !(disk->name = strdup(name))) {
    free(disk);
    return NULL;
  }
  disk->random = seed;
  disk->cut = -1;
  pthread_mutex_lock(&registry);
  disk->next = disks;
  disks = disk;
  pthread_mutex_unlock(&registry);
  return disk;
}

fault_disk *fault_disk_copy(const fault_disk *from, const char *name, uint64_t seed) {
  fault_disk *disk = fault_disk_make(name, seed);
  if (!disk) return NULL;
  size_t prefix = strlen(from->name);
  for (const disk_file *file = from->files; file; file = file->next) {
    if (file->is_deleted) continue;
    char *copied = malloc(strlen(name) + strlen(file->name) - prefix + 1);
    if (!copied) continue;
    strcpy(copied, name);
    strcat(copied, file->name + prefix);
    disk_file *copy = disk_create(disk, copied);
    free(copied);
    if (!copy) continue;
    copy->is_named = true;
    bytes_copy(&copy->present, &file->present);
    bytes_copy(&copy->durable, &file->present);
  }
  return disk;
}

void fault_disk_free(fault_disk *disk) {
  if (!disk) return;
  pthread_mutex_lock(&registry);
  for (fault_disk **place = &disks; *place; place = &(*place)->next) {
    if (*place == disk) {
      *place = disk->next;
      break;
    }
  }
  pthread_mutex_unlock(&registry);
  while (disk->files) {
    disk_file *file = disk->files;
    disk->files = file->next;
    file_free(file);
  }
  free(disk->name);
  free(disk);
}

fault_disk *disk_of(const char *path) {
  if (!path) return NULL;
  const char *dot = strchr(path, '.');
  if (!dot) return NULL;
  size_t size = (size_t)(dot - path);
  pthread_mutex_lock(&registry);
  fault_disk *disk = disks;
  while (disk && (strlen(disk->name) != size || strncmp(disk->name, path, size) != 0)) disk = disk->next;
  pthread_mutex_unlock(&registry);
  return disk;
}

void memory_release(shared_memory *memory) {
  if (--memory->users > 0) return;
  for (int place = 0; place < SHM_REGIONS; place++) free(memory->regions[place]);
  free(memory);
}
