"""`ETag`, `If-None-Match` and `If-Match`: an answer is sent once, and a change is made to what the caller has seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.containers import COLLECTIONS, DATASETS, Containers, succeeded
from tests.registry import Json, Project, Registry, problem

KINDS = ["project", "dataset", "collection"]
BUILD = "/api/v1/datasets/build"


@dataclass(frozen=True)
class Thing:
    """A project, a dataset or a collection; one of the project's owners looks at it and changes it."""

    registry: Registry
    path: str

    def call(self, method: str, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        return self.registry.call(method, self.path, "owner", headers=headers, **content)

    @property
    def shown(self) -> Json:
        return succeeded(self.call("GET"))

    @property
    def tag(self) -> str:
        return self.call("GET").headers["ETag"]

    def change(self, description: str, if_match: str | None = None) -> httpx.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        return self.call("PATCH", headers, json={"description": description})


@pytest.fixture
def space(project: Project) -> Containers:
    space = Containers(project)
    space.new_dataset("kept")
    space.new_collection("kept", dataset="kept", members=["a"])
    return space


@pytest.fixture(params=KINDS)
def thing(request: pytest.FixtureRequest, space: Containers) -> Thing:
    paths = {"project": (), "dataset": (DATASETS, "kept"), "collection": (COLLECTIONS, "kept")}
    return Thing(space.project.registry, space.at(*paths[request.param]))


def refused_header(answer: httpx.Response) -> str:
    (fault,) = problem(answer, 400, "INVALID_REQUEST")["errors"]
    return str(fault["loc"])


def test_a_tag_stays_while_the_thing_does_and_changes_with_every_write(thing: Thing) -> None:
    tags = [thing.tag, thing.tag]
    assert len(set(tags)) == 1
    assert tags[0].startswith('"')
    for _ in range(2):  # a write of the same is a write
        tags.append(succeeded_tag(thing.change("said")))
        assert thing.tag not in tags[:2]
    assert len(set(tags)) == 3


def succeeded_tag(answer: httpx.Response) -> str:
    succeeded(answer)
    return answer.headers["ETag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", "*", '"other", {}', '{} , "other"', '"a,b", W/"c",{}'])
def test_an_answer_that_the_caller_has_is_not_sent_again(thing: Thing, form: str) -> None:
    tag = thing.tag
    answer = thing.call("GET", {"If-None-Match": form.format(tag)})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("given", ['"other"', 'W/"other"', '"other", "another"', '""', '"*"'])
def test_an_answer_that_the_caller_has_not_is_sent(thing: Thing, given: str) -> None:
    answer = thing.call("GET", {"If-None-Match": given})
    assert succeeded(answer) == thing.shown


def test_a_tag_of_before_a_change_is_not_the_answer_any_more(thing: Thing) -> None:
    tag = thing.tag
    succeeded(thing.change("said"))
    answer = thing.call("GET", {"If-None-Match": tag})
    assert succeeded(answer)["description"] == "said"
    assert answer.headers["ETag"] != tag


def test_a_change_is_made_to_the_state_that_the_caller_names(thing: Thing) -> None:
    first = thing.tag
    second = succeeded_tag(thing.change("one", first))
    third = succeeded_tag(thing.change("two", second))
    assert succeeded(thing.change("three", f'"other", {third}'))["description"] == "three"
    assert thing.shown["description"] == "three"


def test_a_change_to_a_state_that_has_passed_is_refused_and_changes_nothing(thing: Thing) -> None:
    stale = thing.tag
    succeeded(thing.change("theirs", stale))
    before = thing.shown
    for given in (stale, '"other"', f'{stale}, "other"', f"W/{thing.tag}", '""', '"."'):
        problem(thing.change("mine", given), 412, "PRECONDITION_FAILED")
    assert thing.shown == before


def test_any_state_will_do_for_a_star(thing: Thing) -> None:
    succeeded(thing.change("one", thing.tag))
    assert succeeded(thing.change("two", "*"))["description"] == "two"


