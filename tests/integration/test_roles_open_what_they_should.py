"""Every operation of the deployed API's own document against every kind of caller.

`tests.integration.cells` says by hand what each is for; one without a cell, or one that declares something else, fails.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.annotations import AudioDataset, segment
from tests.contract.openapi import Document, Route
from tests.integration.cells import (
    ANN,
    ANNS,
    AST,
    ASTS,
    AUDIO,
    BUILD,
    CELLS,
    DS,
    EXPORT,
    IMPORTS,
    JOBS,
    LP,
    NS,
    OWN,
    PRJ,
    PUBLIC,
    QUERIES,
    READ,
    REV,
    RIM,
    RO,
    ROLLOUTS,
    SEE,
    SERIES,
    SIGNED_IN,
    TRAINING,
    TRD,
    WRITE,
)
from tests.registry import Json, Pack, Project, Registry, ball_rows, problem
from tests.training import RolloutProject, rollouts

PERSONS: dict[str, set[str]] = {
    "owner": {SEE, READ, WRITE, EXPORT, OWN},
    "editor": {SEE, READ, WRITE, EXPORT},
    "viewer": {SEE, READ},
    "developer": {SEE, READ},
    "support": {SEE, READ},
    "stranger": set(),
}
KEYS: dict[str, set[str]] = {"read key": {SEE, READ}, "write key": {SEE, WRITE}, "export key": {SEE, EXPORT}}
STRANGE = "key of another project"
NOBODY = ("no token", "revoked key", "expired key")
CALLERS = (*PERSONS, *KEYS, STRANGE, *NOBODY)
OPS = ("developer", "support")
FOR_OPS = {("GET", f"{DS}/freeze-history")}
"""What everybody who reads the place is told apart from a place that is not there, and Ops alone are answered."""

REFUSED_AS = dict.fromkeys([("POST", BUILD), ("POST", f"{BUILD}/preflight")], "LABEL_PACK_IDS_REQUIRED")
"""How a body that nobody can pass is refused where a code says it better."""
BAD_REQUEST, UNAUTHORIZED = 400, 401
ASKING = ("GET", "HEAD")


@dataclass(frozen=True)
class House:
    """A namespace with one of everything in it, and the credentials of those who call."""

    project: Project
    document: Document
    place: dict[str, str]
    calls: AudioDataset
    keys: dict[str, str]

    def path(self, route: str) -> str:
        """Return a path in which every variable names something that is there."""
        named = {"name": next(name for step, name in NAMES.items() if step in route)}
        if route.startswith((AUDIO, ASTS)):
            named["dataset_id"] = self.calls.dataset_id
        return route.format(**{**self.place, **named})

    def query(self, route: str) -> dict[str, str]:
        """Return what a read must be asked."""
        return {name: value.format(**self.place) for name, value in QUERIES.get(route, {}).items()}

    def headers(self, caller: str) -> dict[str, str]:
        """Return the credential of a caller."""
        if caller in PERSONS:
            return self.project.registry.stack.headers(caller)
        return {"X-API-Key": self.keys[caller]} if caller in self.keys else {}

    def ask(self, cell: Route, headers: Json) -> httpx.Response:
        """Send a request that no one's body can pass: whoever is let in meets 400, and nothing is changed."""
        method, route = cell
        body = {"params": self.query(route)} if method in ASKING else {"json": {"not": "a field"}}
        workspace = self.project.workspace if route.startswith("/api/v1") and CELLS[cell] != PUBLIC else None
        return self.project.registry.call(method, self.path(route), None, workspace, headers, **body)

    def iter_faults(self, cell: Route, caller: str) -> Iterator[str]:
        """Yield what is wrong with how a caller is answered."""
        answer = self.ask(cell, self.headers(caller))
        status, kind = answer.status_code, answer.headers.get("content-type", "")
        wanted = expected(cell, caller)
        if status == wanted[0] == UNAUTHORIZED:
            return  # the emulator says it with its own body, not the template's
        is_told = kind.endswith("json") and status >= BAD_REQUEST and cell[0] != "HEAD"
        found = (status, answer.json().get("code") if is_told else "")
        if found != (wanted if cell[0] != "HEAD" else (wanted[0], "")):
            yield f"{' '.join(cell)}: {found}, not {wanted}"
        yield from self.document.iter_faults_of_answer(cell, status, kind, answer.text)


