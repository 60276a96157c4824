"""Gzip is unpacked to the same bytes however it comes, and where it ends badly the line is told."""

import gzip
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline.unpacking import PIECE_BYTES, Unpacking

LINES = b"".join(b'{"n":%d,"x":"%d"}\n' % (number, number * 7919 % 10007) for number in range(5000))
MANY = 1 << 40


def unpacked(packed: bytes, block: int = 1 << 20, limit: int = MANY) -> tuple[bytes, Unpacking]:
    unpacking = Unpacking([packed[at : at + block] for at in range(0, len(packed), block)], limit)
    return b"".join(unpacking), unpacking


def told(unpacking: Unpacking) -> tuple[int, str]:
    assert unpacking.fault is not None
    assert unpacking.fault.pointer == ""
    assert unpacking.fault.detail
    return unpacking.fault.line, unpacking.fault.rule


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4000), max_size=6), st.integers(1, 40_000), st.integers(0, 9))
def test_members_are_one_upload_however_they_are_cut(sizes: list[int], block: int, level: int) -> None:
    members = [LINES[at * 10 : at * 10 + size] for at, size in enumerate([*sizes, 50])]
    plain, unpacking = unpacked(b"".join(gzip.compress(member, level) for member in members), block)
    assert plain == b"".join(members)
    assert (unpacking.fault, unpacking.lines_end, unpacking.lines) == (None, len(plain), plain.count(b"\n"))


def test_names_comments_and_other_fields_of_a_header_are_no_lines() -> None:
    packed = gzip.compress(LINES, mtime=0)
    header = bytearray(packed[:10])
    header[3] = 0b11110  # a checksum of the header, extra, name, comment
    header += b"\x03\x00abc" + b"name\n" * 5000 + b"\0" + b"comment\0"
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    plain, unpacking = unpacked(bytes(header) + packed[10:])
    assert (plain, unpacking.fault) == (LINES, None)


@pytest.mark.parametrize("block", [1, 1000, 1 << 20])
def test_bytes_that_end_too_early_are_told_at_the_line_that_they_end_in(block: int) -> None:
    packed = gzip.compress(LINES)
    for end in (2, 5, 10, 11, 500, len(packed) // 2, len(packed) - 9, len(packed) - 8, len(packed) - 1):
        plain, unpacking = unpacked(packed[:end], block)
        assert LINES.startswith(plain)
        assert told(unpacking) == (plain.count(b"\n") + 1, "GZIP_TRUNCATED")
        assert unpacking.lines_end == plain.rfind(b"\n") + 1
    assert plain == LINES


@pytest.mark.parametrize("members", [1, 3])
def test_a_second_member_that_ends_too_early_is_told(members: int) -> None:
    packed = gzip.compress(LINES) * members
    assert told(unpacked(packed + gzip.compress(b"one\ntwo\n")[:3])[1]) == (5000 * members + 1, "GZIP_TRUNCATED")


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("wrong", [-1, -4, -5, -8], ids=["length", "length, low", "checksum", "checksum, low"])
def test_a_wrong_checksum_or_length_is_told_where_its_member_ends(wrong: int, block: int) -> None:
    first, packed = gzip.compress(b"one\ntwo\n"), bytearray(gzip.compress(LINES))
    packed[wrong] ^= 1
    plain, unpacking = unpacked(first + bytes(packed), block)
    assert plain == b"one\ntwo\n" + LINES
    assert told(unpacking) == (5003, "GZIP_CORRUPT")


@pytest.mark.parametrize("block", [1, 999, 1 << 20])
def test_damaged_bytes_are_told_at_the_line_that_they_come_to(block: int) -> None:
    """The reserved block type, 3, behind a member's first blocks: what came before it is all there."""
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(LINES) + packer.flush(zlib.Z_FULL_FLUSH) + b"\x07" + bytes(5000)
    plain, unpacking = unpacked(packed, block)
    assert (plain, told(unpacking)) == (LINES, (5001, "GZIP_CORRUPT"))


@pytest.mark.parametrize(
    "behind", [b"x", b"\0", b"\0" * 512, b"\n", b'{"n":1}\n', b"\x1f\x8c", b"\x1f\x8b\x07" + bytes(9)]
)
def test_bytes_behind_the_last_member_are_told(behind: bytes) -> None:
    for packed in (gzip.compress(LINES), gzip.compress(b"\n".join([b"x"] * PIECE_BYTES)[:-1] + b"\n")):
        plain, unpacking = unpacked(packed + behind)
        assert told(unpacking) == (plain.count(b"\n") + 1, "GZIP_CORRUPT")


@pytest.mark.parametrize("block", [100, 1 << 20])
def test_what_would_be_too_much_is_told_at_the_line_of_the_limit(block: int) -> None:
    plain, unpacking = unpacked(gzip.compress(LINES), block, len(LINES) - 5)
    assert plain == LINES[:-5]
    assert (told(unpacking), unpacking.lines_end) == ((5000, "UPLOAD_TOO_LARGE"), LINES[:-1].rindex(b"\n") + 1)
    assert unpacked(gzip.compress(LINES), block, len(LINES))[1].fault is None


def test_a_bomb_is_unpacked_to_the_limit_and_no_further() -> None:
    packer, pieces = zlib.compressobj(wbits=31), []

    def blocks() -> Iterator[bytes]:
        for number in range(200):
            pieces.append(number)
            yield packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)

    unpacking = Unpacking(blocks(), 20 << 20)
    sizes = [len(plain) for plain in unpacking]
    assert (sum(sizes), told(unpacking)) == (20 << 20, (1, "UPLOAD_TOO_LARGE"))
    assert max(sizes) <= 1032 * PIECE_BYTES
    assert len(pieces) < 40
    assert unpacking.lines_end == 0
