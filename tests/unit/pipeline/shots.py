"""Pictures as Pillow writes them, and an object in a bucket that counts what is read of it."""

import io
import random
import struct
from typing import Any

from PIL import Image, ImageOps

WIDE, HIGH = 61, 23
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
TURNED = ("JPEG", "PNG", "WEBP", "TIFF")
"""The formats that carry an orientation."""


class Stored:
    """An object whose every read is counted."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.reads: list[int] = []

    def read(self, start: int, end: int) -> bytes:
        """Return bytes as S3 returns a range of them."""
        assert 0 <= start < end <= len(self.content)
        self.reads.append(end - start)
        return self.content[start:end]

    @property
    def size(self) -> int:
        """Bytes of the object."""
        return len(self.content)


class CutShort(Stored):
    """An object that was replaced by a shorter one after its length was told."""

    def __init__(self, content: bytes, length: int) -> None:
        super().__init__(content)
        self.length = length

    def read(self, start: int, end: int) -> bytes:
        """Return what is left of a range."""
        return super().read(start, end)[: max(self.length - start, 0)]


def picture(form: str, orientation: int | None = None, *, mode: str = "RGB", **options: Any) -> bytes:
    """Return a picture of 61 x 23 pixels."""
    drawn = Image.effect_noise((WIDE, HIGH), 40).convert("P" if form == "GIF" else mode)
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        options["exif"] = exif
    written = io.BytesIO()
    drawn.save(written, form, **options)
    return written.getvalue()


def displayed(content: bytes) -> tuple[int, int]:
    """Return the size of a picture that Pillow has turned upright."""
    with Image.open(io.BytesIO(content)) as opened:
        return ImageOps.exif_transpose(opened).size


def segments(code: int, payload: bytes, count: int = 1) -> bytes:
    """Return a segment of a JPEG, a number of times."""
    return (struct.pack(">BBH", 0xFF, code, len(payload) + 2) + payload) * count


def with_segments(jpeg: bytes, inserted: bytes) -> bytes:
    """Return a JPEG with segments before all others."""
    return jpeg[:2] + inserted + jpeg[2:]


def tiff(order: str, entries: list[tuple[int, int, int]], *, gap: int = 0, big: bool = False) -> bytes:
    """Return a TIFF of one directory, after a gap of unread bytes: entries are tag, type and value, in this order."""
    offset, number, letters = ("Q", "Q", "8s") if big else ("I", "H", "4s")
    first = (16 if big else 8) + gap
    magic = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if big else 42)
    magic += struct.pack(f"{order}HHQ", 8, 0, first) if big else struct.pack(f"{order}I", first)
    kinds = {3: "H", 4: "I", 16: "Q"}
    listed = b"".join(
        struct.pack(f"{order}HH{offset}{letters}", tag, kind, 1, struct.pack(order + kinds[kind], value))
        for tag, kind, value in entries
    )
    return magic + noise(gap) + struct.pack(order + number, len(entries)) + listed + bytes(8)


def noise(count: int, seed: int = 1) -> bytes:
    """Return bytes of no form, the same for a seed."""
    return random.Random(seed).randbytes(count)  # noqa: S311  # nothing secret
