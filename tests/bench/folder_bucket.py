"""Objects as files of a folder: what stands in for S3 where a peer works on files too."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from packhouse.aws import objects


class Body:
    """What is read of a file, from `start` on and before `end`."""

    def __init__(self, path: Path, start: int, end: int | None) -> None:
        self._path, self._start, self._end = path, start, end

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        """Yield blocks."""
        with self._path.open("rb") as file:
            left = (self._end or file.seek(0, io.SEEK_END)) - self._start
            file.seek(self._start)
            while left > 0 and (block := file.read(min(size, left))):
                left -= len(block)
                yield block


class FolderClient:
    """The calls of an S3 client that the tasks up to the shards make. An ETag is a file's size and time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", IfMatch: str = "") -> dict[str, Any]:  # noqa: N803
        path = self._path(Bucket, Key)
        if IfMatch and IfMatch != self._etag(path):
            raise _refused(412, "PreconditionFailed", "GetObject")
        start, _, last = Range.removeprefix("bytes=").partition("-")
        return {"Body": Body(path, int(start or 0), int(last) + 1 if last else None)}

    def head_object(self, *, Bucket: str, Key: str, **_: object) -> dict[str, Any]:  # noqa: N803
        path = self._path(Bucket, Key)
        return {"ContentLength": path.stat().st_size, "ETag": f'"{self._etag(path)}"', "Metadata": {}}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "", **_: object) -> None:  # noqa: N803
        path = self._folder / Bucket / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb" if IfNoneMatch else "wb") as file:
                file.write(Body)
        except FileExistsError:
            raise _refused(412, "PreconditionFailed", "PutObject") from None

    def _path(self, bucket: str, key: str) -> Path:
        path = self._folder / bucket / key
        if not path.exists():
            raise _refused(404, "NoSuchKey", "GetObject")
        return path

    def _etag(self, path: Path) -> str:
        facts = path.stat()
        return hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:32]


def _refused(status: int, code: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def use_folder(folder: Path) -> None:
    """Let every bucket of this process be a folder."""
    client = FolderClient(folder)
    objects.s3 = lambda: client  # type: ignore[assignment]  # nobody clears its cache here
