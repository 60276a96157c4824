"""A build's job and its materialization status, over HTTP, while its machine goes from state to state."""

import pytest

from tests.registry import VERSIONS, Json, Project, Row, ball_rows

MACHINE = "DatasetBuildMachine"
STEPS = [
    "PlanBuild",
    "BuildShards",
    "EvaluateQuality",
    "MaterializeShards",
    "SettleMaterialization",
    "ExportFormats",
    "SealVersion",
]


def rows_of_three_shards() -> list[Row]:
    """Return rows of which every split has some."""
    return ball_rows(12, 2, asset="nowhere.png")


def waiting_at(project: Project, job_id: str, step: str, done: int) -> Json:
    """Return a job once it has come so far in a step; it may not end before."""
    while True:
        job = project.job(job_id)
        assert job["status"] in {"queued", "running"}, job
        if (job["step"], job["done"]) == (step, done):
            return job


@pytest.mark.parametrize(
    ("before", "step", "done", "total", "status"),
    [
        ("BuildShards", "BuildShards", 0, 1, "pending"),
        ("EvaluateQuality", "BuildShards", 1, 1, "pending"),
        ("SettleMaterialization", "MaterializeShards", 3, 3, "running"),
        ("ExportFormats", "ExportFormats", 0, 3, "failed"),
        ("SealVersion", "ExportFormats", 3, 3, "failed"),
    ],
)
def test_a_build_that_waits_before_a_state_has_come_so_far(
    project: Project, before: str, step: str, done: int, total: int, status: str
) -> None:
    """None of the assets is there: materialization comes to `failed`, which ends no build that is not enforced."""
    pack = project.new_approved_pack(rows_of_three_shards())
    with project.registry.holding(MACHINE, before, 2):
        built = project.request_build(pack)
        job = waiting_at(project, built["job_id"], step, done)
        detail = project.version(built["dataset_version_id"])
        (row,) = project.all_of(VERSIONS)
    assert (job["status"], job["total"]) == ("running", total)
    assert detail["materialization_status"] == row["materialization_status"] == status
    assert (detail["materialization"] is None) == (status in {"pending", "running"})
    project.wait(built["job_id"])


def test_a_job_goes_through_its_steps_in_order_and_counts_up_within_each(project: Project) -> None:
    built = project.request_build(project.new_approved_pack(rows_of_three_shards()))
    told: list[Json] = []
    project.editor.wait(built["job_id"], told.append, poll_s=0.01)
    at = [(STEPS.index(job["step"]), job["done"]) for job in told if job["step"]]
    assert at == sorted(at)
    assert all(job["done"] <= job["total"] for job in told if job["step"])
    last = told[-1]
    assert (last["status"], last["step"], last["done"], last["total"]) == ("ready", "SealVersion", 1, 1)