@pytest.mark.parametrize("given", ["", "x", "rev_1", '"open', "'x'", '"a" x', "W/x", '"é"'.encode().decode("latin-1")])
def test_a_header_of_no_tags_is_refused_and_changes_nothing(thing: Thing, given: str) -> None:
    before = thing.shown
    raw: Any = {"If-Match": given.encode("latin-1")}
    assert refused_header(thing.call("PATCH", raw, json={"description": "mine"})) == "header If-Match"
    raw = {"If-None-Match": given.encode("latin-1")}
    assert refused_header(thing.call("GET", raw)) == "header If-None-Match"
    assert thing.shown == before


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
def test_a_removal_is_of_the_state_that_the_caller_names(space: Containers, kind: str) -> None:
    stale = space.call("GET", kind, "kept").headers["ETag"]
    space.change(kind, "kept", description="theirs")
    refused = space.call("DELETE", kind, "kept", headers={"If-Match": stale})
    problem(refused, 412, "PRECONDITION_FAILED")
    kept = space.call("GET", kind, "kept")
    assert succeeded(kept)["description"] == "theirs"
    succeeded(space.call("DELETE", kind, "kept", headers={"If-Match": kept.headers["ETag"]}))
    assert space.get(kind)["total"] == 0


@pytest.mark.parametrize("kind", [DATASETS, COLLECTIONS])
def test_a_rename_is_of_the_state_that_the_caller_names(space: Containers, kind: str) -> None:
    stale = space.call("GET", kind, "kept").headers["ETag"]
    tag = succeeded_tag(space.call("PATCH", kind, "kept", json={"description": "theirs"}))
    for body in ({"name": "renamed"}, {"name": "kept", "description": "mine"}):
        problem(space.call("PATCH", kind, "kept", json=body, headers={"If-Match": stale}), 412, "PRECONDITION_FAILED")
    assert [row["name"] for row in space.all_of(kind, kind)] == ["kept"]
    renamed = space.call("PATCH", kind, "kept", json={"name": "renamed"}, headers={"If-Match": tag})
    assert succeeded(renamed)["description"] == "theirs"
    assert [row["name"] for row in space.all_of(kind, kind)] == ["renamed"]


def test_what_is_not_there_is_not_found_whatever_state_is_named(space: Containers) -> None:
    for kind, method, given in (
        (kind, method, given)
        for kind in (DATASETS, COLLECTIONS)
        for method in ("PATCH", "DELETE")
        for given in ("*", '"x.y"')
    ):
        content: Json = {"json": {"description": "d"}} if method == "PATCH" else {}
        answer = space.call(method, kind, "nothing", headers={"If-Match": given}, **content)
        problem(answer, 404, f"{kind[:-1].upper()}_NOT_FOUND")


CHANGES_BESIDE: dict[str, Callable[[Containers], object]] = {
    "members": lambda space: space.change_members("kept", add=["b"]),
    "members beyond the thousandth": lambda space: [
        space.change_members("kept", add=[f"b{number:04d}" for number in range(start, start + 1_000)])
        for start in (0, 1_000)
    ],
    "another collection": lambda space: space.new_collection("more", dataset="kept"),
    "a collection's name": lambda space: space.change(COLLECTIONS, "kept", name="renamed"),
    "a collection's place": lambda space: space.change(COLLECTIONS, "kept", dataset=None),
    "a collection's end": lambda space: space.delete(COLLECTIONS, "kept"),
}


@pytest.mark.parametrize("change", CHANGES_BESIDE.values(), ids=CHANGES_BESIDE)
def test_a_datasets_answer_changes_with_its_collections_and_its_state_does_not(
    space: Containers, change: Callable[[Containers], object]
) -> None:
    """`If-None-Match` looks at all that is shown, `If-Match` at the dataset itself."""
    before = space.call("GET", DATASETS, "kept").headers["ETag"]
    change(space)
    answer = space.call("GET", DATASETS, "kept", headers={"If-None-Match": before})
    assert succeeded(answer)["id"]
    assert answer.headers["ETag"] != before
    headers = {"If-Match": before}
    assert succeeded(space.call("PATCH", DATASETS, "kept", json={"description": "mine"}, headers=headers))
    problem(space.call("PATCH", DATASETS, "kept", json={"tags": []}, headers=headers), 412, "PRECONDITION_FAILED")


