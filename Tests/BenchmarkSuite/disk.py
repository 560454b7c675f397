"""The folder in which tasks are stored, and how fast its disk is."""

import os
import pathlib
import statistics
import tempfile
import time

from measure import run

IN_MEMORY = ("ramfs", "tmpfs")
SYNCS = 200
BLOCK = bytes(4096)


def file_system(folder):
    return run(["stat", "--file-system", "--format=%T", folder], 30).strip()


def default_folder(root):
    """The working copy's folder of builds, if it is on a disk."""
    folder = root / ".build"
    return folder if folder.is_dir() and file_system(folder) not in IN_MEMORY else pathlib.Path("/var/tmp")


def sync_milliseconds(folder):
    """The median time of an fdatasync after 4 KiB are appended to a file, as a task store's or a broker's file grows."""
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(SYNCS):
            file.write(BLOCK)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000
