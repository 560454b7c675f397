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

import bars
import cost
import measure
import report
from servers import DURABLE, NAMES, PLAIN, Failure, Site

PARTS = ("http", "handlers", "tasks", "spread", "cost", "routes")


def some_of(allowed):
    def parse(text):
        names = text.split(",")
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(allowed)}")
        return [name for name in allowed if name in names]
    return parse


def positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def parse_options():
    parser = argparse.ArgumentParser(prog="Tests/benchmark")
    parser.add_argument("--root", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=positive)
    parser.add_argument("--seconds", type=positive)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", type=some_of(PARTS), default=list(PARTS))
    parser.add_argument("--servers", type=some_of(list(NAMES)), default=list(NAMES))
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--where", choices=list(cost.KINDS))
    options = parser.parse_args()
    if (options.counts or options.where) and options.only != ["cost"]:
        parser.error("--counts and --where are options of --only cost")
    if (options.counts or options.where) and "postlude" not in options.servers:
        parser.error("--counts and --where measure Postlude: --servers must name it")
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2 if options.quick else 8)
    options.clients = (4, 64) if options.quick else (4, 16, 64)
    options.rates = (150, 300) if options.quick else (50, 150, 300)
    return options


def note(text):
    print(f"{text} …", file=sys.stderr, flush=True)


def build(root, product):
    """Builds a product in release mode and returns its path."""
    command = ["swift", "build", "--package-path", root, "-c", "release"]
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


def benchmark(options, folder):
    parts = options.root / "Tests/BenchmarkSuite"
    with_postlude = "postlude" in options.servers
    results = {"machine": report.machine(with_postlude or "routes" in options.only)}
    behind_nginx = [part for part in ("http", "tasks") if part in options.only]
    of_postlude = [part for part in ("handlers", "spread") if part in options.only and with_postlude]
    with_cost = "cost" in options.only and with_postlude
    if behind_nginx or of_postlude or with_cost:
        products = ([PLAIN] if with_postlude else []) + ([DURABLE] if with_cost else [])
        programs = {product: build(options.root, product) for product in products}
        compile_c(parts, folder)
        with contextlib.closing(Site(parts, folder, programs)) as site:
            if options.where:
                results["where"] = cost.where(site, cost.KINDS[options.where], note)
                return results
            if with_cost:
                results["counted"] = cost.counted(site, note)
            if options.counts:
                return results
            site.start_nginx()
            for name in options.servers:
                site.check(name)
            for part in behind_nginx:
                results[part] = getattr(measure, part)(site, options.servers, options, note)
            for part in of_postlude:
                results[part] = getattr(measure, part)(site, options, note)
            if with_cost:
                results["timed"] = cost.timed(site, options, note)
    if "routes" in options.only:
        results["routes"] = measure.routes(build(options.root, "PostludeRouteBenchmark"), options, note)
    return results


def print_report(results, options):
    print("# Postlude's benchmark\n")
    report.print_machine(results["machine"], options)
    http = report.print_http(results["http"]) if "http" in results else None
    handlers = report.print_handlers(results["handlers"]) if "handlers" in results else None
    tasks = report.print_tasks(results["tasks"]) if "tasks" in results else None
    spread = report.print_spread(results["spread"]) if "spread" in results else None
    if "counted" in results:
        report.print_counted(results["counted"])
    if "timed" in results:
        report.print_timed(results["timed"])
    if "where" in results:
        report.print_where(options.where, results["where"])
    if "routes" in results:
        report.print_routes(results["routes"])
    results["bars"] = bars.print_bars(
        http, handlers, tasks, spread, results.get("counted"), results.get("routes"))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


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
    try:
        results = benchmark(options, folder)
    except Failure as failure:
        print(f"Tests/benchmark: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_report(results, options)
    exceeded = bars.exceeded_bounds(results["counted"]) if options.counts else []
    for each in exceeded:
        print(f"Tests/benchmark: {each}", file=sys.stderr)
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
