// The connections of the load generator, and the results of their requests.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

enum { maxConnections = 8192, maxRequests = 4000000 };
static const int64_t second = 1000000000;

typedef struct Connection Connection;

typedef struct {
    long sent, refused, timeouts, wrong, inFlight;
    size_t answered;
    uint32_t *latencies;    // microseconds, for answered requests
    bool *served;           // for each connection: has it had an answer?
} Counts;

extern Counts counts;

int64_t now(void);
void fail(const char *what);

/// Connections go to the port of 127.0.0.1, and the poller watches them.
void prepareConnections(int poller, uint16_t port, const char *path, const char *expectedBody);

/// Sends a request that was due at the given time, on an idle connection or else on a new one.
void start(int64_t due);

/// Handles an event that the poller reported for a connection.
void handle(Connection *connection, uint32_t events);

/// Ends the requests that were due longer ago than the timeout.
void dropLate(int64_t time, int64_t timeout);
