"""Sorted runs of entries of one width, merged in bounded memory.

Entries begin with a hash, so that the first 6 bits of the first byte cut every run into `BUCKETS` buckets of about one
size. Buckets of one number are in all runs the same stretch of the order: some of them are read of every run, sorted,
and are the next stretch of the whole.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

BUCKETS = 64
SLICE_ENTRIES = 100_000
"""So many entries are sorted at a time, about 10 MB of them; a single bucket may be more."""

Piece = tuple[str, int, int]
"""Bytes of an object: its name, the first of them, and the one behind the last."""


class Run(NamedTuple):
    """A sorted run by the name of its object: how many entries it has in each bucket."""

    name: str
    buckets: list[int]


def sorted_run(entries: Iterable[bytes]) -> bytes:
    """Return a run of entries that come in any order.

    >>> sorted_run([b"b1", b"a2", b"b0"])
    b'a2b0b1'
    """
    return b"".join(sorted(entries))


def count_buckets(run: bytes, width: int) -> list[int]:
    """Return how many entries of a run are in each bucket.

    >>> counts = count_buckets(bytes([0, 7, 3, 7, 4, 7, 255, 7]), 2)
    >>> (counts[0], counts[1], counts[63], sum(counts))
    (2, 1, 1, 4)
    """
    counts = [0] * BUCKETS
    for first in run[::width]:
        counts[first >> 2] += 1
    return counts


def merge_runs(
    runs: Sequence[Run],
    width: int,
    read: Callable[[list[Piece]], Iterable[bytes]],
    slice_entries: int = SLICE_ENTRIES,
    *,
    distinct: bool = False,
) -> Iterator[bytes]:
    """Yield all runs as one, slice by slice; with `distinct`, of equal entries only one.

    `read` returns what is in the pieces, in their order.
    """
    ends = [[0, *accumulate(run.buckets)] for run in runs]
    totals = [sum(counts) for counts in zip(*(run.buckets for run in runs), strict=True)]
    for first, last in cut_slices(totals, slice_entries):
        pieces = [
            (run.name, end[first] * width, end[last] * width)
            for run, end in zip(runs, ends, strict=True)
            if end[first] < end[last]
        ]
        entries = sorted(body[at : at + width] for body in read(pieces) for at in range(0, len(body), width))
        merged = b"".join(entry for entry, _ in groupby(entries)) if distinct else b"".join(entries)
        del entries  # before those of the next slice are there
        yield merged


def cut_slices(counts: Sequence[int], slice_entries: int) -> Iterator[tuple[int, int]]:
    """Yield buckets `first` up to `last` that are taken together: as many as do not pass the limit, and one at least.

    >>> list(cut_slices([3, 3, 0, 5, 1], 6))
    [(0, 3), (3, 5)]
    """
    first = size = 0
    for bucket, count in enumerate(counts):
        if size and size + count > slice_entries:
            yield first, bucket
            first, size = bucket, 0
        size += count
    if size:
        yield first, len(counts)
