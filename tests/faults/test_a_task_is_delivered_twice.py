"""A task of a build that leaves repeated rows out comes twice, with the same bytes; `task_faults` kills it anywhere."""

from typing import Any

import pytest

from tests.faults.world import World

BUILD_TASKS = (
    "plan_build",
    "build_shard",
    "evaluate_quality",
    "materialize_shard",
    "settle_materialization",
    "export_format",
    "seal_version",
)
VERSION_FACTS = ("build_status", "materialization_status", "split", "quality", "materialization", "stats")


class Twice:
    """Runs tasks, one of them twice on its first payload."""

    def __init__(self, world: World, task: str) -> None:
        self.task, self.run = task, world.invoke
        self.done = False

    def __call__(self, folder: str, payload: dict[str, Any]) -> Any:
        first = self.run(folder, payload)
        if folder == self.task and not self.done:
            self.done = True
            assert self.run(folder, payload) == first
        return first


def build(world: World, twice: Twice | None = None) -> tuple[dict[str, str], dict[str, Any]]:
    """Build a version of its own; return its objects and what its detail says."""
    built = world.call("POST", "/api/v1/datasets/build", world.build_body(force=True))
    machine = world.machines["dataset_build"]
    machine.invoke = twice or world.invoke
    world.run_job(built["job_id"])
    machine.invoke = world.invoke
    detail = world.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}")
    facts = {name: detail[name] for name in VERSION_FACTS} | {"manifest": detail["provenance"]["manifest_hash"]}
    job = world.call("GET", f"/api/v1/jobs/{built['job_id']}")
    assert (job["status"], job["error"]) == ("ready", None)
    assert job["done"] <= job["total"]
    prefix = f"projects/{project_id(world)}/versions/{built['dataset_version_id']}/"
    return world.objects(prefix), facts


def project_id(world: World) -> str:
    return str(world.call("GET", "/namespaces/acme/projects/match-day")["id"])


@pytest.fixture(scope="module")
def undisturbed(world: World) -> tuple[dict[str, str], dict[str, Any]]:
    return build(world)


@pytest.mark.parametrize("task", BUILD_TASKS)
def test_a_build_comes_to_the_same_when_a_task_is_delivered_twice(
    world: World, undisturbed: tuple[dict[str, str], dict[str, Any]], task: str
) -> None:
    twice = Twice(world, task)
    assert build(world, twice) == undisturbed
    assert twice.done
