"""S3 objects of one bucket: read, stream, write once, list, presign.

Objects of a version or revision never change: `write_once` sends `If-None-Match: *`, and a retried task that meets its
own earlier object accepts it when the bytes are the same and refuses to go on when they are not.
"""

import base64
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from packhouse.aws.dynamo import session
from packhouse.errors import ServiceUnavailableError, UnitFailedError

PART_BYTES = 8 * 1024 * 1024
"""Bytes of one part of a multipart upload, and of one block of a range."""

BLOCK_BYTES = 1024 * 1024

LEAST_PART_BYTES = 5 * 1024 * 1024
"""S3 takes no smaller part but the last, whether it is sent or copied."""

SIDE_BY_SIDE = 16
_AHEAD = 64
_REMOVED_AT_ONCE = 1_000

_Wanted = TypeVar("_Wanted")
_Found = TypeVar("_Found")

URL_SECONDS = 900
"""How long a presigned URL lives."""


@functools.cache
def s3() -> Any:
    """Return the process's S3 client, made when first needed: it costs 49 ms that a plain read by id never pays."""
    return session().create_client(
        "s3",
        config=Config(signature_version="s3v4", max_pool_connections=2 * SIDE_BY_SIDE),
    )


@dataclass(frozen=True)
class ObjectFacts:
    """What a bucket says of an object without sending it: bytes, ETag, and the SHA-256 that its writer stored.

    `checksum` is the SHA-256 (hex) that S3 itself keeps of the whole object, where it keeps one; a listing tells none.
    """

    key: str
    bytes: int
    etag: str
    sha256: str | None = None
    checksum: str | None = None


def sha256_hex(body: bytes) -> str:
    """Return the SHA-256 of the bytes in lower-case hex."""
    return hashlib.sha256(body).hexdigest()


