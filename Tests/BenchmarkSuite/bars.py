"""The bars that Postlude should meet. Each is a line: the figure, the bar, the measured value, met or missed."""

import os

import memory
from cost import KINDS as REQUESTS
from cost_bounds import BOUNDS
from durable_queue import CLIENTS
from measure import SPREAD
from report import KINDS, milliseconds, number, table
from servers import EXAMPLE
from starts import STATIC

# How to find what a counted figure consists of. The others are calls of one system call.
WHERE = {
    "allocations": "`Tests/benchmark --only cost --where {request}` prints their call stacks.",
    "system calls": "The table of system calls has their names.",
    "instructions": "`Tests/benchmark --only cost --where {request}` prints the functions.",
}


def print_bars(bars):
    if bars:
        print("## Bars\n")
        table(["what", "bar", "measured", ""], bars)


def as_records(bars):
    return [dict(zip(("what", "bar", "measured", "result"), bar)) for bar in bars]


def bar(what, limit, measured, met):
    return [what, limit, measured, "met" if met else "missed"]


def http_bars(cells):
    bars = []
    many = cells.get(("kept", 64, "postlude"))
    loop_many = cells.get(("kept", 64, "libfcgi"))
    loop_few = cells.get(("kept", 4, "libfcgi"))
    if many:
        what = "kept, 64 clients: "
        bars += [
            bar(what + "clients served", "64", number(many["clients_served"]), many["clients_served"] == 64),
            bar(what + "p99", "< 20 ms", f"{milliseconds(many['p99_ms'])} ms", many["p99_ms"] < 20),
            bar(what + "timeouts", "0", number(many["timeouts"]), many["timeouts"] == 0)]
    if many and loop_many:
        bars.append(at_least("kept, 64 clients: requests/s, relative to the C loop's with 64", 1, many, loop_many))
    if many and loop_few:
        bars.append(at_least("kept, 64 clients: requests/s, relative to the C loop's with 4", 1, many, loop_few))
    for kind, factor in (("kept", 1.1), ("fresh", 0.95)):
        few, loop = cells.get((kind, 4, "postlude")), cells.get((kind, 4, "libfcgi"))
        if few and loop:
            what = f"{KINDS[kind]}, 4 clients: requests/s, relative to the C loop's"
            bars.append(at_least(what, factor, few, loop))
    few = cells.get(("kept", 4, "postlude"))
    if few and loop_few:
        value = few["processor_us"] / loop_few["processor_us"]
        what = "kept, 4 clients: processor time per request, relative to the C loop's"
        bars.append(bar(what, "≤ 0.75", f"{value:.2f}", value <= 0.75))
    return bars


def at_least(what, factor, cell, other):
    value = cell["requests_per_second"] / other["requests_per_second"]
    return bar(what, f"≥ {factor}", f"{value:.2f}", value >= factor)


def handler_bars(cells):
    plain, typed = cells.values()
    value = typed["processor_us"] / plain["processor_us"]
    what = "three typed inputs and two tasks: processor time per request, relative to none"
    return [bar(what, "≤ 1.3", f"{value:.2f}", value <= 1.3)]


def task_bars(cells):
    bars = []
    for kind, words in KINDS.items():
        with_task = cells.get((kind, 150, "postlude", True))
        without = cells.get((kind, 150, "postlude", False))
        if with_task and without:
            value = with_task["p99_ms"] / without["p99_ms"]
            what = f"{words}, 150/s: p99 with tasks, relative to p99 without"
            bars.append(bar(what, "≤ 1.5", f"{value:.2f}", value <= 1.5))
        fast = cells.get((kind, 300, "postlude", True))
        if fast:
            what = f"{words}, 300/s with tasks: "
            lost = fast["refused"] + fast["timeouts"]
            bars += [
                bar(what + "refused or timed out", "0", number(lost), lost == 0),
                bar(what + "p99", "< 5 ms", f"{milliseconds(fast['p99_ms'])} ms", fast["p99_ms"] < 5)]
    return bars


def spread_bars(cells):
    one, three = (cells[name] for name in SPREAD)
    # A shorter wait does not count as waiting.
    limit = max(2 * one["wait_max_ms"], 10)
    what = "tasks of a second, three processes: "
    return [
        bar(what + "longest wait, compared with one process", f"≤ {milliseconds(limit)} ms",
            f"{milliseconds(three['wait_max_ms'])} ms", three["wait_max_ms"] <= limit),
        bar(what + "response p99, compared with one process", f"≤ {milliseconds(2 * one['p99_ms'])} ms",
            f"{milliseconds(three['p99_ms'])} ms", three["p99_ms"] <= 2 * one["p99_ms"])]


def cost_bars(records):
    return [
        bar(f"{REQUESTS[request].words}: {what} a request", f"≤ {limit}", value, is_met)
        for request, what, value, limit, is_met in compared(records)]


