"""Numbers and bits as they are stored: little-endian words on every machine, and bitmaps.

Of a bitmap, bit `row & 7`, from the least significant on, of byte `row >> 3` is that of a row; it ends with its byte.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

WordCode = Literal["H", "I", "Q"]
"""Words of 2, 4 and 8 bytes."""

_BITS = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


def pack_words(code: WordCode, words: Iterable[int]) -> bytes:
    r"""Return words as bytes.

    >>> pack_words("I", [1, 515])
    b'\x01\x00\x00\x00\x03\x02\x00\x00'
    """
    return _little_endian(array(code, words)).tobytes()


def read_words(code: WordCode, body: bytes) -> "array[int]":
    """Return the words that `pack_words` wrote."""
    return _little_endian(array(code, body))


def unpack_words(code: WordCode, body: bytes) -> list[int]:
    """Return the words that `pack_words` wrote as a list, which is larger and faster than an array."""
    return read_words(code, body).tolist()


def _little_endian(words: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        words.byteswap()
    return words


def pack_bits(bits: bytes) -> bytes:
    r"""Return a bitmap of bits that are a byte each, 0 or 1.

    >>> pack_bits(b"\1\0\1\1\0\0\0\0\0\1").hex()
    '0d02'
    """
    packed = sum(int.from_bytes(bits[at::8], "little") << at for at in range(8))
    return packed.to_bytes(-(-len(bits) // 8), "little")


def iter_bits(bitmap: bytes) -> Iterator[int]:
    r"""Yield all bits of a bitmap, those that fill its last byte up as well.

    >>> bytes(iter_bits(b"\x0d"))
    b'\x01\x00\x01\x01\x00\x00\x00\x00'
    """
    return chain.from_iterable(map(_BITS.__getitem__, bitmap))