class Objects:
    """The objects of one bucket."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket

    def read(self, key: str) -> bytes:
        """Return a whole small object; `UnitFailedError` (`SOURCE_CHANGED`) when it is not there."""
        return b"".join(self.stream(key))

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes of an object from `start` on and before `end`, which are some; fails as `read` does."""
        return b"".join(self._blocks(key, {"Range": f"bytes={start}-{end - 1}"}))

    def iter_ranges(self, wanted: Iterable[tuple[str, int, int]]) -> Iterator[bytes]:
        """Yield ranges in the order of their (key, start, end), as `read_range` does; many side by side."""
        return side_by_side(lambda piece: self.read_range(*piece), list(wanted))

    def stream(self, key: str, start: int = 0, etag: str | None = None, block: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Yield the bytes from `start` on, in blocks; with `etag`, only of exactly that object."""
        wanted = {"Range": f"bytes={start}-"} if start else {}
        if etag is not None:
            wanted["IfMatch"] = etag
        return self._blocks(key, wanted, block)

    def _blocks(self, key: str, wanted: dict[str, str], block: int = PART_BYTES) -> Iterator[bytes]:
        yield from self.get(key, wanted)["Body"].iter_chunks(block)

    def get(self, key: str, wanted: dict[str, str]) -> Any:
        """Return S3's answer to a GET; `UnitFailedError` when the object is not there, or not the one wanted."""
        try:
            return s3().get_object(Bucket=self.bucket, Key=key, **wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404", "PreconditionFailed", "412", "InvalidRange"}:
                raise changed(key) from error
            raise

    def read_sealed(self, key: str, sha256: str) -> bytes:
        """Return a whole object once its bytes are known to be those that were written down (hex SHA-256)."""
        body = self.read(key)
        if sha256_hex(body) != sha256:
            raise UnitFailedError("SOURCE_CHANGED", f"The bytes of {key} are not those that were sealed.", key=key)
        return body

    def iter_sealed(self, wanted: Iterable[tuple[str, str]]) -> Iterator[bytes]:
        """Yield whole objects in the order of their (key, hex SHA-256), as `read_sealed` does; many side by side."""
        return side_by_side(lambda pair: self.read_sealed(*pair), list(wanted))

    def iter_read(self, keys: Iterable[str]) -> Iterator[bytes]:
        """Yield whole objects in the order of their keys, as `read` does; many side by side."""
        return side_by_side(self.read, list(keys))

    def find_facts(self, key: str) -> ObjectFacts | None:
        """Return what the bucket says of an object, or `None` when it is not there."""
        try:
            head = s3().head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return None
            raise
        etag, stored = head["ETag"].strip('"'), head["Metadata"].get("sha256")
        return ObjectFacts(key, head["ContentLength"], etag, stored, _checksum_of_all(head))

    def iter_found(self, keys: Iterable[str]) -> Iterator[ObjectFacts | None]:
        """Yield what `find_facts` tells of each key, in their order; many are asked for side by side."""
        return side_by_side(self.find_facts, list(keys))

    def demand_written(self, wanted: Iterable[tuple[str, str]]) -> None:
        """Require of objects, by what the bucket says of them, that they are those that were written (hex SHA-256)."""
        pairs = list(wanted)
        for (key, sha256), facts in zip(pairs, self.iter_found(key for key, _ in pairs), strict=True):
            if facts is None or facts.sha256 != sha256:
                detail = f"The object {key} is missing or not what was written."
                raise UnitFailedError("SOURCE_CHANGED", detail, key=key)

    def iter_facts(self, prefix: str, after: str = "") -> Iterator[list[ObjectFacts]]:
        """Yield pages of up to 1,000 objects below a prefix in key order, from behind the key `after` on."""
        pages = s3().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, StartAfter=after)
        for page in pages:
            yield [
                ObjectFacts(entry["Key"], entry["Size"], entry["ETag"].strip('"')) for entry in page.get("Contents", [])
            ]

    def write_once(self, key: str, body: bytes, content_type: str) -> bool:
        """Write an immutable object; return whether this call made it.

        `UnitFailedError` when other bytes are there already: two runs of one step disagreed.
        """
        sha256 = sha256_hex(body)
        try:
            s3().put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                Metadata={"sha256": sha256},
                IfNoneMatch="*",
            )
        except ClientError as error:
            self.accept_own(error, key, sha256)
            return False
        return True

    def write_unless_there(self, key: str, body: bytes, content_type: str) -> bytes:
        """Write an immutable object unless there is one; return the bytes of the one that is there now."""
        try:
            self.write_once(key, body, content_type)
        except UnitFailedError:
            return self.read(key)
        return body

    def overwrite(self, key: str, body: bytes, content_type: str) -> None:
        """Write an object that no other step reads as a source: a failure note, a report."""
        s3().put_object(Bucket=self.bucket, Key=key, Body=body, ContentType=content_type)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, whether they are there or not."""
        for at in range(0, len(keys), _REMOVED_AT_ONCE):
            named = [{"Key": key} for key in keys[at : at + _REMOVED_AT_ONCE]]
            answer = s3().delete_objects(Bucket=self.bucket, Delete={"Objects": named, "Quiet": True})
            if left := answer.get("Errors"):
                raise ServiceUnavailableError("SERVICE_UNAVAILABLE", f"{left[0]['Key']} could not be removed; repeat.")

    def accept_own(self, error: ClientError, key: str, sha256: str) -> None:
        """Take an object that is there already for the one that was to be written, if its bytes are the same.

        Otherwise `UnitFailedError`; `ServiceUnavailableError` while somebody else is writing it.
        """
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == HTTPStatus.CONFLICT:
            raise ServiceUnavailableError("SERVICE_UNAVAILABLE", f"{key} is being written; repeat.") from error
        if status != HTTPStatus.PRECONDITION_FAILED:
            raise error
        found = self.find_facts(key)
        if found is None or (found.sha256 or self._hashed(key)) != sha256:
            raise UnitFailedError("SOURCE_CHANGED", f"{key} is there already with other bytes.", key=key) from error

    def _hashed(self, key: str) -> str:
        """Return the SHA-256 of an object that does not say it: no ETag does, however it came and is encrypted."""
        digest = hashlib.sha256()
        for block in self.stream(key):
            digest.update(block)
        return digest.hexdigest()

    def writer(self, key: str, content_type: str) -> "ObjectWriter":
        """Return a writer for an immutable object of any size in bounded memory."""
        return ObjectWriter(self, key, content_type)

    def presign_get(self, key: str, filename: str | None, content_type: str, seconds: int = URL_SECONDS) -> str:
        """Return a URL that downloads one object under the given file name for `seconds`, or without one shows it."""
        disposition = "inline" if filename is None else f'attachment; filename="{filename}"'
        wanted = {"ResponseContentDisposition": disposition, "ResponseContentType": content_type}
        parameters = {"Bucket": self.bucket, "Key": key, **wanted}
        url: str = s3().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        return url

    def presign_put(
        self, key: str, content_type: str, length: int | None, sha256: str | None, seconds: int = URL_SECONDS
    ) -> tuple[str, dict[str, str]]:
        """Return a URL that takes one object, and the headers that the client must send with it.

        Key and content type are part of the signature, length and SHA-256 (hex) too when they are given.
        """
        parameters: dict[str, Any] = {"Bucket": self.bucket, "Key": key, "ContentType": content_type}
        headers = {"Content-Type": content_type}
        if length is not None:
            parameters["ContentLength"] = length
            headers["Content-Length"] = str(length)
        if sha256 is not None:
            checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
            parameters["ChecksumSHA256"] = checksum
            headers["x-amz-checksum-sha256"] = checksum
        url: str = s3().generate_presigned_url("put_object", Params=parameters, ExpiresIn=seconds)
        return url, headers


def changed(key: str) -> UnitFailedError:
    """Return the refusal of an object that is not there, or not the one that was written down."""
    return UnitFailedError("SOURCE_CHANGED", f"The object {key} is gone or changed.", key=key)


def side_by_side(read: Callable[[_Wanted], _Found], wanted: Sequence[_Wanted]) -> Iterator[_Found]:
    """Yield what is read, in order; no more than `_AHEAD` objects are read before they are asked for."""
    if len(wanted) < SIDE_BY_SIDE:  # threads cost more than they bring
        yield from map(read, wanted)
        return
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for at in range(0, len(wanted), _AHEAD):
            yield from pool.map(read, wanted[at : at + _AHEAD])


class ObjectWriter:
    """Collects bytes and sends them in parts of some 8 MiB; one plain write when they fit one part.

    Use as a context: leaving it normally completes the object, an error aborts the upload. `sha256` and `bytes` are
    of all that was written.
    """

    def __init__(self, objects: Objects, key: str, content_type: str) -> None:
        self._objects = objects
        self._key = key
        self._content_type = content_type
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._hash = hashlib.sha256()
        self.bytes = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes so far, in hex."""
        return self._hash.hexdigest()

    def write(self, block: bytes) -> None:
        """Add bytes; sends a part whenever one is full."""
        self._hash.update(block)
        self.bytes += len(block)
        self._buffer += block
        if len(self._buffer) >= PART_BYTES:
            self._send_all()

    def copy(self, key: str, size: int) -> Iterator[bytes]:
        """Add the first `size` bytes of another object of the bucket and yield them; they are read for the hash.

        As much of it as makes a part is copied by S3 itself, from exactly the object that was read. What was begun is
        to be read to its end.
        """
        # What waits to be sent and is no part yet is filled up from the object's beginning.
        filling = LEAST_PART_BYTES - len(self._buffer) if 0 < len(self._buffer) < LEAST_PART_BYTES else 0
        begin = filling if size - filling > LEAST_PART_BYTES else size
        answer = self._objects.get(key, {"Range": f"bytes=0-{size - 1}"})
        at = 0
        for block in answer["Body"].iter_chunks(BLOCK_BYTES):
            sent = block[: max(begin - at, 0)]
            self.write(sent)
            self._hash.update(block[len(sent) :])
            self.bytes += len(block) - len(sent)
            at += len(block)
            yield block
        if at != size:
            raise changed(key)
        if begin < size:
            self._send_all()
            source = {"Bucket": self._objects.bucket, "Key": key}
            self._take(
                "upload_part_copy",
                CopySource=source,
                CopySourceIfMatch=answer["ETag"],
                CopySourceRange=f"bytes={begin}-{size - 1}",
            )

    def _send_all(self) -> None:
        if self._buffer:
            part, self._buffer = self._buffer, bytearray()
            self._take("upload_part", Body=part)

    def _take(self, operation: str, **part: Any) -> None:
        """Add the next part, sent or copied."""
        where = {"Bucket": self._objects.bucket, "Key": self._key}
        if self._upload_id is None:
            self._upload_id = s3().create_multipart_upload(**where, ContentType=self._content_type)["UploadId"]
        number = len(self._parts) + 1
        try:
            answer = getattr(s3(), operation)(**where, UploadId=self._upload_id, PartNumber=number, **part)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.PRECONDITION_FAILED:
                raise changed(part["CopySource"]["Key"]) from error
            raise
        self._parts.append({"PartNumber": number, "ETag": answer.get("CopyPartResult", answer)["ETag"]})

    def __enter__(self) -> "ObjectWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        where = {"Bucket": self._objects.bucket, "Key": self._key}
        if kind is not None:
            if self._upload_id is not None:
                self._abort(where)
            return
        if self._upload_id is None:
            self._objects.write_once(self._key, bytes(self._buffer), self._content_type)
            return
        self._complete(where)

    def _complete(self, where: dict[str, str]) -> None:
        try:
            self._send_all()
            s3().complete_multipart_upload(
                **where, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}, IfNoneMatch="*"
            )
        except ClientError as error:
            self._abort(where)
            self._objects.accept_own(error, self._key, self.sha256)
        except BotoCoreError:
            self._abort(where)
            raise

    def _abort(self, where: dict[str, str]) -> None:
        """Give an upload up; one whose completion took effect and was not heard of is there no more."""
        try:
            s3().abort_multipart_upload(**where, UploadId=self._upload_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise


def _checksum_of_all(head: Mapping[str, Any]) -> str | None:
    """Return the SHA-256 of a whole object in hex; one over the checksums of its parts ends in `-` and their count.

    >>> _checksum_of_all({"ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})[:8]
    'e3b0c442'
    >>> _checksum_of_all({"ChecksumSHA256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=-2"}) is None
    True
    """
    checksum: str = head.get("ChecksumSHA256", "")
    whole = checksum and "-" not in checksum and head.get("ChecksumType") != "COMPOSITE"
    return base64.b64decode(checksum).hex() if whole else None
