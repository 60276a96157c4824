"""How each service tells that it will not serve a call now: the status and body as they come over the wire."""

import io
import json
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.wire import canned
from tests.faults.kinds import TRANSACTIONS, Kind

_DYNAMODB = {
    Kind.THROTTLE: (400, "ThrottlingException"),
    Kind.OVER_CAPACITY: (400, "ProvisionedThroughputExceededException"),
    Kind.ERROR: (500, "InternalServerError"),
}
_STEP_FUNCTIONS = {Kind.THROTTLE: (400, "ThrottlingException"), Kind.ERROR: (500, "InternalFailure")}
_S3 = {Kind.THROTTLE: (503, "SlowDown"), Kind.ERROR: (500, "InternalError")}
_REASONS = {Kind.CONFLICT: "TransactionConflict", Kind.OVER_CAPACITY: "ProvisionedThroughputExceeded"}


class _Raw(io.BytesIO):
    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def find_refusal(kind: Kind, operation: str, request: AWSPreparedRequest) -> AWSResponse | None:
    """Return what a service answers in place of the effect; `None` for kinds that are no answer."""
    service = operation.partition(".")[0]
    if operation in TRANSACTIONS and kind in _REASONS:
        return _cancelled(_REASONS[kind], request)
    if service == "s3":
        return _told_by_s3(*_S3[kind], request) if kind in _S3 else None
    spoken = _DYNAMODB if service == "dynamodb" else _STEP_FUNCTIONS
    if kind not in spoken:
        return None
    status, code = spoken[kind]
    return canned(request.url, status, {"__type": f"com.amazonaws.{service}#{code}", "message": "Try again later."})


def _cancelled(reason: str, request: AWSPreparedRequest) -> AWSResponse:
    """One item of the transaction stands in the way; of the others nothing is said."""
    body: Any = request.body
    codes = [reason] + ["None"] * (len(json.loads(body)["TransactItems"]) - 1)
    told = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons for specific reasons {codes}",
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return canned(request.url, 400, told)


def _told_by_s3(status: int, code: str, request: AWSPreparedRequest) -> AWSResponse:
    told = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>Later.</Message></Error>'
    headers: Any = {"content-type": "application/xml"}
    return AWSResponse(request.url, status, headers, _Raw(b"" if request.method == "HEAD" else told.encode()))
