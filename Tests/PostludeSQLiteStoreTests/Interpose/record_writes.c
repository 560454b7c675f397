// Records all changes that a program makes to the files of one folder, in order. Loaded by LD_PRELOAD;
// RECORD_FOLDER names the folder, RECORD_TO the file that gets the recording.
//
// Each entry: operation (1 write, 2 truncate, 3 sync, 4 unlink, 5 open), the length of the name and of the data (four
// bytes each), the offset or size (eight), the name without the folder, the data.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum operation { WRITE = 1, TRUNCATE, SYNC, UNLINK, OPEN };

struct entry {
    uint32_t operation, name_length, data_length, padding;
    int64_t offset;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int recording = -1;
static const char *folder;

__attribute__((constructor)) static void start(void) {
    folder = getenv("RECORD_FOLDER");
    const char *path = getenv("RECORD_TO");
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    if (folder && path) recording = syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

static void record(enum operation operation, const char *path, int64_t offset, const void *data, size_t length) {
    size_t prefix = folder ? strlen(folder) : 0;
    if (recording < 0 || strncmp(path, folder, prefix) != 0) return;
    const char *name = path[prefix] == '/' ? path + prefix + 1 : path + prefix;
    struct entry entry = {operation, strlen(name), length, 0, offset};
    struct iovec parts[] = {{&entry, sizeof entry}, {(void *)name, entry.name_length}, {(void *)data, length}};
    if (syscall(SYS_writev, recording, parts, 3) < 0) abort();
}

static void record_file(enum operation operation, int file, int64_t offset, const void *data, size_t length) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return;
    path[count] = 0;
    record(operation, path, offset, data, length);
}

// A change and its entry are one step: no other thread comes between.
#define RECORDED(type, call, ...)                    \
    pthread_mutex_lock(&mutex);                      \
    type result = call;                              \
    if (result >= 0) __VA_ARGS__;                    \
    pthread_mutex_unlock(&mutex);                    \
    return result

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    RECORDED(ssize_t, syscall(SYS_pwrite64, file, data, length, offset),
        record_file(WRITE, file, offset, data, result));
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) {
    return pwrite64(file, data, length, offset);
}

// Only for appended data: the test's own marks.
ssize_t write(int file, const void *data, size_t length) {
    RECORDED(ssize_t, syscall(SYS_write, file, data, length), record_file(WRITE, file, -1, data, result));
}

int ftruncate64(int file, off64_t size) {
    RECORDED(int, syscall(SYS_ftruncate, file, size), record_file(TRUNCATE, file, size, NULL, 0));
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

int fsync(int file) { RECORDED(int, syscall(SYS_fsync, file), record_file(SYNC, file, 0, NULL, 0)); }

int fdatasync(int file) { RECORDED(int, syscall(SYS_fdatasync, file), record_file(SYNC, file, 0, NULL, 0)); }

int unlink(const char *path) {
    RECORDED(int, syscall(SYS_unlinkat, AT_FDCWD, path, 0), record(UNLINK, path, 0, NULL, 0));
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    RECORDED(int, syscall(SYS_openat, AT_FDCWD, path, flags, mode),
        if (flags & O_CREAT) record(OPEN, path, 0, NULL, 0));
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    return open64(path, flags, mode);
}
