"""The resolver of a function: routes in, one problem body for every error out, one log line a request.

This is one of the two edges where an unforeseen exception is caught (the other is `packhouse.task`).
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as RouteNotFoundError
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel
from pynamodb.exceptions import PynamoDBException

from packhouse.errors import NotFoundError, PackhouseError, RequestFaultsError, ServiceUnavailableError

JSON = "application/json"
PROBLEM = "application/problem+json"
_PROBLEM_TYPES = "https://packhouse.dev/errors#"

logger = Logger(service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "packhouse"))
metrics = Metrics(namespace="Packhouse", service=logger.service)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def create_app() -> APIGatewayRestResolver:
    """Return a resolver that answers every error as `application/problem+json`."""
    app = APIGatewayRestResolver()

    @app.exception_handler(PackhouseError)
    def _told(error: PackhouseError) -> Response[str]:
        return _problem(app, error)

    @app.exception_handler(RouteNotFoundError)
    def _no_route(_: RouteNotFoundError) -> Response[str]:
        event = app.current_event
        return _problem(app, NotFoundError("ROUTE_NOT_FOUND", f"There is no {event.http_method} {event.path}."))

    @app.exception_handler(Exception)
    def _unforeseen(error: Exception) -> Response[str]:
        if isinstance(error, PynamoDBException | BotoCoreError | ClientError) and is_transient(error):
            return _problem(app, ServiceUnavailableError("SERVICE_UNAVAILABLE", "A service below is busy; retry with backoff."))
        logger.exception("unhandled error")
        metrics.add_metric(name="UnhandledError", unit=MetricUnit.Count, value=1)
        return _problem(app, PackhouseError("INTERNAL_ERROR", "Something went wrong on our side; name the request id to us."))

    return app


def handler_of(app: APIGatewayRestResolver) -> Handler:
    """Return the Lambda handler of a resolver."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        answer = app.resolve(event, context)
        logger.info(
            "request",
            request_id=event["requestContext"]["requestId"],
            method=event["httpMethod"],
            route=event.get("resource"),
            status=answer["statusCode"],
            ms=round((time.perf_counter() - started) * 1000, 1),
        )
        if metrics.metric_set:
            metrics.flush_metrics()
        return answer

    return handler


def answer(status: int, body: BaseModel | dict[str, Any], headers: dict[str, str] | None = None) -> Response[str]:
    """Return a JSON answer."""
    text = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body, ensure_ascii=False)
    return Response(status_code=status, content_type=JSON, body=text, headers=dict(headers or {}))


def spliced(bodies: list[str], next_cursor: str | None) -> Response[str]:
    """Return a page of items that are stored as the JSON they are answered in; none of it is parsed on the way."""
    text = f'{{"items":[{",".join(bodies)}],"next_cursor":{json.dumps(next_cursor)}}}'
    return Response(status_code=200, content_type=JSON, body=text, headers={})


def accepted(body: dict[str, Any], job_id: str) -> Response[str]:
    """Return 202 with the place to poll: work that outlasts the request."""
    return answer(202, body, {"Location": f"/api/v1/jobs/{job_id}", "Retry-After": "2"})


_TRANSIENT = {
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
    "SlowDown",
    "InternalError",
    "TransactionInProgressException",
}


def is_transient(error: PynamoDBException | BotoCoreError | ClientError) -> bool:
    """Whether a failed call to AWS may succeed when it is made again: throttled, a 5xx, or no answer at all."""
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return code in _TRANSIENT or status >= 500  # noqa: PLR2004  the 5xx class
    if isinstance(error, PynamoDBException):
        cause = error.cause
        return is_transient(cause) if isinstance(cause, ClientError | BotoCoreError) else False
    return True


def _problem(app: APIGatewayRestResolver, error: PackhouseError) -> Response[str]:
    body: dict[str, Any] = {
        "type": _PROBLEM_TYPES + error.code.lower(),
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": app.current_event.request_context.request_id,
    }
    if isinstance(error, RequestFaultsError):
        body["errors"] = [{"loc": fault.loc, "reason": fault.reason} for fault in error.faults]
    body.update(error.fields)
    return Response(
        status_code=error.status, content_type=PROBLEM, body=json.dumps(body, ensure_ascii=False), headers={}
    )
