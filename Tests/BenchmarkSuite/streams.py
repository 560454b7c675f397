"""Open event streams of a channel: the memory that each takes, how long an event takes to all of them, and ordinary requests
beside them."""

import re
import resource
import select
import socket
import statistics
import time

import fastcgi
from servers import PLAIN, Failure, Process, tail

STREAMS = 10_000
WORKERS = 8
# Streams that are open before the memory is measured for the first time, so that what a process has once is not counted.
FIRST = 200
EVENTS = 30
REQUESTS = 2_000


def streams(site, options, note):
    """One record for each round."""
    allow_descriptors(STREAMS + 200)
    records = []
    for turn in range(options.rounds):
        note(f"streams, round {turn + 1}")
        records.append({"round": turn + 1, **measured(site, options)})
    return records


def allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise Failure(f"the hard limit of open files is {hard}; {count} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def measured(site, options):
    routes = (options.root / "Tests/BenchmarkSuite/Application/routes.yaml").read_text()
    manifest = site.folder / "streams.yaml"
    manifest.write_text(routes.replace("workers: { min: 4 }", f"workers: {{ min: 4, max: {WORKERS} }}"))
    path, log = site.folder / "streams.sock", site.folder / "streams.log"
    command = [site.programs[PLAIN], "serve", "--no-supervisor", "--manifest", manifest]
    process = Process.listening(path, command, log, site.folder)
    opened = []
    try:
        client = fastcgi.Connection(path)
        alone = request_times(client)
        follow(path, FIRST, opened)
        before = resident(process)
        follow(path, STREAMS - FIRST, opened)
        after = resident(process)
        times = [event_time(client, opened) for _ in range(EVENTS)]
        return {
            "streams": STREAMS, "workers": WORKERS, "kib_each": (after - before) / (STREAMS - FIRST),
            "event_ms": statistics.median(times), "event_max_ms": max(times),
            "request_p99_ms": p99(alone), "request_beside_p99_ms": p99(request_times(client))}
    except OSError as error:
        raise Failure(f"a stream has failed: {error}\n{tail(log)}") from None
    finally:
        for each in opened:
            each.close()
        process.stop()


def follow(path, count, opened):
    """Opens streams, and waits for the heads of all of them."""
    request = fastcgi.encode("GET", "/follow")
    heads = []
    for _ in range(count):
        stream = socket.socket(socket.AF_UNIX)
        opened.append(stream)
        stream.settimeout(fastcgi.PATIENCE)
        stream.connect(str(path))
        stream.sendall(request)
        heads.append(stream)
        # No more than the kernel's queue of new connections.
        if len(heads) == 50:
            read_all(heads)
            heads = []
    read_all(heads)


def read_all(streams):
    for stream in streams:
        if not stream.recv(65536):
            raise OSError("the application has closed a stream")


def event_time(client, opened):
    """Milliseconds from the request that publishes an event until the last of all clients has got it."""
    poll = select.epoll()
    waiting = {stream.fileno(): stream for stream in opened}
    for number in waiting:
        poll.register(number, select.EPOLLIN)
    began = time.perf_counter()
    client.ask(fastcgi.encode("GET", "/publish"))
    while waiting:
        events = poll.poll(fastcgi.PATIENCE, 1000)
        if not events:
            raise OSError("an event does not reach all clients")
        for number, _ in events:
            read_all([waiting.pop(number)])
            poll.unregister(number)
    poll.close()
    return (time.perf_counter() - began) * 1000


def request_times(client):
    request, times = fastcgi.encode("GET", "/hello"), []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        client.ask(request)
        times.append((time.perf_counter() - began) * 1000)
    return times


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


def resident(process):
    """The resident memory of the process in KiB."""
    with open(f"/proc/{process.child.pid}/status") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status.read(), re.MULTILINE)[1])
