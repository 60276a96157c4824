"""Every deployed route against every person: a route that is deployed and not in `CELLS` fails."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.registry import Json, Pack, Project, Registry, problem

READ = {"owner", "editor", "viewer", "developer", "support"}
WRITE = {"owner", "editor"}
OWN = {"owner"}
MEMBERS_AND_OPS = READ
PUBLIC = {("GET", "/api/v1/live"), ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/docs")}
OF_ANYONE = {("GET", "/namespaces"), ("POST", "/namespaces")}
PERSONS = ("owner", "editor", "viewer", "developer", "support", "stranger")

NS, PRJ = "/namespaces/{slug}", "/namespaces/{slug}/projects/{projectSlug}"
LP, REV = "/api/v1/label-packs/{label_pack_id}", "/api/v1/label-packs/{label_pack_id}/revisions/{revision_id}"
DS = "/api/v1/datasets/{dataset_id}"
CELLS = {
    ("GET", NS): READ,
    ("GET", f"{NS}/members"): READ,
    ("PUT", f"{NS}/members/{{principalId}}"): OWN,
    ("DELETE", f"{NS}/members/{{principalId}}"): OWN,
    ("GET", f"{NS}/projects"): READ,
    ("POST", f"{NS}/projects"): OWN,
    ("GET", PRJ): READ,
    ("PATCH", PRJ): OWN,
    ("GET", f"{PRJ}/api-keys"): OWN,
    ("POST", f"{PRJ}/api-keys"): OWN,
    ("DELETE", f"{PRJ}/api-keys/{{keyId}}"): OWN,
    ("POST", "/api/v1/label-packs"): WRITE,
    ("GET", "/api/v1/label-packs"): READ,
    ("GET", LP): READ,
    ("POST", f"{LP}/revisions"): WRITE,
    ("GET", f"{LP}/revisions"): READ,
    ("GET", REV): READ,
    ("POST", f"{REV}/submit"): WRITE,
    ("POST", f"{REV}/eligibility"): WRITE,
    ("POST", f"{LP}/review"): WRITE,
    ("POST", "/api/v1/datasets/build"): WRITE,
    ("GET", DS): READ,
    ("GET", f"{DS}/exports"): WRITE,
    ("GET", f"{DS}/exports/{{name}}"): WRITE,
    ("GET", "/api/v1/jobs/{job_id}"): READ,
}
SCOPES = {
    "read": {cell for cell, who in CELLS.items() if who is READ and cell[1].startswith("/api/v1")} | {("GET", PRJ)},
    "export": {("GET", f"{DS}/exports"), ("GET", f"{DS}/exports/{{name}}")},
    "write": {cell for cell, who in CELLS.items() if who is WRITE and cell[0] == "POST"},
}


@dataclass(frozen=True)
class House:
    """A namespace with one of everything in it."""

    project: Project
    place: dict[str, str]

    def path(self, route: str) -> str:
        return route.format(**self.place)

    def ask(self, cell: tuple[str, str], person: str | None, headers: Json | None = None) -> httpx.Response:
        """Send a request that no one's body can pass: whoever is let in meets 400, and nothing is changed."""
        method, route = cell
        body = {"json": {"not": "a field"}} if method != "GET" else {}
        workspace = self.project.workspace if person and route.startswith("/api/v1") else None
        return self.project.registry.call(method, self.path(route), person, workspace, headers, **body)


@pytest.fixture(scope="module")
def house(registry: Registry) -> House:
    namespace = registry.new_namespace(editor="editor", viewer="viewer")
    project = registry.new_project(namespace)
    pack = project.new_approved_pack()
    version = project.build(pack)
    place = {
        "slug": namespace,
        "projectSlug": project.workspace.split("/")[1],
        "keyId": "key_none",
        "principalId": "user-guest",
        "label_pack_id": pack.label_pack_id,
        "revision_id": pack.revision_id,
        "dataset_id": version["dataset_version_id"],
        "name": "train.ndjson",
        "job_id": version["job"]["job_id"],
    }
    return House(project, place)


