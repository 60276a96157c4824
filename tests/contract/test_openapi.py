"""The OpenAPI document: valid, complete, and what the code does; docs/openapi.json is the same."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from local import ROOT
from local.aws import clean_environment
from packhouse.about.document import ANSWERS, contexts
from packhouse.api.parameters import PATH
from packhouse.api.problems import STATUS_OF
from packhouse.errors import CODES
from tests.contract.codes import places
from tests.contract.openapi import KEPT, PROBLEM, Route, described
from tests.contract.registered import load
from tests.contract.sources import EVENTS, Json, folders, functions

DOCUMENT = described()
OPERATIONS = DOCUMENT.operations
SCHEMAS: dict[str, Json] = DOCUMENT.whole["components"]["schemas"]
ON_EVERY_CALL = {"INVALID_REQUEST", "TOO_MANY_REQUESTS", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"}
ON_EVERY_WRITE = {"INVALID_JSON", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"}
READING_POSTS = {("POST", "/api/v1/datasets/build/preflight")}
"""They write nothing: there is nothing that an `Idempotency-Key` could keep from being done twice."""


def iter_events() -> Iterator[tuple[Route, Json]]:
    """Yield the API events of the template, by method and path."""
    for folder in folders():
        for event in functions()[folder].get("Events", {}).values():
            if event["Type"] == "Api":
                yield (event["Properties"]["Method"], event["Properties"]["Path"]), event["Properties"]


def parameters_of(operation: Json) -> list[Json]:
    """Return the parameters of an operation, those that it shares in full."""
    return [DOCUMENT.resolved(found) for found in operation["parameters"]]


def iter_contents(operation: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield what an operation is sent and answers: `request` or the status, the media type, schema and example."""
    bodies = {"request": operation["requestBody"]} if "requestBody" in operation else {}
    for name, body in {**bodies, **operation["responses"]}.items():
        for kind, content in DOCUMENT.resolved(body).get("content", {}).items():
            yield name, kind, content


def iter_examples() -> Iterator[tuple[str, Any, Json]]:
    """Yield every example with where it stands and the schema that it is of."""
    for (method, path), operation in OPERATIONS.items():
        told = [(found["name"], found) for found in parameters_of(operation)]
        told += [(name, content) for name, _, content in iter_contents(operation)]
        for name, found in told:
            if "example" in found:
                yield f"{method} {path} {name}", found["example"], found["schema"]
    for name, schema in SCHEMAS.items():
        for example in schema.get("examples", ()):
            yield name, example, schema


def codes_of(operation: Json) -> dict[str, int]:
    """Return the codes that an operation tells, with their statuses."""
    found = {}
    for status, kind, content in iter_contents(operation):
        if kind == PROBLEM:
            _, told = content["schema"]["allOf"]
            assert told["properties"]["status"] == {"const": int(status)}
            found.update(dict.fromkeys(told["properties"]["code"]["enum"], int(status)))
    return found


def statuses_of_answers() -> dict[str, set[str]]:
    """Return every code that an answer can have, with its statuses; not those that stand within one, or in a job."""
    found = {code: {place for place in told if place.isdigit()} for code, told in places().items()}
    return {code: statuses for code, statuses in found.items() if statuses}


def iter_fields(schema: Any) -> Iterator[str]:
    """Yield the names of all fields in a schema, however deep."""
    for value in schema if isinstance(schema, list) else ():
        yield from iter_fields(value)
    for key, value in schema.items() if isinstance(schema, dict) else ():
        if key == "properties":
            yield from value
        yield from iter_fields(value)


def test_the_kept_document_is_what_the_code_says() -> None:
    assert KEPT.read_text() == DOCUMENT.text, "tests/contract/openapi.py says how to write it anew"


def test_the_document_is_openapi_3_1() -> None:
    """Held to the schema that the OpenAPI Initiative publishes (2022-10-07)."""
    schema = json.loads(Path(__file__).with_name("openapi-3.1.schema.json").read_text())
    assert [fault.json_path for fault in Draft202012Validator(schema).iter_errors(DOCUMENT.whole)] == []


def test_every_schema_is_json_schema() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    for operation in OPERATIONS.values():
        for found in [*parameters_of(operation), *(content for _, _, content in iter_contents(operation))]:
            Draft202012Validator.check_schema(found["schema"])


