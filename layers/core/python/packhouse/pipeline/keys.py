"""Sample keys: what every row of a chunk is known by, and the search for the ids that several rows have.

A chunk's keys lie sorted in an object of their own. The search goes through those of many chunks side by side, a window
of the ids after the other: keys begin with hashes, so a window holds the same share of every chunk.
"""

import hashlib
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from math import isqrt
from typing import Any, NamedTuple

from packhouse.errors import UnitFailedError

KEY_BYTES = 32
"""One sample key: 16 bytes of the sample id's hash, 8 of the row's, 4 of its number, 4 of its place, big-endian.

The place is the row's own split in the highest two bits (0 for none, then train, val, test) and its group's number.

The id hash has 128 bits: with 64, two of ten million samples would share one by chance in 3 of 10⁶ builds, and a label
would be lost without a word.
"""

HELD_BYTES, HELD_BYTES_AT_MOST = 4 * 1024 * 1024, 64 * 1024 * 1024
READS, READ_BYTES = 16, 32 * 1024
"""So many bytes of keys are held at once; more, up to the most, where a chunk would take more reads or smaller ones."""

STEP_KEYS = 8 * 1024
"""So many keys of a window are looked at together, as ints in a set."""

_KEY_SPLITS = ("", "train", "val", "test")
_GROUP_BITS = 30
_ID_BITS = 64
_WORDS = KEY_BYTES // 8


def sample_key(sample_id: str, encoded: bytes, line: int, group: int, split: str = "") -> bytes:
    """Return a row's sample key; see `KEY_BYTES` for its layout. `line` counts from 1 in its part."""
    identity = hashlib.sha256(sample_id.encode()).digest()[:16]
    content = hashlib.sha256(encoded).digest()[:8]
    place = _KEY_SPLITS.index(split) << _GROUP_BITS | group
    return identity + content + line.to_bytes(4, "big") + place.to_bytes(4, "big")


def read_line(key: bytes) -> int:
    """Return the number of a sample key's row."""
    return int.from_bytes(key[24:28], "big")


def read_place(key: bytes) -> int:
    """Return a sample key's place, which `group_and_split` takes apart."""
    return int.from_bytes(key[28:], "big")


def group_and_split(place: int) -> tuple[int, str]:
    """Return the number of a row's group, and the split that the row names, or `""`.

    >>> key = sample_key("a", b"{}", 7, 2, "val")
    >>> read_line(key), group_and_split(read_place(key))
    (7, (2, 'val'))
    """
    return place & (1 << _GROUP_BITS) - 1, _KEY_SPLITS[place >> _GROUP_BITS]


class ChunkKeys(NamedTuple):
    """The keys of a chunk where they lie: their object's key, how many they are, and its SHA-256 (hex) where known."""

    key: str
    rows: int
    sha256: str | None


Placed = tuple[bytes, int]
"""A sample key and the number of its chunk."""

ReadRanges = Callable[[Iterable[tuple[str, int, int]]], Iterator[bytes]]
"""Yields the bytes of objects from a start on and before an end, in the order of the (key, start, end)."""


