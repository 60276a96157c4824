"""The measured goals: `python -m tests.bench` prints each with its basis and writes docs/benchmarks.md.

    figure         what one goal came to: a table with verdicts, and how it was measured
    template       the functions, routes and tables of the template
    wire           counts the calls that leave this process for AWS
    handlers       the functions of the template, called in this process
    endpoints      every endpoint once, with the round trips it may cost
    task_process   a task of a state machine, in a process of its own
    task_runs      what such tasks come to, as a table, and how it grows with rows
    cold_imports   P1
    round_trips    P2
    versions       V1, and what P14 prices

A further figure is a module with `measure(run) -> Figure`, and its name in `__main__.FIGURES`.
"""
