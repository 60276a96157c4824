"""A task of a state machine run as Lambda runs it first: in a process of its own, whose memory is the task's alone.

`python -m tests.bench.task_process <function's folder>` reads the event from its input and writes a line of JSON: the
task's result, its seconds and CPU seconds, its memory after the imports and the most it had, and its calls.
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
Json = dict[str, Any]


@dataclass
class Cost:
    """What a task cost, or several: times and calls of all, the memory of the one that had most. Memory in MB."""

    seconds: float = 0
    cpu: float = 0
    imported_mb: float = 0
    peak_mb: float = 0
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def added_mb(self) -> float:
        """How much more than after its imports the task had."""
        return self.peak_mb - self.imported_mb

    def add(self, other: "Cost") -> None:
        """Count another task in."""
        self.seconds += other.seconds
        self.cpu += other.cpu
        self.calls += other.calls
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
    cost = Cost(told["seconds"], told["cpu"], told["imported_mb"], told["peak_mb"], Counter(told["calls"]))
    return told["result"], cost


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _main(function: str) -> None:
    spec = importlib.util.spec_from_file_location("app", ROOT / "functions" / function / "app.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(function)
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    dynamo = importlib.import_module("packhouse.aws.dynamo")
    calls: Counter[str] = Counter()

    def count(event_name: str, **_: object) -> None:
        calls[event_name.split(".")[1]] += 1

    dynamo.session().register("before-send", count)
    event = json.load(sys.stdin)
    imported, cpu, started = _memory_mb("VmRSS"), time.process_time(), time.perf_counter()
    result = app.handler(event, None)
    told = {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "imported_mb": imported,
        "peak_mb": _memory_mb("VmHWM"),
        "calls": calls,
        "result": result,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    _main(sys.argv[1])