def deployed_routes(registry: Registry) -> Iterator[tuple[str, str]]:
    gateway = registry.stack.client("apigateway")
    pages = gateway.get_paginator("get_resources").paginate(restApiId=registry.stack.outputs["ApiId"])
    for resource in (resource for page in pages for resource in page["items"]):
        for method in resource.get("resourceMethods", {}):
            if method != "OPTIONS":
                yield method, resource["path"]


def test_every_deployed_route_has_a_cell(registry: Registry) -> None:
    assert set(deployed_routes(registry)) - PUBLIC == CELLS.keys() | OF_ANYONE


@pytest.mark.parametrize("person", PERSONS)
@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_a_person_is_let_in_or_refused(house: House, cell: tuple[str, str], person: str) -> None:
    answer = house.ask(cell, person)
    if person in CELLS[cell]:
        assert answer.status_code == (200 if cell[0] == "GET" else 400), answer.text
    elif person in MEMBERS_AND_OPS:
        problem(answer, 403, "FORBIDDEN")
    else:
        place = "PROJECT" if cell[1].startswith(("/api/v1", PRJ)) else "NAMESPACE"
        problem(answer, 404, f"{place}_NOT_FOUND")


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_nobody_is_let_in_without_a_credential(house: House, cell: tuple[str, str]) -> None:
    assert house.ask(cell, None).status_code == 401


def test_a_place_that_is_not_there_looks_to_a_stranger_like_one_that_is(house: House) -> None:
    there, absent = (
        problem(
            house.project.registry.call("GET", LP.format(**house.place), "stranger", workspace),
            404,
            "PROJECT_NOT_FOUND",
        )
        for workspace in (house.project.workspace, f"{house.place['slug']}/nothing")
    )
    assert {k: v for k, v in there.items() if k not in ("request_id", "detail")} == {
        k: v for k, v in absent.items() if k not in ("request_id", "detail")
    }
    assert there["detail"].replace(house.project.workspace, "") == absent["detail"].replace(
        f"{house.place['slug']}/nothing", ""
    )


def test_what_is_in_another_project_is_not_found(house: House, project: Project) -> None:
    for route, code in (
        (LP, "LABEL_PACK_NOT_FOUND"),
        (f"{LP}/revisions", "LABEL_PACK_NOT_FOUND"),
        (REV, "REVISION_NOT_FOUND"),
        (DS, "DATASET_NOT_FOUND"),
        (f"{DS}/exports", "DATASET_NOT_FOUND"),
        (f"{DS}/exports/{{name}}", "DATASET_NOT_FOUND"),
        ("/api/v1/jobs/{job_id}", "JOB_NOT_FOUND"),
    ):
        problem(project.call("GET", house.path(route)), 404, code)
    for route, body, code in (
        (f"{LP}/revisions", {"upload": "presigned"}, "LABEL_PACK_NOT_FOUND"),
        (f"{LP}/review", {"decision": "approve"}, "LABEL_PACK_NOT_FOUND"),
        (f"{REV}/submit", {}, "LABEL_PACK_NOT_FOUND"),
        (f"{REV}/eligibility", {"status": "REVIEWED"}, "LABEL_PACK_NOT_FOUND"),
    ):
        problem(project.call("POST", house.path(route), json=body), 404, code)


