"""The OpenAPI 3.1 document, made from what the endpoints declare.

What follows from a declaration is written here once: parameters, conditional requests, and the refusals that any
endpoint of its kind can answer with. Examples, and answers that no result tells, are handed in.
"""

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from packhouse.access.model import Action
from packhouse.api.app import JSON, PROBLEM
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Endpoint, Listed
from packhouse.api.parameters import PATH, QUERY, REUSED, path_key, path_names
from packhouse.api.problems import PROBLEM_SCHEMA, SHARED, STATUS_OF, refusals_of
from packhouse.errors import CODES

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_HTML = "text/html; charset=utf-8"
NDJSON = "application/x-ndjson"
_HIDDEN = "etag"

_ABOUT = """A training-data registry: reviewed labels go in; checked, frozen, reproducible training data comes out.

Paths below `/namespaces` speak camelCase and page by number, those below `/api/v1` snake_case and page by cursor; the
latter act in one project, which a bearer of a JWT names with `X-Workspace`. Every refusal is an
`application/problem+json` whose `code` is stable. Bodies take no unknown fields. `x-action` of an operation says what
the caller must be allowed: whoever may know of the project may `see`, and is told behind the door whether more is
needed; a viewer may `read`; an editor also `write` and `export`, as an API key may by its scopes;
an owner also `own`; without it anyone who is signed in may call. Times are UTC, ISO 8601 with `Z`."""

HEADERS: Json = {
    "ETag": {
        "description": "The tag of this answer, for `If-Match` and `If-None-Match`.",
        "schema": {"type": "string"},
    },
    "Cache-Control": {
        "description": "For how long the caller may keep this answer without asking again.",
        "schema": {"type": "string"},
        "example": "private, max-age=60",
    },
    "Link": {
        "description": 'The rest of the list: `<?…>; rel="next"`, relative to the URL of the request.',
        "schema": {"type": "string"},
        "example": '<?limit=10000&cursor=eyJwbGFjZSI>; rel="next"',
    },
    "Location": {"description": "Where the thing, or the job, is read.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until it is worth looking.", "schema": {"type": "integer"}},
    "Idempotency-Replayed": {
        "description": "The request was answered before under its `Idempotency-Key`; this is that answer.",
        "schema": {"const": "true"},
    },
    "Repr-Digest": {
        "description": "The SHA-256 of the rows, wherever they are sent from (RFC 9530).",
        "schema": {"type": "string"},
        "example": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    },
    "X-Dataset-Status": {"description": "How the training dataset stands.", "schema": {"type": "string"}},
    "X-Dataset-Rows": {"description": "How many rows there are.", "schema": {"type": "integer"}},
    "X-Dataset-Bytes": {"description": "How many bytes of NDJSON they are.", "schema": {"type": "integer"}},
    "X-Dataset-Sha256": {"description": "The SHA-256 of these bytes, as hex.", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "The scheme that is wanted.", "schema": {"const": "Bearer"}},
}


@dataclass(frozen=True)
class Context:
    """A bounded context: the tag of its endpoints, what it is about, and the endpoints."""

    name: str
    meaning: str
    endpoints: list[Endpoint]


@dataclass(frozen=True)
class Sent:
    """An answer that is more than one JSON thing: its kind, and the headers of its own.

    Of NDJSON the `form` is that of a line; without a form there is no body.
    """

    form: Any = None
    kind: str = JSON
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """What the declarations leave open: answers by handler and status, examples by operation (`request`, a status)."""

    answers: Mapping[str, Mapping[int, Any]]
    examples: Mapping[str, Json]


