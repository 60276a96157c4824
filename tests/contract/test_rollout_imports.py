"""Rollouts by presigned upload, over HTTP on the deployed template: taken in whole or refused line by line, once."""

import gzip
import json

import httpx
import pytest

from tests.registry import JOBS, Project, as_ndjson, problem, sha256
from tests.training import (
    IMPORTS,
    ROLLOUTS,
    RolloutProject,
    answered,
    rollout,
    rollouts,
    said,
    texts,
)


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    return RolloutProject.new(project)


def submitted(labs: RolloutProject, import_id: str) -> str:
    """Submit an import, wait until its job has ended, however, and return the job's id."""
    job_id = str(labs.post(IMPORTS, import_id, "submit", status=202)["job_id"])
    labs.project.job_at_its_end(job_id)
    return job_id


def test_an_upload_is_taken_in_when_it_is_submitted(labs: RolloutProject) -> None:
    body = as_ndjson(rollouts(1_200))
    made = labs.upload(body, content_length=len(body), sha256=sha256(body))
    assert labs.get(IMPORTS, made)["validation_status"] == "pending"
    assert labs.listed(ROLLOUTS) == []
    answer = labs.call("POST", IMPORTS, made, "submit")
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    assert answer.headers["Location"] == f"{JOBS}/{job_id}"
    job = labs.project.job_at_its_end(job_id)
    assert (job["kind"], job["status"], job["import_id"]) == ("rollout_ingest", "ready", made)
    found = labs.get(IMPORTS, made)
    assert (found["validation_status"], found["rollouts"], found["fault_count"]) == ("passed", 1_200, 0)
    assert found["statistics"]["statuses"] == {"completed": 1_200}
    assert [one["rollout_index"] for one in labs.listed(ROLLOUTS)] == list(range(1_200))
    assert len(labs.rows(labs.new_ready())) == 1_200


def test_an_upload_means_what_the_same_rollouts_in_a_request_mean(labs: RolloutProject) -> None:
    """Whatever their keys' order, white space and line ends; an upload needs no last line end."""
    sent = [*rollouts(5), rollout("whole", [said("Größe\u2028"), answered("Ja.", "Hm.")], scores={"ifd_score": 1})]
    lines = [json.dumps(dict(reversed(one.items())), ensure_ascii=False, indent=None) for one in sent]
    uploaded = labs.take_in(b"\xef\xbb\xbf" + " \r\n\t".join(lines).encode())
    inline = labs.send(sent)
    assert uploaded["validation_status"] == "passed"
    assert [uploaded[name] for name in ("content_hash", "rollouts", "statistics")] == [
        inline[name] for name in ("content_hash", "rollouts", "statistics")
    ]
    by_import = [labs.get(ROLLOUTS, one["id"])["rollout"] for one in labs.listed(ROLLOUTS)]
    assert by_import[:6] == by_import[6:] == sent


def test_faults_are_told_by_line_and_nothing_is_taken_in(labs: RolloutProject) -> None:
    lines = [json.dumps(one).encode() for one in rollouts(9)]
    lines[1] = b'{"rollout_id": "r'
    lines[3] = json.dumps(rollout("three", [said("Hi."), answered("<no_response/>")])).encode()
    lines[5] = b""
    lines[6] = json.dumps(rollout("six", temperature=-1)).encode()
    lines[8] = lines[0]
    found = labs.take_in(b"\n".join(lines))
    assert (found["validation_status"], found["fault_count"], found["content_hash"]) == ("failed", 5, None)
    assert [(one["line"], one["rule"], one["pointer"]) for one in found["faults"]] == [
        (2, "NOT_JSON", ""),
        (4, "CANONICAL_TOKEN", "/events/1/content"),
        (6, "LINE_EMPTY", ""),
        (7, "ROW_FORM", "/temperature"),
        (9, "DUPLICATE_ROLLOUT_ID", "/rollout_id"),
    ]
    error = labs.project.job(found["job_id"])["error"]
    assert error["code"] == "ROLLOUTS_INVALID"
    assert labs.listed(ROLLOUTS) == []
    made = labs.create()
    assert labs.wait_until(made, "failed")["code"] == "NO_ROLLOUTS"


def test_the_first_hundred_faults_are_told_and_all_are_counted(labs: RolloutProject) -> None:
    found = labs.take_in([*rollouts(3), *({"rollout_id": f"r-{at}-faulty"} for at in range(250))])
    assert (found["fault_count"], [one["line"] for one in found["faults"]]) == (250, list(range(4, 104)))


@pytest.mark.parametrize("body", [b"", b"\n"])
def test_an_upload_without_a_rollout_is_refused(labs: RolloutProject, body: bytes) -> None:
    made = labs.upload(body)
    job = labs.project.job(submitted(labs, made))
    assert job["error"]["code"] == "ROLLOUTS_INVALID"
    assert labs.get(IMPORTS, made)["validation_status"] == "failed"


def test_what_is_packed_is_taken_in_as_what_is_not(labs: RolloutProject) -> None:
    body = as_ndjson(rollouts(30))
    packed = gzip.compress(body[:999]) + gzip.compress(body[999:])
    made = labs.upload(packed, content_length=len(packed), sha256=sha256(packed))
    assert labs.project.job(submitted(labs, made))["status"] == "ready"
    found, plain = labs.get(IMPORTS, made), labs.take_in(body)
    assert (found["content_hash"], found["rollouts"]) == (plain["content_hash"], 30)


