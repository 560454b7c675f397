"""Event streams whose processes are replaced, by new manifests and new programs in turn: what is missed, doubled or broken."""

import json
import re
import select
import signal
import threading
import time

import fastcgi
from receipts import LATER, ROUTES
from servers import DURABLE, TESTBED, Failure, Process, tail
from streams import WORKERS, allow_descriptors

# How many streams of each kind there are, unless --replaced says otherwise.
STREAMS = 1_000
REPLACEMENTS = 20
PROCESSES = 2
# The longest wait for new processes, and for the last events, in seconds.
PATIENCE = 120
READY, READ = "a process is ready", "the manifest was read again"


def replaced(site, options, note):
    """One record for each kind of streams."""
    allow_descriptors(options.replaced + 200)
    records = []
    for kind in (Lines, Receipts):
        note(f"{options.replaced} {kind.name} whose processes are replaced")
        records.append(measured(site, kind, options.replaced))
    return records


class Lines:
    """The events of a channel, whose ids the application gives."""

    name, program, settings, ends = "streams of a channel", TESTBED, "", False
    routes = """
  - { path: /add, method: GET, handler: add-line }
  - { path: /follow, method: GET, handler: follow-lines }
"""

    def __init__(self, client, folder):
        self.target = "/follow"

    def publish(self, client, number):
        client.ask(fastcgi.encode("GET", f"/add?number={number}"))

    def is_open(self, text):
        return bool(text)

    def told(self, text, number):
        return f"data: line {number}\n\n" in text

    def counts(self, text):
        """How often each event has come that should have come once."""
        return [len(re.findall(rf"data: line {number}\n\n", text)) for number in range(REPLACEMENTS)]


class Receipts:
    """The receipts of tasks: each of them waits, and is cancelled."""

    name, program, ends = "live receipts", DURABLE, True
    settings, routes = "task-store: { path: @folder@/tasks.sqlite }\n", ROUTES

    def __init__(self, client, folder):
        answer = client.ask(fastcgi.encode("POST", f"/scheduled?label=a&count={REPLACEMENTS}&after={LATER}"))
        self.ids = json.loads(answer.partition(b"\r\n\r\n")[2])["ids"]
        self.target = f"/tasks/{','.join(self.ids)}/events"

    def publish(self, client, number):
        client.ask(fastcgi.encode("POST", f"/cancel?id={self.ids[number]}"))

    def is_open(self, text):
        """A stream tells what a task is: one that was cancelled before would never be told as waiting."""
        return text.count('"state":"waiting"') == REPLACEMENTS

    def told(self, text, number):
        return any("cancelled" in line for line in text.splitlines() if self.ids[number] in line)

    def counts(self, text):
        states = re.findall(r'"id":"([^"]+)"[^\n]*"state":"([a-z]+)"', text)
        return [states.count((each, state)) for each in self.ids for state in ("waiting", "cancelled")]


class Reader(threading.Thread):
    """Reads all streams."""

    def __init__(self, path, target, count):
        super().__init__(daemon=True)
        self.poll, self.streams, self.texts = select.epoll(), {}, {}
        self.count, self.closed, self.ended, self.is_over = count, 0, 0, False
        request = fastcgi.encode("GET", target)
        for start in range(0, count, 50):
            # No more than the kernel's queue of new connections.
            opened = [fastcgi.Connection(path) for _ in range(min(50, count - start))]
            for stream in opened:
                stream.socket.sendall(request)
            for stream in opened:
                number, records = stream.socket.fileno(), Records()
                records.add(stream.socket.recv(65536))
                self.streams[number], self.texts[number] = stream, records
                self.poll.register(number, select.EPOLLIN)

    def run(self):
        while not self.is_over:
            for number, _ in self.poll.poll(0.2, 1000):
                try:
                    data = self.streams[number].socket.recv(65536)
                except OSError:
                    data = b""
                if not data:
                    self.closed += 1
                    self.poll.unregister(number)
                self.ended += self.texts[number].add(data)

    def is_complete(self, source):
        if source.ends and self.ended < self.count:
            return False
        return all(min(source.counts(each.text)) for each in self.texts.values())

    def close(self):
        self.is_over = True
        self.join()
        for stream in self.streams.values():
            stream.close()
        self.poll.close()