def test_every_reference_leads_somewhere_and_everything_shared_is_used() -> None:
    used = set(re.findall(r'"#/components/(\w+/[\w-]+)"', DOCUMENT.text))
    shared = {kind: part for kind, part in DOCUMENT.whole["components"].items() if kind != "securitySchemes"}
    assert used == {f"{kind}/{name}" for kind, part in shared.items() for name in part}


def test_the_operations_are_the_routes_of_the_template() -> None:
    assert sorted(OPERATIONS) == sorted(route for route, _ in iter_events())


def test_an_operation_is_public_where_the_template_asks_no_authorizer() -> None:
    for route, event in iter_events():
        is_open = event.get("Auth", {}).get("Authorizer") == "NONE"
        assert (OPERATIONS[route].get("security") == []) is is_open, route


def test_the_id_of_an_operation_is_its_own() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))
    assert [found for found in ids if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", found)] == []


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_an_operation_says_what_it_does_and_what_it_takes(route: Route) -> None:
    (method, path), operation = route, OPERATIONS[route]
    assert re.fullmatch(r"[A-Z].+[^.]", operation["summary"])
    assert [tag["name"] for tag in DOCUMENT.whole["tags"]].count(*operation["tags"]) == 1
    parameters = parameters_of(operation)
    assert [found["name"] for found in parameters if found["in"] == "path"] == re.findall(r"{(\w+)}", path)
    heads = {found["name"] for found in parameters if found["in"] == "header"}
    public = operation.get("security") == []
    assert ("X-Workspace" in heads) is (path.startswith("/api/v1/") and not public)
    assert ("Idempotency-Key" in heads) is (method == "POST" and route not in READING_POSTS)
    for status, response in operation["responses"].items():
        is_repeated = "Idempotency-Key" in heads and status.startswith("2")
        assert ("Idempotency-Replayed" in response.get("headers", {})) is is_repeated
    assert ("If-None-Match" in heads) is ("304" in operation["responses"]) is (method == "GET")
    assert ("requestBody" in operation) is (method in {"POST", "PUT", "PATCH"})
    assert all(re.match(r"[A-Z`]", found["description"]) for found in parameters)


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_an_operation_tells_every_refusal_of_its_kind(route: Route) -> None:
    (method, path), operation = route, OPERATIONS[route]
    codes, names = codes_of(operation), {found["name"] for found in parameters_of(operation)}
    expected = set(ON_EVERY_CALL)
    expected |= ON_EVERY_WRITE if method not in {"GET", "HEAD"} else set()
    expected |= {"UNAUTHORIZED"} if operation.get("security") != [] else set()
    expected |= {"PRECONDITION_FAILED"} if "If-Match" in names else set()
    if "x-action" in operation:
        in_project = path.startswith("/api/") or "{projectSlug}" in path
        expected |= {"PROJECT_NOT_FOUND"} if in_project else {"NAMESPACE_NOT_FOUND"}
        expected |= {"FORBIDDEN"} if in_project or operation["x-action"] != "read" else set()
    assert expected <= codes.keys()
    assert ("IDEMPOTENCY_KEY_REUSED" in codes) is ("Idempotency-Key" in names)
    assert codes.items() <= STATUS_OF.items()
    for code, status in codes.items():
        assert f"`{code}`: {CODES[code]}" in DOCUMENT.resolved(operation["responses"][str(status)])["description"]


def test_the_codes_of_the_document_are_those_that_an_answer_can_have() -> None:
    told = {code for operation in OPERATIONS.values() for code in codes_of(operation)}
    assert told == statuses_of_answers().keys()
    assert told <= CODES.keys()


def test_a_code_has_the_status_of_the_errors_that_bear_it() -> None:
    assert {code: {str(status)} for code, status in STATUS_OF.items()} == statuses_of_answers()


def test_every_example_passes_its_schema_and_has_no_field_beside_it() -> None:
    examples = list(iter_examples())
    faults = [(where, *DOCUMENT.iter_faults(schema, example)) for where, example, schema in examples]
    assert [found for found in faults if len(found) > 1] == []
    assert len(examples) > len(OPERATIONS)


def test_every_body_has_an_example() -> None:
    bare = [
        (route, name)
        for route, operation in OPERATIONS.items()
        for name, kind, content in iter_contents(operation)
        if kind == "application/json" and "example" not in content
    ]
    assert bare == [(("GET", "/api/v1/openapi.json"), "200")]


def test_no_example_stands_for_an_operation_that_is_not_there() -> None:
    kept = json.loads((ROOT / "layers/core/python/packhouse/about/examples.json").read_text())
    by_id = {operation["operationId"]: operation for operation in OPERATIONS.values()}
    assert kept.keys() <= by_id.keys()
    for name, examples in kept.items():
        assert examples.keys() <= {found for found, _, _ in iter_contents(by_id[name])}, name


def test_an_entity_tag_stands_in_the_header_alone() -> None:
    assert "etag" not in set(iter_fields(DOCUMENT.whole))
    for (method, _), operation in OPERATIONS.items():
        assert method != "GET" or "ETag" in operation["responses"]["200"]["headers"]


def test_a_list_that_is_an_array_alone_links_to_its_rest() -> None:
    """There is no place in it for a cursor."""
    linked = {
        (route, status)
        for route, operation in OPERATIONS.items()
        for status, response in operation["responses"].items()
        if "Link" in response.get("headers", {})
    }
    arrays = {
        (route, status)
        for route, operation in OPERATIONS.items()
        for status, _, content in iter_contents(operation)
        if content["schema"].get("type") == "array"
    }
    annotations = "/api/v1/datasets/{dataset_id}/annotation-sets/{annotation_set_id}/annotations"
    assert linked == arrays == {(("GET", annotations), "200")}


def test_a_request_body_takes_no_unknown_field() -> None:
    for route, operation in OPERATIONS.items():
        for name, _, content in iter_contents(operation):
            if name == "request":
                assert DOCUMENT.resolved(content["schema"])["additionalProperties"] is False, route


def test_a_change_may_leave_fields_out_and_not_make_all_of_them_null() -> None:
    change = SCHEMAS["DatasetChange"]
    for passing in ({}, {"description": None, "metadata": None}, {"name": "a", "tags": []}):
        assert list(DOCUMENT.iter_faults(change, passing)) == []
    for failing in ({"name": None}, {"tags": None}, {"title": "a"}):
        assert list(DOCUMENT.iter_faults(change, failing)) != []


def test_bounds_are_those_of_the_models() -> None:
    assert SCHEMAS["DatasetRequest"]["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 200}
    assert SCHEMAS["DatasetRequest"]["required"] == ["name"]
    assert SCHEMAS["CollectionRequest"]["properties"]["members"]["maxItems"] == 1000
    page = {found["name"]: found["schema"] for found in parameters_of(OPERATIONS["GET", "/namespaces"])}
    assert page["pageSize"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}


def test_every_answer_that_is_told_apart_is_one_of_a_handler() -> None:
    endpoints = {endpoint.name: endpoint for context in contexts() for endpoint in context.endpoints}
    assert ANSWERS.keys() <= endpoints.keys()
    assert all(endpoints[name].status in answers for name, answers in ANSWERS.items())


def test_every_handler_whose_result_is_not_what_it_answers_is_told_apart() -> None:
    bare = {
        endpoint.name
        for context in contexts()
        for endpoint in context.endpoints
        if "dict[" in str(endpoint.result) and not endpoint.public
    }
    assert bare <= ANSWERS.keys()


def test_every_told_variable_of_a_path_is_used() -> None:
    assert {key for key in PATH if any(f"/{key}" in path for _, path in OPERATIONS)} == PATH.keys()


def test_the_page_runs_what_stands_in_it_and_loads_the_document_alone() -> None:
    event = json.loads((EVENTS / "about.live.json").read_text()) | dict.fromkeys(("resource", "path"), "/api/v1/docs")
    answer = load("about").handler(event, None)
    page, policy = answer["body"], answer["multiValueHeaders"]["Content-Security-Policy"][0]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in policy
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,", "openapi.json"]
    assert re.search(r"https?://|innerHTML|\son\w+=|\sstyle=", page) is None


def test_the_liveness_probe_starts_without_the_document() -> None:
    code = "import sys; sys.path[:0] = ['functions/about']; import app; print(*sys.modules)"
    environment = clean_environment() | {"PYTHONPATH": str(ROOT / "layers/core/python")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "packhouse.about.routes" in loaded
    assert loaded & {"packhouse.api.openapi", "packhouse.about.document", "packhouse.builds.routes"} == set()
