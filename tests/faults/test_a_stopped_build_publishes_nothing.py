"""A build that is cancelled or fails, in whatever state, ends as that: nothing is published, then or later."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from packhouse.errors import ConflictError, UnitFailedError
from tests.faults.deliveries import Delivered, run_job, run_stopped
from tests.faults.drawn_builds import (
    DATASETS,
    Built,
    Ground,
    detail,
    differences,
    lay_ground,
    left_by,
    request,
    row_told,
    small_parts,
)
from tests.faults.gate import go_on
from tests.faults.world import Memory, World

Json = dict[str, Any]
STOPS = (
    "plan_build", "build_shard 0", "build_shard 1", "evaluate_quality", "materialize_shard 0", "materialize_shard 2",
    "settle_materialization", "export_format ndjson-train", "export_format coco-train", "export_format yolo-train",
    "seal_version",
)  # fmt: skip
SETTLED = ("export_format", "seal_version")
EXPORT_NAMES = ("train.ndjson", "coco-train.json", "yolo-train.tar.gz", "README.md", "manifest.json")


class _StoppedError(BaseException):
    """The test has seen enough of the machine."""


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with small_parts():
        yield


@pytest.fixture(scope="module")
def laid(world: World) -> tuple[Ground, Memory]:
    ground = lay_ground(world, ("a", "b"))
    return ground, world.remember()


@pytest.fixture
def ground(world: World, laid: tuple[Ground, Memory]) -> Ground:
    world.recall(laid[1])
    return laid[0]


def deliver_all(world: World, built: Built, late: list[Delivered]) -> None:
    """Deliver tasks once more, which may have to be refused; the version stays what it is."""
    before = detail(world, built)
    for each in late:
        with suppress(ConflictError, UnitFailedError):
            world.invoke(*each)
    assert detail(world, built) == before


def assert_published_nothing(world: World, built: Built, ended: str, code: str, unit: str | None = None) -> Json:
    """Nobody who looks gets anything of it; return what it says of itself."""
    found = detail(world, built)
    assert (found["build_status"], found["job"]["error"]["code"]) == (ended, code)
    assert found["provenance"]["manifest_hash"] is None
    job = world.call("GET", f"/api/v1/jobs/{built.job_id}")
    assert (job["status"], job["error"]["code"], job["error"]["unit"]) == (ended, code, unit)
    told = row_told(world, built)
    assert (told["build_status"], told["manifest_hash"]) == (ended, None)
    assert told["materialization_status"] == found["materialization_status"]
    assert world.call("GET", f"{DATASETS}?status=ready")["items"] == []
    for path in ("exports", *(f"exports/{name}" for name in EXPORT_NAMES), f"diff?against={built.version_id}"):
        refused = world.request("GET", f"{built.path}/{path}")
        assert (refused.status, refused.body["code"]) == (409, "DATASET_NOT_READY"), path
    return found


def cancel(world: World, built: Built) -> None:
    """Cancel a build that runs."""
    told = world.call("POST", f"/api/v1/jobs/{built.job_id}/cancel")
    assert (told["status"], told["error"]["code"]) == ("cancelled", "JOB_CANCELLED")
    assert world.executions.status[built.job_id] == "ABORTED"
    assert_published_nothing(world, built, "cancelled", "JOB_CANCELLED")


def assert_next_is_new(world: World, ground: Ground, built: Built) -> Built:
    """The next request of the same builds anew."""
    anew = request(world, ground)
    assert anew.version_id != built.version_id
    return anew


@pytest.mark.parametrize("stop", STOPS)
def test_what_is_cancelled_stays_cancelled(world: World, ground: Ground, stop: str) -> None:
    built = request(world, ground)

    late = run_stopped(world, built.job_id, stop, lambda: cancel(world, built))
    world.sweep()
    deliver_all(world, built, late)
    found = assert_published_nothing(world, built, "cancelled", "JOB_CANCELLED")
    assert found["materialization_status"] == ("partial" if stop.startswith(SETTLED) else "failed")
    assert_next_is_new(world, ground, built)


@pytest.mark.parametrize("stop", STOPS)
def test_what_an_execution_left_open_fails(world: World, ground: Ground, stop: str) -> None:
    built = request(world, ground)

    def abort() -> None:
        world.executions.status[built.job_id] = "ABORTED"
        world.sweep()
        assert_published_nothing(world, built, "failed", "EXECUTION_ABORTED")

    deliver_all(world, built, run_stopped(world, built.job_id, stop, abort))
    found = assert_published_nothing(world, built, "failed", "EXECUTION_ABORTED")
    assert found["materialization_status"] == ("partial" if stop.startswith(SETTLED) else "failed")
    assert_next_is_new(world, ground, built)


SPOILT = {
    "plan_build": ("label-packs", "chunks/00000.stats.json", None),
    "build_shard 1": ("label-packs", "chunks/00000.ndjson", "BuildShards {unit}"),
    "evaluate_quality": ("versions", "shards/train/00000.ndjson", None),
    "materialize_shard 0": ("versions", "shards/train/00000.ndjson", "MaterializeShards {unit}"),
    "settle_materialization": ("versions", "materialized/00001.json", None),
    "export_format ndjson-train": ("versions", "shards/train/00000.ndjson", "ExportFormats ndjson-train"),
    "export_format coco-train": ("versions", "parts/train/00000.coco-annotations", "ExportFormats coco-train"),
    "export_format yolo-train": ("versions", "parts/train/00000.yolo", "ExportFormats yolo-train"),
    "seal_version": ("versions", "exported/coco-train.json", None),
}
"""What is spoilt before a delivery: objects below this, that end so; and the unit that is told then."""


def spoil(world: World, below: str, ending: str) -> None:
    """Change one word of every such object, or let it be gone where it is no bytes that were written down."""
    keys = [
        facts.key
        for page in world.data.iter_facts("projects/")
        for facts in page
        if f"/{below}/" in facts.key and facts.key.endswith(ending)
    ]
    for key in keys:
        whole = world.data.read(key)
        if ending.startswith(("materialized", "exported")):
            world.data.remove([key])
        else:
            world.data.overwrite(key, whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:], "application/octet-stream")
    assert keys


@pytest.mark.parametrize("stop", SPOILT)
def test_what_fails_says_why_and_stays_failed(world: World, ground: Ground, stop: str) -> None:
    built = request(world, ground)
    below, ending, unit = SPOILT[stop]
    late = run_stopped(world, built.job_id, stop, lambda: spoil(world, below, ending))
    failing = [each.payload.get("unit") for each in late if each.folder == stop.partition(" ")[0]][-1]
    told = unit and unit.format(unit=failing)
    found = assert_published_nothing(world, built, "failed", "SOURCE_CHANGED", told)
    assert found["materialization_status"] == ("partial" if stop.startswith(SETTLED) else "failed")
    deliver_all(world, built, late)
    assert assert_published_nothing(world, built, "failed", "SOURCE_CHANGED", told) == found
    refused = world.request("POST", f"/api/v1/jobs/{built.job_id}/cancel")
    assert (refused.status, refused.body["code"]) == (409, "JOB_ENDED")
    assert_next_is_new(world, ground, built)


def test_a_source_that_is_withdrawn_before_the_seal_fails_the_build(world: World, ground: Ground) -> None:
    built = request(world, ground)
    revision = detail(world, built)["sources"]["included"][0]

    def withdraw() -> None:
        path = f"/api/v1/label-packs/{revision['label_pack_id']}/revisions/{revision['revision_id']}/eligibility"
        world.call("POST", path, {"status": "REVOKED"}, revision["workspace"])

    deliver_all(world, built, run_stopped(world, built.job_id, "seal_version", withdraw))
    found = assert_published_nothing(world, built, "failed", "SOURCES_WITHDRAWN")
    assert found["materialization_status"] == "partial"


def test_what_is_built_behind_a_cancelled_one_is_as_if_that_had_not_been(world: World, ground: Ground) -> None:
    alone = request(world, ground)
    memory = world.remember()
    world.run_job(alone.job_id)
    wanted = left_by(world, alone)
    world.recall(memory)
    run_stopped(world, alone.job_id, "seal_version", lambda: cancel(world, alone))
    anew = assert_next_is_new(world, ground, alone)
    world.run_job(anew.job_id)
    assert differences(left_by(world, anew), wanted) == {}


def overtake(world: World, call: int, happen: Callable[[], None]) -> None:
    """Let something happen before the call of this number (from 0) that is made next."""
    sides = itertools.count()  # the gate pauses on both sides of every call

    def pause() -> None:
        if next(sides) == 2 * call:
            world.gate.pause = go_on
            happen()

    world.gate.pause = pause


def test_a_seal_that_is_overtaken_by_a_cancel_publishes_nothing(world: World, ground: Ground) -> None:
    """The cancel comes before each call of the seal in turn, and in the end the seal is ready before the cancel."""
    built = request(world, ground)
    seal: list[Delivered] = []

    def invoke(folder: str, payload: Json) -> Any:
        if folder == "seal_version":
            seal.append(Delivered(folder, payload))
            raise _StoppedError
        return world.invoke(folder, payload)

    with suppress(_StoppedError):
        run_job(world, built.job_id, invoke)
    ready = world.remember()
    with world.gate.injecting(None):
        world.invoke(*seal[0])
    calls = len(world.gate.operations)
    for call in range(calls):
        world.recall(ready)
        overtake(world, call, lambda: cancel(world, built))
        with suppress(ConflictError):
            world.invoke(*seal[0])
        assert_published_nothing(world, built, "cancelled", "JOB_CANCELLED")
    world.recall(ready)
    world.invoke(*seal[0])
    late = world.request("POST", f"/api/v1/jobs/{built.job_id}/cancel")
    assert (late.status, late.body["code"]) == (409, "JOB_ENDED")
    assert detail(world, built)["build_status"] == "ready"
