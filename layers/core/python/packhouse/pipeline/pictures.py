"""The size of a picture from its header: some kilobytes of an object of any length, and no pixel decoded.

Formats: JPEG (ITU-T T.81, annex B; Exif 2.32), PNG (W3C PNG, third edition, with eXIf), WebP (RFC 9649), GIF (GIF89a),
BMP (Windows and OS/2 headers), TIFF (TIFF 6.0) and BigTIFF.

An imaging library opens more than a header: whole files (WebP), texts unpacked (PNG), canvases filled (GIF), every
value of a directory (TIFF). Here each reader asks for the few bytes it needs, and a header costs so much and no more.
"""

import zlib
from collections.abc import Callable
from struct import Struct as Layout
from typing import NoReturn

from msgspec import Struct

LONGEST_SIDE = 1_000_000
"""Pixels, as a label row may state them."""

FIRST_BYTES = 32 * 1024
"""What the first read asks for, and each that jumps far; reads that follow one another double it."""

NEAR_BYTES = 64 * 1024
"""A jump no longer than this, a segment of a JPEG, is none."""

MOST_BYTES = 1024 * 1024
"""Bytes of an object that are read for its header."""

MOST_READS = 12
"""Reads of an object for its header."""

MOST_LOOKS = 10_000
"""Looks at bytes already read; a real header takes less than 1,000."""

_SIDEWAYS = range(5, 9)
_EXIF = b"Exif\0\0"
_JPEG_FRAMES = {b"\xc0", b"\xc1", b"\xc2", b"\xc3", b"\xc9", b"\xca", b"\xcb"}
_JPEG_EXIF, _JPEG_SCAN, _JPEG_FILL = b"\xe1", b"\xda", b"\xff"
_WEBP_EXIF, _TIFF_REDUCED = 0x08, 0x01
_SUBFILE, _WIDTH, _HEIGHT, _ORIENTATION = 254, 256, 257, 274
_TAGS = {_SUBFILE, _WIDTH, _HEIGHT, _ORIENTATION}
_DIRECTORIES = {
    b"II*\0": ("<", "I", "H", 4),
    b"MM\0*": (">", "I", "H", 4),
    b"II+\0": ("<", "Q", "Q", 8),
    b"MM\0+": (">", "Q", "Q", 8),
}
"""Byte order; layout of offsets and of a directory's number of entries; where the offset of the first one stands."""

_LEAST_DIRECTORY = 26
"""Bytes of a TIFF with a directory of one entry."""

_BMP_SIDES = {12: "<HHH", **dict.fromkeys((40, 52, 56, 64, 108, 124), "<iiH")}
"""Bytes of the second header: layout of width, height and planes."""

_KINDS = {3: "H", 4: "I", 16: "Q"}
"""SHORT, LONG and BigTIFF's LONG8: what sides and orientation are written as."""


class Size(Struct, frozen=True):
    """Pixels of a picture as it is displayed: EXIF orientations 5 to 8 swap width and height."""

    width: int
    height: int


class _HeaderError(Exception):
    """No size: the header ends early, is of no known form, contradicts itself, or costs too much."""


def picture_size(read: Callable[[int, int], bytes], size: int) -> Size | None:
    """Return the size of the picture in an object of `size` bytes, or None when its header does not tell one.

    `read(start, end)` returns the bytes from `start` up to `end`, which is not part of them; what it raises is raised.
    It is called at most MOST_READS times for at most MOST_BYTES in all, mostly once. Bytes never raise anything: None
    is what is no picture of these formats, ends within its header, has a side of no pixels or of more than
    LONGEST_SIDE, or costs more than that.

    Orientation is read where those that show a picture as it arrives find it: a JPEG's EXIF before its first scan, a
    PNG's eXIf before its pixels, a WebP's announced EXIF wherever it is, a TIFF's first directory. A damaged EXIF
    turns nothing.

    >>> bitmap = b"BM" + bytes(12) + (40).to_bytes(4, "little") + b"\\x03\\0\\0\\0\\x02\\0\\0\\0\\x01\\0\\x18\\0"
    >>> picture_size(lambda start, end: bitmap[start:end], len(bitmap))
    Size(width=3, height=2)
    >>> picture_size(lambda start, end: b"BMW builds cars"[start:end], 15) is None
    True
    """
    header = _Header(read, size)
    try:
        found = _reader(header)(header)
    except _HeaderError:
        return None
    return found if 1 <= found.width <= LONGEST_SIDE and 1 <= found.height <= LONGEST_SIDE else None


