"""Where each error code stands in the sources, and the table of docs/errors.md that follows from it.

    PYTHONPATH=layers/core/python python -m tests.contract.codes      write the table of docs/errors.md anew
"""

import ast
import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from local import ROOT
from packhouse import errors
from packhouse.builds.model import ExclusionCode
from packhouse.pipeline.drawn import PictureLeftOut
from packhouse.pipeline.plan import LeftOutReason
from packhouse.pipeline.rendering import RowReason
from packhouse.samples.model import AssetReason, OverlayReason
from tests.contract.sources import FUNCTIONS, PACKAGE, modules, template, tree

DOCUMENT = ROOT / "docs" / "errors.md"
HEAD = "| code | where | meaning |\n|---|---|---|\n"
JOB = "job"
WITHIN = {
    "exclusion": [*ExclusionCode],
    "lineage": [*LeftOutReason],
    "export": [*PictureLeftOut],
    "sample": [*AssetReason, *OverlayReason],
    "training dataset": [*RowReason],
}
"""Codes that stand in an answer, by what they are said of."""

OF_JOBS = {"UnitFailedError", "QualityHardFailError"}
"""Raised by tasks alone: no caller of the API ever gets their status."""


@functools.cache
def statuses() -> dict[str, str]:
    """Return, by the name of every error class of the package, the HTTP status that it is answered with, or `job`."""
    bases = {
        node.name: ast.unparse(node.bases[0])
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.bases and node.name.endswith("Error")
    }
    found = {}
    for name in bases:
        root = name
        while not hasattr(errors, root) and root in bases:
            root = bases[root]
        if hasattr(errors, root):
            found[name] = JOB if root in OF_JOBS else str(getattr(errors, root).status)
    return found | {"PackhouseError": str(errors.PackhouseError.status)}


def iter_raised() -> Iterator[tuple[str | None, str]]:
    """Yield code and place of every error that the sources make; the code is `None` where it is no literal."""
    for path in [*modules(), *FUNCTIONS.glob("*/app.py")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in statuses():
                if node.func.id in _coded():
                    continue
                if node.args and ast.unparse(node.args[0]) == "issue.code":
                    yield from ((code, statuses()[node.func.id]) for code in _errors_of_plans())
                else:
                    yield _code_of(node), statuses()[node.func.id]
            elif isinstance(node, ast.ClassDef) and node.name in _coded():
                yield _literal(_coded()[node.name].args[0]), statuses()[node.name]


@functools.cache
def _coded() -> dict[str, ast.Call]:
    """Return the error classes that bring their one code with them, with the call that hands it to their base."""
    return {
        node.name: call
        for path in modules()
        if path.stem != "errors"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name in statuses()
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__"
    }


def _code_of(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Name) and call.func.id == "RequestFaultsError":
        return _literal(call.args[1]) if len(call.args) > 1 else "INVALID_REQUEST"
    return _literal(call.args[0])


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _errors_of_plans() -> set[str | None]:
    """Return the codes of the issues that a plan ends with: the pipeline's; a selection's are refused at the door."""
    pipeline = [path for path in modules() if path.parent.name == "pipeline"]
    return {code for code, level in iter_issues(pipeline) if level == "error"}


def iter_issues(paths: Iterable[Path] = ()) -> Iterator[tuple[str | None, str | None]]:
    """Yield code and level of every issue that these modules, or all, may tell; `None` where one is no literal."""
    for path in paths or modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Issue":
                yield _literal(node.args[0]), _literal(node.args[1])


def iter_of_jobs() -> Iterator[str]:
    """Yield the codes that jobs are ended with from outside: in `task` and `settle`, as literals, values or pairs."""
    for path in (PACKAGE / "task.py", PACKAGE / "settle.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "JobError":
                code = _literal(next(word.value for word in node.keywords if word.arg == "code"))
                yield from [code] if code else []
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and (code := _literal(node.elts[0])):
                yield code
            elif isinstance(node, ast.Dict):
                yield from (code for value in node.values if (code := _literal(value)) and code.isupper())


@functools.cache
def places() -> dict[str, set[str]]:
    """Return where each code comes from: HTTP statuses, `job`, an issue of a preflight, or what `WITHIN` names."""
    found = defaultdict(set)
    for code, place in iter_raised():
        if code is not None:
            found[code].add(place)
    for code in iter_of_jobs():
        found[code].add(JOB)
    for where, codes in WITHIN.items():
        for code in codes:
            found[str(code)].add(where)
    for code, level in iter_issues():
        found[str(code)].add(f"preflight {level}")
    for answer in template()["Resources"]["Api"]["Properties"]["GatewayResponses"].values():
        problem = json.loads(answer["ResponseTemplates"]["application/json"])
        found[problem["code"]].add(str(problem["status"]))
    return dict(found)


def table() -> str:
    """Return the table of docs/errors.md: every code once, in the order of `packhouse.errors.CODES`."""
    rows = [
        f"| `{code}` | {', '.join(sorted(places().get(code, set())))} | {meaning} |\n"
        for code, meaning in errors.CODES.items()
    ]
    return HEAD + "".join(rows)


def main() -> None:
    """Write the table."""
    before, _, _ = DOCUMENT.read_text().partition(HEAD)
    DOCUMENT.write_text(before + table())


if __name__ == "__main__":
    main()
