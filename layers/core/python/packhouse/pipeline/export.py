"""The files that people download, put together from shards as a stream.

NDJSON: one file a split, the rows in shard order; beside it the same as gzip, one member a shard, concatenated
(RFC 1952 §2.2 allows it; every reader takes it as one file).
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

from isal import isal_zlib
from msgspec import Struct

from packhouse.errors import UnitFailedError
from packhouse.pipeline.build import Shard

NDJSON = "application/x-ndjson"
GZIP = "application/gzip"
_GZIP_LEVEL = 1
_GZIP_WBITS = 31
"""zlib's window bits that mean a gzip member; its header carries no time and no name."""


class Sink(Protocol):
    """Where a file's bytes go."""

    def write(self, block: bytes, /) -> object:
        """Take more bytes."""
        ...


class ExportFile(Struct, frozen=True):
    """A file to download. `sha256` is of its bytes, `content_sha256` of the uncompressed rows."""

    name: str
    format: str
    split: str
    content_type: str
    rows: int
    bytes: int
    sha256: str
    content_sha256: str


def file_names(split: str) -> tuple[str, str]:
    """Return the names of a split's NDJSON files, plain and gzip."""
    return f"{split}.ndjson", f"{split}.ndjson.gz"


def export_ndjson(shards: Iterable[Shard], read: Callable[[Shard], Iterable[bytes]], plain: Sink, packed: Sink) -> int:
    """Write the shards' rows to both sinks in one pass and return the number of rows.

    `UnitFailedError` (`SOURCE_CHANGED`) when a shard's bytes are not those that were built.
    """
    rows = 0
    for shard in shards:
        seen = hashlib.sha256()
        member = isal_zlib.compressobj(level=_GZIP_LEVEL, wbits=_GZIP_WBITS)
        for block in read(shard):
            seen.update(block)
            plain.write(block)
            packed.write(member.compress(block))
        packed.write(member.flush())
        if seen.hexdigest() != shard.sha256:
            raise UnitFailedError("SOURCE_CHANGED", f"The shard {shard.name} is not what was built.", shard=shard.name)
        rows += shard.rows
    return rows
