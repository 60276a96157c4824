"""Every error becomes one problem body; what nobody foresaw tells nothing but the request id."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from pynamodb.exceptions import GetError, QueryError, TransactWriteError, VerboseClientError

from packhouse import errors
from packhouse.api.app import accepted, answer, create_app, handler_of, spliced
from packhouse.errors import Fault, PackhouseError, RequestFaultsError

Json = dict[str, Any]


def called(
    raised: Exception | None = None, path: str = "/thing", method: str = "GET"
) -> tuple[int, str, Json, str]:
    """Return status, content type, body and text that a function answers whose one route raises."""
    app = create_app()

    @app.get("/thing")
    def thing() -> Response[str]:
        if raised is not None:
            raise raised
        return answer(200, {"é": 1})

    event = {
        "path": path,
        "httpMethod": method,
        "resource": path,
        "headers": {},
        "queryStringParameters": None,
        "requestContext": {"requestId": "request-17", "stage": "local", "path": path},
        "body": None,
    }
    said = handler_of(app)(event, None)
    return said["statusCode"], said["multiValueHeaders"]["Content-Type"][0], json.loads(said["body"]), said["body"]


KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PackhouseError)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_error_keeps_its_status_code_sentence_and_fields(kind: type[PackhouseError]) -> None:
    raised = (
        RequestFaultsError([Fault("/é", "wrong"), Fault("/b", "too")])
        if kind is RequestFaultsError
        else kind("DATASET_NOT_READY", "Not yet, é.", job_id="job_1")
    )
    status, content_type, body, text = called(raised)
    assert (status, content_type) == (kind.status, "application/problem+json")
    expected = {
        "type": f"https://packhouse.dev/errors#{raised.code.lower()}",
        "title": kind.title,
        "status": kind.status,
        "code": raised.code,
        "detail": raised.detail,
        "request_id": "request-17",
    }
    if kind is RequestFaultsError:
        expected["errors"] = [{"loc": "/é", "reason": "wrong"}, {"loc": "/b", "reason": "too"}]
    else:
        expected["job_id"] = "job_1"
    assert body == expected
    assert "\\u" not in text


def test_an_unknown_path_or_method_is_not_found() -> None:
    for path, method in (("/other", "GET"), ("/thing", "DELETE"), ("/thing/", "PUT"), ("/", "GET")):
        status, content_type, body, _ = called(path=path, method=method)
        assert (status, content_type, body["code"]) == (404, "application/problem+json", "ROUTE_NOT_FOUND")


@pytest.mark.parametrize(
    "raised",
    [
        ValueError("secret-4711"),
        KeyError("secret-4711"),
        RuntimeError("secret-4711", {"password": "secret-4711"}),
        ZeroDivisionError("secret-4711"),
        RecursionError("secret-4711"),
        MemoryError("secret-4711"),
        AssertionError("secret-4711"),
        UnicodeDecodeError("utf-8", b"secret-4711", 0, 1, "secret-4711"),
        ExceptionGroup("secret-4711", [ValueError("secret-4711")]),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_an_unforeseen_error_tells_nothing_but_the_request_id(raised: Exception) -> None:
    status, content_type, body, text = called(raised)
    assert (status, content_type) == (500, "application/problem+json")
    assert (body["code"], body["request_id"]) == ("INTERNAL_ERROR", "request-17")
    assert "secret-4711" not in text
    assert type(raised).__name__ not in text


def refusal(code: str, status: int, operation: str = "GetItem") -> ClientError:
    """An error as botocore raises it."""
    reply: Any = {"Error": {"Code": code, "Message": "secret-4711"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, operation)


def through_pynamodb(cause: ClientError | BotoCoreError) -> Exception:
    """The same error as pynamodb hands it on from a read: it drops the status, and chains botocore's own."""
    if isinstance(cause, BotoCoreError):
        return GetError("secret-4711", cause)
    verbose = VerboseClientError({"Error": cause.response["Error"]}, cause.operation_name, {"request_id": ""})
    verbose.__cause__ = cause
    return QueryError("secret-4711", verbose)


