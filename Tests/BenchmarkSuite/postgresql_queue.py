#!/usr/bin/env python3
"""Tasks in PostgreSQL: Postlude's against procrastinate's, in turns on one private server.

    Tests/BenchmarkSuite/postgresql_queue.py PROGRAM [TASKS [ROUNDS]]

PROGRAM is the release build of PostludeDurableTestbed. The Python needs procrastinate and psycopg, from PyPI. For each, one
process works on the queue; the tasks do nothing. "tasks/s" counts from the commit that enqueues all tasks until the last one is
noted as done; "latency" is the median time from the commit of a single task until it is noted.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import procrastinate
import psycopg

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "LoadSuite"))
sys.dont_write_bytecode = True
from postgresql import PostgreSQL  # noqa: E402

WORKERS = 16


def connect(server, database):
    return psycopg.connect(server.address(database), autocommit=True)


class Postlude:
    """The testbed, and `postlude.enqueue`."""

    name = "postlude"
    left = "SELECT count(*) FROM postlude.record WHERE state IN (0, 1)"

    def __init__(self, server, program, folder):
        manifest = pathlib.Path(folder, "routes.yaml")
        manifest.write_text(f"workers: {{ min: {WORKERS}, max: {WORKERS} }}\nlog: {{ level: warning, to: stderr }}\n"
                            f"task-store: {{ path: \"{server.address(self.name)}\" }}\n"
                            "routes: [{ path: /hello, method: GET, handler: hello }]\n", encoding="utf8")
        self.process = subprocess.Popen([program, "serve", "--no-supervisor", "--listen", f"{folder}/app.socket",
                                         "--manifest", str(manifest)], cwd=folder)
        with connect(server, self.name) as connection:
            # Its tables are there, and it is one of their owners.
            while connection.execute("SELECT to_regclass('postlude.owner')").fetchone()[0] is None:
                time.sleep(0.02)
            while connection.execute("SELECT count(*) FROM postlude.owner").fetchone()[0] == 0:
                time.sleep(0.02)

    def enqueue(self, connection, count):
        connection.execute("SELECT postlude.enqueue('Nothing', '{\"number\": 1}') FROM generate_series(1, %s)"
                           if count == 1 else
                           "DO $$ BEGIN FOR i IN 1 .. %s LOOP PERFORM set_config('postlude.block', '', true);"
                           " PERFORM postlude.enqueue('Nothing', '{\"number\": 1}'); END LOOP; END $$" % count,
                           (count,) if count == 1 else None)

    def end(self):
        self.process.terminate()
        self.process.wait()


class Procrastinate:
    """A worker of procrastinate, and its own way to enqueue many at once."""

    name = "procrastinate"
    left = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"

    def __init__(self, server, _program, folder):
        self.address = server.address(self.name)
        app = self.app(procrastinate.SyncPsycopgConnector(conninfo=self.address))
        with app.open():
            app.schema_manager.apply_schema()
        script = pathlib.Path(folder, "worker.py")
        script.write_text(
            "import asyncio, sys, procrastinate\n"
            "app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1], max_size=20))\n"
            "@app.task(name='nothing')\nasync def nothing(number): pass\n"
            "async def main():\n    async with app.open_async():\n"
            f"        await app.run_worker_async(concurrency={WORKERS}, install_signal_handlers=False)\n"
            "asyncio.run(main())\n", encoding="utf8")
        self.process = subprocess.Popen([sys.executable, str(script), self.address], stderr=subprocess.DEVNULL)
        self.sync = self.app(procrastinate.SyncPsycopgConnector(conninfo=self.address))
        self.sync.open()

    @staticmethod
    def app(connector):
        app = procrastinate.App(connector=connector)
        app.task(name="nothing")(lambda number: None)
        return app

    def enqueue(self, _connection, count):
        self.sync.configure_task("nothing").batch_defer(*({"number": 1} for _ in range(count)))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.sync.close()


def seconds_until_done(kind, connection, count, interval):
    kind.enqueue(connection, count)
    began = time.monotonic()
    while connection.execute(kind.left).fetchone()[0] > 0:
        time.sleep(interval)
    return time.monotonic() - began


def main():
    program = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postlude-benchmark-"))
    folder.chmod(0o755)
    server = PostgreSQL(folder / "server")
    figures = {kind.name: ([], []) for kind in (Postlude, Procrastinate)}
    try:
        for _ in range(rounds):
            for kind in (Postlude, Procrastinate):
                with connect(server, "postgres") as connection:
                    connection.execute(f"DROP DATABASE IF EXISTS {kind.name} WITH (FORCE)")
                    connection.execute(f"CREATE DATABASE {kind.name} TEMPLATE template0")
                own = tempfile.mkdtemp(dir=folder)
                worker = kind(server, program, own)
                try:
                    with connect(server, kind.name) as connection:
                        seconds_until_done(worker, connection, 100, 0.01)
                        taken = seconds_until_done(worker, connection, count, 0.02)
                        single = [seconds_until_done(worker, connection, 1, 0.0005) for _ in range(100)]
                finally:
                    worker.end()
                figures[kind.name][0].append(count / taken)
                figures[kind.name][1].append(statistics.median(single) * 1_000)
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
    for name, (rates, latencies) in figures.items():
        print(f"{name}: {statistics.median(rates):,.0f} tasks/s, latency {statistics.median(latencies):.1f} ms")


if __name__ == "__main__":
    main()
