"""What changed from one version (before) to another (after): rows, and labels per class.

A row is known by its sample id, and what it says by its `content`, the first 8 bytes of the SHA-256 of its canonical
line: `relabelled` is any change of that line, be it a label, the group, the asset or the split that the row asks for
itself. What changed within a row is left to those who read both rows.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from packhouse.pipeline.build import Shard
from packhouse.pipeline.index import CONTENT_DIGITS
from packhouse.pipeline.statistics import builtins

LISTED = 100
"""So many changes of each sort are listed; all are counted."""


class ShardRows(Struct, frozen=True):
    """The rows of a shard: sample ids and, beside them, contents."""

    split: str
    sample_ids: list[str]
    contents: list[str]


class _Rows(Struct, frozen=True):
    """What is read of a block."""

    shard: str
    sample_ids: list[str]
    contents: str


_block = msgspec.json.Decoder(_Rows)


def read_index(blocks: bytes) -> ShardRows:
    r"""Return the rows of the shard whose index this is, all of its blocks; `ShardIndexer` wrote it.

    >>> blocks = (
    ...     b'{"shard":"val/00003","sample_ids":["a","b"],"contents":"00000000000000ff00000000000000fe"}\n'
    ...     b'{"shard":"val/00003","sample_ids":["c"],"contents":"00000000000000fd"}\n'
    ... )
    >>> rows = read_index(blocks)
    >>> (rows.split, rows.sample_ids, rows.contents[2])
    ('val', ['a', 'b', 'c'], '00000000000000fd')
    """
    split, sample_ids, contents = "", [], []
    for line in blocks.splitlines():
        block = _block.decode(line)
        split = block.shard.partition("/")[0]
        sample_ids += block.sample_ids
        contents += [block.contents[at : at + CONTENT_DIGITS] for at in range(0, len(block.contents), CONTENT_DIGITS)]
    return ShardRows(split, sample_ids, contents)


def differing(before: list[Shard], after: list[Shard]) -> tuple[list[Shard], list[Shard]]:
    """Return the shards of either version, in their order, that the other has not with the same bytes and split.

    `diff_rows` answers the same for these as for all: a sample id is in one row of a version, so the ids of a shard
    that both versions have are in no other shard of either, and each of its rows is met only by itself, unchanged.
    """
    common = Counter(map(_identity, before)) & Counter(map(_identity, after))
    return _without(before, common), _without(after, common)


def _identity(shard: Shard) -> tuple[str, str]:
    return shard.split, shard.sha256


def _without(shards: list[Shard], common: Counter[tuple[str, str]]) -> list[Shard]:
    left, rest = common.copy(), []
    for shard in shards:
        if left[_identity(shard)]:
            left[_identity(shard)] -= 1
        else:
            rest.append(shard)
    return rest


class PlacedRow(Struct, frozen=True):
    """A row and the split it is in: for removed rows the split before, else the split after."""

    sample_id: str
    split: str


class MovedRow(Struct, frozen=True):
    """A row and the splits it was in and is in."""

    sample_id: str
    from_: str = msgspec.field(name="from")
    to: str


_Row = TypeVar("_Row", bound=PlacedRow | MovedRow)


class Changes(Struct, Generic[_Row]):
    """How many rows changed in one way, and the first `LISTED` of them in sample id order."""

    count: int = 0
    first: list[_Row] = []

    def add(self, count: int, rows: Iterable[_Row]) -> None:
        """Count more rows; `rows` holds at least the first `LISTED` of them, in any order."""
        self.count += count
        self.first = heapq.nsmallest(LISTED, chain(self.first, rows), key=lambda row: row.sample_id)


class RowDiff(Struct, frozen=True):
    """The rows that changed; one that moved and was relabelled stands in both."""

    added: Changes[PlacedRow]
    removed: Changes[PlacedRow]
    relabelled: Changes[PlacedRow]
    moved: Changes[MovedRow]

    def shown(self) -> dict[str, Any]:
        """Return the differences as plain dicts and lists: `{"added": {"count": …, "first": [{…}, …]}, …}`."""
        shown: dict[str, Any] = builtins(self)
        return shown


def diff_rows(before: Iterable[ShardRows], after: Iterable[ShardRows]) -> RowDiff:
    """Return the rows that changed; shards come in any order, a sample id once in each version.

    Both sides may be streams. Held at a time are the ids and contents of `before` (about 190 bytes a row with ids of 15
    characters) and two shards of `after`, the one that is compared and the next one.
    """
    held: dict[str, dict[str, str]] = {}
    for shard in before:
        held.setdefault(shard.split, {}).update(zip(shard.sample_ids, shard.contents, strict=True))
    difference = RowDiff(Changes(), Changes(), Changes(), Changes())
    for shard in after:
        _compare(shard, held, difference)
    for split, rows in held.items():
        difference.removed.add(len(rows), [PlacedRow(name, split) for name in heapq.nsmallest(LISTED, rows)])
    return difference


def _compare(shard: ShardRows, held: dict[str, dict[str, str]], difference: RowDiff) -> None:
    """Note what changed in a shard's rows, and take those rows out of `held` (split → sample id → content)."""
    split = shard.split
    added: list[PlacedRow] = []
    relabelled: list[PlacedRow] = []
    moved: list[MovedRow] = []
    here = held.get(split, {})
    elsewhere = [(name, rows) for name, rows in held.items() if name != split]
    for sample_id, content in zip(shard.sample_ids, shard.contents, strict=True):
        was = here.pop(sample_id, None)
        if was is None:
            origin, was = _take(sample_id, elsewhere)
            if was is None:
                added.append(PlacedRow(sample_id, split))
                continue
            moved.append(MovedRow(sample_id, origin, split))
        if was != content:
            relabelled.append(PlacedRow(sample_id, split))
    difference.added.add(len(added), added)
    difference.relabelled.add(len(relabelled), relabelled)
    difference.moved.add(len(moved), moved)


def _take(sample_id: str, elsewhere: list[tuple[str, dict[str, str]]]) -> tuple[str, str | None]:
    for split, rows in elsewhere:
        if (content := rows.pop(sample_id, None)) is not None:
            return split, content
    return "", None


class Delta(Struct, frozen=True):
    """A count in both versions, and how much it grew; negative when it shrank."""

    before: int
    after: int
    delta: int


class ClassDelta(Struct, frozen=True):
    """A class's samples and labels in both versions."""

    class_: str = msgspec.field(name="class")
    samples: Delta
    labels: Delta


def class_deltas(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> list[ClassDelta]:
    """Return the deltas of every class of either version, by name; a class that a version lacks counts 0 in it.

    Both are the `classes` of a version's statistics: `{name: {"samples": …, "labels": …}}`.
    """
    return [
        ClassDelta(name, *(_delta(before.get(name, {}), after.get(name, {}), what) for what in ("samples", "labels")))
        for name in sorted({*before, *after})
    ]


def _delta(before: Mapping[str, int], after: Mapping[str, int], what: str) -> Delta:
    old, new = before.get(what, 0), after.get(what, 0)
    return Delta(old, new, new - old)
