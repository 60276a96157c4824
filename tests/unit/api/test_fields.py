import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from packhouse.api.bodies import RequestBody
from packhouse.api.fields import Name, Prose, Sha256, Slug


class Fields(RequestBody):
    """One field of each kind."""

    name: Name = "a"
    prose: Prose = ""
    slug: Slug = "a"
    sha256: Sha256 = "0" * 64


def accepted(**fields: str) -> bool:
    try:
        Fields(**fields)
    except ValidationError:
        return False
    return True


GOOD_NAMES = ["a", "Été 2026", "試合日", "a b", "a/b", "😀", "a" * 200, "-", "0", "<b>", "a\u00a0b", "עברית"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_name_is_any_one_line_of_text(name: str) -> None:
    assert Fields(name=name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "a ", " a", "\ta", "a\n", "a\nb", "a\rb", "a\tb", "a\x00b", "a\x7fb", "a\x85b", "a\u2028b",
        "a\u2029b", "\u00a0a",
        "a" * 201, "a\x1b[31mb",
    ],
)  # fmt: skip
def test_a_name_has_no_control_characters_line_breaks_or_blank_ends(name: str) -> None:
    assert not accepted(name=name)


def test_text_is_kept_in_nfc() -> None:
    split, joined = "e\u0301", "\u00e9"
    assert Fields(name=split).name == Fields(name=joined).name == joined
    assert Fields(prose=split).prose == joined


@given(st.text())
def test_accepted_text_is_nfc_and_printable(text: str) -> None:
    if accepted(name=text):
        found = Fields(name=text).name
        assert unicodedata.is_normalized("NFC", found)
        assert found.strip() == found != ""
        assert not {unicodedata.category(character) for character in found} & {"Cc", "Zl", "Zp"}
    if accepted(prose=text):
        found = Fields(prose=text).prose
        assert unicodedata.is_normalized("NFC", found)
        assert {character for character in found if unicodedata.category(character) == "Cc"} <= {"\n", "\t"}


@pytest.mark.parametrize("text", ["", "a\nb", "a\tb", "a" * 4000, " a "])
def test_prose_may_have_line_breaks(text: str) -> None:
    assert Fields(prose=text).prose == text


@pytest.mark.parametrize("text", ["a" * 4001, "a\x00", "a\rb", "\x1b[2J", "\x85"])
def test_prose_has_no_other_control_characters(text: str) -> None:
    assert not accepted(prose=text)


@pytest.mark.parametrize("field", ["name", "prose", "slug", "sha256"])
def test_lone_surrogates_are_refused(field: str) -> None:
    with pytest.raises(ValidationError):
        Fields.model_validate({field: "a\ud800b"})


@pytest.mark.parametrize("slug", ["a", "0", "a-b", "a--b", "match-day-2026", "a" * 63])
def test_a_slug_is_a_dns_label(slug: str) -> None:
    assert accepted(slug=slug)


@pytest.mark.parametrize(
    "slug",
    ["", "-", "-a", "a-", "A", "a_b", "a.b", "a/b", "a b", "é", "a" * 64, "a\n", "\na", "a\x00", "..", "%61", "\u0661"],
)
def test_anything_else_is_no_slug(slug: str) -> None:
    assert not accepted(slug=slug)


def test_a_hash_is_64_lower_case_hex_digits() -> None:
    assert accepted(sha256="0123456789abcdef" * 4)
    for wrong in ("", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n", "sha256:" + "0" * 57):
        assert not accepted(sha256=wrong)
