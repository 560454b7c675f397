#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <unistd.h>

static struct flock bytes(short type, int64_t first, int64_t count) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count};
}

int clinux_lock_byte(int descriptor, int64_t byte) {
    struct flock lock = bytes(F_WRLCK, byte, 1);
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}

void clinux_unlock(int descriptor) {
    struct flock lock = bytes(F_UNLCK, 0, 0);
    fcntl(descriptor, F_OFD_SETLK, &lock);
}

int clinux_is_locked(int descriptor, int64_t first, int64_t count) {
    struct flock lock = bytes(F_WRLCK, first, count);
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -1;
    return lock.l_type != F_UNLCK;
}
