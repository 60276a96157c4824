"""One delivery of a task, disturbed in every way that a single fault can and delivered again, as its machine does."""

import gzip
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Any

from packhouse.errors import ServiceUnavailableError
from tests.faults.bad_uploads import upload_import
from tests.faults.deliveries import Delivered
from tests.faults.drawn_builds import lay_ground, request, small_parts
from tests.faults.exports import Asked, ask, made, rollouts, send, small_units, uploaded
from tests.faults.gate import Killed
from tests.faults.kinds import CRASHES, Fault, Kind, iter_faults
from tests.faults.machine import MachineFailed, Waiting
from tests.faults.pictures import picture
from tests.faults.single_faults import Tally, iter_differences
from tests.faults.world import Memory, World
from tests.registry import as_ndjson, ball_rows

Json = dict[str, Any]
EXPORTS = {f"export_format, {name}": f"export_format {name}-train" for name in ("ndjson", "coco", "yolo")}
BUILD_TASKS = (
    "open_upload", "ingest_part", "seal_revision",
    "plan_build", "build_shard", "evaluate_quality", "materialize_shard", "settle_materialization", *EXPORTS,
    "seal_version",
)  # fmt: skip
EXPORT_TASKS = (
    "plan_rows", "render_preview", "await_confirmation", "render_unit", "filter_rows", "export_profile",
    "seal_training_dataset",
)  # fmt: skip
ROLLOUTS_UNPACKED, ROLLOUTS_OPENED, ROLLOUTS_INGESTED, CONFIRMED = (
    "open_upload, gzip",
    "open_upload, rollouts",
    "ingest_part, rollouts",
    "await what is confirmed",
)
EXPORT_FAILED, INGEST_FAILED = "record_failure, export", "record_failure, rollouts"
TRAINING_TASKS = (
    ROLLOUTS_UNPACKED, ROLLOUTS_OPENED, ROLLOUTS_INGESTED, "seal_import",
    *EXPORT_TASKS, CONFIRMED, EXPORT_FAILED, INGEST_FAILED,
)  # fmt: skip
TASKS = (*BUILD_TASKS, *TRAINING_TASKS)
_PROGRESS = re.compile(r'"done": \{"N": "\d+"\}')


@dataclass(frozen=True)
class Delivery:
    """A task as its machine ran it for the first time: the function, its payload, and what there was then.

    It is delivered inside `around`.
    """

    folder: str
    payload: Json
    ground: Memory
    around: Callable[[], AbstractContextManager[None]] = nullcontext


def every_delivery(world: World) -> dict[str, Delivery]:
    """Run an ingest, a build from two projects and an export; return a delivery of each of their tasks."""
    revision = world.uploaded_revision(ball_rows())
    ingest = deliveries(world, world.call("POST", f"{revision}/submit")["job_id"])
    opened = {name: ingest[name] for name in ("open_upload", "ingest_part", "seal_revision")}
    return opened | build_deliveries(world) | training_deliveries(world)


def build_deliveries(world: World) -> dict[str, Delivery]:
    """Run a build of rows that are drawn on pictures; return a delivery of each of its tasks, and of each format's."""
    with small_parts():
        built = request(world, lay_ground(world, ("a", "b")), split={"ratio": {"train": 0.5, "val": 0.5}})
        found = deliveries(world, built.job_id)
    named = {name: found[full_name] for name, full_name in EXPORTS.items()}
    first = {name: delivery for name, delivery in found.items() if name in BUILD_TASKS}
    return {name: replace(delivery, around=small_parts) for name, delivery in (first | named).items()}


def training_deliveries(world: World) -> dict[str, Delivery]:
    """Run an ingest of rollouts and an export that is confirmed, and let one of each fail.

    Return the first delivery of each of their tasks; of one that two machines have, or a state of it, by its name.
    """
    found = rollout_deliveries(world)
    other = made(world, scenario_ids=["scenario-1"])
    with small_units():
        asked = ask(world, require_confirmation=True, exclude_overlap_with=[other.id], max_rows=4, dedupe="near")
        first = deliveries(world, asked.job_id, confirm=lambda: world.call("POST", f"{asked.path}/confirm"))
    found |= {name: first[name] for name in EXPORT_TASKS}
    found[CONFIRMED] = _confirmed_before(world, found["await_confirmation"], asked)
    nothing = ask(world, scenario_ids=["none"])
    return found | {EXPORT_FAILED: deliveries(world, nothing.job_id)["record_failure"]}