NAMES = {
    "/datasets/{name}": "training",
    "/collections/{name}": "clips",
    "/files/{name}": "default.ndjson",
    "": "train.ndjson",
}
"""What a `{name}` is the name of, by the step before it."""


def expected(cell: Route, caller: str) -> tuple[int, str]:
    """Return the status and code that a caller is answered with, by the rules of api.md alone."""
    (method, route), wanted = cell, CELLS[cell]
    let_in = (200, "") if method in ASKING else (BAD_REQUEST, REFUSED_AS.get(cell, "INVALID_REQUEST"))
    in_project = route.startswith(("/api/v1", PRJ))
    not_found = (404, "PROJECT_NOT_FOUND" if in_project else "NAMESPACE_NOT_FOUND")
    if wanted == PUBLIC:
        return let_in
    if caller in NOBODY:
        return UNAUTHORIZED, "UNAUTHORIZED"
    if wanted == SIGNED_IN:
        return let_in
    if caller in ("stranger", STRANGE) or (caller in KEYS and not in_project):
        return not_found
    may = wanted in {**PERSONS, **KEYS}[caller] and (cell not in FOR_OPS or caller in OPS)
    return let_in if may else (403, "FORBIDDEN")


@pytest.fixture(scope="module")
def house(registry: Registry) -> House:
    namespace = registry.new_namespace(editor="editor", viewer="viewer")
    project, other = registry.new_project(namespace), registry.new_project(namespace)
    pack = project.new_approved_pack()
    version = project.build(pack)
    inside = f"/namespaces/{namespace}/projects/{project.workspace.split('/')[1]}"
    project.editor.post(f"{inside}/datasets", {"name": "training", "metadata": {"any": [1, None]}})
    project.editor.post(f"{inside}/collections", {"name": "clips", "dataset": "training", "members": ["a", "b"]})
    calls = AudioDataset.new(project)
    audio_file_id = calls.new_audio_file("calls/17.wav")
    annotation_set_id = calls.new_set()
    annotation = calls.add(annotation_set_id, segment(audio_file_id, 0, 1_000))
    calls.publish(annotation_set_id)
    coach = RolloutProject.new(project)
    sent = coach.send(rollouts(2))
    place = {
        "slug": namespace,
        "projectSlug": project.workspace.split("/")[1],
        "keyId": "key_none",
        "principalId": "user-guest",
        "label_pack_id": pack.label_pack_id,
        "series_id": pack.label_pack_id,
        "revision_id": pack.revision_id,
        "dataset_id": version["dataset_version_id"],
        "sample_id": ball_rows()[0]["sample_id"],
        "job_id": version["job"]["job_id"],
        "use_id": "use_none",
        "audio_file_id": audio_file_id,
        "annotation_set_id": annotation_set_id,
        "annotation_id": annotation["id"],
        "rollout": sent["ids"][1],
        "import_id": sent["import_id"],
        "training_dataset_id": coach.new_ready(),
    }
    document = Document(registry.call("GET", "/api/v1/openapi.json", None).json())
    keys = {caller: new_key(project, *allowed - {SEE}) for caller, allowed in KEYS.items()}
    keys[STRANGE] = new_key(other, READ, WRITE, EXPORT)
    keys["revoked key"] = new_key(project, READ, WRITE, EXPORT)
    revoked = keys["revoked key"].removeprefix("phk_").rpartition("_")[0]
    answer = registry.call("DELETE", f"{inside}/api-keys/{revoked}", "owner")
    assert answer.status_code == 200, answer.text
    end = datetime.now(UTC) + timedelta(seconds=1)
    keys["expired key"] = new_key(project, READ, WRITE, EXPORT, expiresAt=end.isoformat())
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    return House(project, document, place, calls, keys)


