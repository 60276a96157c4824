"""DynamoDB for the stores: one client a process, and one way to write several items together.

A store describes its table as one pynamodb model (keys, the attributes that conditions and indexes look at, and one
JSON `body`) and binds it to the table's name. Writes go through `Transaction`: each carries its condition and the error
to raise when that condition fails, so a 404 or a 409 comes out of the write itself, never out of a look before it. One
item alone may be changed by `update_alone`, which is told the item's new state.
"""

import functools
import json
import operator
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import botocore
import botocore.session
import orjson
from botocore.config import Config
from pynamodb.connection import Connection
from pynamodb.connection.base import MetaTable
from pynamodb.constants import ATTR_DEFINITIONS, GLOBAL_SECONDARY_INDEXES
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator
from pynamodb.transactions import TransactWrite

from packhouse.errors import ConflictError, PackhouseError, PreconditionFailedError, ServiceUnavailableError

Refusal = PackhouseError | Callable[[dict[str, Any]], PackhouseError | None]
"""What a failed condition means: an error, or a look at the item found there (`None`: it is our own earlier write)."""

CONNECT_SECONDS, ANSWER_SECONDS, ATTEMPTS = 1, 4, 3
"""How long and how often a service is asked: all of it, backoffs included, ends before a function of the API does."""

CONFLICT_TRIES = 5
_OK = 200
_SLEEP_CAP = 0.8


@functools.cache
def session() -> botocore.session.Session:
    """Return the one botocore session of the process: a second one costs 50 ms more for each client."""
    made = botocore.session.get_session()
    retries: Any = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    patience = Config(connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, retries=retries)
    # Its own user agent it puts together anew for every call, which is a tenth of a read.
    made.set_default_client_config(patience.merge(Config(user_agent=f"packhouse Botocore/{botocore.__version__}")))
    for operation in ("BatchGetItem", "GetItem", "Query"):
        made.register(f"before-parse.dynamodb.{operation}", _decode)  # type: ignore[arg-type]  # its stub names no hook
    return made


