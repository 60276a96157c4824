"""What a function is told by its environment is what its settings class reads, and all of that is used."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from packhouse import settings
from tests.contract.sources import FUNCTIONS, PACKAGE, folders, functions, modules, subclasses_in, template, tree

ANY_FUNCTION = {"AWS_LAMBDA_FUNCTION_NAME"}
"""What the runtime itself sets; two loggers are named after it."""


def settings_class(folder: str) -> str | None:
    """Return the name of the settings class that a function reads its environment with."""
    calls = [node for node in ast.walk(tree(FUNCTIONS / folder / "app.py")) if isinstance(node, ast.Attribute)]
    named = [call.value.id for call in calls if call.attr == "from_env" and isinstance(call.value, ast.Name)]
    assert len(named) <= 1, folder
    return named[0] if named else None


def variables_read(name: str | None) -> set[str]:
    """Return the variables that a settings class reads."""
    return {field.name.upper() for field in fields(getattr(settings, name))} if name else set()


@pytest.mark.parametrize("folder", folders())
def test_a_function_is_given_exactly_the_variables_that_its_settings_read(folder: str) -> None:
    given = set(functions()[folder].get("Environment", {}).get("Variables", {}))
    assert given == variables_read(settings_class(folder))


def test_what_all_functions_are_given_is_for_the_logger() -> None:
    assert set(template()["Globals"]["Function"]["Environment"]["Variables"]) == {"POWERTOOLS_LOG_LEVEL"}


def test_every_settings_class_is_one_that_a_function_reads() -> None:
    used = {settings_class(folder) for folder in folders()} - {None}
    assert subclasses_in(settings, settings.Settings).keys() == used


def looked_at(path: Path, *names: str) -> set[str]:
    """Return the attributes that a source file looks at on a variable of one of the names."""
    nodes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)]
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id in names}


@pytest.mark.parametrize("folder", folders())
def test_every_variable_that_a_function_is_given_is_used(folder: str) -> None:
    """By the function itself, or by the `from_settings` of the use cases that it hands its settings to."""
    path = FUNCTIONS / folder / "app.py"
    used = looked_at(path, "_settings")
    if re.search(r"\b(from_settings|settle_of|sweeper_of)\(", path.read_text()):
        used = used.union(*(looked_at(path, "settings") for path in modules()))
        used |= looked_at(PACKAGE / "settings.py", "self")
    assert {name.lower() for name in variables_read(settings_class(folder))} <= used


def test_only_settings_read_the_environment() -> None:
    readers = {}
    for path in [*modules(), *FUNCTIONS.glob("*/app.py")]:
        read = [ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call | ast.Subscript)]
        read = [text for text in read if text.startswith(("os.environ", "os.getenv", "environ", "getenv"))]
        foreign = [text for text in read if not any(name in text for name in ANY_FUNCTION)]
        if foreign and path != PACKAGE / "settings.py":
            readers[path.name] = foreign
    assert readers == {}
