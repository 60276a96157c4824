"""What is joined of other objects has their bytes, in parts that S3 takes; the large ones it copies itself."""

from typing import Any

import moto.s3.models
import pytest
from botocore.exceptions import ClientError

from packhouse.aws import objects
from packhouse.aws.objects import Objects, ObjectWriter, sha256_hex
from packhouse.errors import UnitFailedError
from tests.bench.wire import Wire
from tests.unit.conftest import BUCKETS

LEAST = 50


@pytest.fixture
def data(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Objects:
    """A bucket where a part may have 50 bytes and is sent with 80."""
    monkeypatch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", LEAST)
    monkeypatch.setattr(objects, "LEAST_PART_BYTES", LEAST)
    monkeypatch.setattr(objects, "PART_BYTES", 80)
    monkeypatch.setattr(objects, "BLOCK_BYTES", 7)
    return Objects(BUCKETS[0])


def body(number: int, size: int) -> bytes:
    return bytes((number * 31 + at) % 251 for at in range(size))


def joined(data: Objects, pieces: list[int]) -> tuple[bytes, bytes, ObjectWriter]:
    """Write pieces of these sizes, negative ones as literals; return what was joined, what was written, the writer."""
    expected, seen = b"", b""
    with data.writer("projects/p/joined", "text/plain") as writer:
        for number, size in enumerate(pieces):
            piece = body(number, abs(size))
            expected += piece
            if size < 0:
                writer.write(piece)
                seen += piece
                continue
            data.write_once(f"projects/p/{number}", piece + b"more", "text/plain")
            for block in writer.copy(f"projects/p/{number}", size):
                seen += block
    assert seen == expected
    return expected, data.read("projects/p/joined"), writer


@pytest.mark.parametrize(
    "pieces",
    [
        [60], [51], [50], [49], [10, 10], [-1, 60, -1], [-10, 200], [-49, 52], [60, 60, 60], [10, 60, 10, 60, 10],
        [-79, 51], [-200, 51, -200, 300], [49, 49, 49, 49], [300, 1, 300, 1, 300], [-60, 51, -3], [500, -500],
    ],
)  # fmt: skip
def test_what_is_joined_has_all_bytes_in_their_order(data: Objects, pieces: list[int]) -> None:
    expected, written, writer = joined(data, pieces)
    assert written == expected
    assert (writer.bytes, writer.sha256) == (len(expected), sha256_hex(expected))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every part that is sent or copied."""
    parts: list[tuple[str, dict[str, Any]]] = []
    take = ObjectWriter._take

    def taking(writer: ObjectWriter, operation: str, **part: Any) -> None:
        parts.append((operation, part))
        take(writer, operation, **part)

    monkeypatch.setattr(ObjectWriter, "_take", taking)
    return parts


def test_large_pieces_are_copied_and_what_is_between_them_is_sent(
    data: Objects, taken: list[tuple[str, dict[str, Any]]]
) -> None:
    joined(data, [300, -10, 300, 60])
    copied = "upload_part_copy"
    assert [operation for operation, _ in taken] == [copied, "upload_part", copied, copied]
    assert [part.get("CopySourceRange") for _, part in taken] == ["bytes=0-299", None, "bytes=40-299", "bytes=0-59"]


def test_only_what_was_read_is_copied(data: Objects, taken: list[tuple[str, dict[str, Any]]]) -> None:
    joined(data, [300])
    facts = data.find_facts("projects/p/0")
    assert facts is not None
    assert taken[0][1]["CopySourceIfMatch"].strip('"') == facts.etag


def test_an_object_that_changed_since_it_was_read_is_refused(data: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(**_: Any) -> None:
        failed = {"Error": {"Code": "PreconditionFailed"}, "ResponseMetadata": {"HTTPStatusCode": 412}}
        raise ClientError(failed, "UploadPartCopy")  # type: ignore[arg-type]

    monkeypatch.setattr(objects.s3(), "upload_part_copy", changed)
    with pytest.raises(UnitFailedError) as failed:
        joined(data, [300])
    assert failed.value.code == "SOURCE_CHANGED"
    assert data.find_facts("projects/p/joined") is None


def test_an_object_that_is_shorter_than_was_written_down_is_refused(data: Objects) -> None:
    data.write_once("projects/p/source", body(0, 60), "text/plain")
    with pytest.raises(UnitFailedError), data.writer("projects/p/joined", "text/plain") as writer:
        for _ in writer.copy("projects/p/source", 61):
            pass
    assert data.find_facts("projects/p/joined") is None


def test_joining_again_meets_its_own_object(data: Objects) -> None:
    assert joined(data, [60, -20, 300])[1] == joined(data, [60, -20, 300])[1]
