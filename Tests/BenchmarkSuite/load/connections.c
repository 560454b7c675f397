#include "connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { bufferSize = 4096 };

typedef enum { CLOSED, IDLE, CONNECTING, WAITING } State;

struct Connection {
    State state;
    int descriptor;
    bool reused;        // the server may have closed it while it was idle
    int64_t due;
    size_t received;
    char buffer[bufferSize];
};

Counts counts;

static Connection *connections;
static int idle[maxConnections], idleCount;
static int unused[maxConnections], unusedCount;

static int poller;
static struct sockaddr_in server;
static char request[512];
static const char *expectedBody;

int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second + time.tv_nsec;
}

void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

void prepareConnections(int pollerOfAll, uint16_t port, const char *path, const char *body) {
    poller = pollerOfAll;
    expectedBody = body;
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    connections = calloc(maxConnections, sizeof *connections);
    counts.latencies = calloc(maxRequests, sizeof *counts.latencies);
    counts.served = calloc(maxConnections, sizeof *counts.served);
    if (connections == NULL || counts.latencies == NULL || counts.served == NULL) {
        fail("no memory");
    }
    while (unusedCount < maxConnections) {
        unused[unusedCount] = maxConnections - 1 - unusedCount;
        unusedCount++;
    }
}

static void watch(Connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->descriptor, &event) != 0) {
        fail("epoll_ctl");
    }
}

static void drop(Connection *connection) {
    close(connection->descriptor);
    if (connection->state == IDLE) {
        int index = (int)(connection - connections);
        for (int place = 0; place < idleCount; place++) {
            if (idle[place] == index) {
                idle[place] = idle[--idleCount];
                break;
            }
        }
    } else {
        counts.inFlight--;
    }
    connection->state = CLOSED;
    unused[unusedCount++] = (int)(connection - connections);
}

static bool sendRequest(Connection *connection) {
    size_t length = strlen(request);
    connection->received = 0;
    connection->state = WAITING;
    return send(connection->descriptor, request, length, MSG_NOSIGNAL) == (ssize_t)length;
}

// A request that cannot even be sent counts as refused.
static void startFresh(int64_t due) {
    if (unusedCount == 0) {
        counts.refused++;
        return;
    }
    Connection *connection = &connections[unused[unusedCount - 1]];
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        counts.refused++;
        return;
    }
    if (connect(descriptor, (struct sockaddr *)&server, sizeof server) != 0 && errno != EINPROGRESS) {
        close(descriptor);
        counts.refused++;
        return;
    }
    unusedCount--;
    counts.inFlight++;
    *connection = (Connection){.state = CONNECTING, .descriptor = descriptor, .due = due};
    watch(connection, EPOLL_CTL_ADD, EPOLLOUT);
}

void start(int64_t due) {
    counts.sent++;
    while (idleCount > 0) {
        Connection *connection = &connections[idle[--idleCount]];
        connection->due = due;
        connection->reused = true;
        counts.inFlight++;
        if (sendRequest(connection)) {
            return;
        }
        drop(connection);
    }
    startFresh(due);
}

// True if the response is complete. Responses are short, so that a chunked one is one chunk and its end.
static bool isWhole(const Connection *connection, const char **body) {
    char *end = strstr(connection->buffer, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    *body = end + 4;
    const char *length = strcasestr(connection->buffer, "\r\nContent-Length:");
    if (length != NULL && length < end) {
        return strlen(*body) >= strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    }
    return strstr(end, "\r\n0\r\n\r\n") != NULL;
}

static void finish(Connection *connection, const char *body) {
    int status = atoi(connection->buffer + strlen("HTTP/1.1 "));
    if (status >= 500) {
        counts.refused++;
    } else if (status != 200 || strstr(body, expectedBody) == NULL) {
        counts.wrong++;
    } else {
        if (counts.answered < maxRequests) {
            counts.latencies[counts.answered++] = (uint32_t)((now() - connection->due) / 1000);
        }
        counts.served[connection - connections] = true;
    }
    if (strcasestr(connection->buffer, "\r\nConnection: close") != NULL) {
        drop(connection);
        return;
    }
    counts.inFlight--;
    connection->state = IDLE;
    idle[idleCount++] = (int)(connection - connections);
}

static void receive(Connection *connection) {
    size_t room = bufferSize - 1 - connection->received;
    ssize_t count = recv(connection->descriptor, connection->buffer + connection->received, room, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0 || connection->state == IDLE) {
        bool again = connection->state == WAITING && connection->reused && connection->received == 0;
        bool lost = connection->state != IDLE && !again;
        int64_t due = connection->due;
        drop(connection);
        counts.refused += lost;
        if (again) {
            startFresh(due);
        }
        return;
    }
    connection->received += (size_t)count;
    connection->buffer[connection->received] = 0;
    const char *body;
    if (isWhole(connection, &body)) {
        finish(connection, body);
    } else if (connection->received == bufferSize - 1) {
        counts.wrong++;
        drop(connection);
    }
}

void handle(Connection *connection, uint32_t events) {
    if (connection->state == CLOSED) {
        return;
    }
    if (connection->state == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0 || (events & EPOLLOUT) == 0 || !sendRequest(connection)) {
            counts.refused++;
            drop(connection);
            return;
        }
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
        return;
    }
    receive(connection);
}

void dropLate(int64_t time, int64_t timeout) {
    for (int index = 0; index < maxConnections; index++) {
        Connection *connection = &connections[index];
        bool busy = connection->state == CONNECTING || connection->state == WAITING;
        if (busy && time - connection->due > timeout) {
            counts.timeouts++;
            drop(connection);
        }
    }
}
