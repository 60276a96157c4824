"""Pages: opaque cursors under `/api/v1`, page numbers under `/namespaces`.

A cursor says where the next page begins. It is authenticated (HMAC-SHA-256, 128 bits) and bound to the list it came
from, its filters and the project, so it cannot be made up, changed, or carried over to another list.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import orjson
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from packhouse.api.bodies import reason_of
from packhouse.errors import Fault, InvalidInputError, RequestFaultsError

LIMIT, LONGEST = 50, 200
_TAG_BYTES = 16

Place = dict[str, Any]
"""Where a page begins, as JSON; what it means is the list's business."""

_Item = TypeVar("_Item")


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

    def turn(
        self,
        wanted: "Section",
        bound: tuple[str, ...],
        read: Callable[[dict[str, str], Place | None], tuple[list[_Item], Place | None]],
    ) -> tuple[list[_Item], str | None]:
        """Return the page that is wanted of a list, and the cursor of the next one; bound to the filters as well.

        `read` is given the filters and the place behind which the page begins.
        """
        filters = wanted.filters()
        bound += tuple(f"{name}={value}" for name, value in sorted(filters.items()))
        items, rest = read(filters, self.open(wanted.cursor, *bound))
        return items, self.seal(rest, *bound)

    def _tag(self, body: bytes, bound: tuple[str, ...]) -> bytes:
        message = json.dumps(bound).encode() + body  # both are JSON, so neither can run into the other
        return hmac.digest(self.secret.encode(), message, hashlib.sha256)[:_TAG_BYTES]


def _invalid() -> InvalidInputError:
    return InvalidInputError("INVALID_CURSOR", "The cursor is not one of this list with these filters.")


def _digits(value: object) -> object:
    """Take a number as digits alone: no sign, no blank, no decimal point."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < _DIGITS):
            raise ValueError("must be a whole number")
        return int(value)
    return value


Whole = Annotated[int, BeforeValidator(_digits)]
_DIGITS = 10


class RequestQuery(BaseModel):
    """The base of every query: parameters that are not named are refused, so that no misspelt filter is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def filters(self) -> dict[str, str]:
        """Return the parameters that were given, by the names that callers give them, `limit` and `cursor` apart."""
        given = self.model_dump(mode="json", by_alias=True, exclude={"limit", "cursor"}, exclude_none=True)
        return {name: str(value) for name, value in given.items()}


class NoQuery(RequestQuery):
    """The query of an endpoint that has none."""


class Page(RequestQuery):
    """Which page of a list, counted from 1."""

    page: Whole = Field(default=1, ge=1, le=10_000)
    pageSize: Whole = Field(default=LIMIT, ge=1, le=LONGEST)  # noqa: N815  contract C speaks camelCase

    @property
    def end(self) -> int:
        """How many things come before the next page."""
        return self.page * self.pageSize

    @property
    def start(self) -> int:
        """How many things come before the page."""
        return self.end - self.pageSize

    def of(self, name: str, items: list[str], total: int) -> str:
        """Return the page as contract C shows lists; `items` are the first `end` ones, or all, each as its JSON."""
        return self.shown(name, items[self.start : self.end], total)

    def shown(self, name: str, items: list[str], total: int) -> str:
        """Return the page of which these are the items."""
        shown = ",".join(items)
        pages = -(-total // self.pageSize)
        return (
            f'{{"{name}":[{shown}],"page":{self.page},"pageSize":{self.pageSize},"total":{total},"totalPages":{pages}}}'
        )


class Section(RequestQuery):
    """How much of a list, and from which cursor on."""

    limit: Whole = Field(default=LIMIT, ge=1, le=LONGEST)
    cursor: str | None = None


_Query = TypeVar("_Query", bound=RequestQuery)


def read_query(event: APIGatewayProxyEvent, model: type[_Query]) -> _Query:
    """Return the request's query as the model, or raise one error that lists every fault by parameter."""
    given = event.raw_event.get("multiValueQueryStringParameters") or {}
    faults = [Fault(f"query {name}", "is given more than once") for name, values in given.items() if len(values) > 1]
    try:
        found = model.model_validate({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        faults += [Fault(f"query {fault['loc'][0]}", reason_of(fault)) for fault in error.errors()]
    if faults:
        raise RequestFaultsError(faults)
    return found
