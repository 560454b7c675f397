"""Durable tasks: Postlude's against those of FastAPI, Celery and Redis, and with many finished ones in the task store."""

import contextlib
import os
import random
import shutil
import sqlite3
import time

import stack
from disk import sync_milliseconds
from measure import in_turn, wrk
from servers import NAMES, Failure, tail

CLIENTS = 16
PATH = "/stored"
# The tasks that the last request has added take longest where every change waits for the disk.
PATIENCE = 300
# Finished tasks are kept for a day; these have ended within the last hour.
HOUR = 3_600_000


def servers(options):
    return [name for name in options.servers if name in ("postlude", "celery")]


def queue(site, options, note):
    """Requests that add one task each, until all tasks have run."""
    records = []
    for turn in range(options.rounds):
        for name in in_turn(servers(options), turn):
            note(f"queue, round {turn + 1}: {name}")
            if name == "postlude":
                site.remove_tasks()
                back_end = site.start_durable()
            else:
                back_end = stack.start(site)
            records.append({"round": turn + 1, "server": name, "sync_ms": sync_milliseconds(site.store),
                            **measured(site, name, back_end, options.seconds)})
    return records


def measured(site, name, back_end, seconds):
    """The figures of a back end that has started."""
    port = site.ports[f"{name}-kept"]
    wait_for_tasks(site, name, back_end)
    wrk(site, port, CLIENTS, 1, PATH)
    wait_for_tasks(site, name, back_end)
    before = back_end.processor_seconds()
    figures = wrk(site, port, CLIENTS, seconds, PATH)
    left = unfinished(site, name, back_end)
    began = time.monotonic()
    wait_for_tasks(site, name, back_end)
    rest = time.monotonic() - began
    spent = back_end.processor_seconds() - before
    requests, seconds = figures["requests"], figures["seconds"]
    wrong = figures["bad_status"] + figures["timeouts"] + figures["socket_errors"]
    if requests == 0 or wrong > 0:
        raise Failure(f"{NAMES[name]} does not answer every GET {PATH}: {figures}\n{tail(back_end.log)}")
    return {"requests": requests, "requests_per_second": requests / seconds,
            "tasks_per_second": max(requests - left, 0) / seconds, "rest_seconds": rest,
            "overall_tasks_per_second": requests / (seconds + rest),
            "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"], "processor_us": spent / requests * 1e6}


def wait_for_tasks(site, name, back_end):
    deadline = time.monotonic() + PATIENCE
    while (left := unfinished(site, name, back_end)) > 0:
        if time.monotonic() > deadline or not back_end.running():
            raise Failure(f"{left} tasks of {NAMES[name]} have not run\n{tail(back_end.log)}")
        time.sleep(0.1)


def unfinished(site, name, back_end):
    if name == "celery":
        return back_end.unfinished()
    with task_store(site, "ro") as database:
        return database.execute("SELECT count(*) FROM record WHERE state IN (0, 1)").fetchone()[0]


def task_store(site, mode="rw"):
    return contextlib.closing(sqlite3.connect(f"file:{site.store}/tasks.sqlite?mode={mode}", uri=True, timeout=30))


# MARK: Finished tasks


def finished(site, options, note):
    """Durable tasks with task stores that hold many finished ones."""
    files = {count: filled(site, count, note) for count in options.finished}
    records = []
    for turn in range(options.rounds):
        for count in in_turn(list(options.finished), turn):
            note(f"queue, round {turn + 1}: {count:,} finished tasks")
            site.stop()
            site.remove_tasks()
            size = put_back(files[count], site.store / "tasks.sqlite")
            back_end = site.start_durable()
            records.append({"round": turn + 1, "finished": count, "file_bytes": size,
                            **measured(site, "postlude", back_end, options.seconds)})
    site.stop()
    site.remove_tasks()
    for file in files.values():
        file.unlink()
    return records


def filled(site, count, note):
    """Returns a task store that Postlude has made, with finished tasks that are like its own."""
    note(f"queue: a task store with {count:,} finished tasks")
    site.stop()
    site.remove_tasks()
    back_end = site.start_durable()
    wait_for_tasks(site, "postlude", back_end)
    site.stop()
    with task_store(site) as database:
        add_finished(database, count)
        # Then the file is complete without its WAL.
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (site.store / "tasks.sqlite").rename(site.store / f"finished-{count}.sqlite")


def add_finished(database, count):
    """Adds copies of the last task, which is done, with times before its own."""
    cursor = database.execute("SELECT * FROM record WHERE state = 2 ORDER BY number DESC LIMIT 1")
    columns = [each[0] for each in cursor.description]
    model = dict(zip(columns, cursor.fetchone()))
    times = [column for column in ("added", "due", "started", "ended") if model[column] is not None]

    def copies():
        for index in range(count):
            number = model["number"] + 1 + index
            age = HOUR - HOUR * index // count
            changed = {column: model[column] - age for column in times}
            yield tuple((model | changed | {
                "number": number, "head": number, "id": identifier(model["added"] - age),
                "request": f"{random.getrandbits(128):032x}"}).values())

    with database:
        database.executemany(
            f"INSERT INTO record ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", copies())


def identifier(milliseconds):
    """A UUID of version 7."""
    time_low, rest = milliseconds & 0xffff, random.getrandbits(74)
    return (f"{milliseconds >> 16:08x}-{time_low:04x}-7{rest >> 62:03x}-{0x8000 | rest >> 48 & 0x3fff:04x}"
            f"-{rest & 0xffff_ffff_ffff:012x}")


def put_back(file, path):
    """Copies a file and syncs the copy, so that the measurement does not wait for it. Returns its size."""
    shutil.copyfile(file, path)
    with open(path, "rb") as copy:
        os.fsync(copy.fileno())
    return path.stat().st_size
