import base64
import json
from typing import Any, Literal

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field

from packhouse.api.paging import Cursors, NoQuery, Page, RequestQuery, Section, read_query
from packhouse.errors import InvalidInputError, RequestFaultsError

CURSORS = Cursors("a secret of the tests")
PLACE = {"pk": {"S": "LP#lp_1"}, "listed_in": {"S": "acme/match-day"}}
BOUND = ("label-packs", "acme/match-day", "approved")
PLACES = st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.dictionaries(st.just("S"), st.text()))
BOUNDS = st.lists(st.text(), max_size=4).map(tuple)


def sealed(place: dict[str, Any] = PLACE, *bound: str) -> str:
    cursor = CURSORS.seal(place, *(bound or BOUND))
    assert cursor is not None
    return cursor


def refused(cursor: str, *bound: str, cursors: Cursors = CURSORS) -> bool:
    try:
        cursors.open(cursor, *(bound or BOUND))
    except InvalidInputError as error:
        return error.code == "INVALID_CURSOR"
    return False


@given(PLACES, BOUNDS)
def test_a_cursor_opens_to_its_place(place: dict[str, Any], bound: tuple[str, ...]) -> None:
    assert CURSORS.open(CURSORS.seal(place, *bound), *bound) == place


def test_the_first_page_has_no_cursor_and_the_last_gives_none() -> None:
    assert CURSORS.open(None, *BOUND) is None
    assert CURSORS.seal(None, *BOUND) is None


def test_a_cursor_needs_no_escaping_in_a_url() -> None:
    text = "".join(sealed({"n": number}) for number in range(50))
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_every_flipped_bit_is_refused() -> None:
    cursor = sealed()
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert refused(base64.urlsafe_b64encode(bytes(flipped)).decode().rstrip("=")), bit


@pytest.mark.parametrize("place", [{"a": 1}, {"a": 12}, {"a": 123}])  # each length modulo 3: unused bits at the end
def test_every_changed_character_is_refused(place: dict[str, Any]) -> None:
    cursor = sealed(place)
    for at in range(len(cursor)):
        for other in "AZaz09-_+/=. é\n":
            if cursor[at] != other:
                assert refused(cursor[:at] + other + cursor[at + 1 :]), (at, other)
        assert refused(cursor[:at] + cursor[at + 1 :]), at
    for more in ("A", "=", "==", "====", "\n", " ", "."):
        assert refused(cursor + more), more


@pytest.mark.parametrize("cursor", ["", "A", "AAAA", "=", "é", "null", "\ud800", "A" * 5000, "../..", "%00", "{}"])
def test_what_was_never_sealed_is_refused(cursor: str) -> None:
    assert refused(cursor)


@pytest.mark.parametrize(
    "bound",
    [
        ("jobs", "acme/match-day", "approved"),
        ("label-packs", "acme/other", "approved"),
        ("label-packs", "beta/match-day", "approved"),
        ("label-packs", "acme/match-day", "pending"),
        ("label-packs", "acme/match-day"),
        ("label-packs", "acme/match-day", "approved", ""),
        ("label-packs", "approved", "acme/match-day"),
        ("label-packsacme/match-day", "approved"),
        ("label-packs", "acme/match-dayapproved"),
        ("label-packs\x00acme/match-day", "approved"),
        ("label-packs", "acme/match-day\x00approved"),
        ("",),
    ],
)
def test_a_cursor_of_another_list_filter_or_project_is_refused(bound: tuple[str, ...]) -> None:
    assert refused(sealed(), *bound)


@given(PLACES, BOUNDS, BOUNDS)
def test_a_cursor_opens_only_where_it_was_sealed(
    place: dict[str, Any], one: tuple[str, ...], two: tuple[str, ...]
) -> None:
    assume(one != two and one and two)
    assert refused(sealed(place, *one), *two)


def test_filters_cannot_be_shifted_into_one_another() -> None:
    assert refused(sealed(PLACE, "list", "a\x00b", ""), "list", "a", "b\x00")


