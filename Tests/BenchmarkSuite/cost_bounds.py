"""The bounds of the counted figures of a request: Tests/benchmark --only cost --counts fails if one is exceeded.

Each is the figure when the bound was last changed, and a little room: 1 allocation, 0.1 system calls, 3 % of the
instructions. They hold on machines with two or more cores, those of instructions on x86-64. A change that reduces a
figure also lowers its bound.

On a slow machine, what is noted of a durable task is not written with the next request, but in a transaction of its own:
its bounds leave room for that, and its instructions have none.
"""

BOUNDS = {
    "text": {"allocations": 20, "system calls": 5.1, "instructions": 32_600},
    "path": {"allocations": 26, "system calls": 5.1, "instructions": 43_500},
    "tasks": {"allocations": 47, "system calls": 5.1, "instructions": 87_500},
    "body": {"allocations": 236, "system calls": 5.1, "instructions": 727_000},
    "durable": {"allocations": 230, "system calls": 85, "fdatasync": 2.15, "pwrite64": 36},
}
