"""Sentences of contract C ("Datasets"), one test each, over HTTP on the deployed template.

Above each group stands the part of the contract that it quotes from; what it costs is in `test_dataset_round_trips`.
"""

import re
from typing import Any

import pytest

from tests.containers import COLLECTIONS, DATASETS, Containers, succeeded
from tests.registry import Json, Project, Registry, problem

CREATED = {"id", "name", "description", "tags", "projectId", "metadata", "createdAt", "updatedAt"}
LISTED = {"id", "name", "description", "tags"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TRAINING: Json = {
    "name": "training-v2",
    "description": "Q1 training data",
    "tags": ["q1", "front"],
    "metadata": {"a": 1},
}
CALLS: list[tuple[str, tuple[str, ...], Json]] = [
    ("POST", (DATASETS,), {"json": {"name": "called"}}),
    ("GET", (DATASETS,), {}),
    ("GET", (DATASETS, "called"), {}),
    ("PATCH", (DATASETS, "called"), {"json": {"description": "said"}}),
    ("DELETE", (DATASETS, "called"), {}),
]
NAMED = [call for call in CALLS if len(call[1]) > 1]
every_call = pytest.mark.parametrize(("method", "steps", "content"), CALLS, ids=lambda value: str(value)[:20])
every_named_call = pytest.mark.parametrize(("method", "steps", "content"), NAMED, ids=lambda value: str(value)[:20])


@pytest.fixture
def space(project: Project) -> Containers:
    return Containers(project)


@pytest.fixture(scope="module")
def shared_space(shared_project: Project) -> Containers:
    return Containers(shared_project)


@pytest.fixture(scope="module")
def full_space(registry: Registry) -> Containers:
    """A space of one dataset more than the longest page shows."""
    space = Containers(registry.new_project())
    for number in range(201):
        space.new_dataset(f"dataset-{number:03d}", tags=["many"])
    return space


def elsewhere(space: Containers, namespace: str | None, project: str | None) -> Containers:
    """Return the same registry under other slugs."""
    ours = space.project.workspace.split("/")
    workspace = f"{namespace or ours[0]}/{project or ours[1]}"
    return Containers(Project(space.project.registry, workspace, ""))


def names(space: Containers) -> list[str]:
    return [row["name"] for row in space.all_of("datasets", DATASETS)]


def faults_of(space: Containers, method: str, *steps: str, **content: Any) -> list[str]:
    refused = problem(space.call(method, *steps, **content), 400, "INVALID_REQUEST")
    return [fault["loc"] for fault in refused["errors"]]


# "A Dataset is a named container that groups related Collections together. Space-scoped."


def test_a_dataset_is_a_named_container_that_groups_related_collections_together(space: Containers) -> None:
    """Space ├── Dataset "training-v2" │ ├── Collection "front-camera-clips" … └── Dataset "eval-set" …"""
    tree = {"training-v2": ["front-camera-clips", "good-detections"], "eval-set": ["edge-cases"]}
    for dataset, collections in tree.items():
        space.new_dataset(dataset)
        for collection in collections:
            space.new_collection(collection, dataset=dataset)
    shown = {dataset: [one["name"] for one in space.get(DATASETS, dataset)["collections"]] for dataset in tree}
    assert shown == tree
    assert sorted(names(space)) == sorted(tree)


def test_a_dataset_is_space_scoped(space: Containers, registry: Registry) -> None:
    other = Containers(registry.new_project())
    ids = {one.new_dataset("eval-set")["id"] for one in (space, other)}
    assert len(ids) == 2
    space.delete(DATASETS, "eval-set")
    assert (names(space), names(other)) == ([], ["eval-set"])


# "Auth | JWT", of every request


@every_call
def test_auth_is_a_jwt(shared_space: Containers, method: str, steps: tuple[str, ...], content: Json) -> None:
    shared_space.call("POST", DATASETS, json={"name": "called"})
    assert shared_space.call(method, *steps, person=None, **content).status_code == 401
    if method == "POST":
        shared_space.delete(DATASETS, "called")
    assert shared_space.call(method, *steps, **content).is_success


# POST …/projects/:projectSlug/datasets — "Create a dataset."


def test_create_a_dataset_answers_201_with_its_fields_and_nothing_else(space: Containers) -> None:
    made = space.new_dataset(**TRAINING)
    assert made.keys() == CREATED
    assert made | TRAINING == made
    assert made["id"].startswith("ds_")
    assert made["projectId"] == space.project.project_id
    assert MOMENT.fullmatch(made["createdAt"])
    assert made["updatedAt"] == made["createdAt"]


def test_name_is_required(space: Containers) -> None:
    """`name` | string | Yes; Errors: 400 | `name` missing."""
    for body in ({}, {"description": "Q1 training data", "tags": []}, {"name": None}, {"name": ""}):
        assert faults_of(space, "POST", DATASETS, json=body) == ["/name"]
    assert names(space) == []


def test_name_is_unique_within_its_space(space: Containers) -> None:
    """409 | Dataset name already exists in this project."""
    made = space.new_dataset("training-v2")
    problem(space.call("POST", DATASETS, json={"name": "training-v2", "tags": ["x"]}), 409, "DATASET_EXISTS")
    kept = space.get(DATASETS, "training-v2")
    assert (kept["id"], kept["tags"]) == (made["id"], [])
    assert names(space) == ["training-v2"]


def test_description_tags_and_metadata_are_not_required(space: Containers) -> None:
    made = space.new_dataset("training-v2")
    assert (made["description"], made["tags"], made["metadata"]) == (None, [], None)


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"name": 7}, "/name"),
        ({"description": 7}, "/description"),
        ({"tags": "q1"}, "/tags"),
        ({"tags": ["q1", 7]}, "/tags/1"),
        ({"metadata": []}, "/metadata"),
        ({"metadata": "{}"}, "/metadata"),
    ],
)
def test_fields_of_a_body_have_their_types(shared_space: Containers, change: Json, loc: str) -> None:
    """`name` string; `description` string; `tags` string[]; `metadata` object: of POST and of PATCH."""
    assert faults_of(shared_space, "POST", DATASETS, json=TRAINING | change) == [loc]
    shared_space.call("POST", DATASETS, json={"name": "typed"})
    assert faults_of(shared_space, "PATCH", DATASETS, "typed", json=change) == [loc]


