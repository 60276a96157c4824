"""The life of datasets and of the collections in them: named, described, moved, renamed, deleted."""

import json
import unicodedata
from typing import Any

import pytest

from tests.containers import COLLECTIONS, DATASETS, Containers, succeeded
from tests.registry import Json, Project, problem

METADATA_BYTES = 64 * 1024


@pytest.fixture
def space(project: Project) -> Containers:
    return Containers(project)


@pytest.fixture(scope="module")
def shared_space(shared_project: Project) -> Containers:
    return Containers(shared_project)


def spelt(value: object) -> str:
    """Return JSON that differs where a number is spelt otherwise or keys stand in another order."""
    return json.dumps(value, ensure_ascii=False)


def metadata_of(size: int, letter: str = "x") -> Json:
    """Return metadata of exactly so many bytes of JSON."""
    count, rest = divmod(size - len('{"k":""}'), len(letter.encode()))
    return {"k": letter * count + "x" * rest}


def inside(space: Containers, dataset: str) -> list[str]:
    return [collection["name"] for collection in space.get(DATASETS, dataset)["collections"]]


def standing(space: Containers) -> dict[str, str | None]:
    """Return where every collection is, as the list of all says."""
    return {row["name"]: row["dataset"] for row in space.all_of("collections", COLLECTIONS)}


def reason(space: Containers, body: Json, loc: str, *steps: str, method: str = "POST") -> str:
    """Return why a body is refused for its one fault."""
    (fault,) = problem(space.call(method, *steps, json=body), 400, "INVALID_REQUEST")["errors"]
    assert fault["loc"] == loc
    return str(fault["reason"])


METADATA: list[Any] = [
    {},
    {"one": 1, "float": 1.0, "tenth": 0.1, "tiny": 5e-324, "large": 1e300, "zero": -0.0, "exact": 1e22},
    {"safe": 2**53 + 1, "longest": 2**64 - 1, "negative": -(2**63)},
    {"null": None, "true": True, "false": False, "": "", "list": [None, [], {}, [[]]]},
    {"ä": "é", "e\u0301": "e\u0301", "🎬": "🎬", "\u2028": "\u2028", "\u0000": "\u0000", '"': "\\", "/": "a/b~c"},
    {"z": 1, "a": 2, "m": {"z": 1, "a": 2}},
    {"id": "ds_1", "name": "inner", "etag": "x", "metadata": {"metadata": None}},
    {"big": 10**399, "negative": -(10**398)},
    json.loads('{"deep":' * 62 + "{}" + "}" * 62),
]


@pytest.mark.parametrize("metadata", METADATA, ids=lambda metadata: ",".join(metadata)[:20] or "empty")
def test_metadata_is_returned_as_it_was_given(space: Containers, metadata: Json) -> None:
    made = space.new_dataset("described", metadata=metadata)
    assert spelt(made["metadata"]) == spelt(metadata)
    assert spelt(space.get(DATASETS, "described")["metadata"]) == spelt(metadata)
    space.change(DATASETS, "described", metadata={"other": 1})
    assert spelt(space.change(DATASETS, "described", metadata=metadata)["metadata"]) == spelt(metadata)
    assert spelt(space.change(DATASETS, "described", name="renamed")["metadata"]) == spelt(metadata)
    assert spelt(space.get(DATASETS, "renamed")["metadata"]) == spelt(metadata)


@pytest.mark.parametrize("letter", ["x", "é", "🎬"])
def test_metadata_may_have_64_kilobytes_and_no_byte_more(space: Containers, letter: str) -> None:
    most, more = metadata_of(METADATA_BYTES, letter), metadata_of(METADATA_BYTES + 1, letter)
    assert space.new_dataset("full", metadata=most)["metadata"] == most
    assert space.get(DATASETS, "full")["metadata"] == most
    for steps, method in (((DATASETS,), "POST"), ((DATASETS, "full"), "PATCH")):
        assert "64 KB" in reason(space, {"name": "over", "metadata": more}, "/metadata", *steps, method=method)
    assert [row["name"] for row in space.all_of("datasets", DATASETS)] == ["full"]


def test_metadata_that_is_null_is_none(space: Containers) -> None:
    assert space.new_dataset("plain", metadata=None)["metadata"] is None
    space.change(DATASETS, "plain", metadata={})
    assert space.get(DATASETS, "plain")["metadata"] == {}
    assert space.change(DATASETS, "plain", metadata=None)["metadata"] is None
    assert space.get(DATASETS, "plain")["metadata"] is None


