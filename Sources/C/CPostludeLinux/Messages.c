#define _GNU_SOURCE
#include "CLinux.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

union descriptor_space {
    struct cmsghdr header;
    unsigned char space[CMSG_SPACE(sizeof(int))];
};

ssize_t clinux_send_message(
    int target, const void *address, socklen_t address_length, const void *bytes, size_t count, int descriptor) {
    struct iovec content = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {
        .msg_name = (void *)address, .msg_namelen = address_length, .msg_iov = &content, .msg_iovlen = 1};
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
    return sendmsg(target, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t clinux_receive_message(int source, void *bytes, size_t count, int *descriptor) {
    struct iovec content = {.iov_base = bytes, .iov_len = count};
    union descriptor_space control;
    struct msghdr message = {
        .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
    *descriptor = -1;
    ssize_t result = recvmsg(source, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (result < 0) return result;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t received = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < received; index++) {
            int number;
            memcpy(&number, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            // One was asked for: what else came would stay open for ever.
            if (*descriptor >= 0) close(number);
            else *descriptor = number;
        }
    }
    return result;
}
