"""A task of an export that comes twice, late or killed in the middle leaves the same bytes and the same facts."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from packhouse.errors import ConflictError
from tests.faults.exports import Asked, Delivered, ask, made, rollouts, run_confirmed, send, small_units, uploaded
from tests.faults.gate import Killed
from tests.faults.kinds import Fault, Kind
from tests.faults.task_faults import EXPORT_TASKS
from tests.faults.world import Memory, World

Json = dict[str, Any]
WRITES = {"s3.PutObject", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems"}
FACTS = ("status", "row_count", "left_out", "scores", "sealed", "error", "code")


class Ground(NamedTuple):
    """Three imports, of which rollouts repeat others, and a dataset whose rows must not come again."""

    memory: Memory
    other: str
    objects: dict[str, str]
    facts: Json


class Exported(NamedTuple):
    """What an export left."""

    objects: dict[str, str]
    facts: Json


@pytest.fixture(scope="module", autouse=True)
def _units() -> Iterator[None]:
    with small_units():
        yield


@pytest.fixture(scope="module")
def ground(world: World) -> Ground:
    for prefix in ("a", "b"):
        send(world, prefix=prefix)
    world.run_job(world.call("POST", f"{uploaded(world, rollouts(9))}/submit")["job_id"])
    other = made(world, scenario_ids=["scenario-1"], agent_template_ids=["coach"]).id
    memory = world.remember()
    objects, facts = export(world, other)
    assert facts["left_out"].keys() >= {"OVERLAPS_DATASET", "NEAR_DUPLICATE", "NOT_SAMPLED"}
    return Ground(memory, other, objects, facts)


def export(world: World, other: str, invoke: Any = None) -> Exported:
    """Ask for a dataset, confirm it, and run it to its end through `invoke`."""
    asked = ask(world, require_confirmation=True, exclude_overlap_with=[other], max_rows=5)
    finish(world, asked, invoke)
    return left_by(world, asked)


def finish(world: World, asked: Asked, invoke: Any = None) -> None:
    machine = world.machines["training_export"]
    machine.invoke = invoke or world.invoke
    try:
        run_confirmed(world, asked)
    finally:
        machine.invoke = world.invoke


def differences(found: Exported, ground: Ground) -> dict[str, Any]:
    """Return what of an export is not as the undisturbed one left it, by name: what was found, and what was wanted."""
    told = [found.objects | found.facts, ground.objects | ground.facts]
    return {
        name: [each.get(name) for each in told] for name in told[0] | told[1] if told[0].get(name) != told[1].get(name)
    }


def left_by(world: World, asked: Asked) -> Exported:
    found = world.call("GET", asked.path)
    prefix = f"projects/{found['project_id']}/training-datasets/{asked.id}/"
    return Exported(world.objects(prefix), {name: found[name] for name in FACTS})


class Late:
    """Runs tasks, and behind each that `task` names, `again` on what was delivered so far."""

    def __init__(self, world: World, task: str, again: Any) -> None:
        self.world, self.task, self.again = world, task, again
        self.delivered: list[Delivered] = []
        self.times = 0

    def __call__(self, folder: str, payload: Json) -> Any:
        self.delivered.append(Delivered(folder, json.loads(json.dumps(payload))))
        result = self.world.invoke(folder, payload)
        if folder == self.task and not self.times:
            self.times += 1
            self.again(self.delivered, result)
        return result


def test_an_undisturbed_export_comes_to_the_same_again(world: World, ground: Ground) -> None:
    world.recall(ground.memory)
    assert differences(export(world, ground.other), ground) == {}


@pytest.mark.parametrize("task", EXPORT_TASKS)
def test_an_export_comes_to_the_same_when_a_task_is_delivered_twice(world: World, ground: Ground, task: str) -> None:
    world.recall(ground.memory)

    def twice(delivered: list[Delivered], result: Any) -> None:
        assert world.invoke(*delivered[-1]) == result

    late = Late(world, task, twice)
    assert differences(export(world, ground.other, late), ground) == {}
    assert late.times == 1


@pytest.mark.parametrize("task", EXPORT_TASKS)
def test_a_second_delivery_that_is_killed_changes_nothing(world: World, ground: Ground, task: str) -> None:
    """Its machine has gone on with the first: nobody delivers the second again."""
    for kill in between_writes(_calls_of_second(world, ground, task)):
        world.recall(ground.memory)

        def killed(delivered: list[Delivered], _: Any) -> None:
            with pytest.raises(Killed), world.gate.injecting(kill):  # noqa: B023  called in this round
                world.invoke(*delivered[-1])

        assert differences(export(world, ground.other, Late(world, task, killed)), ground) == {}, kill


def between_writes(operations: list[str]) -> Iterator[Fault]:
    """Yield the end of a process before its first write, and behind each of them."""
    writes = [call for call, operation in enumerate(operations) if operation in WRITES]
    yield Fault(writes[0] if writes else 0, Kind.CRASH_BEFORE)
    yield from (Fault(call, Kind.CRASH_AFTER) for call in writes)


def _calls_of_second(world: World, ground: Ground, task: str) -> list[str]:
    world.recall(ground.memory)
    calls: list[str] = []

    def count(delivered: list[Delivered], _: Any) -> None:
        with world.gate.injecting(None):
            world.invoke(*delivered[-1])
            calls.extend(world.gate.operations)

    export(world, ground.other, Late(world, task, count))
    return calls


@pytest.mark.parametrize("task", EXPORT_TASKS)
def test_tasks_that_come_late_move_nothing_back(world: World, ground: Ground, task: str) -> None:
    """Behind a task, every one before it comes again: the dataset stays as it is, and comes to the same."""
    world.recall(ground.memory)
    asked = ask(world, require_confirmation=True, exclude_overlap_with=[ground.other], max_rows=5)

    def all_again(delivered: list[Delivered], _: Any) -> None:
        before = world.call("GET", asked.path)
        for late in delivered[:-1]:
            with suppress(ConflictError):
                world.invoke(*late)
            after = world.call("GET", asked.path)
            assert after == before, (late.folder, "behind", task)

    late = Late(world, task, all_again)
    finish(world, asked, late)
    objects, facts = left_by(world, asked)
    told = {name: digest for name, digest in objects.items() if not name.startswith("failures/")}
    assert differences(Exported(told, facts), ground) == {}
    assert late.times == 1


@pytest.mark.parametrize("task", ["open_upload", "ingest_part", "seal_import"])
def test_an_ingest_of_rollouts_comes_to_the_same(world: World, task: str) -> None:
    undisturbed = ingest(world)
    assert undisturbed[1]["validation_status"] == "passed"
    assert undisturbed[1]["rollouts"] == 7

    def twice(delivered: list[Delivered], result: Any) -> None:
        assert world.invoke(*delivered[-1]) == result

    assert ingest(world, Late(world, task, twice)) == undisturbed

    calls: list[str] = []

    def count(delivered: list[Delivered], _: Any) -> None:
        with world.gate.injecting(None):
            world.invoke(*delivered[-1])
            calls.extend(world.gate.operations)

    ingest(world, Late(world, task, count))
    for kill in between_writes(calls):

        def killed(delivered: list[Delivered], _: Any) -> None:
            with world.gate.injecting(kill):  # noqa: B023  called in this round
                try:
                    world.invoke(*delivered[-1])
                except Killed:
                    return

        assert ingest(world, Late(world, task, killed)) == undisturbed, kill


def ingest(world: World, invoke: Any = None) -> tuple[dict[str, str], Json]:
    """Ingest the same upload as an import of its own; return its objects and facts."""
    path = uploaded(world, rollouts(7, "u"))
    job_id = world.call("POST", f"{path}/submit")["job_id"]
    machine = world.machines["rollout_ingest"]
    machine.invoke = invoke or world.invoke
    try:
        world.run_job(job_id)
    finally:
        machine.invoke = world.invoke
    assert world.call("GET", f"/api/v1/jobs/{job_id}")["status"] == "ready"
    found = world.call("GET", path)
    prefix = f"projects/{found['project_id']}/rollout-imports/{found['import_id']}/"
    facts = ("validation_status", "rollouts", "content_hash", "statistics", "faults")
    return world.objects(prefix), {name: found[name] for name in facts}
