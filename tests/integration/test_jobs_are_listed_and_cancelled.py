"""Jobs: the list, and what is left of a job that was cancelled or whose sources were withdrawn meanwhile."""

from collections.abc import Callable

import pytest

from tests.registry import BUILD, JOBS, VERSIONS, Json, Pack, Project, Registry, ball_rows, build_body, problem

MACHINE, INGEST = "DatasetBuildMachine", "LabelIngestMachine"
LONG = 20
"""Seconds that a held execution waits: it is stopped before."""


def cancel(project: Project, job_id: str) -> Json:
    answer = project.call("POST", f"{JOBS}/{job_id}/cancel")
    assert answer.status_code == 200, answer.text
    cancelled: Json = answer.json()
    return cancelled


def cancelled_build(project: Project, pack: Pack, **more: object) -> Json:
    """Request a build and cancel it while its execution waits; return what the request was answered."""
    with project.registry.holding(MACHINE, "PlanBuild", LONG):
        built = project.request_build(pack, **more)
        cancel(project, built["job_id"])
    return built


@pytest.fixture(scope="module")
def house(registry: Registry) -> Project:
    """A project with jobs of both kinds and of every end."""
    project = registry.new_project()
    pack = project.new_approved_pack()
    project.new_pack_of([{"sample_id": "without-labels"}])
    project.build(pack)
    cancelled_build(project, pack, split={"seed": 1})
    project.spoil(pack)
    project.job_at_its_end(project.request_build(pack, split={"seed": 2})["job_id"])
    return project


def test_jobs_are_listed_newest_first(house: Project) -> None:
    found = house.all_of(JOBS)
    assert [(job["kind"], job["status"]) for job in found] == [
        ("dataset_build", "failed"),
        ("dataset_build", "cancelled"),
        ("dataset_build", "ready"),
        ("label_ingest", "failed"),
        ("label_ingest", "ready"),
    ]
    assert found == [house.job(job["job_id"]) for job in found]
    for limit in (1, 3):
        assert [job for page in house.iter_pages(JOBS, limit) for job in page] == found


@pytest.mark.parametrize(
    ("filters", "places"),
    [
        ({"kind": "dataset_build"}, [0, 1, 2]),
        ({"kind": "label_ingest"}, [3, 4]),
        ({"status": "ready"}, [2, 4]),
        ({"status": "cancelled"}, [1]),
        ({"status": "running"}, []),
        ({"kind": "label_ingest", "status": "failed"}, [3]),
        ({"kind": "label_ingest", "status": "cancelled"}, []),
    ],
)
def test_jobs_are_narrowed_by_kind_and_status(house: Project, filters: Json, places: list[int]) -> None:
    found = house.all_of(JOBS)
    assert house.all_of(JOBS, **filters) == [found[place] for place in places]
    assert [job for page in house.iter_pages(JOBS, 1, **filters) for job in page] == [found[place] for place in places]


def test_jobs_are_of_their_project_and_cursors_of_their_list(house: Project, project: Project) -> None:
    assert project.all_of(JOBS) == []
    cursor = house.editor.get(JOBS, limit="1")["next_cursor"]
    for where, query in ((project, {}), (house, {"status": "ready"})):
        problem(where.call("GET", JOBS, params={"cursor": cursor, **query}), 400, "INVALID_CURSOR")
    job_id = house.all_of(JOBS)[0]["job_id"]
    problem(project.call("POST", f"{JOBS}/{job_id}/cancel"), 404, "JOB_NOT_FOUND")
    problem(house.call("GET", JOBS, params={"kind": "other"}), 400, "INVALID_REQUEST")
    problem(project.registry.call("GET", JOBS, "editor", "acme/nothing-here"), 404, "PROJECT_NOT_FOUND")


