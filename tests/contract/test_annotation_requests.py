"""`ETag`, `If-Match` and `Idempotency-Key` where annotation sets are written."""

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.annotations import AUDIO_FILES, ROWS, SETS, segment
from tests.containers import succeeded
from tests.contract.annotated import House, new_house
from tests.registry import Json, Project, problem

REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def house(project: Project) -> House:
    return new_house(project)


# ETag, If-Match, If-None-Match


WRITES: dict[str, Callable[[House], httpx.Response]] = {
    "add": lambda house: house.dataset.call("POST", SETS, house.draft, ROWS, json=segment(house.audio, 1, 2)),
    "bulk": lambda house: house.dataset.call(
        "POST", SETS, house.draft, ROWS, "bulk", json={"annotations": [segment(house.audio, 1, 2)]}
    ),
    "change": lambda house: house.dataset.call("PATCH", SETS, house.draft, ROWS, house.row, json={"end_ms": 11}),
    "remove": lambda house: house.dataset.call("DELETE", SETS, house.draft, ROWS, house.row),
    "change the set": lambda house: house.dataset.call("PATCH", SETS, house.draft, json={"extra_data": {"a": 1}}),
    "publish": lambda house: house.dataset.call("POST", SETS, house.draft, "publish"),
}
CONDITIONAL: dict[str, tuple[str, tuple[str, ...], Json | None]] = {
    "change the set": ("PATCH", (), {"extra_data": {"b": 2}}),
    "delete the set": ("DELETE", (), None),
    "publish": ("POST", ("publish",), None),
}


def tag_of(house: House, *steps: str) -> str:
    return house.dataset.call("GET", SETS, house.draft, *steps).headers["ETag"]


@pytest.mark.parametrize("write", WRITES)
def test_every_write_of_a_set_moves_its_tag(house: House, write: str) -> None:
    before = tag_of(house)
    assert before == tag_of(house)
    unmodified = house.dataset.call("GET", SETS, house.draft, headers={"If-None-Match": before})
    assert (unmodified.status_code, unmodified.content) == (304, b"")
    assert WRITES[write](house).is_success
    assert tag_of(house) != before
    assert house.dataset.call("GET", SETS, house.draft, headers={"If-None-Match": before}).status_code == 200


@pytest.mark.parametrize("write", [name for name in WRITES if name != "publish"])
@pytest.mark.parametrize("wanted", CONDITIONAL)
def test_a_set_is_written_only_as_it_was_read(house: House, write: str, wanted: str) -> None:
    method, steps, body = CONDITIONAL[wanted]
    content = {"json": body} if body else {}
    seen = tag_of(house)
    assert WRITES[write](house).is_success
    before = house.state()
    for stale in (seen, f"W/{tag_of(house)}", '"other"'):
        answer = house.dataset.call(method, SETS, house.draft, *steps, headers={"If-Match": stale}, **content)
        problem(answer, 412, "PRECONDITION_FAILED")
    assert house.state() == before
    several = {"If-Match": f'"other", {tag_of(house)}'}
    succeeded(house.dataset.call(method, SETS, house.draft, *steps, headers=several, **content))


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_annotation_is_written_only_as_it_was_read(house: House, method: str) -> None:
    place = (SETS, house.draft, ROWS, house.row)
    content: Json = {"json": {"confidence": 0.5}} if method == "PATCH" else {}
    seen = tag_of(house, ROWS, house.row)
    assert house.dataset.call("GET", *place, headers={"If-None-Match": seen}).status_code == 304
    house.dataset.add(house.draft, segment(house.audio, 1, 2))  # another one's tag
    assert tag_of(house, ROWS, house.row) == seen
    changed = house.dataset.call("PATCH", *place, json={"end_ms": 12}, headers={"If-Match": seen})
    succeeded(changed)
    assert changed.headers["ETag"] == tag_of(house, ROWS, house.row) != seen
    problem(house.dataset.call(method, *place, headers={"If-Match": seen}, **content), 412, "PRECONDITION_FAILED")
    assert house.dataset.get(*place)["end_ms"] == 12
    succeeded(house.dataset.call(method, *place, headers={"If-Match": changed.headers["ETag"]}, **content))


# Idempotency-Key


class Post(NamedTuple):
    """A POST, its body, and what makes another body of that; none where it takes no other."""

    steps: tuple[str, ...]
    body: Callable[[House], Json]
    other: Callable[[House], Json] | None


POSTS = {
    "audio file": Post((AUDIO_FILES,), lambda _: {"uri": "a.wav", "duration_ms": 5}, lambda _: {"duration_ms": 6}),
    "set": Post((SETS,), lambda _: {"extra_data": {"a": 1}}, lambda _: {"extra_data": {"a": 2}}),
    "copy": Post((SETS,), lambda house: {"copy_from": house.draft}, lambda _: {"copy_from": None}),
    "add": Post((SETS, "draft", ROWS), lambda house: segment(house.audio, 1, 2), lambda _: {"end_ms": 3}),
    "bulk": Post(
        (SETS, "draft", ROWS, "bulk"),
        lambda house: {"annotations": [segment(house.audio, 1, 2)] * 3},
        lambda house: {"annotations": [segment(house.audio, 1, 3)] * 3},
    ),
    "publish": Post((SETS, "draft", "publish"), lambda _: {}, None),
    "promote": Post((SETS, "published", "promote"), lambda _: {}, lambda _: {"unannotated": "empty"}),
}


def send(house: House, post: str, key: str, **other: Any) -> httpx.Response:
    named = {"draft": house.draft, "published": house.published}
    place = [named.get(step, step) for step in POSTS[post].steps]
    body = POSTS[post].body(house) | other
    return house.dataset.call("POST", *place, headers={"Idempotency-Key": key}, json=body)


@pytest.mark.parametrize("post", POSTS)
def test_a_repeat_has_the_first_answer_and_does_nothing(house: House, post: str) -> None:
    key, before = uuid.uuid4().hex, house.state()
    first = send(house, post, key)
    assert first.is_success, first.text
    assert REPLAYED not in first.headers
    after = house.state()
    assert after != before
    for _ in range(2):
        again = send(house, post, key)
        assert again.headers[REPLAYED] == "true"
        assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert house.state() == after
    other = POSTS[post].other
    if other is not None:
        problem(send(house, post, key, **other(house)), 409, "IDEMPOTENCY_KEY_REUSED")
        assert house.state() == after


@pytest.mark.parametrize("post", ["audio file", "set", "add", "bulk"])
def test_another_key_is_another_request(house: House, post: str) -> None:
    answers = [send(house, post, uuid.uuid4().hex) for _ in range(2)]
    if post == "audio file":
        problem(answers[1], 409, "AUDIO_FILE_EXISTS")
    else:
        assert [answer.status_code for answer in answers] == [201, 201]
        assert len(house.dataset.get(SETS)["items"]) + len(house.dataset.rows(house.draft)) > 4


def test_a_repeat_is_answered_when_the_set_is_published_meanwhile(house: House) -> None:
    """What was acknowledged is in the set; a repeat does not learn of it as of a refusal."""
    firsts = {post: send(house, post, f"before-{post}") for post in ("add", "bulk")}
    published = send(house, "publish", "the-publish")
    for post, first in (*firsts.items(), ("publish", published)):
        again = send(house, post, f"before-{post}" if post != "publish" else "the-publish")
        assert (again.headers[REPLAYED], again.json()) == ("true", first.json())
        problem(send(house, post, "after"), 409, "ANNOTATION_SET_PUBLISHED")
    assert published.json()["total_annotations"] == 5 == len(house.dataset.rows(house.draft))
