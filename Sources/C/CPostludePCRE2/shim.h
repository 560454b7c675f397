// PCRE2 names its functions by the width of a code unit; Swift sees the `_8` names.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// PCRE2_UNSET is a macro with a cast, which Swift does not import.
static inline PCRE2_SIZE postlude_pcre2_unset(void) { return PCRE2_UNSET; }