def test_a_cancelled_build_publishes_nothing_and_its_execution_is_aborted(project: Project) -> None:
    pack = project.new_approved_pack()
    with project.registry.holding(MACHINE, "PlanBuild", LONG):
        built = project.request_build(pack)
        assert project.registry.execution(MACHINE, built["job_id"])["status"] == "RUNNING"
        job = cancel(project, built["job_id"])
        assert project.registry.execution(MACHINE, built["job_id"])["status"] == "ABORTED"
    assert (job["status"], job["error"]["code"]) == ("cancelled", "JOB_CANCELLED")
    assert "user-editor" in job["error"]["detail"]
    assert job["ended_at"] >= job["created_at"]
    assert project.job(built["job_id"]) == job
    path = f"{VERSIONS}/{built['dataset_version_id']}"
    version = project.editor.get(path)
    assert (version["build_status"], version["job"]["status"]) == ("cancelled", "cancelled")
    assert (version["provenance"]["manifest_hash"], version["ended_at"]) == (None, job["ended_at"])
    problem(project.call("GET", f"{path}/exports"), 409, "DATASET_NOT_READY")
    assert [row["build_status"] for row in project.all_of(VERSIONS)] == ["cancelled"]


def test_after_a_cancelled_build_the_next_equal_request_builds(project: Project) -> None:
    pack = project.new_approved_pack()
    first = cancelled_build(project, pack)
    again = project.request_build(pack)
    assert (again["outcome"], again["version_id"]) == ("created", "v2")
    assert again["reuse_fingerprint"] == first["reuse_fingerprint"]
    project.wait(again["job_id"])
    assert project.version(first["dataset_version_id"])["build_status"] == "cancelled"


def test_a_build_that_is_cancelled_before_its_last_step_stays_so(project: Project) -> None:
    pack = project.new_approved_pack()
    with project.registry.holding(MACHINE, "SealVersion", 2):
        built = project.request_build(pack)
        wait_for_step(project, built["job_id"], "ExportFormats")
        cancel(project, built["job_id"])
    version = project.version(built["dataset_version_id"])
    assert (version["build_status"], version["provenance"]["manifest_hash"]) == ("cancelled", None)
    assert version["stats"]["rows"] == 24  # what was found out before stays to be seen


def wait_for_step(project: Project, job_id: str, step: str) -> None:
    """Return when a job has finished all units of a step."""
    while True:
        job = project.job(job_id)
        assert job["status"] in {"queued", "running"}, job
        if job["step"] == step and job["done"] == job["total"]:
            return


def test_a_cancelled_forced_build_leaves_the_equivalent_one_where_it_is(project: Project) -> None:
    pack = project.new_approved_pack()
    ready = project.build(pack)
    cancelled_build(project, pack, force=True)
    again = project.request_build(pack)
    assert (again["outcome"], again["dataset_version_id"]) == ("reused_success", ready["dataset_version_id"])


def test_a_cancelled_ingest_fails_its_revision(project: Project) -> None:
    label_pack_id = project.new_pack()
    pack = Pack(label_pack_id, project.new_revision(label_pack_id, ball_rows()))
    with project.registry.holding(INGEST, "OpenUpload", LONG):
        job_id = project.submit(pack)
        job = cancel(project, job_id)
        assert project.registry.execution(INGEST, job_id)["status"] == "ABORTED"
    assert (job["status"], job["error"]["code"]) == ("cancelled", "JOB_CANCELLED")
    revision = project.editor.get(pack.revision_path)
    assert (revision["validation_status"], revision["content_hash"]) == ("failed", None)
    assert [fault["rule"] for fault in revision["faults"]] == ["JOB_CANCELLED"]
    assert project.editor.get(pack.path)["validation_status"] == "failed"
    again = project.call("POST", f"{pack.revision_path}/submit")
    assert problem(again, 409, "REVISION_ALREADY_SUBMITTED")["job_id"] == job_id
    newer = Pack(label_pack_id, project.new_revision(label_pack_id, ball_rows()))
    project.wait(project.submit(newer))


def test_a_cancel_repeated_is_answered_the_same(project: Project) -> None:
    pack = project.new_approved_pack()
    with project.registry.holding(MACHINE, "PlanBuild", LONG):
        job_id = project.request_build(pack)["job_id"]
        key = {"Idempotency-Key": "cancel-it"}
        answers = [
            project.call("POST", f"{JOBS}/{job_id}/cancel", person, headers=headers)
            for person, headers in (("editor", key), ("editor", key), ("editor", {}), ("owner", {}))
        ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json() for answer in answers[1:]] == [answers[0].json()] * 3
    assert answers[1].headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("status", ["ready", "failed"])