class _Header:
    """An object whose bytes are asked for from the front to the back; the latest block of them is kept."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self.size = size
        self._read = read
        self._first, self._block = 0, b""
        self._looks = self._reads = self._bytes = 0

    def at(self, start: int, count: int) -> bytes:
        """Return exactly `count` bytes."""
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise _HeaderError
        if not self._first <= start <= start + count <= self._first + len(self._block):
            self._go_on(start, count)
        return self._block[start - self._first : start - self._first + count]

    def unpacked(self, layout: str, start: int) -> tuple[int, ...]:
        """Return whole numbers that stand at a place."""
        form = Layout(layout)
        return form.unpack(self.at(start, form.size))

    def _go_on(self, start: int, count: int) -> None:
        far = start > self._first + len(self._block) + NEAR_BYTES
        step = FIRST_BYTES if far else max(2 * len(self._block), FIRST_BYTES)
        wanted = min(max(count, step), self.size - start, MOST_BYTES - self._bytes)
        if wanted < count or self._reads == MOST_READS:
            raise _HeaderError
        self._first, self._block = start, self._read(start, start + wanted)
        self._reads += 1
        self._bytes += wanted
        if len(self._block) < count:
            raise _HeaderError


def _reader(header: _Header) -> Callable[[_Header], Size]:
    magic = header.at(0, 16)
    for prefix, reader in _READERS:
        if magic.startswith(prefix):
            return reader
    return _nothing


def _nothing(_header: _Header) -> NoReturn:
    raise _HeaderError


def _displayed(width: int, height: int, orientation: int) -> Size:
    return Size(height, width) if orientation in _SIDEWAYS else Size(width, height)


def _jpeg(header: _Header) -> Size:
    """Go from segment to segment up to the first scan: EXIF may stand after the frame."""
    frame, orientation, position = None, 0, 2
    while True:
        mark, code, length = Layout(">ccH").unpack(header.at(position, 4))
        if mark == code == _JPEG_FILL:
            position += 1
            continue
        end = position + 2 + length
        if mark != _JPEG_FILL or code < b"\xc0" or b"\xd0" <= code <= b"\xd9" or end < position + 4:
            raise _HeaderError
        if code == _JPEG_SCAN:
            break
        if code in _JPEG_FRAMES:
            frame = _jpeg_frame(header, position + 4, length, frame)
        elif code == _JPEG_EXIF:
            orientation = orientation or _orientation(header, position + 4, end)
        position = end
    if frame is None:
        raise _HeaderError
    return _displayed(*frame, orientation)


def _jpeg_frame(header: _Header, position: int, length: int, earlier: tuple[int, int] | None) -> tuple[int, int]:
    _, height, width, components = header.unpacked(">BHHB", position)
    if earlier is not None or length != 8 + 3 * components:
        raise _HeaderError
    return width, height


def _png(header: _Header) -> Size:
    kind, width, height = Layout(">8sII").unpack(header.at(8, 16))
    (check,) = header.unpacked(">I", 29)
    if kind != b"\0\0\0\x0dIHDR" or zlib.crc32(header.at(12, 17)) != check:
        raise _HeaderError
    position, orientation = 33, 0
    while kind != b"IDAT":
        length, kind = Layout(">I4s").unpack(header.at(position, 8))
        if kind == b"eXIf":
            orientation = orientation or _orientation(header, position + 8, position + 8 + length)
        elif kind == b"IEND":
            raise _HeaderError
        position += 12 + length
    return _displayed(width, height, orientation)


def _webp(header: _Header) -> Size:
    magic = header.at(0, 30)
    kind = magic[12:16]
    if magic[8:12] != b"WEBP" or kind not in (b"VP8 ", b"VP8L", b"VP8X"):
        raise _HeaderError
    if kind == b"VP8X":
        width, height = (int.from_bytes(magic[at : at + 3], "little") + 1 for at in (24, 27))
        return _displayed(width, height, _webp_orientation(header) if magic[20] & _WEBP_EXIF else 0)
    if kind == b"VP8L":
        bits = int.from_bytes(magic[21:25], "little")
        known, width, height = magic[20:21] == b"\x2f", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        known = magic[23:26] == b"\x9d\x01\x2a" and not magic[20] & 1
        width, height = (int.from_bytes(magic[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    if not known:
        raise _HeaderError
    return Size(width, height)


def _webp_orientation(header: _Header) -> int:
    """Go from chunk to chunk; the file says where it ends, so that one cut short is not taken for one without EXIF."""
    end = 8 + header.unpacked("<I", 4)[0]
    position = 12
    while position < end:
        kind = header.at(position, 4)
        (length,) = header.unpacked("<I", position + 4)
        if kind == b"EXIF":
            return _orientation(header, position + 8, position + 8 + length)
        position += 8 + length + length % 2
    return 0


def _gif(header: _Header) -> Size:
    """Go to the first frame: a screen smaller than that is as large as it, in browsers and in Pillow."""
    width, height, flags = header.unpacked("<HHB", 6)
    position = 13 + _colors(flags)
    while (kind := header.at(position, 1)) == b"!":
        position += 2
        while (length := header.at(position, 1)[0]) > 0:
            position += 1 + length
        position += 1
    if kind != b",":
        raise _HeaderError
    left, top, wide, high = header.unpacked("<HHHH", position + 1)
    return Size(max(width, left + wide), max(height, top + high))


def _colors(flags: int) -> int:
    """Return how many bytes a GIF's table of colours has.

    >>> _colors(0x07), _colors(0x80), _colors(0xF7)
    (0, 6, 768)
    """
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _bmp(header: _Header) -> Size:
    (form,) = header.unpacked("<I", 14)
    if form not in _BMP_SIDES:
        raise _HeaderError
    width, height, planes = header.unpacked(_BMP_SIDES[form], 18)
    if planes != 1:
        raise _HeaderError
    return Size(width, abs(height))


def _tiff(header: _Header) -> Size:
    """Take the first directory; in files of raw cameras that may be a preview, which says so."""
    tags = _directory(header, 0, header.size)
    if _WIDTH not in tags or _HEIGHT not in tags or tags.get(_SUBFILE, 0) & _TIFF_REDUCED:
        raise _HeaderError
    return _displayed(tags[_WIDTH], tags[_HEIGHT], tags.get(_ORIENTATION, 0))


def _orientation(header: _Header, start: int, end: int) -> int:
    """Return the orientation in an EXIF block, 0 when it has none."""
    if end - start >= _LEAST_DIRECTORY and header.at(start, len(_EXIF)) == _EXIF:
        start += len(_EXIF)
    return _directory(header, start, end).get(_ORIENTATION, 0)


def _directory(header: _Header, start: int, end: int) -> dict[int, int]:
    """Return the wanted numbers in the first directory of a TIFF; one that is not within its bounds has none.

    The first entry of a tag counts.
    """
    form = _DIRECTORIES.get(header.at(start, 4)) if end - start >= _LEAST_DIRECTORY else None
    if form is None:
        return {}
    order, offset, number, place = form
    many, entry = Layout(order + number), Layout(f"{order}HH{offset}{8 if offset == 'Q' else 4}s")
    first = start + header.unpacked(order + offset, start + place)[0] + many.size
    if first > end:
        return {}
    (entries,) = many.unpack(header.at(first - many.size, many.size))
    if first + entries * entry.size > end:
        return {}
    found: dict[int, int] = {}
    for tag, kind, count, value in entry.iter_unpack(header.at(first, entries * entry.size)):
        layout = Layout(order + _KINDS.get(kind, "16s"))
        if tag in _TAGS and count == 1 and layout.size <= len(value):
            found.setdefault(tag, layout.unpack_from(value)[0])
    return found


_READERS: tuple[tuple[bytes, Callable[[_Header], Size]], ...] = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"RIFF", _webp),
    (b"GIF87a", _gif),
    (b"GIF89a", _gif),
    (b"BM", _bmp),
    *((magic, _tiff) for magic in _DIRECTORIES),
)
