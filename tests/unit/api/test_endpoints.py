"""From the declaration of an endpoint follow its checks in their order, what it is given, and what it answers."""

import unicodedata

import pytest

from packhouse.access.model import Principal, Scope, Workspace
from packhouse.api.bodies import NoBody
from packhouse.api.endpoints import Success
from tests.bench.wire import Wire
from tests.unit.api.declared import (
    EDITOR,
    KEY,
    OF_PROJECT,
    PLACE,
    PUBLIC,
    STRANGER,
    THING,
    THINGS,
    VIEWER,
    WISH,
    Function,
    Json,
    Made,
    Wish,
)


@pytest.fixture
def function(wire: Wire) -> Function:
    return Function()


# The order of the checks.

WRONG: Json = {
    "caller": STRANGER,
    "headers": {"If-Match": "x", "Idempotency-Key": "a b", "Content-Type": "text/plain"},
    "body": "{",
}
JSON = {"Content-Type": "application/json"}
REPAIRS: list[tuple[Json, int, str]] = [
    ({}, 404, "PROJECT_NOT_FOUND"),
    ({"caller": VIEWER}, 403, "FORBIDDEN"),
    ({"caller": EDITOR}, 400, "header If-Match"),
    ({"headers": {"Idempotency-Key": "a b", "Content-Type": "text/plain"}}, 400, "header Idempotency-Key"),
    ({"headers": KEY | {"Content-Type": "text/plain"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    ({"headers": KEY | JSON}, 400, "INVALID_JSON"),
    ({"body": '{"filters": 1, "name": 1}'}, 400, "FILTERS_NOT_SUPPORTED_V1"),
    ({"body": '{"name": 1}'}, 400, "/name"),
]


def test_a_request_is_refused_for_the_first_thing_that_is_wrong_and_not_handled(function: Function) -> None:
    """The caller, the role, the conditions, the key, the type, the document, what has a code of its own, the fields."""
    wrong = dict(WRONG)
    for repair, status, code in REPAIRS:
        wrong |= repair
        said = function.send("POST", THINGS, **wrong)
        assert (said.status, said.code) == (status, code)
    assert function.calls == []
    assert function.send("POST", THINGS, **(wrong | {"body": WISH})).status == 201
    assert len(function.calls) == 1


def test_a_read_is_refused_for_the_caller_before_its_conditions_and_its_query(function: Function) -> None:
    wrong: Json = {"query": {"size": ["0"]}, "headers": {"If-Match": "x"}, "name": "a"}
    said = [function.send("GET", THING, STRANGER, **wrong), function.send("GET", THING, **wrong)]
    said.append(function.send("GET", THING, **(wrong | {"headers": {}})))
    assert [one.code for one in said] == ["PROJECT_NOT_FOUND", "header If-Match", "query size"]
    assert function.calls == []


def test_the_place_is_the_paths_or_the_headers(function: Function) -> None:
    function.send("GET", THINGS)
    function.send("POST", OF_PROJECT, body=WISH, headers={"X-Workspace": "acme/other"})
    key = Principal(principal_id="key_1", key_workspace="acme/keyed", key_scopes=(Scope.WRITE,))
    function.send("POST", OF_PROJECT, key, body=WISH)
    places = [Workspace("acme", "match-day"), Workspace("acme", "other"), Workspace("acme", "keyed")]
    assert [call.workspace for call in function.calls] == places
    assert [call.caller for call in function.calls] == [EDITOR, EDITOR, key]
    assert function.send("POST", OF_PROJECT, body="{").code == "WORKSPACE_REQUIRED"
    assert function.send("GET", THINGS, key).code == "PROJECT_NOT_FOUND"


def test_what_is_public_asks_for_no_caller(function: Function) -> None:
    said = function.send("GET", PUBLIC, None)
    assert (said.status, said.body, function.calls[0].caller.principal_id) == (200, {"open": True}, "")


def test_a_call_has_the_query_of_a_read_and_the_body_of_a_write(function: Function) -> None:
    function.send("GET", THING, name="a", query={"size": ["3"]})
    function.send("GET", THING, name="a")
    function.send("POST", THINGS, body=WISH)
    assert [call.wanted.model_dump() for call in function.calls] == [{"size": 3}, {"size": 1}, WISH]


# What is answered.


def test_an_answer_is_the_result_with_the_status_of_the_declaration(function: Function) -> None:
    said = function.send("POST", THINGS, body=WISH)
    assert (said.status, said.body, said.headers["Content-Type"]) == (201, WISH, "application/json")
    assert function.send("GET", THINGS).body == {"things": ["a"]}
    assert function.send("DELETE", THING, name="a").body == {"success": True}
    shown = function.send("POST", OF_PROJECT, body=WISH, headers={"X-Workspace": "acme/match-day"})
    assert (shown.status, shown.body, shown.headers["Location"]) == (202, {"shown": "a", "to": "user-1"}, "/there")


def test_a_head_is_that_of_the_answer_without_a_body(function: Function) -> None:
    said = function.send("HEAD", THING, name="a", query={"size": ["3"]}, headers={"If-None-Match": "*"})
    whole = function.send("GET", THING, name="a")
    assert (said.status, said.text, said.headers["ETag"]) == (200, "", whole.headers["ETag"])
    assert function.calls[0].wanted.size == 3
    for caller, query in ((STRANGER, {}), (EDITOR, {"x": ["1"]})):
        refused = function.send("HEAD", THING, caller, query=query, name="a")
        assert (refused.status // 100, refused.text) == (4, "")


def test_endpoints_are_told_as_they_were_declared(function: Function) -> None:
    told = {endpoint.name: endpoint for endpoint in function.endpoints.declared}
    made = told["make_thing"]
    assert (made.method, made.path, made.docstring) == ("POST", THINGS, "Make a thing.")
    assert (made.wanted, made.result, made.status, made.refusals) == (Wish, Made, 201, ("DATASET_EXISTS",))
    assert made.rule == "/namespaces/<slug>/projects/<projectSlug>/things"
    assert (told["delete_thing"].wanted, told["delete_thing"].result) == (NoBody, Success)
    assert {name for name, endpoint in told.items() if endpoint.if_match} == {"change_thing", "delete_thing"}
    assert {name for name, endpoint in told.items() if endpoint.public} == {"get_open"}
    assert {name for name, endpoint in told.items() if endpoint.is_command} == {"make_thing", "start_thing"}


# Names in paths.


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("plain", "plain"),
        ("two words", "two words"),
        ("two%20words", "two words"),
        ("a+b", "a+b"),
        ("%C3%A4", "ä"),
        ("ä", "ä"),
        ("a\u0308", "ä"),
        ("a%CC%88", "ä"),
        ("%2541", "%41"),
        ("a%2Fb", "a/b"),
        ("日本;語'\"<>|^`{}[]@:&=$,!*()~", "日本;語'\"<>|^`{}[]@:&=$,!*()~"),
        ("🎬" * 200, "🎬" * 200),
        ("-", "-"),
    ],
)
def test_a_name_in_a_path_is_decoded_once_and_composed(function: Function, given: str, name: str) -> None:
    assert function.send("GET", THING, name=given).status == 200
    assert function.calls[0].path == PLACE | {"name": name}
    assert unicodedata.is_normalized("NFC", function.calls[0].path["name"])


@pytest.mark.parametrize("name", ["x" * 801, "é" * 401, "%F0%9F%8E%AC" * 201])
def test_a_name_that_no_key_holds_is_not_found(function: Function, name: str) -> None:
    said = function.send("GET", THING, name=name)
    assert (said.status, said.code, function.calls) == (404, "ROUTE_NOT_FOUND", [])
