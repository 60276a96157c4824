"""V1: a version of a million samples in a hundred packs, task by task; with P6 and P7 over it."""

from collections.abc import Iterator
from functools import partial
from itertools import accumulate, chain
from typing import NamedTuple

from packhouse.pipeline.build import Shard
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.export import join_ndjson
from packhouse.pipeline.rows import decode_canonical
from packhouse.pipeline.splits import SplitPlan, SplitStrategy, assign_groups, ratio_per_whole
from packhouse.pipeline.statistics import GroupTally, Statistics
from tests.bench.figure import Figure, Run
from tests.bench.handlers import Handlers
from tests.bench.label_packs import CAPABILITY, PICTURES
from tests.bench.rendered_rows import Parts
from tests.bench.round_trips import CREDENTIALS, SILENT, deployed_variables
from tests.bench.task_runs import (
    COLUMNS,
    GROWTH_GOAL_MB,
    PEAK_GOAL_MB,
    SLOPE_GOAL,
    SLOPE_ROUNDS,
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
from tests.bench.version_run import MACHINES, NAMESPACE, OWNER, VersionRun
from tests.bench.wire import Wire, fresh_clients

API = ("catalog", "labels", "builds")
BLOCK_BYTES = 1024 * 1024
BUFFERS = {
    "ExportFormat": "a file is sent in parts of 8 MiB; a tenth's may not fill one",
}
Shards = list[tuple[Shard, bytes]]
SPLIT = SplitPlan(SplitStrategy.GROUP_QUOTA, ratio_per_whole({"train": 0.8, "val": 0.1, "test": 0.1}), 0)


class Sizes(NamedTuple):
    """How many packs and rows are measured."""

    packs: int
    whole: int
    slope: tuple[int, ...]


class Versions(NamedTuple):
    """The whole version, one of a tenth of its packs, and the slopes over the first rows of the whole one."""

    whole: VersionRun
    tenth: VersionRun
    slopes: dict[str, float]


FULL = Sizes(100, 1_000_000, (50_000, 100_000, 200_000, 400_000, 800_000))


def run_versions(run: Run, sizes: Sizes = FULL) -> Versions:
    """Make both versions on the stack of this run."""
    stack, wire = run.stack, Wire()
    variables = {name: deployed_variables(stack, name) | SILENT for name in (*chain(*MACHINES.values()), *API)}
    region = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": stack.endpoint}
    with nobody_sweeps(stack), fresh_clients(CREDENTIALS | region) as session:
        wire.answer_executions(session)
        handlers = Handlers(variables)
        handlers.call("POST", "/namespaces", OWNER, {"slug": NAMESPACE, "name": "Versions"})
        tenth = VersionRun(run, handlers, variables, sizes.packs // 10, sizes.whole // 10)
        tenth.measure()
        whole = VersionRun(run, handlers, variables, sizes.packs, sizes.whole)
        whole.measure()
        return Versions(whole, tenth, _slopes(run, whole, sizes))


def measure(run: Run, sizes: Sizes = FULL) -> Figure:
    """Show what the tasks of both versions came to."""
    made = run.once("versions", partial(run_versions, run, sizes))
    grown = {
        name: phase.whole.peak_mb - made.tenth.phases[name].whole.peak_mb for name, phase in made.whole.phases.items()
    }
    peak = max(phase.whole.peak_mb for phase in made.whole.phases.values())
    return Figure(
        number="V1",
        title=f"A version of {sizes.whole:,} samples in {sizes.packs} packs",
        goal=f"P6: ≤ {PEAK_GOAL_MB} MB in every task, ≤ {GROWTH_GOAL_MB} MB more than with a tenth of the packs; P7: "
        f"slopes of {SLOPE_GOAL[0]} to {SLOPE_GOAL[1]}",
        basis="the machines label_ingest and dataset_build as they are defined, each task by its handler in a process "
        "of its own, one after the other, against the local emulator's S3 and tables, whose time is in the seconds; "
        "CPU is the task's alone, imports apart; rows of up to 5 boxes in 20 groups a pack, one in twenty unlabelled, "
        f"one empty; every row names one of its pack's {PICTURES} pictures, which are there; the rows of one pack do "
        "not state the pictures' sizes",
        columns=COLUMNS,
        rows=_rows(made.whole, grown),
        met=peak <= PEAK_GOAL_MB
        and all(growth <= GROWTH_GOAL_MB for growth in grown.values())
        and are_linear(made.slopes),
        notes=[
            f"P6: most memory of a task {peak:.0f} MB; over {GROWTH_GOAL_MB} MB more than with a tenth: "
            + names_over(grown, BUFFERS),
            _sentence(made.slopes, sizes),
            *_iter_calls(made.whole),
            "P5 is measured in T1: the export of chat rows against a bare loop and Hugging Face datasets",
            *_iter_files(made.whole),
        ],
    )


def _sentence(slopes: dict[str, float], sizes: Sizes) -> str:
    return (
        f"P7, slopes of CPU time over {sizes.slope[0]:,} to {sizes.slope[-1]:,} rows (ingest, build, materialize: the "
        "first tasks of the run above; statistics, split and export as NDJSON: the first shards, in memory, medians of "
        f"{SLOPE_ROUNDS}): {slopes_told(slopes)}"
    )


def _rows(whole: VersionRun, grown: dict[str, float]) -> list[Row]:
    return [
        task_row(name, len(phase.costs), sum(phase.rows), phase.whole, grown[name])
        for name, phase in whole.phases.items()
    ]


def _iter_calls(whole: VersionRun) -> Iterator[str]:
    """Yield the calls by operation, of the ingests together and of the build."""
    for machine, title in (("label_ingest", "ingests"), ("dataset_build", "build")):
        cost = whole.cost_of(machine)
        counted = ", ".join(f"{count:,} {name}" for name, count in sorted(cost.calls.items()))
        yield (
            f"calls of the {title}: {counted}; {cost.units['read']:,.0f} read and {cost.units['write']:,.0f} write "
            "units of DynamoDB"
        )


def _iter_files(whole: VersionRun) -> Iterator[str]:
    told = ", ".join(
        f"{file['path'].rpartition('/')[2]} {file.get('bytes', file.get('content_bytes')) / 1e6:,.1f}"
        for file in whole.manifest["exports"]
    )
    yield f"its files, in MB, packed ones unpacked: {told}"


def _slopes(run: Run, whole: VersionRun, sizes: Sizes) -> dict[str, float]:
    """Return the log-log slope of CPU time over rows of each phase."""
    tasks = {"ingest": "IngestPart", "build": "BuildShard", "materialize": "MaterializeShard"}
    slopes = {name: slope_of(of_first(whole.phases[phase], sizes.slope)) for name, phase in tasks.items()}
    points: dict[str, list[tuple[int, float]]] = {"statistics": [], "split": [], "export": []}
    shards = list(whole.iter_shards())
    with run.steps("V1 slopes", len(sizes.slope)) as bar:
        for size in sizes.slope:
            first = _first(shards, size)
            rows = sum(shard.rows for shard, _ in first)
            groups = [decode_canonical(line).group_name for _, body in first for line in body.splitlines()]
            tallies = _count(first).groups
            points["statistics"].append((rows, cpu_seconds(partial(_count, first))))
            points["split"].append((rows, cpu_seconds(partial(_split, groups, tallies))))
            points["export"].append((rows, cpu_seconds(partial(_export, first))))
            bar.advance()
    return slopes | {name: slope_of(measured) for name, measured in points.items()}


def _first(shards: Shards, rows: int) -> Shards:
    """Return the first shards, as many as come closest to so many rows."""
    reached = list(accumulate(shard.rows for shard, _ in shards))
    return shards[: 1 + min(range(len(shards)), key=lambda at: abs(reached[at] - rows))]


def _count(shards: Shards) -> Statistics:
    counted, capability = Statistics(), CAPABILITIES[CAPABILITY]
    for _, body in shards:
        for line in body.splitlines():
            counted.add(decode_canonical(line), capability)
    return counted


def _split(groups: list[str], tallies: dict[str, GroupTally]) -> dict[str, int]:
    """Assign the groups and look every row's up, ten times over: once is too short to be timed over the fewest rows."""
    counts = dict.fromkeys(SPLIT.ratio, 0)
    for _ in range(10):
        split_of = assign_groups(SPLIT, tallies)
        for group in groups:
            counts[split_of[group]] += 1
    return counts


def _export(shards: Shards) -> int:
    bodies = {f"shards/{shard.name}.ndjson": body for shard, body in shards}
    plain, packed = Parts(), Parts()

    def take(name: str, size: int) -> Iterator[bytes]:
        body = bodies[name]
        for at in range(0, size, BLOCK_BYTES):
            block = body[at : at + BLOCK_BYTES]
            plain.write(block)
            yield block

    return join_ndjson((shard for shard, _ in shards), take, packed)
