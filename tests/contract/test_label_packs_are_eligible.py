"""Sentences of contract A, "Eligibility rules", one test each, over HTTP on the deployed template."""

import pytest

from tests.registry import (
    BUILD,
    JOBS,
    PREFLIGHT,
    SERIES,
    VERSIONS,
    Pack,
    Project,
    Registry,
    ball_rows,
    build_body,
    problem,
    rows_of,
)

ROUTES = [BUILD, PREFLIGHT]
STEPS = ("REVIEWED", "APPROVED", "REVOKED")


@pytest.fixture(scope="module")
def house(registry: Registry) -> Project:
    """A project in which everybody but the viewer may write, the internal ones included."""
    people = dict.fromkeys(("editor", "developer", "support"), "editor")
    return registry.new_project(registry.new_namespace(**people, viewer="viewer"))


@pytest.fixture(scope="module")
def approved(house: Project) -> Pack:
    return house.new_approved_pack()


def reason_of(project: Project, approved: Pack, pack: Pack) -> str | None:
    """Return why a pack stays out of a build beside an approved one, or `None` when it goes in."""
    found = project.preflight(approved, pack)
    out = {one["label_pack_id"]: one["reason_code"] for one in found["excluded_label_pack_ids"]}
    assert out.keys() | set(found["included_label_pack_ids"]) == {approved.label_pack_id, pack.label_pack_id}
    reason: str | None = out.get(pack.label_pack_id)
    return reason


# "A label pack is included only if all checks pass"


def test_a_label_pack_is_included_when_all_checks_pass(house: Project, approved: Pack) -> None:
    assert reason_of(house, approved, house.new_approved_pack(ball_rows(2, 2))) is None


def test_capability_matches_dataset_capability(house: Project, approved: Pack) -> None:
    other = house.new_approved_pack(rows_of("player_detection"), "player_detection")
    assert reason_of(house, approved, other) == "LABEL_PACK_CAPABILITY_MISMATCH"


@pytest.mark.parametrize(
    ("decision", "reason"),
    [("reject", "LABEL_PACK_NOT_APPROVED"), ("revoke", "LABEL_PACK_REVOKED"), ("approve", None)],
)
def test_review_status_is_approved(house: Project, approved: Pack, decision: str, reason: str | None) -> None:
    pack = house.new_approved_pack(ball_rows(2, 2))
    house.decide(pack, decision)
    assert reason_of(house, approved, pack) == reason


def test_validation_status_is_passed(house: Project, approved: Pack) -> None:
    pack = house.new_pack_of([{"sample_id": "without-labels"}], "approve", "REVIEWED", "APPROVED")
    assert house.editor.get(pack.path)["validation_status"] == "failed"
    assert reason_of(house, approved, pack) == "LABEL_PACK_VALIDATION_NOT_PASSED"


def test_workspace_training_use_policy_allows_inclusion(house: Project, approved: Pack) -> None:
    elsewhere = house.registry.new_project(house.workspace.split("/")[0])
    pack = elsewhere.new_approved_pack()
    assert reason_of(house, approved, pack) is None
    elsewhere.choose_training_use("opted_out")
    assert reason_of(house, approved, pack) == "WORKSPACE_TRAINING_OPT_OUT"


def test_caller_has_access_to_the_source_workspace(house: Project, approved: Pack) -> None:
    namespace = house.registry.new_namespace(editor="editor")
    pack = house.registry.new_project(namespace).new_approved_pack()
    assert reason_of(house, approved, pack) is None
    house.registry.give_role(namespace, "editor", "viewer")
    assert reason_of(house, approved, pack) == "LABEL_PACK_ACCESS_DENIED"
    house.registry.call("DELETE", f"/namespaces/{namespace}/members/user-editor", "owner")
    assert reason_of(house, approved, pack) == "LABEL_PACK_NOT_FOUND"


@pytest.mark.parametrize("steps", range(4))
def test_default_include_policy_is_eligibility_status_approved(house: Project, approved: Pack, steps: int) -> None:
    pack = house.new_pack_of(None, "approve", *STEPS[:steps])
    out = {0: "LABEL_PACK_NOT_APPROVED", 1: "LABEL_PACK_NOT_APPROVED", 2: None, 3: "LABEL_PACK_REVOKED"}
    assert reason_of(house, approved, pack) == out[steps]


