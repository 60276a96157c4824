"""A table of the tests' own, on which transactions are tried out."""

from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from packhouse.aws.dynamo import bind

TABLE = "AccessTable"  # any table of the template has these keys


class Thing(Model):
    """An item with a state."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    state = UnicodeAttribute(null=True)


def bound() -> None:
    """Point the model at the table."""
    bind(Thing, TABLE)


def put(name: str, state: str) -> None:
    """Write a thing as somebody else would."""
    Thing(name, "META", state=state).save()


def states() -> dict[str, str | None]:
    """Return every thing's state."""
    return {thing.pk: thing.state for thing in Thing.scan()}


def cancellation(*reasons: str | tuple[str, dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Return the error and the reasons of a cancelled transaction, one reason an item; with the item found there."""
    told: list[dict[str, Any]] = []
    for reason in reasons:
        code, item = reason if isinstance(reason, tuple) else (reason, None)
        told.append({"Code": code, "Message": code} | ({"Item": item} if item else {}))
    return "TransactionCanceledException", told
