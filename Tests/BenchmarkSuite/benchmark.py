"""The main part of Tests/benchmark: builds, measures, reports, and leaves no files or processes behind."""

import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Callable, NamedTuple

import bars
import cost
import disk
import durable_queue
import measure
import memory
import receipts
import replaced
import report
import starts
import streams
from servers import DURABLE, EXAMPLE, NAMES, PLAIN, ROUTES, TESTBED, WEB, Failure, Site


class Section(NamedTuple):
    """A list of records in the JSON, and what is printed of it."""

    measure: Callable           # returns the records
    print: Callable             # returns what the bars need
    bars: Callable = lambda _: []
    programs: tuple = (PLAIN,)
    is_behind_nginx: bool = True
    checked: tuple = ()         # the servers whose answers are checked before
    is_wanted: Callable = lambda options: "postlude" in options.servers


# The sections of each part, in the order in which they are measured.
PARTS = {
    "http": {"http": Section(
        measure.http, report.print_http, bars.http_bars, checked=WEB, is_wanted=measure.web)},
    "handlers": {"handlers": Section(
        measure.handlers, report.print_handlers, bars.handler_bars, checked=("postlude",))},
    "tasks": {"tasks": Section(
        measure.tasks, report.print_tasks, bars.task_bars, checked=WEB, is_wanted=measure.web)},
    "spread": {"spread": Section(
        measure.spread, report.print_spread, bars.spread_bars, checked=("postlude",))},
    "cost": {
        "counted": Section(
            cost.counted, report.print_counted, bars.cost_bars, (PLAIN, DURABLE), is_behind_nginx=False),
        "timed": Section(
            cost.timed, report.print_timed, programs=(PLAIN, DURABLE), checked=("postlude", "libfcgi"),
            is_wanted=lambda options: "postlude" in options.servers and not options.counts)},
    "routes": {"routes": Section(
        measure.routes, report.print_routes, bars.route_bars, (ROUTES,), is_behind_nginx=False,
        is_wanted=lambda options: True)},
    "queue": {
        "queue": Section(
            durable_queue.queue, report.print_queue, bars.queue_bars, (DURABLE,), is_wanted=durable_queue.servers),
        "finished": Section(durable_queue.finished, report.print_finished, bars.finished_bars, (DURABLE,))},
    "memory": {
        "memory": Section(memory.memory, report.print_memory, bars.memory_bars, checked=("postlude",)),
        "soak": Section(
            memory.soak, report.print_soak, bars.soak_bars, checked=("postlude",),
            is_wanted=lambda options: "postlude" in options.servers and options.soak)},
    "streams": {
        "streams": Section(streams.streams, report.print_streams, bars.stream_bars, is_behind_nginx=False),
        "receipts": Section(
            receipts.receipts, report.print_receipts, bars.receipt_bars, (DURABLE,), is_behind_nginx=False),
        "replaced": Section(
            replaced.replaced, report.print_replaced, bars.replaced_bars, (DURABLE, TESTBED),
            is_behind_nginx=False)},
    "start": {
        "start": Section(starts.start, report.print_start, bars.start_bars, (EXAMPLE,), is_behind_nginx=False),
        "size": Section(starts.size, report.print_size, bars.size_bars, (EXAMPLE,), is_behind_nginx=False)},
}


def some_of(allowed):
    def parse(text):
        names = text.split(",")
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(allowed)}")
        return [name for name in allowed if name in names]
    return parse


def at_least(least):
    def parse(text):
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is not {least} or more")
        return value
    return parse


def parse_options():
    parser = argparse.ArgumentParser(prog="Tests/benchmark", allow_abbrev=False)
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=at_least(1))
    parser.add_argument("--seconds", type=at_least(1))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=some_of(list(PARTS)), default=list(PARTS))
    parser.add_argument("--servers", type=some_of(list(NAMES)), default=list(NAMES))
    parser.add_argument("--disk", type=pathlib.Path)
    # Its figures are medians of fifths.
    parser.add_argument("--soak", type=at_least(10), metavar="SECONDS")
    parser.add_argument("--replaced", type=at_least(1), metavar="COUNT")
    parser.add_argument("--static", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--where", choices=list(cost.KINDS))
    options = parser.parse_args()
    if (options.counts or options.where) and options.only != ["cost"]:
        parser.error("--counts and --where are options of --only cost")
    if (options.counts or options.where) and "postlude" not in options.servers:
        parser.error("--counts and --where measure Postlude: --servers must name it")
    if options.soak and "memory" not in options.only:
        parser.error("--soak is an option of the part memory")
    if options.replaced and "streams" not in options.only:
        parser.error("--replaced is an option of the part streams")
    if options.static and "start" not in options.only:
        parser.error("--static is an option of the part start")
    if options.disk and not options.disk.is_dir():
        parser.error(f"--disk {options.disk} is not a folder")
    options.replaced = options.replaced or replaced.STREAMS
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2 if options.quick else 8)
    options.clients = (4, 64) if options.quick else (4, 16, 64)
    options.rates = (150, 300) if options.quick else (50, 150, 300)
    options.finished = (0, 100_000) if options.quick else (0, 100_000, 1_000_000)
    return options


