"""Machines: namespaces of networks and processes, each with a cable to this machine."""

import os
import pathlib
import signal
import subprocess


class Machine:
    """A machine of its own, as far as its processes and others can see. It shares the files of this one. Needs root."""

    def __init__(self, number):
        self.name = f"pm{os.getpid()}-{number}"
        # Tests of this machine that run at once have other networks.
        network = f"10.213.{20 + (3 * os.getpid() + number) % 200}"
        self.gateway, self.address = f"{network}.1", f"{network}.2"
        self.process = None
        self.ip("netns", "add", self.name)
        self.ip("link", "add", f"{self.name}h", "type", "veth", "peer", "name", "cable", "netns", self.name)
        self.ip("address", "add", f"{self.gateway}/24", "dev", f"{self.name}h")
        self.ip("link", "set", f"{self.name}h", "up")
        self.ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "cable")
        self.ip("-n", self.name, "link", "set", "lo", "up")
        self.ip("-n", self.name, "link", "set", "cable", "up")

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def start(self, words, **options):
        """Starts a program, whose process is the machine's first one."""
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *words], **options)

    def cable(self, is_in):
        self.ip("link", "set", f"{self.name}h", "up" if is_in else "down")

    def lose_power(self):
        """Ends all of its processes. None of them, and no part of its system, tells another machine about it."""
        self.cable(False)
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """Ends its program with SIGTERM. Returns the exit status."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
        return self.process.wait(timeout=90)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def end(self):
        if self.is_running:
            self.process.kill()
            self.process.wait()
        self.ip("netns", "delete", self.name)