class Records:
    """The STDOUT of one request."""

    def __init__(self):
        self.rest, self.output = b"", b""

    def add(self, data):
        """Whether the request has ended."""
        self.rest += data
        is_over = False
        while len(self.rest) >= fastcgi.HEADER.size:
            _, kind, _, size, padding = fastcgi.HEADER.unpack_from(self.rest)
            end = fastcgi.HEADER.size + size + padding
            if len(self.rest) < end:
                break
            if kind == fastcgi.STDOUT:
                self.output += self.rest[fastcgi.HEADER.size:fastcgi.HEADER.size + size]
            is_over = is_over or kind == fastcgi.END_REQUEST
            self.rest = self.rest[end:]
        return is_over

    @property
    def text(self):
        return self.output.decode()


def measured(site, kind, count):
    folder = site.store / f"replaced-{time.time_ns()}"
    folder.mkdir()
    (folder / "lines").write_text("")
    path, log, manifest = folder / "app.sock", folder / "log", folder / "routes.yaml"
    write(manifest, folder, kind, 0)
    process = Process.listening(path, [site.programs[kind.program], "serve", "--manifest", manifest], log, folder)
    reader = None
    try:
        wait_until(lambda: said(log, READY) >= PROCESSES, log, "the processes are not ready")
        source = kind(fastcgi.Connection(path), folder)
        reader = Reader(path, source.target, count)
        reader.start()
        wait_until(
            lambda: all(source.is_open(each.text) for each in reader.texts.values()), log, "not all streams are open")
        last = next(reversed(reader.texts.values()))
        for number in range(REPLACEMENTS):
            old, begun, read = set(process.tree()) - {process.child.pid}, said(log, READY), said(log, READ)
            if number % 2 == 1:
                write(manifest, folder, kind, number)
            process.child.send_signal(signal.SIGHUP if number % 2 == 1 else signal.SIGUSR2)
            source.publish(fastcgi.Connection(path), number)
            if number % 2 == 1:
                wait_until(lambda: said(log, READ) > read, log, "the manifest is not read again")
            else:
                wait_until(
                    lambda: said(log, READY) >= begun + PROCESSES and not old & set(process.tree()), log,
                    "the processes are not replaced")
            wait_until(
                lambda: reader.closed or reader.ended or source.told(last.text, number), log, "an event is missed")
        wait_until(lambda: reader.closed or reader.is_complete(source), log, None)
        counts = [each for stream in reader.texts.values() for each in source.counts(stream.text)]
        return {
            "kind": kind.name, "streams": count, "replacements": REPLACEMENTS,
            "broken": reader.closed + (count - reader.ended if kind.ends else reader.ended),
            "missed": counts.count(0), "doubled": sum(each - 1 for each in counts if each > 1)}
    finally:
        if reader:
            reader.close()
        process.stop(10)


def write(manifest, folder, kind, number):
    """Writes a manifest that differs from the last one."""
    manifest.write_text(
        f"workers: {{ min: {2 + number % 4}, max: {WORKERS} }}\nlog: {{ level: info, to: stderr }}\n"
        f"processes: {{ count: {PROCESSES} }}\n{kind.settings.replace('@folder@', str(folder))}routes:{kind.routes}")


def said(log, words):
    return log.read_text(errors="replace").count(words)


def wait_until(condition, log, failure):
    """Throws after a while, unless there is no failure to report."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            if failure is None:
                return
            raise Failure(f"{failure}\n{tail(log)}")
        time.sleep(0.1)
