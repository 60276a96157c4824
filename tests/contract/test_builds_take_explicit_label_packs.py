"""Sentences of contract A on how a build is asked for, one test each, over HTTP on the deployed template.

Above each group stands the heading that it quotes from. Left out: what only the console shows (action, drawer, header).
"""

import pytest

from packhouse.builds.routes import SELECTORS
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.splits import SplitStrategy
from tests.registry import (
    BUILD,
    CANDIDATES,
    JOBS,
    PREFLIGHT,
    VERSIONS,
    Json,
    Pack,
    Project,
    Registry,
    ball_rows,
    build_body,
    problem,
    rows_of,
)

ROUTES = [BUILD, PREFLIGHT]
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def house(registry: Registry) -> Project:
    return registry.new_project()


@pytest.fixture(scope="module")
def approved(house: Project) -> Pack:
    return house.new_approved_pack()


# Build from Ops > Datasets


@pytest.mark.parametrize("capability", list(CAPABILITIES))
def test_choose_the_dataset_capability(house: Project, capability: str) -> None:
    pack = house.new_approved_pack(rows_of(capability), capability)
    assert house.build(pack, capability=capability)["capability"] == capability


def test_a_capability_is_chosen_from_those_there_are(house: Project, approved: Pack) -> None:
    refused = problem(house.ask_build(approved, capability="goal_detection"), 400, "INVALID_REQUEST")
    assert [fault["loc"] for fault in refused["errors"]] == ["/capability"]


def test_optionally_enter_a_dataset_name_and_description(house: Project, approved: Pack) -> None:
    named = house.build(approved, name="derby", description="Both halves", split={"seed": 1})
    plain = house.build(approved, split={"seed": 2})
    assert (named["name"], named["description"]) == ("derby", "Both halves")
    assert (plain["name"], plain["description"]) == ("ball_detection", None)


@pytest.mark.parametrize("strategy", [strategy.value for strategy in SplitStrategy if strategy != "predefined"])
def test_choose_the_split_strategy_and_split_ratio(house: Project, approved: Pack, strategy: str) -> None:
    built = house.build(approved, split={"strategy": strategy, "ratio": SHARES})
    assert (built["split"]["strategy"], built["split"]["ratio"]) == (strategy, SHARES)
    assert sum(counts["samples"] for counts in built["split"]["counts"].values()) == 24


def test_review_explicit_label_pack_candidates_for_the_active_workspace(registry: Registry) -> None:
    active, other = registry.new_project(), registry.new_project()
    ours, theirs = active.new_pack(), other.new_pack()
    for project, pack in ((active, ours), (other, theirs)):
        assert [one["label_pack_id"] for one in project.all_of(CANDIDATES, capability="ball_detection")] == [pack]


def test_candidates_are_packs_for_one_capability_plus_their_default_inclusion_state(project: Project) -> None:
    states = {
        project.new_approved_pack().label_pack_id: (True, None),
        project.new_pack_of(None, "approve", "REVIEWED").label_pack_id: (False, "LABEL_PACK_NOT_APPROVED"),
        project.new_pack_of(None, "revoke", "REVIEWED", "APPROVED").label_pack_id: (False, "LABEL_PACK_REVOKED"),
    }
    other = project.new_pack("player_detection")
    found = project.all_of(CANDIDATES, capability="ball_detection")
    assert {one["label_pack_id"]: (one["included"], one["reason_code"]) for one in found} == states
    (alone,) = project.all_of(CANDIDATES, capability="player_detection")
    assert alone["label_pack_id"] == other
    problem(project.call("GET", CANDIDATES), 400, "INVALID_REQUEST")


