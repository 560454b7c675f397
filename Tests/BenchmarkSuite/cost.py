"""What one request costs: allocations, system calls and instructions, which are counted, and time, which is measured.

The counted figures are those of requests that follow each other on one kept connection, without nginx. They are
differences between two moments of a running server, so that its start does not count.
"""

import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time
from typing import NamedTuple

import fastcgi
from measure import in_turn, run, wrk
from servers import BODY, DURABLE, NAMES, PLAIN, Failure, Process, tail

WARM_UP = 1000
CLIENTS = 4
# Functions that the compiler has made.
GENERATED = re.compile("(specialized )?(partial apply|protocol witness|dispatch thunk|thunk) ")


def order():
    """An order as JSON text of 4 KiB."""
    items = [{"id": number, "name": f"Tea no. {number}, 100 g", "price": 4.25 + number, "gift": number % 2 == 0}
             for number in range(1, 61)]
    text = json.dumps({"customer": "Ada Lovelace", "items": items, "note": ""}, separators=(",", ":"))
    return text.replace('"note":""', f'"note":"{"-" * (4096 - len(text))}"').encode()


class Kind(NamedTuple):
    words: str
    program: str
    method: str
    target: str
    body: bytes
    answer: bytes
    requests: int       # whose allocations are counted
    traced: int         # whose system calls are counted, which takes longer
    simulated: int      # whose instructions are counted, which takes longest

    def encoded(self):
        return fastcgi.encode(self.method, self.target, self.body)


KINDS = {
    "text": Kind("text, no inputs", PLAIN, "GET", "/hello", b"", BODY, 5000, 2000, 1000),
    "path": Kind("typed path, small JSON answer", PLAIN, "POST", "/plain/42", b"", b'{"id":42}', 5000, 2000, 1000),
    "tasks": Kind("three inputs, two tasks", PLAIN, "GET", "/typed/42?term=tea&limit=20", b"", BODY, 5000, 2000, 1000),
    "body": Kind("4 KiB of JSON decoded", PLAIN, "POST", "/order", order(), BODY, 5000, 2000, 500),
    "durable": Kind("one durable task", DURABLE, "GET", "/stored", b"", b"done", 1000, 500, 500),
}


class Counts:
    """The counts of allocations.c, in a file that the counted processes have mapped."""

    LENGTHS = struct.Struct("4Q")
    STACK = struct.Struct("4Q64Q")
    TABLE = 1 << 14

    def __init__(self, path):
        self.path = path
        with open(path, "w+b") as file:
            file.truncate(self.LENGTHS.size + self.TABLE * self.STACK.size)
            self.memory = mmap.mmap(file.fileno(), 0)

    def read(self):
        calls, size, _, _ = self.LENGTHS.unpack_from(self.memory)
        return calls, size

    def record(self, recording):
        struct.pack_into("Q", self.memory, 16, recording)

    def stacks(self):
        """The recorded stacks: calls, bytes, and return addresses from the allocating function outwards."""
        lost = self.LENGTHS.unpack_from(self.memory)[3]
        if lost > 0:
            raise Failure(f"{lost} allocations have no place in the table of stacks: raise tableSize in allocations.c")
        table = memoryview(self.memory)[self.LENGTHS.size:]
        return [(calls, size, frames[:depth])
                for hashed, calls, size, depth, *frames in self.STACK.iter_unpack(table) if hashed != 0]


