"""Objects that are written once: the same bytes again are accepted, other bytes are refused."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from packhouse.aws import objects
from packhouse.aws.objects import PART_BYTES, SIDE_BY_SIDE, Objects, ObjectWriter, sha256_hex
from packhouse.errors import ServiceUnavailableError, UnitFailedError
from tests.bench.wire import Wire

KIND = "application/octet-stream"
BUCKET = Objects("databucket")
SIZES = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 5]


@pytest.fixture
def bucket(wire: Wire) -> Objects:
    wire.take()
    return BUCKET


def refused(key: str) -> pytest.RaisesExc[UnitFailedError]:
    return pytest.raises(UnitFailedError, match=f"SOURCE_CHANGED: .*{key}")


def uploads() -> int:
    return len(objects.s3().list_multipart_uploads(Bucket=BUCKET.bucket).get("Uploads", []))


def bytes_of(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_128(str(seed).encode()).digest(size)


def test_an_object_is_written_with_its_hash(bucket: Objects, wire: Wire) -> None:
    assert bucket.write_once("a", b"body", KIND) is True
    assert wire.of("s3") == ("PutObject",)
    facts = bucket.find_facts("a")
    assert facts is not None
    assert (facts.key, facts.bytes, facts.sha256) == ("a", 4, sha256_hex(b"body"))
    assert bucket.read("a") == b"body"
    assert objects.s3().head_object(Bucket="databucket", Key="a")["ContentType"] == KIND


def test_the_same_bytes_again_are_accepted_and_not_made(bucket: Objects) -> None:
    assert bucket.write_once("a", b"body", KIND) is True
    assert bucket.write_once("a", b"body", KIND) is False
    assert bucket.read("a") == b"body"


def test_a_range_behind_the_end_of_an_object_is_of_another_one(bucket: Objects) -> None:
    bucket.write_once("a", b"", KIND)
    bucket.write_once("b", b"body", KIND)
    assert list(bucket.iter_ranges([("b", 0, 9), ("b", 2, 4)])) == [b"body", b"dy"]
    for key, start in (("a", 0), ("b", 4)):
        with refused(key):
            bucket.read_range(key, start, start + 1)


@pytest.mark.parametrize("other", [b"", b"Body", b"body ", b"bod"])
def test_other_bytes_are_refused_and_change_nothing(bucket: Objects, other: bytes) -> None:
    bucket.write_once("a", b"body", KIND)
    with refused("a"):
        bucket.write_once("a", other, KIND)
    assert bucket.read("a") == b"body"


def test_an_object_of_unknown_origin_is_known_by_its_bytes(bucket: Objects) -> None:
    bucket.overwrite("a", b"body", KIND)  # without the hash that write_once stores
    assert bucket.write_once("a", b"body", KIND) is False
    with refused("a"):
        bucket.write_once("a", b"Body", KIND)


def test_an_object_of_many_parts_is_known_by_its_bytes_whatever_its_parts_were(
    bucket: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = bytes_of(2_000_000) * 10
    for size in (8, 6):
        monkeypatch.setattr(objects, "PART_BYTES", size * 1024 * 1024)
        with bucket.writer("a", KIND) as writer:
            writer.write(body)
    with refused("a"), bucket.writer("a", KIND) as writer:
        writer.write(body[:-1] + b"!")
    assert bucket.read("a") == body


def test_an_object_that_somebody_else_is_writing_is_to_be_asked_for_again(bucket: Objects) -> None:
    answer: Any = {"Error": {"Code": "ConditionalRequestConflict"}, "ResponseMetadata": {"HTTPStatusCode": 409}}
    with pytest.raises(ServiceUnavailableError):
        bucket.accept_own(ClientError(answer, "PutObject"), "a", sha256_hex(b"body"))


def test_a_note_may_be_overwritten(bucket: Objects) -> None:
    bucket.overwrite("a", b"one", KIND)
    bucket.overwrite("a", b"two", KIND)
    assert bucket.read("a") == b"two"


@pytest.mark.parametrize(("start", "end"), [(0, 1), (0, 1000), (1, 3), (999, 1000), (500, 501)])
def test_a_range_is_read_in_one_call(bucket: Objects, wire: Wire, start: int, end: int) -> None:
    body = bytes_of(1000)
    bucket.write_once("a", body, KIND)
    wire.take()
    assert bucket.read_range("a", start, end) == body[start:end]
    assert wire.of("s3") == ("GetObject",)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_many_ranges_come_in_their_order(bucket: Objects, count: int) -> None:
    body = bytes_of(1000)
    bucket.write_once("a", body, KIND)
    wanted = [("a", start, start + 7) for start in range(count)]
    assert list(bucket.iter_ranges(wanted)) == [body[start:end] for _, start, end in wanted]


def test_the_checksum_that_the_bucket_keeps_is_told_where_it_is_of_the_whole(bucket: Objects) -> None:
    def checksum(key: str) -> str | None:
        facts = bucket.find_facts(key)
        assert facts is not None
        return facts.checksum

    objects.s3().put_object(Bucket=BUCKET.bucket, Key="kept", Body=b"body", ChecksumAlgorithm="SHA256")
    bucket.overwrite("plain", b"body", KIND)
    assert (checksum("kept"), checksum("plain")) == (sha256_hex(b"body"), None)
    [listed] = bucket.iter_facts("kept")
    assert [facts.checksum for facts in listed] == [None]


def test_what_is_presigned_is_kept_under_a_name_or_shown_in_place(bucket: Objects) -> None:
    def asked(filename: str | None) -> dict[str, list[str]]:
        return parse_qs(urlsplit(bucket.presign_get("a", filename, "image/png")).query)

    assert asked("a.png")["response-content-disposition"] == ['attachment; filename="a.png"']
    assert asked(None)["response-content-disposition"] == ["inline"]
    assert asked(None)["response-content-type"] == ["image/png"]


def test_what_is_not_there_is_none_or_a_stated_failure(bucket: Objects) -> None:
    assert bucket.find_facts("a") is None
    with refused("a"):
        bucket.read_range("a", 0, 1)
    with refused("a"):
        bucket.read("a")
    with refused("a"):
        bucket.read_sealed("a", sha256_hex(b""))


def test_sealed_bytes_are_checked(bucket: Objects) -> None:
    bucket.write_once("a", b"body", KIND)
    assert bucket.read_sealed("a", sha256_hex(b"body")) == b"body"
    with refused("a"):
        bucket.read_sealed("a", sha256_hex(b"other"))


def test_a_stream_begins_where_it_is_asked_to_and_holds_to_its_object(bucket: Objects) -> None:
    body = bytes_of(3000)
    bucket.overwrite("a", body, KIND)
    facts = bucket.find_facts("a")
    assert facts is not None
    for start in (0, 1, 2999):
        blocks = list(bucket.stream("a", start, facts.etag, block=1000))
        assert b"".join(blocks) == body[start:]
        assert max(map(len, blocks)) <= 1000
    bucket.overwrite("a", body[::-1], KIND)
    with refused("a"):
        list(bucket.stream("a", 0, facts.etag))


def test_listing_pages_in_key_order_behind_a_key(bucket: Objects) -> None:
    for name in ("p/b", "p/a", "p/c", "q/a"):
        bucket.overwrite(name, name.encode(), KIND)
    assert [facts.key for page in bucket.iter_facts("p/") for facts in page] == ["p/a", "p/b", "p/c"]
    assert [facts.key for page in bucket.iter_facts("p/", "p/a") for facts in page] == ["p/b", "p/c"]
    assert [facts for page in bucket.iter_facts("none/") for facts in page] == []


WRITTEN_BYTES, SENT_BYTES = 3 * 1024 * 1024, 9 * 1024 * 1024
"""What is written at a time, and what is sent then: the first so many of them that make a part."""


def write(bucket: Objects, body: bytes, block: int = WRITTEN_BYTES) -> ObjectWriter:
    return write_all(bucket, (body[start : start + block] for start in range(0, len(body), block)))


def write_all(bucket: Objects, blocks: Iterable[bytes]) -> ObjectWriter:
    with bucket.writer("big", KIND) as writer:
        for block in blocks:
            writer.write(block)
    return writer


@pytest.mark.parametrize("size", SIZES)
def test_a_writer_writes_any_size(bucket: Objects, wire: Wire, size: int) -> None:
    body = bytes_of(size)
    writer = write(bucket, body)
    assert bucket.read("big") == body
    assert (writer.bytes, writer.sha256) == (size, sha256_hex(body))
    parts = -(-size // SENT_BYTES) if size >= PART_BYTES else 0
    assert wire.of("s3").count("UploadPart") == parts
    assert wire.of("s3").count("PutObject") == (0 if parts else 1)
    assert uploads() == 0


@pytest.mark.parametrize("size", [10, PART_BYTES + 1])
def test_a_writer_accepts_its_own_earlier_object_however_it_is_cut(bucket: Objects, size: int) -> None:
    write(bucket, bytes_of(size))
    write(bucket, bytes_of(size), block=1024 * 1024)
    assert bucket.read("big") == bytes_of(size)
    assert uploads() == 0


@pytest.mark.parametrize("first", [10, PART_BYTES + 1])
@pytest.mark.parametrize("second", [10, PART_BYTES + 1])
def test_a_writer_refuses_other_bytes_and_leaves_no_upload(bucket: Objects, first: int, second: int) -> None:
    write(bucket, bytes_of(first))
    with refused("big"):
        write(bucket, bytes_of(second, seed=1))
    assert bucket.read("big") == bytes_of(first)
    assert uploads() == 0


@pytest.mark.parametrize("size", [10, 2 * PART_BYTES])
def test_an_error_while_writing_leaves_nothing(bucket: Objects, size: int) -> None:
    def blocks() -> Iterator[bytes]:
        yield bytes_of(size)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_all(bucket, blocks())
    assert bucket.find_facts("big") is None
    assert uploads() == 0


def test_a_download_url_names_one_object_its_file_and_its_end(bucket: Objects) -> None:
    url = urlsplit(bucket.presign_get("p/a", "ball-v1-train.ndjson.gz", "application/gzip", 60))
    signed = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert url.path.endswith("p/a")
    assert signed["X-Amz-Expires"] == "60"
    assert signed["response-content-disposition"] == 'attachment; filename="ball-v1-train.ndjson.gz"'
    assert signed["response-content-type"] == "application/gzip"


@pytest.mark.parametrize(("length", "sha256"), [(None, None), (7, None), (7, sha256_hex(b"content"))])
def test_an_upload_url_signs_all_that_was_announced(bucket: Objects, length: int | None, sha256: str | None) -> None:
    url, headers = bucket.presign_put("p/a", KIND, length, sha256)
    query = parse_qs(urlsplit(url).query)
    signed = set(query["X-Amz-SignedHeaders"][0].split(";")) - {"host"}
    sent = {name.lower() for name in headers}
    # A header is bound by being signed as a header or as a parameter of the URL.
    assert sent <= signed | {name.lower() for name in query}
    assert sent == {"content-type"} | ({"content-length"} if length else set()) | (
        {"x-amz-checksum-sha256"} if sha256 else set()
    )


def test_many_objects_come_in_their_order_each_held_to_its_hash(bucket: Objects) -> None:
    bodies = {f"many/{number:03d}": f"body {number}".encode() for number in range(SIDE_BY_SIDE * 3)}
    for key, body in bodies.items():
        bucket.write_once(key, body, "text/plain")
    for count in (1, SIDE_BY_SIDE - 1, SIDE_BY_SIDE * 3):
        wanted = [(key, sha256_hex(body)) for key, body in bodies.items()][:count]
        assert list(bucket.iter_sealed(wanted)) == list(bodies.values())[:count]
    with pytest.raises(UnitFailedError, match="SOURCE_CHANGED"):
        list(bucket.iter_sealed([*wanted, ("many/000", sha256_hex(b"other"))]))
