"""A POST that is repeated under its `Idempotency-Key` is answered as it was the first time."""

import pytest

from packhouse.errors import NotFoundError, PackhouseError, ServiceUnavailableError
from tests.bench.wire import Wire
from tests.unit.api.declared import EDITOR, KEY, LOOKED_AT, OF_PROJECT, THING, THINGS, WISH, Function, Json
from tests.unit.aws.things import Thing, put, states

REPLAYED = "Idempotency-Replayed"


@pytest.fixture
def function(wire: Wire) -> Function:
    return Function()


def test_a_repeat_is_answered_as_the_first_and_marked(function: Function, wire: Wire) -> None:
    first = function.send("POST", THINGS, body=WISH, headers=KEY)
    assert REPLAYED not in first.headers
    put("beside", "x")
    again = function.send("POST", THINGS, body=WISH, headers=KEY)
    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers == dict(first.headers) | {REPLAYED: "true"}
    assert states() == {"a": "s", "beside": "x"}


def test_a_repeat_is_answered_though_the_thing_is_gone_or_its_place(function: Function) -> None:
    first = function.send("POST", THINGS, body=WISH, headers=KEY)
    Thing("a", "META").delete()
    assert function.send("POST", THINGS, body=WISH, headers=KEY).text == first.text
    function.raising = NotFoundError("PROJECT_NOT_FOUND", "Gone.")
    assert function.send("POST", THINGS, body=WISH, headers=KEY).text == first.text
    assert states() == {}


def test_a_repeat_is_shown_as_its_endpoint_shows_things(function: Function) -> None:
    headers = KEY | {"X-Workspace": "acme/match-day"}
    first, again = (function.send("POST", OF_PROJECT, body=WISH, headers=headers) for _ in range(2))
    assert (again.status, again.text, again.headers["Location"]) == (202, first.text, "/there")
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")


def test_the_key_with_another_body_is_refused(function: Function) -> None:
    function.send("POST", THINGS, body=WISH, headers=KEY)
    for other in ({"name": "a"}, {"name": "b", "state": "s"}):
        said = function.send("POST", THINGS, body=other, headers=KEY)
        assert (said.status, said.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    spelt = function.send("POST", THINGS, body=' {"state":"s", "n\\u0061me" : "a"}', headers=KEY)
    assert (spelt.status, spelt.headers[REPLAYED]) == (201, "true")
    assert states() == {"a": "s"}


OTHERS: list[Json] = [
    {"caller": EDITOR.model_copy(update={"principal_id": "user-9"})},
    {"projectSlug": "other"},
    {"headers": {"Idempotency-Key": "key-2"}},
    {"headers": {"Idempotency-Key": "KEY-1"}},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_key_is_of_one_caller_and_one_place(function: Function, other: Json) -> None:
    sent: Json = {"body": WISH, "headers": KEY}
    function.send("POST", THINGS, **sent)
    said = function.send("POST", THINGS, **(sent | other))
    assert (said.status, said.code) == (409, "DATASET_EXISTS")
    said = function.send("POST", THINGS, **(sent | other | {"body": {"name": "b"}}))
    assert (said.status, REPLAYED in said.headers) == (201, False)


@pytest.mark.parametrize(
    "refusal", [NotFoundError("X", "x"), ServiceUnavailableError("SERVICE_UNAVAILABLE", "x"), ValueError("x")], ids=str
)
def test_what_was_refused_is_not_kept(function: Function, refusal: Exception) -> None:
    function.raising = refusal
    status = refusal.status if isinstance(refusal, PackhouseError) else 500
    assert function.send("POST", THINGS, body=WISH, headers=KEY).status == status
    function.raising = None
    said = function.send("POST", THINGS, body=WISH, headers=KEY)
    assert (said.status, REPLAYED in said.headers) == (201, False)


def test_what_nobody_foresaw_is_not_answered_by_a_repeat(function: Function) -> None:
    function.send("POST", THINGS, body=WISH, headers=KEY)
    function.raising = ValueError("secret-4711")
    said = function.send("POST", THINGS, body=WISH, headers=KEY)
    assert (said.status, said.code) == (500, "INTERNAL_ERROR")


def test_without_a_key_nothing_is_kept_and_nothing_looked_up(function: Function, wire: Wire) -> None:
    wire.take()
    assert function.send("POST", THINGS, body=WISH).status == 201
    assert function.send("POST", THINGS, body=WISH).code == "DATASET_EXISTS"
    assert wire.take().of("dynamodb") == ("TransactWriteItems",) * 2


def test_what_only_reads_is_done_anew_and_keeps_nothing(function: Function, wire: Wire) -> None:
    headers = KEY | {"X-Workspace": "acme/match-day"}
    wire.take()
    for name in ("a", "b", "a"):
        said = function.send("POST", LOOKED_AT, body={"name": name}, headers=headers)
        assert (said.status, said.body["name"], REPLAYED in said.headers) == (200, name, False)
    assert function.send("POST", LOOKED_AT, body=WISH, headers=headers | {"Idempotency-Key": "a b"}).status == 400
    assert wire.take().of("dynamodb") == ()
    assert [call.once.is_keyed for call in function.calls] == [False] * 3


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE", "GET"])
def test_a_key_is_for_posts_alone(function: Function, method: str) -> None:
    for key in (KEY, {"Idempotency-Key": "a b"}):
        said = function.send(method, THING, headers=key, name="a")
        assert (said.status, REPLAYED in said.headers) == (200, False)
    assert [call.once.is_keyed for call in function.calls] == [False, False]


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "\x7f", "a\n", "x" * 256])
def test_a_key_is_visible_ascii(function: Function, key: str) -> None:
    assert function.send("POST", THINGS, body=WISH, headers={"idempotency-key": key}).code == "header Idempotency-Key"
    assert function.calls == []
