"""T1: a million rollouts of real text become a training dataset; with P5, P6 and P7 over them."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import NamedTuple

from packhouse.pipeline.filtering import Wish
from tests.bench.duplicate_recall import measure_recall
from tests.bench.figure import Figure, Run
from tests.bench.handlers import Handlers
from tests.bench.rendered_rows import RenderedRows
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.task_process import Cost
from tests.bench.training_exports import compare
from tests.bench.training_run import EXPORTS, NAMESPACE, OWNER, TASKS, Phase, TrainingRun, nobody_sweeps
from tests.bench.wire import Wire, fresh_clients

PEAK_GOAL_MB, GROWTH_GOAL_MB = 256, 16
SLOPE_GOAL = (0.93, 1.05)
SLOPE_ROUNDS = 3
NEAR = Wish("near", None, 0)
COLUMNS = (
    "task", "runs", "seconds", "CPU s", "rows/s", "peak MB", "over its imports", "than with a tenth", "DynamoDB calls",
    "S3 calls",
)  # fmt: skip
PER_ROW = {
    "PlanRows": "holds the keys of all rollouts, 32 bytes each",
    "FilterRows": "holds up to 24 bytes a row, and a block of every unit",
    "ExportProfile": "holds a block of every unit",
}
Row = tuple[str, ...]


class Sizes(NamedTuple):
    """How many rows are measured."""

    whole: int
    slope: tuple[int, ...]
    exports: int
    recall: int


FULL = Sizes(1_000_000, (50_000, 100_000, 200_000, 400_000, 800_000), 200_000, 20_000)


def measure(run: Run, sizes: Sizes = FULL) -> Figure:
    """Run the tasks over all rows and over a tenth of them, then what does not need S3 in memory."""
    stack, wire = run.stack, Wire()
    variables = {name: deployed_variables(stack, name) | SILENT for name in (*TASKS, "catalog", "training")}
    region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
    with nobody_sweeps(stack), fresh_clients(CREDENTIALS | region) as session:
        wire.answer_executions(session)
        handlers = Handlers(variables)
        handlers.call("POST", "/namespaces", OWNER, {"slug": NAMESPACE, "name": "Rollouts"})
        tenth = TrainingRun(run, handlers, variables, sizes.whole // 10)
        tenth.measure()
        whole = TrainingRun(run, handlers, variables, sizes.whole)
        whole.measure()
        source = RenderedRows.read(whole.data, whole.prefix, whole.units).first(max(sizes.slope))
    slopes = _slopes(run, whole, source, sizes)
    compared = compare(run, source.first(sizes.exports))
    recall = measure_recall(source.first(sizes.recall))
    rows, grown, peak = _rows(whole, tenth)
    small = all(growth <= GROWTH_GOAL_MB for growth in grown.values())
    linear = all(SLOPE_GOAL[0] <= slope <= SLOPE_GOAL[1] for slope in slopes.values())
    return Figure(
        number="T1",
        title=f"A training dataset of {sizes.whole:,} rollouts",
        goal="P5: the export ≥ 0.8x a bare loop and ≥ 3x Hugging Face datasets; P6: ≤ "
        f"{PEAK_GOAL_MB} MB in every task, ≤ {GROWTH_GOAL_MB} MB more than with a tenth of the rows; P7: slopes of "
        f"{SLOPE_GOAL[0]} to {SLOPE_GOAL[1]}; ≥ 0.99 of the near duplicates found, none that is not one",
        basis="each task by its handler in a process of its own, one after the other, against the local emulator's S3 "
        "and tables, whose time is in the seconds; CPU is the task's alone, imports apart; conversations of 2 to 6 "
        "turns of chatterbot-corpus and botocore's documentation, 10 % near and 2 % exact duplicates, in 4 uploads",
        columns=COLUMNS,
        rows=rows,
        met=compared.met and recall.met and peak <= PEAK_GOAL_MB and small and linear,
        notes=[
            compared.sentence(),
            f"P6: most memory of a task {peak:.0f} MB; over {GROWTH_GOAL_MB} MB more than with a tenth: {_over(grown)}",
            _sentence(slopes, sizes),
            recall.sentence(),
            f"{whole.filtered['rows']:,} rows stay",
        ],
    )


def _rows(whole: TrainingRun, tenth: TrainingRun) -> tuple[list[Row], dict[str, float], float]:
    """Return the table, how much more memory each task had than with a tenth, and the most that one had."""
    rows, grown = [], {}
    for name, phase in _shown(whole):
        growth = phase.whole.peak_mb - tenth.phases[name].whole.peak_mb
        grown[name] = growth
        if name == "RenderUnit":
            slowest = max(range(len(phase.costs)), key=lambda at: phase.costs[at].seconds)
            rows.append(_row("RenderUnit, the slowest", 1, phase.rows[slowest], phase.costs[slowest], None))
        rows.append(_row(name, len(phase.costs), sum(phase.rows), phase.whole, growth))
    return rows, grown, max(phase.whole.peak_mb for phase in whole.phases.values())


def _shown(whole: TrainingRun) -> list[tuple[str, Phase]]:
    exports = {f"ExportProfile {profile}": whole.phases[f"ExportProfile {profile}"] for profile in EXPORTS}
    default = f"ExportProfile {EXPORTS[0]}"
    slowest = max((name for name in exports if name != default), key=lambda name: exports[name].whole.seconds)
    return [(name, phase) for name, phase in whole.phases.items() if name not in exports or name in {default, slowest}]


def _row(name: str, runs: int, rows: int, cost: Cost, growth: float | None) -> Row:
    return (
        name,
        str(runs),
        f"{cost.seconds:.2f}",
        f"{cost.cpu:.2f}",
        f"{rows / cost.seconds:,.0f}" if rows else "",
        f"{cost.peak_mb:.0f}",
        f"{cost.added_mb:.0f}",
        "" if growth is None else f"{growth:+.0f}",
        str(cost.calls["dynamodb"]),
        str(cost.calls["s3"]),
    )


def _over(grown: dict[str, float]) -> str:
    over = [
        f"{name} ({PER_ROW[name.split()[0]]})" if name.split()[0] in PER_ROW else name
        for name, growth in grown.items()
        if growth > GROWTH_GOAL_MB
    ]
    return ", ".join(over) or "none"


def _slopes(run: Run, whole: TrainingRun, source: RenderedRows, sizes: Sizes) -> dict[str, float]:
    """Return the log-log slope of CPU time over rows of each phase."""
    slopes = {
        "ingest": _slope(_of_first(whole.phases["IngestPart"], sizes.slope)),
        "render": _slope(_of_first(whole.phases["RenderUnit"], sizes.slope)),
    }
    filters, exports = [], []
    with run.steps("T1 slopes", len(sizes.slope)) as bar:
        for size in sizes.slope:
            first = source.first(size)
            filtered = first.filter(NEAR)
            filters.append((first.rows, _cpu(partial(first.filter, NEAR))))
            exports.append((filtered.rows, _cpu(partial(first.export, filtered))))
            bar.advance()
    return slopes | {"filter": _slope(filters), "export": _slope(exports)}


def _sentence(slopes: dict[str, float], sizes: Sizes) -> str:
    told = ", ".join(f"{name} {slope:.3f}" for name, slope in slopes.items())
    return (
        f"P7, slopes of CPU time over {sizes.slope[0]:,} to {sizes.slope[-1]:,} rows (ingest and render: the first "
        f"tasks of the run above; filter and export: the first units, in memory, medians of {SLOPE_ROUNDS}): {told}"
    )


def _of_first(phase: Phase, sizes: Sequence[int]) -> list[tuple[int, float]]:
    """Return rows and CPU seconds of the first tasks, as many as come closest to each size."""
    reached = list(zip(accumulate(phase.rows), accumulate(cost.cpu for cost in phase.costs), strict=True))
    return [min(reached, key=lambda at: abs(at[0] - size)) for size in sizes]


def _cpu(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(SLOPE_ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def _slope(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of the straight line through the points' logarithms (least squares)."""
    found = statistics.linear_regression([math.log(rows) for rows, _ in points], [math.log(cpu) for _, cpu in points])
    return found.slope
