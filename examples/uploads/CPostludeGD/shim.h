#include <gd.h>
#include <stdarg.h>

// libgd writes what it dislikes about an image to standard error, which is the server's log. The function that takes
// its messages is variadic, so Swift cannot be it.
static void cgd_ignore_message(int priority, const char *format, va_list arguments) {
    (void)priority;
    (void)format;
    (void)arguments;
}

static inline void cgd_be_quiet(void) { gdSetErrorMethod(cgd_ignore_message); }