def _decode(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Take the items of a reply as they came: botocore walks every attribute by its shape, at ten times the cost.

    Our attributes are strings and numbers, whose form in the reply is the one that botocore comes to.
    """
    if response_dict["status_code"] == _OK:
        customized_response_dict.update(orjson.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


class _SharedConnection(Connection):
    """A pynamodb connection on the process's session."""

    @property
    def session(self) -> botocore.session.Session:
        return session()


@functools.cache
def connection() -> Connection:
    """Return the one DynamoDB connection that all stores share."""
    return _SharedConnection(
        region=session().get_config_variable("region"),
        connect_timeout_seconds=CONNECT_SECONDS,
        read_timeout_seconds=ANSWER_SECONDS,
        max_retry_attempts=ATTEMPTS - 1,
    )


def update_alone(item: Model, actions: Sequence[Action], condition: Condition) -> None:
    """Change one item outside a transaction and take its new state over.

    A transaction that touches the item at the same moment goes first; the change is repeated as a transaction is.
    """
    for attempt in range(CONFLICT_TRIES):
        try:
            item.update(list(actions), condition)
        except PynamoDBException as error:
            if attempt + 1 == CONFLICT_TRIES or _code(error) != "TransactionConflictException":
                raise
            pause(attempt)
        else:
            return


def is_refused(error: PynamoDBException) -> bool:
    """Whether a single write was refused for its condition."""
    return _code(error) == "ConditionalCheckFailedException"


def _code(error: PynamoDBException) -> str | None:
    """Return the code of a reply; `None` where none came, at which pynamodb's own look fails."""
    reply = getattr(error.cause, "response", None) or {}
    code: str | None = reply.get("Error", {}).get("Code")
    return code


def bind(model: type[Model], table_name: str) -> None:
    """Point the model at its table, through the shared connection; several models may lie in one table."""
    model.Meta.table_name = table_name
    table = model._get_connection()  # pynamodb offers no public way to share a client between models
    if table.connection is not connection():
        ours = table.get_meta_table().data
        table.connection = connection()
        known = connection()._tables.setdefault(table_name, MetaTable(ours)).data
        for part in (GLOBAL_SECONDARY_INDEXES, ATTR_DEFINITIONS):  # of whichever model was bound first
            told = known.setdefault(part, [])
            told += [each for each in ours.get(part, []) if each not in told]


Key = tuple[type[Model], str, str]
"""An item to be read together with others: its model, pk and sk."""

Found = Mapping[tuple[str, str], Model]
"""The items of such a read that exist, by (pk, sk)."""

BATCH_KEYS = 100


def read_together(keys: Sequence[Key]) -> dict[tuple[str, str], Model]:
    """Return the items that exist of any tables, by (pk, sk), read consistently; one call for every 100 keys.

    Keys that come back unprocessed are asked for again with full jitter; `ServiceUnavailableError` when some stay.
    """
    models = {(model.Meta.table_name, pk, sk): model for model, pk, sk in keys}
    found: dict[tuple[str, str], Model] = {}
    distinct = list(models)
    for at in range(0, len(distinct), BATCH_KEYS):
        for table, item in _read_batch(distinct[at : at + BATCH_KEYS]):
            pk, sk = item["pk"]["S"], item["sk"]["S"]
            found[pk, sk] = models[table, pk, sk].from_raw_data(item)
    return found


def _read_batch(keys: list[tuple[str, str, str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    asked: dict[str, Any] = {}
    for table, pk, sk in keys:
        asked.setdefault(table, {"ConsistentRead": True, "Keys": []})["Keys"].append({"pk": {"S": pk}, "sk": {"S": sk}})
    for attempt in range(CONFLICT_TRIES):
        answer = connection().dispatch("BatchGetItem", {"RequestItems": asked})
        for table, items in answer["Responses"].items():
            yield from ((table, item) for item in items)
        asked = answer.get("UnprocessedKeys") or {}
        if not asked:
            return
        pause(attempt)
    raise ServiceUnavailableError("SERVICE_UNAVAILABLE", "The table could not answer in full; repeat the request.")


def raw(rows: ResultIterator[Any]) -> Iterator[dict[str, Any]]:
    """Return a query's items as they came (`{"name": {"S": …}}`), no models made of them: for what is only shown."""
    rows._map_fn = None
    return rows


Place = dict[str, Any]
"""Where in a query's order the next page begins: the keys of the item before it."""


def filtered(model: type[Model], filters: Mapping[str, str]) -> Condition | None:
    """Return the condition that attributes have these values; `None` without any."""
    conditions = [getattr(model, name) == value for name, value in filters.items()]
    return functools.reduce(operator.and_, conditions) if conditions else None


LOOKED_AT = 5_000


def section(
    rows: ResultIterator[Any], limit: int, looked_at: int = LOOKED_AT
) -> tuple[list[dict[str, Any]], Place | None]:
    """Return the next `limit` items of a query as they came, and where the rest begins; `None` behind the last one.

    The query asks for one item more, which tells that there is a rest. One with a filter is given no limit: it reads
    on, a megabyte a call, until so many have passed. A page may be short, or empty, where it has looked at `looked_at`
    items or more; the next one goes on from there.
    """
    pages = rows.page_iter
    items: list[dict[str, Any]] = []
    for page in pages:
        items += page["Items"]
        if len(items) > limit or pages.total_scanned_count >= looked_at:
            break
    if len(items) > limit:
        return items[:limit], {name: items[limit - 1][name] for name in pages.key_names}
    return items, pages.last_evaluated_key


def pause(attempt: int) -> None:
    """Wait before something is tried again: longer each time, and with full jitter."""
    time.sleep(random.uniform(0, min(_SLEEP_CAP, 0.05 * 2**attempt)))  # noqa: S311  jitter, no secret


class StaleError(ConflictError):
    """It was changed by someone else between reading and writing it: read again and decide again."""


_Result = TypeVar("_Result")
_STALE_TRIES = 4


def while_stale(attempt: Callable[[], _Result], tries: int = _STALE_TRIES) -> _Result:
    """Decide again, on what is there now, when it changed under the decision."""
    for tried in range(tries - 1):
        try:
            return attempt()
        except StaleError:
            pause(tried)
    return attempt()


def demand_state(etag: str, states: tuple[str, ...] | None) -> None:
    """Raise `PreconditionFailedError` unless the thing is in one of the states that the caller takes it to be in."""
    if states is not None and etag not in states:
        raise PreconditionFailedError("PRECONDITION_FAILED", "It has changed; read it again and decide anew.")


class Transaction:
    """Writes that take effect together or not at all: at most 100 items, each named once.

    `commit` raises the refusal of the first condition that failed, in the order checks, deletes, puts, updates.
    A `TransactionConflict` (another transaction touched an item at the same moment) is normal and repeated up to five
    times with full jitter under the same client token, so a repeat after a lost answer does not write twice.
    """

    def __init__(self, token: str | None = None) -> None:
        self._write = TransactWrite(connection=connection(), client_request_token=token or uuid.uuid4().hex)
        self._refusals: dict[str, list[Refusal]] = {"check": [], "delete": [], "put": [], "update": []}

    def check(self, model: type[Model], pk: str, sk: str, condition: Condition, refused: Refusal) -> None:
        """Require something of an item without writing it."""
        self._refusals["check"].append(refused)
        self._write.condition_check(model, pk, sk, condition=condition)

    def put(self, item: Model, condition: Condition | None = None, refused: Refusal | None = None) -> None:
        """Write a whole item; without a condition it replaces what is there."""
        self._refusals["put"].append(refused or _unforeseen)
        self._write.save(item, condition=condition, return_values="ALL_OLD")

    def update(
        self,
        item: Model,
        actions: Sequence[Action],
        condition: Condition | None = None,
        refused: Refusal | None = None,
    ) -> None:
        """Change attributes of an item, which needs only its keys; without a condition it is made where it is not."""
        self._refusals["update"].append(refused or _unforeseen)
        self._write.update(item, list(actions), condition=condition, return_values="ALL_OLD")

    def delete(self, item: Model, condition: Condition, refused: Refusal) -> None:
        """Remove an item."""
        self._refusals["delete"].append(refused)
        self._write.delete(item, condition=condition)

    def commit(self, tries: int = CONFLICT_TRIES) -> None:
        """Send it; raise the refusal that applies, or `ServiceUnavailableError` when the table cannot be reached.

        One that needs many busy items at the same moment is given more `tries`.
        """
        for attempt in range(tries):
            try:
                self._write._commit()
            except TransactWriteError as error:
                if not _is_conflict(error):
                    self._refuse(error)
                    return
                if attempt + 1 < tries:
                    pause(attempt)
            else:
                return
        raise ServiceUnavailableError("SERVICE_UNAVAILABLE", "Other writes to the same items went first; repeat.")

    def _refuse(self, error: TransactWriteError) -> None:
        refusals = [refusal for kind in ("check", "delete", "put", "update") for refusal in self._refusals[kind]]
        reasons = error.cancellation_reasons
        if not any(reason and reason.code == "ConditionalCheckFailed" for reason in reasons):
            raise error
        for refusal, reason in zip(refusals, reasons, strict=True):
            if reason is None or reason.code != "ConditionalCheckFailed":
                continue  # a conflict beside it says nothing of that item's condition
            refused = refusal if isinstance(refusal, PackhouseError) else refusal(reason.raw_item or {})
            if refused is not None:
                raise refused from error


def _unforeseen(item: dict[str, Any]) -> PackhouseError:
    return PackhouseError("INTERNAL_ERROR", f"A write without a condition was refused: {sorted(item)}.")


def _is_conflict(error: TransactWriteError) -> bool:
    codes = {reason.code for reason in error.cancellation_reasons if reason}
    return "TransactionConflict" in codes and "ConditionalCheckFailed" not in codes


def as_json(value: object) -> str:
    """Return compact JSON for an attribute; integers of any size."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text(raw_item: dict[str, Any], attribute: str) -> str | None:
    """Return a string attribute of an item as DynamoDB sent it, or `None`."""
    found: str | None = raw_item.get(attribute, {}).get("S")
    return found
