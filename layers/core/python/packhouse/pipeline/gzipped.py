"""One gzip member put together from parts that were packed apart, by tasks that know nothing of each other.

Members behind each other are a gzip file as well (RFC 1952 §2.2), but some readers stop at the end of the first one and
say nothing: `tarfile` as a stream is one of them. So a part is deflate blocks none of which is the last one (RFC 1951),
ended at a whole byte, and the file is `GZIP_HEAD`, any number of parts, and `gzip_tail`.
"""

from collections.abc import Iterable, Iterator

from isal import isal_zlib

GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Deflate, no name, no time, packed fast, on no known system."""

GZIP_LEVEL = 1
GZIP_WBITS = 31
"""zlib's window bits that mean a gzip member; its header carries no time and no name."""

_RAW_WBITS = -15
_LAST_BLOCK = b"\x03\x00"


class PartPacker:
    """Packs a part.

    >>> import gzip, zlib
    >>> parts = b""
    >>> for content in (b"one ", b"two"):
    ...     packer = PartPacker()
    ...     parts += packer.compress(content) + packer.finish()
    >>> gzip.decompress(GZIP_HEAD + parts + gzip_tail(zlib.crc32(b"one two"), 7))
    b'one two'
    """

    def __init__(self) -> None:
        self._deflate = isal_zlib.compressobj(level=GZIP_LEVEL, wbits=_RAW_WBITS)

    def compress(self, block: bytes) -> bytes:
        """Take more content and return what is packed by now."""
        packed: bytes = self._deflate.compress(block)
        return packed

    def finish(self) -> bytes:
        """Return the rest, up to a whole byte."""
        packed: bytes = self._deflate.flush(isal_zlib.Z_FULL_FLUSH)
        return packed


def gzip_tail(crc32: int, size: int) -> bytes:
    """Return what stands behind the last part: an empty last block, and the CRC-32 and bytes of all content.

    >>> gzip_tail(0x01020304, 2**32 + 5).hex()
    '03000403020105000000'
    """
    return _LAST_BLOCK + crc32.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")


def iter_even(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in blocks of one size: what a packer makes of them depends on how they are handed to it.

    >>> list(iter_even([b"abcd", b"e", b"fg"], 3))
    [b'abc', b'def', b'g']
    """
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