def cancelled(*codes: str) -> Exception:
    """A cancelled transaction, with the reason of each item."""
    cause = refusal("TransactionCanceledException", 400, "TransactWriteItems")
    cause.response["CancellationReasons"] = [{"Code": code, "Message": "secret-4711"} for code in codes]
    verbose = VerboseClientError({"Error": cause.response["Error"]}, cause.operation_name, {"request_id": ""})
    verbose.__cause__ = cause
    return TransactWriteError("secret-4711", verbose)


Wrap = Callable[[ClientError | BotoCoreError], Exception]
WRAPS: tuple[Wrap, ...] = (lambda cause: cause, through_pynamodb)
TRANSIENT: tuple[ClientError | BotoCoreError, ...] = (
    refusal("ThrottlingException", 400),
    refusal("ProvisionedThroughputExceededException", 400),
    refusal("RequestLimitExceeded", 400),
    refusal("TransactionInProgressException", 400),
    refusal("InternalServerError", 500),
    refusal("ServiceUnavailable", 503),
    refusal("SlowDown", 503),
    refusal("SomethingNew", 500),
    refusal("SomethingNew", 502),
    EndpointConnectionError(endpoint_url="https://secret-4711"),
    ConnectTimeoutError(endpoint_url="https://secret-4711"),
    ReadTimeoutError(endpoint_url="https://secret-4711"),
)
LASTING: tuple[ClientError | BotoCoreError, ...] = (
    refusal("ValidationException", 400),
    refusal("AccessDeniedException", 400),
    refusal("AccessDenied", 403),
    refusal("ResourceNotFoundException", 400),
    refusal("NoSuchBucket", 404),
    refusal("ItemCollectionSizeLimitExceededException", 400),
    refusal("ConditionalCheckFailedException", 400),
)


@pytest.mark.parametrize("wrap", WRAPS, ids=["botocore", "pynamodb"])
@pytest.mark.parametrize("cause", TRANSIENT, ids=str)
def test_a_transient_failure_below_is_503(cause: ClientError | BotoCoreError, wrap: Wrap) -> None:
    status, _, body, text = called(wrap(cause))
    assert (status, body["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert body.keys() == {"type", "title", "status", "code", "detail", "request_id"}
    assert "secret-4711" not in text


@pytest.mark.parametrize("wrap", WRAPS, ids=["botocore", "pynamodb"])
@pytest.mark.parametrize("cause", LASTING, ids=str)
def test_a_failure_that_will_last_is_500(cause: ClientError | BotoCoreError, wrap: Wrap) -> None:
    status, _, body, text = called(wrap(cause))
    assert (status, body["code"]) == (500, "INTERNAL_ERROR")
    assert "secret-4711" not in text


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        (("ThrottlingError",), 503),
        (("ProvisionedThroughputExceeded", "None"), 503),
        (("None", "TransactionConflict"), 503),
        (("ValidationError",), 500),
        (("None", "ItemCollectionSizeLimitExceeded"), 500),
        (("ThrottlingError", "ValidationError"), 500),
        (("None", "None"), 500),
    ],
)
def test_a_cancelled_transaction_is_judged_by_its_reasons(codes: tuple[str, ...], status: int) -> None:
    assert called(cancelled(*codes))[0] == status


def test_answers_carry_utf8_json() -> None:
    status, content_type, body, text = called()
    assert (status, content_type, body) == (200, "application/json", {"é": 1})
    assert "é" in text
    assert spliced(['{"a":1}', '{"b":2}'], 'c"').body == '{"items":[{"a":1},{"b":2}],"next_cursor":"c\\""}'
    assert spliced([], None).body == '{"items":[],"next_cursor":null}'
    started = accepted({"job_id": "job_1"}, "job_1")
    assert (started.status_code, started.headers["Location"]) == (202, "/api/v1/jobs/job_1")


@pytest.mark.parametrize("kind", KINDS)
def test_every_class_of_error_has_a_status_of_its_own_kind(kind: type[PackhouseError]) -> None:
    assert 400 <= kind.status <= 503
    assert kind.title
