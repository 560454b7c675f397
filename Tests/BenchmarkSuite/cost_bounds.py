"""The bounds of the counted figures of a request: Tests/benchmark --only cost --counts fails if one is exceeded.

Each is the figure when the bound was last changed, and a little room: 1 allocation, 0.1 system calls, 3 % of the
instructions. They hold on machines with two or more cores, those of instructions on x86-64. A durable task has more
room, because its threads wait for each other more or less often; what it does on the disk has bounds of its own. A
change that reduces a figure also lowers its bound.
"""

BOUNDS = {
    "text": {"allocations": 23, "system calls": 5.1, "instructions": 31_700},
    "path": {"allocations": 31, "system calls": 5.1, "instructions": 43_500},
    "tasks": {"allocations": 55, "system calls": 5.1, "instructions": 85_500},
    "body": {"allocations": 299, "system calls": 5.1, "instructions": 867_000},
    "durable": {
        "allocations": 172, "system calls": 60, "fdatasync": 1.15, "pwrite64": 22.5, "instructions": 400_000},
}
