// fcgi_stdio.h is left out on purpose: it works on one global request and redefines stdio.
#include <fcgiapp.h>
