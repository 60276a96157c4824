"""Members of collections: any number, each once, shown by the thousand and paged in full."""

import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.containers import COLLECTIONS, DATASETS, Containers
from tests.registry import Json, Project, Registry, problem

MOST = 1_000  # of one request
SHOWN = 1_000
LARGE = ("clips", "scenes", "takes")


@pytest.fixture
def space(project: Project) -> Containers:
    return Containers(project)


@pytest.fixture(scope="module")
def shared_space(shared_project: Project) -> Containers:
    return Containers(shared_project)


def ids(start: int, end: int, prefix: str = "node") -> list[str]:
    """Return ids whose order is that of their numbers."""
    return [f"{prefix}-{number:05d}" for number in range(start, end)]


def add_all(space: Containers, name: str, members: list[str]) -> Json:
    """Add any number of members, as many at a time as a request may have."""
    changed: Json = {}
    for start in range(0, len(members), MOST):
        changed = space.change_members(name, add=members[start : start + MOST])
    return changed


def members_of(space: Containers, name: str, size: int = 200) -> list[str]:
    return space.all_of("members", COLLECTIONS, name, "members", size=size)


def held(space: Containers, name: str) -> tuple[int, list[str]]:
    """Return how many members a collection has and which, once everything that shows them agrees."""
    shown = space.get(COLLECTIONS, name)
    members = members_of(space, name)
    assert shown["members"] == members[:SHOWN]
    (row,) = [row for row in space.all_of("collections", COLLECTIONS) if row["name"] == name]
    assert row["memberCount"] == shown["memberCount"]
    return shown["memberCount"], members


def refused_at(space: Containers, body: Json, *steps: str) -> list[str]:
    faults = problem(space.call("POST", COLLECTIONS, *steps, json=body), 400, "INVALID_REQUEST")["errors"]
    return [fault["loc"] for fault in faults]


@pytest.fixture(scope="module")
def large_space(registry: Registry) -> Containers:
    """A dataset of three collections of 5,000 members each, added out of order."""
    space = Containers(registry.new_project())
    space.new_dataset("large")
    for name in LARGE:
        space.new_collection(name, dataset="large")
        members = ids(0, 5_000, name)
        add_all(space, name, members[1::2] + members[::2][::-1])
    return space


def test_a_dataset_shows_the_first_thousand_of_each_collection_and_how_many_there_are(large_space: Containers) -> None:
    shown = large_space.get(DATASETS, "large")["collections"]
    assert [collection["name"] for collection in shown] == list(LARGE)
    for collection in shown:
        assert collection.keys() == {"id", "name", "members", "memberCount"}
        assert collection["members"] == ids(0, SHOWN, collection["name"])
        assert collection["memberCount"] == 5_000


@pytest.mark.parametrize("name", LARGE)
def test_pages_give_each_member_exactly_once(large_space: Containers, name: str) -> None:
    pages = list(large_space.iter_pages("members", COLLECTIONS, name, "members", size=200))
    assert [member for page in pages for member in page["members"]] == ids(0, 5_000, name)
    assert {(page["total"], page["totalPages"], page["pageSize"]) for page in pages} == {(5_000, 25, 200)}
    assert [page["page"] for page in pages] == list(range(1, 26))


