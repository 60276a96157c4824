"""Rollouts and training datasets in a world: sent, uploaded, asked for, and run as far as a test wants."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

from packhouse.pipeline import row_plan
from tests.faults.machine import Waiting
from tests.faults.world import WORKSPACE, World

Json = dict[str, Any]
ROLLOUTS, IMPORTS = "/api/v1/rollouts", "/api/v1/rollout-imports"
DATASETS = "/api/v1/training-datasets"
JOBS = "/api/v1/jobs"
SPORTS = ("running", "rowing", "cycling", "swimming", "climbing", "skiing", "sailing")


class Asked(NamedTuple):
    """A training dataset that somebody asked for."""

    path: str
    job_id: str

    @property
    def id(self) -> str:
        return self.path.split("/")[-1]

    @property
    def shown_at(self) -> tuple[str, ...]:
        return (DATASETS, self.path, f"{self.path}/status")


def rollouts(count: int, prefix: str = "r") -> list[Json]:
    """Return rollouts with thinking, a silence and a time skip; every third is much like the one before it."""
    return [_rollout(number, prefix) for number in range(count)]


def _rollout(number: int, prefix: str) -> Json:
    alike = number - (number % 3 == 2)
    sport = SPORTS[alike % len(SPORTS)]
    words = " ".join(f"{sport} took {prefix}{alike}x{day} minutes" for day in range(12))
    return {
        "rollout_id": f"{prefix}-{number}",
        "scenario_id": f"scenario-{number % 4}",
        "agent_template_id": "coach",
        "rollout_index": number,
        "temperature": 0.7,
        "status": "completed",
        "events": [
            {"type": "persona_message", "content": f"Hello, this is {sport} number {number}."},
            {"type": "operator_message", "content": f"<thinking>Plan {number}.</thinking>Look: {words}, so keep on."},
            {"type": "time_skip", "days": 2},
            {"type": "persona_message", "content": "Thank you."},
            {"type": "operator_no_response"},
        ],
    }


def send(world: World, count: int = 6, prefix: str = "r", workspace: str = WORKSPACE) -> Json:
    """Send rollouts inline; return the answer."""
    return world.call("POST", ROLLOUTS, {"rollouts": rollouts(count, prefix)}, workspace)


def uploaded(world: World, rows: list[Json], workspace: str = WORKSPACE) -> str:
    """Create an import and upload it; return its path."""
    found = world.call("POST", IMPORTS, {}, workspace)
    key = f"projects/{found['project_id']}/rollout-imports/{found['import_id']}/upload.ndjson"
    body = "".join(json.dumps(row) + "\n" for row in rows)
    world.uploads.overwrite(key, body.encode(), "application/x-ndjson")
    return f"{IMPORTS}/{found['import_id']}"


def ask(world: World, **wanted: Any) -> Asked:
    """Ask for a training dataset."""
    told = world.call("POST", DATASETS, {"name": "a training dataset", **wanted})
    return Asked(f"{DATASETS}/{told['training_dataset_id']}", told["job_id"])


def made(world: World, **wanted: Any) -> Asked:
    """Return a training dataset that is ready."""
    asked = ask(world, **wanted)
    world.run_job(asked.job_id)
    return asked


def waiting(world: World, **wanted: Any) -> tuple[Asked, Waiting]:
    """Return a training dataset that waits to be confirmed, and how its machine waits."""
    asked = ask(world, require_confirmation=True, **wanted)
    return asked, run_to_wait(world, asked)


def run_to_wait(world: World, asked: Asked) -> Waiting:
    """Run a training dataset's machine until it waits."""
    try:
        world.run_job(asked.job_id)
    except Waiting as found:
        return found
    raise AssertionError("it did not wait")


def run_confirmed(world: World, asked: Asked) -> None:
    """Run a training dataset's machine to its end; confirm it when it waits."""
    try:
        world.run_job(asked.job_id)
    except Waiting as waits:
        world.call("POST", f"{asked.path}/confirm")
        world.machines["training_export"].resume(waits)


class _StoppedError(BaseException):
    """The test has seen enough of the machine."""


class Delivered(NamedTuple):
    """A task as its machine delivered it."""

    folder: str
    payload: Json


def run_before(world: World, asked: Asked, folder: str, skipped: int = 0) -> list[Delivered]:
    """Run a machine until it would deliver a task, which it does a few times first if some are to be skipped.

    Return what was delivered, and last what would be; confirm what waits for it.
    """
    found: list[Delivered] = []
    left = skipped

    def invoke(name: str, payload: Json) -> Any:
        nonlocal left
        found.append(Delivered(name, json.loads(json.dumps(payload))))
        if name == folder:
            if not left:
                raise _StoppedError
            left -= 1
        return world.invoke(name, payload)

    machine = world.machines["training_export"]
    machine.invoke = invoke
    try:
        run_confirmed(world, asked)
    except _StoppedError:
        return found
    finally:
        machine.invoke = world.invoke
    raise AssertionError(f"{folder} was never delivered")


def status(world: World, asked: Asked) -> Json:
    """Return what somebody who polls is told."""
    return world.call("GET", f"{asked.path}/status")


@contextmanager
def small_units() -> Iterator[None]:
    """Make a unit of every import in the block."""
    with mock.patch.object(row_plan, "UNIT_BYTES", 1):
        yield
