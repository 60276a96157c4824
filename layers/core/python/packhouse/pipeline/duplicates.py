"""Equal and near equal rows, of which the first in rank order stays; decided from sketches, no row is read.

Equal rows have the same shape, the same normalised words in each message and the same thinking. Near equal rows have
the same shape, and a Jaccard similarity of 4 / 5 or more (Broder 1997, "On the Resemblance and Containment of
Documents") twice: of the sets of word 5-grams of all that is said, where those of the operator's words and of the
persona's are different ones, and of the operator's alone, which are what is learned from a row. A row is left out when
it is equal or near equal to a row before it that stays.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import compress, count, islice
from operator import eq
from typing import Literal, NamedTuple

from packhouse.pipeline.grams import ROW_BITS
from packhouse.pipeline.near import NearSearch
from packhouse.pipeline.packed import unpack_words
from packhouse.pipeline.rendering import RowReason
from packhouse.pipeline.runs import cut_slices
from packhouse.pipeline.sketches import WIDTHS, SketchFacts
from packhouse.pipeline.stretches import ROW_MASK, SLICE_ENTRIES, Read, read_slice

_EQUAL, _NEAR = 1, 2
_RANK_MASK = (1 << 32) - 1


class Duplicate(NamedTuple):
    """A row that is left out, by its rank, and the rank of a row before it that stays."""

    rank: int
    reason: RowReason
    stands_for: int


def find_duplicates(
    units: Sequence[SketchFacts],
    ranks: "Sequence[array[int]]",
    read: Read,
    mode: Literal["exact", "near"],
    slice_entries: int = SLICE_ENTRIES,
) -> Iterator[Duplicate]:
    """Yield the rows that are left out, in rank order; the order of the units makes no difference.

    `ranks` has for each unit the ranks of its rows, all together each number below their count once: `ValueError` when
    a unit has another number of rows. Mode `exact` finds equal rows only. What mode `near` can miss is told in `near`.

    Holds some 6 bytes a row beside its rank, and one slice of entries; for `near` 15 more a row that shares a band, 8 a
    band that it shares with one other row, and up to 24 a band that it shares with several.
    """
    if [facts.rows for facts in units] != [len(unit_ranks) for unit_ranks in ranks]:
        raise ValueError("each unit has one rank for each of its rows")
    total = sum(facts.rows for facts in units)
    standing, state = array("I", range(total)), bytearray(total)
    for rank, kept in _iter_equal(units, ranks, read, slice_entries):
        standing[rank], state[rank] = kept, _EQUAL
    if mode == "near":
        for rank, kept in _iter_near(units, ranks, read, slice_entries, state):
            standing[rank], state[rank] = kept, _NEAR
    for rank, reason in zip(compress(count(), state), filter(None, state), strict=False):
        if reason == _EQUAL:
            yield Duplicate(rank, RowReason.EXACT_DUPLICATE, standing[standing[rank]])
        else:
            yield Duplicate(rank, RowReason.NEAR_DUPLICATE, standing[rank])


def _iter_equal(
    units: Sequence[SketchFacts], ranks: "Sequence[array[int]]", read: Read, slice_entries: int
) -> Iterator[tuple[int, int]]:
    for group in _iter_groups(units, ranks, read, "exact", slice_entries):
        yield from ((rank, group[0]) for rank in group[1:])


def _iter_near(
    units: Sequence[SketchFacts], ranks: "Sequence[array[int]]", read: Read, slice_entries: int, left_out: bytearray
) -> Iterator[tuple[int, int]]:
    search = NearSearch(units, ranks, read)
    for group in _iter_groups(units, ranks, read, "bands", slice_entries, left_out):
        search.add(group)
    yield from search.iter_near()


def _iter_groups(
    units: Sequence[SketchFacts],
    ranks: "Sequence[array[int]]",
    read: Read,
    ending: Literal["exact", "bands"],
    slice_entries: int,
    left_out: bytearray | None = None,
) -> Iterator[list[int]]:
    """Yield the ranks, in order, of the rows that have one hash: two at least, those that are left out apart."""
    runs = [facts.run(ending) for facts in units]
    out = left_out or bytearray(sum(facts.rows for facts in units))
    totals = [sum(counts) for counts in zip(*(run.buckets for run in runs), strict=True)]
    for first, last in cut_slices(totals, slice_entries):
        entries: list[int] = []
        for number, body in read_slice(runs, WIDTHS[ending], read, first, last):
            words, rank_of = unpack_words("Q", body), ranks[number]
            if ending == "exact":
                pairs = zip(words[::2], words[1::2], strict=True)
                entries += [(a >> ROW_BITS) << 96 | b << 32 | rank_of[a & ROW_MASK] for a, b in pairs]
            else:
                entries += [a >> ROW_BITS << 32 | rank for a in words if not out[rank := rank_of[a & ROW_MASK]]]
        entries.sort()
        yield from _same_hashes(entries)


def _same_hashes(entries: list[int]) -> Iterator[list[int]]:
    """Yield the ranks of each run of entries with one hash, where the rank is in the low 32 bits.

    >>> list(_same_hashes([1 << 32 | 5, 2 << 32 | 3, 2 << 32 | 9, 3 << 32 | 1, 3 << 32 | 2, 3 << 32 | 7]))
    [[3, 9], [1, 2, 7]]
    """
    hashes = [entry >> 32 for entry in entries]
    group: list[int] = []
    follows = -1
    for at in compress(count(), map(eq, hashes, islice(hashes, 1, None))):
        if at != follows:
            if group:
                yield group
            group = [entries[at] & _RANK_MASK]
        group.append(entries[at + 1] & _RANK_MASK)
        follows = at + 1
    if group:
        yield group
