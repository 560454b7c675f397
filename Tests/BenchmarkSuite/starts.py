"""How long an application takes to start, and how large its program is."""

import pathlib
import re
import time

import fastcgi
from measure import run
from servers import EXAMPLE, Failure, Process, tail

RUNS = 20
# The smallest program: what starting a process takes.
NOTHING = "/bin/true"
STATIC = f"{EXAMPLE}, statically linked, for size"
# How Deploying says a small program is built.
SMALL = ["--static-swift-stdlib", "-Xswiftc", "-Osize", "-Xswiftc", "-use-ld=lld",
         "-Xlinker", "-zpack-relative-relocs", "-Xlinker", "--no-export-dynamic"]
# In the map of the linker lld: an address, a length, an alignment, and after one blank a section, after nine a piece of one.
PIECE = re.compile(r" *([0-9a-f]+) +[0-9a-f]+ +([0-9a-f]+) +\d+ (| {8})(\S.*)")


def programs(site):
    return [name for name in (EXAMPLE, STATIC) if name in site.programs]


def start(site, options, note):
    """One record for each turn and program: the check of a manifest, and the server until its first answer."""
    manifest = options.root / "examples/notifications/routes.yaml"
    records = []
    note(f"start: {RUNS} times")
    for turn in range(RUNS):
        records.append({"round": turn + 1, "program": NOTHING, "check_ms": checked([NOTHING], site.folder)})
        for name in programs(site):
            check = [site.programs[name], "check", "--manifest", manifest]
            serve = [site.programs[name], "serve", "--manifest", manifest]
            records.append({"round": turn + 1, "program": name, "check_ms": checked(check, site.folder),
                            "first_answer_ms": answered(serve, site.folder)})
    return records


def checked(command, folder):
    """Milliseconds until a command has ended."""
    began = time.perf_counter()
    run(command, 30, folder=folder)
    return (time.perf_counter() - began) * 1000


def answered(command, folder):
    """Milliseconds from the start of a server until it has answered a request on its socket."""
    path = folder / "start.sock"
    log = folder / "start.log"
    began = time.perf_counter()
    process = Process.listening(path, command, log, folder)
    try:
        # The kernel has the connection and the request until the server accepts it. If the server ends, it closes both.
        connection = fastcgi.Connection(path)
        try:
            output = connection.ask(fastcgi.encode("GET", "/"))
        finally:
            connection.close()
        spent = (time.perf_counter() - began) * 1000
        if not output.startswith(b"Status: 200 "):
            raise Failure(f"GET / is answered with {output[:200]!r}")
        return spent
    except Failure as failure:
        raise Failure(f"{failure}\n{tail(log)}") from None
    finally:
        process.stop()


# MARK: Sizes


def size(site, options, note):
    """The size of each program without its symbols, and of the parts of the one that is statically linked."""
    records = []
    for name in programs(site):
        stripped = site.folder / "stripped"
        run(["strip", "-o", stripped, site.programs[name]], 60)
        records.append({"program": name, "stripped_bytes": stripped.stat().st_size})
        if name == STATIC:
            records[-1]["parts"] = parts(linker_map(site.folder).read_text(errors="replace"))
    return records


def linker_map(folder):
    return folder / "static.map"


def static_options(folder):
    """The options of `swift build` for a program that is statically linked."""
    return [*SMALL, "--scratch-path", folder / "static", "-Xlinker", f"-Map={linker_map(folder)}"]


def parts(text):
    """The bytes of the program that come from each library or module, the most first, from the map of the linker lld."""
    totals, is_loaded = {}, False
    for found in map(PIECE.fullmatch, text.splitlines()):
        if found is None:
            continue
        address, length = int(found[1], 16), int(found[2], 16)
        if not found[3]:
            # Of the sections that are loaded, these have no bytes in the file.
            is_loaded = address > 0 and found[4] not in (".bss", ".bss.rel.ro", ".tbss", ".relro_padding")
        elif is_loaded:
            file, _, section = found[4].rpartition(":")
            origin = f"the linker's {section.strip('()')}" if file == "<internal>" else origin_of(file)
            totals[origin] = totals.get(origin, 0) + length
    if not totals:
        raise Failure("the linker's map cannot be read: it is not lld's")
    return sorted(totals.items(), key=lambda each: -each[1])


def origin_of(file):
    """The library or module of an object file: of `…/libswiftCore.a(Swift.o)` or `…/Postlude.build/Worker.swift.o`."""
    archive = re.fullmatch(r"(.*/)?([^/]+)\(.*\)", file)
    module = re.search(r"([^/]+)\.build/", file)
    return archive[2] if archive else module[1] if module else pathlib.Path(file).name
