"""FastAPI, Celery and Redis: the back end for durable tasks that has several processes."""

import shutil
import subprocess
import time

from servers import Failure, Process, fill, tail

PYTHON = "/usr/bin/python3"     # which finds Debian's packages
PROCESSES = 2                   # of uvicorn, and of Celery's worker
PATIENCE = 30


def start(site):
    """Starts them in the place of the site's back end, without tasks."""
    site.stop()
    shutil.rmtree(site.store / "redis", ignore_errors=True)
    # uvicorn does not replace the socket of its predecessor.
    (site.folder / "celery.sock").unlink(missing_ok=True)
    site.back_end = Stack(site)
    return site.started("celery", "/stored", b"done")


class Stack:
    """The processes, like a back end that is one process with its children."""

    def __init__(self, site):
        self.folder = site.folder
        self.log = site.folder / "celery.log"
        self.members = []
        fill(site.parts / "redis.conf.in", site.folder / "redis.conf", {"folder": site.folder, "store": site.store})
        environment = {"PYTHONPATH": str(site.parts / "Celery"), "PYTHONDONTWRITEBYTECODE": "1", "C_FORCE_ROOT": "1",
                       "BROKER": f"redis+socket://{site.folder}/redis.sock"}
        try:
            self.run("/usr/bin/redis-server", site.folder / "redis.conf")
            self.wait("Redis", lambda: self.redis("PING") == "PONG")
            self.run(
                PYTHON, "-m", "celery", "--app", "tasks", "worker", "--loglevel", "warning", "--pool", "prefork",
                "--concurrency", PROCESSES, "--without-gossip", "--without-mingle", "--without-heartbeat",
                environment=environment)
            self.run(
                PYTHON, "-m", "uvicorn", "application:application", "--uds", site.folder / "celery.sock",
                "--workers", PROCESSES, "--loop", "uvloop", "--http", "httptools", "--lifespan", "off",
                "--no-access-log", "--log-level", "warning", environment=environment)
        except BaseException:
            self.stop()
            raise

    def run(self, *command, environment={}):
        self.members.append(Process(command, self.log, self.folder, environment=environment))

    def wait(self, what, is_so):
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            if time.monotonic() > deadline or not self.running():
                raise Failure(f"{what} does not start:\n{tail(self.log)}")
            time.sleep(0.02)

    def redis(self, *command):
        """Redis' answer; empty if it does not answer."""
        result = subprocess.run(
            ["/usr/bin/redis-cli", "-s", self.folder / "redis.sock", *command], capture_output=True, text=True)
        return result.stdout.strip()

    def unfinished(self):
        """How many tasks a worker has not confirmed: those in the queue, and those that it has taken."""
        counts = [self.redis("LLEN", "celery"), self.redis("HLEN", "unacked")]
        if not all(count.isdigit() for count in counts):
            raise Failure(f"Redis does not count its tasks: {counts}\n{tail(self.log)}")
        return sum(int(count) for count in counts)

    def times(self):
        return tuple(sum(column) for column in zip(*(each.times() for each in self.members)))

    def processor_seconds(self):
        return sum(self.times())

    def running(self):
        return all(each.running() for each in self.members)

    def status(self):
        return next((status for each in self.members if (status := each.status()) is not None), None)

    def stop(self):
        for each in reversed(self.members):
            each.stop()
