// Lets a Swift program run under valgrind. Loaded by LD_PRELOAD.
//
// valgrind 3.19 changes the mask that sigsuspend gets, and crashes because libdispatch's main thread passes a constant.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    // The kernel's mask has a bit for each signal.
    return (int)syscall(SYS_rt_sigsuspend, &copy, _NSIG / 8);
}
