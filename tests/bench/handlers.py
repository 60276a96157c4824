"""The functions of the template called in this process: the same `app.py`, the same event, no gateway before it."""

import importlib.util
import json
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

from local import ROOT
from packhouse.access.model import Principal
from tests.bench.template import Route, iter_routes

Json = dict[str, Any]
Handler = Callable[[Json, object], Json]


def load_app(function: str, variables: Mapping[str, str]) -> ModuleType:
    """Return a function's `app` module, imported anew with its variables set."""
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"app_of_{function}_{uuid.uuid4().hex}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    os.environ.update(variables)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Answered:
    """What a call came to."""

    route: Route
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        found: Json = json.loads(self.text)
        return found


class Handlers:
    """The API's functions; each is imported when first called. `variables` by the function's folder."""

    def __init__(self, variables: Mapping[str, Mapping[str, str]]) -> None:
        self._variables = variables
        self._apps: dict[str, ModuleType] = {}
        self._routes = [(re.compile(re.sub(r"\{\w+\}", "([^/]+)", route.path)), route) for route in iter_routes()]

    def app(self, function: str) -> ModuleType:
        """Return the module of a function."""
        if function not in self._apps:
            self._apps[function] = load_app(function, self._variables[function])
        return self._apps[function]

    def call(
        self,
        method: str,
        path: str,
        caller: Principal | None = None,
        body: Json | None = None,
        workspace: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Call an endpoint as somebody whom the authorizer let through."""
        event, handler = self.event(method, path, caller, body, workspace, headers)
        answer = handler(event, None)
        flat = {name: values[0] for name, values in answer.get("multiValueHeaders", {}).items()}
        route = Route(self._find(method, path.partition("?")[0])[0].function, method, event["resource"])
        return Answered(route, answer["statusCode"], flat, answer["body"] or "")

    def event(
        self,
        method: str,
        path: str,
        caller: Principal | None,
        body: Json | None,
        workspace: str | None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Json, Handler]:
        """Return what API Gateway would send for a request, and the handler that it would send it to."""
        path, _, asked = path.partition("?")
        query = parse_qs(asked, keep_blank_values=True)
        route, names, values = self._find(method, path)
        sent = {"Content-Type": "application/json", **(headers or {})}
        sent |= {"X-Workspace": workspace} if workspace else {}
        event = {
            "resource": route.path,
            "path": path,
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": {name: given[-1] for name, given in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": dict(zip(names, values, strict=True)),
            "stageVariables": None,
            "requestContext": {
                "requestId": uuid.uuid4().hex,
                "stage": "local",
                "httpMethod": method,
                "path": path,
                "resourcePath": route.path,
                "authorizer": {"principal": caller.model_dump_json()} if caller else None,
            },
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }
        return event, self.app(route.function).handler

    def authorize(self, headers: Mapping[str, str]) -> Json:
        """Call the authorizer; its refusal is an exception, as API Gateway wants it."""
        handler: Handler = self.app("authorizer").handler
        event = {
            "type": "REQUEST",
            "methodArn": "arn:aws:execute-api:us-east-1:0:api/local/GET/api/v1/live",
            "headers": dict(headers),
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": None,
        }
        return handler(event, None)

    def _find(self, method: str, path: str) -> tuple[Route, list[str], tuple[str, ...]]:
        for pattern, route in self._routes:
            found = pattern.fullmatch(path)
            if found and route.method == method:
                return route, re.findall(r"\{(\w+)\}", route.path), found.groups()
        raise LookupError(f"the template has no {method} {path}")
