"""Sorted runs of hashes as little-endian 64-bit words, read of all units a stretch of the key space at a time.

An entry is one word or two. The first has a hash in its high 48 bits and the row's number in the unit in its low 16, so
that an array of words sorts by hash; the first 8 bits of the hash cut every run into `STRETCHES` stretches. What has
one hash is in one stretch of all runs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from packhouse.pipeline.runs import Piece, Run

STRETCHES = 256
SLICE_ENTRIES = 400_000
"""So many entries are held at a time, about 40 MB of them; a single stretch may be more."""

WORD_BYTES = 8
ROW_MASK = (1 << 16) - 1

Read = Callable[[list[Piece]], Iterable[bytes]]
"""Returns what is in each piece, in their order."""


def count_stretches(body: bytes, width: int) -> list[int]:
    """Return how many entries of a run, of `width` bytes each, are in each stretch.

    >>> from packhouse.pipeline.packed import pack_words
    >>> counts = count_stretches(pack_words("Q", [5, 7 << 56, 7 << 56 | 1]), 8)
    >>> (counts[0], counts[7], sum(counts))
    (1, 2, 3)
    """
    firsts = body[WORD_BYTES - 1 :: width]
    return [firsts.count(byte) for byte in range(STRETCHES)]


def read_slice(runs: Sequence[Run], width: int, read: Read, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number of each run that has entries in stretches `first` up to `last`, and these."""
    places = [(number, sum(run.buckets[:first]), sum(run.buckets[:last])) for number, run in enumerate(runs)]
    filled = [(number, begin, end) for number, begin, end in places if begin < end]
    pieces = [(runs[number].name, begin * width, end * width) for number, begin, end in filled]
    return zip((number for number, *_ in filled), read(pieces), strict=True)
