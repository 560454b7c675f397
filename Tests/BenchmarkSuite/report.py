"""Medians, tables and bars, as Markdown."""

import os
import pathlib
import re
import statistics
import subprocess

import durable_queue
import memory
import starts
from cost import KINDS as REQUESTS
from measure import HANDLER_PATHS, SPREAD_RATE
from servers import NAMES

OTHERS = ("libfcgi", "php")
LISTED_STACKS = 15
LISTED_FUNCTIONS = 40
LISTED_PARTS = 15
KINDS = {"kept": "kept", "fresh": "not kept"}
SUMMED = ("timeouts", "bad_status", "socket_errors", "refused", "sent", "answered", "requests")
MIB = 2**20


def medians(records, keys):
    """One record for each combination of the keys: sums of counts, medians of the other figures."""
    groups = {}
    for record in records:
        groups.setdefault(tuple(record[key] for key in keys), []).append(record)
    result = {}
    for key, group in groups.items():
        names = [name for name in group[0] if name not in keys and name != "round"]
        result[key] = {
            name: (sum if name in SUMMED else statistics.median)(record[name] for record in group)
            for name in names}
    return result


def table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join(" --- " for _ in header) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def milliseconds(value):
    return number(value, 1 if value >= 10 else 2)


def machine(file_system, application):
    def first_line(*command):
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        except (OSError, subprocess.CalledProcessError):
            return "not installed"
        lines = (result.stdout + result.stderr).splitlines()
        return lines[0].strip() if lines else ""

    def package(name):
        return first_line("dpkg-query", "--show", "--showformat=${Version}", name)

    processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    uname = os.uname()
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor[1] if processor else uname.machine,
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "kernel": f"{uname.sysname} {uname.release} {uname.machine}",
        "system": system[1] if system else "unknown",
        "nginx": package("nginx"), "libfcgi": package("libfcgi0ldbl"), "php-fpm": package("php8.2-fpm"),
        "PCRE2": package("libpcre2-8-0"), "wrk": package("wrk"), "spawn-fcgi": package("spawn-fcgi"),
        "strace": package("strace"), "valgrind": package("valgrind"), "FastAPI": package("python3-fastapi"),
        "uvicorn": package("python3-uvicorn"), "Celery": package("python3-celery"), "Redis": package("redis-server"),
        "file system of the stored tasks": file_system,
        "Swift": first_line("swift", "--version") if application else "not used",
    }


def print_machine(facts, options):
    print("## Machine\n")
    for name, value in facts.items():
        print(f"- {name}: {value}")
    if options.counts or options.where:
        print()
        return
    rounds = "1 round" if options.rounds == 1 else f"{options.rounds} rounds, interleaved"
    print(f"- run: {rounds}, {options.seconds} s a measurement; servers, nginx and load share the cores\n")


def print_http(records):
    cells = medians(records, ("connections", "clients", "server"))
    print("## Small responses, closed loop (wrk)\n")
    header = ["connections", "clients", "server", "requests/s", "p50 ms", "p99 ms", "timeouts", "not 2xx",
              "clients served", "processor µs/request", "peak MiB"]
    table(header, [
        [KINDS[kind], clients, NAMES[name], number(cell["requests_per_second"]),
         milliseconds(cell["p50_ms"]), milliseconds(cell["p99_ms"]), number(cell["timeouts"]),
         number(cell["bad_status"]), number(cell["clients_served"]), number(cell["processor_us"], 1),
         number(cell["peak_bytes"] / MIB, 1)]
        for (kind, clients, name), cell in cells.items()])
    print("Timeouts (an answer later than 2 s) and answers other than 2xx are sums over the rounds. Clients"
          " served: how many of the clients got any answer within 2 s after the measurement. Peak memory is the"
          " sum over a server's processes and counts pages that they share more than once.\n")
    rows = []
    for (kind, clients, name), cell in cells.items():
        for other in OTHERS:
            rival = cells.get((kind, clients, other))
            if name == "postlude" and rival:
                rows.append([KINDS[kind], clients, NAMES[other]] + [
                    ratio(cell[key], rival[key]) for key in
                    ("requests_per_second", "p99_ms", "processor_us", "peak_bytes")])
    if rows:
        print("Postlude divided by the other:\n")
        table(["connections", "clients", "other", "requests/s", "p99", "processor/request", "peak"], rows)
    return cells


def ratio(value, other):
    return f"{value / other:.2f}" if other else "–"