NAMES = [
    "with several spaces",
    "Stürmerspiel Köln",
    "🎬 final cut 👩🏽‍🚀",
    "日本語",
    "a+b&c=d;e,f:g@h!i*j'k(l)m~n$o",
    'quoted "name" <b>{x}[y]|^`',
    "...",
    "-",
    "null",
    "datasets",
    "x" * 200,
    "🎬" * 200,
]


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
@pytest.mark.parametrize("name", NAMES, ids=lambda name: str(name)[:12])
def test_a_name_is_what_people_call_it(space: Containers, kind: str, name: str) -> None:
    made = succeeded(space.call("POST", kind, json={"name": name}), 201)
    assert made["name"] == name
    assert space.get(kind, name)["id"] == made["id"]
    assert [row["name"] for row in space.all_of(kind, kind)] == [name]
    assert space.change(kind, name, description="found")["id"] == made["id"]
    assert space.delete(kind, name) == {"success": True}
    assert space.get(kind)["total"] == 0


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
def test_one_name_in_two_spellings_is_one_name(space: Containers, kind: str) -> None:
    composed, apart = (unicodedata.normalize(form, "Müller é Å 가") for form in ("NFC", "NFD"))
    assert composed != apart
    made = succeeded(space.call("POST", kind, json={"name": apart}), 201)
    assert made["name"] == composed
    assert {space.get(kind, name)["id"] for name in (composed, apart)} == {made["id"]}
    taken = space.call("POST", kind, json={"name": composed})
    assert problem(taken, 409, taken.json()["code"])["code"].endswith("_EXISTS")
    assert space.change(kind, composed, name=apart)["name"] == composed
    space.delete(kind, apart)
    assert space.get(kind)["total"] == 0


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".", "URLs"),
        ("..", "URLs"),
        ("a/b", "URLs"),
        ("a\\b", "URLs"),
        ("50%", "URLs"),
        ("what?", "URLs"),
        ("no#1", "URLs"),
        (" padded", "white space"),
        ("padded ", "white space"),
        ("two\nlines", "line breaks"),
        ("bell\x07", "control characters"),
        ("next\x85line", "control characters"),
        ("line\u2028separator", "line breaks"),
        ("x" * 201, "200"),
        ("", "1 character"),
    ],
)
def test_a_name_that_no_path_could_hold_is_refused_with_the_reason(
    shared_space: Containers, kind: str, name: str, why: str
) -> None:
    assert why in reason(shared_space, {"name": name}, "/name", kind)
    shared_space.call("POST", kind, json={"name": "kept"})
    assert why in reason(shared_space, {"name": name}, "/name", kind, "kept", method="PATCH")
    assert shared_space.get(kind, "kept")["name"] == "kept"


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
@pytest.mark.parametrize("letter", ["\U0001d160", "\u0958", "\ufb2c"])
def test_a_name_that_grows_when_it_is_composed_is_held_or_refused(space: Containers, kind: str, letter: str) -> None:
    name = letter * 200
    answer = space.call("POST", kind, json={"name": name})
    assert answer.status_code in {201, 400}, answer.text
    if answer.is_success:
        assert space.get(kind, name)["id"] == answer.json()["id"]


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
def test_a_taken_name_is_not_given_twice(space: Containers, kind: str) -> None:
    ids = {name: succeeded(space.call("POST", kind, json={"name": name}), 201)["id"] for name in ("one", "other")}
    refused = space.call("PATCH", kind, "one", json={"name": "other", "description": "lost"})
    assert problem(refused, 409, refused.json()["code"])["code"].endswith("_EXISTS")
    assert {name: space.get(kind, name)["id"] for name in ids} == ids
    assert space.get(kind, "one")["description"] is None
    assert space.get(kind)["total"] == 2


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
def test_renaming_onto_itself_changes_what_else_is_given(space: Containers, kind: str) -> None:
    made = succeeded(space.call("POST", kind, json={"name": "same"}), 201)
    changed = space.change(kind, "same", name="same", description="said")
    assert changed == made | {"description": "said", "updatedAt": changed["updatedAt"]}
    assert space.get(kind)["total"] == 1


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
def test_a_name_that_is_left_is_free_again(space: Containers, kind: str) -> None:
    first = succeeded(space.call("POST", kind, json={"name": "reused", "description": "old"}), 201)
    space.change(kind, "reused", name="renamed")
    second = succeeded(space.call("POST", kind, json={"name": "reused"}), 201)
    space.delete(kind, "reused")
    third = succeeded(space.call("POST", kind, json={"name": "reused"}), 201)
    assert len({first["id"], second["id"], third["id"]}) == 3
    assert third["description"] is None
    assert space.get(kind, "renamed")["id"] == first["id"]
    assert space.get(kind)["total"] == 2