@pytest.mark.parametrize(
    ("size", "numbers"),
    [(1, [1, 2, 999, 1_000, 1_001, 2_500, 5_000]), (7, [1, 142, 143, 144, 500, 714, 715]), (50, [20, 21, 100])],
)
def test_a_page_of_any_size_is_where_its_number_says(large_space: Containers, size: int, numbers: list[int]) -> None:
    expected = ids(0, 5_000, "clips")
    for number in numbers:
        page = large_space.get(COLLECTIONS, "clips", "members", page=number, pageSize=size)
        assert page["members"] == expected[(number - 1) * size : number * size]
    behind = large_space.get(COLLECTIONS, "clips", "members", page=5_000 // size + 2, pageSize=size)
    assert (behind["members"], behind["total"]) == ([], 5_000)


def test_pages_of_seven_give_each_member_exactly_once(space: Containers) -> None:
    space.new_collection("clips", members=ids(0, MOST))
    space.change_members("clips", add=ids(MOST, 1_300))
    assert members_of(space, "clips", size=7) == ids(0, 1_300)


@pytest.mark.parametrize("count", [0, 1, 999, 1_000, 1_001, 1_024, 2_023, 2_024, 2_025])
def test_a_collection_of_any_number_grows_and_shrinks_by_one(space: Containers, count: int) -> None:
    space.new_dataset("one")
    space.new_collection("clips", dataset="one")
    add_all(space, "clips", ids(0, count))
    assert held(space, "clips") == (count, ids(0, count))
    for extra in ("aaa", "node-00500+", "zzz"):
        grown = space.change_members("clips", add=[extra])
        assert grown["memberCount"] == count + 1
        assert held(space, "clips") == (count + 1, sorted([*ids(0, count), extra]))
        (inside,) = space.get(DATASETS, "one")["collections"]
        assert (inside["members"], inside["memberCount"]) == (grown["members"], count + 1)
        shrunk = space.change_members("clips", remove=[extra])
        assert (shrunk["memberCount"], shrunk["members"]) == (count, ids(0, min(count, SHOWN)))
    assert held(space, "clips") == (count, ids(0, count))


def test_a_collection_shrinks_below_a_thousand_to_nothing_and_grows_again(space: Containers) -> None:
    space.new_collection("clips")
    add_all(space, "clips", ids(0, 2_500))
    for start in (0, 500, 1_000):
        space.change_members("clips", remove=ids(start, start + MOST))
        assert held(space, "clips") == (1_500 - start, ids(start + MOST, 2_500))
    space.change_members("clips", remove=ids(2_000, 2_500))
    assert held(space, "clips") == (0, [])
    space.change_members("clips", add=["node-1"])
    assert held(space, "clips") == (1, ["node-1"])


def test_a_member_is_there_once_however_often_it_is_added(space: Containers) -> None:
    space.new_collection("clips", members=["b", "a", "b"])
    for _ in range(2):
        changed = space.change_members("clips", add=["c", "a", "c"])
        assert (changed["members"], changed["memberCount"]) == (["a", "b", "c"], 3)
    add_all(space, "clips", ids(0, 1_500) * 2)
    count, members = held(space, "clips")
    assert (count, set(Counter(members).values())) == (1_503, {1})


def test_what_is_there_already_or_not_there_changes_nothing(space: Containers) -> None:
    space.new_collection("clips")
    before = add_all(space, "clips", ids(0, 1_200))
    for change in ({"add": ids(500, 1_100)}, {"remove": ["nothing"]}, {"add": ["node-00000"], "remove": ["x"]}, {}):
        assert space.change_members("clips", **change) == before
    assert held(space, "clips") == (1_200, ids(0, 1_200))


def test_members_are_added_and_removed_in_one_request(space: Containers) -> None:
    space.new_collection("clips")
    add_all(space, "clips", ids(0, 2_000))
    changed = space.change_members("clips", add=ids(2_000, 3_000), remove=ids(0, 1_000))
    assert changed["memberCount"] == 2_000
    assert held(space, "clips") == (2_000, ids(1_000, 3_000))


def test_the_same_member_is_not_added_and_removed_in_one_request(space: Containers) -> None:
    space.new_collection("clips", members=["a"])
    composed, apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    for add, remove in ((["a", "b"], ["a"]), ([composed], [apart])):
        assert refused_at(space, {"add": add, "remove": remove}, "clips", "members") == [""]
    assert held(space, "clips") == (1, ["a"])


def test_a_request_has_a_thousand_members_of_each_kind_at_most(space: Containers) -> None:
    most, more = ids(0, MOST), ids(0, MOST + 1)
    space.new_collection("clips", members=most)
    assert refused_at(space, {"add": more}, "clips", "members") == ["/add"]
    assert refused_at(space, {"remove": more}, "clips", "members") == ["/remove"]
    assert refused_at(space, {"add": more, "remove": more}, "clips", "members") == ["/add", "/remove"]
    assert refused_at(space, {"name": "other", "members": more}) == ["/members"]
    assert held(space, "clips") == (MOST, most)
    assert space.get(COLLECTIONS)["total"] == 1


def test_ids_of_members_are_compared_and_ordered_by_their_bytes(space: Containers) -> None:
    members = ["Z", "a", "ab", "z", "é", "\uffee", "🎬", " ".join("ab"), "a/b", "x" * 256, "é" * 128]
    made = space.new_collection("clips", members=members[::-1])
    assert made["members"] == sorted(members, key=lambda member: member.encode())
    changed = space.change_members("clips", add=[unicodedata.normalize("NFD", "é")])
    assert changed["memberCount"] == len(members)


@pytest.mark.parametrize("letter", ['"', "\\"])
def test_ids_that_json_writes_longer_are_held_or_refused(space: Containers, letter: str) -> None:
    members = [f"{number:04d}".ljust(256, letter) for number in range(MOST)]
    answer = space.call("POST", COLLECTIONS, json={"name": "clips", "members": members})
    assert answer.status_code in {201, 400}, answer.text


@pytest.mark.parametrize("member", ["", " a", "a\n", "bell\x07", "x" * 257, "é" * 129, 7, None, ["a"]])
def test_an_id_that_is_none_is_refused_by_its_place(shared_space: Containers, member: object) -> None:
    shared_space.call("POST", COLLECTIONS, json={"name": "refusing"})
    assert refused_at(shared_space, {"add": ["fine", member]}, "refusing", "members") == ["/add/1"]
    assert refused_at(shared_space, {"remove": [member]}, "refusing", "members") == ["/remove/0"]
    assert refused_at(shared_space, {"name": "other", "members": [member]}) == ["/members/0"]


def test_a_large_collection_moves_is_renamed_and_stays_whole(space: Containers) -> None:
    for dataset in ("one", "other"):
        space.new_dataset(dataset)
    space.new_collection("clips", dataset="one")
    add_all(space, "clips", ids(0, 2_500))
    space.change(COLLECTIONS, "clips", name="takes", dataset="other")
    assert space.get(DATASETS, "one")["collections"] == []
    space.delete(DATASETS, "other")
    assert held(space, "takes") == (2_500, ids(0, 2_500))
    space.delete(COLLECTIONS, "takes")
    space.new_collection("takes")
    assert held(space, "takes") == (0, [])


def test_members_added_at_the_same_moment_are_all_there(space: Containers) -> None:
    space.new_collection("clips", members=ids(0, 990))

    def add(number: int) -> int:
        answer = space.call("POST", COLLECTIONS, "clips", "members", json={"add": ids(990 + number, 1_000 + number)})
        return answer.status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(add, range(0, 60, 10)))
    assert set(statuses) <= {200, 409}
    added = {
        member for at, status in enumerate(statuses) if status == 200 for member in ids(990 + 10 * at, 1_000 + 10 * at)
    }
    count, members = held(space, "clips")
    assert (count, set(members)) == (len(members), set(ids(0, 990)) | added)
    assert added


def test_a_collection_that_is_not_there_has_no_members(shared_space: Containers) -> None:
    steps = (COLLECTIONS, "nothing", "members")
    problem(shared_space.call("GET", *steps), 404, "COLLECTION_NOT_FOUND")
    problem(shared_space.call("POST", *steps, json={"add": ["a"]}), 404, "COLLECTION_NOT_FOUND")
