// Counts the calls that an application makes into libfcgi. Loaded by LD_PRELOAD. The counts are in the
// file that COUNT_CALLS names, which is mapped, so that they survive any end of the process.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
    uint64_t accepted;
    uint64_t finished;
};

static struct counts nowhere;
static struct counts *counts = &nowhere;

// FCGX_Accept_r finishes the request before itself: that call is libfcgi's own, not the application's.
static __thread int accepting;

__attribute__((constructor)) static void map_counts(void) {
    const char *path = getenv("COUNT_CALLS");
    int descriptor = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (descriptor < 0 || ftruncate(descriptor, sizeof *counts) != 0) return;
    void *mapped = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped != MAP_FAILED) counts = mapped;
    close(descriptor);
}

int FCGX_Accept_r(FCGX_Request *request) {
    int (*original)(FCGX_Request *) = dlsym(RTLD_NEXT, "FCGX_Accept_r");
    accepting = 1;
    int result = original(request);
    accepting = 0;
    if (result >= 0) __atomic_add_fetch(&counts->accepted, 1, __ATOMIC_SEQ_CST);
    return result;
}

void FCGX_Finish_r(FCGX_Request *request) {
    void (*original)(FCGX_Request *) = dlsym(RTLD_NEXT, "FCGX_Finish_r");
    original(request);
    if (!accepting) __atomic_add_fetch(&counts->finished, 1, __ATOMIC_SEQ_CST);
}
