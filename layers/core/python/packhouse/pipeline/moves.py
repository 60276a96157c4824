"""Which samples are in another split than an earlier version had them in.

An assignment that is kept holds groups: a sample that a newer revision puts into another group goes where that one is.
What is compared are the units of both builds, with the groups and the sample keys of the chunks that differ.
"""

import hashlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from packhouse.pipeline.keys import SampleKeys, group_and_split, read_line, read_place
from packhouse.pipeline.plan import Unit


class ChunkRows(NamedTuple):
    """A chunk as a version has it: its key and rows, the lines that stay out, and the splits of its unit's groups."""

    key: str
    rows: int
    left_out: "array[int]"
    split_of: Mapping[str, str]


class Differing(NamedTuple):
    """The chunks of which one version has rows that the other has not."""

    before: list[ChunkRows]
    after: list[ChunkRows]


def differing_chunks(before: Iterable[Unit], after: Iterable[Unit]) -> Differing:
    """Return the chunks to compare: of the others both versions have the same rows, and where groups stay none moves.

    A chunk that both have differs where other rows of it stay out.
    """
    old, new = _rows_by_chunk(before), _rows_by_chunk(after)
    return Differing(
        [chunk for rows, chunk in old.items() if rows not in new],
        [chunk for rows, chunk in new.items() if rows not in old],
    )


def _rows_by_chunk(units: Iterable[Unit]) -> dict[tuple[str, bytes], ChunkRows]:
    found = {}
    for unit in units:
        for chunk in unit.chunks:
            lines = array("I", [left.line for left in chunk.left_out])
            rows = (chunk.sha256, hashlib.sha256(lines).digest())
            found[rows] = ChunkRows(chunk.key, chunk.rows, lines, unit.split_of)
    return found


class PlacedChunk(NamedTuple):
    """Which lines of a chunk stay out, and the split of each of its groups, as its sample keys number them."""

    left_out: "array[int]"
    splits: list[str | None]

    def find_split(self, key: bytes) -> str | None:
        """Return the split that the row of a sample key is in, or `None` when it stays out."""
        line = read_line(key)
        at = bisect_left(self.left_out, line)
        if at < len(self.left_out) and self.left_out[at] == line:
            return None
        group, _ = group_and_split(read_place(key))
        return self.splits[group]


def place_chunk(chunk: ChunkRows, groups: Iterable[str]) -> PlacedChunk:
    """Return where the rows of a chunk are; `groups` as its sample keys number them."""
    return PlacedChunk(chunk.left_out, [chunk.split_of.get(group) for group in groups])


def find_moved(before: list[PlacedChunk], after: list[PlacedChunk], keys: SampleKeys) -> Counter[tuple[str, str]]:
    """Return how many samples are in another split than before, by the two splits.

    `keys` are the sample keys of the chunks before, then of those after. No version has a sample twice.
    """
    moved: Counter[tuple[str, str]] = Counter()
    if not before or not after:
        return moved
    chunks = [*before, *after]
    for same_id in keys.iter_same_ids():
        was = now = None
        for key, number in same_id:
            split = chunks[number].find_split(key)
            if number < len(before):
                was = split or was
            else:
                now = split or now
        if was and now and was != now:
            moved[was, now] += 1
    return moved
