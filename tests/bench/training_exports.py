"""P5: the export of a training dataset's rows against a bare loop that does the same, and against `datasets`."""

import os
import tempfile
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

import orjson
from isal import isal_zlib

from packhouse.pipeline.filtering import Wish
from tests.bench.figure import Run
from tests.bench.rendered_rows import Parts, RenderedRows
from tests.bench.task_runs import in_turns

ROUNDS = 5
BATCH = 512
BARE_GOAL, DATASETS_GOAL = 0.8, 3.0
Json = dict[str, Any]


class Compared(NamedTuple):
    """Rows a second of CPU time: the export, the bare loop, and `datasets`."""

    rows: int
    export: float
    bare: float
    datasets: float

    @property
    def met(self) -> bool:
        return self.export >= BARE_GOAL * self.bare and self.export >= DATASETS_GOAL * self.datasets

    def sentence(self) -> str:
        return (
            f"P5, {self.rows:,} rows, medians of {ROUNDS} turns of CPU time: export {self.export:,.0f} rows/s, "
            f"{self.export / self.bare:.2f}x a bare loop over dicts ({self.bare:,.0f} rows/s: orjson, sha256 of both "
            f"files, gzip by isal level 1, parts of 8 MiB; {BATCH} rows at a time) and "
            f"{self.export / self.datasets:.1f}x Dataset.to_json, which writes no gzip and no hash "
            f"({self.datasets:,.0f} rows/s)"
        )


class _Nothing:
    """A file that keeps nothing."""

    def write(self, block: bytes) -> int:
        return len(block)


def compare(run: Run, source: RenderedRows) -> Compared:
    """Let the three export the same rows in turns."""
    filtered = source.filter(Wish("none", None, 0))
    rows = [orjson.loads(line) for line in source.iter_lines(filtered)]
    with tempfile.TemporaryDirectory(prefix="packhouse-bench-") as folder, run.steps("T1 exports", 3 * ROUNDS) as bar:
        ours: dict[str, Callable[[], object]] = {
            "export": lambda: source.export(filtered),
            "bare": lambda: _bare(rows),
            "datasets": _datasets_writer(rows, folder),
        }
        seconds = in_turns(ours, ROUNDS, bar.advance)
    return Compared(len(rows), **{name: len(rows) / taken for name, taken in seconds.items()})


def _bare(rows: Iterable[Json]) -> None:
    """Encode, hash, compress and cut, as anybody would who knows these libraries."""
    plain, packed, rest = Parts(), Parts(), iter(rows)
    member = isal_zlib.compressobj(level=1, wbits=31)
    while batch := list(islice(rest, BATCH)):
        block = b"".join([orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in batch])
        plain.write(block)
        packed.write(member.compress(block))
    packed.write(member.flush())


def _datasets_writer(rows: list[Json], folder: str) -> Callable[[], object]:
    os.environ |= {"HF_HOME": folder, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    import datasets  # it reads its folder from the environment when it is imported

    datasets.disable_progress_bars()
    table = datasets.Dataset.from_list(rows)
    return lambda: table.to_json(_Nothing())
