"""What the template says of functions, routes and tables, without deploying it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local import ROOT

Json = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; `!Ref X` becomes `{"Ref": X}`."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {suffix: loader.construct_mapping(node, deep=True)}
    raise TypeError(type(node))


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Route:
    """An endpoint, and the folder of the function that serves it."""

    function: str
    method: str
    path: str


@dataclass(frozen=True)
class Function:
    """A function: its logical id, its folder, its layers, the variables it is given, and its routes."""

    logical_id: str
    name: str
    layers: tuple[str, ...]
    variables: Json
    routes: tuple[Route, ...]


@cache
def read(path: Path = ROOT / "template.yaml") -> Json:
    """Return the template as written."""
    document: Json = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506  a subclass of SafeLoader
    return document


def iter_functions() -> Iterator[Function]:
    """Yield every function in the order of the template."""
    document = read()
    common = document["Globals"]["Function"]
    for logical_id, resource in document["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        facts = resource["Properties"]
        name = facts["CodeUri"].strip("/").rpartition("/")[2]
        variables = common["Environment"]["Variables"] | facts.get("Environment", {}).get("Variables", {})
        # A list of a function is added to that of the globals.
        layers = tuple(layer["Ref"] for layer in [*common["Layers"], *facts.get("Layers", [])])
        events = [event["Properties"] for event in facts.get("Events", {}).values() if event["Type"] == "Api"]
        routes = tuple(Route(name, event["Method"].upper(), event["Path"]) for event in events)
        yield Function(logical_id, name, layers, variables, routes)


def iter_routes() -> Iterator[Route]:
    """Yield every endpoint."""
    for function in iter_functions():
        yield from function.routes


def iter_tables() -> Iterator[Json]:
    """Yield every table as `create_table` takes it, named after its logical id."""
    for logical_id, resource in read()["Resources"].items():
        if resource["Type"] == "AWS::DynamoDB::Table":
            facts = resource["Properties"]
            kept = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
            yield {name: facts[name] for name in kept if name in facts} | {"TableName": logical_id}


def filled_in(function: Function, parameters: dict[str, str]) -> dict[str, str]:
    """Return the variables of a function with something plausible in place of what only a deployment knows.

    Tables and buckets are called by their logical ids, parameters by `parameters`, everything else by its default.
    """
    return {name: _filled_in(value, parameters) for name, value in function.variables.items()}


def _filled_in(value: Any, parameters: dict[str, str]) -> str:
    if isinstance(value, str):
        return value
    ((kind, said),) = value.items()
    if kind == "Sub":
        return str(said).replace("${AWS::AccountId}", "0").replace("${AWS::Region}", "us-east-1").replace("${", "{")
    known = read()
    if said in known["Parameters"]:
        return parameters.get(said) or str(known["Parameters"][said]["Default"])
    return str(said).lower() if known["Resources"][said]["Type"] == "AWS::S3::Bucket" else str(said)