def print_handlers(records):
    cells = medians(records, ("path",))
    cells = {path: cells[path,] for path in HANDLER_PATHS}
    print("## The cost of inputs and tasks, kept connections, 16 clients\n")
    plain = next(iter(cells.values()))
    table(["handler", "requests/s", "p50 ms", "p99 ms", "processor µs/request", "relative to the first"], [
        [HANDLER_PATHS[path], number(cell["requests_per_second"]), milliseconds(cell["p50_ms"]),
         milliseconds(cell["p99_ms"]), number(cell["processor_us"], 1),
         ratio(cell["processor_us"], plain["processor_us"])]
        for path, cell in cells.items()])
    return cells


def print_tasks(records):
    cells = medians(records, ("connections", "rate", "server", "task"))
    print("## Background tasks of 20 ms, open loop (Poisson arrivals)\n")
    rows = []
    for (kind, rate, name, has_task), with_task in cells.items():
        if has_task:
            without = cells[kind, rate, name, False]
            rows.append([
                KINDS[kind], rate, NAMES[name], milliseconds(without["p50_ms"]),
                milliseconds(without["p99_ms"]), milliseconds(with_task["p50_ms"]),
                milliseconds(with_task["p99_ms"]), milliseconds(with_task["max_ms"]),
                ratio(with_task["p99_ms"], without["p99_ms"]),
                f"{with_task['refused'] / with_task['sent'] * 100:.1f} %",
                f"{with_task['timeouts'] / with_task['sent'] * 100:.1f} %"])
    table(["connections", "requests/s", "server", "p50 ms, no task", "p99 ms, no task", "p50 ms, task",
           "p99 ms, task", "max ms, task", "p99 ratio", "refused, task", "timeouts, task"], rows)
    print("Latency counts from the moment at which a request was due, and only for answered requests."
          " Refused: an answer of 5xx or a connection refused. Timeout: no answer within 5 s.\n")
    return cells


def print_spread(records):
    cells = {name: cell for (name,), cell in medians(records, ("processes",)).items()}
    print(f"## Tasks of one second in several processes, {SPREAD_RATE} requests/s, one nginx worker\n")
    table(["processes", "tasks", "wait p50 ms", "longest wait ms", "response p99 ms"], [
        [name, number(cell["tasks"]), milliseconds(cell["wait_p50_ms"]), milliseconds(cell["wait_max_ms"]),
         milliseconds(cell["p99_ms"])] for name, cell in cells.items()])
    print("A task's wait lasts from the end of its handler to its own beginning.\n")
    return cells


def print_streams(records):
    cells = medians(records, ("streams", "workers"))
    cells = {key: dict(zip(("streams", "workers"), key)) | cell for key, cell in cells.items()}
    print("## Open event streams in one process\n")
    table(["streams", "workers", "KiB each", "event to all of them ms", "longest ms", "request p99 ms",
           "without streams ms"], [
        [number(cell["streams"]), cell["workers"], number(cell["kib_each"], 2), milliseconds(cell["event_ms"]),
         milliseconds(cell["event_max_ms"]), milliseconds(cell["request_beside_p99_ms"]),
         milliseconds(cell["request_p99_ms"])] for cell in cells.values()])
    print("Without nginx, over a Unix socket. The client, one thread of Python, reads all streams; the time of an event includes"
          " that. The requests, 300 each second, go to a server with streams and to one without in turn.\n")
    return cells


def print_receipts(records):
    cells = medians(records, ("receipts", "workers"))
    cells = {key: dict(zip(("receipts", "workers"), key)) | cell for key, cell in cells.items()}
    print("## Live receipts in one process\n")
    table(["receipts", "workers", "KiB each", "end of a task to client p50 ms", "p99 ms", "told twice", "request p99 ms",
           "without receipts ms"], [
        [number(cell["receipts"]), cell["workers"], number(cell["kib_each"], 2), milliseconds(cell["told_ms"]),
         milliseconds(cell["told_p99_ms"]), number(cell["doubled"]), milliseconds(cell["request_beside_p99_ms"]),
         milliseconds(cell["request_p99_ms"])] for cell in cells.values()])
    print("As above. The time of a receipt begins when the task has ended, up to 10 ms before its record is written. In both"
          " servers, 25 tasks end each second.\n")
    return cells


def print_replaced(records):
    print("## Event streams whose processes are replaced\n")
    table(["streams", "number", "replacements", "broken", "events missed", "doubled"], [
        [each["kind"], number(each["streams"]), each["replacements"], each["broken"], each["missed"], each["doubled"]]
        for each in records])
    return records


