"""Codes are a promise to clients: each is listed, documented, and raised somewhere."""

import re

import pytest

from packhouse.errors import CODES
from tests.contract.codes import DOCUMENT, iter_raised, places, statuses, table


def test_every_code_that_is_raised_is_listed() -> None:
    assert sorted(places().keys() - CODES.keys()) == []


def test_every_listed_code_is_raised_somewhere() -> None:
    assert sorted(CODES.keys() - places().keys()) == []


def test_a_code_is_a_literal_where_the_error_is_made() -> None:
    """Otherwise neither a reader nor this test could find it. The one parameter is `RequestFaultsError`'s own."""
    assert [place for code, place in iter_raised() if code is None] == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_is_upper_snake_and_means_a_sentence(code: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", code)
    assert re.fullmatch(r"[A-Z`].+\.", CODES[code])


def test_every_error_class_has_a_status() -> None:
    assert {"InvalidInputError": "400", "NotFoundError": "404", "ConflictError": "409"}.items() <= statuses().items()
    assert statuses()["FingerprintTakenError"] == "409"


def test_the_document_lists_exactly_the_codes_with_where_they_come_from_and_what_they_mean() -> None:
    written = DOCUMENT.read_text()
    assert written.endswith(table()), "tests/contract/codes.py says how to write the table anew"
