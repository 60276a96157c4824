"""What endpoints have in common: one form of refusals, bodies and queries met at the door, the caller before both."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.containers import COLLECTIONS, DATASETS, Containers, succeeded
from tests.registry import Json, Project, problem
from tests.training import IMPORTS, ROLLOUTS, TRAINING

JSON = {"Content-Type": "application/json"}
PACKS = "/api/v1/label-packs"
SERIES = "/api/v1/label-review-series"
VERSIONS = "/api/v1/datasets"
BUILD = "/api/v1/datasets/build"
JOBS = "/api/v1/jobs"
SAMPLES = f"{VERSIONS}/dsv_none/samples"
AUDIO_FILES, SETS = f"{VERSIONS}/ds_none/audio-files", f"{VERSIONS}/ds_none/annotation-sets"
ANNOTATIONS = f"{SETS}/ast_none/annotations"
SEGMENT: Json = {"audio_file_id": "aud_none", "artifact_type": "glitch", "start_ms": 0, "end_ms": 1}


@pytest.fixture(scope="module")
def space(shared_project: Project) -> Containers:
    """A project with the dataset `kept`, which holds the collection `kept`."""
    space = Containers(shared_project)
    space.new_dataset("kept")
    space.new_collection("kept", dataset="kept", members=["a"])
    return space


# Every door that reads a body: method, path below the project (or of its own), a body it takes, and who may.
DOORS: dict[str, tuple[str, Callable[[Containers], str], Json, str]] = {
    "namespaces": ("POST", lambda space: "/namespaces", {"slug": "taken", "name": "n"}, "owner"),
    "members": ("PUT", lambda space: "/namespaces/acme/members/user-viewer", {"role": "viewer"}, "owner"),
    "projects": ("POST", lambda space: "/namespaces/acme/projects", {"slug": "match-day", "name": "n"}, "owner"),
    "project": ("PATCH", lambda space: space.path, {"name": "n"}, "owner"),
    "keys": ("POST", lambda space: space.at("api-keys"), {"name": "k", "scopes": ["read"]}, "owner"),
    "datasets": ("POST", lambda space: space.at(DATASETS), {"name": "kept"}, "editor"),
    "dataset": ("PATCH", lambda space: space.at(DATASETS, "kept"), {"description": "d"}, "editor"),
    "collections": ("POST", lambda space: space.at(COLLECTIONS), {"name": "kept"}, "editor"),
    "collection": ("PATCH", lambda space: space.at(COLLECTIONS, "kept"), {"description": "d"}, "editor"),
    "collection-members": ("POST", lambda space: space.at(COLLECTIONS, "kept", "members"), {"add": ["a"]}, "editor"),
    "packs": ("POST", lambda space: PACKS, {"capability": "ball_detection", "name": "p"}, "editor"),
    "build": ("POST", lambda space: BUILD, {"capability": "ball_detection", "label_pack_ids": ["lp_1"]}, "editor"),
    "preflight": (
        "POST",
        lambda space: f"{BUILD}/preflight",
        {"capability": "ball_detection", "label_pack_ids": ["lp_1"]},
        "editor",
    ),
    "audio-files": ("POST", lambda space: AUDIO_FILES, {"uri": "calls/17.wav", "duration_ms": 1}, "editor"),
    "annotation-set": ("PATCH", lambda space: f"{SETS}/ast_none", {"extra_data": {}}, "editor"),
    "annotation": ("POST", lambda space: ANNOTATIONS, SEGMENT, "editor"),
    "annotations": ("POST", lambda space: f"{ANNOTATIONS}/bulk", {"annotations": [SEGMENT]}, "editor"),
    "rollouts": ("POST", lambda space: ROLLOUTS, {"rollouts": [{}]}, "editor"),
    "rollout-import": ("POST", lambda space: IMPORTS, {"content_length": 1}, "editor"),
    "training-dataset": ("POST", lambda space: TRAINING, {"name": "coach"}, "editor"),
    "cancel": ("POST", lambda space: f"{JOBS}/job_none/cancel", {}, "editor"),
}
every_door = pytest.mark.parametrize("door", DOORS)
# Those of one function read bodies alike; one door of each says so.
one_door_a_function = pytest.mark.parametrize(
    "door", ["keys", "dataset", "packs", "build", "annotation", "training-dataset", "cancel"]
)


def knock(space: Containers, door: str, person: str | None = None, **content: Any) -> Any:
    method, path, body, allowed = DOORS[door]
    content = content or {"json": body}
    return space.project.call(method, path(space), person or allowed, **content)


def faults_of(answer: Any) -> dict[str, str]:
    return {fault["loc"]: fault["reason"] for fault in problem(answer, 400, "INVALID_REQUEST")["errors"]}


def with_more(door: str, more: str) -> str:
    """Return the JSON of a body that the door takes, with more text in it."""
    body = DOORS[door][2]
    return json.dumps(body)[:-1] + (", " if body else "") + more + "}"


ALL_FAULTS: list[tuple[str, Json, set[str]]] = [
    ("namespaces", {"slug": "Not A Slug", "owner": 1}, {"/slug", "/name", "/owner"}),
    ("members", {"role": "king", "since": 1}, {"/role", "/since"}),
    ("projects", {"slug": "-", "name": "", "description": 1}, {"/slug", "/name", "/description"}),
    ("project", {"name": None, "trainingUse": True, "slug": "x"}, {"/name", "/trainingUse", "/slug"}),
    ("keys", {"name": "a\nb", "scopes": ["read", "own"], "expiresAt": "1"}, {"/name", "/scopes/1", "/expiresAt"}),
    (
        "datasets",
        {"name": 7, "tags": ["fine", 1, "", "x" * 101], "metadata": 3, "a/b~c": 1},
        {"/name", "/tags/1", "/tags/2", "/tags/3", "/metadata", "/a~1b~0c"},
    ),
    ("dataset", {"name": "a/b", "tags": None, "": 1}, {"/name", "/tags", "/"}),
    ("collections", {"dataset": "..", "members": ["a", 1]}, {"/name", "/dataset", "/members/1"}),
    ("collection", {"name": None, "dataset": 1, "members": []}, {"/name", "/dataset", "/members"}),
    ("collection-members", {"add": "a", "remove": [""], "set": []}, {"/add", "/remove/0", "/set"}),
    ("packs", {"capability": "chess", "name": " "}, {"/capability", "/name"}),
    ("build", {"label_pack_ids": [1], "split": {"seed": "0"}}, {"/capability", "/label_pack_ids/0", "/split/seed"}),
    (
        "preflight",
        {"label_pack_ids": ["lp 1"], "dataset": "a/b", "split": {"ratio": {"train": 2.0}, "sticky_to": ""}},
        {"/capability", "/label_pack_ids/0", "/dataset", "/split/ratio", "/split/sticky_to"},
    ),
    ("audio-files", {"uri": "../a.wav", "duration_ms": 0, "rate": 8}, {"/uri", "/duration_ms", "/rate"}),
    ("annotation-set", {"extra_data": [], "version": 2}, {"/extra_data", "/version"}),
    (
        "annotation",
        {"audio_file_id": "", "artifact_type": "ball", "start_ms": -1, "end_ms": 0, "confidence": 1.1},
        {"/audio_file_id", "/artifact_type", "/start_ms", "/end_ms", "/confidence"},
    ),
    (
        "annotations",
        {"annotations": [SEGMENT | {"id": "ann_1"}, {}], "set": 1},
        {"/annotations/0/id", *(f"/annotations/1/{name}" for name in SEGMENT), "/set"},
    ),
    ("rollouts", {"rollouts": [1], "import_id": "rim_1"}, {"/rollouts/0", "/import_id"}),
    (
        "rollout-import",
        {"content_length": 0, "sha256": "abc", "rollouts": []},
        {"/content_length", "/sha256", "/rollouts"},
    ),
    (
        "training-dataset",
        {"name": "", "scenario_ids": [], "min_scores": {"score": 1}, "dedupe": "all", "profile": "csv", "seed": -1},
        {"/name", "/scenario_ids", "/min_scores/score", "/dedupe", "/profile", "/seed"},
    ),
    ("cancel", {"reason": "late", "force": True}, {"/reason", "/force"}),
]  # fmt: skip


@pytest.mark.parametrize(("door", "body", "pointers"), ALL_FAULTS, ids=[door for door, _, _ in ALL_FAULTS])
def test_all_faults_of_a_body_are_told_at_once_by_their_json_pointers(
    space: Containers, door: str, body: Json, pointers: set[str]
) -> None:
    faults = faults_of(knock(space, door, json=body))
    assert faults.keys() == pointers
    assert all(faults.values())


def test_every_door_is_tried_with_a_body_of_many_faults() -> None:
    assert [door for door, _, _ in ALL_FAULTS] == list(DOORS)


@every_door
def test_a_field_that_is_not_known_is_refused(space: Containers, door: str) -> None:
    assert faults_of(knock(space, door, json=DOORS[door][2] | {"nmae": "x"})).keys() == {"/nmae"}


@every_door
def test_a_body_is_an_object(space: Containers, door: str) -> None:
    for text in ("[]", "null", '"{}"', "1"):
        assert faults_of(knock(space, door, content=text, headers=JSON)).keys() == {""}


NOT_JSON = {
    "key given twice": '"twice": 1, "twice": 1',
    "inner key given twice": '"metadata": {"a": 1, "a": 2}',
    "NaN": '"nan": NaN',
    "Infinity": '"infinite": -Infinity',
    "too large a number": '"large": 1e999',
    "depth 65": '"deep": ' + "[" * 64 + "]" * 64,
    "integer of 401 digits": '"long": ' + "9" * 401,
    "control character": '"text": "\x01"',
    "lone surrogate": '"text": "\\ud800"',
    "comma": '"a": 1,',
}


@one_door_a_function
@pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_json_of_ours_is_refused(space: Containers, door: str, text: str) -> None:
    problem(knock(space, door, content=with_more(door, text), headers=JSON), 400, "INVALID_JSON")


def test_depth_64_is_read(space: Containers) -> None:
    text = with_more("datasets", '"metadata": {"deep": ' + "[" * 62 + "]" * 62 + "}")
    problem(knock(space, "datasets", content=text, headers=JSON), 409, "DATASET_EXISTS")


@one_door_a_function
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_is_announced_as_json(space: Containers, door: str, kind: str) -> None:
    text = json.dumps(DOORS[door][2])
    answer = knock(space, door, content=text, headers={"Content-Type": kind} if kind else {})
    problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_json_has_several_names(space: Containers) -> None:
    text = json.dumps({"description": "announced"})
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"):
        succeeded(knock(space, "dataset", content=text, headers={"Content-Type": kind}))


@one_door_a_function
def test_a_body_over_five_megabytes_is_refused(space: Containers, door: str) -> None:
    text = with_more(door, '"x": "' + "x" * (5 * 1024 * 1024) + '"')
    problem(knock(space, door, content=text, headers=JSON), 413, "BODY_TOO_LARGE")


STRICT: list[tuple[str, Json, str]] = [
    ("build", {"force": 1}, "/force"),
    ("build", {"force": "true"}, "/force"),
    ("build", {"include_reviewed_override": None}, "/include_reviewed_override"),
    ("build", {"split": {"seed": True}}, "/split/seed"),
    ("build", {"split": {"seed": 1.0}}, "/split/seed"),
    ("build", {"split": {"seed": "1"}}, "/split/seed"),
    ("build", {"split": {"sticky_to": 1}}, "/split/sticky_to"),
    ("build", {"split": {"strategy": "predefined", "seed": 1}}, "/split"),
    ("build", {"dataset": 1}, "/dataset"),
    ("datasets", {"name": True}, "/name"),
    ("datasets", {"tags": {"0": "a"}}, "/tags"),
    ("keys", {"scopes": "read"}, "/scopes"),
    ("keys", {"expiresAt": 1_900_000_000}, "/expiresAt"),
    ("audio-files", {"duration_ms": 1.0}, "/duration_ms"),
    ("annotation", {"start_ms": "0"}, "/start_ms"),
    ("annotation", {"end_ms": True}, "/end_ms"),
    ("annotation", {"confidence": "0.5"}, "/confidence"),
]


@pytest.mark.parametrize(("door", "change", "loc"), STRICT)
def test_values_are_taken_as_what_they_are(space: Containers, door: str, change: Json, loc: str) -> None:
    assert faults_of(knock(space, door, json=DOORS[door][2] | change)).keys() == {loc}


def training_read(step: str, _: Containers) -> str:
    return f"{TRAINING}/trd_none/{step}".rstrip("/")


LISTS: dict[str, Callable[[Containers], str]] = {
    "namespaces": lambda space: "/namespaces",
    "members": lambda space: "/namespaces/acme/members",
    "projects": lambda space: "/namespaces/acme/projects",
    "keys": lambda space: space.at("api-keys"),
    "datasets": lambda space: space.at(DATASETS),
    "collections": lambda space: space.at(COLLECTIONS),
    "collection-members": lambda space: space.at(COLLECTIONS, "kept", "members"),
    "packs": lambda space: PACKS,
    "series": lambda space: SERIES,
    "versions": lambda space: VERSIONS,
    "jobs": lambda space: JOBS,
    "samples": lambda space: SAMPLES,
    "audio-files": lambda space: AUDIO_FILES,
    "annotation-sets": lambda space: SETS,
    "rollouts": lambda space: ROLLOUTS,
    "rollout-imports": lambda space: IMPORTS,
    "training-datasets": lambda space: TRAINING,
}
READS = LISTS | {
    "namespace": lambda space: "/namespaces/acme",
    "project": lambda space: space.path,
    "dataset": lambda space: space.at(DATASETS, "kept"),
    "collection": lambda space: space.at(COLLECTIONS, "kept"),
    "sample": lambda space: f"{SAMPLES}/s",
    "facets": lambda space: f"{VERSIONS}/dsv_none/facets",
    "audio-file": lambda space: f"{AUDIO_FILES}/aud_none",
    "annotation-set": lambda space: f"{SETS}/ast_none",
    "annotations": lambda space: ANNOTATIONS,
    "annotation": lambda space: f"{ANNOTATIONS}/ann_none",
    "rollout": lambda space: f"{ROLLOUTS}/ro_none",
    "rollout-import": lambda space: f"{IMPORTS}/rim_none",
    **{f"training {step}": partial(training_read, step) for step in ("", "status", "preview", "export", "files")},
}


@pytest.mark.parametrize("read", READS)
def test_a_query_parameter_that_is_not_known_is_refused(space: Containers, read: str) -> None:
    for query in ({"pagesize": "1"}, {"offset": ""}, {"Page": "1"}):
        (name,) = query
        answer = space.project.call("GET", READS[read](space), "owner", params=query)
        assert faults_of(answer).keys() == {f"query {name}"}


@pytest.mark.parametrize("read", LISTS)
def test_a_query_parameter_is_given_once_and_is_a_whole_number(space: Containers, read: str) -> None:
    name = "limit" if LISTS[read](space).startswith("/api/") else "pageSize"

    def faults(*values: str) -> dict[str, str]:
        query = [(name, value) for value in values]
        return faults_of(space.project.call("GET", LISTS[read](space), "owner", params=query))

    assert faults("1", "1") == {f"query {name}": "is given more than once"}
    for value in ("0", "201", "-1", "+1", "1.0", " 1", "1e1", "\u0661", "", "9" * 40):
        assert faults(value).keys() == {f"query {name}"}


FILTERS = [
    (PACKS, "capability", "review_status"),
    (SERIES, "capability", "review_status", "eligibility_status"),
    (VERSIONS, "capability", "scope", "status"),
    (JOBS, "kind", "status"),
    (f"{VERSIONS}/dsv_none/lineage", "kind"),
    (f"{BUILD}/candidates", "capability"),
    (SAMPLES, "split"),
    (f"{SAMPLES}/s", "split"),
    (IMPORTS, "validation_status"),
    (TRAINING, "status"),
    (f"{TRAINING}/trd_none/export", "profile"),
]


@pytest.mark.parametrize("told", FILTERS, ids=lambda told: told[0])
def test_a_filter_is_one_of_its_words(space: Containers, told: tuple[str, ...]) -> None:
    path, *names = told
    for value in ("", "chess", "READY"):
        answer = space.project.call("GET", path, params=dict.fromkeys(names, value))
        assert faults_of(answer).keys() == {f"query {name}" for name in names}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{BUILD}/candidates", "capability"),
        (f"{VERSIONS}/dsv_none/lineage", "kind"),
        (f"{VERSIONS}/dsv_none/diff", "against"),
        (f"{SETS}/ast_none/diff", "against"),
    ],
)
def test_what_a_read_must_be_asked_is_told(space: Containers, path: str, name: str) -> None:
    assert faults_of(space.project.call("GET", path)).keys() == {f"query {name}"}


CURSORED = (
    *(PACKS, SERIES, VERSIONS, JOBS, SAMPLES, AUDIO_FILES, SETS, ANNOTATIONS, f"{BUILD}/candidates"),
    *(ROLLOUTS, IMPORTS, TRAINING),
)


@pytest.mark.parametrize("cursor", ["", "x", "A" * 64, "\u00e4"])
@pytest.mark.parametrize("path", CURSORED)
def test_a_cursor_that_was_made_up_is_refused(space: Containers, path: str, cursor: str) -> None:
    asked = {"capability": "ball_detection"} if path.endswith("candidates") else {}
    problem(space.project.call("GET", path, params=asked | {"cursor": cursor}), 400, "INVALID_CURSOR")


def test_faults_of_a_query_are_told_at_once(space: Containers) -> None:
    query = [("page", "0"), ("pageSize", "x"), ("sort", "name"), ("sort", "id")]
    answer = space.call("GET", DATASETS, params=query)
    assert faults_of(answer).keys() == {"query page", "query pageSize", "query sort"}


@pytest.mark.parametrize("text", ["{", '{"name": 7}', '{"x": NaN}', "[" * 100])
@pytest.mark.parametrize("door", [door for door in DOORS if door != "namespaces"])
def test_a_stranger_learns_nothing_from_a_malformed_body(space: Containers, door: str, text: str) -> None:
    """The caller is looked at before the body: who may not is told so, whatever was sent (anyone makes namespaces)."""
    answer = knock(space, door, "stranger", content=text, headers=JSON)
    problem(answer, 404, "NAMESPACE_NOT_FOUND" if door in {"members", "projects"} else "PROJECT_NOT_FOUND")
    if not DOORS[door][1](space).startswith("/api/"):
        problem(knock(space, door, "viewer", content=text, headers=JSON), 403, "FORBIDDEN")


def test_a_stranger_learns_nothing_from_malformed_headers_and_queries(space: Containers) -> None:
    for headers in ({"Idempotency-Key": "a b"}, {"If-Match": "x"}, {"If-None-Match": "x"}):
        for method in ("GET", "PATCH"):
            answer = space.call(method, DATASETS, "kept", person="stranger", params={"x": 1}, headers=headers)
            problem(answer, 404, "PROJECT_NOT_FOUND")


def test_every_refusal_bears_the_id_of_its_own_request(space: Containers) -> None:
    answers = [space.call("GET", DATASETS, name) for name in ("nothing", "nothing")]
    bodies = [problem(answer, 404, "DATASET_NOT_FOUND") for answer in answers]
    assert len({body["request_id"] for body in bodies}) == 2
    without = [{field: body[field] for field in body if field != "request_id"} for body in bodies]
    assert without[0] == without[1]
    assert without[0]["type"].endswith("#dataset_not_found")


def test_what_was_refused_changed_nothing(space: Containers) -> None:
    kept = space.get(DATASETS, "kept")
    assert (kept["tags"], kept["metadata"], [one["members"] for one in kept["collections"]]) == ([], None, [["a"]])
    assert [space.get(kind)["total"] for kind in (DATASETS, COLLECTIONS)] == [1, 1]
    for path in (PACKS, SERIES, VERSIONS, ROLLOUTS, IMPORTS, TRAINING, JOBS):
        assert space.project.editor.get(path)["items"] == []
    assert space.project.call("GET", space.at("api-keys"), "owner").json()["total"] == 0
