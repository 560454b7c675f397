#define _GNU_SOURCE
#include "CLinux.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define FRAMES 96

// A ticket above two bits of phase: a thread that answers after its time finds another ticket, and leaves the frames of
// the thread that is asked now alone.
enum { CLOSED, OPEN, WRITING, DONE };
static _Atomic uint32_t sample;
static void *frames[FRAMES];
static int frame_count;
static uintptr_t interrupted_at;

static uintptr_t instruction(const ucontext_t *context) {
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

// Runs on the thread that is asked, between any two of its instructions. backtrace() was called before, so that it
// neither loads nor allocates. Unwinding takes no lock with glibc 2.35 and GCC 12 or later; before, it takes the dynamic
// linker's, which is recursive and held briefly.
static void answer(int signal, siginfo_t *info, void *context) {
    (void)signal;
    int saved = errno;
    uint32_t ticket = (uint32_t)info->si_value.sival_int << 2;
    uint32_t expected = ticket | OPEN;
    if (info->si_code == SI_QUEUE && info->si_pid == getpid()
        && atomic_compare_exchange_strong(&sample, &expected, ticket | WRITING)) {
        interrupted_at = instruction(context);
        frame_count = backtrace(frames, FRAMES);
        atomic_store(&sample, ticket | DONE);
    }
    errno = saved;
}

int clinux_install_stack_signal(void) {
    void *first[4];
    (void)backtrace(first, 4);
    // The first signal that has no handler.
    for (int number = SIGRTMIN + 8; number <= SIGRTMAX; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0 || action.sa_handler != SIG_DFL) continue;
        memset(&action, 0, sizeof action);
        action.sa_sigaction = answer;
        action.sa_flags = SA_RESTART | SA_SIGINFO;
        sigfillset(&action.sa_mask);
        if (sigaction(number, &action, NULL) == 0) return number;
    }
    return -1;
}

pid_t clinux_thread_id(void) { return (pid_t)syscall(SYS_gettid); }

int clinux_unblock(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int wait_until_done(uint32_t ticket, int milliseconds) {
    for (int step = 0; step < milliseconds * 10; step++) {
        if (atomic_load(&sample) == (ticket | DONE)) return 1;
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000}, NULL);
    }
    return atomic_load(&sample) == (ticket | DONE);
}

int clinux_stack(int signal, pid_t thread, uintptr_t *addresses, int capacity, int milliseconds) {
    uint32_t last = atomic_load(&sample);
    // A thread that was asked before still writes its frames.
    if ((last & 3) == WRITING) return 0;
    uint32_t ticket = (((last >> 2) + 1) & 0xffffff) << 2;
    atomic_store(&sample, ticket | OPEN);
    siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = (int)(ticket >> 2);
    uint32_t open = ticket | OPEN;
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, signal, &info) != 0) {
        atomic_store(&sample, ticket | CLOSED);
        return 0;
    }
    if (!wait_until_done(ticket, milliseconds)
        && (atomic_compare_exchange_strong(&sample, &open, ticket | CLOSED) || !wait_until_done(ticket, milliseconds)))
        return 0;
    int start = 0;
    // In front of the interrupted function are the handler's own frames.
    for (int index = 0; index < frame_count; index++)
        if ((uintptr_t)frames[index] == interrupted_at) start = index;
    int count = 0;
    while (start + count < frame_count && count < capacity) {
        addresses[count] = (uintptr_t)frames[start + count];
        count++;
    }
    return count;
}

int clinux_find_symbol(uintptr_t address, struct clinux_symbol *symbol) {
    Dl_info info;
    if (dladdr((const void *)address, &info) == 0) return 0;
    symbol->image = info.dli_fname;
    symbol->base = (uintptr_t)info.dli_fbase;
    symbol->name = info.dli_sname;
    return 1;
}

uintptr_t clinux_executable_base(void) {
    struct clinux_symbol symbol = {0};
    return clinux_find_symbol(getauxval(AT_PHDR), &symbol) ? symbol.base : 0;
}