def test_a_job_that_has_ended_is_not_cancelled(house: Project, status: str) -> None:
    for job in house.all_of(JOBS, status=status):
        problem(house.call("POST", f"{JOBS}/{job['job_id']}/cancel"), 409, "JOB_ENDED")
        assert house.job(job["job_id"]) == job


def test_a_build_that_has_ended_is_not_cancelled_when_another_serves_its_requests_now(project: Project) -> None:
    pack = project.new_approved_pack()
    earlier, later = project.build(pack), project.build(pack, force=True)
    problem(project.call("POST", f"{JOBS}/{earlier['job']['job_id']}/cancel"), 409, "JOB_ENDED")
    assert project.request_build(pack)["dataset_version_id"] == later["dataset_version_id"]


@pytest.mark.parametrize(("person", "code"), [("viewer", "FORBIDDEN"), ("support", "FORBIDDEN")])
def test_who_may_not_write_may_not_cancel(house: Project, person: str, code: str) -> None:
    (job,) = house.all_of(JOBS, status="cancelled")
    problem(house.call("POST", f"{JOBS}/{job['job_id']}/cancel", person), 403, code)
    problem(house.call("POST", f"{JOBS}/{job['job_id']}/cancel", "stranger"), 404, "PROJECT_NOT_FOUND")


WITHDRAWALS: dict[str, tuple[Callable[[Project, Pack], None], str]] = {
    "the pack is revoked": (lambda project, pack: project.decide(pack, "revoke"), "LABEL_PACK_REVOKED"),
    "the pack is rejected": (lambda project, pack: project.decide(pack, "reject"), "LABEL_PACK_NOT_APPROVED"),
    "the revision is revoked": (lambda project, pack: project.make_eligible(pack, "REVOKED"), "LABEL_PACK_REVOKED"),
    "the project opts out": (
        lambda project, pack: project.choose_training_use("opted_out"),
        "WORKSPACE_TRAINING_OPT_OUT",
    ),
}


@pytest.mark.parametrize("before", ["PlanBuild", "SealVersion"])
@pytest.mark.parametrize("withdrawal", list(WITHDRAWALS))
def test_a_source_that_is_withdrawn_while_it_is_built_ends_the_job(
    project: Project, withdrawal: str, before: str
) -> None:
    withdraw, reason = WITHDRAWALS[withdrawal]
    pack, kept = project.new_approved_pack(), project.new_approved_pack(ball_rows(2, 2, "kept"))
    with project.registry.holding(MACHINE, before, 1):
        built = project.request_build(pack, kept)
        if before == "SealVersion":
            wait_for_step(project, built["job_id"], "ExportFormats")
        withdraw(project, pack)
    job = project.job_at_its_end(built["job_id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "SOURCES_WITHDRAWN")
    assert f"{pack.label_pack_id} ({reason})" in job["error"]["detail"]
    version = project.version(built["dataset_version_id"])
    assert (version["build_status"], version["provenance"]["manifest_hash"]) == ("failed", None)
    again = project.call("POST", BUILD, json=build_body(pack, kept))
    if withdrawal == "the project opts out":
        problem(again, 400, "NO_ELIGIBLE_LABEL_DATA")
    else:
        assert again.json()["included_label_pack_ids"] == [kept.label_pack_id]
        project.wait(again.json()["job_id"])


def test_a_revision_newer_than_the_built_one_withdraws_nothing(project: Project) -> None:
    pack = project.new_approved_pack()
    newer = Pack(pack.label_pack_id, project.new_revision(pack.label_pack_id, ball_rows(3, 3)))
    project.wait(project.submit(newer))
    with project.registry.holding(MACHINE, "SealVersion", 1):
        built = project.request_build(pack)
        project.make_eligible(newer)
        project.make_eligible(newer, "REVOKED")
    project.wait(built["job_id"])
    (source,) = project.version(built["dataset_version_id"])["sources"]["included"]
    assert source["revision_id"] == pack.revision_id