class SampleKeys:
    """The sample keys of chunks, in the chunks' order. `held_bytes` of them are held at once."""

    def __init__(self, chunks: Sequence[ChunkKeys], read: ReadRanges, held_bytes: int | None = None) -> None:
        self._chunks = chunks
        self._read = read
        self._bytes = sum(chunk.rows for chunk in chunks) * KEY_BYTES
        fitting = max(HELD_BYTES, self._bytes // READS, len(chunks) * READ_BYTES)
        self._held_bytes = held_bytes or min(fitting, HELD_BYTES_AT_MOST)

    @classmethod
    def held(cls, bodies: Sequence[bytes], held_bytes: int | None = None) -> "SampleKeys":
        """Return the keys of chunks whose objects are at hand."""
        chunks = [ChunkKeys(str(at), len(body) // KEY_BYTES, None) for at, body in enumerate(bodies)]
        return cls(chunks, lambda wanted: (bodies[int(key)][start:end] for key, start, end in wanted), held_bytes)

    def iter_same_ids(self) -> Iterator[Iterable[Placed]]:
        """Yield the keys of each sample id that several rows have, by chunk number, then in their order in the chunk.

        Each is to be gone through before the next: an id may have more rows than can be held. `UnitFailedError`
        (`SOURCE_CHANGED`) when the bytes of an object are not those that were written down; that is known once all of
        them are read, so what was yielded until then is to be forgotten.
        """
        going = [_Going(chunk) for chunk in self._chunks]
        windows = -(-self._bytes // self._held_bytes)
        most = max(STEP_KEYS, len(going))
        low = 0
        for window in range(1, windows + 1):
            bound = (window << _ID_BITS) // windows
            while (limit := self._read_on(going, window, windows)) < bound:
                yield from _iter_runs(going, low, limit, most)
                yield from _iter_by_id(self._iter_on(going, limit))
                low = limit + 1
            yield from _iter_runs(going, low, bound, most)
            low = bound

    def _read_on(self, going: list["_Going"], window: int, windows: int) -> int:
        """Read of every chunk what is missing of the window; return below which begin of ids all keys are there.

        A share of the chunk's rows is read, and more where that falls short. Where ids have so many rows that far more
        is held than is to be, that is left off before the window's end.
        """
        bound = (window << _ID_BITS) // windows
        while short := [each for each in going if each.falls_short(bound)]:
            ends = [each.next_end(window, windows) for each in short]
            wanted = [each.range_to(end) for each, end in zip(short, ends, strict=True)]
            for each, end, body in zip(short, ends, self._read(wanted), strict=True):
                each.take(body, end)
            if sum(len(each.ids) - each.at for each in going) * KEY_BYTES > 2 * self._held_bytes:
                return min((each.ids[-1] for each in going if each.falls_short(bound)), default=bound)
        return bound

    def _iter_on(self, going: list["_Going"], start: int) -> Iterator[Placed]:
        """Yield the keys that begin with `start`, reading one chunk on after the other."""
        for number, each in enumerate(going):
            yield from ((key, number) for key in each.iter_taken(bisect_right(each.ids, start, each.at)))
            while each.at == len(each.ids) and each.end < each.chunk.rows:
                end = min(each.chunk.rows, each.end + READ_BYTES // KEY_BYTES)
                for body in self._read([each.range_to(end)]):
                    each.take(body, end)
                yield from ((key, number) for key in each.iter_taken(bisect_right(each.ids, start, each.at)))


class _Going:
    """A chunk's keys that are read and not yet gone through: `body` from key number `at` on; `ids` are their begins."""

    __slots__ = ("at", "body", "chunk", "end", "ids", "sha256")

    def __init__(self, chunk: ChunkKeys) -> None:
        self.chunk = chunk
        self.body = b""
        self.ids = array("Q")
        self.at = self.end = 0
        self.sha256: Any = None

    def falls_short(self, bound: int) -> bool:
        return self.end < self.chunk.rows and not (self.ids and self.ids[-1] >= bound)

    def next_end(self, window: int, windows: int) -> int:
        """Return up to which row to read: as many as lie below the window's end, and once their deviation more."""
        rows = self.chunk.rows
        missing = -(-rows * window // windows) - self.end
        share, deviation = -(-rows // windows), isqrt(rows) // 2 + 1
        return min(rows, self.end + min(max(missing, self.end // 16), share) + deviation)

    def range_to(self, end: int) -> tuple[str, int, int]:
        """Return the range up to a row; the last one would show that an object is too long."""
        too_far = end == self.chunk.rows
        return self.chunk.key, self.end * KEY_BYTES, end * KEY_BYTES + too_far

    def iter_taken(self, end: int) -> Iterator[bytes]:
        """Yield the keys before number `end`; they are gone through then."""
        begin, self.at = self.at, end
        body = self.body
        return (body[at : at + KEY_BYTES] for at in range(begin * KEY_BYTES, end * KEY_BYTES, KEY_BYTES))

    def find(self, end: int, starts: set[int], number: int) -> list[Placed]:
        """Return the keys before number `end` that begin as one of `starts` does, with the chunk's number."""
        ids = self.ids[self.at : end]
        if starts.isdisjoint(ids):
            return []
        body = self.body
        return [
            (body[at * KEY_BYTES : (at + 1) * KEY_BYTES], number)
            for at, start in enumerate(ids, self.at)
            if start in starts
        ]

    def take(self, body: bytes, end: int) -> None:
        whole = len(body) == (end - self.end) * KEY_BYTES
        if not whole or not self._is_as_sealed(body, last=end == self.chunk.rows):
            key = self.chunk.key
            raise UnitFailedError("SOURCE_CHANGED", f"The bytes of {key} are not those that were sealed.", key=key)
        self.body = self.body[self.at * KEY_BYTES :] + body
        words = array("Q", self.body)
        if sys.byteorder == "little":
            words.byteswap()
        self.ids = words[::_WORDS]
        self.at, self.end = 0, end

    def _is_as_sealed(self, body: bytes, *, last: bool) -> bool:
        if self.chunk.sha256 is None:
            return True
        self.sha256 = self.sha256 or hashlib.sha256()
        self.sha256.update(body)
        if not last:
            return True
        found, self.sha256 = self.sha256.hexdigest(), None
        return bool(found == self.chunk.sha256)


def _iter_runs(going: list[_Going], low: int, bound: int, most: int) -> Iterator[Iterable[Placed]]:
    """Go through the ids that begin below `bound` (those below `low` are gone) and yield the keys of equal ones.

    About `most` at a time. Only ids of which several begin alike are looked at one by one.
    """
    ends = [bisect_left(each.ids, bound, each.at) for each in going]
    taken = [(number, each, end) for number, (each, end) in enumerate(zip(going, ends, strict=True)) if end > each.at]
    many = sum(end - each.at for _, each, end in taken) > most
    if many and bound - low > 1:
        middle = (low + bound) // 2
        yield from _iter_runs(going, low, middle, most)
        yield from _iter_runs(going, middle, bound, most)
        return
    if many:
        yield from _iter_by_id((key, number) for number, each, end in taken for key in each.iter_taken(end))
        return
    starts: list[int] = []
    for _, each, end in taken:
        starts += each.ids[each.at : end].tolist()
    if len(set(starts)) < len(starts):
        twice = {start for start, count in Counter(starts).items() if count > 1}
        yield from _runs(placed for number, each, end in taken for placed in each.find(end, twice, number))
    for _, each, end in taken:
        each.at = end


def _runs(placed: Iterable[Placed]) -> list[list[Placed]]:
    found: dict[bytes, list[Placed]] = {}
    for each in placed:
        identity = each[0][:16]
        if (run := found.get(identity)) is None:
            found[identity] = [each]
        else:
            run.append(each)
    return [run for run in found.values() if len(run) > 1]


def _iter_by_id(placed: Iterator[Placed]) -> Iterator[Iterable[Placed]]:
    """Yield the keys of each id, of keys that begin alike: nearly always, all of them are of one."""
    others: list[Placed] = []
    for first in placed:
        yield chain([first], _iter_alike(first[0][:16], placed, others))
    yield from _runs(others)


def _iter_alike(identity: bytes, placed: Iterator[Placed], others: list[Placed]) -> Iterator[Placed]:
    for each in placed:
        if each[0][:16] == identity:
            yield each
        else:
            others.append(each)
