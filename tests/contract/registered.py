"""Prints what the functions say of themselves once they are imported, as JSON: routes by function folder.

Run apart from the tests (`python -m tests.contract.registered`): importing a function binds stores to tables for the
whole process.
"""

import importlib.util
import json
import os
import re
import sys
from types import ModuleType

from packhouse.access.authorize import find_credential
from tests.contract.sources import EVENTS, FUNCTIONS, folders, functions, template

PLACEHOLDER = "https://packhouse.example/"


def load(folder: str) -> ModuleType:
    """Import a function with the variables that the template gives it."""
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    own = functions()[folder].get("Environment", {}).get("Variables", {})
    values = {name: value if isinstance(value, str) else PLACEHOLDER for name, value in (shared | own).items()}
    kept = dict(os.environ)
    os.environ.update(values, AWS_DEFAULT_REGION="us-east-1")
    try:
        spec = importlib.util.spec_from_file_location(f"functions.{folder}.app", FUNCTIONS / folder / "app.py")
        if spec is None or spec.loader is None:
            raise ImportError(folder)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        os.environ.clear()
        os.environ.update(kept)
    return module


def routes_of(module: ModuleType) -> list[tuple[str, str]]:
    """Return the routes of a function's resolver as the template spells them: `{x}` for `<x>`."""
    app = getattr(module, "app", None)
    if app is None:
        return []
    routes = [*app._static_routes, *app._dynamic_routes]
    return [(route.method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in routes]


def credentials_of(module: ModuleType) -> dict[str, str | None]:
    """Return the credential that the authorizer finds in each of its events."""
    found = {}
    for path in sorted(EVENTS.glob("authorizer.*.json")):
        event = json.loads(path.read_text())
        found[path.name] = find_credential(module._all_values(event), event.get("queryStringParameters") or {})
    return found


def main() -> None:
    """Print the answer."""
    modules = {folder: load(folder) for folder in folders()}
    said = {
        "routes": {folder: routes_of(module) for folder, module in modules.items()},
        "handlers": {folder: callable(getattr(module, "handler", None)) for folder, module in modules.items()},
        "credentials": credentials_of(modules["authorizer"]),
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
