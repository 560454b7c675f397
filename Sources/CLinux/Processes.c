#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int clinux_open_process(pid_t process) {
#ifdef SYS_pidfd_open
    // Closed on exec without being asked.
    return (int)syscall(SYS_pidfd_open, process, 0);
#else
    return (int)syscall(434, process, 0);
#endif
}

int clinux_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

int clinux_make_sealable_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int clinux_seal_file(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

union descriptor_space {
    struct cmsghdr header;
    unsigned char space[CMSG_SPACE(sizeof(int))];
};

ssize_t clinux_send_message(int target, const void *bytes, size_t count, int descriptor) {
    struct iovec content = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1};
    union descriptor_space control;
    memset(&control, 0, sizeof control);
    if (descriptor >= 0) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
        message.msg_control = &control;
        message.msg_controllen = sizeof control.space;
    }
    return sendmsg(target, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t clinux_receive_message(int source, void *bytes, size_t count, int *descriptor) {
    struct iovec content = {.iov_base = bytes, .iov_len = count};
    union descriptor_space control;
    struct msghdr message = {
        .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    *descriptor = -1;
    ssize_t result = recvmsg(source, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (result < 0) return result;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len >= CMSG_LEN(sizeof(int)))
        memcpy(descriptor, CMSG_DATA(header), sizeof(int));
    return result;
}
