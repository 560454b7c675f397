#define _GNU_SOURCE
#include "CLinux.h"

#include <link.h>

struct visitor {
    void (*visit)(uintptr_t start, uintptr_t end, void *context);
    void *context;
};

static int visit_object(struct dl_phdr_info *object, size_t size, void *argument) {
    const struct visitor *visitor = argument;
    (void)size;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = object->dlpi_addr + segment->p_vaddr;
        visitor->visit(start, start + segment->p_memsz, visitor->context);
    }
    return 0;
}

void clinux_visit_read_only_segments(
    void (*visit)(uintptr_t start, uintptr_t end, void *context), void *context) {
    struct visitor visitor = {visit, context};
    dl_iterate_phdr(visit_object, &visitor);
}
