"""DynamoDB as moto plays it, with what moto leaves out: the memory of transactions' client tokens.

A transaction that comes again under the token of one that took effect is answered as that one was and changes nothing;
with other items it is refused. DynamoDB remembers a token for ten minutes, longer than any request here lasts.
"""

import copy
import json
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.models import dynamodb_backends

from tests.bench.wire import canned
from tests.unit.conftest import ENVIRONMENT

_TRANSACTION = "dynamodb.TransactWriteItems"


class Tables:
    """All tables. `remember` and `recall` take their items back to an earlier state."""

    def __init__(self) -> None:
        self._tokens: dict[str, Any] = {}

    def __call__(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        if operation != _TRANSACTION:
            return played(operation, request)
        body: Any = request.body
        asked = json.loads(body)
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

    def remember(self) -> dict[str, Any]:
        """Return the items of every table as they are now."""
        return {name: copy.deepcopy(table.items) for name, table in self._all().items()}

    def recall(self, items: dict[str, Any]) -> None:
        """Make the items what they were; transactions since then are forgotten with their tokens."""
        self._tokens.clear()
        for name, table in self._all().items():
            table.items = copy.deepcopy(items[name])

    def _all(self) -> dict[str, Any]:
        backend: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][ENVIRONMENT["AWS_DEFAULT_REGION"]]
        tables: dict[str, Any] = backend.tables
        return tables


def played(operation: str, request: AWSPreparedRequest) -> AWSResponse:
    """Return what moto answers."""
    answer = botocore_stubber(f"before-send.{operation}", request)
    if answer is None:
        raise LookupError(f"moto does not answer {operation} {request.url}")
    return answer