def rollout_deliveries(world: World) -> dict[str, Delivery]:
    """Run an ingest of rollouts, and one that fails; inline ones are there before."""
    send(world, prefix="a")
    first = deliveries(world, world.call("POST", f"{uploaded(world, rollouts(5))}/submit")["job_id"])
    packed = gzip.compress(as_ndjson(rollouts(5, "packed")), mtime=0)
    unpacked = deliveries(world, world.call("POST", f"{upload_import(world, packed)}/submit")["job_id"])
    spoilt = uploaded(world, [rollouts(1)[0] | {"rollout_index": -1}])
    failed = deliveries(world, world.call("POST", f"{spoilt}/submit")["job_id"])
    return {
        ROLLOUTS_OPENED: first["open_upload"],
        ROLLOUTS_UNPACKED: replace(unpacked["open_upload"], around=small_parts),
        ROLLOUTS_INGESTED: first["ingest_part"],
        "seal_import": first["seal_import"],
        INGEST_FAILED: failed["record_failure"],
    }


def _confirmed_before(world: World, delivery: Delivery, asked: Asked) -> Delivery:
    """Return a delivery with what there was, had somebody confirmed it before it came."""
    after = world.remember()
    world.recall(delivery.ground)
    world.call("POST", f"{asked.path}/confirm")
    confirmed = replace(delivery, ground=world.remember())
    world.recall(after)
    return confirmed


def deliveries(world: World, job_id: str, confirm: Callable[[], object] = lambda: None) -> dict[str, Delivery]:
    """Run a job to its end, good or bad; confirm what waits.

    Return the first delivery of each of its tasks, and every one that is of a unit by what it is of.
    """
    first: dict[str, Delivery] = {}
    machine = world.machines[world.job(job_id)[0]]

    def note(folder: str, payload: Json) -> Any:
        delivery = Delivery(folder, json.loads(json.dumps(payload)), world.remember())
        first.setdefault(folder, delivery)
        first.setdefault(Delivered(folder, payload).name, delivery)
        return world.invoke(folder, payload)

    machine.invoke = note
    try:
        world.run_job(job_id)
    except Waiting as waiting:
        confirm()
        machine.resume(waiting)
    except MachineFailed:
        pass
    finally:
        machine.invoke = world.invoke
    return first


def try_task(world: World, delivery: Delivery) -> Tally:
    """Give a delivery every single fault there is for it and return what was found wrong."""
    with delivery.around():
        return _try_task(world, delivery)


def _try_task(world: World, delivery: Delivery) -> Tally:
    world.recall(delivery.ground)
    with world.gate.injecting(None):
        result = world.invoke(delivery.folder, delivery.payload)
    tally, reference = Tally(tuple(world.gate.operations)), _picture(world)
    for fault in iter_faults(tally.calls):
        world.recall(delivery.ground)
        tally.cases += 1
        wrongs = [*_disturbed(world, delivery, fault, result), *iter_differences(reference, _picture(world))]
        if world.buckets.unfinished() and not _is_lost(fault, tally.calls):
            wrongs.append("an upload in parts is left open")
        if wrongs:
            tally.violations.append(f"{delivery.folder}, {fault}: " + "; ".join(wrongs[:4]))
    return tally


def _is_lost(fault: Fault, calls: tuple[str, ...]) -> bool:
    """Whether nobody knows of an upload in parts any more that was begun: S3 itself gives it up in days."""
    unheard = fault.kind is Kind.TIMEOUT_AFTER and calls[fault.call] == "s3.CreateMultipartUpload"
    return unheard or fault.kind in CRASHES


def _disturbed(world: World, delivery: Delivery, fault: Fault, result: Any) -> list[str]:
    """Deliver with the fault, and again where the machine would: after the end of the process, or when told to."""
    world.waits.begin()
    found = None
    try:
        with suppress(Killed, ServiceUnavailableError), world.gate.injecting(fault):
            found = world.invoke(delivery.folder, delivery.payload)
    except Exception as error:  # what its machine would end the job for
        return [f"raised {type(error).__name__}: {error}"]
    if found is None:
        found = world.invoke(delivery.folder, delivery.payload)
    return [] if found == result else [f"came to {found} in place of {result}"]


def _picture(world: World) -> list[str]:
    """All there is but the count of units done: it is told for people, and a repeat may count one twice."""
    return picture(world, (), _PROGRESS)
