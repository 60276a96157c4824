"""Deliveries of tasks: noted, repeated, too late, or disturbed; and all there is, to see whether one moved anything."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.faults.gate import Killed
from tests.faults.kinds import Fault, Kind
from tests.faults.machine import Invoke, MachineFailed
from tests.faults.world import World

Json = dict[str, Any]
WRITES = {
    "s3.PutObject", "s3.CreateMultipartUpload", "s3.UploadPart", "s3.UploadPartCopy", "s3.CompleteMultipartUpload",
    "s3.AbortMultipartUpload", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems",
}  # fmt: skip
PROGRESS = ("step", "done", "total")
"""How far a job has come, which is told for people."""


class Delivered(NamedTuple):
    """A task as its machine delivered it."""

    folder: str
    payload: Json

    @property
    def name(self) -> str:
        """Its folder and what it is of."""
        return f"{self.folder} {self.payload['unit']}" if "unit" in self.payload else self.folder


Again = Callable[[list[Delivered], Any], None]
"""What happens behind a delivery: it is given all deliveries so far, and what the last one came to."""


class Late:
    """Runs tasks, and behind the first delivery of this name `again`."""

    def __init__(self, world: World, name: str, again: Again) -> None:
        self.world, self.name, self.again = world, name, again
        self.delivered: list[Delivered] = []
        self.times = 0

    def __call__(self, folder: str, payload: Json) -> Any:
        self.delivered.append(Delivered(folder, json.loads(json.dumps(payload))))
        result = self.world.invoke(folder, payload)
        if self.delivered[-1].name == self.name and not self.times:
            self.times += 1
            self.again(self.delivered, result)
        return result


def twice(world: World) -> Invoke:
    """Run every task twice at once; both times come to the same."""

    def invoke(folder: str, payload: Json) -> Any:
        result = world.invoke(folder, payload)
        assert world.invoke(folder, payload) == result
        return result

    return invoke


def run_job(world: World, job_id: str, invoke: Invoke | None = None) -> None:
    """Run the machine of a job to its end, through `invoke`."""
    machine = world.machines[world.job(job_id)[0]]
    machine.invoke = invoke or world.invoke
    try:
        world.run_job(job_id)
    finally:
        machine.invoke = world.invoke


def run_stopped(world: World, job_id: str, stop: str, happen: Callable[[], None]) -> list[Delivered]:
    """Run a machine; before the delivery `stop` something happens, and the machine fails in the end.

    Return all deliveries, of which that one and what follows it came late.
    """
    found: list[Delivered] = []

    def invoke(folder: str, payload: Json) -> Any:
        found.append(Delivered(folder, json.loads(json.dumps(payload))))
        if found[-1].name == stop:
            happen()
        return world.invoke(folder, payload)

    with pytest.raises(MachineFailed):
        run_job(world, job_id, invoke)
    assert stop in [each.name for each in found]
    return found


def kill_again(world: World, delivered: Delivered, result: Any) -> int:
    """Deliver a task again and kill it between its writes: nothing moves; return how often it was killed."""
    before, memory = standing(world), world.remember()
    with world.gate.injecting(None):
        assert world.invoke(*delivered) == result
        kills = list(between_writes(world.gate.operations))
    assert moved(standing(world), before) == []
    for kill in kills:
        world.recall(memory)
        with pytest.raises(Killed), world.gate.injecting(kill):
            world.invoke(*delivered)
        assert moved(standing(world), before) == [], kill
    assert world.invoke(*delivered) == result
    return len(kills)


def between_writes(operations: list[str]) -> Iterator[Fault]:
    """Yield the end of a process before its first write, and behind each of them."""
    writes = [call for call, operation in enumerate(operations) if operation in WRITES]
    yield Fault(writes[0] if writes else 0, Kind.CRASH_BEFORE)
    yield from (Fault(call, Kind.CRASH_AFTER) for call in writes)


def standing(world: World) -> Json:
    """Return all there is, but how far jobs have come."""
    items = {
        f"{table} {item['pk']['S']} {item['sk']['S']}": {name: item[name] for name in item if name not in PROGRESS}
        for table, found in world.everything().items()
        for item in found
    }
    return items | {f"{bucket} {key}": body for bucket, key, body in world.buckets.contents()}


def moved(found: Json, before: Json) -> list[str]:
    """Return the names of what is not as it was."""
    return [name for name in found | before if found.get(name) != before.get(name)]
