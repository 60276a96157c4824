import base64
import json
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from packhouse.api.bodies import BODY_BYTES, RequestBody, checked, parse_json, pointer, read_body
from packhouse.errors import CODES, InvalidInputError, PackhouseError, RequestFaultsError
from tests.unit.api.bodies import GOOD, GOOD_TYPES, JSON, Bad, bad_bodies

BAD = bad_bodies()


class Inner(RequestBody):
    """A nested model."""

    share: float
    names: tuple[str, ...] = ()


class Outer(RequestBody):
    """A model with a field of each kind."""

    name: str = Field(min_length=1)
    count: int = 0
    flag: bool = False
    inner: Inner | None = None


def event(body: str | None, content_type: str | None = JSON, *, encoded: bool = False) -> APIGatewayProxyEvent:
    return APIGatewayProxyEvent(Bad("", "", body, content_type, encoded).event())


def faults(body: Any) -> dict[str, str]:
    with pytest.raises(RequestFaultsError) as refused:
        read_body(event(json.dumps(body)), Outer)
    assert refused.value.code == "INVALID_REQUEST"
    return {fault.loc: fault.reason for fault in refused.value.faults}


def test_there_are_at_least_150_bad_bodies() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) >= 150


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_bad_body_is_refused_with_its_code(bad: Bad) -> None:
    with pytest.raises(PackhouseError) as refused:
        checked(APIGatewayProxyEvent(bad.event()))
    assert refused.value.code == bad.code
    assert bad.code in CODES
    # What is refused may be megabytes long or unprintable; the sentence about it is neither.
    assert len(refused.value.detail) < 300
    refused.value.detail.encode()


PLAIN = [bad for bad in BAD if not bad.base64 and bad.content_type == JSON]


@pytest.mark.parametrize("bad", PLAIN, ids=lambda bad: bad.name)
def test_a_bad_body_is_refused_in_base64_too(bad: Bad) -> None:
    raw = (bad.body or "").encode("utf-8", "surrogatepass")
    with pytest.raises(PackhouseError) as refused:
        checked(event(base64.b64encode(raw).decode(), encoded=True))
    assert refused.value.code == bad.code


@pytest.mark.parametrize(("text", "document"), GOOD, ids=lambda part: repr(part)[:24])
def test_a_good_body_is_read(text: str, document: Any) -> None:
    assert checked(event(text)) == (text, document)
    assert checked(event(base64.b64encode(text.encode()).decode(), encoded=True))[1] == document


@pytest.mark.parametrize("content_type", GOOD_TYPES)
def test_every_json_type_is_read(content_type: str) -> None:
    assert checked(event("[1]", content_type))[1] == [1]


@pytest.mark.parametrize("body", [None, "", " ", "\n\t "])
def test_an_absent_body_is_an_empty_object_of_any_type(body: str | None) -> None:
    for content_type in (None, JSON, "text/plain"):
        assert checked(event(body, content_type)) == ("{}", {})


def test_a_body_may_have_just_five_megabytes() -> None:
    text = json.dumps("x" * (BODY_BYTES - 2))
    assert len(checked(event(text))[0]) == BODY_BYTES


@given(st.text())
def test_any_text_is_read_or_refused_with_a_code(text: str) -> None:
    try:
        document = checked(event(text))[1]
    except InvalidInputError as refused:
        document = refused.code
    assert document == "INVALID_JSON" or json.dumps(document, ensure_ascii=False).encode()


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_every_ordinary_document_is_read_as_it_was_written(document: Any) -> None:
    assert parse_json(json.dumps(document)) == document
    assert parse_json(json.dumps(document, ensure_ascii=False)) == document


def test_all_faults_of_a_body_are_listed_at_once_by_pointer() -> None:
    inner = {"share": "0.5", "names": ["a", 2], "x/y~z": 1}
    wrong = {"name": "", "count": True, "flag": 1, "inner": inner, "extra": None}
    assert faults(wrong).keys() == {
        "/name", "/count", "/flag", "/inner/share", "/inner/names/1", "/inner/x~1y~0z", "/extra",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, "/name"), ([], ""), (None, ""), ("text", ""), (1, ""), ([{"name": "a"}], ""),
        ({"name": None}, "/name"), ({"name": 1}, "/name"), ({"name": ["a"]}, "/name"), ({"name": True}, "/name"),
        ({"name": "a", "count": 1.0}, "/count"), ({"name": "a", "count": "1"}, "/count"), ({"name": "a",
        "count": None}, "/count"),
        ({"name": "a", "count": True}, "/count"), ({"name": "a", "flag": "true"}, "/flag"), ({"name": "a", "flag": 0},
        "/flag"),
        ({"name": "a", "inner": []}, "/inner"), ({"name": "a", "inner": {}}, "/inner/share"), ({"name": "a",
        "Name": "b"}, "/Name"),
        ({"name": "a", "inner": {"share": True}}, "/inner/share"), ({"name": "a", "inner": {"share": None}},
        "/inner/share"),
        ({"name": "a", "__proto__": 1}, "/__proto__"), ({"name": "a", "": 1}, "/"), ({"name": "a",
        "inner": {"share": 10**399}}, "/inner/share"),
    ],
)  # fmt: skip
def test_types_are_strict_and_unknown_fields_refused(body: Any, loc: str) -> None:
    assert loc in faults(body)


def test_a_good_body_becomes_the_model() -> None:
    found = read_body(event('{"name": "é", "count": 3, "inner": {"share": 1}}'), Outer)
    assert found == Outer(name="é", count=3, inner=Inner(share=1.0))


def test_a_refusal_with_a_code_of_its_own_comes_before_the_faults() -> None:
    class Screened(Outer):
        """A model that refuses a field by a code of its own."""

        @classmethod
        def screen(cls, document: Any) -> None:
            if "filters" in document:
                raise InvalidInputError("FILTERS_NOT_SUPPORTED_V1", "No filters.")

    with pytest.raises(InvalidInputError, match="FILTERS_NOT_SUPPORTED_V1"):
        read_body(event('{"filters": 1, "count": "x"}'), Screened)


def test_a_pointer_escapes_tilde_and_slash() -> None:
    assert pointer(()) == ""
    assert pointer(("a", 0, "", "~1", "/")) == "/a/0//~01/~1"