class Server:
    """A program that serves on a Unix socket without nginx, and one kept connection to it."""

    def __init__(self, site, program, command, options=(), environment={}):
        self.folder = site.folder
        self.log = site.folder / "cost.log"
        self.log.unlink(missing_ok=True)
        path = site.folder / "cost.sock"
        site.remove_tasks()
        self.process = Process.listening(
            path, [*command, "serve", *options, "--manifest", site.manifests[program]],
            self.log, site.folder, environment)
        try:
            self.connection = fastcgi.Connection(path)
        except BaseException as error:
            self.process.stop()
            if isinstance(error, OSError):
                raise Failure(f"the application cannot be reached: {error}\n{tail(self.log)}") from None
            raise

    def __enter__(self):
        try:
            self.ask(fastcgi.encode("GET", "/until-it-serves"))
            # A supervisor, and the process that serves; or that process alone.
            self.pid = self.process.tree()[-1]
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()
        self.process.stop()

    def ask(self, request):
        try:
            return self.connection.ask(request)
        except Failure as failure:
            raise Failure(f"{failure}\n{tail(self.log)}") from None

    def send(self, kind, count):
        """Sends one request after another, each when the work for the one before it is over."""
        request = kind.encoded()
        for _ in range(count):
            self.rest()
            output = self.ask(request)
            if not output.endswith(b"\r\n\r\n" + kind.answer):
                raise Failure(f"{kind.method} {kind.target} is answered with {output!r}\n{tail(self.log)}")

    def rest(self):
        """Waits until every thread of the process that serves sleeps.

        If the next request arrived while a worker still returns from the one before it, another worker would wake up.
        How often that happens depends on the machine.
        """
        end = time.monotonic() + fastcgi.PATIENCE
        while not self.sleeps():
            if time.monotonic() > end:
                raise Failure(f"the application works without a request\n{tail(self.log)}")

    def sleeps(self):
        """Whether every thread of the process is blocked. A thread that is about to end has nothing left to do."""
        process = pathlib.Path(f"/proc/{self.pid}")
        threads = list(process.glob("task/*/stat"))
        if not threads or state(process / "stat") in (b"", b"Z", b"X"):
            raise Failure(f"the application has ended\n{tail(self.log)}")
        return all(state(thread) in (b"S", b"Z", b"X", b"") for thread in threads)


def state(path):
    """A thread's state, given its file `stat`: a letter; none if the thread has ended."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(512).rpartition(b")")[2][1:2]
    except OSError:
        return b""


# MARK: What is counted


def counted(site, options, note):
    """One record for each kind of request."""
    records = []
    for program in (PLAIN, DURABLE):
        kinds = {name: kind for name, kind in KINDS.items() if kind.program == program}
        counts = Counts(site.folder / "allocations")
        with preloaded(site, program, counts) as server:
            for name, kind in kinds.items():
                note(f"cost: {name}: allocations and system calls")
                records.append({
                    "request": name, **allocations(server, kind, counts), "system_calls": traced(server, kind)})
        with simulated(site, program) as server:
            for record in records[-len(kinds):]:
                note(f"cost: {record['request']}: instructions")
                kind = kinds[record["request"]]
                record["instructions"] = instructions_of(simulate(server, kind)) / kind.simulated
    return records


def preloaded(site, program, counts):
    return Server(site, program, [site.programs[program]], environment={
        "LD_PRELOAD": str(site.folder / "allocations.so"), "COUNT_ALLOCATIONS": str(counts.path)})


def allocations(server, kind, counts):
    server.send(kind, WARM_UP)
    before = counts.read()
    server.send(kind, kind.requests)
    calls, size = (after - value for after, value in zip(counts.read(), before))
    return {"allocations": calls / kind.requests, "allocated_bytes": size / kind.requests}


def traced(server, kind):
    """The system calls of a request, by name."""
    summary = server.folder / "strace"
    tracer = subprocess.Popen(
        ["strace", "--follow-forks", "--summary-only", f"--output={summary}", f"--attach={server.pid}"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        line = tracer.stderr.readline()
        if "attached" not in line:
            raise Failure(f"strace cannot trace the application; it needs the right to use ptrace: {line.strip()}")
        server.send(kind, kind.traced)
    finally:
        # strace detaches, and then writes its summary.
        tracer.send_signal(signal.SIGINT)
        tracer.communicate()
    calls = {}
    for line in summary.read_text().splitlines():
        # The columns: share, seconds, microseconds a call, calls, errors if there are any, and the name.
        words = line.split()
        if len(words) in (5, 6) and re.fullmatch(r"[\d.]+", words[0]) and words[-1] != "total":
            calls[words[-1]] = int(words[3]) / kind.traced
    if not calls:
        raise Failure(f"strace printed no summary:\n{summary.read_text()}")
    return calls


def simulated(site, program):
    """The program under valgrind, without a supervisor: valgrind 3.19 has no pidfd_open, which a supervisor needs."""
    # valgrind cannot read the debugging information of Swift programs.
    copy = site.folder / program
    run(["objcopy", "--strip-debug", site.programs[program], copy], 60)
    callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={site.folder}/callgrind.%p",
                 f"--vgdb-prefix={site.folder}/vgdb", copy]
    return Server(
        site, program, callgrind, ["--no-supervisor"], {"LD_PRELOAD": str(site.folder / "sigsuspend.so")})


def instructions_of(profile):
    totals = re.search(r"^totals: (\d+)", profile.read_text(), re.MULTILINE)
    if totals is None:
        raise Failure(f"callgrind's profile {profile.name} has no total")
    return int(totals[1])


def simulate(server, kind):
    """Has callgrind write the profile of some requests, and returns its path."""
    server.send(kind, kind.simulated // 2)
    # The dump also sets the counters to zero; its predecessor's requests are not in it.
    dump(server)
    server.send(kind, kind.simulated)
    return dump(server)


def dump(server):
    profiles = f"callgrind.{server.pid}.*"
    before = set(server.folder.glob(profiles))
    run(["vgdb", f"--vgdb-prefix={server.folder}/vgdb", f"--pid={server.pid}", "dump"], 60)
    files = set(server.folder.glob(profiles)) - before
    if len(files) != 1:
        raise Failure(f"callgrind wrote {len(files)} profiles instead of one\n{tail(server.log)}")
    return files.pop()


# MARK: What is measured


def timed(site, options, note):
    """Time and context switches of a request behind nginx, of Postlude and of libfcgi's loop in turn."""
    servers = [name for name in options.servers if name in ("postlude", "libfcgi")]
    records = []
    for turn in range(options.rounds):
        for name, kind in KINDS.items():
            # libfcgi's loop has no durable tasks.
            rivals = [each for each in servers if each == "postlude" or kind.program == PLAIN]
            for server in in_turn(rivals, turn):
                note(f"cost, round {turn + 1}: {name}, {server}")
                record = {"round": turn + 1, "request": name, "server": server}
                records.append(record | timed_once(site, server, kind, options.seconds))
    return records