def print_counted(records):
    print("## The cost of a request, counted\n")
    has_instructions = any("instructions" in each for each in records)
    header = ["request", "allocations", "bytes allocated", "system calls"] + ["instructions"] * has_instructions
    table(header, [
        [REQUESTS[each["request"]].words, number(each["allocations"], 1), number(each["allocated_bytes"]),
         number(sum(each["system_calls"].values()), 1)]
        + ([number(each["instructions"])] if has_instructions else [])
        for each in records])
    print("Each request is sent directly on one kept FastCGI connection, when the work for the one before it is over."
          " The instructions are those in user mode, of a process without a supervisor.\n")
    print("System calls by name:\n")
    # A rare call is not one of the request: threads also act by themselves, at intervals.
    names = sorted({name for each in records for name, calls in each["system_calls"].items() if calls >= 0.02})
    table(["request", *names], [
        [REQUESTS[each["request"]].words, *(
            number(each["system_calls"].get(name, 0), 2).removesuffix(".00") for name in names)]
        for each in records])
    return records


def print_timed(records):
    cells = medians(records, ("request", "server"))
    print("## The cost of a request behind nginx, kept connections, 4 clients\n")
    switches = ["voluntary switches", "involuntary switches"]
    table(["request", "server", "requests/s", "user µs", "kernel µs", *switches], [
        [REQUESTS[request].words, NAMES[server], number(cell["requests_per_second"]),
         number(cell["user_us"], 1), number(cell["kernel_us"], 1),
         number(cell["voluntary_switches"], 2), number(cell["involuntary_switches"], 2)]
        for (request, server), cell in cells.items()])
    rows = []
    for request in REQUESTS:
        cell = cells.get((request, "postlude"))
        # There is no durable task in C.
        rival, name = cells.get((request, "libfcgi")), NAMES["libfcgi"]
        if request == "durable":
            rival, name = cells.get(("path", "postlude")), REQUESTS["path"].words
        if cell and rival:
            rows.append([REQUESTS[request].words, name] + [ratio(cell[key], rival[key]) for key in (
                "requests_per_second", "user_us", "kernel_us", "voluntary_switches", "involuntary_switches")])
    if rows:
        print("Postlude divided by libfcgi's loop, which reads the same request and answers a constant text; a durable"
              " task divided by Postlude's own typed path:\n")
        table(["request", "divided by", "requests/s", "user", "kernel", *switches], rows)
    return cells


def print_where(name, found):
    print(f"## Where the cost of {REQUESTS[name].words} comes from\n")
    stacks = found["stacks"]
    calls, size = (sum(stack[column] for stack in stacks) for column in (0, 1))
    print(f"{number(calls, 1)} allocations of {number(size)} bytes a request, in {len(stacks)} call stacks. Those with"
          " the most:\n")
    for calls, size, frames in stacks[:LISTED_STACKS]:
        print(f"- {number(calls, 2)} allocations of {number(size)} bytes\n")
        print("".join(f"      {frame}\n" for frame in frames))
    total = found["instructions"]
    print(f"{number(total)} instructions a request. The functions with the most, with what they call (a"
          " recursive one, marked '2, counts its inner calls again):\n")
    print_functions(found["inclusive"], total)
    print("And without what they call:\n")
    print_functions(found["exclusive"], total)


def print_functions(functions, total):
    table(["instructions", "", "function"], [
        [number(count), f"{count / total * 100:.1f} %", f"`{function}`"]
        for count, function in functions[:LISTED_FUNCTIONS]])


def print_routes(records):
    print("## Route matching\n")
    table(["routes", "ns/match"], [[number(each["routes"]), number(each["nanoseconds"])] for each in records])
    return records


def print_queue(records):
    cells = {name: cell for (name,), cell in medians(records, ("server",)).items()}
    print(f"## A durable task with each request, kept connections, {durable_queue.CLIENTS} clients\n")
    keys = ("requests_per_second", "tasks_per_second", "overall_tasks_per_second", "p50_ms", "p99_ms", "processor_us")
    header = ["requests/s", "tasks/s", "tasks/s until all have run", "p50 ms", "p99 ms", "processor µs/request"]
    table(["server", *header], [
        [NAMES[name], *(number(cell[key]) for key in keys[:3]),
         milliseconds(cell["p50_ms"]), milliseconds(cell["p99_ms"]), number(cell["processor_us"], 1)]
        for name, cell in cells.items()])
    if len(cells) == 2:
        print("Postlude divided by the other:\n")
        table(header, [[ratio(cells["postlude"][key], cells["celery"][key]) for key in keys]])
    sync = statistics.median(each["sync_ms"] for each in records)
    print("Tasks/s are those that had run by the end of the load, and then those of the time until the last one had run."
          " Processor time is that of all processes of a server, until its last task has run. One fdatasync of 4 KiB, appended"
          f" to a file beside the stored tasks, takes {milliseconds(sync)} ms.\n")
    if "celery" in cells:
        print("The other: uvicorn with two processes, uvloop and httptools; a Celery worker with two processes, late"
              " acknowledgement, 64 tasks taken in advance and no results; Redis with `appendonly yes` and `appendfsync always`,"
              " on a Unix socket and the same disk.\n")
    return cells


