"""The memory of the supervisor and of one process: proportional set sizes, in which a shared page is divided among its users.

The requests have inputs and tasks, so that handlers, decoders and tasks take their memory, too.
"""

import re
import statistics
import subprocess
import time

from measure import in_turn, wrk, wrk_command, wrk_figures
from servers import BODY, Failure, tail

# How the C library's malloc is set up: by default, each thread may get an arena of its own.
ENVIRONMENTS = {
    "no setting": {},
    "MALLOC_ARENA_MAX=2": {"MALLOC_ARENA_MAX": "2"},
    "GLIBC_TUNABLES=glibc.malloc.arena_max=1": {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1"},
}
CLIENTS = 16
REQUESTS = 100_000
PATH = "/typed/42?term=tea&limit=20"
LISTED_FILES = 5
# The KiB by which memory may differ without growing: what malloc gives back and takes again at once.
STEADY = 256


def memory(site, options, note):
    """After the start, and after many requests, with each of the settings of malloc."""
    records = []
    for turn in range(options.rounds):
        for name in in_turn(list(ENVIRONMENTS), turn):
            note(f"memory, round {turn + 1}: {name}")
            back_end = start(site, ENVIRONMENTS[name])
            records.append({"round": turn + 1, "environment": name, "after": "start", **sizes(back_end)})
            done = 0
            while done < REQUESTS:
                done += wrk(site, site.ports["postlude-kept"], CLIENTS, 1, PATH)["requests"]
            records.append({"round": turn + 1, "environment": name, "after": "requests", **sizes(back_end)})
    return {"records": records, "files": files(back_end)}


def start(site, environment={}):
    return site.start("postlude", PATH, BODY, environment=environment)


def processes(back_end):
    supervisor, *others = back_end.tree()
    if len(others) != 1:
        raise Failure(f"a supervisor with {len(others)} processes instead of one\n{tail(back_end.log)}")
    return {"supervisor": supervisor, "process": others[0]}


def sizes(back_end):
    """The proportional set sizes in KiB, and the anonymous memory among them."""
    found = {}
    for name, pid in processes(back_end).items():
        fields = dict(re.findall(r"^(\w+): +(\d+) kB$", read(pid, "smaps_rollup"), re.MULTILINE))
        found |= {f"{name}_kib": int(fields["Pss"]), f"{name}_anonymous_kib": int(fields["Pss_Anon"])}
    return found


def files(back_end):
    """The largest mapped files of each: name and proportional set size in KiB."""
    found = {}
    for name, pid in processes(back_end).items():
        totals, path = {}, ""
        for line in read(pid, "smaps").splitlines():
            words = line.split(maxsplit=5)
            if "-" in words[0]:
                path = words[5] if len(words) > 5 else ""
            elif words[0] == "Pss:" and path.startswith("/"):
                totals[path] = totals.get(path, 0) + int(words[1])
        found[name] = sorted(totals.items(), key=lambda each: -each[1])[:LISTED_FILES]
    return found


def read(pid, file):
    try:
        with open(f"/proc/{pid}/{file}") as text:
            return text.read()
    except OSError as error:
        raise Failure(f"the memory of a process cannot be read: {error}") from None


# MARK: For long


def soak(site, options, note):
    """A sample each second, under load."""
    note(f"memory: {options.soak} s under load")
    back_end = start(site)
    port = site.ports["postlude-kept"]
    wrk(site, port, CLIENTS, 1, PATH)
    command = wrk_command(site, port, CLIENTS, options.soak, PATH)
    samples = []
    log = site.folder / "wrk.log"
    with open(log, "wb") as output:
        load = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        first, began = site.requests(), time.monotonic()
        for second in range(options.soak):
            time.sleep(max(0, began + second - time.monotonic()))
            requests = site.requests() - first
            samples.append({"seconds": time.monotonic() - began, "requests": requests, **sizes(back_end)})
        load.wait(timeout=60)
    except subprocess.TimeoutExpired:
        raise Failure("wrk does not end") from None
    finally:
        load.kill()
        load.wait()
    figures = wrk_figures(log.read_text())
    if figures["bad_status"] > 0 or not back_end.running():
        raise Failure(f"the application does not answer every GET {PATH}: {figures}\n{tail(back_end.log)}")
    return samples


def proportional(sample):
    return sample["supervisor_kib"] + sample["process_kib"]


def anonymous(sample):
    return sample["supervisor_anonymous_kib"] + sample["process_anonymous_kib"]


def fifths(samples):
    return [samples[index * len(samples) // 5:(index + 1) * len(samples) // 5] for index in range(5)]


def growth(samples):
    """By how many KiB the median of the last fifth is above that of the second one.

    This is anonymous memory: the proportional size of files also changes with the other processes that use them.
    """
    _, second, *_, last = (statistics.median(anonymous(each) for each in part) for part in fifths(samples))
    return last - second


def slope(samples):
    """KiB of anonymous memory per million requests after the first fifth: the median slope between two samples (Theil, Sen),
    which single samples do not change."""
    rest = samples[len(samples) // 5:]
    slopes = [
        (anonymous(later) - anonymous(sample)) / (later["requests"] - sample["requests"]) * 1e6
        for index, sample in enumerate(rest) for later in rest[index + 1:]
        if later["requests"] > sample["requests"]]
    return statistics.median(slopes) if slopes else 0