def timed_once(site, server, kind, seconds):
    back_end = site.start(server) if kind.program == PLAIN else site.start_durable()
    expected = kind.answer if server == "postlude" else BODY
    found = site.ask(server, "kept", kind.method, kind.target, kind.body)
    if found != (200, expected):
        raise Failure(f"{NAMES[server]} answers {kind.method} {kind.target} with {found}, not {expected}")
    port = site.ports[f"{server}-kept"]
    wrk(site, port, CLIENTS, 1, kind.target, kind.method, kind.body)
    before = back_end.times() + back_end.context_switches()
    figures = wrk(site, port, CLIENTS, seconds, kind.target, kind.method, kind.body)
    after = back_end.times() + back_end.context_switches()
    wrong = figures["bad_status"] + figures["timeouts"] + figures["socket_errors"]
    if not back_end.running() or figures["requests"] == 0 or wrong > 0:
        raise Failure(
            f"{NAMES[server]} does not answer every {kind.method} {kind.target}: {figures}\n{tail(back_end.log)}")
    user, kernel, voluntary, involuntary = (
        (end - start) / figures["requests"] for start, end in zip(before, after))
    return {"requests_per_second": figures["requests"] / figures["seconds"], "user_us": user * 1e6,
            "kernel_us": kernel * 1e6, "voluntary_switches": voluntary, "involuntary_switches": involuntary}


# MARK: Where it happens


def where(site, kind, note):
    """The call stacks that allocate most, and the functions with the most instructions."""
    note("cost: call stacks of allocations")
    counts = Counts(site.folder / "allocations")
    with preloaded(site, kind.program, counts) as server:
        server.send(kind, WARM_UP)
        counts.record(True)
        server.send(kind, WARM_UP)
        counts.record(False)
        stacks = named(server.pid, counts.stacks())
    note("cost: functions by instructions")
    with simulated(site, kind.program) as server:
        profile = simulate(server, kind)
    # Calls that have not returned are 0 calls, whose cost callgrind_annotate takes for the caller's own.
    profile.write_text(profile.read_text().replace("\ncalls=0 ", "\ncalls=1 "))
    return {"stacks": [(calls / WARM_UP, size / WARM_UP, frames) for calls, size, frames in stacks],
            "instructions": instructions_of(profile) / kind.simulated,
            "inclusive": functions(profile, kind, "yes"), "exclusive": functions(profile, kind, "no")}