def note(text):
    print(f"{text} …", file=sys.stderr, flush=True)


def build(root, product, options=()):
    """Builds a product in release mode and returns its path."""
    command = ["swift", "build", "--package-path", root, "-c", "release", *options]
    note(f"building {product}")
    if subprocess.run([*command, "--product", product], stdout=sys.stderr).returncode != 0:
        raise Failure(f"swift build --product {product} failed")
    folder = subprocess.run([*command, "--show-bin-path"], capture_output=True, text=True, check=True)
    return pathlib.Path(folder.stdout.strip()) / product


def compile_c(parts, folder):
    programs = {
        "load": [*(parts / "load").glob("*.c"), "-lm"],
        "libfcgi-loop": [parts / "libfcgi-loop.c", "-lfcgi", "-lpthread"],
        "allocations.so": [parts / "allocations.c", "-shared", "-fPIC"],
        "sigsuspend.so": [parts / "sigsuspend.c", "-shared", "-fPIC"],
    }
    for name, words in programs.items():
        measure.run(
            ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o", folder / name, *words], 120)


class Results:
    """What was measured. The file of --json is complete after each section."""

    def __init__(self, path):
        self.path = path
        self.records = {}
        self.bars = []

    def __setitem__(self, name, records):
        self.records[name] = records
        self.write()

    def write(self):
        sys.stdout.flush()
        if self.path:
            new = self.path.with_name(self.path.name + ".new")
            new.write_text(json.dumps(self.records | {"bars": bars.as_records(self.bars)}, indent=1) + "\n")
            new.replace(self.path)


def benchmark(options, folder, results):
    sections = {name: section for part in options.only for name, section in PARTS[part].items()
                if section.is_wanted(options)}
    names = dict.fromkeys(name for section in sections.values() for name in section.programs)
    # Without Postlude, the others need none of its programs.
    programs = {name: build(options.root, name) for name in names if name == ROUTES or "postlude" in options.servers}
    if options.static:
        programs[starts.STATIC] = build(options.root, EXAMPLE, starts.static_options(folder))
    parts = options.root / "Tests/BenchmarkSuite"
    compile_c(parts, folder)
    disk_folder = options.disk or disk.default_folder(options.root)
    with contextlib.ExitStack() as stack:
        store = pathlib.Path(stack.enter_context(
            tempfile.TemporaryDirectory(prefix="postlude-benchmark-", dir=disk_folder.resolve())))
        site = stack.enter_context(contextlib.closing(Site(parts, folder, store, programs)))
        results["machine"] = report.machine(disk.file_system(store), bool(programs))
        print("# Postlude's benchmark\n")
        report.print_machine(results.records["machine"], options)
        if options.where:
            results["where"] = cost.where(site, cost.KINDS[options.where], note)
            report.print_where(options.where, results.records["where"])
            return
        for name, section in sections.items():
            measure_section(name, section, site, options, results)
    bars.print_bars(results.bars)


def measure_section(name, section, site, options, results):
    if section.is_behind_nginx:
        site.start_nginx()
    for server in section.checked:
        if server in options.servers:
            site.check(server)
    records = section.measure(site, options, note)
    site.stop()
    results.bars += section.bars(section.print(records))
    results[name] = records


def interrupted(number, _):
    # Once: a second signal must not interrupt the cleanup.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main():
    options = parse_options()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, interrupted)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postlude-benchmark-", dir="/tmp"))
    # Not in TMPDIR: if root starts nginx and php-fpm, their processes belong to the user nobody, and a socket's path is short.
    folder.chmod(0o755)
    results = Results(options.json)
    try:
        benchmark(options, folder, results)
    except Failure as failure:
        sys.stdout.flush()
        print(f"Tests/benchmark: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    exceeded = bars.exceeded_bounds(results.records["counted"]) if options.counts else []
    for each in exceeded:
        print(f"Tests/benchmark: {each}", file=sys.stderr)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
