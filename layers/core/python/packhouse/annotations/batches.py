r"""The form of batches: annotations by place, one a line, with an index of their blocks and a table of their ids. Pure.

<key>         NDJSON in the order of places: audio file, start, id
<key>.index   JSON: of each block of 500 rows its first place and where its bytes begin; the first of each 500 ids
<key>.ids     entries of 34 bytes in order: the annotation's id, the number of its row as four bytes, big-endian
"""

import heapq
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from packhouse.annotations.model import Annotation

BLOCK_ROWS = 500
_ID_BYTES, _ENTRY_BYTES = 30, 34
_ID = re.compile(r"ann_[0-9A-HJKMNP-TV-Z]{26}")

Edit = tuple[str, bytes | None]
"""A place, and the line that is there instead of a batch's; `None` where there is none any more."""


class Row(NamedTuple):
    """An annotation as it is kept: its place and its line."""

    place: str
    line: bytes


class Span(Struct, frozen=True):
    """What of an annotation is counted and compared."""

    id: str
    audio_file_id: str
    artifact_type: str
    start_ms: int
    end_ms: int
    confidence: float | None


class BatchIndex(Struct, frozen=True):
    """Where the blocks of a batch begin, by place and by byte, and the blocks of its ids, by id."""

    rows: int
    bytes: int
    places: list[str]
    offsets: list[int]
    ids: list[str]

    def blocks_from(self, place: str, count: int) -> Iterator[tuple[int, int]]:
        """Yield the bytes (first, behind last) of the blocks from the one on that may hold `place`, `count` at a time.

        >>> index = BatchIndex(rows=3, bytes=90, places=["a", "c", "e"], offsets=[0, 30, 60], ids=[])
        >>> list(index.blocks_from("d", 1))
        [(30, 60), (60, 90)]
        """
        first = max(bisect_right(self.places, place) - 1, 0)
        for block in range(first, len(self.offsets), count):
            yield self._bytes(block, block + count)

    def block_of(self, row: int) -> tuple[int, int]:
        """Return the bytes of the block that holds a row, by its number."""
        block = row // BLOCK_ROWS
        return self._bytes(block, block + 1)

    def _bytes(self, block: int, behind: int) -> tuple[int, int]:
        return self.offsets[block], self.offsets[behind] if behind < len(self.offsets) else self.bytes

    def entries_of(self, annotation_id: str) -> tuple[int, int] | None:
        """Return the bytes of the table of ids among which an id is if it is in the batch at all."""
        block = bisect_right(self.ids, annotation_id) - 1
        if block < 0:
            return None
        behind = min((block + 1) * BLOCK_ROWS, self.rows)
        return block * BLOCK_ROWS * _ENTRY_BYTES, behind * _ENTRY_BYTES


_span = msgspec.json.Decoder(Span)
_index = msgspec.json.Decoder(BatchIndex)


def read_span(line: bytes) -> Span:
    """Return what is counted and compared of a line."""
    return _span.decode(line)


def read_index(body: bytes) -> BatchIndex:
    """Return the index that `Indexing` made."""
    return _index.decode(body)


def is_id(annotation_id: str) -> bool:
    """Whether this can be the id of an annotation at all."""
    return bool(_ID.fullmatch(annotation_id))


def place_of(annotation: Annotation | Span) -> str:
    """Return the place of an annotation, by which a set is ordered: starts have ten digits.

    >>> place_of(Span("ann_1", "aud_1", "glitch", 1500, 2000, None))
    'aud_1#0000001500#ann_1'
    """
    return f"{annotation.audio_file_id}#{annotation.start_ms:010d}#{annotation.id}"


def row_of(annotation: Annotation) -> Row:
    """Return an annotation as it is kept."""
    return Row(place_of(annotation), annotation.model_dump_json().encode())


def read_rows(lines: Iterable[bytes]) -> Iterator[Row]:
    """Yield lines with their places."""
    decode = _span.decode
    return (Row(place_of(decode(line)), line) for line in lines)


def iter_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    r"""Yield the lines of bytes that come in blocks of any size, without their ends.

    >>> list(iter_lines([b"a\nb", b"", b"c\n"]))
    [b'a', b'bc']
    """
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        yield rest


def merged(streams: Iterable[Iterator[Row]], edits: Iterator[Edit]) -> Iterator[Row]:
    """Yield the rows of several batches as one stream in order of places, as the edits left them.

    An edit stands in for a row at the same place; one without a line takes it away.

    >>> batch = iter([Row("a", b"1"), Row("b", b"2")])
    >>> [place for place, _ in merged([batch], iter([("a", None), ("c", b"3")]))]
    ['b', 'c']
    """
    rows = heapq.merge(*streams)
    row = next(rows, None)
    for place, line in edits:
        while row is not None and row.place < place:
            yield row
            row = next(rows, None)
        if row is not None and row.place == place:
            row = next(rows, None)
        if line is not None:
            yield Row(place, line)
    if row is not None:
        yield row
        yield from rows


class Indexing:
    """Makes the index and the table of ids of a batch while its rows go by, in order."""

    def __init__(self) -> None:
        self.rows = 0
        self._bytes = 0
        self._places: list[str] = []
        self._offsets: list[int] = []
        self._entries: list[bytes] = []

    def add(self, row: Row) -> bytes:
        """Take a row in and return its line as the batch has it."""
        if self.rows % BLOCK_ROWS == 0:
            self._places.append(row.place)
            self._offsets.append(self._bytes)
        self._entries.append(row.place[-_ID_BYTES:].encode() + self.rows.to_bytes(4, "big"))
        self.rows += 1
        self._bytes += len(row.line) + 1
        return row.line + b"\n"

    def sealed(self) -> tuple[bytes, bytes]:
        """Return the index of all rows, and the table of their ids."""
        self._entries.sort()
        firsts = [entry[:_ID_BYTES].decode() for entry in self._entries[::BLOCK_ROWS]]
        index = BatchIndex(self.rows, self._bytes, self._places, self._offsets, firsts)
        return msgspec.json.encode(index), b"".join(self._entries)


def find_number(entries: bytes, annotation_id: str) -> int | None:
    """Return the number of the row that has this id, by some entries of the table, or `None`."""
    wanted = annotation_id.encode()
    for at in range(0, len(entries), _ENTRY_BYTES):
        if entries[at : at + _ID_BYTES] == wanted:
            return int.from_bytes(entries[at + _ID_BYTES : at + _ENTRY_BYTES], "big")
    return None


def line_in(block: bytes, row: int) -> bytes:
    """Return the line of a row, by its number, from its block."""
    return block.split(b"\n")[row % BLOCK_ROWS]
