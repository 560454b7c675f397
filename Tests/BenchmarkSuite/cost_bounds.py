"""The bounds of the counted figures of a request: Tests/benchmark --only cost --counts fails if one is exceeded.

Each is the figure when the bound was last changed, and a little room: 1 allocation, 0.1 system calls, 3 % of the
instructions. They hold on machines with two or more cores, those of instructions on x86-64. A durable task has more
room, because its threads wait for each other more or less often; what it does on the disk has bounds of its own. A
change that reduces a figure also lowers its bound.
"""

BOUNDS = {
    "text": {"allocations": 44, "system calls": 5.1, "instructions": 50_300},
    "path": {"allocations": 58, "system calls": 5.1, "instructions": 66_600},
    "tasks": {"allocations": 76, "system calls": 5.1, "instructions": 104_600},
    "body": {"allocations": 502, "system calls": 5.1, "instructions": 1_090_000},
    "durable": {
        "allocations": 257, "system calls": 64, "fdatasync": 1.15, "pwrite64": 22.5, "instructions": 570_000},
}
