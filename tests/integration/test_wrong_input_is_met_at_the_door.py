"""Every door answers wrong input with its code and names what is wrong; nothing is written."""

import json
from typing import Any

import pytest

from tests.registry import Project, ball_rows, problem

PACKS = "/api/v1/label-packs"
BUILD = "/api/v1/datasets/build"
GOOD = {"capability": "ball_detection", "name": "a pack"}
JSON = {"Content-Type": "application/json"}


def faults_of(project: Project, path: str, body: Any) -> dict[str, str]:
    found = problem(project.call("POST", path, json=body), 400, "INVALID_REQUEST")
    return {fault["loc"]: fault["reason"] for fault in found["errors"]}


def test_all_faults_of_a_body_are_told_at_once(shared_project: Project) -> None:
    faults = faults_of(shared_project, PACKS, {"capability": "chess", "name": "", "owner": "me"})
    assert set(faults) == {"/capability", "/name", "/owner"}
    assert "ball_detection" in faults["/capability"]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"name": "a"}, "/capability"),
        ({"capability": "ball_detection"}, "/name"),
        (GOOD | {"name": 7}, "/name"),
        (GOOD | {"name": None}, "/name"),
        (GOOD | {"name": "two\nlines"}, "/name"),
        (GOOD | {"name": "bell\x07"}, "/name"),
        (GOOD | {"name": "n" * 201}, "/name"),
        (GOOD | {"description": ["no"]}, "/description"),
    ],
)
def test_a_label_pack_says_which_field_is_wrong(shared_project: Project, body: dict[str, Any], loc: str) -> None:
    assert set(faults_of(shared_project, PACKS, body)) == {loc}


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ""),
        ({"upload": "presigned", "rows": ball_rows(1, 1)}, ""),
        ({"upload": "by pigeon"}, "/upload"),
        ({"upload": "presigned", "content_length": True}, "/content_length"),
        ({"upload": "presigned", "content_length": 0}, "/content_length"),
        ({"upload": "presigned", "sha256": "abc"}, "/sha256"),
        ({"rows": []}, "/rows"),
        ({"rows": ball_rows(1, 1) * 1001}, "/rows"),
    ],
)
def test_a_revision_says_which_field_is_wrong(shared_project: Project, body: dict[str, Any], loc: str) -> None:
    path = f"{PACKS}/{shared_project.new_pack()}/revisions"
    assert set(faults_of(shared_project, path, body)) == {loc}


BUILDABLE = {"capability": "ball_detection", "label_pack_ids": ["lp_1"]}


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"capability": "chess"}, "/capability"),
        ({"label_pack_ids": "lp_1"}, "/label_pack_ids"),
        ({"label_pack_ids": ["lp_1", 2]}, "/label_pack_ids/1"),
        ({"label_pack_ids": ["no spaces"]}, "/label_pack_ids/0"),
        ({"label_pack_ids": ["lp_1"] * 10_001}, "/label_pack_ids"),
        ({"split": {"ratio": {"train": 0.5}}}, "/split/ratio"),
        ({"split": {"ratio": {"train": 0.5, "dev": 0.5}}}, "/split/ratio"),
        ({"split": {"strategy": "by_taste"}}, "/split/strategy"),
        ({"split": {"seed": -1}}, "/split/seed"),
        ({"split": {"seed": 1.0}}, "/split/seed"),
        ({"force": 1}, "/force"),
        ({"force": "true"}, "/force"),
        ({"lable_pack_ids": []}, "/lable_pack_ids"),
    ],
)
def test_a_build_says_which_field_is_wrong(shared_project: Project, change: dict[str, Any], loc: str) -> None:
    assert set(faults_of(shared_project, BUILD, BUILDABLE | change)) == {loc}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"name": NaN}',
        '{"name": Infinity}',
        '{"name": 1e999}',
        '{"name": "a", "name": "b"}',
        '{"name": "\\ud800"}',
        '{"name": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"name": ' + "[" * 65 + "]" * 65 + "}",
        '{"name": "a"} trailing',
    ],
)
def test_what_is_no_json_document_of_ours_is_refused(shared_project: Project, text: str) -> None:
    problem(shared_project.call("POST", PACKS, content=text, headers=JSON), 400, "INVALID_JSON")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_refused(shared_project: Project, kind: str) -> None:
    answer = shared_project.call("POST", PACKS, content=json.dumps(GOOD), headers={"Content-Type": kind})
    problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_over_five_megabytes_is_refused(shared_project: Project) -> None:
    body = json.dumps(GOOD | {"description": "x" * (5 * 1024 * 1024)})
    problem(shared_project.call("POST", PACKS, content=body, headers=JSON), 413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("workspace", ["acme", "acme/", "/x", "a/b/c", "Acme/x", "acme/" + "x" * 300])
def test_a_workspace_has_two_slugs(shared_project: Project, workspace: str) -> None:
    answer = shared_project.registry.call("GET", PACKS, "editor", workspace)
    assert problem(answer, 400, "INVALID_REQUEST")["errors"][0]["loc"] == "header X-Workspace"


def test_a_person_names_the_workspace(shared_project: Project) -> None:
    problem(shared_project.registry.call("GET", PACKS, "editor"), 400, "WORKSPACE_REQUIRED")


@pytest.mark.parametrize("path", [f"{PACKS}/lp_nothing", "/api/v1/datasets/dsv_nothing", "/api/v1/jobs/job_nothing"])
def test_what_is_not_there_is_not_found(shared_project: Project, path: str) -> None:
    answer = shared_project.call("GET", path)
    assert problem(answer, 404, answer.json()["code"])["code"].endswith("_NOT_FOUND")


def test_an_id_that_no_table_could_hold_is_not_found(shared_project: Project) -> None:
    problem(shared_project.call("GET", f"{PACKS}/{'x' * 3000}"), 404, "ROUTE_NOT_FOUND")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "many", "٣"])
def test_a_page_has_one_to_two_hundred_items(shared_project: Project, limit: str) -> None:
    answer = shared_project.call("GET", PACKS, params={"limit": limit})
    assert problem(answer, 400, "INVALID_REQUEST")["errors"][0]["loc"] == "query limit"


def test_refused_requests_leave_nothing_behind(project: Project) -> None:
    for body in ({"capability": "chess", "name": "a"}, GOOD | {"owner": "me"}):
        project.call("POST", PACKS, json=body)
    assert project.editor.get(PACKS) == {"items": [], "next_cursor": None}
