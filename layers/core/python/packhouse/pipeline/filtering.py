"""Which rows of a training dataset stay, over all units at once: duplicates, overlap with other datasets, sampling.

Reads keys and sketches, never a row. A row's *rank* is its place in the order of all rows; of ten million rows, what is
held of each is 24 bytes.
"""

import hashlib
import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress
from typing import Literal, NamedTuple

from packhouse.errors import UnitFailedError
from packhouse.pipeline.duplicates import find_duplicates
from packhouse.pipeline.overlap import OtherDataset, find_overlapping
from packhouse.pipeline.packed import pack_bits, pack_words
from packhouse.pipeline.rendering import RenderedUnit, RowReason
from packhouse.pipeline.stretches import Read

ReadOrder = Callable[[RenderedUnit], Iterable[bytes]]
"""Returns a unit's order file in blocks."""

_DRAW_BITS = 16
_SPLIT_BYTES = 64 * 1024


class Wish(NamedTuple):
    """What is asked of the rows together."""

    dedupe: Literal["none", "exact", "near"]
    max_rows: int | None
    seed: int


class FilteredRows(NamedTuple):
    """The rows that stay.

    `kept` has a bitmap a unit, `turns` the number of the unit that each row comes from, in the rows' order: two bytes a
    row (see `packed`).
    """

    rows: int
    kept: list[bytes]
    turns: bytes
    left_out: dict[str, int]


class _Order(NamedTuple):
    """All rows in their order: the unit of each rank, the ranks of each unit's rows, and what each is drawn by."""

    units: "array[int]"
    ranks: "list[array[int]]"
    draws: "array[int]"


def filter_rows(
    units: Sequence[RenderedUnit], read_order: ReadOrder, read: Read, wish: Wish, others: Sequence[OtherDataset] = ()
) -> FilteredRows:
    """Return which rows stay. A duplicate goes when an earlier row stands for it; sampling comes last.

    What repeats a row that overlaps another dataset goes as well: it would bring the same text back.

    `UnitFailedError` (`SOURCE_CHANGED`) when an order file is not what its unit wrote.
    """
    order = _merge(units, read_order, wish)
    stays = bytearray(b"\1" * len(order.units))
    left_out: Counter[str] = Counter()

    def leave_out(rank: int, reason: str) -> None:
        if stays[rank]:
            stays[rank] = 0
            left_out[str(reason)] += 1

    sketches = [unit.sketch for unit in units]
    for number, row in find_overlapping(sketches, read, others) if others else ():
        leave_out(order.ranks[number][row], RowReason.OVERLAPS_DATASET)
    if wish.dedupe != "none":
        for duplicate in find_duplicates(sketches, order.ranks, read, wish.dedupe):
            leave_out(duplicate.rank, duplicate.reason)
    if wish.max_rows is not None:
        for rank in _not_drawn(order.draws, stays, wish.max_rows):
            leave_out(rank, RowReason.NOT_SAMPLED)
    return FilteredRows(
        rows=sum(stays),
        kept=[pack_bits(bytes(map(stays.__getitem__, ranks))) for ranks in order.ranks],
        turns=pack_words("H", compress(order.units, stays)),
        left_out=dict(sorted(left_out.items())),
    )


def _merge(units: Sequence[RenderedUnit], read_order: ReadOrder, wish: Wish) -> _Order:
    order = _Order(array("H"), [array("I") for _ in units], array("Q"))

    def lines(number: int, unit: RenderedUnit) -> Iterator[tuple[bytes, int]]:
        return ((line, number) for line in iter_sealed_lines(read_order(unit), unit.order_sha256))

    salt = wish.seed.to_bytes(8, "big")
    merged = heapq.merge(*(lines(number, unit) for number, unit in enumerate(units)))
    for rank, (line, number) in enumerate(merged):
        order.units.append(number)
        order.ranks[number].append(rank)
        if wish.max_rows is not None:
            order.draws.append(draw(salt, line.split(b"\0")[2]))
    if [len(ranks) for ranks in order.ranks] != [unit.rows for unit in units]:
        raise UnitFailedError("SOURCE_CHANGED", "The order of the rows is not that of the rows that were rendered.")
    return order


def draw(salt: bytes, rollout_id: bytes) -> int:
    """Return the number that a rollout is sampled by, the smallest first: 64 bits of SHA-256(seed ‖ rollout id).

    >>> draw((7).to_bytes(8, "big"), b"r-1")
    4177650118732504121
    """
    return int.from_bytes(hashlib.sha256(salt + rollout_id).digest()[:8], "big")


def iter_sealed_lines(blocks: Iterable[bytes], sha256: str) -> Iterator[bytes]:
    """Yield the lines of a file without their ends; at its end, `UnitFailedError` unless it is what was sealed.

    Holds a block, and of its lines 64 KiB at a time or one.
    """
    seen = hashlib.sha256()
    rest = b""
    for block in blocks:
        seen.update(block)
        begin = 0
        while end := block.rfind(b"\n", begin, begin + _SPLIT_BYTES) + 1 or block.find(b"\n", begin) + 1:
            first, *others = block[begin : end - 1].split(b"\n")
            yield rest + first
            yield from others
            rest, begin = b"", end
        rest += block[begin:]
    if rest or seen.hexdigest() != sha256:
        raise UnitFailedError("SOURCE_CHANGED", "A file of rendered rows is not what was rendered.")


def _not_drawn(draws: "array[int]", stays: bytearray, wanted: int) -> Iterator[int]:
    """Yield the ranks that stay but are not among the `wanted` with the smallest draws; equal draws go by rank."""
    shift = 64 - _DRAW_BITS
    counts = Counter(number >> shift for number, stay in zip(draws, stays, strict=True) if stay)
    left, edge = wanted, -1
    for edge in sorted(counts):
        if counts[edge] > left:
            break
        left -= counts[edge]
    else:
        return
    at_edge = sorted(
        (number, rank)
        for rank, (number, stay) in enumerate(zip(draws, stays, strict=True))
        if stay and number >> shift == edge
    )
    drawn = {rank for _, rank in at_edge[:left]}
    for rank, (number, stay) in enumerate(zip(draws, stays, strict=True)):
        bucket = number >> shift
        if stay and (bucket > edge or (bucket == edge and rank not in drawn)):
            yield rank
