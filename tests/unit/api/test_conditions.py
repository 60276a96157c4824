"""`If-Match` is told to who honours it and refused elsewhere; `If-None-Match` spares an answer that the caller has."""

import pytest

from packhouse.errors import NotFoundError, PreconditionFailedError
from tests.bench.wire import Wire
from tests.unit.api.declared import ENDED, HELD, PUBLIC, THING, THINGS, WISH, Function, Json, Made, Said


@pytest.fixture
def function(wire: Wire) -> Function:
    return Function()


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("given", "in_states"),
    [
        ({}, None),
        ({"If-Match": "*"}, None),
        ({"If-Match": " * "}, None),
        ({"If-Match": '"rev_1.0123"'}, ("rev_1",)),
        ({"if-match": '"rev_1.0123" , W/"rev_2.4567","x"'}, ("rev_1", "", "x")),
        ({"If-Match": 'W/"rev_1.0123"'}, ("",)),
        ({"If-Match": '"a,b"'}, ("a,b",)),
    ],
)
def test_a_write_is_told_the_states_that_the_caller_names(
    function: Function, method: str, given: dict[str, str], in_states: tuple[str, ...] | None
) -> None:
    """A weak tag names none: it says that two answers are as good as equal, not that the thing has this state."""
    assert function.send(method, THING, headers=given, name="a").status == 200
    assert function.calls[0].if_match == in_states


@pytest.mark.parametrize("given", ["", "x", "W/x", '"open', 'shut"', '"a" b', "'a'", '"é"', "a, *"])
def test_a_header_of_no_tags_is_refused(function: Function, given: str) -> None:
    assert function.send("PATCH", THING, headers={"If-Match": given}, name="a").code == "header If-Match"
    assert function.calls == []
    assert function.send("GET", THING, headers={"If-None-Match": given}, name="a").code == "header If-None-Match"


@pytest.mark.parametrize(("method", "resource"), [("POST", THINGS), ("PUT", THING), ("GET", THING), ("GET", PUBLIC)])
def test_if_match_is_refused_where_it_is_not_honoured(function: Function, method: str, resource: str) -> None:
    sent: Json = {"body": WISH} if method == "POST" else {}
    for given in ("*", '"x"'):
        said = function.send(method, resource, headers={"If-Match": given}, name="a", **sent)
        assert (said.status, said.code) == (400, "header If-Match")
    assert function.calls == []


def test_a_handlers_refusal_of_a_state_is_told(function: Function) -> None:
    function.raising = PreconditionFailedError("PRECONDITION_FAILED", "It has changed.")
    assert function.send("PATCH", THING, headers={"If-Match": '"x"'}, name="a").status == 412


def tag_of(said: Said) -> str:
    assert said.status == 200
    return said.headers["ETag"]


def test_a_tag_is_of_the_state_and_of_the_answer(function: Function) -> None:
    tags = []
    for made in (Made(name="a", state="s", etag="rev_1"), Made(name="b", state="s", etag="rev_1")):
        function.made = made
        tags.append(tag_of(function.send("GET", THING, name="a")))
        assert tag_of(function.send("GET", THING, name="a")) == tags[-1]
    assert [tag.partition(".")[0] for tag in tags] == ['"rev_1', '"rev_1']
    assert tags[0] != tags[1]
    stateless = tag_of(function.send("GET", THINGS))
    assert stateless.startswith('".')
    function.made = Made(name="c", state="")
    assert tag_of(function.send("GET", THINGS)) != stateless


@pytest.mark.parametrize("form", ["{}", "W/{}", "*", '"other", {}', '{},W/"other"', '"a,b" , {}'])
@pytest.mark.parametrize("resource", [THING, THINGS, PUBLIC])
def test_a_read_that_the_caller_has_is_304_without_a_body(function: Function, resource: str, form: str) -> None:
    tag = tag_of(function.send("GET", resource, name="a"))
    said = function.send("GET", resource, headers={"If-None-Match": form.format(tag)}, name="a")
    assert (said.status, said.text, said.headers["ETag"]) == (304, "", tag)


@pytest.mark.parametrize("given", ['""', '"*"', 'W/""'])
def test_a_tag_in_quotes_is_no_star(function: Function, given: str) -> None:
    assert function.send("GET", THING, headers={"If-None-Match": given}, name="a").status == 200


def test_a_read_that_the_caller_has_not_is_answered(function: Function) -> None:
    known = {"If-None-Match": tag_of(function.send("GET", THING, name="a"))}
    function.made = Made(name="a", state="other", etag="rev_1")
    assert function.send("GET", THING, headers=known, name="a").body == {"name": "a", "state": "other"}
    assert function.send("GET", THING, headers={"If-None-Match": '"rev_1"'}, name="a").status == 200


@pytest.mark.parametrize(("method", "path"), [("PATCH", THING), ("PUT", THING), ("DELETE", THING), ("POST", THINGS)])
def test_a_write_that_is_to_be_made_only_if_something_is_not_there_is_refused(
    function: Function, method: str, path: str
) -> None:
    said = function.send(method, path, body=WISH, headers={"If-None-Match": "*"}, name="a")
    assert (said.status, [fault["loc"] for fault in said.body["errors"]]) == (400, ["header If-None-Match"])
    assert function.calls == []


def test_a_refused_read_has_no_tag(function: Function) -> None:
    function.raising = NotFoundError("DATASET_NOT_FOUND", "Not there.")
    said = function.send("GET", THING, headers={"If-None-Match": "*"}, name="a")
    assert (said.status, "ETag" in said.headers) == (404, False)


def test_what_is_not_the_thing_itself_is_told_whatever_the_caller_has(function: Function) -> None:
    here = {"X-Workspace": "acme/match-day"}
    for given in ("*", tag_of(function.send("GET", HELD, headers=here))):
        said = function.send("GET", ENDED, headers=here | {"If-None-Match": given})
        assert (said.status, said.body, "ETag" in said.headers) == (409, {"state": "cancelled"}, False)


def test_an_answer_is_its_callers_alone_and_a_refusal_nobody_keeps(function: Function) -> None:
    said = function.send("GET", THING, name="a")
    known = function.send("GET", THING, headers={"If-None-Match": tag_of(said)}, name="a")
    for answered in (said, known, function.send("POST", THINGS, body=WISH)):
        assert answered.headers["Cache-Control"] == "private, no-cache"
        assert answered.headers["Vary"] == "Authorization, X-API-Key, X-Workspace"
    function.raising = NotFoundError("DATASET_NOT_FOUND", "Not there.")
    assert function.send("GET", THING, name="a").headers["Cache-Control"] == "no-store"


def test_an_answer_that_holds_for_a_while_says_so_known_or_not(function: Function) -> None:
    """It stays its caller's alone, and is asked for under its tag once the while is over."""
    here = {"X-Workspace": "acme/match-day"}
    said = function.send("GET", HELD, headers=here)
    known = function.send("GET", HELD, headers=here | {"If-None-Match": tag_of(said)})
    assert (known.status, known.text, known.headers["ETag"]) == (304, "", said.headers["ETag"])
    for answered in (said, known):
        assert answered.headers["Cache-Control"] == "private, max-age=60"
        assert answered.headers["Vary"] == "Authorization, X-API-Key, X-Workspace"
    function.raising = NotFoundError("DATASET_NOT_FOUND", "Not there.")
    assert function.send("GET", HELD, headers=here).headers["Cache-Control"] == "no-store"
