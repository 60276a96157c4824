"""A job ends once, with the code of what went wrong, and what it held is free again."""

from typing import Any

import pytest

from packhouse.aws.objects import s3
from tests.faults.kinds import iter_crashes
from tests.faults.machine import MachineFailed
from tests.faults.world import World
from tests.registry import ball_rows

Json = dict[str, Any]
SEEDS = iter(range(1000, 10_000))


def request_build(world: World, packs: list[str] | None = None) -> tuple[Json, Json]:
    """Request a build that no other has the fingerprint of; return its body and the answer."""
    body = world.build_body(split={"seed": next(SEEDS)})
    body |= {"label_pack_ids": packs} if packs else {}
    return body, world.call("POST", "/api/v1/datasets/build", body)


def assert_failed(world: World, built: Json, code: str, unit: str | None = None) -> None:
    job = world.call("GET", f"/api/v1/jobs/{built['job_id']}")
    assert (job["status"], job["error"]["code"], job["error"]["unit"]) == ("failed", code, unit)
    version = world.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}")
    assert (version["build_status"], version["job"]["error"]["code"]) == ("failed", code)
    assert version["provenance"]["manifest_hash"] is None


def test_a_unit_that_fails_ends_the_job_with_its_code_and_the_next_build_is_new(world: World) -> None:
    pack = world.approved_pack(ball_rows(prefix="spoilt"))
    body, built = request_build(world, [pack])
    (key,) = [
        entry["Key"]
        for entry in s3().list_objects_v2(Bucket=world.data.bucket)["Contents"]
        if pack in entry["Key"] and entry["Key"].endswith("chunks/00000.ndjson")
    ]
    whole = world.data.read(key)
    world.data.overwrite(key, whole.replace(b"0.0", b"0.1", 1), "application/x-ndjson")
    with pytest.raises(MachineFailed, match="DatasetBuildFailed"):
        world.run_job(built["job_id"])
    assert_failed(world, built, "SOURCE_CHANGED", "BuildShards 0")
    world.data.overwrite(key, whole, "application/x-ndjson")
    again = world.call("POST", "/api/v1/datasets/build", body)
    assert (again["outcome"], again["version_id"]) == ("created", "v2")
    world.run_job(again["job_id"])
    assert world.call("POST", "/api/v1/datasets/build", body)["outcome"] == "reused_success"


@pytest.mark.parametrize(
    ("status", "code"),
    [("ABORTED", "EXECUTION_ABORTED"), ("TIMED_OUT", "EXECUTION_TIMED_OUT"), ("FAILED", "EXECUTION_FAILED"),
     ("SUCCEEDED", "EXECUTION_FAILED")],
)  # fmt: skip
def test_the_sweeper_ends_what_an_execution_left_open(world: World, status: str, code: str) -> None:
    body, built = request_build(world)
    world.executions.status[built["job_id"]] = status
    world.sweep()
    assert_failed(world, built, code)
    again = world.call("POST", "/api/v1/datasets/build", body)
    assert again["outcome"] == "created"
    assert again["dataset_version_id"] != built["dataset_version_id"]


def test_the_sweeper_leaves_running_and_young_jobs_alone(world: World) -> None:
    _, built = request_build(world)
    world.sweep()
    assert world.call("GET", f"/api/v1/jobs/{built['job_id']}")["status"] == "queued"
    starts = world.executions.starts
    del world.executions.status[built["job_id"]]
    world.sweep(later_seconds=10)
    assert world.executions.starts == starts
    world.sweep(later_seconds=31)
    assert world.executions.starts == starts + 1


def test_a_sweep_that_is_killed_is_finished_by_the_next(world: World) -> None:
    _, built = request_build(world)
    world.executions.status[built["job_id"]] = "ABORTED"
    with world.gate.injecting(None):
        world.sweep()
    for kill in iter_crashes(12):
        _, built = request_build(world)
        world.executions.status[built["job_id"]] = "ABORTED"
        world.sweep(kill)
        world.sweep()
        assert_failed(world, built, "EXECUTION_ABORTED")


def test_a_task_that_comes_late_publishes_nothing(world: World) -> None:
    _, built = request_build(world)
    machine = world.machines["dataset_build"]
    invoke = machine.invoke

    def swept_before_the_seal(folder: str, payload: Json) -> Any:
        if folder == "seal_version":
            world.executions.status[built["job_id"]] = "ABORTED"
            world.sweep()
        return invoke(folder, payload)

    machine.invoke = swept_before_the_seal
    with pytest.raises(MachineFailed):
        world.run_job(built["job_id"])
    machine.invoke = invoke
    assert_failed(world, built, "EXECUTION_ABORTED")


def test_faulty_rows_end_the_ingest_and_say_where(world: World) -> None:
    rows = ball_rows(1, 3)
    rows[1]["labels"][0]["point"]["x"] = "left"
    revision = world.uploaded_revision(rows)
    job_id = world.call("POST", f"{revision}/submit")["job_id"]
    with pytest.raises(MachineFailed, match="LabelIngestFailed"):
        world.run_job(job_id)
    job = world.call("GET", f"/api/v1/jobs/{job_id}")
    assert (job["status"], job["error"]["code"]) == ("failed", "LABEL_ROWS_INVALID")
    found = world.call("GET", revision)
    assert (found["validation_status"], found["fault_count"]) == ("failed", 1)
    assert (found["faults"][0]["line"], found["faults"][0]["pointer"]) == (2, "/labels/0/point/x")
    assert found["content_hash"] is None


def test_an_ingest_that_was_aborted_fails_its_revision(world: World) -> None:
    revision = world.uploaded_revision(ball_rows())
    job_id = world.call("POST", f"{revision}/submit")["job_id"]
    world.executions.status[job_id] = "ABORTED"
    world.sweep()
    found = world.call("GET", revision)
    assert (found["validation_status"], found["faults"][0]["rule"]) == ("failed", "EXECUTION_ABORTED")
