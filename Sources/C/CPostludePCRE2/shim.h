// PCRE2 names its functions by the width of a code unit; Swift sees the `_8` names.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// PCRE2_UNSET holds a cast, and Swift imports no macro with a cast in it.
static inline PCRE2_SIZE postlude_pcre2_unset(void) { return PCRE2_UNSET; }
