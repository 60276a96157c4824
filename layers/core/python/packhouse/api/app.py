"""The resolver of a function: routes in, one problem body for every error out, one log line a request.

This is one of the two edges where an unforeseen exception is caught (the other is `packhouse.task`).
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as RouteNotFoundError
from aws_lambda_powertools.metrics import MetricUnit
from pydantic import BaseModel

from packhouse.aws.faults import AWS_ERRORS, is_transient, unavailable
from packhouse.errors import NotFoundError, PackhouseError, RequestFaultsError

JSON = "application/json"
PROBLEM = "application/problem+json"
_UNSHOWN = {"etag"}  # stands in the header
_OWN = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key, X-Workspace"}
"""An answer is its caller's: nobody else's cache gives it out, and their own asks whether it still holds.

Where an endpoint says how long it holds, their own asks after that (`Endpoint.max_age`).
"""

_PROBLEM_TYPES = "https://packhouse.dev/errors#"

logger = Logger(service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "packhouse"))
metrics = Metrics(namespace="Packhouse", service=logger.service)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def create_app() -> APIGatewayRestResolver:
    """Return a resolver that answers every error as `application/problem+json`."""
    app = APIGatewayRestResolver()

    def told(error: PackhouseError) -> Response[str]:
        return _problem(app, error)

    def no_route(_: RouteNotFoundError) -> Response[str]:
        event = app.current_event
        return _problem(app, NotFoundError("ROUTE_NOT_FOUND", f"There is no {event.http_method} {event.path}."))

    def unforeseen(error: Exception) -> Response[str]:
        if isinstance(error, AWS_ERRORS) and is_transient(error):
            logger.warning("service unavailable", exc_info=error)
            return _problem(app, unavailable())
        logger.exception("unhandled error")
        metrics.add_metric(name="UnhandledError", unit=MetricUnit.Count, value=1)
        return _problem(app, PackhouseError("INTERNAL_ERROR", "Something went wrong on our side; name the request id."))

    app.exception_handler(PackhouseError)(told)
    app.exception_handler(RouteNotFoundError)(no_route)
    app.exception_handler(Exception)(unforeseen)
    return app


def handler_of(app: APIGatewayRestResolver) -> Handler:
    """Return the Lambda handler of a resolver."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        answer = app.resolve(_as_routed(event), context)
        if event["httpMethod"] == "HEAD":
            answer["body"] = ""  # its head is that of what a GET sends, refusals as well (RFC 9110, 9.3.2)
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


def _as_routed(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the path that API Gateway matched, its parameters percent-encoded.

    Gateways differ in what of a path they decode, and the resolver's patterns know few characters beside letters.
    """
    names = {name: quote(unquote(value), safe="") for name, value in (event.get("pathParameters") or {}).items()}
    return event | {"path": event["resource"].format_map(names)} if event.get("resource") else event


def answer(
    status: int, body: BaseModel | dict[str, Any] | str, headers: dict[str, str] | None = None, etag: str = ""
) -> Response[str]:
    """Return a JSON answer; a string is JSON already. A thing that has a state, its `etag`, is answered with a tag."""
    state = etag or getattr(body, "etag", "")
    text = body if isinstance(body, str) else as_json(body)
    tag = {"ETag": entity_tag(text, state)} if state else {}
    return Response(status_code=status, content_type=JSON, body=text, headers=_OWN | tag | (headers or {}))


def entity_tag(text: str, state: str = "") -> str:
    """Return the tag of an answer: `"<state>.<digest of the answer>"`.

    The state changes with every write of the thing itself. `If-Match` looks at it alone, so that a write is refused for
    a change of the thing and not of what is shown beside it; `If-None-Match` looks at both.
    """
    return f'"{state}.{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def not_modified(known: Response[str]) -> Response[str]:
    """Return 304 for an answer that the caller has already: without its body, to be kept as it is."""
    kept = {name: value for name, value in known.headers.items() if name in {*_OWN, "ETag"}}
    return Response(status_code=304, content_type=JSON, body="", headers=kept)


def spliced(bodies: list[str], next_cursor: str | None) -> Response[str]:
    """Return a page of items that are stored as the JSON they are answered in; none of it is parsed on the way."""
    return answer(200, f'{{"items":[{",".join(bodies)}],"next_cursor":{as_json(next_cursor)}}}')


def page(items: Sequence[BaseModel], next_cursor: str | None, exclude: Any = None) -> dict[str, Any]:
    """Return a page of items with the cursor of the next one; `exclude` names fields that are not shown."""
    return {"items": [item.model_dump(mode="json", exclude=exclude) for item in items], "next_cursor": next_cursor}


def accepted(body: dict[str, Any], job_id: str) -> Response[str]:
    """Return 202 with the place to poll: work that outlasts the request."""
    return answer(202, body, {"Location": f"/api/v1/jobs/{job_id}", "Retry-After": "2"})


def as_json(body: object) -> str:
    """Return compact JSON; of a thing, what is shown of it."""
    if isinstance(body, BaseModel):
        return body.model_dump_json(exclude=_UNSHOWN)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


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
    headers = {"Cache-Control": "no-store"}
    return Response(status_code=error.status, content_type=PROBLEM, body=as_json(body), headers=headers)
