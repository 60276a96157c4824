"""DynamoDB as moto plays it, with what moto leaves out: the memory of transactions' client tokens.

A transaction that comes again under the token of one that took effect is answered as that one was and changes nothing;
with other items it is refused. DynamoDB remembers a token for ten minutes, longer than any request here lasts.
Reads of whole items by their keys are answered here, at a tenth of what moto takes for them.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from tests.bench.wire import canned
from tests.unit.conftest import ENVIRONMENT

Json = dict[str, Any]
_TRANSACTION = "dynamodb.TransactWriteItems"
_WHOLE = {"ConsistentRead", "Key", "Keys", "ReturnConsumedCapacity", "TableName"}
"""What a read of whole items asks; any more words of it are moto's."""


class Tables:
    """All tables. `remember` and `recall` take their items back to an earlier state."""

    def __init__(self) -> None:
        self._tokens: dict[str, Any] = {}

    def __call__(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        body: Any = request.body
        asked = json.loads(body)
        if operation != _TRANSACTION:
            found = self._find(operation, asked)
            return played(operation, request) if found is None else canned(request.url, 200, found)
        token, items = asked.get("ClientRequestToken"), asked["TransactItems"]
        if token in self._tokens:
            if self._tokens[token] == items:
                return canned(request.url, 200, {})
            told = "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException"
            return canned(request.url, 400, {"__type": told, "Message": "The token was another transaction's."})
        answer = played(operation, request)
        if token and answer.status_code == 200:
            self._tokens[token] = items
        return answer

    def _find(self, operation: str, asked: Json) -> Json | None:
        """Return the answer to a read of whole items by their keys, or `None`: it is no such read."""
        if operation == "dynamodb.GetItem" and asked.keys() <= _WHOLE:
            items = self._items(asked["TableName"], [asked["Key"]])
            return {"Item": items[0]} if items else {}
        if operation != "dynamodb.BatchGetItem":
            return None
        wanted: dict[str, Json] = asked["RequestItems"]
        if not all(keys.keys() <= _WHOLE for keys in wanted.values()):
            return None
        found = {name: self._items(name, keys["Keys"]) for name, keys in wanted.items()}
        return {"Responses": found, "UnprocessedKeys": {}}

    def _items(self, table: str, keys: list[Json]) -> list[Json]:
        backend: Any = self._backend()
        found = (backend.get_item(table, key) for key in keys)
        return [item.to_json()["Attributes"] for item in found if item is not None]

    def peek(self, table: str, prefix: str = "") -> Iterator[Json]:
        """Yield the items whose partition begins so, as DynamoDB holds them; no call is made for it."""
        for partition, items in list(self._all()[table].items.items()):
            if partition.value.startswith(prefix):
                for item in list(items.values()) if isinstance(items, dict) else [items]:
                    yield item.to_json()["Attributes"]

    def remember(self) -> dict[str, Any]:
        """Return the items of every table as they are now."""
        return {name: _copied(table.items) for name, table in self._all().items()}

    def recall(self, items: dict[str, Any]) -> None:
        """Make the items what they were; transactions since then are forgotten with their tokens."""
        self._tokens.clear()
        for name, table in self._all().items():
            table.items = _copied(items[name])

    def _all(self) -> dict[str, Any]:
        tables: dict[str, Any] = self._backend().tables
        return tables

    def _backend(self) -> Any:
        return dynamodb_backends[DEFAULT_ACCOUNT_ID][ENVIRONMENT["AWS_DEFAULT_REGION"]]


@contextmanager
def copied_quickly() -> Iterator[None]:
    """Let moto, which copies a whole table for every item of a transaction, copy no more than it may change."""

    def copied(table: Any, _: object) -> Any:
        twin = _alike(table)
        twin.items = _copied(table.items)
        return twin

    with mock.patch.object(Table, "__deepcopy__", copied, create=True):
        yield


@contextmanager
def answered_quickly() -> Iterator[None]:
    """Let moto, which walks every attribute of an answer by its shape, take it as it is: ours have no others inside."""
    walk: Any = BaseJSONSerializer._serialize_type_structure

    def written(serializer: Any, serialized: Json, value: Any, shape: Any, key: str) -> None:
        if shape.name == "AttributeValue" and key:
            serializer._default_serialize(serialized, dict(value), shape, key)
        else:
            walk(serializer, serialized, value, shape, key)

    with mock.patch.object(BaseJSONSerializer, "_serialize_type_structure", written):
        yield


def _copied(items: Any) -> Any:
    """Return partitions with items of their own. Their attributes, strings and numbers, are replaced, never changed."""
    twin: Any = defaultdict(dict)
    for partition, held in items.items():
        twin[partition] = _twin(held) if isinstance(held, Item) else {key: _twin(item) for key, item in held.items()}
    return twin


def _twin(item: Any) -> Any:
    twin = _alike(item)
    twin.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    dict.update(twin.attrs, item.attrs)
    return twin


def _alike(one: Any) -> Any:
    """Return a copy that moto does not know of: it holds on to all that it has made, as long as the process lasts."""
    twin = object.__new__(type(one))
    vars(twin).update(vars(one))
    return twin


def played(operation: str, request: AWSPreparedRequest) -> AWSResponse:
    """Return what moto answers."""
    answer = botocore_stubber(f"before-send.{operation}", request)
    if answer is None:
        raise LookupError(f"moto does not answer {operation} {request.url}")
    return answer
