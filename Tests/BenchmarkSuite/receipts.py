"""Live receipts: the memory of each, the time from the end of a task to the client, and the requests beside them."""

import json
import re
import select
import sqlite3
import time

import fastcgi
from servers import DURABLE, Failure, Process, tail
from streams import FIRST, SECONDS, STREAMS, TURNS, WORKERS, Requests, allow_descriptors, p99, resident

# Tasks that end each second in the server whose turn it is. Their receipts are timed.
ENDING = 25
# Until all tasks and receipts are there, in seconds.
PREPARATION = 30
# Tasks that are due after the measurement.
LATER = 3_600_000

ROUTES = """
  - { path: /hello, method: GET, handler: hello }
  - { path: /scheduled, method: POST, handler: scheduled }
  - { path: /cancel, method: POST, handler: cancel }
  - { path: "/tasks/{ids}/events", method: GET, handler: task-events }
"""


def receipts(site, options, note):
    """One record for each round."""
    allow_descriptors(STREAMS + 200)
    records = []
    for turn in range(options.rounds):
        note(f"receipts, round {turn + 1}")
        records.append({"round": turn + 1, **measured(site)})
    return records


class Server:
    def __init__(self, site, name):
        self.folder = site.store / f"receipts-{name}-{time.time_ns()}"
        self.folder.mkdir()
        self.path, self.log = site.folder / f"{name}.sock", site.folder / f"{name}.log"
        manifest = self.folder / "routes.yaml"
        manifest.write_text(
            f"workers: {{ min: 4, max: {WORKERS} }}\nlog: {{ level: warning, to: stderr }}\n"
            f"task-store: {{ path: {self.folder}/tasks.sqlite }}\nroutes:{ROUTES}")
        command = [site.programs[DURABLE], "serve", "--no-supervisor", "--manifest", manifest]
        self.process = Process.listening(self.path, command, self.log, self.folder)
        self.client = fastcgi.Connection(self.path)

    def add(self, count, after):
        answer = self.client.ask(fastcgi.encode("POST", f"/scheduled?label=a&count={count}&after={after}"))
        return json.loads(answer.partition(b"\r\n\r\n")[2])["ids"]

    def ends(self):
        """When tasks have ended, in seconds, by their ids. That is noted before it is written."""
        with sqlite3.connect(f"file:{self.folder}/tasks.sqlite?mode=ro", uri=True) as database:
            rows = database.execute("SELECT id, ended FROM record WHERE state = 2")
            return {key: ended / 1000 for key, ended in rows}


class Reader:
    """Reads streams, and notes when it was told that a task is done."""

    def __init__(self):
        self.poll, self.streams, self.told, self.closed = select.epoll(), {}, {}, 0

    def follow(self, path, ids):
        stream = fastcgi.Connection(path)
        stream.socket.sendall(fastcgi.encode("GET", f"/tasks/{','.join(ids)}/events"))
        self.streams[stream.socket.fileno()] = stream
        return stream.socket

    def watch(self, stream):
        self.poll.register(stream.fileno(), select.EPOLLIN)

    def read(self, seconds):
        for number, _ in self.poll.poll(seconds, 1000):
            data = self.streams[number].socket.recv(65536)
            now = time.time()
            for key in re.findall(rb'"id":"([^"]+)"[^\n]*"state":"done"', data):
                self.told.setdefault(key.decode(), []).append(now)
            if not data:
                self.closed += 1
                self.poll.unregister(number)

    def close(self):
        for stream in self.streams.values():
            stream.close()
        self.poll.close()


def follow(reader, path, tasks):
    """Opens a stream for each task, and waits for the heads and first events."""
    for start in range(0, len(tasks), 50):
        opened = [(reader.follow(path, [each]), each) for each in tasks[start:start + 50]]
        for stream, each in opened:
            data = b""
            while each.encode() not in data.partition(b"data: ")[2]:
                more = stream.recv(65536)
                if not more:
                    raise OSError(f"a receipt is closed: {data!r}")
                data += more
            reader.watch(stream)


def measured(site):
    servers = [Server(site, name) for name in ("with", "without")]
    reader = Reader()
    count = ENDING * TURNS * SECONDS
    try:
        later = [each for _ in range((STREAMS - count) // 500) for each in servers[0].add(500, LATER)]
        follow(reader, servers[0].path, later[:FIRST])
        before = resident(servers[0].process)
        follow(reader, servers[0].path, later[FIRST:])
        each_kib = (resident(servers[0].process) - before) / (len(later) - FIRST)
        begin = time.time() + PREPARATION
        for place, server in enumerate(servers):
            dues = [begin + ((turn * 2 + place) + (number + 0.5) / (ENDING * SECONDS)) * SECONDS
                    for turn in range(TURNS) for number in range(ENDING * SECONDS)]
            tasks = [each for due in dues for each in server.add(1, int((due - time.time()) * 1000))]
            if place == 0:
                follow(reader, server.path, tasks)
        if time.time() > begin:
            raise Failure("the machine is too slow: tasks are due before their receipts are open")
        opened = len(reader.streams) - reader.closed
        requests = Requests([server.path for server in servers], begin)
        while time.time() < begin + TURNS * 2 * SECONDS + 2:
            reader.read(0.2)
        beside, alone = requests.times()
        ends = servers[0].ends()
        times = [(reader.told[key][0] - end) * 1000 for key, end in ends.items() if key in reader.told]
        if len(times) != count:
            raise Failure(f"{count} tasks should have ended; {len(ends)} have, and {len(times)} receipts say so")
        return {
            "receipts": opened, "workers": WORKERS, "kib_each": each_kib,
            "told_ms": sorted(times)[len(times) // 2], "told_p99_ms": p99(times),
            "doubled": sum(len(each) - 1 for each in reader.told.values()),
            "request_p99_ms": p99(alone), "request_beside_p99_ms": p99(beside)}
    except OSError as error:
        raise Failure(f"a receipt has failed: {error}\n{tail(servers[0].log)}") from None
    finally:
        reader.close()
        for server in servers:
            server.process.stop()

