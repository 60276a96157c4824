"""Gzip uploads (RFC 1952, any number of members): their plain bytes as a stream, and the line at which they end badly.

The decoder is zlib's, as it alone can be copied: where bytes turn out to be wrong, the last few are read again one by
one, so that every byte before the wrong one is there and the line is exactly that at which it happened.
"""

import zlib
from collections.abc import Iterable, Iterator

from packhouse.pipeline.gzipped import GZIP_WBITS, iter_even
from packhouse.pipeline.rows import RowFault

MAGIC = b"\x1f\x8b"

PIECE_BYTES = 8 * 1024
"""Packed bytes that are unpacked at a time: deflate makes at most 1,032 times as many of them, some 8 MiB."""


class GzipError(ValueError):
    """Gzip bytes that end too early or are wrong: the rule that they break and a sentence."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule


class Unpacking:
    """The plain bytes of a gzip upload, yielded once; afterwards, what was found of them.

    `bytes` and `lines` (line ends) are counts of the plain bytes that were yielded. `fault` is `None`, or why they end
    where they do: `GZIP_TRUNCATED`, `GZIP_CORRUPT`, or `UPLOAD_TOO_LARGE` when they would be more than `limit`. Its
    line is the one that was read when it happened.

    >>> import gzip
    >>> unpacking = Unpacking([gzip.compress(b"one\\ntwo\\nthree\\n", mtime=0)[:-6]], 1000)
    >>> b"".join(unpacking), unpacking.lines_end
    (b'one\\ntwo\\nthree\\n', 14)
    >>> unpacking.fault.line, unpacking.fault.rule, unpacking.fault.detail
    (4, 'GZIP_TRUNCATED', 'the gzip bytes end before their last member does')
    """

    def __init__(self, blocks: Iterable[bytes], limit: int) -> None:
        self._blocks = blocks
        self._limit = limit
        self._whole = 0
        self.bytes = 0
        self.lines = 0
        self.fault: RowFault | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            for plain in iter_unpacked(self._blocks):
                kept = plain[: self._limit - self.bytes]
                self._count(kept)
                yield kept
                if len(kept) < len(plain):
                    self._end("UPLOAD_TOO_LARGE", f"an upload may unpack to {self._limit} bytes, not to more")
                    return
        except GzipError as error:
            self._end(error.rule, str(error))

    def _end(self, rule: str, detail: str) -> None:
        self.fault = RowFault(self.lines + 1, "", rule, detail)

    def _count(self, plain: bytes) -> None:
        ends = plain.count(b"\n")
        if ends:
            self._whole = self.bytes + plain.rindex(b"\n") + 1
        self.lines += ends
        self.bytes += len(plain)

    @property
    def lines_end(self) -> int:
        """How many of the plain bytes hold lines: all, or those before the line that the fault is of."""
        return self.bytes if self.fault is None else self._whole


def iter_unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the plain bytes of gzip members one behind the other, the same ones however the blocks are cut.

    `GzipError` behind the last byte that is there: `GZIP_TRUNCATED` when a member is not whole, `GZIP_CORRUPT` when one
    cannot be unpacked, has another checksum or length than it says, or is followed by bytes that are no member.
    """
    member, begun = zlib.decompressobj(GZIP_WBITS), True
    for piece in iter_even(blocks, PIECE_BYTES):
        rest = piece
        while rest:
            if not begun and rest[0] != MAGIC[0]:
                raise GzipError("GZIP_CORRUPT", "behind the last gzip member there are bytes that are none")
            begun = True
            before = member.copy()
            try:
                plain = member.decompress(rest)
            except zlib.error as error:
                yield from _iter_before_fault(before, rest)
                detail = f"the gzip bytes are damaged ({str(error).rpartition(': ')[2]}), maybe also in lines before"
                raise GzipError("GZIP_CORRUPT", detail) from error
            yield plain
            rest = member.unused_data
            if member.eof:
                member, begun = zlib.decompressobj(GZIP_WBITS), False
    if begun:
        raise GzipError("GZIP_TRUNCATED", "the gzip bytes end before their last member does")


def _iter_before_fault(member: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    for at in range(len(piece)):
        try:
            yield member.decompress(piece[at : at + 1])
        except zlib.error:
            return
