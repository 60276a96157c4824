"""A task of an ingest that comes twice, late or killed leaves the same; one that is stopped takes nothing in."""

import gzip
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from unittest import mock

import pytest

from packhouse.errors import ConflictError, UnitFailedError
from packhouse.pipeline import ingest
from tests.faults.bad_uploads import upload_revision
from tests.faults.deliveries import Delivered, Late, kill_again, run_job, run_stopped, twice
from tests.faults.drawn_builds import small_parts
from tests.faults.machine import Invoke
from tests.faults.world import Memory, World, pack_of
from tests.registry import as_ndjson, ball_rows

Json = dict[str, Any]
TASKS = ("open_upload", "ingest_part 0", "ingest_part 2", "seal_revision")
FACTS = ("validation_status", "rows", "groups", "content_hash", "fault_count", "faults")


class Left(NamedTuple):
    """What an ingest left: the SHA-256 of its objects by name, and what is told of the revision."""

    objects: dict[str, str]
    facts: Json


class Undisturbed(NamedTuple):
    """A pack with a revision whose upload lies there, and what its ingest leaves."""

    memory: Memory
    revision: str
    left: Left


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with small_parts(), mock.patch.object(ingest.cut_parts, "__defaults__", (1_000,)):
        yield


@pytest.fixture(scope="module")
def undisturbed(world: World) -> Undisturbed:
    """The upload is in gzip, so large that what is unpacked is written in parts, and cut into several."""
    wanted = {"capability": "ball_detection", "name": "a pack"}
    pack = f"/api/v1/label-packs/{world.call('POST', '/api/v1/label-packs', wanted)['label_pack_id']}"
    revision = upload_revision(world, pack, gzip.compress(as_ndjson(ball_rows()), mtime=0))
    memory = world.remember()
    job_id = submit(world, revision)
    names = []

    def note(folder: str, payload: Json) -> Any:
        names.append(Delivered(folder, payload).name)
        return world.invoke(folder, payload)

    run_job(world, job_id, note)
    assert set(TASKS) <= set(names)
    left = left_by(world, revision, job_id)
    assert (left.facts["validation_status"], left.facts["rows"]) == ("passed", 24)
    return Undisturbed(memory, revision, left)


def submit(world: World, revision: str) -> str:
    return str(world.call("POST", f"{revision}/submit")["job_id"])


def left_by(world: World, revision: str, job_id: str) -> Left:
    """Return what an ingest left, but the notes of tasks that came late."""
    job = world.call("GET", f"/api/v1/jobs/{job_id}")
    found = world.call("GET", revision)
    objects = world.objects(world.job(job_id)[1]["prefix"])
    facts = {name: found[name] for name in FACTS} | {name: job[name] for name in ("status", "error", "done", "total")}
    return Left({name: each for name, each in objects.items() if not name.startswith("failures/")}, facts)


def ingested_again(world: World, undisturbed: Undisturbed, invoke: Invoke | None = None) -> Left:
    """Take everything back and ingest once more, through `invoke`; return what that left."""
    world.recall(undisturbed.memory)
    job_id = submit(world, undisturbed.revision)
    run_job(world, job_id, invoke)
    return left_by(world, undisturbed.revision, job_id)


def test_an_ingest_comes_to_the_same_when_all_its_tasks_are_delivered_twice(
    world: World, undisturbed: Undisturbed
) -> None:
    assert ingested_again(world, undisturbed) == undisturbed.left
    assert ingested_again(world, undisturbed, twice(world)) == undisturbed.left
    assert world.buckets.unfinished() == []


@pytest.mark.parametrize("task", TASKS)
def test_a_second_delivery_moves_nothing_wherever_it_is_killed(
    world: World, undisturbed: Undisturbed, task: str
) -> None:
    kills: list[int] = []
    late = Late(world, task, lambda delivered, result: kills.append(kill_again(world, delivered[-1], result)))
    assert ingested_again(world, undisturbed, late) == undisturbed.left
    assert kills[0] > 0


@pytest.mark.parametrize("task", TASKS[1:])
def test_tasks_that_come_late_move_nothing_back(world: World, undisturbed: Undisturbed, task: str) -> None:
    """Behind a task, every one before it comes again: the revision stays as it is, and comes to the same."""
    wrongs: list[str] = []

    def all_again(delivered: list[Delivered], _: Any) -> None:
        before = world.call("GET", undisturbed.revision)
        for late in delivered[:-1]:
            with suppress(ConflictError):
                world.invoke(*late)
            if world.call("GET", undisturbed.revision) != before:
                wrongs.append(f"{late.name} behind {task}")

    late = Late(world, task, all_again)
    assert ingested_again(world, undisturbed, late) == undisturbed.left
    assert (late.times, wrongs) == (1, [])


