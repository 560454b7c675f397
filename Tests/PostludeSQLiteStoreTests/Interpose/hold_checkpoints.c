// Holds each checkpoint of SQLite open after it has read the WAL's header, and counts the events meanwhile. Loaded by
// LD_PRELOAD. The counts of all processes together are in the file that HOLD_COUNTS names, which is mapped.
//
// SQLite 3.7.0 to 3.51.2 read the header under the checkpoint's lock, and then how many pages were copied. Between the two
// they release mapped pages (xUnfetch) if the header has changed. A commit that restarts the WAL just then is lost.
//
// To make this happen soon, a checkpoint that others may disturb begins when another one has just copied all pages, and a
// pause follows each transaction.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
    uint64_t windows;  // reads of a header, before the checkpoint
    uint64_t held;     // windows in which every page was copied, so that a commit may restart the WAL
    uint64_t resets;   // windows in which a commit did
    uint64_t outside;  // checkpoints that begin while this process does not hold the writer's lock
};

enum { WRITE_LOCK = 0, CHECKPOINT_LOCK = 1 };

static struct counts nowhere;
static struct counts *counts = &nowhere;
static sqlite3_vfs vfs;
static const sqlite3_vfs *original;
static const sqlite3_io_methods *methods;
static sqlite3_io_methods holding;
static int writers;
static __thread int checkpointing;

static void count(uint64_t *counter) { __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST); }

// The WAL index begins with two copies of its header, 48 bytes each; the number of copied pages follows.
static uint32_t word(volatile void *index, int offset) { return *(volatile uint32_t *)((volatile char *)index + offset); }

static int holds_writer(void) { return __atomic_load_n(&writers, __ATOMIC_SEQ_CST) > 0; }

static int is_copied(volatile void *index) { return word(index, 16) && word(index, 16) == word(index, 96); }

static void wait_until_copied(sqlite3_file *file) {
    volatile void *index = NULL;
    if (methods->xShmMap(file, 0, 32768, 0, &index) != SQLITE_OK || !index) return;
    for (int tries = random() % 100; tries > 0 && !is_copied(index); tries -= 1) usleep(200);
}

static int shm_lock(sqlite3_file *file, int offset, int length, int flags) {
    int exclusive = flags & SQLITE_SHM_EXCLUSIVE, locking = flags & SQLITE_SHM_LOCK;
    int checkpoint = exclusive && offset == CHECKPOINT_LOCK && length == 1;
    if (checkpoint && locking && !holds_writer()) wait_until_copied(file);
    if (exclusive && !locking && offset == WRITE_LOCK) __atomic_sub_fetch(&writers, 1, __ATOMIC_SEQ_CST);
    int result = methods->xShmLock(file, offset, length, flags);
    if (!exclusive || result != SQLITE_OK) return result;
    if (offset == WRITE_LOCK) {
        if (locking) __atomic_add_fetch(&writers, 1, __ATOMIC_SEQ_CST);
        else usleep(3000);
    }
    if (checkpoint) {
        checkpointing = locking;
        if (locking && !holds_writer()) count(&counts->outside);
    }
    return result;
}

static int unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page) {
    volatile void *index = NULL;
    if (checkpointing && methods->xShmMap(file, 0, 32768, 0, &index) == SQLITE_OK && index) {
        count(&counts->windows);
        uint32_t salt = word(index, 32);
        if (is_copied(index)) {
            count(&counts->held);
            for (int tries = 0; tries < 100; tries += 1) {
                usleep(200);
                if (word(index, 32) == salt) continue;
                count(&counts->resets);
                break;
            }
        }
    }
    return methods->xUnfetch(file, offset, page);
}

static int open_file(sqlite3_vfs *self, const char *path, sqlite3_file *file, int flags, int *result) {
    (void)self;
    int code = original->xOpen((sqlite3_vfs *)original, path, file, flags, result);
    if (code != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) || file->pMethods->iVersion < 3) return code;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    if (!methods) {
        holding = *file->pMethods;
        holding.xShmLock = shm_lock;
        holding.xUnfetch = unfetch;
        methods = file->pMethods;
    }
    if (file->pMethods == methods) file->pMethods = &holding;
    pthread_mutex_unlock(&mutex);
    return code;
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("HOLD_COUNTS");
    int descriptor = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (descriptor < 0 || ftruncate(descriptor, sizeof *counts) != 0) return;
    void *mapped = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    original = sqlite3_vfs_find(NULL);
    if (mapped == MAP_FAILED || !original) return;
    counts = mapped;
    vfs = *original;
    vfs.pNext = NULL;
    vfs.zName = "holding";
    vfs.xOpen = open_file;
    sqlite3_vfs_register(&vfs, 1);
}