def test_metadata_is_arbitrary(space: Containers) -> None:
    metadata = {"": None, "ä/b": [1, 2.5, "x", True, {"deep": [[]]}], "name": {"$ref": "#"}, "n": -(2**60)}
    made = space.new_dataset("training-v2", metadata=metadata)
    assert made["metadata"] == metadata
    assert space.get(DATASETS, "training-v2")["metadata"] == metadata


@every_call
def test_namespace_or_project_not_found_is_404(
    shared_space: Containers, method: str, steps: tuple[str, ...], content: Json
) -> None:
    """404 | Namespace / project not found; of a dataset's own paths: Namespace / project / dataset not found."""
    for slugs in (("nowhere", None), (None, "nothing")):
        answer = elsewhere(shared_space, *slugs).call(method, *steps, **content)
        refused = problem(answer, 404, answer.json()["code"])
        assert refused["code"] in {"PROJECT_NOT_FOUND", "DATASET_NOT_FOUND"}


def test_what_was_refused_made_no_project(shared_space: Containers) -> None:
    nothing = elsewhere(shared_space, None, "nothing")
    problem(nothing.call("POST", DATASETS, json={"name": "called"}), 404, "PROJECT_NOT_FOUND")
    problem(nothing.call("GET", DATASETS), 404, "PROJECT_NOT_FOUND")


# GET …/projects/:projectSlug/datasets — "List datasets with pagination."


def test_a_list_is_the_rows_and_where_they_stand(space: Containers) -> None:
    made = space.new_dataset(**TRAINING)
    assert space.get(DATASETS) == {
        "datasets": [{field: made[field] for field in LISTED}],
        "page": 1,
        "pageSize": 50,
        "total": 1,
        "totalPages": 1,
    }


def test_a_list_of_none_has_no_pages(space: Containers) -> None:
    assert space.get(DATASETS) == {"datasets": [], "page": 1, "pageSize": 50, "total": 0, "totalPages": 0}


def test_page_is_1_by_default_and_counted_from_1(full_space: Containers) -> None:
    """`page` | number | 1 | Page number (1-based)."""
    assert full_space.get(DATASETS) == full_space.get(DATASETS, page=1)
    first, second = (full_space.get(DATASETS, page=page, pageSize=2)["datasets"] for page in (1, 2))
    assert first + second == full_space.get(DATASETS, pageSize=4)["datasets"]
    assert faults_of(full_space, "GET", DATASETS, params={"page": 0}) == ["query page"]


def test_page_size_is_50_by_default_and_200_at_most(full_space: Containers) -> None:
    """`pageSize` | number | 50 | Items per page (max 200)."""
    for query, size in (({}, 50), ({"pageSize": 200}, 200)):
        page = full_space.get(DATASETS, **query)
        assert (len(page["datasets"]), page["pageSize"]) == (size, size)
    assert faults_of(full_space, "GET", DATASETS, params={"pageSize": 201}) == ["query pageSize"]