def new_key(project: Project, *scopes: str, **more: str) -> str:
    namespace, slug = project.workspace.split("/")
    wanted = {"name": "a key", "scopes": scopes, **more}
    answer = project.registry.call("POST", f"/namespaces/{namespace}/projects/{slug}/api-keys", "owner", json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def deployed_routes(registry: Registry) -> Iterator[Route]:
    gateway = registry.stack.client("apigateway")
    pages = gateway.get_paginator("get_resources").paginate(restApiId=registry.stack.outputs["ApiId"])
    for resource in (resource for page in pages for resource in page["items"]):
        for method in resource.get("resourceMethods", {}):
            if method != "OPTIONS":
                yield method, resource["path"]


def test_the_document_tells_every_deployed_route(house: House) -> None:
    assert sorted(house.document.operations) == sorted(deployed_routes(house.project.registry))


def test_every_operation_has_a_cell_and_declares_the_same(house: House) -> None:
    declared = {
        route: PUBLIC if operation.get("security") == [] else operation.get("x-action", SIGNED_IN)
        for route, operation in house.document.operations.items()
    }
    assert declared == CELLS


@pytest.mark.parametrize("caller", CALLERS)
def test_a_caller_is_let_in_or_refused(house: House, caller: str) -> None:
    """One call after the other: at two at once the emulator starts a second worker of every function."""
    assert [fault for cell in house.document.operations for fault in house.iter_faults(cell, caller)] == []


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
        (f"{SERIES}/{{series_id}}", "LABEL_PACK_NOT_FOUND"),
        (DS, "DATASET_NOT_FOUND"),
        (f"{DS}/lineage", "DATASET_NOT_FOUND"),
        (f"{DS}/diff", "DATASET_NOT_FOUND"),
        (f"{DS}/exports", "DATASET_NOT_FOUND"),
        (f"{DS}/exports/{{name}}", "DATASET_NOT_FOUND"),
        (f"{DS}/samples", "DATASET_NOT_FOUND"),
        (f"{DS}/samples/{{sample_id}}", "DATASET_NOT_FOUND"),
        (f"{DS}/facets", "DATASET_NOT_FOUND"),
        (AUDIO, "DATASET_NOT_FOUND"),
        (f"{AUDIO}/{{audio_file_id}}", "AUDIO_FILE_NOT_FOUND"),
        (ASTS, "DATASET_NOT_FOUND"),
        (AST, "ANNOTATION_SET_NOT_FOUND"),
        (f"{AST}/diff", "ANNOTATION_SET_NOT_FOUND"),
        (f"{AST}/download", "ANNOTATION_SET_NOT_FOUND"),
        (ANNS, "ANNOTATION_SET_NOT_FOUND"),
        (ANN, "ANNOTATION_SET_NOT_FOUND"),
        (RO, "ROLLOUT_NOT_FOUND"),
        (RIM, "IMPORT_NOT_FOUND"),
        *((f"{TRD}{step}", "TRAINING_DATASET_NOT_FOUND") for step in ("", "/status", "/preview", "/export", "/files")),
        (f"{TRD}/files/{{name}}", "TRAINING_DATASET_NOT_FOUND"),
        (f"{JOBS}/{{job_id}}", "JOB_NOT_FOUND"),
    ):
        problem(project.call("GET", house.path(route), params=house.query(route)), 404, code)
    split = {"sticky_to": house.place["dataset_id"]}
    kept = {"capability": "ball_detection", "label_pack_ids": ["lp_1"], "split": split}
    for route, body, code in (
        (f"{LP}/revisions", {"upload": "presigned"}, "LABEL_PACK_NOT_FOUND"),
        (f"{LP}/review", {"decision": "approve"}, "LABEL_PACK_NOT_FOUND"),
        (f"{REV}/submit", {}, "LABEL_PACK_NOT_FOUND"),
        (f"{REV}/eligibility", {"status": "REVIEWED"}, "LABEL_PACK_NOT_FOUND"),
        (BUILD, kept, "DATASET_NOT_FOUND"),
        (f"{BUILD}/preflight", kept, "DATASET_NOT_FOUND"),
        (f"{JOBS}/{{job_id}}/cancel", {}, "JOB_NOT_FOUND"),
        (f"{DS}/freeze", {}, "DATASET_NOT_FOUND"),
        (f"{DS}/unfreeze", {}, "DATASET_NOT_FOUND"),
        (f"{DS}/uses", {"purpose": "evaluation"}, "DATASET_NOT_FOUND"),
        (AUDIO, {"uri": "calls/18.wav", "duration_ms": 1}, "DATASET_NOT_FOUND"),
        (ASTS, {}, "DATASET_NOT_FOUND"),
        (ASTS, {"copy_from": house.place["annotation_set_id"]}, "ANNOTATION_SET_NOT_FOUND"),
        (f"{AST}/publish", {}, "ANNOTATION_SET_NOT_FOUND"),
        (f"{AST}/promote", {}, "ANNOTATION_SET_NOT_FOUND"),
        (f"{ANNS}/bulk", {"annotations": [segment("aud_1", 0, 1)]}, "ANNOTATION_SET_NOT_FOUND"),
        (f"{RIM}/submit", {}, "IMPORT_NOT_FOUND"),
        (f"{TRD}/confirm", {}, "TRAINING_DATASET_NOT_FOUND"),
        (f"{TRD}/cancel", {}, "TRAINING_DATASET_NOT_FOUND"),
        (
            TRAINING,
            {"name": "a", "exclude_overlap_with": [house.place["training_dataset_id"]]},
            "TRAINING_DATASET_NOT_FOUND",
        ),
    ):
        problem(project.call("POST", house.path(route), json=body), 404, code)
    problem(project.call("PATCH", house.path(AST), json={"extra_data": {}}), 404, "ANNOTATION_SET_NOT_FOUND")
    problem(project.call("DELETE", house.path(AST)), 404, "ANNOTATION_SET_NOT_FOUND")
    problem(project.call("PATCH", house.path(ANN), json={"end_ms": 2}), 404, "ANNOTATION_SET_NOT_FOUND")
    problem(project.call("DELETE", house.path(ANN)), 404, "ANNOTATION_SET_NOT_FOUND")
    problem(project.call("DELETE", house.path(f"{DS}/uses/{{use_id}}")), 404, "DATASET_NOT_FOUND")
    history = project.call("GET", house.path(f"{DS}/freeze-history"), "support")
    problem(history, 404, "DATASET_NOT_FOUND")


