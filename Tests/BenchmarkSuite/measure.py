"""The measurements. Each returns a list of records, one for each round and combination."""

import json
import subprocess
import time

from servers import ROUTES, WEB, Failure

CONNECTIONS = ("kept", "fresh")
# The same number of workers in total, and of workers that may run tasks.
SPREAD = {
    "one of 12 workers": "workers: { min: 12, max: 12, reserved-for-requests: 3 }",
    "three of 4 workers": "processes: { count: 3 }\nworkers: { min: 4, max: 4 }",
}
SPREAD_RATE = 5
HANDLER_PATHS = {
    "/hello": "no input, no task",
    "/typed/42?term=tea&limit=20": "three typed inputs, two tasks",
}


def run(command, seconds, text=None, folder=None):
    """Runs a command with the text as its input, and returns its output."""
    command = [str(word) for word in command]
    source = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
    try:
        result = subprocess.run(command, **source, cwd=folder, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(f"still running after {seconds} s: {' '.join(command)}") from None
    if result.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def load(site, port, path, seconds, timeout, *loop):
    text = run(
        [site.folder / "load", port, path, "Hello, world!", seconds, int(timeout * 1000), *loop],
        seconds + timeout + 10)
    figures = json.loads(text)
    if figures["wrong"] > 0:
        raise Failure(f"{figures['wrong']} wrong answers to GET {path} on port {port}")
    return figures


def in_turn(servers, turn):
    """The servers, with another one first each time, so that none always follows the same one."""
    shift = turn % len(servers)
    return servers[shift:] + servers[:shift]


def web(options):
    return [name for name in options.servers if name in WEB]


def http(site, options, note):
    servers = web(options)
    records = []
    for turn in range(options.rounds):
        for kind in CONNECTIONS:
            for clients in options.clients:
                for name in in_turn(servers, turn):
                    note(f"http, round {turn + 1}: {name}, {kind}, {clients} clients")
                    record = {"round": turn + 1, "server": name, "connections": kind, "clients": clients}
                    records.append(record | http_once(site, name, kind, clients, options.seconds))
    return records


def http_once(site, name, kind, clients, seconds, path="/hello"):
    back_end = site.start(name)
    port = site.ports[f"{name}-{kind}"]
    load(site, port, path, 0.5, 2, "clients", 4)
    before = back_end.processor_seconds()
    figures = wrk(site, port, clients, seconds, path)
    spent = back_end.processor_seconds() - before
    if not back_end.running():
        raise Failure(f"{name} ended while it was measured")
    requests = figures["requests"]
    if requests == 0:
        raise Failure(f"{name} ({kind}, {clients} clients) answered nothing")
    figures["requests_per_second"] = requests / figures["seconds"]
    figures["processor_us"] = spent / requests * 1e6
    # wrk counts a timeout only when the late answer arrives; this shows a client that waits for ever.
    figures["clients_served"] = load(
        site, port, path, min(seconds, 2), 2, "clients", clients)["clients_served"]
    figures["peak_bytes"] = back_end.peak_bytes()
    return figures


def wrk(site, port, clients, seconds, path, method="GET", body=b""):
    return wrk_figures(run(wrk_command(site, port, clients, seconds, path, method, body), seconds + 30))


def wrk_figures(text):
    lines = [line for line in text.splitlines() if line.startswith("JSON ")]
    if not lines:
        raise Failure(f"wrk printed no figures:\n{text}")
    return json.loads(lines[0].removeprefix("JSON "))


def wrk_command(site, port, clients, seconds, path, method="GET", body=b""):
    return ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "2s",
            "--latency", "--script", str(site.parts / "wrk-report.lua"), f"http://127.0.0.1:{port}{path}", "--", method,
            body.decode()]


def handlers(site, options, note):
    """The cost of inputs and tasks: the same response from a handler without any, and from one with several."""
    records = []
    for turn in range(options.rounds):
        for path in in_turn(list(HANDLER_PATHS), turn):
            note(f"handlers, round {turn + 1}: GET {path}")
            figures = http_once(site, "postlude", "kept", 16, options.seconds, path)
            records.append({"round": turn + 1, "path": path, **figures})
    return records


def tasks(site, options, note):
    servers = web(options)
    records = []
    for turn in range(options.rounds):
        for kind in CONNECTIONS:
            for rate in options.rates:
                for path in ("/hello", "/task"):
                    for name in in_turn(servers, turn):
                        note(f"tasks, round {turn + 1}: {name}, {kind}, {rate}/s, GET {path}")
                        site.start(name)
                        port = site.ports[f"{name}-{kind}"]
                        load(site, port, "/hello", 0.5, 2, "clients", 4)
                        time.sleep(0.1)
                        figures = load(site, port, path, options.seconds, 5, "rate", rate, turn + 1)
                        records.append({
                            "round": turn + 1, "server": name, "connections": kind, "rate": rate,
                            "task": path == "/task", **figures})
    return records


def spread(site, options, note):
    """How long tasks of one second wait in one process, and in three with the same number of workers together."""
    records = []
    seconds = max(10, 4 * options.seconds)
    for turn in range(options.rounds):
        for name in in_turn(list(SPREAD), turn):
            note(f"spread, round {turn + 1}: {name}")
            waits = site.folder / "waits"
            waits.unlink(missing_ok=True)
            site.start_postlude(SPREAD[name])
            time.sleep(1)  # until all processes serve
            figures = load(
                site, site.ports["postlude-kept"], "/second", seconds, 5, "rate", SPREAD_RATE, turn + 1)
            records.append({"round": turn + 1, "processes": name, **figures,
                            **task_waits(waits, figures["answered"])})
    return records


def task_waits(file, count):
    deadline = time.monotonic() + 120
    while True:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) >= count:
            break
        if time.monotonic() > deadline:
            raise Failure(f"{len(lines)} of {count} tasks have begun after two minutes")
        time.sleep(0.1)
    waits = sorted(float(line) for line in lines)
    return {"tasks": len(waits), "wait_p50_ms": waits[len(waits) // 2], "wait_max_ms": waits[-1]}


def routes(site, options, note):
    note("routes")
    text = run([site.programs[ROUTES], options.rounds], 600)
    records = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0].isdigit():
            records.append({"routes": int(words[0]), "nanoseconds": float(words[1])})
    if len(records) < 2:
        raise Failure(f"PostludeRouteBenchmark printed no figures:\n{text}")
    return records