def test_preflight_confirms_selected_pack_count_group_coverage_and_validation_issues(project: Project) -> None:
    packs = [project.new_approved_pack(ball_rows(2, 3, prefix)) for prefix in "ab"]
    found = project.preflight(*packs, packs[0])
    assert (found["requested_count"], found["included_count"], found["excluded_count"]) == (2, 2, 0)
    assert (found["groups"], found["samples"], found["buildable"]) == (4, 12, True)
    assert {name: counts["groups"] for name, counts in found["split"]["counts"].items()} == {
        "train": 2, "val": 1, "test": 1,
    }  # fmt: skip
    assert {issue["code"] for issue in found["issues"]} == {"SPLIT_RATIO_MISSED"}
    torn = project.preflight(packs[0], split={"strategy": "predefined"})
    assert [(issue["code"], issue["level"]) for issue in torn["issues"]] == [("SPLIT_NOT_GIVEN", "error")]
    assert torn["buildable"] is False


def test_preflight_returns_exclusions_without_creating_a_dataset(project: Project) -> None:
    pack, unapproved = project.new_approved_pack(), project.new_pack_of()
    jobs = project.all_of(JOBS)
    found = project.preflight(unapproved, pack, "lp_nothing")
    assert found["excluded_label_pack_ids"] == [
        {"label_pack_id": unapproved.label_pack_id, "reason_code": "LABEL_PACK_NOT_APPROVED"},
        {"label_pack_id": "lp_nothing", "reason_code": "LABEL_PACK_NOT_FOUND"},
    ]
    assert (project.all_of(VERSIONS), project.all_of(JOBS)) == ([], jobs)
    built = project.request_build(unapproved, pack, "lp_nothing")
    assert (built["outcome"], built["version_id"]) == ("created", "v1")
    assert built["reuse_fingerprint"] == found["reuse_fingerprint"]
    project.wait(built["job_id"])


def test_one_of_three_deterministic_outcomes(project: Project) -> None:
    """created, 202; reused_in_progress, 202: still running; reused_success, 200: an equivalent ready dataset exists."""
    pack = project.new_approved_pack()
    with project.registry.holding("DatasetBuildMachine", "PlanBuild", 2):
        answers = [project.ask_build(pack) for _ in range(2)]
    created, running = (answer.json() for answer in answers)
    project.wait(created["job_id"])
    answers.append(project.ask_build(pack))
    outcomes = [(answer.status_code, answer.json()["outcome"]) for answer in answers]
    assert outcomes == [(202, "created"), (202, "reused_in_progress"), (200, "reused_success")]
    assert running["job_status"] in {"queued", "running"}
    assert {answer.json()["dataset_version_id"] for answer in answers} == {created["dataset_version_id"]}


def test_the_answer_leads_to_the_dataset_detail_whatever_the_list_is_filtered_by(project: Project) -> None:
    built = project.request_build(project.new_approved_pack())
    assert project.all_of(VERSIONS, status="cancelled") == []
    assert project.version(built["dataset_version_id"])["job"]["job_id"] == built["job_id"]
    project.wait(built["job_id"])


def test_approved_label_packs_do_not_create_dataset_versions_automatically(project: Project) -> None:
    pack = project.new_approved_pack()
    assert project.all_of(VERSIONS) == []
    assert [job["kind"] for job in project.all_of(JOBS)] == ["label_ingest"]
    built = project.build(pack)
    project.request_build(pack)
    assert [row["dataset_version_id"] for row in project.all_of(VERSIONS)] == [built["dataset_version_id"]]


# Source selection rules (v1)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("given", [{}, {"label_pack_ids": []}, {"label_pack_ids": None}])
def test_request_must_include_label_pack_ids(house: Project, route: str, given: Json) -> None:
    answer = house.call("POST", route, json={"capability": "ball_detection", **given})
    problem(answer, 400, "LABEL_PACK_IDS_REQUIRED")


@pytest.mark.parametrize("route", ROUTES)
def test_requests_with_selector_fields_fail_with_400_filters_not_supported_v1(house: Project, route: str) -> None:
    for field in SELECTORS:
        answer = house.call("POST", route, json=build_body("lp_1", **{field: {}}))
        refused = problem(answer, 400, "FILTERS_NOT_SUPPORTED_V1")
        assert [fault["loc"] for fault in refused["errors"]] == [f"/{field}"]
