"""True threads against the emulator: of many at once, exactly one does it.

Eight at a time: every call at once is a process of its own here, and two cores start eight of them in seconds.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.registry import Pack, Project, Registry, ball_rows

Json = dict[str, Any]


def at_once(count: int, call: Callable[[int], Json]) -> list[Json]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def test_of_identical_builds_at_once_one_is_created_and_all_name_it(project: Project) -> None:
    pack = project.new_approved_pack()
    answers = at_once(8, lambda _: project.request_build(pack))
    outcomes = [answer["outcome"] for answer in answers]
    assert outcomes.count("created") == 1
    assert set(outcomes) <= {"created", "reused_in_progress", "reused_success"}
    assert len({(answer["dataset_version_id"], answer["job_id"], answer["version_id"]) for answer in answers}) == 1
    project.wait(answers[0]["job_id"])


def test_forced_builds_at_once_are_numbered_without_gaps(project: Project) -> None:
    pack = project.new_approved_pack()
    answers = at_once(4, lambda _: project.request_build(pack, force=True))
    assert sorted(answer["version_id"] for answer in answers) == [f"v{number}" for number in range(1, 5)]
    for answer in answers:
        project.wait(answer["job_id"])
    hashes = {project.version(answer["dataset_version_id"])["provenance"]["manifest_hash"] for answer in answers}
    assert len(hashes) == 1


def test_revisions_made_at_once_are_numbered_without_gaps(project: Project) -> None:
    label_pack_id = project.new_pack()
    path = f"/api/v1/label-packs/{label_pack_id}/revisions"

    def create(_: int) -> Json:
        while (answer := project.call("POST", path, json={"rows": ball_rows(1, 1)})).status_code != 201:
            assert answer.json()["code"] in {"REVIEW_CONFLICT", "SERVICE_UNAVAILABLE"}, answer.text
        created: Json = answer.json()
        return created

    numbers = sorted(answer["revision"] for answer in at_once(8, create))
    assert numbers == list(range(1, 9))


def test_a_revision_submitted_many_times_at_once_has_one_job(project: Project) -> None:
    label_pack_id = project.new_pack()
    pack = Pack(label_pack_id, project.new_revision(label_pack_id, ball_rows()))
    answers = at_once(8, lambda _: project.call("POST", f"{pack.revision_path}/submit").json())
    assert len({answer["job_id"] for answer in answers}) == 1
    assert sum("job_status" in answer for answer in answers) == 1
    project.wait(answers[0]["job_id"])


def test_a_namespace_claimed_many_times_at_once_has_one_owner(registry: Registry) -> None:
    def claim(_: int) -> Json:
        answer = registry.call("POST", "/namespaces", "owner", json={"slug": "claimed-once", "name": "Claimed"})
        return {"status": answer.status_code}

    statuses = [answer["status"] for answer in at_once(8, claim)]
    assert sorted(set(statuses)) == [201, 409]
    assert statuses.count(201) == 1
