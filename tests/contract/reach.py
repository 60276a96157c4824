"""Which calls to AWS a function can come to, read off the syntax trees from its `app.py` down.

What is followed: names of functions and classes, and methods of things whose class is written down (annotations of
parameters and fields, `X(...)`, `X.from_settings(...)`). It ends at the ports: a store's table model, a transaction,
the objects of a bucket, executions.
"""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.contract.sources import FUNCTIONS, PACKAGE, tree

Action = tuple[str, str]
"""An IAM action and what it is for: a table, a table's index, a bucket, or `execution`."""

WRITERS = {
    "Transaction": {
        "put": {"PutItem"},
        "update": {"UpdateItem"},
        "delete": {"DeleteItem"},
        "check": {"ConditionCheckItem"},
    },
    # whoever keeps what a request came to is asked for it by the endpoint around
    "Once": {"commit": {"PutItem", "GetItem"}, "keep": {"PutItem", "GetItem"}},
}
ONCE_TABLE = "IdempotencyTable"
OF_MODELS = {"get": "GetItem", "query": "Query", "batch_write": "BatchWriteItem"}
OBJECTS = {
    "read": {"GetObject"},
    "read_range": {"GetObject"},
    "iter_ranges": {"GetObject"},
    "stream": {"GetObject"},
    "read_sealed": {"GetObject"},
    "iter_sealed": {"GetObject"},
    "iter_read": {"GetObject"},
    "find_facts": {"GetObject"},
    "iter_found": {"GetObject"},
    "demand_written": {"GetObject"},
    "presign_get": {"GetObject"},
    "presign_put": {"PutObject"},
    "overwrite": {"PutObject"},
    "remove": {"DeleteObject"},
    "iter_facts": {"ListBucket"},
    "write_once": {"PutObject", "GetObject"},  # looks at what is there when it is not the first
    "write_unless_there": {"PutObject", "GetObject"},
    "writer": {"PutObject", "GetObject", "AbortMultipartUpload"},
}
TABLES = {
    "jobs": "BuildsTable",
    "datasets": "CatalogTable",
    "collections": "CatalogTable",
    "freezes": "EvaluationTable",
    "audio": "AnnotationsTable",
    "rollouts": "TrainingTable",
}
"""The table of a context that has none of its own name."""

EXECUTIONS = {
    "start": "StartExecution",
    "find": "DescribeExecution",
    "stop": "StopExecution",
    "go_on": "SendTaskSuccess",
}


@dataclass(frozen=True)
class Definition:
    """A function or class where it is defined; `owner` is the class around a method."""

    path: Path
    node: ast.FunctionDef | ast.ClassDef
    owner: ast.ClassDef | None = None


