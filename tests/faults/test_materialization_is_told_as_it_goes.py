"""How far the looking up of assets has come: told as it goes, the same in list and detail, and never for ever."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.judged_builds import detail, enforcing, few_rows, pack_of, put_asset, requested, row, run
from tests.faults.world import World

Json = dict[str, Any]
BALL = "ball_detection"


@pytest.fixture(autouse=True)
def ground(world: World) -> Iterator[None]:
    before = world.remember()
    put_asset(world)
    yield
    world.recall(before)


def rows_without(missing: int) -> list[Json]:
    """Return forty rows, so many of them of an asset that is not there."""
    return [{**each, "asset": "nowhere.jpg"} if n < missing else each for n, each in enumerate(few_rows(BALL))]


def told(world: World, built: Json) -> tuple[str, Json | None]:
    """Return the status that list and detail agree on, and the counts."""
    version = detail(world, built)
    assert row(world, built)["materialization_status"] == version["materialization_status"]
    return version["materialization_status"], version["materialization"]


def statuses(world: World, built: Json) -> dict[str, str]:
    """Run a build; return the status after each of its tasks."""
    seen = {"requested": told(world, built)[0]}
    run(world, built, lambda task: seen.update({task: told(world, built)[0]}))
    return seen


@pytest.mark.parametrize(("missing", "status"), [(0, "complete"), (1, "partial"), (39, "partial"), (40, "failed")])
def test_it_is_pending_then_running_then_what_it_came_to(world: World, missing: int, status: str) -> None:
    built = requested(world, pack_of(world, rows_without(missing)))
    assert statuses(world, built) == {
        "requested": "pending",
        "plan_build": "pending",
        "build_shard": "pending",
        "evaluate_quality": "running",
        "materialize_shard": "running",
        "settle_materialization": status,
        "export_format": status,
        "seal_version": status,
    }
    assert detail(world, built)["build_status"] == "ready"
    _, counts = told(world, built)
    assert counts is not None
    assert (counts["status"], counts["wanted"], counts["found"]) == (status, 40, 40 - missing)
    assert counts["missing"] == ({"ASSET_NOT_FOUND": missing} if missing else {})


def test_there_are_no_counts_while_it_is_running(world: World) -> None:
    built = requested(world, pack_of(world, rows_without(0)))
    seen = {}

    def look(task: str) -> None:
        seen[task] = told(world, built)[1]

    run(world, built, look)
    assert {task for task, counts in seen.items() if counts is None} == {
        "plan_build", "build_shard", "evaluate_quality", "materialize_shard",
    }  # fmt: skip


def test_of_a_build_that_the_gate_ended_it_has_failed_without_counts(world: World) -> None:
    rows = rows_without(0)
    rows[0]["group"] = None
    with enforcing(world):
        built = requested(world, pack_of(world, rows))
        seen = statuses(world, built)
    assert (seen["evaluate_quality"], seen["record_failure"]) == ("pending", "failed")
    assert told(world, built) == ("failed", None)


@pytest.mark.parametrize(("task", "status"), [("build_shard", "pending"), ("evaluate_quality", "running")])
def test_of_a_build_that_failed_on_the_way_it_has_failed_too(world: World, task: str, status: str) -> None:
    built = requested(world, pack_of(world, rows_without(0)))
    prefix = world.job(built["job_id"])[1]["prefix"]
    seen = []

    def spoil(done: str) -> None:
        if done == task:
            seen.append(told(world, built)[0])
            for name in [name for name in world.objects(prefix) if name.startswith("shards/")]:
                world.data.overwrite(prefix + name, b"{}\n", "application/x-ndjson")

    assert not run(world, built, spoil)
    assert seen[-1] == status
    assert detail(world, built)["job"]["error"]["code"] == "SOURCE_CHANGED"
    assert told(world, built) == ("failed", None)


@pytest.mark.parametrize("task", [None, "plan_build", "evaluate_quality", "materialize_shard"])
def test_of_a_build_that_was_cancelled_on_the_way_it_has_failed(world: World, task: str | None) -> None:
    built = requested(world, pack_of(world, rows_without(0)))

    def cancel(done: str | None) -> None:
        if done == task and detail(world, built)["build_status"] != "cancelled":
            world.call("POST", f"/api/v1/jobs/{built['job_id']}/cancel")

    cancel(None)
    assert not run(world, built, cancel)
    assert detail(world, built)["build_status"] == "cancelled"
    assert told(world, built) == ("failed", None)


def test_of_an_execution_that_was_aborted_it_has_failed(world: World) -> None:
    built = requested(world, pack_of(world, rows_without(0)))
    world.executions.status[built["job_id"]] = "ABORTED"
    assert told(world, built) == ("pending", None)
    world.sweep()
    assert told(world, built) == ("failed", None)


@pytest.mark.parametrize(("missing", "status"), [(0, "complete"), (20, "partial")])
def test_what_it_came_to_stays_whatever_becomes_of_the_build(world: World, missing: int, status: str) -> None:
    built = requested(world, pack_of(world, rows_without(missing)))

    def cancel(done: str) -> None:
        if done == "settle_materialization":
            world.call("POST", f"/api/v1/jobs/{built['job_id']}/cancel")

    assert not run(world, built, cancel)
    assert detail(world, built)["build_status"] == "cancelled"
    found, counts = told(world, built)
    assert counts is not None
    assert (found, counts["found"]) == (status, 40 - missing)


def test_a_hard_fail_for_missing_assets_keeps_what_it_came_to(world: World) -> None:
    with enforcing(world):
        built = requested(world, pack_of(world, rows_without(20)))
        assert not run(world, built)
    found, counts = told(world, built)
    assert counts is not None
    assert (found, counts["missing"]) == ("partial", {"ASSET_NOT_FOUND": 20})
