"""The tasks of state machines, each in a process of its own: what they cost by phase, and how that grows with rows."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from local.deploy import STAGE
from local.stack import Stack
from tests.bench.task_process import Cost, run_task

PEAK_GOAL_MB, GROWTH_GOAL_MB = 256, 16
SLOPE_GOAL = (0.93, 1.05)
SLOPE_ROUNDS = 3
COLUMNS = (
    "task", "runs", "seconds", "CPU s", "rows/s", "peak MB", "over its imports", "than with a tenth", "DynamoDB calls",
    "S3 calls",
)  # fmt: skip
Row = tuple[str, ...]
Json = dict[str, Any]


@dataclass
class Phase:
    """The runs of one task: what each of them came to, and how many rows it had."""

    costs: list[Cost] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    @property
    def whole(self) -> Cost:
        """All runs together."""
        together = Cost()
        for cost in self.costs:
            together.add(cost)
        return together


class TaskRuns:
    """Runs tasks and keeps what they cost, by phase. `variables` by the function's folder."""

    def __init__(self, variables: Mapping[str, Mapping[str, str]]) -> None:
        self._variables = variables
        self.phases: dict[str, Phase] = {}

    def run(self, phase: str, function: str, payload: Json, rows: int | Callable[[Json], int]) -> Json:
        """Run a task of a phase and return its result; `rows` may be told by the result."""
        result, cost = run_task(function, self._variables[function], payload)
        at = self.phases.setdefault(phase, Phase())
        at.costs.append(cost)
        at.rows.append(rows if isinstance(rows, int) else rows(result))
        return result


@contextmanager
def nobody_sweeps(stack: Stack) -> Iterator[None]:
    """Keep the sweeper from starting the jobs whose tasks run here."""
    scheduler, name = stack.client("scheduler"), f"packhouse-{STAGE}-sweep"
    found = scheduler.get_schedule(Name=name)
    known = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    schedule = {key: found[key] for key in known if key in found}
    scheduler.update_schedule(**schedule, State="DISABLED")
    try:
        yield
    finally:
        scheduler.update_schedule(**schedule, State="ENABLED")


def task_row(name: str, runs: int, rows: int, cost: Cost, growth: float | None) -> Row:
    """Return a row of `COLUMNS`; `growth` is the memory that it had more than with a tenth of the rows, in MB."""
    return (
        name,
        str(runs),
        f"{cost.seconds:.2f}",
        f"{cost.cpu:.2f}",
        f"{rows / cost.seconds:,.0f}" if rows else "",
        f"{cost.peak_mb:.0f}",
        f"{cost.added_mb:.0f}",
        "" if growth is None else f"{growth:+.0f}",
        str(cost.calls_of("dynamodb")),
        str(cost.calls_of("s3")),
    )


def names_over(grown: Mapping[str, float], reasons: Mapping[str, str]) -> str:
    """Return the tasks that grew more than they should, each with the reason that its function has, if any."""
    over = [
        f"{name} ({reasons[name.split()[0]]})" if name.split()[0] in reasons else name
        for name, growth in grown.items()
        if growth > GROWTH_GOAL_MB
    ]
    return ", ".join(over) or "none"


def of_first(phase: Phase, sizes: Sequence[int]) -> list[tuple[int, float]]:
    """Return rows and CPU seconds of the first tasks, as many as come closest to each size."""
    reached = list(zip(accumulate(phase.rows), accumulate(cost.cpu for cost in phase.costs), strict=True))
    return [min(reached, key=lambda at: abs(at[0] - size)) for size in sizes]


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the median of some turns' CPU time."""
    taken = []
    for _ in range(SLOPE_ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int, advance: Callable[[], None]) -> dict[str, float]:
    """Let each way do its work in turns and return the median of its CPU times; `advance` is told every turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    gc.collect()
    gc.freeze()  # what is held for the comparison is no part of what any of them costs
    for _ in range(rounds):
        for name, work in ways.items():
            started = time.process_time()
            work()
            taken[name].append(time.process_time() - started)
            advance()
    gc.unfreeze()
    return {name: statistics.median(each) for name, each in taken.items()}


def slope_of(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of the straight line through the points' logarithms (least squares)."""
    found = statistics.linear_regression([math.log(rows) for rows, _ in points], [math.log(cpu) for _, cpu in points])
    return found.slope


def are_linear(slopes: Mapping[str, float]) -> bool:
    """Whether every slope is within the goal."""
    return all(SLOPE_GOAL[0] <= slope <= SLOPE_GOAL[1] for slope in slopes.values())


def slopes_told(slopes: Mapping[str, float]) -> str:
    """Return the slopes as a list in words."""
    return ", ".join(f"{name} {slope:.3f}" for name, slope in slopes.items())