@functools.cache
def defined(path: Path) -> dict[str, Definition]:
    """Return the functions and classes that a source file defines or imports from the package, by name."""
    found = {}
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = Definition(path, node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("packhouse."):
            origin = PACKAGE / Path(*(node.module or "").split(".")[1:])
            source = origin.with_suffix(".py")
            for alias in node.names:
                if source.exists() and alias.name in defined(source):
                    found[alias.asname or alias.name] = defined(source)[alias.name]
    return found


def lineage(found: Definition) -> Iterator[Definition]:
    """Yield a class and those of the package that it is derived from, the nearest first."""
    yield found
    for base in found.node.bases if isinstance(found.node, ast.ClassDef) else ():
        if (above := class_of(base, found.path)) is not None:
            yield from lineage(above)


def method_of(found: Definition, name: str) -> Definition | None:
    """Return a method of a class, its own or inherited."""
    for each in lineage(found):
        for node in each.node.body:
            if isinstance(node, ast.FunctionDef) and node.name == name and isinstance(each.node, ast.ClassDef):
                return Definition(each.path, node, each.node)
    return None


def class_of(expression: ast.expr | None, path: Path) -> Definition | None:
    """Return the class that an annotation, `X(...)`, `X.from_settings(...)` or the result of a function names.

    Also one of two by a condition.
    """
    if isinstance(expression, ast.IfExp):
        return class_of(expression.body, path) or class_of(expression.orelse, path)
    if isinstance(expression, ast.Call):
        made = expression.func.value if isinstance(expression.func, ast.Attribute) else expression.func
        return class_of(made, path)
    found = defined(path).get(expression.id) if isinstance(expression, ast.Name) else None
    if found and isinstance(found.node, ast.FunctionDef):
        return class_of(found.node.returns, found.path)
    return found if found and isinstance(found.node, ast.ClassDef) else None


def typed_names(scope: ast.AST, path: Path) -> dict[str, Definition]:
    """Return the variables, parameters and fields of a scope whose class is written down."""
    found = {}
    for name, written in _iter_written(scope):
        if (kind := class_of(written, path)) is not None:
            found[name] = kind
    return found


def _iter_written(scope: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield names with their annotation, or with the value that they are first given."""
    for node in ast.walk(scope):
        if isinstance(node, ast.arg):
            yield node.arg, node.annotation
        elif isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), node.annotation
        elif isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                yield from ((ast.unparse(name), part) for name, part in zip(target.elts, value.elts, strict=True))
            else:
                yield ast.unparse(target), value


def reached(folder: str) -> set[Action]:
    """Return the actions that a function's role needs, those of its edge apart.

    What a request came to is kept for the endpoints of requests: a function without any hands on a `Once` of no key.
    """
    path = FUNCTIONS / folder / "app.py"
    actions: set[Action] = set()
    seen: set[tuple[Path, str, str]] = set()
    waiting: list[tuple[ast.AST, Path, Definition | None]] = [(tree(path), path, None)]
    while waiting:
        scope, where, owner = waiting.pop()
        actions |= set(iter_port_calls(scope, where, owner))
        for callee in iter_callees(scope, where, owner):
            key = (callee.path, callee.owner.name if callee.owner else "", callee.node.name)
            if key not in seen and callee.path.parent.name != "aws":
                seen.add(key)
                around = Definition(callee.path, callee.owner) if callee.owner else None
                waiting.append((callee.node, callee.path, around))
    if "Endpoints" not in defined(path):
        actions = {(action, where) for action, where in actions if where != ONCE_TABLE}
    return actions


def names_in(scope: ast.AST, path: Path, owner: Definition | None) -> dict[str, Definition]:
    """Return what a scope's expressions stand for: its own names, `self`, and fields of them, however deep."""
    names = typed_names(scope, path)
    if owner is not None:
        names["self"] = owner
    for node in ast.walk(scope):
        if isinstance(node, ast.Attribute) and (found := _field_of(node, names)) is not None:
            names[ast.unparse(node)] = found
    return names


def _field_of(expression: ast.expr, names: dict[str, Definition]) -> Definition | None:
    """Return the class of a field of a name, or of a field of that."""
    known = names.get(ast.unparse(expression))
    if known is not None or not isinstance(expression, ast.Attribute):
        return known
    around = _field_of(expression.value, names)
    if around is None:
        return None
    for each in lineage(around):
        fields: list[ast.stmt] = [node for node in each.node.body if isinstance(node, ast.AnnAssign)]
        if (kind := typed_names(ast.Module(fields, []), each.path).get(expression.attr)) is not None:
            return kind
    return None


def iter_callees(scope: ast.AST, path: Path, owner: Definition | None) -> Iterator[Definition]:
    """Yield the functions and methods that a scope names, called or handed on."""
    names = names_in(scope, path, owner)
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and (found := defined(path).get(node.id)):
            if isinstance(found.node, ast.FunctionDef):
                yield found
        elif isinstance(node, ast.Attribute):
            kind = names.get(ast.unparse(node.value)) or class_of(node.value, path)
            if kind is not None and (method := method_of(kind, node.attr)) is not None:
                yield method


def iter_port_calls(scope: ast.AST, path: Path, owner: Definition | None) -> Iterator[Action]:
    """Yield the actions of the calls that a scope makes at a port itself."""
    names = names_in(scope, path, owner)
    table = TABLES.get(path.parent.name, f"{path.parent.name.capitalize()}Table")
    for node in ast.walk(scope):
        if isinstance(node, ast.Attribute):
            base = ast.unparse(node.value)
            port = names[base].node.name if base in names else base
            if port in {"Objects", "WarmObjects"}:
                bucket = "UploadsBucket" if base.endswith("uploads") else "DataBucket"
                yield from ((f"s3:{action}", bucket) for action in OBJECTS.get(node.attr, ()))
            elif port == "executions" and node.attr in EXECUTIONS:
                yield f"states:{EXECUTIONS[node.attr]}", "execution"
            elif port in WRITERS and node.attr in WRITERS[port]:
                where = table if port == "Transaction" else ONCE_TABLE
                yield from ((f"dynamodb:{action}", where) for action in WRITERS[port][node.attr])
            elif path.stem == "store":
                yield from _of_model(base, node.attr, table)
        elif path.stem == "store" and (action := _of_helper(node)):
            yield f"dynamodb:{action}", table


def _of_model(base: str, method: str, table: str) -> Iterator[Action]:
    """The calls of a table's model: on the class, on one of its indexes, or on an item."""
    model, _, index = base.partition(".")
    if model.startswith("_") and model.endswith("Item") and method in OF_MODELS:
        yield f"dynamodb:{OF_MODELS[method]}", f"{table}/index/{index}" if index else table


def _of_helper(node: ast.AST) -> str | None:
    """The call that a helper of `aws.dynamo` makes for a store."""
    if isinstance(node, ast.FunctionDef) and _reads_together(node):
        return "BatchGetItem"
    return "UpdateItem" if isinstance(node, ast.Name) and node.id == "update_alone" else None


def _reads_together(method: ast.FunctionDef) -> bool:
    """Whether a store's method reads several items at once, or gives away a key for such a read."""
    returned = ast.unparse(method.returns) if method.returns else ""
    return returned == "Key" or "read_together(" in ast.unparse(method)
