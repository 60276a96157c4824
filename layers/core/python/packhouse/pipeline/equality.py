"""Whether versions have samples in common, by what they show: their `contents` objects compared.

A contents object is 8-byte hashes, big-endian, sorted, each once; `contents` tells of what, `index` where it is.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from packhouse.pipeline.contents import ROW_HASHES

_FEW = 16
"""Of so many times fewer hashes, each is looked up by bisection: that is quicker than to go through the others."""


def read_hashes(contents: bytes) -> "array[int]":
    """Return the hashes of a contents object, ascending.

    >>> read_hashes(bytes.fromhex("0000000000000001" "00000000000000ff")).tolist()
    [1, 255]
    """
    hashes = array("Q", contents)
    if sys.byteorder == "little":
        hashes.byteswap()
    return hashes


def shared_hashes(own: "array[int]", blocks: Iterable[bytes]) -> set[int]:
    """Return the hashes that another contents object, which comes in blocks of whole hashes, shares with these.

    Held at a time are a block and the hashes of one's own that lie between its first and its last.

    >>> shared_hashes(array("Q", [1, 5, 9]), [bytes([*[0] * 7, 4, *[0] * 7, 5]), bytes([*[0] * 7, 9])])
    {9, 5}
    """
    shared: set[int] = set()
    for block in blocks:
        theirs = read_hashes(block)
        first, end = bisect_left(own, theirs[0]), bisect_right(own, theirs[-1])
        if end - first > _FEW * len(theirs):
            shared.update(each for each in theirs if own[min(bisect_left(own, each, first, end), end - 1)] == each)
        else:
            shared |= set(theirs).intersection(own[first:end])
    return shared


def rows_with(row_hashes: bytes, wanted: set[int]) -> Iterator[tuple[int, set[int]]]:
    """Yield the number of each row of a shard that has wanted hashes, with these; `row_hashes` is its `hashes` object.

    >>> list(rows_with(bytes(ROW_HASHES * 8) + bytes([0] * 7 + [9]) + bytes(ROW_HASHES * 8 - 8), {9, 5}))
    [(1, {9})]
    """
    hashes = read_hashes(row_hashes)
    if not wanted.intersection(hashes):
        return
    found: dict[int, set[int]] = {}
    for place, each in enumerate(hashes):
        if each in wanted:
            found.setdefault(place // ROW_HASHES, set()).add(each)
    yield from found.items()
