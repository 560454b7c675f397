// The server that libfcgi suggests: four threads, each in an FCGX_Accept_r loop on descriptor 0.
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { threadCount = 4 };

static const char response[] =
    "Content-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";

static void *serve(void *unused) {
    (void)unused;
    FCGX_Request request;
    if (FCGX_InitRequest(&request, 0, 0) != 0) {
        exit(1);
    }
    while (FCGX_Accept_r(&request) == 0) {
        const char *uri = FCGX_GetParam("REQUEST_URI", request.envp);
        const char *length = FCGX_GetParam("CONTENT_LENGTH", request.envp);
        if (length != NULL && *length != '\0') {
            // On a kept connection, libfcgi takes the bytes of an unread body for the next request.
            char body[8192];
            while (FCGX_GetStr(body, sizeof body, request.in) > 0) {
            }
        }
        int hasTask = uri != NULL && strcmp(uri, "/task") == 0;
        FCGX_PutStr(response, sizeof response - 1, request.out);
        FCGX_Finish_r(&request);
        if (hasTask) {
            struct timespec duration = {.tv_nsec = 20 * 1000 * 1000};
            nanosleep(&duration, NULL);
        }
    }
    return NULL;
}

int main(void) {
    if (FCGX_Init() != 0) {
        return 1;
    }
    // libfcgi's handler only asks the loop to end, and its threads may be waiting in a read.
    signal(SIGTERM, SIG_DFL);
    pthread_t threads[threadCount];
    for (int index = 0; index < threadCount; index++) {
        if (pthread_create(&threads[index], NULL, serve, NULL) != 0) {
            return 1;
        }
    }
    for (int index = 0; index < threadCount; index++) {
        pthread_join(threads[index], NULL);
    }
    return 1;
}
