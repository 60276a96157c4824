"""One delivery of a task, disturbed in every way that a single fault can and delivered again, as its machine does."""

import json
import re
from dataclasses import dataclass
from typing import Any

from packhouse.errors import ServiceUnavailableError
from tests.faults.gate import Killed
from tests.faults.kinds import Fault, iter_faults
from tests.faults.pictures import picture
from tests.faults.single_faults import Tally, iter_differences
from tests.faults.world import WORKSPACE, Memory, World
from tests.registry import ball_rows

Json = dict[str, Any]
TASKS = (
    "open_upload", "ingest_part", "seal_revision",
    "plan_build", "build_shard", "evaluate_quality", "materialize_shard", "settle_materialization", "export_format",
    "seal_version",
)  # fmt: skip
_PROGRESS = re.compile(r'"done": \{"N": "\d+"\}')


@dataclass(frozen=True)
class Delivery:
    """A task as its machine ran it for the first time: the function, its payload, and what there was then."""

    folder: str
    payload: Json
    ground: Memory


def every_delivery(world: World) -> dict[str, Delivery]:
    """Run an ingest and a build from two projects; return the first delivery of each of their tasks."""
    revision = world.uploaded_revision(ball_rows())
    ingest = deliveries(world, world.call("POST", f"{revision}/submit")["job_id"])
    homes = {"a": WORKSPACE, "b": world.new_project()}
    packs = [world.approved_pack(ball_rows(4, 3, prefix), home) for prefix, home in homes.items()]
    # Something was withdrawn in each before: the fences that the seal looks at are there.
    for prefix, home in homes.items():
        revoked = world.approved_revision(ball_rows(1, 1, f"{prefix}{prefix}"), home)
        world.call("POST", f"{revoked}/eligibility", {"status": "REVOKED"}, home)
    wanted = {"capability": "ball_detection", "label_pack_ids": packs}
    return ingest | deliveries(world, world.call("POST", "/api/v1/datasets/build", wanted)["job_id"])


def deliveries(world: World, job_id: str) -> dict[str, Delivery]:
    """Run a job to its end and return the first delivery of each of its tasks."""
    first: dict[str, Delivery] = {}
    machine = world.machines[world.job(job_id)[0]]

    def note(folder: str, payload: Json) -> Any:
        first.setdefault(folder, Delivery(folder, json.loads(json.dumps(payload)), world.remember()))
        return world.invoke(folder, payload)

    machine.invoke = note
    world.run_job(job_id)
    machine.invoke = world.invoke
    return first


def try_task(world: World, delivery: Delivery) -> Tally:
    """Give a delivery every single fault there is for it and return what was found wrong."""
    world.recall(delivery.ground)
    with world.gate.injecting(None):
        result = world.invoke(delivery.folder, delivery.payload)
    tally, reference = Tally(tuple(world.gate.operations)), _picture(world)
    for fault in iter_faults(tally.calls):
        world.recall(delivery.ground)
        tally.cases += 1
        wrongs = [*_disturbed(world, delivery, fault, result), *iter_differences(reference, _picture(world))]
        if wrongs:
            tally.violations.append(f"{delivery.folder}, {fault}: " + "; ".join(wrongs[:4]))
    return tally


def _disturbed(world: World, delivery: Delivery, fault: Fault, result: Any) -> list[str]:
    """Deliver with the fault, and again where the machine would: after the end of the process, or when told to."""
    world.waits.begin()
    try:
        with world.gate.injecting(fault):
            found = world.invoke(delivery.folder, delivery.payload)
    except (Killed, ServiceUnavailableError):
        found = world.invoke(delivery.folder, delivery.payload)
    except Exception as error:  # what its machine would end the job for
        return [f"raised {type(error).__name__}: {error}"]
    return [] if found == result else [f"came to {found} in place of {result}"]


def _picture(world: World) -> list[str]:
    """All there is but the count of units done: it is told for people, and a repeat may count one twice."""
    return [_PROGRESS.sub("", line) for line in picture(world, ())]
