"""A task of a build that comes twice, late or killed in the middle leaves the same bytes and the same facts."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from packhouse.errors import ConflictError
from tests.faults.deliveries import Delivered, Late, kill_again, run_job, twice
from tests.faults.drawn_builds import (
    Built,
    Ground,
    Left,
    detail,
    differences,
    lay_ground,
    left_by,
    request,
    small_parts,
)
from tests.faults.gate import Killed
from tests.faults.kinds import Fault, Kind
from tests.faults.machine import Invoke
from tests.faults.world import Memory, World

Json = dict[str, Any]
TASKS = (
    "plan_build", "build_shard 1", "evaluate_quality", "materialize_shard 1", "settle_materialization",
    "export_format ndjson-train", "export_format coco-train", "export_format yolo-train", "seal_version",
)  # fmt: skip
LATE = (
    "build_shard 1", "evaluate_quality", "materialize_shard 1", "settle_materialization", "export_format coco-train",
    "seal_version",
)  # fmt: skip


class Undisturbed(NamedTuple):
    """What there was before a build, and what it left; `calls` are those of a task's only delivery."""

    memory: Memory
    ground: Ground
    left: Left
    calls: dict[str, list[str]]


@pytest.fixture(scope="module", autouse=True)
def _parts() -> Iterator[None]:
    with small_parts():
        yield


@pytest.fixture(scope="module")
def undisturbed(world: World) -> Undisturbed:
    ground = lay_ground(world)
    memory = world.remember()
    calls: dict[str, list[str]] = {}
    built = request(world, ground)

    def count(folder: str, payload: Json) -> Any:
        with world.gate.injecting(None):
            result = world.invoke(folder, payload)
        calls[Delivered(folder, payload).name] = list(world.gate.operations)
        return result

    run_job(world, built.job_id, count)
    return Undisturbed(memory, ground, left_by(world, built), calls)


def built_again(world: World, undisturbed: Undisturbed, invoke: Invoke | None = None) -> Built:
    """Take everything back and build once more, through `invoke`."""
    world.recall(undisturbed.memory)
    built = request(world, undisturbed.ground)
    run_job(world, built.job_id, invoke)
    return built


def test_the_build_has_whatever_can_be_delivered_twice(undisturbed: Undisturbed) -> None:
    """Otherwise the tests below show less than they say."""
    assert set(TASKS) <= undisturbed.calls.keys()
    assert sum(name.startswith("build_shard") for name in undisturbed.calls) == 3
    shards = [name for name in undisturbed.left.objects if name.startswith("shards/")]
    assert all(sum(split in name for name in shards) >= 2 for split in ("train", "val", "test"))
    for unit in ("ndjson-train", "coco-train", "yolo-train"):
        assert "s3.UploadPartCopy" in undisturbed.calls[f"export_format {unit}"]
    assert "s3.CompleteMultipartUpload" in undisturbed.calls["materialize_shard 1"]
    assert "dynamodb.BatchGetItem" in undisturbed.calls["seal_version"]
    left_out = {reason for file in undisturbed.left.facts["exports"] for reason in file["left_out"]}
    assert left_out == {
        "ASSET_NOT_GIVEN", "ASSET_NOT_FOUND", "ASSET_EMPTY", "SIZE_UNKNOWN", "UNLABELLED", "INVALID_GEOMETRY",
    }  # fmt: skip
    assert undisturbed.left.facts["materialization_status"] == "partial"


def test_an_undisturbed_build_comes_to_the_same_again(world: World, undisturbed: Undisturbed) -> None:
    built = built_again(world, undisturbed)
    assert differences(left_by(world, built), undisturbed.left) == {}
    assert world.buckets.unfinished() == []


def test_a_build_comes_to_the_same_when_all_its_tasks_are_delivered_twice(
    world: World, undisturbed: Undisturbed
) -> None:
    built = built_again(world, undisturbed, twice(world))
    assert differences(left_by(world, built), undisturbed.left) == {}
    assert world.buckets.unfinished() == []


@pytest.mark.parametrize("task", TASKS)
def test_a_second_delivery_moves_nothing_wherever_it_is_killed(
    world: World, undisturbed: Undisturbed, task: str
) -> None:
    """Its machine has gone on with the first: nobody delivers the second again."""
    kills: list[int] = []
    late = Late(world, task, lambda delivered, result: kills.append(kill_again(world, delivered[-1], result)))
    built = built_again(world, undisturbed, late)
    assert kills[0] > 0
    assert differences(left_by(world, built), undisturbed.left) == {}


@pytest.mark.parametrize("task", LATE)
def test_tasks_that_come_late_move_nothing_back(world: World, undisturbed: Undisturbed, task: str) -> None:
    """Behind a task, every one before it comes again: the version stays as it is, and comes to the same."""
    world.recall(undisturbed.memory)
    built = request(world, undisturbed.ground)
    wrongs: list[str] = []

    def all_again(delivered: list[Delivered], _: Any) -> None:
        before = detail(world, built)
        for late in delivered[:-1]:
            with suppress(ConflictError):
                world.invoke(*late)
            found = detail(world, built)
            wrongs.extend(f"{late.name} behind {task}: {name}" for name in found if found[name] != before[name])

    late = Late(world, task, all_again)
    run_job(world, built.job_id, late)
    assert late.times == 1
    assert wrongs == []
    assert differences(left_by(world, built), undisturbed.left) == {}


def test_only_a_process_that_ended_leaves_an_upload_open(world: World, undisturbed: Undisturbed) -> None:
    """S3 itself gives those up in days; the next delivery has one of its own."""
    unit = "export_format coco-train"
    calls = undisturbed.calls[unit]
    begun = calls.index("s3.CreateMultipartUpload")
    left: list[str] = []

    def killed(folder: str, payload: Json) -> Any:
        if Delivered(folder, payload).name == unit:
            with pytest.raises(Killed), world.gate.injecting(Fault(begun + 2, Kind.CRASH_AFTER)):
                world.invoke(folder, payload)
            left.extend(world.buckets.unfinished())
        return world.invoke(folder, payload)

    built = built_again(world, undisturbed, killed)
    assert left == [f"{built.prefix}exports/coco-train.json"]
    assert world.buckets.unfinished() == left
    assert differences(left_by(world, built), undisturbed.left) == {}
