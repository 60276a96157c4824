"""A task of a state machine run as Lambda runs it first: in a process of its own, whose memory is the task's alone.

`python -m tests.bench.task_process <function's folder>` reads the event from its input and writes a line of JSON: the
task's result, its seconds and CPU seconds, its memory after the imports and the most it had, its calls by
`service.Operation`, and the read and write units that DynamoDB says they consumed.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "layers" / "core" / "python"
READS = ("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan")
Json = dict[str, Any]


@dataclass
class Cost:
    """What a task cost, or several: times, calls and units of all, the memory of the one that had most. Memory in MB.

    `calls` by `service.Operation`, `units` of DynamoDB by `read` and `write`.
    """

    seconds: float = 0
    cpu: float = 0
    imported_mb: float = 0
    peak_mb: float = 0
    calls: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)

    def calls_of(self, service: str) -> int:
        """Return how many calls of a service there were."""
        return sum(count for name, count in self.calls.items() if name.startswith(f"{service}."))

    @property
    def added_mb(self) -> float:
        """How much more than after its imports the task had."""
        return self.peak_mb - self.imported_mb

    def add(self, other: "Cost") -> None:
        """Count another task in."""
        self.seconds += other.seconds
        self.cpu += other.cpu
        self.calls += other.calls
        self.units += other.units
        if other.peak_mb > self.peak_mb:
            self.imported_mb, self.peak_mb = other.imported_mb, other.peak_mb


def run_task(function: str, variables: Mapping[str, str], event: Json) -> tuple[Json, Cost]:
    """Run a task of a function with these variables and the AWS environment of this process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.task_process", function],
        cwd=ROOT,
        env={**os.environ, **variables, "PYTHONPATH": str(CORE)},
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{function}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    result = told.pop("result")
    told |= {name: Counter(told[name]) for name in ("calls", "units")}
    return result, Cost(**told)


def memory_mb(name: str) -> float:
    """Return what the kernel says of this process's memory: `VmRSS` is what it has, `VmHWM` the most it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _counted() -> tuple[Counter[str], Counter[str]]:
    """Return what will be counted of the calls that this process sends from now on, by operation, and their units.

    The emulator tells the units of all calls but BatchGetItem: of each item of up to 4 KB that is read there one, or
    half of one where the read is eventually consistent.
    """
    dynamo = importlib.import_module("packhouse.aws.dynamo")
    calls, units = Counter[str](), Counter[str]()

    def count(event_name: str, **_: object) -> None:
        calls[event_name.partition(".")[2]] += 1

    def ask(params: Json, model: Any, **_: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        if model.name == "BatchGetItem":
            for wanted in params["RequestItems"].values():
                each: Any = 1 if wanted.get("ConsistentRead") else 0.5
                units["read"] += len(wanted["Keys"]) * each

    def take(event_name: str, parsed: Json, **_: object) -> None:
        kind = "read" if event_name.rpartition(".")[2] in READS else "write"
        consumed = parsed.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            units[kind] += each["CapacityUnits"]

    session = dynamo.session()
    session.register("before-send", count)
    session.register("provide-client-params.dynamodb", ask)
    session.register("after-call.dynamodb", take)
    return calls, units


def _main(function: str) -> None:
    spec = importlib.util.spec_from_file_location("app", ROOT / "functions" / function / "app.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(function)
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    calls, units = _counted()
    event = json.load(sys.stdin)
    imported, cpu, started = memory_mb("VmRSS"), time.process_time(), time.perf_counter()
    result = app.handler(event, None)
    told = {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "imported_mb": imported,
        "peak_mb": memory_mb("VmHWM"),
        "calls": calls,
        "units": units,
        "result": result,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    _main(sys.argv[1])
