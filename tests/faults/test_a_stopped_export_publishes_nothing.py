"""An export that is cancelled or fails, in whatever state, ends as that: nothing is published, then or later."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import pytest

from packhouse.errors import ConflictError, UnitFailedError
from tests.faults.exports import DATASETS, Asked, Delivered, ask, run_before, run_confirmed, send, status, waiting
from tests.faults.gate import Killed
from tests.faults.kinds import Kind, iter_crashes
from tests.faults.machine import MachineFailed
from tests.faults.world import Memory, World

Json = dict[str, Any]
PROJECT = "/namespaces/acme/projects/match-day"
SEAL = "seal_training_dataset"


class Stop(NamedTuple):
    """Before which delivery of a task an export stops, and the state that it is in then."""

    folder: str
    skipped: int
    state: str


STOPS = (
    Stop("plan_rows", 0, "pending"),
    Stop("render_preview", 0, "pending"),
    Stop("await_confirmation", 0, "preview"),
    Stop("render_unit", 0, "preview"),
    Stop("filter_rows", 0, "running"),
    Stop("export_profile", 0, "filtering"),
    Stop("export_profile", 3, "filtering"),
    Stop(SEAL, 0, "filtering"),
)
ROWS, CHUNK = "rows/00000.ndjson", "chunks/00000.ndjson"


def named(stop: Stop) -> str:
    return f"{stop.folder} {stop.skipped}"


@pytest.fixture(scope="module")
def ground(world: World) -> Memory:
    send(world)
    return world.remember()


def run_late(world: World, asked: Asked, stop: Stop, happen: Callable[[], None]) -> None:
    """Run a machine; before one of its tasks something happens, and all tasks so far come again and move nothing.

    The task and what follows it come late, and the machine fails.
    """
    found: list[Delivered] = []

    def invoke(folder: str, payload: Json) -> Any:
        found.append(Delivered(folder, json.loads(json.dumps(payload))))
        if [each.folder for each in found].count(stop.folder) == stop.skipped + 1 and folder == stop.folder:
            assert status(world, asked)["status"] == stop.state
            happen()
            before = world.call("GET", asked.path)
            for late in found[:-1]:
                deliver(world, late)
                assert world.call("GET", asked.path) == before, late.folder
        return world.invoke(folder, payload)

    machine = world.machines["training_export"]
    machine.invoke = invoke
    try:
        with pytest.raises(MachineFailed):
            run_confirmed(world, asked)
    finally:
        machine.invoke = world.invoke


def deliver(world: World, late: Delivered) -> None:
    """Deliver a task that may have to be refused."""
    with suppress(ConflictError, UnitFailedError):
        world.invoke(*late)


def assert_published_nothing(world: World, asked: Asked, ended: str, code: str) -> Json:
    """Nobody who looks gets anything of it; return what it says of itself."""
    found = world.call("GET", asked.path)
    assert (found["status"], found["code"], found["sealed"]) == (ended, code, None)
    job = world.call("GET", f"/api/v1/jobs/{asked.job_id}")
    assert (job["status"], job["error"]["code"]) == (ended, code)
    export = world.request("GET", f"{asked.path}/export")
    assert (export.status, export.body["status"], export.body["code"]) == (
        {"cancelled": 409, "failed": 500}[ended],
        ended,
        code,
    )
    assert world.request("HEAD", f"{asked.path}/export").status == export.status
    for path in ("files", "files/default.ndjson"):
        assert world.request("GET", f"{asked.path}/{path}").body["code"] == "TRAINING_DATASET_NOT_READY"
    beside = world.request("POST", DATASETS, {"name": "beside", "exclude_overlap_with": [asked.id]})
    assert beside.body["code"] == "TRAINING_DATASET_NOT_READY"
    return found


@pytest.mark.parametrize("stop", STOPS, ids=named)
def test_what_is_cancelled_stays_cancelled(world: World, ground: Memory, stop: Stop) -> None:
    world.recall(ground)
    asked = ask(world, require_confirmation=True)

    def cancel() -> None:
        told = world.call("POST", f"{asked.path}/cancel")
        assert (told["status"], told["code"]) == ("cancelled", "JOB_CANCELLED")
        assert world.executions.status[asked.job_id] == "ABORTED"
        assert_published_nothing(world, asked, "cancelled", "JOB_CANCELLED")

    run_late(world, asked, stop, cancel)
    world.sweep()
    assert_published_nothing(world, asked, "cancelled", "JOB_CANCELLED")
    refused = world.request("POST", f"{asked.path}/confirm")
    assert (refused.status, refused.body["code"]) == (409, "JOB_ENDED")


def test_what_waits_is_cancelled_and_goes_on_no_more(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked, waits = waiting(world)
    world.call("POST", f"{asked.path}/cancel")
    refused = world.request("POST", f"{asked.path}/confirm")
    assert (refused.status, refused.body["code"]) == (409, "JOB_ENDED")
    world.sweep()
    assert world.executions.tokens[waits.token] == "waiting"
    with pytest.raises(MachineFailed):
        world.machines["training_export"].run(waits.payload, waits.following)
    assert_published_nothing(world, asked, "cancelled", "JOB_CANCELLED")


@pytest.mark.parametrize("stop", STOPS, ids=named)
def test_what_an_execution_left_open_fails(world: World, ground: Memory, stop: Stop) -> None:
    world.recall(ground)
    asked = ask(world, require_confirmation=True)

    def abort() -> None:
        world.executions.status[asked.job_id] = "ABORTED"
        world.sweep()

    run_late(world, asked, stop, abort)
    assert_published_nothing(world, asked, "failed", "EXECUTION_ABORTED")


def opt_out(world: World, _: Asked) -> None:
    world.call("PATCH", PROJECT, {"trainingUse": "opted_out"})


def spoil(ending: str, world: World, asked: Asked) -> None:
    """Change a word of the one object that ends so; a dataset's own, unless it is an import's."""
    owner = "rollout-imports" if ending == CHUNK else asked.id
    (key,) = [
        facts.key
        for page in world.data.iter_facts("projects/")
        for facts in page
        if owner in facts.key and facts.key.endswith(ending)
    ]
    whole = world.data.read(key)
    spoilt = whole.replace(b"took", b"gave", 1) if b"took" in whole else whole.replace(b"r-0", b"r-x", 1)
    assert spoilt != whole
    world.data.overwrite(key, spoilt, "application/x-ndjson")


@pytest.mark.parametrize(
    ("stop", "happens", "code", "unit"),
    [
        (STOPS[0], opt_out, "WORKSPACE_TRAINING_OPT_OUT", None),
        (STOPS[1], partial(spoil, CHUNK), "SOURCE_CHANGED", None),
        (STOPS[3], partial(spoil, CHUNK), "SOURCE_CHANGED", "RenderRows 0"),
        (STOPS[4], partial(spoil, "rows/00000.order"), "SOURCE_CHANGED", None),
        (STOPS[5], partial(spoil, ROWS), "SOURCE_CHANGED", "ExportRows default"),
        (STOPS[6], partial(spoil, ROWS), "SOURCE_CHANGED", "ExportRows inline-think"),
        (STOPS[7], opt_out, "WORKSPACE_TRAINING_OPT_OUT", None),
    ],
    ids=lambda value: named(value) if isinstance(value, Stop) else "",
)
def test_what_fails_says_why_and_stays_failed(
    world: World, ground: Memory, stop: Stop, happens: Callable[[World, Asked], None], code: str, unit: str | None
) -> None:
    world.recall(ground)
    asked = ask(world, require_confirmation=True)
    delivered: list[Delivered] = []
    machine = world.machines["training_export"]

    def invoke(folder: str, payload: Json) -> Any:
        delivered.append(Delivered(folder, json.loads(json.dumps(payload))))
        if folder == stop.folder and [each.folder for each in delivered].count(folder) == stop.skipped + 1:
            assert status(world, asked)["status"] == stop.state
            happens(world, asked)
        return world.invoke(folder, payload)

    machine.invoke = invoke
    try:
        with pytest.raises(MachineFailed):
            run_confirmed(world, asked)
    finally:
        machine.invoke = world.invoke
    found = assert_published_nothing(world, asked, "failed", code)
    assert world.call("GET", f"/api/v1/jobs/{asked.job_id}")["error"]["unit"] == unit
    for late in delivered:
        deliver(world, late)
    assert assert_published_nothing(world, asked, "failed", code) == found
    refused = world.request("POST", f"{asked.path}/cancel")
    assert (refused.status, refused.body["code"]) == (409, "JOB_ENDED")


def test_what_nobody_confirms_fails_and_says_so(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked, waits = waiting(world)
    timed_out = waits.payload | {"failure": {"Error": "States.Timeout", "Cause": ""}}
    assert world.invoke("record_failure", timed_out) == {"code": "NOT_CONFIRMED"}
    assert_published_nothing(world, asked, "failed", "NOT_CONFIRMED")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [({"scenario_ids": ["none"]}, "NO_ROWS_LEFT"), ({"min_scores": {"ifd_score": 0.5}}, "NO_ROWS_LEFT")],
)
def test_what_comes_to_no_row_fails(world: World, ground: Memory, wanted: Json, code: str) -> None:
    world.recall(ground)
    asked = ask(world, **wanted)
    with pytest.raises(MachineFailed):
        world.run_job(asked.job_id)
    found = assert_published_nothing(world, asked, "failed", code)
    assert sum(found["left_out"].values()) == 6


def test_a_project_without_rollouts_has_no_dataset(world: World, ground: Memory) -> None:
    world.recall(ground)
    home = world.new_project()
    told = world.call("POST", DATASETS, {"name": "of nothing"}, home)
    with pytest.raises(MachineFailed):
        world.run_job(told["job_id"])
    found = world.call("GET", f"{DATASETS}/{told['training_dataset_id']}/status", workspace=home)
    assert (found["status"], found["code"]) == ("failed", "NO_ROLLOUTS")


def test_a_seal_that_is_overtaken_by_a_cancel_publishes_nothing(world: World, ground: Memory) -> None:
    """The cancel comes before each call of the seal in turn: either it is cancelled, or it was ready before."""
    world.recall(ground)
    asked = ask(world)
    delivered = run_before(world, asked, SEAL)
    ready = world.remember()
    with world.gate.injecting(None):
        world.invoke(*delivered[-1])
    calls, statuses = len(world.gate.operations), []
    for kill in (kill for kill in iter_crashes(calls) if kill.kind is Kind.CRASH_BEFORE):
        world.recall(ready)
        with suppress(Killed), world.gate.injecting(kill):
            world.invoke(*delivered[-1])
        answered = world.request("POST", f"{asked.path}/cancel")
        deliver(world, delivered[-1])
        found = world.call("GET", asked.path)
        assert (found["status"], found["sealed"] is None) == ("cancelled", True), kill
        assert answered.status == 200
        statuses.append(found["status"])
    assert len(statuses) == calls