def functions(profile, kind, inclusive):
    """Instructions of a request by function, most first."""
    text = demangled(run(
        ["callgrind_annotate", f"--inclusive={inclusive}", "--threshold=100", "--auto=no", "--show-percs=no", profile],
        120))
    found = []
    for line in text.splitlines():
        # The figure, the source file, the function, and the program or library.
        place = re.fullmatch(r"\s*([\d,]+)\s+[^:]*:(.*?)(?: \[(\S*)\])?", line)
        if place is not None:
            is_unnamed = place[2].startswith("0x") and place[3] is not None
            name = f"a function of {pathlib.Path(place[3]).name}" if is_unnamed else place[2]
            found.append((int(place[1].replace(",", "")) / kind.simulated, name))
    # Functions around the threads' loops, and recursive ones, whose inner calls count again in the outer ones.
    return [each for each in found if each[0] < 0.99 * instructions_of(profile) / kind.simulated]


def named(pid, stacks):
    """The stacks with the names of functions in place of addresses; equal ones are one."""
    # A return address is that of the next instruction, which may belong to another line or function.
    addresses = sorted({address - 1 for _, _, frames in stacks for address in frames})
    names = dict(zip(addresses, function_names(pid, addresses)))
    groups = {}
    for calls, size, frames in stacks:
        words = tuple(telling([name for address in frames for name in names[address - 1]]))
        before = groups.get(words, (0, 0))
        groups[words] = before[0] + calls, before[1] + size
    return sorted(((calls, size, words) for words, (calls, size) in groups.items()), reverse=True)


def telling(frames):
    """A stack without the functions in which all allocations begin, the compiler's, and those around workers' loops."""
    while len(frames) > 1 and re.match(r"swift_(slowAlloc|allocObject)|operator new", frames[0]):
        frames = frames[1:]
    ends = [index for index, frame in enumerate(frames) if frame.startswith("Worker.loop()")]
    told = []
    for frame in frames[:ends[0]] if ends else frames:
        # A function may also appear without its line, as the code around an inlined one.
        is_repeated = told and frame.partition("  ")[0] == told[-1].partition("  ")[0]
        if not is_repeated and not GENERATED.match(frame):
            told.append(frame)
    return told or frames[:1]


def function_names(pid, addresses):
    """The functions and lines at each address of a process, those that are inlined first."""
    symbolizer = symbolizer_of_swift()
    places = list(places_in_files(pid, addresses))
    text = "".join(f'CODE "{path}" {offset:#x}\n' for path, offset in places)
    found = demangled(run([symbolizer, "--output-style=JSON", "--inlining"], 120, text))
    return [names_of(json.loads(line), pathlib.Path(path).name) for line, (path, _) in zip(found.splitlines(), places)]


def symbolizer_of_swift():
    """llvm-symbolizer, which is in Swift's toolchain. Other programs cannot read the debugging information."""
    program = shutil.which("swift")
    beside = pathlib.Path(program).resolve().parent if program else None
    found = shutil.which("llvm-symbolizer", path=beside) or shutil.which("llvm-symbolizer")
    if found is None:
        raise Failure(f"llvm-symbolizer is neither in {beside} nor in PATH: install Debian's package llvm")
    return found


def places_in_files(pid, addresses):
    """For each address, the file that is mapped there, and the address in it."""
    mappings = []
    first = 0
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        bounds, _, offset, _, _, *path = line.split(maxsplit=5)
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        if int(offset, 16) == 0:
            first = start
        mappings += [(start, end, path[0], first)] if path else []
    for address in addresses:
        yield next(((path, address - first) for start, end, path, first in mappings if start <= address < end),
                   ("unknown", address))


def names_of(found, file):
    """The names in the symbolizer's answer for an address, which has no symbols if the file cannot be read."""
    unnamed = f"a function of {file}"
    symbols = found.get("Symbol", [])
    return [
        (symbol["FunctionName"] or unnamed)
        + (f"  {pathlib.Path(symbol['FileName']).name}:{symbol['Line']}" if symbol["Line"] else "")
        for symbol in symbols] or [unnamed]


def demangled(text):
    return run(["swift", "demangle", "--simplified"], 120, text)
