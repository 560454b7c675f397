// Records all changes that programs make to the files of a folder, in order. Loaded by LD_PRELOAD; RECORD_FOLDER names the
// folder, RECORD_TO the file that gets the recording, to which several processes may write.
//
// Each entry: operation (1 write, 2 truncate, 3 sync, 4 unlink, 5 open, 6 rename), the length of the name and of the data (four
// bytes each), the offset or size (eight; -1 for an append), the name without the folder, the data: of a rename the new name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum operation { WRITE = 1, TRUNCATE, SYNC, UNLINK, OPEN, RENAME };

struct entry {
    uint32_t operation, name_length, data_length, padding;
    int64_t offset;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int recording = -1;
static const char *folder;

__attribute__((constructor)) static void start(void) {
    // PostgreSQL writes its processes' titles where the environment was.
    folder = getenv("RECORD_FOLDER") ? strdup(getenv("RECORD_FOLDER")) : NULL;
    const char *path = getenv("RECORD_TO");
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    if (folder && path) recording = syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
    if (folder && path && recording < 0) abort();
}

// The name of a path without the folder; NULL if it is not in the folder, or nothing is recorded.
static const char *name_of(const char *path) {
    if (recording < 0) return NULL;
    char current[4096];
    if (path[0] != '/') return getcwd(current, sizeof current) && strcmp(current, folder) == 0 ? path : NULL;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) != 0) return NULL;
    return path[prefix] == '/' ? path + prefix + 1 : path + prefix;
}

static const char *name_of_file(int file, char *path, size_t size) {
    if (recording < 0) return NULL;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t count = readlink(link, path, size - 1);
    if (count < 0 || path[0] != '/') return NULL;
    path[count] = 0;
    return name_of(path);
}

static void record(enum operation operation, const char *name, int64_t offset, const void *data, size_t length) {
    struct entry entry = {operation, strlen(name), length, 0, offset};
    struct iovec parts[] = {{&entry, sizeof entry}, {(void *)name, entry.name_length}, {(void *)data, length}};
    if (syscall(SYS_writev, recording, parts, 3) < 0) abort();
}

// Other processes wait, too. Their lock ends with a process that is killed.
static void change_lock(int type) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    while (fcntl(recording, F_SETLKW, &lock) != 0) {
        if (errno != EINTR) abort();
    }
}

static void begin(void) {
    pthread_mutex_lock(&mutex);
    change_lock(F_WRLCK);
}

static void end(void) {
    change_lock(F_UNLCK);
    pthread_mutex_unlock(&mutex);
}

// A change and its entry are one step: no other thread or process comes between.
#define RECORDED(type, name, call, ...)        \
    if (!(name)) return call;                  \
    begin();                                   \
    type result = call;                        \
    int error = errno;                         \
    if (result >= 0) { __VA_ARGS__; }          \
    end();                                     \
    errno = error;                             \
    return result

#define NAME(file) char path[4096]; const char *name = name_of_file(file, path, sizeof path)

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset) {
    NAME(file);
    RECORDED(ssize_t, name, syscall(SYS_pwrite64, file, data, length, offset), record(WRITE, name, offset, data, result));
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset) {
    return pwrite64(file, data, length, offset);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t written = pwrite64(file, parts[i].iov_base, parts[i].iov_len, offset + all);
        if (written < 0) return all ? all : written;
        all += written;
        if ((size_t)written < parts[i].iov_len) break;
    }
    return all;
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
    return pwritev64(file, parts, count, offset);
}

// The place of a write that has ended.
static int64_t place(int file, ssize_t length) {
    if (fcntl(file, F_GETFL) & O_APPEND) return -1;
    return lseek64(file, 0, SEEK_CUR) - length;
}

ssize_t write(int file, const void *data, size_t length) {
    NAME(file);
    RECORDED(ssize_t, name, syscall(SYS_write, file, data, length), record(WRITE, name, place(file, result), data, result));
}

int ftruncate64(int file, off64_t size) {
    NAME(file);
    RECORDED(int, name, syscall(SYS_ftruncate, file, size), record(TRUNCATE, name, size, NULL, 0));
}

int ftruncate(int file, off_t size) { return ftruncate64(file, size); }

// The folders within the folder are left out.
static int is_inner_folder(int file, const char *name) {
    struct stat status;
    return name && name[0] && fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

int fsync(int file) {
    NAME(file);
    RECORDED(int, is_inner_folder(file, name) ? NULL : name, syscall(SYS_fsync, file), record(SYNC, name, 0, NULL, 0));
}

int fdatasync(int file) {
    NAME(file);
    RECORDED(int, name, syscall(SYS_fdatasync, file), record(SYNC, name, 0, NULL, 0));
}

int unlink(const char *path) {
    const char *name = name_of(path);
    RECORDED(int, name, syscall(SYS_unlinkat, AT_FDCWD, path, 0), record(UNLINK, name, 0, NULL, 0));
}

int rename(const char *old, const char *new) {
    const char *name = name_of(old), *new_name = name_of(new);
    RECORDED(int, name && new_name ? name : NULL, syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, 0),
        record(RENAME, name, 0, new_name, strlen(new_name)));
}

// As a rename: the old name is removed afterwards.
int link(const char *old, const char *new) {
    const char *name = name_of(old), *new_name = name_of(new);
    RECORDED(int, name && new_name ? name : NULL, syscall(SYS_linkat, AT_FDCWD, old, AT_FDCWD, new, 0),
        record(RENAME, name, 0, new_name, strlen(new_name)));
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    const char *name = flags & (O_CREAT | O_TRUNC) ? name_of(path) : NULL;
    RECORDED(int, name, syscall(SYS_openat, AT_FDCWD, path, flags, mode),
        if (flags & O_CREAT) record(OPEN, name, 0, NULL, 0);
        if (flags & O_TRUNC) record(TRUNCATE, name, 0, NULL, 0));
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    return open64(path, flags, mode);
}
