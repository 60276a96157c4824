"""The search for near equal rows among those that have a MinHash band in common.

Rows are taken in rank order, and compared with rows before them that stay, so that a crowd of rows that are all alike
takes one comparison a row. The work is bounded, whatever the rows: per crowd (the rows that share one band) the first
row that stays and the newest 15 are looked at, and of all these a row is compared with the 32 that share most bands
with it. What that costs: a row whose like stands further off, in every band of theirs, behind rows that are less alike
stays too. Rows of similarity 4 / 5 have no band in common with a probability of 0.003, and less for more alike ones.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, compress, count
from typing import NamedTuple

from packhouse.pipeline.grams import OPERATOR
from packhouse.pipeline.packed import unpack_words
from packhouse.pipeline.runs import Piece
from packhouse.pipeline.sketches import SketchFacts
from packhouse.pipeline.stretches import Read

LOOKED_AT = 16
COMPARED = 32
BATCH_BYTES = 8 * 1024 * 1024
"""So much of the sets of 5-grams is held at a time; one row and those that it is compared with may be more."""

PIECE_BYTES = 1024 * 1024
GAP_BYTES = 16 * 1024
"""Sets that lie no further apart are read as one piece: that is quicker than another request."""

GRAM_BYTES = 4
_STRETCH_BITS = 14
_BLOCK_BITS = 10


class _Row(NamedTuple):
    """A row that is searched: its number among them, the numbers of rows before it, and its crowds.

    A row before it is told once for each band that only the two share. Of a crowd the lowest bit tells whether more
    rows of it will come.
    """

    number: int
    before: list[int]
    crowds: list[int]


class NearSearch:
    """Collects which rows share bands, then finds those that are left out."""

    def __init__(self, units: Sequence[SketchFacts], ranks: "Sequence[array[int]]", read: Read) -> None:
        self._units = units
        self._ranks = ranks
        self._read = read
        self._searched = bytearray(sum(facts.rows for facts in units))
        stretches = (len(self._searched) >> _STRETCH_BITS) + 1
        self._pairs = [array("Q") for _ in range(stretches)]
        self._members = [array("Q") for _ in range(stretches)]
        self._crowds = 0

    def add(self, group: list[int]) -> None:
        """Add the ranks, in order, of two rows or more that share a band; from three on they are a crowd."""
        first, last = group[0], group[-1]
        for rank in group:
            self._searched[rank] = 1
        if len(group) == 2:  # noqa: PLR2004  a pair, the most frequent case by far
            self._pairs[last >> _STRETCH_BITS].append(last << 32 | first)
            return
        for rank in group:
            self._members[rank >> _STRETCH_BITS].append(rank << 32 | self._crowds << 1 | (rank != last))
        self._crowds += 1

    def iter_near(self) -> Iterator[tuple[int, int]]:
        """Yield each rank that is left out and the rank of a row that stays, in order of the first."""
        ranks = array("I", compress(count(), self._searched))
        numbers = _Numbers(self._searched)
        sets = _GramSets(self._units, self._ranks, self._read, numbers)
        staying = _Staying(len(ranks), self._crowds)
        for batch in _iter_batches(self._iter_rows(numbers), sets, staying):
            bodies = sets.read(batch.wanted)
            for row in batch.rows:
                if (like := _first_like(row.number, staying.candidates(row), bodies)) is None:
                    staying.add(row)
                else:
                    yield ranks[row.number], ranks[like]

    def _iter_rows(self, numbers: "_Numbers") -> Iterator[_Row]:
        number = 0
        for stretch, (pairs, members) in enumerate(zip(self._pairs, self._members, strict=True)):
            before, crowds = _by_rank(pairs), _by_rank(members)
            start = stretch << _STRETCH_BITS
            for rank in compress(count(start), self._searched[start : start + (1 << _STRETCH_BITS)]):
                yield _Row(number, [numbers.of(first) for first in before.get(rank, ())], crowds.get(rank, []))
                number += 1
            self._pairs[stretch] = self._members[stretch] = array("Q")


def _by_rank(entries: "array[int]") -> dict[int, list[int]]:
    """Return the low 32 bits of entries, in order, by the rank in their high ones."""
    found: dict[int, list[int]] = {}
    for entry in sorted(entries):
        found.setdefault(entry >> 32, []).append(entry & _LOW_MASK)
    return found


_LOW_MASK = (1 << 32) - 1


class _Numbers:
    """The numbers of the searched rows, counted in rank order, by a count of them for each 1,024 ranks."""

    def __init__(self, searched: bytearray) -> None:
        self.searched = searched
        blocks = range(0, len(searched), 1 << _BLOCK_BITS)
        self._before = [0, *accumulate(searched.count(1, at, at + (1 << _BLOCK_BITS)) for at in blocks)]
        self.count = self._before[-1]

    def of(self, rank: int) -> int:
        """Return the number of a row by its rank."""
        block = rank >> _BLOCK_BITS
        return self._before[block] + self.searched.count(1, block << _BLOCK_BITS, rank)


class _Batch(NamedTuple):
    """Rows that are searched together, and the numbers of those whose sets are needed."""

    rows: list[_Row]
    wanted: set[int]


def _iter_batches(rows: Iterable[_Row], sets: "_GramSets", staying: "_Staying") -> Iterator[_Batch]:
    """Yield rows as far as what they are compared with can be held; a batch is done when the next one is asked for."""
    batch, held = _Batch([], set()), 0
    for row in rows:
        wanted = {row.number, *staying.candidates(row)} - batch.wanted
        if batch.rows and held + sets.bytes_of(wanted) > BATCH_BYTES:
            yield batch
            batch, held = _Batch([], set()), 0
            wanted = {row.number, *staying.candidates(row)}
        held += sets.bytes_of(wanted)
        batch.rows.append(row)
        batch.wanted.update(wanted)
    if batch.rows:
        yield batch


def _first_like(number: int, candidates: list[int], bodies: dict[int, bytes]) -> int | None:
    """Return the first candidate that is near equal; one that joined a crowd in this batch may be missing: skip it."""
    if not candidates:
        return None
    ours = frozenset(unpack_words("I", bodies[number]))
    for candidate in candidates:
        body = bodies.get(candidate)
        if body is not None and is_near(ours, body):
            return candidate
    return None


def is_near(ours: frozenset[int], body: bytes) -> bool:
    """Return whether a set and a packed one are alike, and those of their members that the operator says."""
    size = len(body) // GRAM_BYTES
    if 5 * min(size, len(ours)) < 4 * max(size, len(ours)):
        return False
    theirs = unpack_words("I", body)
    common = ours.intersection(theirs)
    return _are_alike(len(common), len(ours), size) and _are_alike(*map(_count_operators, (common, ours, theirs)))


def _are_alike(common: int, ours: int, theirs: int) -> bool:
    """Return whether two sets, given by their sizes, have a Jaccard similarity of 4 / 5 or more, or no members at all.

    Of those that they have in common and those of either, that is 9 |A ∩ B| ≥ 4 (|A| + |B|).
    """
    return 9 * common >= 4 * (ours + theirs)


def _count_operators(grams: Iterable[int]) -> int:
    return sum(gram & OPERATOR for gram in grams)


class _Staying:
    """The rows that stay, and by crowd the first of them, and a chain from the newest to the oldest of the others.

    Numbers are one higher in the crowds, 0 is none.
    """

    def __init__(self, rows: int, crowds: int) -> None:
        self._stays = bytearray(rows)
        self._first = array("I", bytes(4 * crowds))
        self._newest = array("I", bytes(4 * crowds))
        self._row = array("I", [0])
        self._older = array("I", [0])

    def add(self, row: _Row) -> None:
        """Add a row, and to those of its crowds of which more rows will come."""
        self._stays[row.number] = 1
        for member in row.crowds:
            crowd, more = member >> 1, member & 1
            if more and not self._first[crowd]:
                self._first[crowd] = row.number + 1
            elif more:
                self._row.append(row.number + 1)
                self._older.append(self._newest[crowd])
                self._newest[crowd] = len(self._row) - 1

    def candidates(self, row: _Row) -> list[int]:
        """Return the rows that a row is compared with: those first that share most bands with it, the older first."""
        shared = Counter(number for number in row.before if self._stays[number])
        for member in row.crowds:
            if first := self._first[member >> 1]:
                shared[first - 1] += 1
                shared.update(other - 1 for other in self._chain(member >> 1))
        if len(shared) <= 1:
            return list(shared)
        return sorted(shared, key=lambda number: (-shared[number], number))[:COMPARED]

    def _chain(self, crowd: int) -> Iterator[int]:
        at = self._newest[crowd]
        for _ in range(LOOKED_AT - 1):
            if not at:
                return
            yield self._row[at]
            at = self._older[at]


class _GramSets:
    """Where the sets of 5-grams of the searched rows are, by their numbers, and what is in them."""

    def __init__(
        self, units: Sequence[SketchFacts], ranks: "Sequence[array[int]]", read: Read, numbers: _Numbers
    ) -> None:
        self._units = units
        self._read = read
        self._unit = array("H", bytes(2 * numbers.count))
        self._begin = array("I", bytes(4 * numbers.count))
        self._size = array("I", bytes(4 * numbers.count))
        filled = [unit for unit, facts in enumerate(units) if facts.rows]
        sizes = read([(units[unit].name("sizes"), 0, units[unit].rows * GRAM_BYTES) for unit in filled])
        for unit, body in zip(filled, sizes, strict=True):
            begin = 0
            for rank, size in zip(ranks[unit], unpack_words("I", body), strict=True):
                if numbers.searched[rank]:
                    number = numbers.of(rank)
                    self._unit[number], self._begin[number], self._size[number] = unit, begin, size
                begin += size

    def bytes_of(self, numbers: Iterable[int]) -> int:
        """Return how many bytes the sets of rows have."""
        return sum(self._size[number] for number in numbers) * GRAM_BYTES

    def read(self, numbers: Iterable[int]) -> dict[int, bytes]:
        """Return the packed sets of rows by their numbers."""
        pieces, placed = [], []
        for piece, members in self._iter_pieces(numbers):
            pieces.append(piece)
            placed.append(members)
        found = {}
        for body, members, (_, start, _) in zip(self._read(pieces), placed, pieces, strict=True):
            for number in members:
                at = self._begin[number] * GRAM_BYTES - start
                found[number] = body[at : at + self._size[number] * GRAM_BYTES]
        return found

    def _iter_pieces(self, numbers: Iterable[int]) -> Iterator[tuple[Piece, list[int]]]:
        """Yield pieces that have all the sets, and whose."""
        unit = start = end = -1
        members: list[int] = []
        for number in sorted(numbers, key=lambda number: (self._unit[number], self._begin[number])):
            begin = self._begin[number] * GRAM_BYTES
            stop = begin + self._size[number] * GRAM_BYTES
            near = self._unit[number] == unit and begin - end <= GAP_BYTES and stop - start <= PIECE_BYTES
            if members and not near:
                yield (self._units[unit].name("grams"), start, end), members
                members = []
            if not members:
                unit, start = self._unit[number], begin
            members.append(number)
            end = stop
        if members:
            yield (self._units[unit].name("grams"), start, end), members
