"""Imports point one way: pure code knows no table, tables know no service, services know no HTTP.

A use case writes what belongs together in one transaction, also across contexts, so `service`, `ingest` and `steps`
speak to the stores of any context; none of them speaks to pynamodb. `settle` ends jobs without knowing of what kind;
`kinds` alone knows all of them, and only functions know `kinds`.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.sources import FUNCTIONS, module_name, modules, tree

PURE = ("stdlib", "pydantic", "msgspec", "isal", "errors")
OTHERS = ("access.model", "audio.model", "audit.model", "uploads.model")
JOBS = ("jobs.model", "aws.executions", "aws.once")  # what ends them, `settle`, is handed to their routes

LAYERS: dict[str, tuple[str, ...]] = {
    "pipeline": (*PURE, "pipeline"),
    "model": (*PURE, "pipeline", "*.model", "*.rules"),
    "rules": (*PURE, "pipeline", "*.model", "*.rules"),
    "service": (*PURE, "pipeline", "*.model", "*.rules", "*.store", "*.service", "aws", "orjson", "settings"),
    "store": ("stdlib", "pynamodb", "orjson", "pydantic", "errors", "aws", ".model", "access.model", "jobs.model"),
    "routes": (*PURE, "powertools", "api", "pipeline", ".model", ".rules", ".service", *OTHERS, "aws.clock", *JOBS),
    "api": (
        "stdlib",
        "powertools",
        "pydantic",
        "orjson",
        "errors",
        "api",
        "access.model",
        "access.rules",
        "aws.faults",
        "aws.once",
    ),
    "aws": ("stdlib", "botocore", "pynamodb", "orjson", "pydantic", "ulid", "errors", "aws"),
    "errors": ("stdlib",),
    "settings": ("stdlib",),
    "access.tokens": ("stdlib", "jwt", "pydantic"),
    "access.authorize": ("stdlib", "access.model", "access.service", "access.tokens"),
    # the document of all contexts; their endpoints are declared there once more, and never called
    "about.document": ("stdlib", "powertools", "api", "about.model", "*.model", "*.routes"),
    "about.routes": ("stdlib", "powertools", "pydantic", "api", "about.document"),
    "task": ("stdlib", "powertools", "errors", "jobs.model", "aws"),
    # a command for whoever downloaded files; no AWS in it
    "verify": (*PURE, "pipeline"),
    # above the contexts: the one ends jobs of every kind, the other says which kinds there are
    "settle": ("stdlib", "powertools", "errors", "task", "aws", "access.model", "jobs.model", "jobs.store"),
    "kinds": ("stdlib", "settings", "settle", "aws.objects", "*.model", "*.store", "*.service"),
}
USE_CASES = (
    *("service", "ingest", "steps", "sources", "results", "versions", "answers", "protections"),
    *("exports", "sealing", "stored"),
    *("contents", "edits", "publishing", "promotions", "chores", "endings"),
)
"""Files of a context that hold use cases: what HTTP asks for, and what the tasks of a machine do."""

DECISIONS = ("rules", "batches", "counting", "differences")
"""Files of a context that hold what is decided and computed without a table: as pure as its rules."""

WORDS = ("conversations",)
"""Files of a context that hold words beside its model."""

LAYER_OF_FILE = {
    **dict.fromkeys(WORDS, "model"),
    **dict.fromkeys(USE_CASES, "service"),
    **dict.fromkeys(DECISIONS, "rules"),
}

NEVER = {"aws_xray_sdk": "362 ms at cold start", "functions": "the edge imports the package, never the other way"}
ONE_PLACE = {"jwt": "access.tokens", "cryptography": "access.tokens"}


def layer_of(name: str) -> str:
    """Return the layer of a module: by its own name, by its package, or by its file's name in a context."""
    first, last = name.partition(".")[0], name.rpartition(".")[2]
    if name in LAYERS:
        return name
    if first in {"pipeline", "api", "aws"}:
        return first
    return LAYER_OF_FILE.get(last, last)


def iter_imports(path: Path) -> Iterator[str]:
    """Yield what a source file imports; first-party names without `packhouse.`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("packhouse.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name their package"
            origin = (node.module or "").removeprefix("packhouse.")
            if origin == "packhouse" or (node.module == "packhouse.aws"):
                yield from (f"{origin}.{alias.name}".removeprefix("packhouse.") for alias in node.names)
            else:
                yield origin


def is_allowed(imported: str, importer: str, allowed: tuple[str, ...]) -> bool:
    """Whether one of a layer's terms covers an import: a package, `.file` of the own context, `*.file` of any."""
    top, context = imported.partition(".")[0], importer.partition(".")[0]
    names = {imported, top, imported.replace("aws_lambda_powertools", "powertools").split(".")[0]}
    if top in sys.stdlib_module_names:
        names.add("stdlib")
    if imported.count(".") == 1:
        file = imported.split(".")[1]
        file = LAYER_OF_FILE.get(file, file)
        names.add(f"*.{file}")
        if top == context:
            names.add(f".{file}")
    prefixes = {".".join(imported.split(".")[:depth]) for depth in range(1, imported.count(".") + 2)}
    return bool((names | prefixes) & set(allowed))


@pytest.mark.parametrize("path", modules(), ids=module_name)
def test_a_module_imports_only_what_its_layer_may(path: Path) -> None:
    name = module_name(path)
    if path.name == "__init__.py":
        assert list(iter_imports(path)) == []
        return
    allowed = LAYERS[layer_of(name)]
    assert [imported for imported in iter_imports(path) if not is_allowed(imported, name, allowed)] == []


def test_some_libraries_are_imported_nowhere_and_some_in_one_place() -> None:
    for path in [*modules(), *FUNCTIONS.glob("*/app.py")]:
        tops = {imported.split(".")[0] for imported in iter_imports(path)}
        assert tops & NEVER.keys() == set(), path
        for foreign in tops & ONE_PLACE.keys():
            assert path in modules(), path
            assert module_name(path) == ONE_PLACE[foreign]


@pytest.mark.parametrize("path", sorted(FUNCTIONS.glob("*/app.py")), ids=lambda path: path.parent.name)
def test_a_function_imports_the_package_and_nothing_beside_it(path: Path) -> None:
    """The edge wires; a library in it would be one that no test of the package meets."""
    tops = {imported.split(".")[0] for imported in iter_imports(path)}
    third_party = tops - sys.stdlib_module_names - {module_name(module).split(".")[0] for module in modules()}
    assert third_party <= {"aws_lambda_powertools"}


def test_every_layer_of_the_rules_is_one_that_has_modules() -> None:
    layers = {layer_of(module_name(path)) for path in modules() if path.name != "__init__.py"}
    assert layers == set(LAYERS)
