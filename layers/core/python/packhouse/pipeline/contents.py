"""What two versions are compared by when one must not have seen the other: hashes of the content of their rows.

A row has up to five, each the first 8 bytes of a SHA-256 over a word that says which, and the text it is of. One in
common is enough:

    row        its canonical line where it has labels, in whatever project: the same label row again, in another pack.
               A line without labels says too little: projects that have nothing in common count their frames alike
    asset      bytes and ETag of its asset unless it is empty, in whatever project and under whatever name: the same
               picture again. An ETag is of the content only of what was uploaded in one part and without a
               customer-managed KMS key
    sha256     the SHA-256 of its asset where S3 told one: the same picture, whatever its ETag
    reference  its asset's project and path, found or not: the same picture before it is there, or after it changed
    sample     its project and sample id: the same sample, labelled anew or with its picture under another path

A HEAD tells the SHA-256 of an object that was stored with one, a listing never does; `asset` is told by both.
"""

import hashlib

from msgspec import Struct

from packhouse.pipeline.rows import LabelRow

HASH_BYTES = 8
ROW_HASHES = 5
NO_HASH = bytes(HASH_BYTES)
"""Stands in the place of a hash that a row has not, where each row has room for all."""


class Asset(Struct, frozen=True):
    """What the bucket says of an asset; `checksum` is the SHA-256 (hex) of the whole of it, where it says one."""

    bytes: int
    etag: str
    checksum: str | None = None


def content_hashes(row: LabelRow, line: bytes, project_id: str, asset: Asset | None) -> list[bytes]:
    """Return what a row is compared by, 8 bytes each, in the order row, asset, sha256, reference, sample.

    `line` is the row's canonical line, `project_id` that of its assets, `asset` what was found of its asset.

    >>> from packhouse.pipeline.rows import decode_canonical
    >>> line = b'{"sample_id":"m17-000123","asset":"m17/123.jpg","labels":[{"class":"ball","point":{"x":0.5,"y":0.5}}]}'
    >>> row = decode_canonical(line)
    >>> [found.hex() for found in content_hashes(row, line, "prj_1", Asset(7, "d41d", "e3b0"))]
    ['9532137ce385850d', 'f4a1d4adaa907316', 'fa93196dbe159316', 'f23ecba64d6cadb5', 'e5da5403fb7531ac']
    >>> [found.hex() for found in content_hashes(row, line, "prj_1", None)]
    ['9532137ce385850d', 'f23ecba64d6cadb5', 'e5da5403fb7531ac']
    """
    texts = [b"row\0" + line] if row.labels else []
    if asset is not None and asset.bytes:
        texts.append(f"asset\0{asset.bytes}\0{asset.etag}".encode())
        if asset.checksum is not None:
            texts.append(f"sha256\0{asset.checksum}".encode())
    if isinstance(row.asset, str):
        texts.append(f"reference\0{project_id}\0{row.asset}".encode())
    texts.append(f"sample\0{project_id}\0{row.sample_id}".encode())
    return [hashlib.sha256(text).digest()[:HASH_BYTES] for text in texts]