def test_a_cursor_of_another_secret_is_refused() -> None:
    assert refused(sealed(), cursors=Cursors("another secret"))


def query(**parameters: str) -> APIGatewayProxyEvent:
    given = {name: [value] for name, value in parameters.items()}
    return APIGatewayProxyEvent({"multiValueQueryStringParameters": given or None})


def faults(event: APIGatewayProxyEvent, model: type[RequestQuery]) -> list[str]:
    with pytest.raises(RequestFaultsError) as error:
        read_query(event, model)
    return [fault.loc for fault in error.value.faults]


def test_limits_are_whole_numbers_in_their_range() -> None:
    assert read_query(query(), Section) == Section(limit=50, cursor=None)
    assert [read_query(query(limit=text), Section).limit for text in ("1", "200", "007")] == [1, 200, 7]
    assert read_query(query(), Page) == Page(page=1, pageSize=50)
    assert read_query(query(page="10000", pageSize="200"), Page).end == 2_000_000


@pytest.mark.parametrize(
    "text",
    ["0", "201", "-1", "+1", "1.0", "1e2", "", " ", "1 ", "ten", "0x1", "1_0", "\u0661", "\u00b2", "9" * 5000, "null",
     "\x00", "é"],
)  # fmt: skip
@pytest.mark.parametrize(("model", "name"), [(Section, "limit"), (Page, "pageSize")])
def test_any_other_limit_is_refused(model: type[RequestQuery], name: str, text: str) -> None:
    assert faults(query(**{name: text}), model) == [f"query {name}"]


class Filters(Section):
    """A list with filters, one of which is called what Python calls nothing."""

    kind: Literal["a", "b"] | None = None
    class_: str | None = Field(default=None, alias="class")


def test_filters_are_known_by_the_names_that_callers_give_them() -> None:
    assert read_query(query(), Filters).filters() == {}
    asked = {"class": "", "kind": "a"}
    assert read_query(query(limit="7", cursor="x", **asked), Filters).filters() == asked
    for unknown in ("class_", "Class"):
        assert faults(query(**{unknown: "x"}), Filters) == [f"query {unknown}"]


def test_a_cursor_is_bound_to_the_filters_that_were_given() -> None:
    def turned(cursor: str | None = None, **asked: str) -> str | None:
        given = asked | ({"cursor": cursor} if cursor else {})
        return CURSORS.turn(read_query(query(**given), Filters), BOUND, lambda *_: ([], {"at": 1}))[1]

    cursor = turned(**{"class": "ball"})
    assert turned(cursor, **{"class": "ball"}) == cursor
    for other in ({}, {"class": ""}, {"class": "Ball"}, {"class": "ball", "kind": "a"}, {"kind": "b"}):
        with pytest.raises(InvalidInputError, match="INVALID_CURSOR"):
            turned(cursor, **other)


def test_a_parameter_that_is_unknown_or_repeated_is_refused_with_all_others() -> None:
    event = APIGatewayProxyEvent({"multiValueQueryStringParameters": {"page": ["1", "2"], "size": ["5"]}})
    assert sorted(faults(event, Page)) == ["query page", "query size"]
    assert faults(query(page="1"), NoQuery) == ["query page"]


@given(st.integers(0, 30), st.integers(1, 12))
def test_pages_by_number_hold_every_item_once(count: int, size: int) -> None:
    items = [str(number) for number in range(count)]

    def page(number: int) -> dict[str, Any]:
        wanted = Page(page=number, pageSize=size)
        shown: dict[str, Any] = json.loads(wanted.of("things", items[: wanted.end], count))
        return shown

    first = page(1)
    assert (first["total"], first["totalPages"]) == (count, -(-count // size))
    pages = [page(number)["things"] for number in range(1, first["totalPages"] + 2)]
    assert [str(item) for things in pages for item in things] == items
    assert pages[-1] == []
