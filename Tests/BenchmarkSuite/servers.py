"""The processes of the benchmark: the one nginx and the back ends behind it."""

import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

BODY = b"Hello, world!\n"
# The program without durable tasks, the one with them, that of the tests, an example, and the one that matches routes.
PLAIN, DURABLE, TESTBED = "PostludeBenchmarkApplication", "PostludeDurableTestbed", "PostludeTestbed"
EXAMPLE, ROUTES = "PostludeNotificationsExample", "PostludeRouteBenchmark"
NAMES = {"postlude": "Postlude", "libfcgi": "libfcgi's loop", "php": "php-fpm", "celery": "FastAPI, Celery and Redis"}
# Those that answer small requests, over FastCGI.
WEB = ("postlude", "libfcgi", "php")
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """An error, in contrast to a slow result."""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def fill(template, target, values):
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    target.write_text(text)


def tail(path, lines=15):
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class Process:
    """A process that the benchmark started, with its descendants."""

    def __init__(self, command, log, folder, source=subprocess.DEVNULL, environment={}):
        self.log = log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                [str(word) for word in command], stdin=source, stdout=output, stderr=output,
                cwd=folder, env=os.environ | environment, start_new_session=True)

    @classmethod
    def listening(cls, path, command, log, folder, environment={}):
        """Starts a process whose standard input is a listening Unix socket, as spawn-fcgi does."""
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            return cls(command, log, folder, listener, environment)

    def tree(self):
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                fields = status_fields(int(entry))
                if fields:
                    parents.setdefault(int(fields[1]), []).append(int(entry))
        found, waiting = [], [self.child.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            waiting += parents.get(pid, [])
        return found

    def times(self):
        """User and kernel time of the tree, in seconds. An ended child counts in its parent's times of children."""
        user, kernel = 0, 0
        for pid in self.tree():
            fields = status_fields(pid)
            if fields:
                user += (int(fields[11]) + int(fields[13])) / TICKS
                kernel += (int(fields[12]) + int(fields[14])) / TICKS
        return user, kernel

    def processor_seconds(self):
        return sum(self.times())

    def context_switches(self):
        """Voluntary and involuntary context switches of the tree's threads that have not ended."""
        totals = {"voluntary_ctxt_switches:": 0, "nonvoluntary_ctxt_switches:": 0}
        for pid in self.tree():
            for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
                try:
                    lines = status.read_text().splitlines()
                except OSError:
                    continue
                for name, _, value in (line.partition("\t") for line in lines):
                    if name in totals:
                        totals[name] += int(value)
        return tuple(totals.values())

    def peak_bytes(self):
        total = 0
        for pid in self.tree():
            try:
                lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
        return total

    def status(self):
        """The exit status; None while the process runs."""
        return self.child.poll()

    def running(self):
        return self.status() is None

    def stop(self, patience=2.0):
        """Ends the tree: asks its root to end, then kills the remaining processes, unless their ids are reused."""
        started = {pid: (status_fields(pid) or [None] * 20)[19] for pid in self.tree()}
        self.child.terminate()
        try:
            self.child.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        for pid, start in started.items():
            fields = status_fields(pid)
            if fields and fields[0] != "Z" and fields[19] == start:
                os.kill(pid, signal.SIGKILL)
        self.child.wait()


def status_fields(pid):
    """The fields of /proc/PID/stat after the command's name: state, parent, …"""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


class Site:
    """nginx and the back ends in one folder; each back end can be restarted on its socket.

    Tasks are stored in another folder, which is on a disk.
    """

    def __init__(self, parts, folder, store, programs):
        self.parts = parts
        self.folder = folder
        self.store = store
        self.programs = programs
        self.manifests = {PLAIN: parts / "Application/routes.yaml", DURABLE: folder / "durable-routes.yaml"}
        names = [f"{name}-{kind}" for name in NAMES for kind in ("kept", "fresh")]
        names.append("nginx-status")
        self.ports = dict(zip(names, free_ports(len(names))))
        is_root = os.geteuid() == 0
        values = {"folder": folder, "store": store, "user": "user nobody nogroup;" if is_root else "", **self.ports}
        fill(parts / "nginx.conf.in", folder / "nginx.conf", values)
        fill(parts / "php-fpm.conf.in", folder / "php-fpm.conf", values)
        fill(parts / "durable-routes.yaml.in", self.manifests[DURABLE], values)
        (folder / "hello.php").write_bytes((parts / "hello.php").read_bytes())
        self.back_end = None
        self.nginx = None
        self.checked = set()

    def start_nginx(self):
        """Starts nginx, if it does not run."""
        if self.nginx is not None:
            return
        log = self.folder / "nginx.log"
        self.nginx = Process(
            ["/usr/sbin/nginx", "-e", log, "-p", self.folder, "-c", self.folder / "nginx.conf"],
            log, self.folder)
        time.sleep(0.2)
        if not self.nginx.running():
            raise Failure(f"nginx does not start:\n{tail(log)}")

    def close(self):
        self.stop()
        if self.nginx is not None:
            self.nginx.stop()

    def command(self, name, program, manifest):
        if name == "php":
            as_root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
            return ["/usr/sbin/php-fpm8.2", "--nodaemonize", *as_root,
                    "--fpm-config", self.folder / "php-fpm.conf"]
        words = [self.folder / "libfcgi-loop"]
        if name == "postlude":
            words = [self.programs[program], "serve", "--manifest", manifest or self.manifests[program]]
        return ["/usr/bin/spawn-fcgi", "-n", "-s", self.folder / f"{name}.sock", "-M", "0666", "--", *words]

    def start(self, name, path="/hello", body=BODY, program=PLAIN, manifest=None, environment={}):
        """Starts a back end. Postlude is one of its programs, with a manifest other than the program's if one is given."""
        self.stop()
        self.back_end = Process(
            self.command(name, program, manifest), self.folder / f"{name}.log", self.folder, environment=environment)
        return self.started(name, path, body)

    def started(self, name, path, body):
        """Waits until the back end answers as expected, and returns it."""
        deadline = time.monotonic() + 10
        answer = "nothing yet"
        while self.back_end.running() and time.monotonic() < deadline:
            answer = self.get(name, "fresh", path)
            if answer == (200, body):
                return self.back_end
            time.sleep(0.02)
        status = self.back_end.status()
        answer = answer if status is None else f"ended with status {status}"
        logs = f"{tail(self.back_end.log)}\n{tail(self.folder / 'nginx.log', 3)}"
        raise Failure(f"{NAMES[name]} does not answer GET {path} as expected: {answer}\n{logs}")

    def start_postlude(self, settings):
        """Starts Postlude with other workers, or processes, than its manifest has."""
        lines = self.manifests[PLAIN].read_text().splitlines()
        text = "\n".join(line for line in lines if not line.startswith("workers:"))
        manifest = self.folder / "other-routes.yaml"
        manifest.write_text(f"{settings}\n{text}\n")
        return self.start("postlude", manifest=manifest)

    def start_durable(self):
        """Starts the program with durable tasks in Postlude's place, with the task store that there is."""
        return self.start("postlude", "/stored", b"done", DURABLE)

    def remove_tasks(self):
        """Removes the task store of Postlude, which does not run."""
        for file in self.store.glob("tasks.sqlite*"):
            file.unlink()

    def stop(self):
        if self.back_end is not None:
            self.back_end.stop()
            self.back_end = None

    def get(self, name, kind, path):
        return self.ask(name, kind, "GET", path)

    def ask(self, name, kind, method, path, body=b""):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[f"{name}-{kind}"], timeout=5)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            return error
        finally:
            connection.close()

    def requests(self):
        """How many requests nginx has read, with this one."""
        answer = self.ask("nginx", "status", "GET", "/")
        # Three numbers follow these words; the last one counts requests.
        found = re.search(rb"server accepts handled requests\s+\d+ \d+ (\d+)", answer[1] if type(answer) is tuple else b"")
        if found is None:
            raise Failure(f"nginx does not count its requests: {answer}")
        return int(found[1])

    def check(self, name):
        """Checks, once, that every address to be measured answers correctly."""
        if name in self.checked:
            return
        self.checked.add(name)
        expected = {"/hello": (200, BODY), "/task": (200, BODY)}
        if name == "postlude":
            expected["/items/42"] = (200, b'{"id":42}')
            expected["/typed/42?term=tea&limit=20"] = (200, BODY)
        for kind in ("fresh", "kept"):
            self.start(name)
            for path, answer in expected.items():
                found = self.get(name, kind, path)
                if found != answer:
                    raise Failure(f"{NAMES[name]} ({kind}) answers GET {path} with {found}, not {answer}")
        self.stop()
