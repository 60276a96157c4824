"""The API as the gateway sees it: who may pass, how fast, and what it says itself."""

import json
import re
from collections import defaultdict

import pytest

from packhouse.errors import CODES
from tests.contract.sources import Json, made, template, written

PUBLIC = {("GET", "/api/v1/live"), ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/docs")}
API = template()["Resources"]["Api"]["Properties"]
ANSWERS = API["GatewayResponses"]


def operations() -> dict[tuple[str, str], Json]:
    """Return what the gateway serves, by method and path."""
    (api,) = made("AWS::ApiGateway::RestApi").values()
    return {
        (method.upper(), path): operation
        for path, methods in api["Body"]["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_but_the_public_ones_asks_the_authorizer() -> None:
    open_routes = {route for route, operation in operations().items() if {"Packhouse": []} not in operation["security"]}
    assert open_routes == PUBLIC


def test_the_gateway_serves_no_route_by_a_greedy_path_or_any_method() -> None:
    greedy = [route for route in operations() if "+" in route[1] or "ANY" in route[0]]
    assert greedy == []


def test_the_authorizer_is_asked_anew_for_every_request() -> None:
    (api,) = made("AWS::ApiGateway::RestApi").values()
    authorizer = api["Body"]["components"]["securitySchemes"]["Packhouse"]["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0


def test_every_method_is_throttled() -> None:
    (stage,) = made("AWS::ApiGateway::Stage").values()
    (settings,) = stage["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert 0 < settings["ThrottlingRateLimit"] <= settings["ThrottlingBurstLimit"] <= 5000


def test_the_stage_is_traced_and_logs_every_request() -> None:
    (stage,) = made("AWS::ApiGateway::Stage").values()
    assert stage["TracingEnabled"] is True
    line = json.loads(stage["AccessLogSetting"]["Format"])
    assert {"request_id", "route", "status", "principal"} <= line.keys()
    assert written("AWS::Logs::LogGroup")["ApiLogs"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_a_level_of_a_path_has_one_variable_name() -> None:
    """Two names at one level (`/a/{x}` and `/a/{y}/b`) are refused by AWS and taken by the emulator."""
    names = defaultdict(set)
    for _, path in operations():
        above = ""
        for step in path.split("/")[1:]:
            if step.startswith("{"):
                names[above].add(step)
                step = "{}"  # noqa: PLW2901  the level above the next step, whatever its name
            above += "/" + step
    assert {above: sorted(found) for above, found in names.items() if len(found) > 1} == {}


def test_no_path_has_a_variable_twice() -> None:
    twice = [
        path for _, path in operations() for found in [re.findall(r"\{(\w+)\}", path)] if len(found) != len(set(found))
    ]
    assert twice == []


def test_paths_speak_the_case_of_their_contract() -> None:
    for _, path in operations():
        for name in re.findall(r"\{(\w+)\}", path):
            form = r"[a-z][a-z0-9_]*" if path.startswith("/api/v1") else r"[a-z][A-Za-z0-9]*"
            assert re.fullmatch(form, name), path


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_the_gateway_answers_itself_is_a_problem_with_a_listed_code(name: str) -> None:
    answer = ANSWERS[name]
    problem = json.loads(answer["ResponseTemplates"]["application/json"])
    assert answer["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'"
    assert problem.keys() == {"type", "title", "status", "code", "detail", "request_id"}
    assert problem["status"] == answer["StatusCode"]
    assert problem["code"] in CODES
    assert problem["type"] == "https://packhouse.dev/errors#" + problem["code"].lower()
    assert problem["request_id"] == "$context.requestId"


def test_the_gateway_has_an_answer_for_everything_it_may_say() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "UNAUTHORIZED", "MISSING_AUTHENTICATION_TOKEN", "THROTTLED"} <= ANSWERS.keys()


def test_401_names_the_scheme() -> None:
    assert ANSWERS["UNAUTHORIZED"]["ResponseParameters"]["Headers"]["WWW-Authenticate"] == "'Bearer'"
