"""Pages: opaque cursors under `/api/v1`, page numbers under `/namespaces`.

A cursor says where the next page begins. It is authenticated (HMAC-SHA-256, 128 bits) and bound to the list it came
from, its filters and the project, so it cannot be made up, changed, or carried over to another list.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

import orjson
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from packhouse.errors import Fault, InvalidInputError, RequestFaultsError

LIMIT, LONGEST = 50, 200
_TAG_BYTES = 16


@dataclass(frozen=True)
class Cursors:
    """Makes and reads the cursors of a function's lists."""

    secret: str

    def seal(self, place: dict[str, Any] | None, *bound: str) -> str | None:
        """Return the cursor for a place, bound to the list it is of; `None` behind the last page."""
        if place is None:
            return None
        body = orjson.dumps(place)
        return base64.urlsafe_b64encode(self._tag(body, bound) + body).decode().rstrip("=")

    def open(self, cursor: str | None, *bound: str) -> dict[str, Any] | None:
        """Return the place of a cursor; anything that was not sealed for this list is `INVALID_CURSOR`."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise _invalid() from error
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body, bound)) or self.seal(orjson.loads(body), *bound) != cursor:
            raise _invalid()
        place: dict[str, Any] = orjson.loads(body)
        return place

    def _tag(self, body: bytes, bound: tuple[str, ...]) -> bytes:
        message = json.dumps(bound).encode() + body  # both are JSON, so neither can run into the other
        return hmac.digest(self.secret.encode(), message, hashlib.sha256)[:_TAG_BYTES]


def _invalid() -> InvalidInputError:
    return InvalidInputError("INVALID_CURSOR", "The cursor is not one of this list with these filters.")


def read_limit(event: APIGatewayProxyEvent) -> int:
    """Return the page's size, 1 to 200; 50 when not given."""
    return _whole(event, "limit", LIMIT, LONGEST)


def read_page(event: APIGatewayProxyEvent) -> tuple[int, int]:
    """Return `page` (from 1) and `pageSize` (1 to 200)."""
    return _whole(event, "page", 1, 10_000), _whole(event, "pageSize", LIMIT, LONGEST)


def page_of(name: str, items: list[Any], page: int, page_size: int) -> dict[str, Any]:
    """Return one page of a whole list, as contract C shows lists."""
    start = (page - 1) * page_size
    return {
        name: items[start : start + page_size],
        "page": page,
        "pageSize": page_size,
        "total": len(items),
        "totalPages": -(-len(items) // page_size),
    }


def _whole(event: APIGatewayProxyEvent, name: str, default: int, most: int) -> int:
    text = event.query_string_parameters.get(name) if event.query_string_parameters else None
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):  # noqa: PLR2004
        raise RequestFaultsError([Fault(f"query {name}", f"must be a whole number from 1 to {most}")])
    return int(text)
