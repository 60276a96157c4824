"""T1: a million rollouts of real text become a training dataset; with P5, P6 and P7 over them."""

from functools import partial
from typing import NamedTuple

from packhouse.pipeline.filtering import Wish
from tests.bench.duplicate_recall import measure_recall
from tests.bench.figure import Figure, Run
from tests.bench.handlers import Handlers
from tests.bench.rendered_rows import RenderedRows
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.task_runs import (
    COLUMNS,
    GROWTH_GOAL_MB,
    PEAK_GOAL_MB,
    SLOPE_GOAL,
    SLOPE_ROUNDS,
    Phase,
    Row,
    are_linear,
    cpu_seconds,
    names_over,
    nobody_sweeps,
    of_first,
    slope_of,
    slopes_told,
    task_row,
)
from tests.bench.training_exports import compare
from tests.bench.training_run import EXPORTS, NAMESPACE, OWNER, TASKS, TrainingRun
from tests.bench.wire import Wire, fresh_clients

NEAR = Wish("near", None, 0)
PER_ROW = {
    "PlanRows": "holds the keys of all rollouts, 32 bytes each",
    "FilterRows": "holds up to 24 bytes a row, and a block of every unit",
    "ExportProfile": "holds a block of every unit",
}


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
        met=compared.met and recall.met and peak <= PEAK_GOAL_MB and small and are_linear(slopes),
        notes=[
            compared.sentence(),
            f"P6: most memory of a task {peak:.0f} MB; over {GROWTH_GOAL_MB} MB more than with a tenth: "
            + names_over(grown, PER_ROW),
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
            rows.append(task_row("RenderUnit, the slowest", 1, phase.rows[slowest], phase.costs[slowest], None))
        rows.append(task_row(name, len(phase.costs), sum(phase.rows), phase.whole, growth))
    return rows, grown, max(phase.whole.peak_mb for phase in whole.phases.values())


def _shown(whole: TrainingRun) -> list[tuple[str, Phase]]:
    exports = {f"ExportProfile {profile}": whole.phases[f"ExportProfile {profile}"] for profile in EXPORTS}
    default = f"ExportProfile {EXPORTS[0]}"
    slowest = max((name for name in exports if name != default), key=lambda name: exports[name].whole.seconds)
    return [(name, phase) for name, phase in whole.phases.items() if name not in exports or name in {default, slowest}]


def _slopes(run: Run, whole: TrainingRun, source: RenderedRows, sizes: Sizes) -> dict[str, float]:
    """Return the log-log slope of CPU time over rows of each phase."""
    slopes = {
        "ingest": slope_of(of_first(whole.phases["IngestPart"], sizes.slope)),
        "render": slope_of(of_first(whole.phases["RenderUnit"], sizes.slope)),
    }
    filters, exports = [], []
    with run.steps("T1 slopes", len(sizes.slope)) as bar:
        for size in sizes.slope:
            first = source.first(size)
            filtered = first.filter(NEAR)
            filters.append((first.rows, cpu_seconds(partial(first.filter, NEAR))))
            exports.append((filtered.rows, cpu_seconds(partial(first.export, filtered))))
            bar.advance()
    return slopes | {"filter": slope_of(filters), "export": slope_of(exports)}


def _sentence(slopes: dict[str, float], sizes: Sizes) -> str:
    return (
        f"P7, slopes of CPU time over {sizes.slope[0]:,} to {sizes.slope[-1]:,} rows (ingest and render: the first "
        f"tasks of the run above; filter and export: the first units, in memory, medians of {SLOPE_ROUNDS}): "
        f"{slopes_told(slopes)}"
    )