def test_a_collections_state_changes_with_its_members(space: Containers) -> None:
    stale = space.call("GET", COLLECTIONS, "kept").headers["ETag"]
    space.change_members("kept", add=["a"])
    assert space.call("GET", COLLECTIONS, "kept").headers["ETag"] == stale
    space.change_members("kept", add=["b"])
    answer = space.call("PATCH", COLLECTIONS, "kept", json={"name": "mine"}, headers={"If-Match": stale})
    problem(answer, 412, "PRECONDITION_FAILED")


UNHONOURED: list[tuple[str, tuple[str, ...], Json]] = [
    ("POST", (DATASETS,), {"json": {"name": "new"}}),
    ("POST", (COLLECTIONS,), {"json": {"name": "new"}}),
    ("POST", (COLLECTIONS, "kept", "members"), {"json": {"add": ["b"]}}),
    ("POST", ("api-keys",), {"json": {"name": "k", "scopes": ["read"]}}),
    ("GET", (DATASETS,), {}),
    ("GET", (DATASETS, "kept"), {}),
    ("GET", (COLLECTIONS, "kept", "members"), {}),
    ("GET", (), {}),
    ("DELETE", ("api-keys", "key_none"), {}),
]


@pytest.mark.parametrize(("method", "steps", "content"), UNHONOURED, ids=lambda value: str(value)[:24])
def test_if_match_where_it_is_not_honoured_is_refused(
    space: Containers, method: str, steps: tuple[str, ...], content: Json
) -> None:
    """A condition that would be passed over in silence is worse than none."""
    for given in ("*", '"x"', "x"):
        answer = space.call(method, *steps, person="owner", headers={"If-Match": given}, **content)
        assert refused_header(answer) == "header If-Match"
    assert [row["name"] for row in space.all_of(DATASETS, DATASETS)] == ["kept"]
    assert space.get(COLLECTIONS, "kept")["members"] == ["a"]


@pytest.mark.parametrize("path", [f"{BUILD}/preflight", "/api/v1/jobs/job_none/cancel"])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_condition_on_a_post_is_refused_whether_it_writes_or_reads(project: Project, path: str, header: str) -> None:
    answer = project.call("POST", path, json={}, headers={header: "*"})
    assert refused_header(answer) == f"header {header}"


OF_LABELS = [
    "/api/v1/label-packs?capability=ball_detection&review_status=pending",
    "/api/v1/label-review-series?capability=ball_detection",
    f"{BUILD}/candidates?capability=ball_detection",
]


@pytest.mark.parametrize("path", OF_LABELS)
def test_a_filtered_list_that_the_caller_has_is_not_sent_again(project: Project, path: str) -> None:
    headers = {"If-None-Match": project.call("GET", path).headers["ETag"]}
    project.new_pack("player_detection")
    assert project.call("GET", path, headers=headers).status_code == 304
    project.new_pack()
    assert project.call("GET", path, headers=headers).status_code == 200


@pytest.mark.parametrize("steps", [(DATASETS,), (COLLECTIONS,), (COLLECTIONS, "kept", "members")])
def test_a_list_that_the_caller_has_is_not_sent_again(space: Containers, steps: tuple[str, ...]) -> None:
    tag = space.call("GET", *steps).headers["ETag"]
    headers = {"If-None-Match": tag}
    assert space.call("GET", *steps, headers=headers).status_code == 304
    space.new_dataset("new")
    space.new_collection("new")
    space.change_members("kept", add=["b"])
    assert space.call("GET", *steps, headers=headers).status_code == 200
