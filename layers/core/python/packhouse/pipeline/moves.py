"""Which samples are in another split than an earlier version had them in.

An assignment that is kept holds groups: a sample that a newer revision puts into another group goes where that one is.
What is compared are the units of both builds, with the groups and the sample keys of the chunks that differ.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from typing import NamedTuple

from packhouse.pipeline.ingest import iter_keys, read_place
from packhouse.pipeline.plan import Unit, UnitChunk

Placed = tuple[bytes, str]
"""A sample, by the 16 bytes of its id's hash, and the split that it is in."""


class Differing(NamedTuple):
    """The chunks of which one version has rows that the other has not, each with the splits of its unit's groups."""

    before: list[tuple[UnitChunk, dict[str, str]]]
    after: list[tuple[UnitChunk, dict[str, str]]]


def differing_chunks(before: Iterable[Unit], after: Iterable[Unit]) -> Differing:
    """Return the chunks to compare: of the others both versions have the same rows, and where groups stay none moves.

    A chunk that both have differs where other rows of it stay out.
    """
    old, new = _rows_by_chunk(before), _rows_by_chunk(after)
    return Differing(
        [place for rows, place in old.items() if rows not in new],
        [place for rows, place in new.items() if rows not in old],
    )


_Rows = tuple[str, tuple[int, ...]]


def _rows_by_chunk(units: Iterable[Unit]) -> dict[_Rows, tuple[UnitChunk, dict[str, str]]]:
    return {
        (chunk.sha256, tuple(left.line for left in chunk.left_out)): (chunk, unit.split_of)
        for unit in units
        for chunk in unit.chunks
    }


def iter_placed(chunk: UnitChunk, split_of: Mapping[str, str], groups: list[str], keys: bytes) -> Iterator[Placed]:
    """Yield the rows of a chunk that stay, by their ids' hashes; `groups` as the chunk's sample keys number them."""
    left_out = {left.line for left in chunk.left_out}
    for key in iter_keys(keys):
        line, group, _ = read_place(key)
        if line not in left_out:
            yield key[:16], split_of[groups[group]]


def find_moved(before: Iterable[Iterable[Placed]], after: Iterable[Iterable[Placed]]) -> Counter[tuple[str, str]]:
    """Return how many samples are in another split than before, by the two splits.

    Each chunk gives its samples by their ids' hashes; no version has one twice. Nothing but the next sample of every
    chunk is held.

    >>> find_moved([[(b"a", "train"), (b"b", "test")]], [[(b"b", "train")], [(b"a", "train"), (b"c", "val")]])
    Counter({('test', 'train'): 1})
    """
    moved: Counter[tuple[str, str]] = Counter()
    earlier = merge(*before)
    known, was = next(earlier, _END)
    for identity, split in merge(*after):
        while known < identity:
            known, was = next(earlier, _END)
        if known == identity and was != split:
            moved[was, split] += 1
    return moved


_END = (b"\xff" * 17, "")
"""Behind every hash."""
