"""Writes the viewer's index: of each shard beside it, and of all shards together. `index` says what is where."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from packhouse.pipeline.contents import HASH_BYTES, NO_HASH, ROW_HASHES, Asset, content_hashes
from packhouse.pipeline.index import (
    BLOCK_ROWS,
    CONTENT_DIGITS,
    GROUP_BLOCK,
    ID_BYTES,
    SCHEMA,
    VALUES_KEPT,
    Block,
    BlockPlace,
    Coded,
    GroupBlock,
    GroupEntry,
    GroupPlace,
    Held,
    ShardGroup,
    ShardSummary,
    Summary,
    Values,
    id_hash,
)
from packhouse.pipeline.rows import LabelRow
from packhouse.pipeline.runs import count_buckets, sorted_run

RUN_WIDTHS = {"ids": ID_BYTES, "contents": HASH_BYTES}
"""The bytes of an entry in each sort of run."""

_READ_BYTES = 256 * 1024
_encoder = msgspec.json.Encoder()
_shard_group = msgspec.json.Decoder(ShardGroup)


class IndexedShard(Struct, frozen=True):
    """What a shard's result tells of its index: its part of the summary, and what it takes to merge it.

    `sha256` is of the blocks; `runs` has the entries in each bucket, by the run's name.
    """

    summary: ShardSummary
    sha256: str
    runs: dict[str, list[int]]
    group_bytes: int


class ShardIndex(NamedTuple):
    """A shard's index: what its result tells of it, and its objects by the ends of their names."""

    facts: IndexedShard
    objects: dict[str, bytes]


class ShardIndexer:
    """Makes the index of one shard of its rows, which come in shard order."""

    def __init__(self, name: str, project_id: str, block_rows: int = BLOCK_ROWS) -> None:
        self.name = name
        self.project_id = project_id
        self.block_rows = block_rows
        self._rows = _BlockRows(0, 0)
        self._lines: list[bytes] = []
        self._bytes = 0
        self._ids: list[bytes] = []
        self._hashes: list[bytes] = []
        self._classes, self._camera_types, self._groups = _Holders(), _Holders(), _Holders()

    def add(self, row: LabelRow, line: bytes, asset: Asset | None, reason: str | None) -> None:
        """Add the next row, its canonical line, and what was found of its asset, or why nothing was."""
        self._rows.add(row, line, asset, reason)
        hashes = content_hashes(row, line, self.project_id, asset)
        self._hashes += hashes + [NO_HASH] * (ROW_HASHES - len(hashes))
        if len(self._rows.sample_ids) == self.block_rows:
            self._end_block()

    def _end_block(self) -> None:
        rows, number = self._rows, len(self._lines)
        line = _encoder.encode(rows.block(self.name, self.project_id)) + b"\n"
        place = BlockPlace(self.name, self._bytes, len(line)).encode()
        self._ids += (id_hash(sample_id) + place for sample_id in rows.sample_ids)
        for group, count in rows.groups.counts():
            self._groups.add(group, number, count)
        for camera_type, count in rows.camera_types.counts():
            self._camera_types.add(camera_type or "", number, count)
        for classes, count in rows.classes.counts():
            for name in classes or ("",):
                self._classes.add(name, number, count)
        self._lines.append(line)
        self._bytes += len(line)
        self._rows = _BlockRows(rows.first + len(rows.sample_ids), rows.offsets[-1])

    def finish(self) -> ShardIndex:
        """Return the index of all rows that were added."""
        if self._rows.sample_ids:
            self._end_block()
        objects = {
            "ndjson": b"".join(self._lines),
            "ids": sorted_run(self._ids),
            "hashes": b"".join(self._hashes),
            "contents": sorted_run(set(self._hashes) - {NO_HASH}),
            "groups": _encoder.encode_lines(self._groups.by_group()),
        }
        lengths = [len(line) for line in self._lines]
        values = self._classes.commonest(), self._camera_types.commonest()
        facts = IndexedShard(
            ShardSummary(self.name, self.project_id, self._rows.first, lengths, *values),
            hashlib.sha256(objects["ndjson"]).hexdigest(),
            {name: count_buckets(objects[name], width) for name, width in RUN_WIDTHS.items()},
            len(objects["groups"]),
        )
        return ShardIndex(facts, objects)


