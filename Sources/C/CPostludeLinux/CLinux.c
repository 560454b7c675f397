#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

int clinux_accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags) {
    return accept4(descriptor, address, length, flags);
}

int clinux_pipe2(int ends[2], int flags) { return pipe2(ends, flags); }

int clinux_set_pipe_size(int descriptor, int bytes) { return fcntl(descriptor, F_SETPIPE_SZ, bytes); }

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void clinux_thread_name(char *name, size_t size) { pthread_getname_np(pthread_self(), name, size); }

int clinux_dup3(int from, int to, int flags) { return dup3(from, to, flags); }

int clinux_open_unnamed(const char *folder, mode_t mode) {
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
}

int clinux_make_temporary(char *name_template) { return mkostemp(name_template, O_CLOEXEC); }

int clinux_rename_exclusively(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int clinux_make_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int clinux_seal(int memory_file) {
    return fcntl(memory_file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

int clinux_shared_memory(const char *name, size_t bytes) {
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return -1;
    // If the file were shortened, SIGBUS would kill the processes that have mapped it.
    if (ftruncate(descriptor, (off_t)bytes) == 0 &&
        fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return descriptor;
    int saved = errno;
    close(descriptor);
    errno = saved;
    return -1;
}

static int tcp_listen_queue(int descriptor, unsigned *waiting, unsigned *limit) {
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return -1;
    // Of a listening socket these two mean the queue's length and its limit.
    *waiting = info.tcpi_unacked;
    *limit = info.tcpi_sacked;
    return 0;
}

// The kernel's answer about one Unix socket, read with the bounds that its macros check.
static int read_unix_answer(struct nlmsghdr *answer, size_t length, unsigned *waiting, unsigned *limit) {
    if (!NLMSG_OK(answer, length) || answer->nlmsg_type != SOCK_DIAG_BY_FAMILY) return -1;
    if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg))) return -1;
    struct unix_diag_msg *message = NLMSG_DATA(answer);
    struct rtattr *attribute = (struct rtattr *)(message + 1);
    unsigned left = answer->nlmsg_len - NLMSG_LENGTH(sizeof *message);
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        struct unix_diag_rqlen queue;
        if (attribute->rta_type != UNIX_DIAG_RQLEN || RTA_PAYLOAD(attribute) < sizeof queue) continue;
        memcpy(&queue, RTA_DATA(attribute), sizeof queue);
        *waiting = queue.udiag_rqueue;
        *limit = queue.udiag_wqueue;
        return 0;
    }
    return -1;
}

static int unix_listen_queue(int descriptor, unsigned *waiting, unsigned *limit) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return -1;
    int diagnosis = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (diagnosis < 0) return -1;
    struct timeval timeout = {.tv_sec = 1};
    setsockopt(diagnosis, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } question = {
        .header = {.nlmsg_len = sizeof question, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .request = {.sdiag_family = AF_UNIX, .udiag_states = ~0u, .udiag_ino = (unsigned)status.st_ino,
                    .udiag_show = UDIAG_SHOW_RQLEN, .udiag_cookie = {~0u, ~0u}},
    };
    union {
        struct nlmsghdr header;
        char bytes[1024];
    } answer;
    int result = -1;
    if (send(diagnosis, &question, sizeof question, 0) == (ssize_t)sizeof question) {
        ssize_t length = recv(diagnosis, &answer, sizeof answer, 0);
        if (length > 0) result = read_unix_answer(&answer.header, (size_t)length, waiting, limit);
    }
    close(diagnosis);
    return result;
}

int clinux_listen_queue(int descriptor, unsigned *waiting, unsigned *limit) {
    int family = 0;
    socklen_t length = sizeof family;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return -1;
    return family == AF_UNIX ? unix_listen_queue(descriptor, waiting, limit)
                             : tcp_listen_queue(descriptor, waiting, limit);
}

const void *clinux_find(const void *bytes, size_t count, const void *needle, size_t needle_count) {
    return memmem(bytes, count, needle, needle_count);
}

int clinux_peer_user(int socket, uid_t *user) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return -1;
    *user = credentials.uid;
    return 0;
}

// Before anything else is opened, the Swift runtime's own descriptors included: one that is called 2 would get the log.
__attribute__((constructor)) static void open_standard_descriptors(void) {
    for (int number = 0; number <= 2; number++)
        if (fcntl(number, F_GETFD) < 0) (void)open("/dev/null", O_RDWR);
}

static volatile sig_atomic_t signal_target = -1;

static void forward(int signal, siginfo_t *info, void *context) {
    (void)context;
    int saved = errno;
    unsigned char number = (unsigned char)signal;
    if (signal == SIGUSR2 && info->si_code == SI_QUEUE && info->si_value.sival_int == CLINUX_FORCE)
        number = CLINUX_FORCED_UPGRADE;
    // The pipe is full only when so many signals wait that one more says nothing new.
    ssize_t ignored = write(signal_target, &number, 1);
    (void)ignored;
    errno = saved;
}

void clinux_forward_signals_to(int descriptor) { signal_target = descriptor; }

int clinux_forward_signal(int signal) {
    struct sigaction action = {.sa_sigaction = forward, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigfillset(&action.sa_mask);
    return sigaction(signal, &action, NULL);
}

static char crash_note[256];
static struct sigaction earlier_actions[NSIG];

static void print_crash_note(int signal) {
    ssize_t ignored = write(STDERR_FILENO, crash_note, strlen(crash_note));
    (void)ignored;
    // The instruction is executed again, and traps as it would have done.
    sigaction(signal, &earlier_actions[signal], NULL);
}

void clinux_print_crash_note(void) {
    const int signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    struct sigaction action = {.sa_handler = print_crash_note};
    sigfillset(&action.sa_mask);
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++)
        sigaction(signals[index], &action, &earlier_actions[signals[index]]);
}

void clinux_set_crash_note(const char *note) { snprintf(crash_note, sizeof crash_note, "%s\n", note); }

static int inherited_pipe[2] = {-1, -1};

// A program that has taken another one's place by execve has its handlers again before it has a thread that could be
// killed by a signal. Both write to the same pipe, so that none is lost.
__attribute__((constructor)) static void inherit_signals(void) {
    const char *text = getenv(CLINUX_SIGNAL_PIPE);
    int ends[2];
    struct stat status;
    if (!text || sscanf(text, "%d %d", &ends[0], &ends[1]) != 2) return;
    for (int end = 0; end < 2; end++)
        if (fstat(ends[end], &status) != 0 || !S_ISFIFO(status.st_mode)) return;
    memcpy(inherited_pipe, ends, sizeof ends);
    signal_target = ends[1];
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) clinux_forward_signal(signals[index]);
}

int clinux_inherited_signal_pipe(int ends[2]) {
    memcpy(ends, inherited_pipe, sizeof inherited_pipe);
    return ends[0] < 0 ? -1 : 0;
}

int clinux_buffer_output_by_lines(void) { return setvbuf(stdout, NULL, _IOLBF, 0); }
