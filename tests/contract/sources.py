"""What the contract tests read: the template as written and as SAM expands it, the state machines, the syntax trees."""

import ast
import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from local import ROOT

PACKAGE = ROOT / "layers" / "core" / "python" / "packhouse"
FUNCTIONS = ROOT / "functions"
MACHINES = ROOT / "statemachines"
EVENTS = ROOT / "events"

Json = dict[str, Any]

_UPLOADED = "s3://bucket/key"
_WITHOUT_DEFAULT = {"JwksUrl": "https://id.example/jwks", "JwtIssuer": "https://id.example", "JwtAudience": "packhouse"}


class _ManagedPolicies:
    """Stands for the look-up of managed policies in an account: the template names none by their short name."""

    def load(self) -> dict[str, str]:
        return {}


@functools.cache
def template() -> Json:
    """Return template.yaml as written; `!Ref X` reads `{"Ref": "X"}`."""
    parsed: Json = yaml_parse((ROOT / "template.yaml").read_text())
    return parsed


@functools.cache
def expanded() -> Json:
    """Return the resources as CloudFormation gets them, after SAM's transformation."""
    uploaded: Json = yaml_parse((ROOT / "template.yaml").read_text())
    for resource in uploaded["Resources"].values():
        for field in {"CodeUri", "ContentUri", "DefinitionUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][field] = _UPLOADED
    with mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": "us-east-1"}):  # asked for, looked up nowhere else
        whole: Json = transform(uploaded, _WITHOUT_DEFAULT, _ManagedPolicies())
    resources: Json = whole["Resources"]
    return resources


def of_type(resources: Mapping[str, Json], kind: str) -> dict[str, Json]:
    """Return the properties of all resources of a type, by their names."""
    return {
        name: resource.get("Properties", {}) for name, resource in resources.items() if resource["Type"] == kind
    }


def written(kind: str) -> dict[str, Json]:
    """Return the properties of all resources of a type in template.yaml."""
    return of_type(template()["Resources"], kind)


def made(kind: str) -> dict[str, Json]:
    """Return the properties of all resources of a type after the expansion."""
    return of_type(expanded(), kind)


def functions() -> dict[str, Json]:
    """Return the functions of the template by their folder below `functions/`."""
    found = written("AWS::Serverless::Function")
    return {Path(properties["CodeUri"]).name: properties for properties in found.values()}


def folders() -> list[str]:
    """Return the folders below `functions/`."""
    return sorted(path.parent.name for path in FUNCTIONS.glob("*/app.py"))


def as_list(value: Any) -> list[Any]:
    """Return the value as a list, as IAM reads it."""
    return value if isinstance(value, list) else [value]


@functools.cache
def machine(name: str) -> Json:
    """Return a state machine's definition, before substitution."""
    definition: Json = json.loads((MACHINES / f"{name}.asl.json").read_text())
    return definition


def machines() -> list[str]:
    """Return the names of the state machines."""
    return sorted(path.name.removesuffix(".asl.json") for path in MACHINES.glob("*.asl.json"))


def iter_states(definition: Json) -> Iterator[tuple[str, Json, Json]]:
    """Yield every state with its name and the definition it stands in, those of maps after their map."""
    for name, state in definition["States"].items():
        yield name, state, definition
        if "ItemProcessor" in state:
            yield from iter_states(state["ItemProcessor"])


@functools.cache
def tree(path: Path) -> ast.Module:
    """Return a source file's syntax tree."""
    return ast.parse(path.read_text(), str(path))


def modules() -> list[Path]:
    """Return the source files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """Return a source file's module name below `packhouse`: `builds.rules`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def subclasses_in(module: ModuleType, root: type) -> dict[str, type]:
    """Return a module's own classes below a root, by name."""
    classes = {name: found for name, found in vars(module).items() if isinstance(found, type) and found is not root}
    return {name: found for name, found in classes.items() if issubclass(found, root)}


def snake(camel: str) -> str:
    """Return a state's or a resource's name as folders and functions have it.

    >>> snake("PlanBuild")
    'plan_build'
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "_", camel).lower()
