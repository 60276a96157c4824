"""Batches answered in part: half of what was asked is done, the other half comes back unprocessed."""

import copy
import json
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.wire import canned
from tests.faults.tables import Tables

Json = dict[str, Any]


def answer_half(tables: Tables, operation: str, request: AWSPreparedRequest) -> AWSResponse:
    """Read or write the first half (of one: nothing) and return the rest as unprocessed."""
    body: Any = request.body
    asked: Json = json.loads(body)
    named = "UnprocessedKeys" if operation.endswith("BatchGetItem") else "UnprocessedItems"
    first, rest = _halves(asked["RequestItems"])
    answered: Json = {"Responses": {}} if operation.endswith("BatchGetItem") else {}
    if first:
        sent = copy.copy(request)
        sent.body = json.dumps(asked | {"RequestItems": first}).encode()
        done = tables(operation, sent)
        if done.status_code != 200:
            return done
        answered = json.loads(done.content)
    return canned(request.url, 200, answered | {named: rest})


def _halves(asked: Json) -> tuple[Json, Json]:
    """Split keys (`{"Keys": [...], ...}` a table) or writes (a list a table) in the middle, over all tables."""
    flat = [(table, one) for table, said in asked.items() for one in _entries(said)]
    middle = len(flat) // 2
    return _gathered(asked, flat[:middle]), _gathered(asked, flat[middle:])


def _entries(said: Any) -> list[Json]:
    found: list[Json] = said["Keys"] if isinstance(said, dict) else said
    return found


def _gathered(asked: Json, entries: list[tuple[str, Json]]) -> Json:
    found: dict[str, list[Json]] = {}
    for table, one in entries:
        found.setdefault(table, []).append(one)
    return {
        table: asked[table] | {"Keys": ones} if isinstance(asked[table], dict) else ones
        for table, ones in found.items()
    }