class _Column:
    """A column of repeating values in the making."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._codes: list[int] = []

    def add(self, value: Hashable) -> None:
        self._codes.append(self._numbers.setdefault(value, len(self._numbers)))

    def counts(self) -> Iterator[tuple[Any, int]]:
        """Yield each value and its rows."""
        return zip(self._numbers, (count for _, count in sorted(Counter(self._codes).items())), strict=True)

    def coded(self) -> Coded[Any]:
        return Coded(list(self._numbers), self._codes)


class _BlockRows:
    """The rows of a block in the making; `offset` is where the first one's line begins."""

    def __init__(self, first: int, offset: int) -> None:
        self.first = first
        self.offsets = [offset]
        self.sample_ids: list[str] = []
        self.groups, self.camera_types, self.classes = _Column(), _Column(), _Column()
        self._asset_reasons = _Column()
        self._contents: list[str] = []
        self._asset_bytes: list[int | None] = []

    def add(self, row: LabelRow, line: bytes, asset: Asset | None, reason: str | None) -> None:
        self.sample_ids.append(row.sample_id)
        self.groups.add(row.group_name)
        self.camera_types.add(row.camera_type or None)
        self.classes.add(None if row.labels is None else tuple(sorted({label.class_ for label in row.labels})))
        self._asset_reasons.add(reason)
        self._contents.append(hashlib.sha256(line).hexdigest()[:CONTENT_DIGITS])
        self._asset_bytes.append(asset.bytes if asset else None)
        self.offsets.append(self.offsets[-1] + len(line) + 1)

    def block(self, shard: str, project_id: str) -> Block:
        return Block(
            shard=shard,
            project_id=project_id,
            first=self.first,
            groups=self.groups.coded(),
            camera_types=self.camera_types.coded(),
            classes=self.classes.coded(),
            asset_reasons=self._asset_reasons.coded(),
            sample_ids=self.sample_ids,
            contents="".join(self._contents),
            asset_bytes=self._asset_bytes,
            offsets=self.offsets,
        )


class _Holders:
    """The rows of a shard that hold each value, and the blocks they are in, as they come block by block."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._blocks: dict[str, int] = {}

    def add(self, value: str, block: int, rows: int) -> None:
        self._rows[value] += rows
        self._blocks[value] = self._blocks.get(value, 0) | 1 << block

    def commonest(self) -> Values:
        """Return those that a summary keeps, by value."""
        kept = sorted(self._rows, key=lambda value: (-self._rows[value], value))[:VALUES_KEPT]
        held = {value: Held(*self._held(value)) for value in sorted(kept)}
        return Values(held, len(self._rows) - len(kept))

    def by_group(self) -> list[ShardGroup]:
        """Return all as groups, sorted."""
        return [ShardGroup(group, *self._held(group)) for group in sorted(self._rows)]

    def _held(self, value: str) -> tuple[int, str]:
        return self._rows[value], f"{self._blocks[value]:x}"


def iter_groups(size: int, read: Callable[[int, int], bytes]) -> Iterator[ShardGroup]:
    """Yield a shard's groups, sorted; `read(start, end)` returns bytes of its object, `size` how many it has."""
    rest = b""
    for start in range(0, size, _READ_BYTES):
        *lines, rest = (rest + read(start, min(start + _READ_BYTES, size))).split(b"\n")
        yield from map(_shard_group.decode, lines)


def write_groups(
    shards: Iterable[Iterable[ShardGroup]], write: Callable[[bytes], object]
) -> tuple[int, list[GroupBlock]]:
    """Write the groups of all shards by name, a block a line; return how many there are, and the blocks.

    Shards come in version order, the groups of each sorted, and one at a time of each is held.
    """
    groups = merge_groups(shards)
    count, blocks = 0, []
    while block := list(islice(groups, GROUP_BLOCK)):
        line = _encoder.encode(block) + b"\n"
        write(line)
        count += len(block)
        blocks.append(GroupBlock(block[0].group, len(line)))
    return count, blocks


def merge_groups(shards: Iterable[Iterable[ShardGroup]]) -> Iterator[GroupEntry]:
    """Yield the groups of all shards by name; shards come in version order, the groups of each sorted."""
    placed = heapq.merge(*(_placed(number, groups) for number, groups in enumerate(shards)), key=_group_of)
    for group, found in groupby(placed, key=_group_of):
        places = [place for _, place in found]
        yield GroupEntry(group, sum(place.rows for place in places), places)


def _placed(shard: int, groups: Iterable[ShardGroup]) -> Iterator[tuple[str, GroupPlace]]:
    for found in groups:
        yield found.group, GroupPlace(shard, found.rows, found.blocks)


def _group_of(placed: tuple[str, GroupPlace]) -> str:
    return placed[0]


def summary_bytes(
    shards: list[ShardSummary], groups: int, group_blocks: list[GroupBlock], block_rows: int = BLOCK_ROWS
) -> bytes:
    """Return the summary of a version; shards come in version order."""
    rows = sum(shard.rows for shard in shards)
    return _encoder.encode(Summary(SCHEMA, rows, block_rows, shards, groups, group_blocks))