def compared(records):
    """Each counted figure and its bound, as text, and whether the figure is within it."""
    for record in records:
        figures = {
            "allocations": record["allocations"], "system calls": sum(record["system_calls"].values()),
            "instructions": record["instructions"]}
        for what, limit in BOUNDS[record["request"]].items():
            figure = figures[what] if what in figures else record["system_calls"].get(what, 0)
            digits = 0 if what == "instructions" else 2
            # Another processor has other instructions.
            if what != "instructions" or os.uname().machine == "x86_64":
                yield record["request"], what, number(figure, digits), number(limit, digits), figure <= limit


def exceeded_bounds(records):
    """What is wrong, and what to do, for each counted figure above its bound."""
    return [
        f"{request} ({REQUESTS[request].words}): {value} {what} a request; the bound is {limit}."
        f" {WHERE.get(what, WHERE['system calls']).format(request=request)} If the change is worth them, raise the"
        " bound in Tests/BenchmarkSuite/cost_bounds.py, and say why in the commit."
        for request, what, value, limit, is_met in compared(records) if not is_met]


def route_bars(records):
    times = [each["nanoseconds"] for each in records]
    value = max(times) / min(times)
    fewest, most = records[0]["routes"], records[-1]["routes"]
    what = f"route matching, slowest to fastest from {number(fewest)} to {number(most)} routes"
    return [bar(what, "≤ 1.5", f"{value:.2f}", value <= 1.5)]


def queue_bars(cells):
    if len(cells) < 2:
        return []
    postlude, other = cells["postlude"], cells["celery"]
    what = f"a durable task with each request, {CLIENTS} clients, relative to FastAPI, Celery and Redis: "
    tasks = postlude["overall_tasks_per_second"] / other["overall_tasks_per_second"]
    processor = postlude["processor_us"] / other["processor_us"]
    return [
        bar(what + "tasks/s until all have run", "≥ 5", f"{tasks:.1f}", tasks >= 5),
        bar(what + "processor time a request", "≤ 0.1", f"{processor:.2f}", processor <= 0.1)]


def finished_bars(cells):
    empty, full = cells[min(cells)], cells.get(1_000_000)
    if full is None:
        return []
    value = full["tasks_per_second"] / empty["tasks_per_second"]
    what = "durable tasks/s with a million finished tasks in the file, relative to an empty file"
    return [bar(what, "≥ 0.9", f"{value:.2f}", value >= 0.9)]


def memory_bars(cells):
    value = memory.proportional(cells["no setting", "requests"]) / 1024
    what = f"supervisor and process after {number(memory.REQUESTS)} requests, proportional set size"
    return [bar(what, "≤ 12 MiB", f"{number(value, 1)} MiB", value <= 12)]


def stream_bars(cells):
    cell = next(iter(cells.values()))
    what = f"{number(cell['streams'])} open event streams, {cell['workers']} workers: "
    return [
        bar(what + "memory of each", "≤ 16 KiB", f"{number(cell['kib_each'], 2)} KiB", cell["kib_each"] <= 16),
        p99_bar(what, cell)]


def p99_bar(what, cell):
    value = cell["request_beside_p99_ms"] / cell["request_p99_ms"]
    return bar(what + "p99 of 300 other requests/s, relative to none", "≤ 1.1", f"{value:.2f}", value <= 1.1)


def receipt_bars(cells):
    cell = next(iter(cells.values()))
    what = f"{number(cell['receipts'])} live receipts, {cell['workers']} workers: "
    return [
        bar(what + "memory of each", "≤ 16 KiB", f"{number(cell['kib_each'], 2)} KiB", cell["kib_each"] <= 16),
        bar(what + "p99 from the end of a task to the client", "≤ 50 ms", f"{milliseconds(cell['told_p99_ms'])} ms",
            cell["told_p99_ms"] <= 50),
        p99_bar(what, cell)]


def replaced_bars(records):
    return [
        bar(f"{each['kind']}, {number(each['streams'])}, through {each['replacements']} reloads and upgrades: {name}",
            "0", str(each[name]), each[name] == 0)
        for each in records for name in ("broken", "missed", "doubled")]


def soak_bars(samples):
    value = memory.growth(samples)
    what = "growth of anonymous memory under load, from the second fifth of the time to the last"
    return [bar(what, f"≤ {memory.STEADY} KiB", f"{number(value)} KiB", value <= memory.STEADY)]


def start_bars(cells):
    limits = {"check_ms": ("`check`", 15), "first_answer_ms": ("first answer", 30)}
    return [
        bar(f"{program}: {words}", f"≤ {limit} ms", f"{milliseconds(cell[key])} ms", cell[key] <= limit)
        for program, cell in cells.items() if program in (EXAMPLE, STATIC)
        for key, (words, limit) in limits.items()]


def size_bars(records):
    return [
        bar(f"{each['program']}, without symbols", "< 20 MB", f"{number(each['stripped_bytes'] / 1e6, 1)} MB",
            each["stripped_bytes"] < 20e6)
        for each in records if each["program"] == STATIC]
