#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <unistd.h>

static struct flock one_byte(short type, int64_t byte) {
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
}

int clinux_lock_byte(int descriptor, int64_t byte) {
    struct flock lock = one_byte(F_WRLCK, byte);
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int clinux_is_byte_locked(int descriptor, int64_t byte) {
    struct flock lock = one_byte(F_WRLCK, byte);
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -1;
    return lock.l_type != F_UNLCK;
}
