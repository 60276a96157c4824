"""Through the real tasks: a bad upload fails as a whole, its faults are told by line, and nothing else changes."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from packhouse.aws import objects
from packhouse.pipeline import ingest
from packhouse.uploads import ingest as uploads
from tests.faults.bad_rows import LABEL_ROWS, ROLLOUTS
from tests.faults.bad_uploads import (
    GOOD_LINES,
    PART_BYTES,
    BadUpload,
    Refused,
    good_lines,
    iter_bad_uploads,
    refused,
    upload_import,
    upload_revision,
)
from tests.faults.world import World, pack_of
from tests.registry import ball_rows

SEALS = ("revision.json", "import.json")


def cut_in(part_bytes: int) -> Any:
    """Return a block in which uploads are cut into parts of so many bytes."""
    return mock.patch.object(ingest.cut_parts, "__defaults__", (part_bytes,))


@pytest.fixture(autouse=True)
def small_parts() -> Iterator[None]:
    with cut_in(PART_BYTES):
        yield


@pytest.fixture(scope="module")
def pack(world: World) -> str:
    return pack_of(world.approved_revision(ball_rows(2, 2, "approved")))


def told(found: Refused) -> list[tuple[int, str]]:
    return [(fault["line"], fault["rule"]) for fault in found.shown["faults"]]


def demand_nothing_taken_in(found: Refused, bad: BadUpload, code: str) -> None:
    assert (found.shown["validation_status"], found.shown["content_hash"]) == ("failed", None)
    assert (told(found), found.shown["fault_count"]) == (bad.faults, len(bad.faults))
    assert (found.job["status"], found.job["error"]["code"]) == ("failed", code)
    assert f"line {bad.faults[0][0]}" in found.job["error"]["detail"]
    assert not {name for name in found.objects if name in SEALS}


@pytest.mark.parametrize("bad", list(iter_bad_uploads(LABEL_ROWS)), ids=lambda bad: bad.name)
def test_a_bad_revision_fails_and_its_pack_is_what_it_was(world: World, pack: str, bad: BadUpload) -> None:
    revision = upload_revision(world, pack, bad.body)
    before = world.call("GET", pack)
    with cut_in(bad.part_bytes):
        demand_nothing_taken_in(refused(world, revision), bad, "LABEL_ROWS_INVALID")
    changed = {"validation_status": "failed", "updated_at": mock.ANY}
    assert world.call("GET", pack) == before | changed
    assert before["newest_approved"]["revision"] == 1


@pytest.mark.parametrize("bad", list(iter_bad_uploads(ROLLOUTS)), ids=lambda bad: bad.name)
def test_a_bad_import_fails_and_brings_no_rollout(world: World, bad: BadUpload) -> None:
    with cut_in(bad.part_bytes):
        demand_nothing_taken_in(refused(world, upload_import(world, bad.body)), bad, "ROLLOUTS_INVALID")
    assert world.call("GET", "/api/v1/rollouts")["items"] == []


def test_a_revision_with_one_bad_line_goes_into_no_build_even_when_it_is_approved(world: World) -> None:
    wanted = {"capability": "ball_detection", "name": "a pack"}
    pack_id = world.call("POST", "/api/v1/label-packs", wanted)["label_pack_id"]
    pack = f"/api/v1/label-packs/{pack_id}"
    revision = upload_revision(world, pack, b"".join([*good_lines(LABEL_ROWS, 1), b"{}\n"]))
    refused(world, revision)
    for status in ("REVIEWED", "APPROVED"):
        world.request("POST", f"{revision}/eligibility", {"status": status})
    world.request("POST", f"{pack}/review", {"decision": "approve"})
    body = {"capability": "ball_detection", "label_pack_ids": [pack_id]}
    answered = world.request("POST", "/api/v1/datasets/build", body)
    assert (answered.status, answered.body["code"]) == (400, "NO_ELIGIBLE_LABEL_DATA")


def test_what_unpacks_to_more_than_an_upload_may_have_fails_at_the_line_of_the_limit(world: World, pack: str) -> None:
    lines = good_lines(LABEL_ROWS, 1)
    limit = sum(map(len, lines[:4])) + 5
    revision = upload_revision(world, pack, gzip.compress(b"".join(lines)))
    with mock.patch.object(uploads, "UPLOAD_BYTES", limit):
        found = refused(world, revision)
    assert told(found) == [(5, "UPLOAD_TOO_LARGE")]


def test_of_very_many_faults_the_end_of_the_gzip_bytes_is_told_all_the_same(world: World, pack: str) -> None:
    found = refused(world, upload_revision(world, pack, gzip.compress(b"{}\n" * 300)[:-1]))
    assert told(found) == [*((line, "ROW_FORM") for line in range(1, 100)), (301, "GZIP_TRUNCATED")]
    assert found.shown["fault_count"] == 301


@pytest.mark.parametrize("members", [1, 5], ids=["one member", "members"])
def test_what_is_packed_comes_to_the_same_as_what_is_not(world: World, pack: str, members: int) -> None:
    body = b"\xef\xbb\xbf" + b"".join(good_lines(LABEL_ROWS, 3))
    size = -(-len(body) // members)
    packed = b"".join(gzip.compress(body[at : at + size]) for at in range(0, len(body), size))
    shown = []
    for sent in (body, packed):
        revision = upload_revision(world, pack, sent)
        ran = world.run_job(world.call("POST", f"{revision}/submit")["job_id"])
        assert ran["upload"]["units"] > 2
        shown.append(world.call("GET", revision))
    assert shown[0]["content_hash"] == shown[1]["content_hash"]
    assert [each["rows"] for each in shown] == [GOOD_LINES, GOOD_LINES]


def test_an_upload_that_unpacks_to_several_parts_of_an_object_is_taken_in_whole(world: World) -> None:
    """Nine megabytes: more than one part of a multipart upload."""
    rows: list[dict[str, Any]] = [
        {"sample_id": f"s{number}", "labels": None, "group": "g" * 180} for number in range(42_000)
    ]
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    wanted = {"capability": "ball_detection", "name": "large"}
    pack = f"/api/v1/label-packs/{world.call('POST', '/api/v1/label-packs', wanted)['label_pack_id']}"
    revision = upload_revision(world, pack, gzip.compress(body, 1))
    with cut_in(ingest.PART_BYTES):
        ran = world.run_job(world.call("POST", f"{revision}/submit")["job_id"])
    assert (ran["upload"]["units"], ran["sealed"]["rows"]) == (2, len(rows))
    assert world.uploads.read(ran["upload"]["key"]) == body


def test_other_bytes_than_announced_are_refused_when_the_bucket_knows_their_checksum(world: World, pack: str) -> None:
    body, other = (b"".join(good_lines(LABEL_ROWS, seed)) for seed in (5, 6))
    announced = {"upload": "presigned", "sha256": hashlib.sha256(body).hexdigest()}
    made = world.call("POST", f"{pack}/revisions", announced)
    key = f"projects/{made['project_id']}/label-packs/{made['label_pack_id']}/{made['revision_id']}/upload.ndjson"
    submit = f"{pack}/revisions/{made['revision_id']}/submit"
    put = {"Bucket": world.uploads.bucket, "Key": key, "ChecksumAlgorithm": "SHA256"}
    objects.s3().put_object(**put, Body=other)
    answered = world.request("POST", submit)
    assert (answered.status, answered.body["code"]) == (409, "UPLOAD_MISMATCH")
    assert "SHA-256" in answered.body["detail"]
    objects.s3().put_object(**put, Body=body)
    world.run_job(world.call("POST", submit)["job_id"])