def print_finished(records):
    cells = {count: cell for (count,), cell in medians(records, ("finished",)).items()}
    print(f"## Durable tasks with finished ones in the task store, {durable_queue.CLIENTS} clients\n")
    empty = cells[min(cells)]
    table(["finished tasks", "file MiB", "tasks/s", "relative to the first", "p50 ms", "p99 ms", "processor µs/request"], [
        [number(count), number(cell["file_bytes"] / MIB, 1), number(cell["tasks_per_second"]),
         ratio(cell["tasks_per_second"], empty["tasks_per_second"]), milliseconds(cell["p50_ms"]),
         milliseconds(cell["p99_ms"]), number(cell["processor_us"], 1)]
        for count, cell in cells.items()])
    return cells


def print_memory(found):
    cells = medians(found["records"], ("environment", "after"))
    after = {"start": "the start", "requests": f"{number(memory.REQUESTS)} requests"}
    print("## Memory of the supervisor and of one process with four workers\n")
    table(["malloc", "after", "supervisor KiB", "anonymous", "process KiB", "anonymous", "together MiB"], [
        [environment, after[moment], *(number(cell[key]) for key in (
            "supervisor_kib", "supervisor_anonymous_kib", "process_kib", "process_anonymous_kib")),
         number(memory.proportional(cell) / 1024, 1)]
        for (environment, moment), cell in cells.items()])
    print("Proportional set sizes: a page that several processes have mapped counts for each of them with its share, so"
          " that other programs with the same libraries lower them. The"
          f" program is the benchmark's own, which uses nothing but Postlude; the requests are GET {memory.PATH}, with"
          f" {memory.CLIENTS} clients.\n")
    print("The largest files:\n")
    table(["", "file", "KiB"], [
        [name, f"`{path}`", number(size)] for name, files in found["files"].items() for path, size in files])
    return cells


def print_soak(samples):
    first, _, middle, _, last = (
        {key: statistics.median(sample[key] for sample in part) for key in part[0]} for part in memory.fifths(samples))
    print(f"## Memory under load for {number(samples[-1]['seconds'])} s, {memory.CLIENTS} clients\n")
    table(["", "requests", "supervisor KiB", "process KiB", "anonymous KiB, together"], [
        [name, number(cell["requests"]), number(cell["supervisor_kib"]), number(cell["process_kib"]),
         number(memory.anonymous(cell))]
        for name, cell in (("first fifth", first), ("middle fifth", middle), ("last fifth", last))])
    print("Medians of samples that were taken each second. After the first fifth, the anonymous memory grew by"
          f" {number(memory.slope(samples), 1)} KiB per million requests: the median slope between two samples.\n")
    return samples


def print_start(records):
    print(f"## Start, {starts.RUNS} times\n")
    cells = {}
    for record in records:
        cell = cells.setdefault(record["program"], {})
        for key in ("check_ms", "first_answer_ms"):
            if key in record:
                cell.setdefault(key, []).append(record[key])
    table(["program", "`check` ms", "minimum", "first answer ms", "minimum"], [
        [name] + [milliseconds(summary(cell[key])) if key in cell else "–"
                  for key in ("check_ms", "first_answer_ms") for summary in (statistics.median, min)]
        for name, cell in cells.items()])
    print("From the start of the process until `check` has ended, and until `serve` has answered a request on its socket."
          f" `{starts.NOTHING}` shows what starting a process takes.\n")
    return {name: {key: statistics.median(values) for key, values in cell.items()} for name, cell in cells.items()}


def print_size(records):
    print("## Size of a program without symbols\n")
    table(["program", "MB"], [[each["program"], number(each["stripped_bytes"] / 1e6, 1)] for each in records])
    for each in records:
        if "parts" in each:
            print(f"{each['program']}, its largest parts by library or module, from the linker's map:\n")
            table(["part", "KB"], [[name, number(size / 1e3)] for name, size in each["parts"][:LISTED_PARTS]])
    return records