def test_a_key_is_taken_as_a_bearer_too(house: House) -> None:
    headers = {"Authorization": f"Bearer {new_key(house.project, 'read')}"}
    assert house.ask(("GET", LP), headers).status_code == 200


def test_a_key_opens_no_other_project(house: House, project: Project) -> None:
    headers = {"X-API-Key": new_key(house.project, "read", "write", "export")}
    answer = project.call("GET", "/api/v1/label-packs", None, headers=headers)
    problem(answer, 404, "PROJECT_NOT_FOUND")


def test_a_key_creates_no_namespace(house: House) -> None:
    headers = {"X-API-Key": new_key(house.project, "write")}
    answer = house.project.registry.call("POST", "/namespaces", None, headers=headers, json={"slug": "x", "name": "x"})
    problem(answer, 403, "FORBIDDEN")


def test_a_key_opens_until_it_expires(house: House) -> None:
    end = datetime.now(UTC) + timedelta(seconds=1.5)
    headers = {"X-API-Key": new_key(house.project, "read", expiresAt=end.isoformat())}
    assert house.ask(("GET", LP), headers).status_code == 200
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    assert house.ask(("GET", LP), headers).status_code == 401


def test_a_revoked_key_opens_nothing_from_the_next_request_on(house: House) -> None:
    key = new_key(house.project, "read")
    assert house.ask(("GET", LP), {"X-API-Key": key}).status_code == 200
    house.project.registry.stack.client("dynamodb").update_item(
        TableName="packhouse-local-access",
        Key={"pk": {"S": f"KEY#{key.removeprefix('phk_').rpartition('_')[0]}"}, "sk": {"S": "META"}},
        UpdateExpression="SET revoked_at = :now",
        ExpressionAttributeValues={":now": {"S": "2026-01-01T00:00:00.000Z"}},
    )
    assert house.ask(("GET", LP), {"X-API-Key": key}).status_code == 401


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


def test_what_is_listed_is_of_the_project(house: House, project: Project) -> None:
    of_labels = ("/api/v1/label-packs", SERIES, f"{BUILD}/candidates", "/api/v1/datasets")
    for route in (*of_labels, ROLLOUTS, IMPORTS, TRAINING, JOBS):
        listed = [place.call("GET", route, params=house.query(route)).json() for place in (house.project, project)]
        assert listed[0]["items"]
        assert listed[1] == {"items": [], "next_cursor": None}


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
    for path, status in ((f"{BUILD}/preflight", 200), (BUILD, 202)):
        for person in ("editor", "support", "owner"):
            problem(project.call("POST", path, person, json=wanted), 403, "ELIGIBILITY_OVERRIDE_FORBIDDEN")
        answer = project.call("POST", path, "developer", json=wanted)
        assert (answer.status_code, answer.json()["included_label_pack_ids"]) == (status, [label_pack_id])
