"""The files of a version: what they are called, what is told of each, and the content types of all that is written."""

import hashlib

from msgspec import Struct

JSON = "application/json"
NDJSON = "application/x-ndjson"
GZIP = "application/gzip"
BINARY = "application/octet-stream"
MARKDOWN = "text/markdown; charset=utf-8"
JSON_LD = "application/ld+json"

CARD, CROISSANT, MANIFEST = "README.md", "croissant.json", "manifest.json"


class Part(Struct, frozen=True):
    """A piece of an export that was made beside a shard: where it lies below the version, its bytes, its hash (hex)."""

    name: str
    bytes: int
    sha256: str


class ExportFile(Struct, frozen=True):
    """A file to download. `sha256` (hex) is of its bytes, `content_sha256` of the uncompressed ones.

    `rows` are rows of a shard, or pictures; `left_out` counts the rows of the split that are no pictures, by reason.
    """

    name: str
    format: str
    split: str | None
    content_type: str
    bytes: int
    sha256: str
    content_bytes: int
    content_sha256: str
    rows: int | None = None
    left_out: dict[str, int] = {}

    @property
    def packed(self) -> bool:
        """Whether it is compressed."""
        return self.content_type == GZIP


class Content(Struct, frozen=True):
    """The uncompressed bytes of a file: how many, and their SHA-256 (hex)."""

    bytes: int
    sha256: str


def file_names(file_format: str, split: str) -> tuple[str, ...]:
    """Return the names of a split's files in a format.

    >>> [file_names(file_format, "val") for file_format in ("ndjson", "coco", "yolo")]
    [('val.ndjson', 'val.ndjson.gz'), ('coco-val.json',), ('yolo-val.tar.gz',)]
    """
    names = {
        "ndjson": (f"{split}.ndjson", f"{split}.ndjson.gz"),
        "coco": (f"coco-{split}.json",),
        "yolo": (f"yolo-{split}.tar.gz",),
    }
    return names[file_format]


def whole_file(name: str, file_format: str, content_type: str, body: bytes) -> ExportFile:
    """Return what is told of a file that is of no split."""
    content = (len(body), hashlib.sha256(body).hexdigest())
    return ExportFile(name, file_format, None, content_type, *content, *content)
