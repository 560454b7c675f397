"""Open event streams of a channel: the memory that each takes, how long an event takes to all of them, and ordinary requests
beside them."""

import multiprocessing
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
# Requests a second beside the streams.
RATE = 300
# Two servers, one with streams and one without, take turns of this many seconds, so that what else the machine does
# disturbs both alike.
TURNS, SECONDS = 10, 2


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
    servers = [Server(site, options, name) for name in ("with", "without")]
    path, log = servers[0].path, servers[0].log
    opened = []
    try:
        client = fastcgi.Connection(path)
        client.ask(fastcgi.encode("GET", "/hello"))
        follow(path, FIRST, opened)
        before = resident(servers[0].process)
        follow(path, STREAMS - FIRST, opened)
        after = resident(servers[0].process)
        times = [event_time(client, opened) for _ in range(EVENTS)]
        beside, alone = Requests([server.path for server in servers], time.time() + 1).times()
        return {
            "streams": STREAMS, "workers": WORKERS, "kib_each": (after - before) / (STREAMS - FIRST),
            "event_ms": statistics.median(times), "event_max_ms": max(times),
            "request_p99_ms": p99(alone), "request_beside_p99_ms": p99(beside)}
    except OSError as error:
        raise Failure(f"a stream has failed: {error}\n{tail(log)}") from None
    finally:
        for each in opened:
            each.close()
        for server in servers:
            server.process.stop()


class Server:
    def __init__(self, site, options, name):
        routes = (options.root / "Tests/BenchmarkSuite/Application/routes.yaml").read_text()
        manifest = site.folder / f"streams-{name}.yaml"
        manifest.write_text(routes.replace("workers: { min: 4 }", f"workers: {{ min: 4, max: {WORKERS} }}"))
        self.path, self.log = site.folder / f"streams-{name}.sock", site.folder / f"streams-{name}.log"
        command = [site.programs[PLAIN], "serve", "--no-supervisor", "--manifest", manifest]
        self.process = Process.listening(self.path, command, self.log, site.folder)


class Requests:
    """Small requests at a steady rate to each of the servers in turn, by another process."""

    def __init__(self, paths, begin):
        self.receiving, sending = multiprocessing.Pipe(duplex=False)
        self.process = multiprocessing.Process(target=self.send, args=(paths, begin, sending), daemon=True)
        self.process.start()

    @staticmethod
    def send(paths, begin, result):
        request, times = fastcgi.encode("GET", "/hello"), [[] for _ in paths]
        # A server closes a connection that sends nothing.
        time.sleep(max(0, begin - time.time()))
        clients = [fastcgi.Connection(path) for path in paths]
        for turn in range(TURNS * len(paths)):
            place = turn % len(paths)
            for number in range(RATE * SECONDS):
                due = begin + turn * SECONDS + number / RATE
                time.sleep(max(0, due - time.time()))
                clients[place].ask(request)
                times[place].append((time.time() - due) * 1000)
        result.send(times)

    def times(self):
        """Milliseconds since each request was due, for each of the servers."""
        try:
            return self.receiving.recv()
        except EOFError:
            raise Failure("the requests beside the streams have failed") from None


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


def p99(times):
    return sorted(times)[len(times) * 99 // 100]


def resident(process):
    """The resident memory of the process in KiB."""
    with open(f"/proc/{process.child.pid}/status") as status:
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status.read(), re.MULTILINE)[1])