def new_key(house: House, *scopes: str, **more: str) -> str:
    path = house.path(f"{PRJ}/api-keys")
    answer = house.project.registry.call("POST", path, "owner", json={"name": "a key", "scopes": scopes, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_what_its_scope_says(house: House, scope: str) -> None:
    headers = {"X-API-Key": new_key(house, scope)}
    for cell in CELLS:
        answer = house.ask(cell, None, headers)
        if cell in SCOPES[scope]:
            assert answer.status_code == (200 if cell[0] == "GET" else 400), (cell, answer.text)
        elif cell[1].startswith(("/api/v1", PRJ)):
            problem(answer, 403, "FORBIDDEN")
        else:
            problem(answer, 404, "NAMESPACE_NOT_FOUND")


def test_a_key_is_taken_as_a_bearer_too(house: House) -> None:
    headers = {"Authorization": f"Bearer {new_key(house, 'read')}"}
    assert house.ask(("GET", LP), None, headers).status_code == 200


def test_a_key_opens_no_other_project(house: House, project: Project) -> None:
    headers = {"X-API-Key": new_key(house, "read", "write", "export")}
    answer = project.call("GET", "/api/v1/label-packs", None, headers=headers)
    problem(answer, 404, "PROJECT_NOT_FOUND")


def test_a_key_creates_no_namespace(house: House) -> None:
    headers = {"X-API-Key": new_key(house, "write")}
    answer = house.project.registry.call("POST", "/namespaces", None, headers=headers, json={"slug": "x", "name": "x"})
    problem(answer, 403, "FORBIDDEN")


def test_a_key_opens_until_it_expires(house: House) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    headers = {"X-API-Key": new_key(house, "read", expiresAt=end.isoformat())}
    assert house.ask(("GET", LP), None, headers).status_code == 200
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    assert house.ask(("GET", LP), None, headers).status_code == 401


def test_a_revoked_key_opens_nothing_from_the_next_request_on(house: House) -> None:
    key = new_key(house, "read")
    assert house.ask(("GET", LP), None, {"X-API-Key": key}).status_code == 200
    house.project.registry.stack.client("dynamodb").update_item(
        TableName="packhouse-local-access",
        Key={"pk": {"S": f"KEY#{key.removeprefix('phk_').rpartition('_')[0]}"}, "sk": {"S": "META"}},
        UpdateExpression="SET revoked_at = :now",
        ExpressionAttributeValues={":now": {"S": "2026-01-01T00:00:00.000Z"}},
    )
    assert house.ask(("GET", LP), None, {"X-API-Key": key}).status_code == 401


def test_a_new_member_is_let_in_and_a_lowered_one_no_more(registry: Registry) -> None:
    namespace = registry.new_namespace(editor="editor")
    project = registry.new_project(namespace)
    wanted = {"capability": "ball_detection", "name": "a pack"}
    problem(project.call("POST", "/api/v1/label-packs", "viewer", json=wanted), 404, "PROJECT_NOT_FOUND")
    for role, status in (("editor", 201), ("viewer", 403)):
        registry.call("PUT", f"/namespaces/{namespace}/members/user-viewer", "owner", json={"role": role})
        assert project.call("POST", "/api/v1/label-packs", "viewer", json=wanted).status_code == status


def test_an_owner_does_not_take_their_own_role_away(house: House) -> None:
    answer = house.project.registry.call(
        "PUT", house.path(f"{NS}/members/user-owner"), "owner", json={"role": "viewer"}
    )
    problem(answer, 409, "LAST_OWNER")


def test_the_listed_namespaces_are_ones_own(house: House) -> None:
    listed = house.project.registry.call("GET", "/namespaces", "stranger").json()
    assert house.place["slug"] not in [namespace["slug"] for namespace in listed["namespaces"]]


def test_a_call_with_a_token_names_its_workspace(house: House) -> None:
    problem(house.project.registry.call("GET", "/api/v1/label-packs"), 400, "WORKSPACE_REQUIRED")
    for malformed in ("acme", "acme/", "/x", "acme/x/y"):
        answer = house.project.registry.call("GET", "/api/v1/label-packs", workspace=malformed)
        assert problem(answer, 400, "INVALID_REQUEST")["errors"][0]["loc"] == "header X-Workspace"


def test_only_developers_override_eligibility(registry: Registry) -> None:
    project = registry.new_project(registry.new_namespace(editor="editor", developer="editor", support="editor"))
    label_pack_id = project.new_pack()
    pack = Pack(label_pack_id, project.new_revision(label_pack_id, [{"sample_id": "a", "group": "g", "labels": []}]))
    project.wait(project.submit(pack))
    project.editor.post(f"{pack.path}/review", {"decision": "approve"})
    project.make_eligible(pack, "REVIEWED")
    wanted = {"capability": "ball_detection", "label_pack_ids": [label_pack_id], "include_reviewed_override": True}
    for person in ("editor", "support", "owner"):
        answer = project.call("POST", "/api/v1/datasets/build", person, json=wanted)
        problem(answer, 403, "ELIGIBILITY_OVERRIDE_FORBIDDEN")
    answer = project.call("POST", "/api/v1/datasets/build", "developer", json=wanted)
    assert (answer.status_code, answer.json()["included_label_pack_ids"]) == (202, [label_pack_id])