@pytest.mark.parametrize("size", [1, 7, 50, 67, 200])
def test_pages_give_every_dataset_once_and_tell_total_and_total_pages(full_space: Containers, size: int) -> None:
    pages = list(full_space.iter_pages("datasets", DATASETS, size=size))
    assert {(page["total"], page["totalPages"]) for page in pages} == {(201, -(-201 // size))}
    assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))
    rows = [row for page in pages for row in page["datasets"]]
    assert sorted(row["name"] for row in rows) == [f"dataset-{number:03d}" for number in range(201)]
    assert {tuple(sorted(row)) for row in rows} == {tuple(sorted(LISTED))}


def test_behind_the_last_page_is_nothing(full_space: Containers) -> None:
    page = full_space.get(DATASETS, page=6)
    assert (page["datasets"], page["total"], page["totalPages"]) == ([], 201, 5)


@pytest.mark.parametrize("name", ["page", "pageSize"])
@pytest.mark.parametrize("given", ["one", "-1", "1.5", "", "1e1"])
def test_page_and_page_size_are_numbers(shared_space: Containers, name: str, given: str) -> None:
    assert faults_of(shared_space, "GET", DATASETS, params={name: given}) == [f"query {name}"]


# GET …/datasets/:name — "Get a dataset with all its collections."


def test_get_a_dataset_with_all_its_collections(space: Containers) -> None:
    made = space.new_dataset(**TRAINING)
    kept = {"front-camera-clips": ["nodeId1", "nodeId2"], "good-detections": ["nodeId3"]}
    ids = {name: space.new_collection(name, dataset="training-v2", members=kept[name])["id"] for name in reversed(kept)}
    space.new_collection("standing-alone", members=["nodeId4"])
    shown = space.get(DATASETS, "training-v2")
    collections = shown.pop("collections")
    assert shown == made
    assert collections == [
        {"id": ids[name], "name": name, "members": kept[name], "memberCount": len(kept[name])} for name in kept
    ]


def test_a_dataset_without_collections_shows_none(space: Containers) -> None:
    space.new_dataset("eval-set")
    assert space.get(DATASETS, "eval-set")["collections"] == []


@every_named_call
def test_dataset_not_found_is_404(shared_space: Containers, method: str, steps: tuple[str, ...], content: Json) -> None:
    problem(shared_space.call(method, steps[0], "nothing", **content), 404, "DATASET_NOT_FOUND")


# PATCH …/datasets/:name — "Update a dataset. Only provided fields are updated."

CHANGES: list[Json] = [
    {},
    {"name": "training-v3"},
    {"description": "Q2 training data"},
    {"tags": ["q2"]},
    {"tags": []},
    {"metadata": {"b": 2}},
    {"metadata": {}},
    {"name": "training-v3", "description": "Q2 training data", "tags": ["q2"], "metadata": {"b": 2}},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: "+".join(changes) or "nothing")
def test_only_provided_fields_are_updated(space: Containers, changes: Json) -> None:
    """Body (all optional); Response 200: the updated dataset object."""
    made = space.new_dataset(**TRAINING)
    changed = space.change(DATASETS, "training-v2", **changes)
    assert changed.keys() == CREATED
    assert changed == made | changes | {"updatedAt": changed["updatedAt"]}
    assert (changed["updatedAt"] > made["updatedAt"]) is bool(changes)
    assert space.get(DATASETS, changed["name"]) == changed | {"collections": []}
    assert names(space) == [changed["name"]]


def test_name_is_the_new_name(space: Containers) -> None:
    """`name` | string | New name: the old one leads nowhere, the collections come along."""
    space.new_dataset("training-v2")
    space.new_collection("front-camera-clips", dataset="training-v2", members=["nodeId1"])
    before = space.get(DATASETS, "training-v2")
    space.change(DATASETS, "training-v2", name="training-v3")
    problem(space.call("GET", DATASETS, "training-v2"), 404, "DATASET_NOT_FOUND")
    after = space.get(DATASETS, "training-v3")
    assert (after["id"], after["collections"]) == (before["id"], before["collections"])


# DELETE …/datasets/:name — "Soft-delete a dataset. Collections inside are NOT deleted — they become standalone."


def test_delete_answers_success(space: Containers) -> None:
    """Response 200 — { "success": true }; afterwards 404 | Dataset not found."""
    space.new_dataset("training-v2")
    assert space.delete(DATASETS, "training-v2") == {"success": True}
    for method, steps, content in NAMED:
        problem(space.call(method, *steps[:1], "training-v2", **content), 404, "DATASET_NOT_FOUND")
    assert space.get(DATASETS)["total"] == 0


def test_collections_inside_are_not_deleted_they_become_standalone(space: Containers) -> None:
    space.new_dataset("training-v2")
    inside = space.new_collection("front-camera-clips", dataset="training-v2", members=["nodeId1", "nodeId2"])
    assert inside["dataset"] == "training-v2"
    space.delete(DATASETS, "training-v2")
    kept = succeeded(space.call("GET", COLLECTIONS, "front-camera-clips"))
    assert kept == inside | {"dataset": None}
    (row,) = space.get(COLLECTIONS)["collections"]
    assert (row["dataset"], row["memberCount"]) == (None, 2)
