"""Endpoints, each declared once: who is let in, what is read, what is answered.

From the declaration follow the order of the checks (the caller before the parameters, those before the body), the
repeat of a request under an `Idempotency-Key`, conditional requests, and the OpenAPI document.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import BaseModel

from packhouse.access.model import Action, Principal, Workspace
from packhouse.api.app import answer, entity_tag, not_modified
from packhouse.api.bodies import RequestBody, body_digest, read_body
from packhouse.api.paging import NoQuery, RequestQuery, read_query
from packhouse.api.principal import principal_of, require, workspace_of
from packhouse.aws.once import Once
from packhouse.errors import Fault, NotFoundError, PackhouseError, RequestFaultsError

Wanted = TypeVar("Wanted", bound=RequestBody | RequestQuery)
Result = BaseModel | dict[str, Any] | Response[str]
_NAME_BYTES = 800  # 200 characters, as the longest name has
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_ANY = "*"
_READS = {"GET", "HEAD"}
_REDIRECTION = 300  # from here on an answer is not the thing itself: no condition is looked at (RFC 9110, 13.2.1)
_TAGS = 50


@dataclass(frozen=True)
class Call(Generic[Wanted]):
    """One request that was let in. `wanted` is the body, or the query of a GET."""

    caller: Principal
    workspace: Workspace
    path: Mapping[str, str]
    wanted: Wanted
    once: Once
    if_match: tuple[str, ...] | None
    """The states that the caller takes the thing to be in (see `entity_tag`); `None`: whichever."""


Handler = Callable[[Call[Any]], Result]
AnyHandler = TypeVar("AnyHandler", bound=Handler)
Declared = Callable[[AnyHandler], AnyHandler]


class Success(BaseModel):
    """The answer where there is nothing to show."""

    success: Literal[True] = True


@dataclass(frozen=True)
class Listed:
    """An answer that is a page of things: under this name with page numbers, or as `items` with a cursor."""

    item: Any
    name: str = "items"


@dataclass(frozen=True)
class Endpoint:
    """What is told of an endpoint; `wanted` and `result` are those of its handler's annotations.

    `refusals` are error codes of its own, `show` makes the answer of a result that is not its own JSON. What `reads`
    writes nothing, whatever its method: a repeat under an `Idempotency-Key` is answered anew. An answer may be kept for
    `max_age` seconds by its caller; without, it is asked for each time.
    """

    method: str
    path: str
    action: Action | None
    wanted: Any
    name: str
    docstring: str
    result: Any
    status: int = 200
    refusals: tuple[str, ...] = ()
    if_match: bool = False
    reads: bool = False
    public: bool = False
    max_age: int = 0
    show: Callable[[Any, Any], Response[str]] | None = None

    @property
    def is_command(self) -> bool:
        """Whether a repeat of it under an `Idempotency-Key` has its first answer."""
        return self.method == "POST" and not self.reads

    @property
    def rule(self) -> str:
        """The path as the resolver spells it."""
        return re.sub(r"{(\w+)}", r"<\1>", self.path)


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of a function, on its resolver."""

    app: APIGatewayRestResolver
    declared: list[Endpoint] = field(default_factory=list)

    def get(self, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        """Declare a read; what it wants is its query."""
        return self._declare("GET", path, action, **more)

    def head(self, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        """Declare a look at what a GET of the same path sends; what it wants is its query."""
        return self._declare("HEAD", path, action, **more)

    def post(self, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        """Declare a command; it hands its transaction to `call.once`, so that it can be repeated under a key."""
        return self._declare("POST", path, action, **more)

    def put(self, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        """Declare a write that can be repeated as it is."""
        return self._declare("PUT", path, action, **more)

    def patch(self, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        """Declare a change of the fields that are given; it honours `If-Match`."""
        return self._declare("PATCH", path, action, if_match=True, **more)

    def delete(self, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        """Declare a removal."""
        return self._declare("DELETE", path, action, **more)

    def _declare(self, method: str, path: str, action: Action | None, **more: Any) -> Declared[Any]:
        def declared(handler: AnyHandler) -> AnyHandler:
            (wanted,) = get_args(handler.__annotations__["call"])
            more.setdefault("result", handler.__annotations__["return"])
            endpoint = Endpoint(method, path, action, wanted, handler.__name__, handler.__doc__ or "", **more)
            self.declared.append(endpoint)

            def run(**names: str) -> Response[str]:
                return _answered(endpoint, handler, self.app.current_event, names)

            self.app.route(endpoint.rule, method)(run)
            return handler

        return declared


def _answered(
    endpoint: Endpoint, handler: Handler, event: APIGatewayProxyEvent, path: Mapping[str, str]
) -> Response[str]:
    names = {name: unicodedata.normalize("NFC", unquote(value)) for name, value in path.items()}
    if any(len(value.encode()) > _NAME_BYTES for value in names.values()):
        raise NotFoundError("ROUTE_NOT_FOUND", f"There is nothing under {event.path[:80]}….")
    headers = event.headers
    call = _admitted(endpoint, event, headers, names)
    replayed = False
    try:
        result = handler(call)
    except PackhouseError:
        found = call.once.find(endpoint.result)
        if found is None:
            raise
        result, replayed = found, True
    response = _shown(endpoint, call, result)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    if endpoint.max_age:
        response.headers["Cache-Control"] = f"private, max-age={endpoint.max_age}"
    is_conditional = endpoint.method == "GET" and response.status_code < _REDIRECTION
    return _unless_known(headers.get("If-None-Match"), response) if is_conditional else response


def _admitted(
    endpoint: Endpoint, event: APIGatewayProxyEvent, headers: Mapping[str, str], path: Mapping[str, str]
) -> Call[Any]:
    caller, workspace = _let_in(endpoint, event, path)
    if_match = _if_match(endpoint, headers.get("If-Match"))
    key = _idempotency_key(endpoint, headers.get("Idempotency-Key"))
    if endpoint.method in _READS:
        return Call(caller, workspace, path, read_query(event, endpoint.wanted), Once(), if_match)
    if "If-None-Match" in headers:
        raise RequestFaultsError([Fault("header If-None-Match", f"is not honoured by {endpoint.method}")])
    read_query(event, NoQuery)
    wanted = read_body(event, endpoint.wanted)
    kind = "person" if caller.key_workspace is None else "key"
    scope = "\n".join((kind, caller.principal_id, str(workspace), endpoint.method, endpoint.path, *path.values()))
    once = Once(scope, key, body_digest(event)) if key else Once()
    return Call(caller, workspace, path, wanted, once, if_match)


def _let_in(endpoint: Endpoint, event: APIGatewayProxyEvent, path: Mapping[str, str]) -> tuple[Principal, Workspace]:
    if endpoint.public:
        return Principal(principal_id=""), Workspace("", "")
    if endpoint.path.startswith("/api/"):
        return workspace_of(event, endpoint.action or Action.READ)
    caller, namespace, project = principal_of(event), path.get("slug"), path.get("projectSlug")
    if namespace is not None and endpoint.action is not None:
        require(caller, namespace, project, endpoint.action)
    return caller, Workspace(namespace or "", project or "")


def _shown(endpoint: Endpoint, call: Call[Any], result: Result) -> Response[str]:
    if isinstance(result, Response):
        return result
    if endpoint.show is not None:
        return endpoint.show(call, result)
    return answer(endpoint.status, result)


def _if_match(endpoint: Endpoint, given: str | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not endpoint.if_match:
        raise RequestFaultsError([Fault("header If-Match", f"is not honoured by {endpoint.method} {endpoint.path}")])
    if given.strip() == _ANY:
        return None
    return tuple("" if is_weak else tag.partition(".")[0] for is_weak, tag in _tags("If-Match", given))


def _tags(header: str, value: str) -> list[tuple[bool, str]]:
    """Return the entity tags of a header, and whether each is weak; a comma may stand in others' tags, not in ours."""
    tags = [(found[1] is not None, found[2]) for found in _ETAG.finditer(value)]
    if not 1 <= len(tags) <= _TAGS or _ETAG.sub("", value).strip(" \t,"):
        raise RequestFaultsError(
            [Fault(f"header {header}", f'must be entity tags, {_TAGS} at most, each in quotes: "…", "…"')]
        )
    return tags


def _idempotency_key(endpoint: Endpoint, given: str | None) -> str | None:
    if given is None or endpoint.method != "POST":
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(given):
        raise RequestFaultsError([Fault("header Idempotency-Key", "must be 1 to 255 visible ASCII characters")])
    return given if endpoint.is_command else None


def _unless_known(given: str | None, response: Response[str]) -> Response[str]:
    """Return 304 in place of an answer that the caller says it has."""
    etag = str(response.headers.setdefault("ETag", entity_tag(response.body or "")))
    if given is None:
        return response
    is_known = given.strip() == _ANY or etag.strip('"') in [tag for _, tag in _tags("If-None-Match", given)]
    return not_modified(response) if is_known else response
