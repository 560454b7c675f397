// A load generator for 127.0.0.1, on one epoll.
// Open loop:   load PORT PATH BODY SECONDS TIMEOUT_MS rate REQUESTS_PER_SECOND SEED
// Closed loop: load PORT PATH BODY SECONDS TIMEOUT_MS clients COUNT
// In the open loop requests are due at the times of a Poisson process, whatever the server does, and a
// latency counts from the moment at which the request was due. Prints one line of JSON.
#include "connections.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

typedef struct {
    int64_t duration, timeout;
    double rate;        // 0 in the closed loop
    uint64_t seed;
    int clients;        // 0 in the open loop
} Plan;

// splitmix64: the same seed gives the same arrivals.
static double uniform(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static double percentile(double percent) {
    if (counts.answered == 0) {
        return 0;
    }
    size_t rank = (size_t)ceil(percent / 100 * (double)counts.answered);
    return counts.latencies[rank > 0 ? rank - 1 : 0] / 1000.0;
}

static void runPlan(Plan plan, int poller, int timer) {
    int64_t begin = now(), end = begin + plan.duration, due = begin, check = begin;
    for (;;) {
        int64_t time = now();
        while (time < end && counts.inFlight < plan.clients && counts.sent < maxRequests) {
            long before = counts.inFlight;
            start(time);
            if (counts.inFlight == before) {
                break;
            }
        }
        while (plan.rate > 0 && due <= time && due < end && counts.sent < maxRequests) {
            start(due);
            due += (int64_t)(-log(uniform(&plan.seed)) / plan.rate * 1e9);
        }
        if (time >= check) {
            dropLate(time, plan.timeout);
            check = time + second / 20;
        }
        if (time >= end && counts.inFlight == 0) {
            return;
        }
        int64_t wake = plan.rate > 0 && due < check && due < end ? due : check;
        struct itimerspec alarm = {.it_value = {wake / second, wake % second}};
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &alarm, NULL);
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int index = 0; index < ready; index++) {
            if (events[index].data.ptr != NULL) {
                handle(events[index].data.ptr, events[index].events);
            } else {
                uint64_t expirations;
                (void)!read(timer, &expirations, sizeof expirations);
            }
        }
    }
}

static void printCounts(Plan plan) {
    int served = 0;
    for (int index = 0; index < plan.clients; index++) {
        served += counts.served[index];
    }
    qsort(counts.latencies, counts.answered, sizeof *counts.latencies, compare);
    printf("{\"sent\":%ld,\"answered\":%zu,\"refused\":%ld,\"timeouts\":%ld,\"wrong\":%ld,"
           "\"clients_served\":%d,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           counts.sent, counts.answered, counts.refused, counts.timeouts, counts.wrong,
           served, percentile(50), percentile(90), percentile(99), percentile(100));
}

int main(int count, char **arguments) {
    bool closedLoop = count == 8 && strcmp(arguments[6], "clients") == 0;
    bool openLoop = count == 9 && strcmp(arguments[6], "rate") == 0;
    if (!closedLoop && !openLoop) {
        fprintf(stderr, "usage: load PORT PATH BODY SECONDS TIMEOUT_MS (rate RATE SEED | clients COUNT)\n");
        return 2;
    }
    Plan plan = {
        .duration = (int64_t)(atof(arguments[4]) * 1e9),
        .timeout = atoll(arguments[5]) * 1000000,
        .rate = openLoop ? atof(arguments[7]) : 0,
        .seed = openLoop ? strtoull(arguments[8], NULL, 10) : 0,
        .clients = closedLoop ? atoi(arguments[7]) : 0,
    };
    bool hasLoad = openLoop ? plan.rate > 0 : plan.clients > 0 && plan.clients <= maxConnections;
    if (plan.duration <= 0 || plan.timeout <= 0 || !hasLoad) {
        fprintf(stderr, "load: the length, the timeout and the load must be above 0, clients at most %d\n",
                maxConnections);
        return 2;
    }

    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_TIMERSLACK, 1);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event ticks = {.events = EPOLLIN};
    if (poller < 0 || timer < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, timer, &ticks) != 0) {
        fail("epoll or timer");
    }
    prepareConnections(poller, (uint16_t)atoi(arguments[1]), arguments[2], arguments[3]);
    runPlan(plan, poller, timer);
    printCounts(plan);
    return 0;
}