def test_a_collection_moves_in_between_and_out(space: Containers) -> None:
    for name in ("one", "other"):
        space.new_dataset(name)
    made = space.new_collection("clips", members=["n1", "n2"])
    stations: list[str | None] = ["one", "other", "other", None, "one", None, None]
    for dataset in stations:
        moved = space.change(COLLECTIONS, "clips", dataset=dataset)
        assert moved == made | {"dataset": dataset, "updatedAt": moved["updatedAt"]}
        assert space.get(COLLECTIONS, "clips") == moved
        assert {name: inside(space, name) for name in ("one", "other")} == {
            name: ["clips"] if name == dataset else [] for name in ("one", "other")
        }
        assert standing(space) == {"clips": dataset}


def test_a_collection_is_renamed_where_it_is_and_on_its_way(space: Containers) -> None:
    space.new_dataset("one")
    made = space.new_collection("clips", dataset="one", members=["n1"])
    space.change(COLLECTIONS, "clips", name="takes")
    assert inside(space, "one") == ["takes"]
    moved = space.change(COLLECTIONS, "takes", name="scenes", dataset=None, description="said")
    assert moved == made | {
        "name": "scenes", "dataset": None, "description": "said", "updatedAt": moved["updatedAt"],
    }  # fmt: skip
    assert inside(space, "one") == []
    assert standing(space) == {"scenes": None}
    for gone in ("clips", "takes"):
        problem(space.call("GET", COLLECTIONS, gone), 404, "COLLECTION_NOT_FOUND")


def test_a_dataset_that_is_not_there_takes_no_collection(space: Containers) -> None:
    space.new_dataset("one")
    wanted = {"name": "clips", "dataset": "nothing"}
    problem(space.call("POST", COLLECTIONS, json=wanted), 404, "DATASET_NOT_FOUND")
    assert standing(space) == {}
    space.new_collection("clips", dataset="one")
    problem(space.call("PATCH", COLLECTIONS, "clips", json={"dataset": "nothing"}), 404, "DATASET_NOT_FOUND")
    assert inside(space, "one") == ["clips"]


def test_collections_are_shown_by_name_and_a_deleted_one_no_more(space: Containers) -> None:
    space.new_dataset("one")
    for name in ("c", "a", "ä", "b"):
        space.new_collection(name, dataset="one", members=[name])
    assert inside(space, "one") == ["a", "b", "c", "ä"]
    space.delete(COLLECTIONS, "b")
    assert inside(space, "one") == ["a", "c", "ä"]
    again = space.new_collection("b", dataset="one")
    assert (again["members"], again["memberCount"]) == ([], 0)
    assert inside(space, "one") == ["a", "b", "c", "ä"]


def test_collections_of_a_deleted_dataset_stand_alone_and_come_into_no_other_by_themselves(space: Containers) -> None:
    for dataset in ("reused", "other"):
        space.new_dataset(dataset)
    members = {name: [f"{name}-{number}" for number in range(3)] for name in ("a", "b", "c")}
    for name, kept in members.items():
        space.new_collection(name, dataset="reused", members=kept)
    space.delete(DATASETS, "reused")
    space.new_dataset("reused")
    assert inside(space, "reused") == []
    assert standing(space) == dict.fromkeys(members)
    space.change(COLLECTIONS, "a", dataset="reused")
    space.change(COLLECTIONS, "b", dataset="other", name="b2")
    space.change_members("c", add=["c-3"], remove=["c-0"])
    assert (inside(space, "reused"), inside(space, "other")) == (["a"], ["b2"])
    left = {name: space.get(COLLECTIONS, name)["members"] for name in ("a", "b2", "c")}
    assert left == {"a": members["a"], "b2": members["b"], "c": ["c-1", "c-2", "c-3"]}
    assert standing(space) == {"a": "reused", "b2": "other", "c": None}
    space.delete(COLLECTIONS, "c")
    assert space.get(COLLECTIONS)["total"] == 2


def test_a_renamed_dataset_keeps_its_collections_and_is_called_so_by_them(space: Containers) -> None:
    space.new_dataset("before")
    space.new_collection("clips", dataset="before", members=["n1"])
    space.change(DATASETS, "before", name="after")
    assert inside(space, "after") == ["clips"]
    assert (space.get(COLLECTIONS, "clips")["dataset"], standing(space)) == ("after", {"clips": "after"})
    space.new_dataset("before")
    assert inside(space, "before") == []


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
@pytest.mark.parametrize("changes", [{"name": None}, {"tags": None}, {"etag": "x"}, {"id": "x"}, {"members": []}])
def test_what_is_no_change_of_it_is_refused(shared_space: Containers, kind: str, changes: dict[str, Any]) -> None:
    shared_space.call("POST", kind, json={"name": "refusing"})
    (field,) = changes
    assert reason(shared_space, changes, f"/{field}", kind, "refusing", method="PATCH")