def test_gzip_bytes_that_end_too_early_are_told_at_the_line_that_they_end_at(labs: RolloutProject) -> None:
    lines = [json.dumps(one).encode() + b"\n" for one in rollouts(9)]
    found = labs.take_in(gzip.compress(b"".join([*lines[:4], b"{}\n", *lines[4:]]))[:-4])
    told = [(one["line"], one["rule"]) for one in found["faults"]]
    assert (found["validation_status"], told) == ("failed", [(5, "ROW_FORM"), (11, "GZIP_TRUNCATED")])
    assert labs.listed(ROLLOUTS) == []


def test_other_bytes_than_announced_are_refused_by_the_presigned_url(labs: RolloutProject) -> None:
    """S3 compares the SHA-256 that is signed with the bytes that come."""
    body = as_ndjson(rollouts(2))
    made = labs.post(IMPORTS, status=201, content_length=len(body), sha256=sha256(body))
    signed, other = made["upload"], body.replace(b"r-0", b"r-9")
    assert other != body
    assert len(other) == len(body)
    answer = httpx.put(signed["url"], content=other, headers=signed["headers"])
    assert (answer.status_code, "BadDigest" in answer.text) == (400, True)
    problem(labs.call("POST", IMPORTS, made["import_id"], "submit"), 409, "UPLOAD_MISSING")


def test_an_import_is_submitted_once(labs: RolloutProject) -> None:
    """The refusal names the job; a failed one is not submitted again either, nor one that came in a request."""
    made = labs.upload(as_ndjson(rollouts(3)))
    job_id = submitted(labs, made)
    refused = problem(labs.call("POST", IMPORTS, made, "submit"), 409, "IMPORT_ALREADY_SUBMITTED")
    assert job_id in refused["detail"]
    faulty = labs.take_in(b"no rollout")["import_id"]
    problem(labs.call("POST", IMPORTS, faulty, "submit"), 409, "IMPORT_ALREADY_SUBMITTED")
    inline = labs.send([rollout("inline")])["import_id"]
    problem(labs.call("POST", IMPORTS, inline, "submit"), 409, "IMPORT_ALREADY_SUBMITTED")
    assert len(labs.listed(ROLLOUTS)) == 4


def test_nothing_is_submitted_before_its_bytes_are_there(labs: RolloutProject) -> None:
    made = labs.post(IMPORTS, status=201)
    problem(labs.call("POST", IMPORTS, made["import_id"], "submit"), 409, "UPLOAD_MISSING")
    labs.project.editor.put_signed(made["upload"], as_ndjson(rollouts(1)))
    assert labs.project.job(submitted(labs, made["import_id"]))["status"] == "ready"


def test_other_bytes_than_announced_are_not_taken_in(labs: RolloutProject) -> None:
    """They are put there past the signature, which S3 holds a client to."""
    body = as_ndjson(rollouts(2))
    made = labs.post(IMPORTS, status=201, content_length=len(body), sha256=sha256(body))
    stack = labs.project.registry.stack
    key = f"projects/{labs.project.project_id}/rollout-imports/{made['import_id']}/upload.ndjson"
    place = {"Bucket": stack.buckets["uploads"], "Key": key}
    stack.client("s3").put_object(**place, Body=body[:-2])
    problem(labs.call("POST", IMPORTS, made["import_id"], "submit"), 409, "UPLOAD_MISMATCH")
    assert labs.get(IMPORTS, made["import_id"])["validation_status"] == "pending"
    stack.client("s3").put_object(**place, Body=body)
    assert labs.project.job(submitted(labs, made["import_id"]))["status"] == "ready"


def test_an_ingest_that_is_cancelled_takes_nothing_in(labs: RolloutProject) -> None:
    made = labs.upload(as_ndjson(rollouts(3)))
    with labs.project.registry.holding("RolloutIngestMachine", "SealImport", 30):
        job_id = labs.post(IMPORTS, made, "submit", status=202)["job_id"]
        labs.post(JOBS, job_id, "cancel")
    assert labs.project.job(job_id)["status"] == "cancelled"
    assert labs.get(IMPORTS, made)["validation_status"] == "failed"
    assert labs.listed(ROLLOUTS) == []


def test_what_is_taken_in_meanwhile_is_of_the_next_dataset(labs: RolloutProject) -> None:
    """The imports of a dataset are listed once, when its rows are planned."""
    first, second = rollouts(2, "first"), rollouts(2, "second")
    labs.send(first)
    with labs.held("preview", 2) as made:
        labs.send(second)
    labs.wait_until(made, "ready")
    assert [texts(row)[1] for row in labs.rows(made)] == [one["events"][1]["content"] for one in first]
    assert len(labs.rows(labs.new_ready())) == 4


def test_uploads_are_nobodys_but_the_projects(labs: RolloutProject) -> None:
    made = labs.upload(as_ndjson(rollouts(1)))
    stranger = RolloutProject.new(labs.project.registry.new_project())
    for method, steps in (("GET", ()), ("POST", ("submit",))):
        problem(stranger.call(method, IMPORTS, made, *steps), 404, "IMPORT_NOT_FOUND")
    assert stranger.listed(IMPORTS) == []
    assert labs.call("GET", IMPORTS, made).status_code == httpx.codes.OK