class _Schemas(GenerateJsonSchema):
    """Schemas without the titles that repeat names. An answer has no defaults: a field is there, or may be left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "serialization":
            return "serialization_exclude_if" not in field
        return super().field_is_required(field, total)

    def default_schema(self, schema: Any) -> Any:
        return self.generate_inner(schema["schema"]) if self.mode == "serialization" else super().default_schema(schema)


def document(contexts: list[Context], told: Told) -> Json:
    """Return the document of all endpoints, in the order of the contexts."""
    endpoints = [endpoint for context in contexts for endpoint in context.endpoints]
    schemas, definitions = _schemas(endpoints, told)
    paths: dict[str, Json] = {}
    for context in contexts:
        for endpoint in context.endpoints:
            operation = _operation(endpoint, context.name, schemas, told)
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Packhouse", "version": "1", "description": _ABOUT},
        "servers": [{"url": "../..", "description": "The stage that this document is served from."}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": [{"name": context.name, "description": context.meaning} for context in contexts],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A JWT of the identity provider, or an API key (`phk_…`).",
                },
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
            },
            "parameters": REUSED,
            "headers": HEADERS,
            "responses": {name: _problem(status, codes) for name, (status, codes) in SHARED.items()},
            "schemas": dict(sorted({**definitions, **PROBLEM_SCHEMA}.items())),
        },
    }


def operation_id(endpoint: Endpoint) -> str:
    """Return the handler's name in camelCase.

    >>> from types import SimpleNamespace
    >>> operation_id(SimpleNamespace(name="list_api_keys"))
    'listApiKeys'
    """
    first, *rest = endpoint.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _operation(endpoint: Endpoint, tag: str, schemas: Mapping[tuple[str, Any], Json], told: Told) -> Json:
    examples = told.examples.get(operation_id(endpoint), {})
    summary, _, description = inspect.cleandoc(endpoint.docstring).partition("\n\n")
    operation: Json = {"operationId": operation_id(endpoint), "summary": summary.replace("\n", " ").rstrip(".")}
    if description:
        operation["description"] = description.replace("\n", " ")
    operation["tags"] = [tag]
    if endpoint.public:
        operation["security"] = []
    elif endpoint.action is not None:
        operation["x-action"] = endpoint.action.value
    elif endpoint.path.startswith("/api/"):
        operation["x-action"] = Action.READ.value
    operation["parameters"] = list(_iter_parameters(endpoint))
    if (body := schemas.get((endpoint.name, "request"))) is not None:
        content = {"schema": body} | ({"example": examples["request"]} if "request" in examples else {})
        operation["requestBody"] = {"required": endpoint.wanted is not NoBody, "content": {JSON: content}}
    operation["responses"] = dict(sorted(_responses(endpoint, schemas, told, examples).items()))
    return operation


def _iter_parameters(endpoint: Endpoint) -> Iterator[Json]:
    for name in path_names(endpoint.path):
        yield {"name": name, "in": "path", "required": True, **PATH[path_key(endpoint.path, name)]}
    if endpoint.path.startswith("/api/") and not endpoint.public:
        yield _ref("parameters", "Workspace")
    if endpoint.method in {"GET", "HEAD"}:
        yield from _query(endpoint.wanted)
    if endpoint.method == "GET":
        yield _ref("parameters", "IfNoneMatch")
    if endpoint.is_command:
        yield _ref("parameters", "IdempotencyKey")
    if endpoint.if_match:
        yield _ref("parameters", "IfMatch")


@functools.cache
def _query(model: type[BaseModel]) -> list[Json]:
    schema = model.model_json_schema(schema_generator=_Schemas)
    parameters = []
    for name, form in schema.get("properties", {}).items():
        told = tidied(_without_null(form), schema.get("$defs", {}))
        description = told.pop("description", None) or QUERY[name]
        required = name in schema.get("required", ())
        parameters.append(
            {"name": name, "in": "query", "required": required, "description": description, "schema": told}
        )
    return parameters


def _responses(endpoint: Endpoint, schemas: Mapping[tuple[str, Any], Json], told: Told, examples: Json) -> Json:
    responses: Json = {}
    for status, form in sorted(_answers(endpoint, told).items()):
        sent = form if isinstance(form, Sent) else Sent(form, _HTML if endpoint.result is str else JSON)
        lines = ": one JSON object a line, each of this form" if sent.kind == NDJSON else ""
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase + lines,
            "headers": {name: _ref("headers", name) for name in (*_headers(endpoint, status), *sent.headers)},
        }
        if sent.form is not None:
            content = {"schema": schemas[endpoint.name, status]}
            if str(status) in examples:
                content["example"] = examples[str(status)]
            responses[str(status)]["content"] = {sent.kind: content}
    if endpoint.method == "GET":
        headers = {name: _ref("headers", name) for name in _headers(endpoint, HTTPStatus.NOT_MODIFIED)}
        responses["304"] = {"description": "The caller has this answer already.", "headers": headers}
    by_status: dict[int, list[str]] = {}
    for code in refusals_of(endpoint):
        by_status.setdefault(STATUS_OF[code], []).append(code)
    shared = {tuple(codes): name for name, (_, codes) in SHARED.items()}
    for status, codes in sorted(by_status.items()):
        name = shared.get(tuple(codes))
        if str(status) in responses:
            responses[str(status)] = _either(responses[str(status)], _problem(status, tuple(codes)))
        else:
            responses[str(status)] = _ref("responses", name) if name else _problem(status, tuple(codes))
    return responses


def _answers(endpoint: Endpoint, told: Told) -> Mapping[int, Any]:
    return told.answers.get(endpoint.name, {endpoint.status: endpoint.result})


def _either(response: Json, problem: Json) -> Json:
    """Return the response of a status that is an answer's and a refusal's: the media type tells them apart."""
    content = response.get("content", {}) | problem["content"]
    return response | {"description": f"{response['description']}, or\n{problem['description']}", "content": content}


def _headers(endpoint: Endpoint, status: int) -> Iterator[str]:
    fields = getattr(endpoint.result, "model_fields", {})
    is_tagged = endpoint.method == "GET" and status <= HTTPStatus.NOT_MODIFIED
    if is_tagged or (_HIDDEN in fields and endpoint.show is None):
        yield "ETag"
    if get_origin(endpoint.result) is list and status == endpoint.status:
        yield "Link"
    if endpoint.max_age:
        yield "Cache-Control"
    if endpoint.is_command:
        yield "Idempotency-Replayed"
    if status == HTTPStatus.ACCEPTED and endpoint.status == status:
        yield from ("Location", "Retry-After")


def _problem(status: int, codes: tuple[str, ...]) -> Json:
    told = {"properties": {"status": {"const": status}, "code": {"enum": list(codes)}}}
    response: Json = {
        "description": "\n".join(f"- `{code}`: {CODES[code]}" for code in codes),
        "content": {PROBLEM: {"schema": {"allOf": [_ref("schemas", "Problem"), told]}}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        response["headers"] = {"WWW-Authenticate": _ref("headers", "WWW-Authenticate")}
    return response


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _schemas(endpoints: list[Endpoint], told: Told) -> tuple[dict[tuple[str, Any], Json], dict[str, Json]]:
    """Return the schemas of all bodies, by handler and `request` or status, and the definitions they refer to."""
    wanted: list[tuple[tuple[str, Any], Any, TypeAdapter[Any]]] = []
    pages: dict[tuple[str, Any], Listed] = {}
    for endpoint in endpoints:
        if endpoint.method in {"POST", "PUT", "PATCH"}:
            wanted.append(((endpoint.name, "request"), "validation", TypeAdapter(endpoint.wanted)))
        for status, answered in _answers(endpoint, told).items():
            form = answered.form if isinstance(answered, Sent) else answered
            if form is None:
                continue
            if isinstance(form, Listed):
                pages[endpoint.name, status] = form
            adapter = TypeAdapter(form.item if isinstance(form, Listed) else form)
            wanted.append(((endpoint.name, status), "serialization", adapter))
    found, whole = TypeAdapter.json_schemas(wanted, ref_template=_REF, schema_generator=_Schemas)
    definitions = whole.get("$defs", {})
    for model in {endpoint.wanted for endpoint in endpoints if issubclass(endpoint.wanted, RequestBody)}:
        _tell_what_null_is_refused(model, definitions.get(model.__name__, {}))
    schemas = {key: tidied(found[key, mode], definitions) for key, mode, _ in wanted}
    schemas |= {key: _page(listed, schemas[key]) for key, listed in pages.items()}
    things = {name: tidied(schema, definitions) for name, schema in definitions.items() if "enum" not in schema}
    return schemas, things


def _page(listed: Listed, item: Json) -> Json:
    whole: Json = {"type": "integer", "minimum": 0}
    if listed.name == "items":
        rest: Json = {"next_cursor": {"type": ["string", "null"], "description": "`cursor` of the next page."}}
    else:
        rest = {"page": whole, "pageSize": whole, "total": whole, "totalPages": whole}
    properties = {listed.name: {"type": "array", "items": item}, **rest}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _tell_what_null_is_refused(model: type[BaseModel], schema: Json) -> None:
    """Take `null` from the fields whose validators refuse it: a change may leave them out, not empty them."""
    for name, form in schema.get("properties", {}).items():
        try:
            model.model_validate({name: None})
        except ValidationError as error:
            if any(fault["loc"] == (name,) and fault["type"] != "missing" for fault in error.errors()):
                schema["properties"][name] = _without_null(form)


def _without_null(form: Json) -> Json:
    kept = [part for part in form.get("anyOf", ()) if part != {"type": "null"}]
    return {**{key: value for key, value in form.items() if key != "anyOf"}, **kept[0]} if len(kept) == 1 else form


def tidied(schema: Any, definitions: Mapping[str, Json]) -> Any:
    """Return a schema as the document shows it.

    Enumerations stand where they are used, what may be null says so in its type, times are named as such, and an
    `etag`, which answers carry in their header, is left out.
    """
    if isinstance(schema, list):
        return [tidied(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = definitions.get(str(schema.get("$ref", "")).rpartition("/")[2], {})
    if "enum" in named:
        schema = named | {key: value for key, value in schema.items() if key != "$ref"}
    shown: Json = {}
    for key, value in schema.items():
        if key == "properties":
            shown[key] = {name: _timed(name, tidied(form, definitions)) for name, form in value.items()}
            shown[key].pop(_HIDDEN, None)
        elif key == "required":
            shown[key] = [name for name in value if name != _HIDDEN]
        elif key != "title" and not (key == "default" and value is None):
            shown[key] = tidied(value, definitions)
    return _with_null(shown)


def _timed(name: str, form: Json) -> Json:
    is_time = name.endswith(("At", "_at")) and "string" in _types(form)
    return form | {"format": "date-time"} if is_time else form


def _types(form: Json) -> Iterable[str]:
    told = form.get("type", ())
    return [told] if isinstance(told, str) else told


def _with_null(form: Json) -> Json:
    """Return `{"type": ["string", "null"]}` for a string or null; what is more than a type stays as it is."""
    first, *others = form.get("anyOf", ({},))
    if others != [{"type": "null"}] or not isinstance(first.get("type"), str) or {"enum", "const"} & first.keys():
        return form
    rest = {key: value for key, value in form.items() if key != "anyOf"}
    return {**first, "type": [first["type"], "null"], **rest}
