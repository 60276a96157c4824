"""P12: what a function weighs unpacked, from the built layers and the built functions."""

from importlib.util import find_spec
from pathlib import Path

from local import deploy
from tests.bench.figure import Figure, Run
from tests.bench.template import Function, iter_functions

API_GOAL_MB, WHOLE_GOAL_MB = 20, 70
RUNTIME = ("boto3", "botocore", "s3transfer", "urllib3", "dateutil")
MB = 1024 * 1024


def measure(run: Run) -> Figure:
    """Build, and weigh every layer and every function."""
    functions = list(iter_functions())
    with run.steps("P12 build", 1):
        deploy.build()
    names = sorted({layer for function in functions for layer in function.layers})
    layers = {layer: megabytes(deploy.BUILD / layer) for layer in names}
    code = {function.name: megabytes(deploy.BUILD / function.logical_id) for function in functions}
    api = sum(layers[layer] for layer in _in_all(functions))
    whole = {function.name: code[function.name] + sum(layers[at] for at in function.layers) for function in functions}
    runtime = sum(megabytes(_folder(package)) for package in RUNTIME)
    heaviest = max(whole.values()) + runtime
    rows = [(f"layer {layer}", "", f"{weight:.1f}", "", "") for layer, weight in layers.items()]
    rows += [
        (
            f"{function.name} ({'API' if function.routes else 'task'})",
            " + ".join(function.layers),
            f"{whole[function.name]:.1f}",
            f"{whole[function.name] + runtime:.1f}",
            "met" if whole[function.name] + runtime <= WHOLE_GOAL_MB else "MISSED",
        )
        for function in sorted(functions, key=lambda function: -whole[function.name])
    ]
    return Figure(
        number="P12",
        title="Sizes",
        goal=f"the layers of every API function ≤ {API_GOAL_MB} MB unpacked beside the runtime's boto3, any function "
        f"≤ {WHOLE_GOAL_MB} MB in all",
        basis="sums of the files' bytes in what `sam build` makes, byte code included, in MB of 1024² bytes; a "
        "function weighs its code and its layers; in all it is that and the runtime's boto3, of which the development "
        "environment's stands here",
        columns=("what", "layers", "MB", "with boto3", "verdict"),
        rows=rows,
        met=api <= API_GOAL_MB and heaviest <= WHOLE_GOAL_MB,
        notes=[
            f"the layers that all functions have: {api:.1f} MB, {'met' if api <= API_GOAL_MB else 'MISSED'}",
            f"the heaviest function in all: {heaviest:.1f} MB, boto3 {runtime:.1f} MB of it",
        ],
    )


def megabytes(folder: Path) -> float:
    """Return the bytes of all files below a folder, in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / MB


def _in_all(functions: list[Function]) -> list[str]:
    """Return the layers that every function has."""
    first, *others = functions
    return [layer for layer in first.layers if all(layer in other.layers for other in others)]


def _folder(package: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(package)
    return Path(found.origin).parent
