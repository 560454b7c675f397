"""A private PostgreSQL server."""

import os
import pathlib
import shutil
import signal
import subprocess
import time


def programs():
    """The folder of PostgreSQL's programs: POSTLUDE_POSTGRESQL, or that of the newest version that Debian has installed."""
    given = os.environ.get("POSTLUDE_POSTGRESQL")
    if given:
        return pathlib.Path(given)
    return max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


class PostgreSQL:
    """A server with the settings that it has by default, on a socket in a folder of its own.

    The folder is made, in one that every user can enter. With addresses, the server listens on these as well, and the
    machines of their networks may connect."""

    def __init__(self, folder, addresses=()):
        self.folder = folder
        self.programs = programs()
        # PostgreSQL does not run as root.
        user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
        folder.mkdir()
        if user:
            shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        subprocess.run([*user, self.programs / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8"], check=True,
                       stdout=subprocess.DEVNULL, cwd=folder)
        with open(data / "pg_hba.conf", "a") as allowed:
            allowed.writelines(f"host all all {address}/24 trust\n" for address in addresses)
        self.log = open(folder.with_suffix(".log"), "wb")
        self.process = subprocess.Popen(
            [*user, self.programs / "postgres", "-D", data, "-k", folder, "-c", f"listen_addresses={','.join(addresses)}"],
            stdout=self.log, stderr=self.log, cwd=folder)
        while subprocess.run([self.programs / "pg_isready", "-h", folder], stdout=subprocess.DEVNULL).returncode != 0:
            if self.process.poll() is not None:
                raise SystemExit(folder.with_suffix(".log").read_text())
            time.sleep(0.05)

    def address(self, database="postgres", host=None):
        return f"host={host or self.folder} user=postgres dbname={database}"

    def query(self, sql):
        """The rows of a statement, as texts."""
        answer = subprocess.run([self.programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-F", "\t", self.address(), "-c", sql],
                                check=True, capture_output=True, text=True)
        return [line.split("\t") for line in answer.stdout.splitlines()]

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)
        self.log.close()