def test_include_reviewed_override_of_a_developer_allows_reviewed(house: Project, approved: Pack) -> None:
    pack = house.new_pack_of(None, "approve", "REVIEWED")
    wanted = build_body(pack, include_reviewed_override=True)
    assert house.call("POST", PREFLIGHT, "developer", json=wanted).json()["included_count"] == 1
    built = house.call("POST", BUILD, "developer", json=wanted).json()
    assert built["revisions"] == {pack.label_pack_id: pack.revision_id}
    house.wait(built["job_id"])
    (source,) = house.version(built["dataset_version_id"])["sources"]["included"]
    assert source["revision_id"] == pack.revision_id
    problem(house.ask_build(pack, person="developer"), 400, "NO_ELIGIBLE_LABEL_DATA")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("person", ["editor", "owner", "support", "api key"])
def test_non_developer_override_attempts_fail_with_403(house: Project, approved: Pack, route: str, person: str) -> None:
    key = {"X-API-Key": house.new_key("read", "write", "export")} if person == "api key" else {}
    caller = None if key else person
    for override, forbidden in ((True, True), (False, False)):
        wanted = build_body(approved, include_reviewed_override=override)
        answer = house.call("POST", route, caller, headers=key, json=wanted)
        if forbidden:
            problem(answer, 403, "ELIGIBILITY_OVERRIDE_FORBIDDEN")
        else:
            assert answer.is_success, answer.text


def test_open_the_relevant_label_review_series_and_its_revision_history(house: Project) -> None:
    pack = house.new_pack_of(None, "approve", "REVIEWED")
    newest = house.new_revision(pack.label_pack_id, ball_rows(1, 1))
    (series,) = [one for one in house.all_of(SERIES) if one["label_pack_id"] == pack.label_pack_id]
    opened = house.editor.get(f"{SERIES}/{series['series_id']}")
    history = {revision["revision_id"]: revision["eligibility_status"] for revision in opened["revisions"]}
    assert history == {newest: "PENDING", pack.revision_id: "REVIEWED"}


@pytest.mark.parametrize(("target", "source"), [("APPROVED", "REVIEWED"), ("REVOKED", "APPROVED")])
def test_approve_for_reviewed_revisions_and_revoke_for_currently_approved(
    house: Project, target: str, source: str
) -> None:
    for steps in range(4):
        before = ("PENDING", *STEPS)[steps]
        pack = house.new_pack_of(None, None, *STEPS[:steps])
        answer = house.call("POST", f"{pack.revision_path}/eligibility", json={"status": target})
        if before == source:
            assert answer.json()["eligibility_status"] == target
        else:
            problem(answer, 409, "ELIGIBILITY_TRANSITION_INVALID")


def test_pack_approval_is_separate_from_revision_eligibility(house: Project, approved: Pack) -> None:
    one, other = house.new_pack_of(None, "approve"), house.new_pack_of(None, None, "REVIEWED", "APPROVED")
    states = []
    for pack in (one, other):
        found = house.editor.get(f"{SERIES}/{pack.label_pack_id}")
        states.append((found["review_status"], found["eligibility_status"]))
        assert reason_of(house, approved, pack) == "LABEL_PACK_NOT_APPROVED"
    assert states == [("approved", "PENDING"), ("pending", "APPROVED")]
    house.make_eligible(one)
    house.decide(other, "approve")
    assert [reason_of(house, approved, pack) for pack in (one, other)] == [None, None]


def test_if_no_requested_pack_is_eligible_build_fails_fast(project: Project) -> None:
    pack = project.new_pack_of()
    jobs = project.all_of(JOBS)
    refused = problem(project.ask_build(pack, "lp_nothing"), 400, "NO_ELIGIBLE_LABEL_DATA")
    assert refused["excluded_label_pack_ids"] == [
        {"label_pack_id": pack.label_pack_id, "reason_code": "LABEL_PACK_NOT_APPROVED"},
        {"label_pack_id": "lp_nothing", "reason_code": "LABEL_PACK_NOT_FOUND"},
    ]
    assert (project.all_of(VERSIONS), project.all_of(JOBS)) == ([], jobs)
