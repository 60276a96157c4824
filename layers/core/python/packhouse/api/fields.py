"""Field types of request models: the forms that names, slugs, ids and notes take everywhere."""

import json
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from packhouse.api.app import as_json

SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"


def _plain(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t" for character in value):
        raise ValueError("control characters are not allowed")
    return unicodedata.normalize("NFC", value)


def _one_line(value: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in value):
        raise ValueError("control characters and line breaks are not allowed")
    if value != value.strip():
        raise ValueError("white space at the ends is not allowed")
    return unicodedata.normalize("NFC", value)


def _path_safe(value: str) -> str:
    if any(character in "/\\?#%" for character in value) or value in {".", ".."}:
        raise ValueError("is part of URLs: / \\ ? # % are not allowed")
    return value


def _bounded(value: str) -> str:
    if len(json.dumps(value, ensure_ascii=False).encode()) - len('""') > MEMBER_BYTES:
        raise ValueError(f"may have {MEMBER_BYTES} bytes as JSON")
    return value


def _at_most(length: int) -> AfterValidator:
    """Bound a text that a normal form has made longer than it came."""

    def check(value: str) -> str:
        if len(value) > length:
            raise ValueError(f"may have {length} characters, in Unicode's normal form C")
        return value

    return AfterValidator(check)


def json_at_most(kilobytes: int) -> AfterValidator:
    """Bound what a JSON value comes to when it is written down."""

    def check(value: object) -> object:
        if len(as_json(value).encode()) > kilobytes * 1024:
            raise ValueError(f"may have {kilobytes} KB")
        return value

    return AfterValidator(check)


MEMBER_BYTES = 256

Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line), _at_most(200)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_one_line), _at_most(64)]
PathName = Annotated[Name, AfterValidator(_path_safe)]
MemberId = Annotated[str, StringConstraints(min_length=1), AfterValidator(_one_line), AfterValidator(_bounded)]
Summary = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_plain), _at_most(2000)]
Prose = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_plain), _at_most(4000)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
