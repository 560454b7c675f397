// Counts the heap allocations of a program and of the processes that it starts. Loaded by LD_PRELOAD. The counts are
// in the file that COUNT_ALLOCATIONS names, which is mapped, so that the benchmark reads them while the program runs.
// While it sets `recording`, the stack of each allocation is counted, too.
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { maxDepth = 64, tableSize = 1 << 14, ownFrames = 2 };

// All numbers have eight bytes; cost.py reads them.
struct stack {
    uint64_t hash;  // 0 in an empty entry
    uint64_t calls, bytes, depth;
    void *frames[maxDepth];
};

struct counts {
    uint64_t calls, bytes, recording, lost;
    struct stack stacks[tableSize];
};

static struct counts *counts;

// backtrace() may allocate. With this model, the variable itself does not.
static __thread bool isRecording __attribute__((tls_model("initial-exec")));

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

__attribute__((constructor)) static void mapCounts(void) {
    // The first call loads libgcc.
    void *frames[1];
    backtrace(frames, 1);
    const char *path = getenv("COUNT_ALLOCATIONS");
    int descriptor = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
    bool isOpen = descriptor >= 0 && ftruncate(descriptor, sizeof *counts) == 0;
    void *mapped = MAP_FAILED;
    if (isOpen) {
        mapped = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    }
    if (mapped == MAP_FAILED) {
        perror("COUNT_ALLOCATIONS");
        abort();
    }
    counts = mapped;
    close(descriptor);
}

static void add(uint64_t *count, uint64_t value) {
    __atomic_add_fetch(count, value, __ATOMIC_RELAXED);
}

// Threads and processes fill the table together: an entry belongs to the stack whose hash is first written into it.
static __attribute__((noinline)) void record(size_t size) {
    void *frames[maxDepth + ownFrames];
    int depth = backtrace(frames, maxDepth + ownFrames) - ownFrames;
    uint64_t hash = 14695981039346656037u;
    for (int index = 0; index < depth; index++) {
        hash = (hash ^ (uint64_t)frames[ownFrames + index]) * 1099511628211u;
    }
    hash |= 1;
    for (size_t probe = 0; probe < tableSize; probe++) {
        struct stack *stack = &counts->stacks[((hash >> 32) + probe) % tableSize];
        uint64_t found = 0;
        if (__atomic_compare_exchange_n(&stack->hash, &found, hash, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            memcpy(stack->frames, frames + ownFrames, (size_t)depth * sizeof *frames);
            __atomic_store_n(&stack->depth, (uint64_t)depth, __ATOMIC_RELEASE);
        } else if (found != hash) {
            continue;
        }
        add(&stack->bytes, size);
        add(&stack->calls, 1);
        return;
    }
    add(&counts->lost, 1);
}

// Inlined, so that the two frames that `record` leaves out are its own and the allocating function's.
static inline __attribute__((always_inline)) void count(size_t size) {
    if (counts == NULL) {
        return;
    }
    add(&counts->calls, 1);
    add(&counts->bytes, size);
    if (__atomic_load_n(&counts->recording, __ATOMIC_RELAXED) && !isRecording) {
        isRecording = true;
        record(size);
        isRecording = false;
    }
}

void *malloc(size_t size) {
    count(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count(size);
    return __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t number, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(number, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    count(total);
    return __libc_realloc(old, total);
}

void *memalign(size_t alignment, size_t size) {
    count(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
        return EINVAL;
    }
    count(size);
    void *memory = __libc_memalign(alignment, size);
    if (memory == NULL) {
        return ENOMEM;
    }
    *result = memory;
    return 0;
}
