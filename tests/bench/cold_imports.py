"""P1: what a cold start costs before the first request, against the least that talks to DynamoDB at all.

A child process imports a function's `app` exactly as Lambda would find it: the built function folder first, then the
built layers with their byte code, then the interpreter's own boto3. Its whole CPU time is read from the kernel.
"""

import json
import os
import statistics
from collections.abc import Mapping

from local import VENVS, deploy
from local.aws import CREDENTIALS
from tests.bench.figure import Figure, Run
from tests.bench.template import Function, filled_in, iter_functions

ROUNDS = 7
GOAL, STRETCH = 1.6, 1.3
FORBIDDEN = ("aws_xray_sdk", "cryptography", "numpy", "pandas", "pyarrow")
MAY_HAVE = {"authorizer": ("cryptography",)}
PYTHON = str(VENVS / "dev" / "bin" / "python")
NOWHERE = {"JwksUrl": "http://127.0.0.1:9/jwks.json", "JwtIssuer": "https://issuer.test", "JwtAudience": "packhouse"}

BARE = "import boto3; boto3.client('dynamodb')"
COLD = "import app"
READY = "import app; from packhouse.aws.dynamo import connection; connection().client"
LOADED = f"import app, json, sys; print(json.dumps([name for name in {FORBIDDEN!r} if name in sys.modules]))"
WARM_UP = "import boto3; [boto3.client(service) for service in ('dynamodb', 's3', 'stepfunctions')]"


def measure(run: Run) -> Figure:
    """Time every function and the bare client, taking turns, after a round that does not count."""
    functions = list(iter_functions())
    with run.steps("P1 build", 1):
        deploy.build()
        _cpu_seconds(WARM_UP, {"PATH": os.environ["PATH"], **CREDENTIALS})
    with run.steps("P1 cold imports", (ROUNDS + 1) * len(functions)) as bar:
        cold: dict[str, list[float]] = {function.name: [] for function in functions}
        ready: dict[str, list[float]] = {function.name: [] for function in functions}
        bare: list[float] = []
        for turn in range(ROUNDS + 1):
            for function in functions:
                environment = _environment(function)
                times = [_cpu_seconds(code, environment) for code in (COLD, READY, BARE)]
                if turn:
                    for kept, seconds in zip((cold[function.name], ready[function.name], bare), times, strict=True):
                        kept.append(seconds)
                bar.advance()
    forbidden = {function.name: _forbidden(function) for function in functions}
    return _figure(functions, cold, ready, bare, forbidden)


def _figure(
    functions: list[Function],
    cold: Mapping[str, list[float]],
    ready: Mapping[str, list[float]],
    bare: list[float],
    forbidden: Mapping[str, list[str]],
) -> Figure:
    floor = statistics.median(bare)
    rows = [("one bare boto3 client", *_times(bare, floor), "", "")]
    met = True
    for function in functions:
        ratio = statistics.median(cold[function.name]) / floor
        found = forbidden[function.name]
        good = ratio <= GOAL and not found
        met = met and good
        verdict = ("stretch" if ratio <= STRETCH else "met") if good else "MISSED " + " ".join(found)
        kind = "API" if function.routes else "task"
        with_client = statistics.median(ready[function.name]) / floor
        shown = function.name if function.name == "authorizer" else f"{function.name} ({kind})"
        rows.append((shown, *_times(cold[function.name], floor), f"{with_client:.2f}", verdict))
    return Figure(
        number="P1",
        title="Cold imports",
        goal=f"importing any function costs at most {GOAL}x one bare boto3 DynamoDB client (stretch {STRETCH}x), and "
        f"loads none of {', '.join(FORBIDDEN)} (the authorizer may have cryptography)",
        basis=f"CPU time of whole processes, {ROUNDS} rounds in turns after one that does not count, medians; built "
        "layers with byte code, the development environment's boto3 in place of the runtime's",
        columns=("function", "CPU ms", "ratio", "from-to ms", "ratio with its client", "verdict"),
        rows=rows,
        met=met,
        notes=["Functions make their DynamoDB client when first needed; the ratio with it is shown and has no goal."],
    )


def _times(seconds: list[float], floor: float) -> tuple[str, str, str]:
    median = statistics.median(seconds)
    return f"{median * 1000:.0f}", f"{median / floor:.2f}", f"{min(seconds) * 1000:.0f}-{max(seconds) * 1000:.0f}"


def _environment(function: Function) -> dict[str, str]:
    folders = [deploy.BUILD / function.logical_id, *(deploy.BUILD / layer / "python" for layer in function.layers)]
    return {
        "PATH": os.environ["PATH"],
        **CREDENTIALS,
        **filled_in(function, NOWHERE),
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",  # a function's folder is read-only on Lambda
    }


def _cpu_seconds(code: str, environment: Mapping[str, str]) -> float:
    """Run Python code in a process of its own; return its user and system time."""
    child = os.posix_spawn(PYTHON, [PYTHON, "-c", code], environment)
    _, status, used = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"failed with status {status}: {code}")
    return used.ru_utime + used.ru_stime


def _forbidden(function: Function) -> list[str]:
    """Return the modules that the function loads and must not."""
    reader, writer = os.pipe()
    files = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_CLOSE, reader)]
    child = os.posix_spawn(PYTHON, [PYTHON, "-c", LOADED], _environment(function), file_actions=files)
    os.close(writer)
    with os.fdopen(reader) as said:
        loaded: list[str] = json.load(said)
    os.waitpid(child, 0)
    return [name for name in loaded if name not in MAY_HAVE.get(function.name, ())]


