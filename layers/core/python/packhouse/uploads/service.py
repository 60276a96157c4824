"""What is asked of an upload before it is taken in: how it is sent, and whether it came."""

from typing import Any

from packhouse.aws.clock import Clock, later
from packhouse.aws.objects import URL_SECONDS, Objects
from packhouse.errors import ConflictError
from packhouse.pipeline.files import NDJSON


def presign_upload(
    uploads: Objects, key: str, content_length: int | None, sha256: str | None, clock: Clock
) -> dict[str, Any]:
    """Return how to send an upload's bytes: method, URL, the headers that are signed, and until when."""
    url, headers = uploads.presign_put(key, NDJSON, content_length, sha256)
    return {"method": "PUT", "url": url, "headers": headers, "expires_at": later(clock(), URL_SECONDS)}


def demand_upload(uploads: Objects, key: str, content_length: int | None, sha256: str | None) -> None:
    """Raise `ConflictError` unless an upload came, with the length and SHA-256 (hex) that were announced, if any.

    The SHA-256 of what came is the one that the bucket itself took of the bytes when they came; some keep none.
    """
    found = uploads.find_facts(key)
    if found is None:
        raise ConflictError("UPLOAD_MISSING", "Send the bytes to the presigned URL first, then submit.")
    if content_length is not None and found.bytes != content_length:
        detail = f"{content_length} bytes were announced, {found.bytes} were uploaded."
        raise ConflictError("UPLOAD_MISMATCH", detail)
    if sha256 is not None and found.checksum not in {None, sha256}:
        detail = f"Bytes with the SHA-256 {sha256} were announced, others were uploaded."
        raise ConflictError("UPLOAD_MISMATCH", detail)