def assert_took_nothing_in(world: World, revision: str, job_id: str, ended: str, code: str) -> None:
    """The revision says that it failed, and why; nothing is tried again."""
    found = world.call("GET", revision)
    assert (found["validation_status"], found["content_hash"]) == ("failed", None)
    assert found["faults"][0]["rule"] == code
    job = world.call("GET", f"/api/v1/jobs/{job_id}")
    assert (job["status"], job["error"]["code"]) == (ended, code)
    refused = world.request("POST", f"{revision}/submit")
    assert (refused.status, refused.body["code"]) == (409, "REVISION_ALREADY_SUBMITTED")


def assert_stays_out(world: World, revision: str, late: list[Delivered]) -> None:
    """Tasks that come late, and may have to be refused, move nothing; whoever approves it builds nothing from it."""
    found = world.call("GET", revision)
    for each in late:
        with suppress(ConflictError, UnitFailedError):
            world.invoke(*each)
    assert world.call("GET", revision) == found
    world.call("POST", f"{pack_of(revision)}/review", {"decision": "approve"})
    for status in ("REVIEWED", "APPROVED"):
        world.call("POST", f"{revision}/eligibility", {"status": status})
    wanted = {"capability": "ball_detection", "label_pack_ids": [revision.split("/")[4]]}
    refused = world.request("POST", "/api/v1/datasets/build", wanted)
    assert refused.body["code"] == "NO_ELIGIBLE_LABEL_DATA"
    assert "LABEL_PACK_VALIDATION_NOT_PASSED" in refused.text


@pytest.mark.parametrize("stop", TASKS)
def test_what_is_cancelled_stays_cancelled(world: World, undisturbed: Undisturbed, stop: str) -> None:
    world.recall(undisturbed.memory)
    revision, job_id = undisturbed.revision, submit(world, undisturbed.revision)

    def cancel() -> None:
        world.call("POST", f"/api/v1/jobs/{job_id}/cancel")
        assert world.executions.status[job_id] == "ABORTED"
        assert_took_nothing_in(world, revision, job_id, "cancelled", "JOB_CANCELLED")

    late = run_stopped(world, job_id, stop, cancel)
    world.sweep()
    assert_took_nothing_in(world, revision, job_id, "cancelled", "JOB_CANCELLED")
    assert_stays_out(world, revision, late)


@pytest.mark.parametrize("stop", TASKS)
def test_what_an_execution_left_open_fails(world: World, undisturbed: Undisturbed, stop: str) -> None:
    world.recall(undisturbed.memory)
    revision, job_id = undisturbed.revision, submit(world, undisturbed.revision)

    def abort() -> None:
        world.executions.status[job_id] = "ABORTED"
        world.sweep()

    late = run_stopped(world, job_id, stop, abort)
    assert_took_nothing_in(world, revision, job_id, "failed", "EXECUTION_ABORTED")
    assert_stays_out(world, revision, late)


@pytest.mark.parametrize(
    ("stop", "ending", "code", "unit"),
    [
        ("open_upload", "upload.ndjson", "UPLOAD_MISSING", None),
        ("ingest_part 2", "upload.ndjson.unpacked", "SOURCE_CHANGED", "IngestParts 2"),
        ("seal_revision", "ingest/00001.json", "SOURCE_CHANGED", None),
        ("seal_revision", "chunks/00001.stats.json", "SOURCE_CHANGED", None),
    ],
)
def test_what_fails_says_why_and_stays_failed(
    world: World, undisturbed: Undisturbed, stop: str, ending: str, code: str, unit: str | None
) -> None:
    world.recall(undisturbed.memory)
    revision, job_id = undisturbed.revision, submit(world, undisturbed.revision)
    bucket = world.uploads if ending.startswith("upload") else world.data
    key = f"{world.job(job_id)[1]['prefix']}{ending}"

    def lose() -> None:
        assert bucket.find_facts(key) is not None
        bucket.remove([key])

    late = run_stopped(world, job_id, stop, lose)
    assert_took_nothing_in(world, revision, job_id, "failed", code)
    assert world.call("GET", f"/api/v1/jobs/{job_id}")["error"]["unit"] == unit
    assert_stays_out(world, revision, late)
