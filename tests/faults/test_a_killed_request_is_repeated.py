"""A request whose function is killed at any of its calls is sent again: nothing is lost, nothing is there twice.

Its caller sends no `Idempotency-Key` here. With one, every request is tried against every fault in the tests of R1.
"""

import json
from typing import Any

from tests.faults.kinds import iter_crashes
from tests.faults.world import World
from tests.registry import ball_rows

Json = dict[str, Any]


def named(world: World, prefix: str, name: str) -> list[Json]:
    """The bodies of the build items whose body has this name."""
    bodies = [json.loads(item["body"]["S"]) for item in world.items("BuildsTable", prefix) if "body" in item]
    return [body for body in bodies if body.get("name") == name]


def test_a_build_request_makes_one_version_one_job_and_number_one(world: World) -> None:
    calls = world.calls_of("POST", "/api/v1/datasets/build", world.build_body(name="first", split={"seed": 1000}))
    assert calls >= 4
    for seed, kill in enumerate(iter_crashes(calls)):
        name = f"killed: {kill}"
        body = world.build_body(name=name, split={"seed": seed})
        assert world.disturbed(kill, "POST", "/api/v1/datasets/build", body) is None, name
        answered = world.call("POST", "/api/v1/datasets/build", body)
        assert answered["outcome"] in {"created", "reused_in_progress"}, name
        (version,) = named(world, "DSV#", name)
        assert version["dataset_version_id"] == answered["dataset_version_id"], name
        assert answered["version_id"] == "v1", name
        jobs = [item["pk"]["S"] for item in world.items("BuildsTable", "JOB#")]
        assert jobs.count(f"JOB#{answered['job_id']}") == 1, name
        world.sweep()
        assert world.executions.status[answered["job_id"]] == "RUNNING", name


def test_a_submitted_revision_has_one_job_that_runs(world: World) -> None:
    first = world.uploaded_revision(ball_rows())
    for kill in iter_crashes(world.calls_of("POST", f"{first}/submit")):
        revision = world.uploaded_revision(ball_rows())
        assert world.disturbed(kill, "POST", f"{revision}/submit") is None
        again = world.request("POST", f"{revision}/submit")
        job_id = world.call("GET", revision)["job_id"]
        assert again.status == 202 or again.body["code"] == "REVISION_ALREADY_SUBMITTED"
        assert again.body["job_id"] == job_id
        world.sweep()
        assert world.executions.status[job_id] == "RUNNING"
        world.run_job(job_id)
        assert world.call("GET", revision)["validation_status"] == "passed"


def test_revisions_are_numbered_without_gaps(world: World) -> None:
    pack = world.call("POST", "/api/v1/label-packs", {"capability": "ball_detection", "name": "numbered"})
    path = f"/api/v1/label-packs/{pack['label_pack_id']}/revisions"
    for kill in iter_crashes(world.calls_of("POST", path, {"rows": ball_rows(1, 1)})):
        world.disturbed(kill, "POST", path, {"rows": ball_rows(1, 1)})
        world.call("POST", path, {"rows": ball_rows(1, 1)})
    numbers = [revision["revision"] for revision in world.call("GET", path)["items"]]
    assert numbers == list(range(len(numbers), 0, -1))


def test_an_eligibility_changes_with_its_pack_and_history_or_not_at_all(world: World) -> None:
    spare = world.uploaded_revision(ball_rows())
    world.run_job(world.call("POST", f"{spare}/submit")["job_id"])
    for kill in iter_crashes(world.calls_of("POST", f"{spare}/eligibility", {"status": "REVIEWED"})):
        revision = world.uploaded_revision(ball_rows())
        world.run_job(world.call("POST", f"{revision}/submit")["job_id"])
        assert world.disturbed(kill, "POST", f"{revision}/eligibility", {"status": "REVIEWED"}) is None
        again = world.request("POST", f"{revision}/eligibility", {"status": "REVIEWED"})
        assert again.status == 200 or again.body["code"] == "ELIGIBILITY_TRANSITION_INVALID"
        assert world.call("GET", revision)["eligibility_status"] == "REVIEWED"
        pack_id = revision.split("/")[4]
        remembered = world.call("GET", f"/api/v1/label-packs/{pack_id}")["newest_reviewed"]
        assert remembered["revision_id"] == revision.split("/")[6]
        history = [item for item in world.items("LabelsTable", f"LP#{pack_id}") if item["sk"]["S"].startswith("HIST#")]
        assert len(history) == 1


def test_a_namespace_and_its_owner_come_together(world: World) -> None:
    calls = world.calls_of("POST", "/namespaces", {"slug": "whole", "name": "Whole"})
    for number, kill in enumerate(iter_crashes(calls)):
        slug = f"half-{number}"
        assert world.disturbed(kill, "POST", "/namespaces", {"slug": slug, "name": "Half"}) is None
        again = world.request("POST", "/namespaces", {"slug": slug, "name": "Half"})
        assert again.status == 201 or again.body["code"] == "NAMESPACE_EXISTS"
        owners = [item["sk"]["S"] for item in world.items("AccessTable", "PRN#user-owner")]
        assert owners.count(f"NS#{slug}") == 1
