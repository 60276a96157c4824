"""P8: what is counted of a million labels, against a bare loop and against duckdb."""

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from local import ROOT
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.rows import Box, Label, LabelRow, encode_row
from tests.bench.figure import Figure, Run
from tests.bench.label_counting import CAPABILITY, WAYS

LABELS, GROUP_ROWS, ROUNDS = 1_000_000, 200, 5
RATIO_GOAL, MEMORY_GOAL_MB = 1.5, 64
CORE = ROOT / "layers" / "core" / "python"
Json = dict[str, Any]

SHOWN = {
    "pipeline": "decode and Statistics.add, as BuildShard",
    "bare": "bare msgspec loop",
    "least": "bare msgspec loop, labels per class alone",
    "duckdb": "duckdb, one thread",
}


class Counted(NamedTuple):
    """One process: CPU seconds, the most memory it had, and what it counted."""

    cpu: float
    peak_mb: float
    counts: Json


def measure(run: Run, labels: int = LABELS) -> Figure:
    """Let each way count the same file in turns."""
    taken: dict[str, list[Counted]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="packhouse-bench-") as folder:
        path = Path(folder) / "rows.ndjson"
        with run.steps("P8 rows", 1), path.open("wb") as file:
            file.writelines(encode_row(row) + b"\n" for row in iter_rows(labels))
        size = path.stat().st_size
        with run.steps("P8 label statistics", ROUNDS * len(WAYS)) as bar:
            for _ in range(ROUNDS):
                for way, counted in taken.items():
                    counted.append(_count(way, path))
                    bar.advance()
    return _figure(taken, size)


def iter_rows(labels: int) -> Iterator[LabelRow]:
    """Yield canonical rows with so many labels in all, 1 to 5 in a row; the same ones every time.

    One row in twenty is unlabelled, one is empty; of a thousand boxes five reach outside, one is of no known class.
    """
    chosen, names = random.Random(8), CAPABILITIES[CAPABILITY].classes  # noqa: S311  the same ones every time
    left, number = labels, 0
    while left:
        kind = number % 20
        count = 0 if kind in {7, 13} else min(left, chosen.randint(1, 5))
        drawn = [_label(chosen, names) for _ in range(count)]
        yield LabelRow(
            sample_id=f"match-{number // GROUP_ROWS:05d}-{number:08d}",
            group=f"match-{number // GROUP_ROWS:05d}",
            camera_type=("broadcast", "behind_goal")[number % 2],
            asset=f"frames/{number // GROUP_ROWS:05d}/{number:08d}.jpg",
            width=1920,
            height=1080,
            labels=None if kind == 7 else drawn,
        )
        left -= count
        number += 1


def _label(chosen: random.Random, names: tuple[str, ...]) -> Label:
    odd = chosen.randrange(1_000)
    x, y = round(chosen.random() * 0.9, 6), round(chosen.random() * 0.8, 6)
    width = 0.5 + x if odd < 5 else 0.05
    return Label(class_="coach" if odd == 5 else names[chosen.randrange(3)], bbox=Box(x, y, width, 0.15))


def _count(way: str, path: Path) -> Counted:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.label_counting", way, str(path)],
        cwd=ROOT,
        env={"PYTHONPATH": str(CORE), "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{way}: {done.stderr[-4000:]}")
    return Counted(**json.loads(done.stdout))


def _figure(taken: dict[str, list[Counted]], size: int) -> Figure:
    seconds = {way: statistics.median(each.cpu for each in counted) for way, counted in taken.items()}
    peaks = {way: max(each.peak_mb for each in counted) for way, counted in taken.items()}
    counts = {way: counted[-1].counts for way, counted in taken.items()}
    agreed = counts["pipeline"] == counts["duckdb"]
    agreed_bare = all(counts["pipeline"][name] == found for name, found in counts["bare"].items())
    rows, *_, labels = counts["pipeline"]["totals"]
    ratio, peak = seconds["pipeline"] / seconds["bare"], peaks["pipeline"]
    return Figure(
        number="P8",
        title=f"Statistics over {labels:,} labels",
        goal=f"≤ {RATIO_GOAL}x a bare msgspec loop, ≤ {MEMORY_GOAL_MB} MB, the same counts as duckdb",
        basis=f"{rows:,} canonical player rows, {size / 1e6:.0f} MB, 1 to 5 boxes each; CPU time from the first row "
        f"on, medians of {ROUNDS} turns, each in a process of its own, whose whole memory is shown; the bare loop "
        "decodes the same lines into the same structs and counts rows, unlabelled, empty, labels of each class, "
        "samples of each group and labels of each class in each group, one dict each; the pipeline also counts samples "
        "of each class and of each camera, and looks for labels of other classes and kinds and boxes outside",
        columns=("way", "CPU s", "ratio to the bare loop", "labels/s", "peak MB"),
        rows=[
            (
                SHOWN[way],
                f"{spent:.2f}",
                f"{spent / seconds['bare']:.2f}",
                f"{labels / spent:,.0f}",
                f"{peaks[way]:.0f}",
            )
            for way, spent in seconds.items()
        ],
        met=ratio <= RATIO_GOAL and peak <= MEMORY_GOAL_MB and agreed and agreed_bare,
        notes=[_agreement(counts["pipeline"], agreed)],
    )


def _agreement(counts: Json, agreed: bool) -> str:
    _, unlabelled, empty, _ = counts["totals"]
    outside, unknown = counts["faults"]
    return (
        f"the pipeline counts {'what duckdb counts' if agreed else 'OTHERWISE than duckdb'}: samples and labels of "
        f"each class and of each of {len(counts['groups']):,} groups, {unlabelled:,} unlabelled, {empty:,} empty, "
        f"{outside:,} boxes outside, {unknown:,} labels of unknown classes"
    )
