"""The files that people download, joined of what lies in S3 already: shards, and parts that were made beside them.

    ndjson  the rows of a split in shard order; beside it the same as gzip
    coco    head, records of images, middle, records of annotations, tail (`coco`)
    yolo    a tar archive as gzip: data.yaml, what the parts hold, the end of the archive (`yolo`, `gzipped`)

What is joined is read once, for the hashes of the file and to know that it is what was made; whether its bytes are
sent or copied is the writer's matter.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from isal import isal_zlib

from packhouse.errors import UnitFailedError
from packhouse.pipeline.build import Shard
from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.coco import COCO_MIDDLE, COCO_TAIL, RECORD_END, coco_head
from packhouse.pipeline.drawn import is_drawn
from packhouse.pipeline.files import Content, Part
from packhouse.pipeline.gzipped import GZIP_HEAD, GZIP_LEVEL, GZIP_WBITS, PartPacker, gzip_tail, iter_even
from packhouse.pipeline.yolo import ARCHIVE_END, DATA_YAML, data_yaml, tar_member

_IsalError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says that it is an instance

_UNPACKED_BYTES = 1024 * 1024
_PACKED_BYTES = 64 * 1024


class Sink(Protocol):
    """Where a file's bytes go."""

    def write(self, block: bytes, /) -> object:
        """Take more bytes."""
        ...


Take = Callable[[str, int], Iterable[bytes]]
"""Adds so many bytes of the object of this name to the file and yields them, as they are read."""


def formats_of(capability: Capability) -> tuple[str, ...]:
    """Return the formats that labels of a capability are exported in."""
    return ("ndjson", "coco", "yolo") if is_drawn(capability) else ("ndjson",)


def join_ndjson(shards: Iterable[Shard], take: Take, packed: Sink) -> int:
    """Join the shards' rows, pack the same beside them in one pass, and return the number of rows.

    `UnitFailedError` (`SOURCE_CHANGED`) when a shard's bytes are not those that were built.
    """
    rows = 0
    member = isal_zlib.compressobj(level=GZIP_LEVEL, wbits=GZIP_WBITS)
    for shard in shards:
        for block in iter_even(_sealed(take(f"shards/{shard.name}.ndjson", shard.bytes), shard.sha256), _PACKED_BYTES):
            packed.write(member.compress(block))
        rows += shard.rows
    packed.write(member.flush())
    return rows


def join_coco(
    images: Sequence[Part], annotations: Sequence[Part], capability: Capability, sink: Sink, take: Take
) -> None:
    """Join a COCO file of its records, each list in shard order."""
    sink.write(coco_head(capability))
    _join_records(images, take)
    sink.write(COCO_MIDDLE)
    _join_records(annotations, take)
    sink.write(COCO_TAIL)


def _join_records(parts: Sequence[Part], take: Take) -> None:
    """Join records that end in a separator each; the last one of a list has none."""
    filled = [part for part in parts if part.bytes]
    for part in filled:
        ending = RECORD_END if part is filled[-1] else b""
        for _ in _sealed(take(part.name, part.bytes - len(ending)), part.sha256, ending):
            pass


def join_yolo(parts: Sequence[Part], capability: Capability, splits: Sequence[str], sink: Sink, take: Take) -> Content:
    """Join a YOLO archive and return its uncompressed content; `splits` are those that have an archive."""
    unpacked = _Unpacked()

    def write(packed: bytes) -> None:
        sink.write(packed)
        unpacked.add(packed)

    def literal(body: bytes) -> None:
        packer = PartPacker()
        write(packer.compress(body) + packer.finish())

    write(GZIP_HEAD)
    literal(tar_member(DATA_YAML, data_yaml(capability, splits)))
    for part in parts:
        for block in _sealed(take(part.name, part.bytes), part.sha256):
            unpacked.add(block)
    literal(ARCHIVE_END)
    write(gzip_tail(unpacked.crc32, unpacked.content.bytes))
    return unpacked.content


def _sealed(blocks: Iterable[bytes], sha256: str, ending: bytes = b"") -> Iterator[bytes]:
    """Yield blocks that must hash to what was written down, once `ending`, which is not among them, is behind them."""
    seen = hashlib.sha256()
    for block in blocks:
        seen.update(block)
        yield block
    seen.update(ending)
    if seen.hexdigest() != sha256:
        raise _changed()


def _changed() -> UnitFailedError:
    return UnitFailedError("SOURCE_CHANGED", "What an export is joined of is not what was made.")


class _Unpacked:
    """The content of a gzip member that comes in blocks."""

    def __init__(self) -> None:
        self._member = isal_zlib.decompressobj(GZIP_WBITS)
        self._hash = hashlib.sha256()
        self._bytes = 0
        self.crc32 = 0
        """That of the content so far."""

    def add(self, block: bytes) -> None:
        """Add the next bytes; `UnitFailedError` where they are none of a member."""
        while block:
            try:
                content = self._member.decompress(block, _UNPACKED_BYTES)
            except _IsalError as error:
                raise _changed() from error
            self._hash.update(content)
            self._bytes += len(content)
            self.crc32 = isal_zlib.crc32(content, self.crc32)
            block = self._member.unconsumed_tail

    @property
    def content(self) -> Content:
        """What it held so far."""
        return Content(self._bytes, self._hash.hexdigest())
