"""Request bodies at the door: what passes here is one well-formed JSON document of bounded size and depth.

The resolver alone lets deep nesting, 5,000-digit integers and bytes that are not UTF-8 through as uncaught errors, and
takes the last of two equal keys; here each is a stated refusal before any handler runs.
"""

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from packhouse.errors import Fault, InvalidInputError, RequestFaultsError, TooLargeError, UnsupportedMediaError

BODY_BYTES = 5 * 1024 * 1024
DEPTH = 64
_DIGITS = 400
_JSON_TYPE = re.compile(r"application/(?:[a-z.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)

_Body = TypeVar("_Body", bound="RequestBody")


class RequestBody(BaseModel):
    """The base of every request model: strict types, unknown fields refused, numbers finite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @classmethod
    def screen(cls, document: Any) -> None:
        """Raise where a request has a refusal with a code of its own; called before the fields are looked at."""


class NoBody(RequestBody):
    """The body of a request that takes none: absent or `{}`."""


def never_null(*fields: str) -> Any:
    """Return a validator for the fields of a change that may be left out and not emptied."""

    def given(value: object) -> object:
        if value is None:
            raise ValueError("cannot be null")
        return value

    return field_validator(*fields)(given)


def read_body(event: APIGatewayProxyEvent, model: type[_Body]) -> _Body:
    """Return the request's body as the model, or raise one error that lists every fault by JSON pointer."""
    text, document = checked(event)
    model.screen(document)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise RequestFaultsError(
            [Fault(pointer(fault["loc"]), reason_of(fault)) for fault in error.errors()]
        ) from error


def reason_of(fault: Mapping[str, Any]) -> str:
    """Return what pydantic says is wrong, without its name for what our own validators raise."""
    return str(fault["msg"]).removeprefix("Value error, ")


def body_digest(event: APIGatewayProxyEvent) -> str:
    """Return what tells the request's body from others: equal documents have equal digests, however they are spelt."""
    _, document = checked(event)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def checked(event: APIGatewayProxyEvent) -> tuple[str, Any]:
    """Return the body's text and document once it is JSON of the accepted form; an absent body is `{}`."""
    raw = _raw(event)
    if not raw.strip():
        return "{}", {}
    if not _JSON_TYPE.fullmatch(event.headers.get("content-type", "")):
        raise UnsupportedMediaError("UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start} is not UTF-8") from error
    return text, parse_json(text)


def parse_json(text: str) -> Any:
    """Parse one JSON document; refuse equal keys, numbers that are not finite, lone surrogates and depth over 64."""
    try:
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except RecursionError as error:
        raise _not_json(f"nested deeper than {DEPTH}") from error
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    _check_depth_and_text(document)
    return document


def pointer(loc: tuple[int | str, ...]) -> str:
    """Return a JSON pointer (RFC 6901) for a location.

    >>> pointer(("rows", 0, "a/b"))
    '/rows/0/a~1b'
    """
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in loc)


def _raw(event: APIGatewayProxyEvent) -> bytes:
    body = event.raw_event.get("body") or ""
    if len(body) > BODY_BYTES * 2:
        raise _too_large()
    if event.raw_event.get("isBase64Encoded"):
        try:
            raw = base64.b64decode(body, validate=True)
        except ValueError as error:  # also what b64decode raises for text that is not ASCII
            raise _not_json("the body is not base64 as announced") from error
    else:
        raw = body.encode("utf-8", "surrogatepass")
    if len(raw) > BODY_BYTES:
        raise _too_large()
    return raw


def _too_large() -> TooLargeError:
    return TooLargeError("BODY_TOO_LARGE", "A body may have 5 MB; send bulk bytes through a presigned upload.")


def _not_json(reason: str) -> InvalidInputError:
    return InvalidInputError("INVALID_JSON", f"The body is not acceptable JSON: {reason}.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _not_json(f"the key {twice!r} is given twice")
    return found


def _no_constant(name: str) -> Any:
    raise _not_json(f"{name} is no JSON number")


def _bounded_int(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise _not_json(f"an integer of {len(digits)} digits")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _not_json(f"{digits[:20]} is not finite")
    return number


def _check_depth_and_text(document: Any) -> None:
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str):
            _check_text(value)
            continue
        if not isinstance(value, dict | list):
            continue
        if depth > DEPTH:
            raise _not_json(f"nested deeper than {DEPTH}")
        inner = value.values() if isinstance(value, dict) else value
        waiting.extend((part, depth + 1) for part in inner)
        if isinstance(value, dict):
            for key in value:
                _check_text(key)


def _check_text(value: str) -> None:
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise _not_json("a lone surrogate stands in a string")
