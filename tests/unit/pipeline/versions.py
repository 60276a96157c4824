"""Versions with their index, made of rows in memory, and what a plain look at all rows says of them."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import NamedTuple

from packhouse.pipeline.index import ShardGroup, Summary, decode_summary
from packhouse.pipeline.indexing import (
    RUN_WIDTHS,
    IndexedShard,
    ShardIndexer,
    iter_groups,
    summary_bytes,
    write_groups,
)
from packhouse.pipeline.rows import Label, LabelRow, Point, encode_row
from packhouse.pipeline.runs import Piece, Run, merge_runs
from packhouse.pipeline.scan import Wanted
from packhouse.pipeline.splits import SPLITS

PROJECT = "prj_1"


class Row(NamedTuple):
    """What a filter looks at, and the shard that the row is in."""

    shard: str
    sample_id: str
    group: str
    camera_type: str | None
    classes: tuple[str, ...] | None

    def passes(self, wanted: Wanted) -> bool:
        return (
            wanted.split in {None, self.shard.partition("/")[0]}
            and wanted.group in {None, self.group}
            and wanted.camera_type in {None, self.camera_type or ""}
            and (wanted.class_ is None or wanted.class_ in (self.classes or ("",)))
        )

    def label_row(self) -> LabelRow:
        point = Point(0.5, 0.5)
        labels = None if self.classes is None else [Label(class_=name, point=point) for name in self.classes]
        return LabelRow(sample_id=self.sample_id, group=self.group, camera_type=self.camera_type, labels=labels)


class Version:
    """A version's rows in version order, its objects below `index/`, and the reads of them."""

    def __init__(self, rows: list[Row], block_rows: int, slice_entries: int = 50) -> None:
        self.rows = rows
        self.objects: dict[str, bytes] = {}
        self.reads: list[Piece] = []
        shards = [self._put_shard(name, members, block_rows) for name, members in by_shard(rows).items()]
        for name, width in RUN_WIDTHS.items():
            runs = [Run(f"{shard.summary.name}.{name}", shard.runs[name]) for shard in shards]
            merged = merge_runs(runs, width, self._iter_pieces, slice_entries, distinct=name == "contents")
            self.objects[name] = b"".join(merged)
        lines: list[bytes] = []
        groups = write_groups(map(self._iter_groups, shards), lines.append)
        self.objects["groups.ndjson"] = b"".join(lines)
        self.objects["summary.json"] = summary_bytes([shard.summary for shard in shards], *groups, block_rows)
        self.summary = decode_summary(self.objects["summary.json"])
        self.loads = 0

    def _put_shard(self, name: str, rows: Iterable[Row], block_rows: int) -> IndexedShard:
        indexer = ShardIndexer(name, PROJECT, block_rows)
        for row in rows:
            indexer.add(row.label_row(), encode_row(row.label_row()), None, "ASSET_NOT_GIVEN")
        facts, objects = indexer.finish()
        self.objects |= {f"{name}.{ending}": body for ending, body in objects.items()}
        return facts

    def _iter_groups(self, shard: IndexedShard) -> Iterator[ShardGroup]:
        body = self.objects[f"{shard.summary.name}.groups"]
        return iter_groups(shard.group_bytes, lambda start, end: body[start:end])

    def _iter_pieces(self, pieces: list[Piece]) -> Iterator[bytes]:
        return (self.objects[name][start:end] for name, start, end in pieces)

    def read(self, name: str, start: int, end: int) -> bytes:
        """Return bytes of an object as a bucket does, which has no empty ranges and none beyond its end."""
        assert 0 <= start < end <= len(self.objects[name])
        self.reads.append((name, start, end))
        return self.objects[name][start:end]

    def load_summary(self) -> Summary:
        self.loads += 1
        return self.summary

    def take_reads(self) -> list[Piece]:
        """Return the reads since they were last taken."""
        taken, self.reads = self.reads, []
        return taken


def by_shard(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return rows by their shards, in order."""
    shards: dict[str, list[Row]] = {}
    for row in rows:
        shards.setdefault(row.shard, []).append(row)
    return shards


def draw_rows(random: Random, size: int) -> list[Row]:
    """Return rows in version order; some values lie together and some apart, some are in every block and some rare."""
    classes = [f"class {number}" for number in range(random.choice([1, 3, 30]))]
    cameras = [f"camera {number}" for number in range(random.choice([1, 3, 30]))]
    groups = [f"match-{number}" for number in range(random.choice([1, 4, 40]))]
    run = random.choice([1, 7, 40])
    rows = []
    for shard in sorted({draw_shard(random) for _ in range(random.randint(1, 9))}, key=version_order):
        for number in range(random.randint(1, max(size, 1))):
            if number % run == 0:
                camera = random.choice([None, *cameras])
                group = random.choice(["", *groups])
            picked = draw_classes(random, classes, number)
            rows.append(Row(shard, f"{shard.replace('/', '-')}-{number:05d}", group, camera, picked))
    return rows


def draw_classes(random: Random, classes: list[str], number: int) -> tuple[str, ...] | None:
    """Return no class, or some, those with high numbers seldom."""
    if random.random() < 0.2:
        return random.choice([None, ()])
    seldom = {classes[min(int(random.expovariate(0.4)), len(classes) - 1)] for _ in range(1 + number % 3)}
    return tuple(sorted(seldom))


def draw_shard(random: Random) -> str:
    return f"{random.choice(SPLITS)}/{random.choice([0, 1, 2, 17, 4_000_000]):05d}"


def version_order(shard: str) -> tuple[int, int]:
    split, _, unit = shard.partition("/")
    return SPLITS.index(split), int(unit)


def draw_wanted(random: Random, rows: list[Row]) -> Wanted:
    """Return filters of which a row passes all, mostly, or which no row passes."""
    row = random.choice(rows)
    return Wanted(
        split=random.choice([None, None, row.shard.partition("/")[0], random.choice(SPLITS)]),
        class_=random.choice([None, None, random.choice(row.classes or ("",)), "", "nothing"]),
        camera_type=random.choice([None, None, row.camera_type or "", random.choice(rows).camera_type or ""]),
        group=random.choice([None, None, None, row.group, random.choice(["", "match-", "zzz"])]),
    )
