"""`make test`: every check in turn, each on one line, the failures in full, pytest last with its own output.

    python -m local.check               everything
    python -m local.check --static      what reads the sources only

A check that fails does not stop the next. Nothing here asks the network.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local import ROOT, VENVS, aws, deploy
from local.process import LocalStackError

NOWHERE = "http://127.0.0.1:9"
DEV, SAM = VENVS / "dev" / "bin", VENVS / "sam" / "bin"
TYPED = ("functions", "layers/core/python/packhouse", "client", "local", "tests")
PARALLEL = ("-n", "2", "--dist", "loadfile")  # two processes, each with a stack of its own where it needs one
SUITES = ("unit", "integration", "contract", "e2e", "conformance", "faults")


@dataclass(frozen=True)
class Outcome:
    """How one check went."""

    name: str
    failed: bool
    seconds: float


def command(*line: str | Path) -> str:
    """Run a command without network or credentials; return what it says if it fails, else an empty string."""
    environment = {**aws.environment(NOWHERE), **deploy.NATIVE_LAYERS}
    done = subprocess.run(
        [str(part) for part in line], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )
    return (done.stdout + done.stderr).strip() or f"exit status {done.returncode}" if done.returncode else ""


def build() -> str:
    """Build the template for this machine."""
    try:
        deploy.build()
    except LocalStackError as error:
        return str(error)
    return ""


def definitions() -> str:
    """Validate each state machine after substitution, as the service would see it."""
    said = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((ROOT / "statemachines").glob("*.asl.json")):
            filled = Path(folder) / path.name
            filled.write_text(substituted(path.read_text()))
            validator = ROOT / "local/node/node_modules/.bin/asl-validator"
            said.append(command(validator, "--json-path", filled))
    return "\n".join(filter(None, said))


def substituted(definition: str) -> str:
    """Return a definition with an ARN, or a number where no quotes stand around, for each substitution."""
    of_aws = definition.replace("${Partition}", "aws")
    quoted = re.sub(r'"\$\{\w+\}"', json.dumps("arn:aws:lambda:us-east-1:123456789012:function:f"), of_aws)
    return re.sub(r"\$\{\w+\}", "1", quoted)


STATIC: tuple[tuple[str, Callable[[], str]], ...] = (
    ("ruff", lambda: command(DEV / "ruff", "check", "--quiet", ".")),
    ("mypy", lambda: command(DEV / "mypy", *(folder for folder in TYPED if (ROOT / folder).exists()))),
    ("sam validate", lambda: command(SAM / "sam", "validate", "--lint")),
    ("cfn-lint", lambda: command(SAM / "cfn-lint", "-a", "cfn_lint_serverless.rules", "-t", "template.yaml")),
    ("asl-validator", definitions),
    ("checkov", lambda: command(VENVS / "checkov" / "bin" / "checkov", "--config-file", ".checkov.yaml")),
)


def check(name: str, run: Callable[[], str]) -> Outcome:
    """Run one check and say on one line how it went."""
    print(f"{name} … ", end="", flush=True)
    started = time.monotonic()
    said = run()
    outcome = Outcome(name, bool(said), time.monotonic() - started)
    print(f"{'FAILED' if said else 'ok'} {outcome.seconds:.1f} s", flush=True)
    if said:
        print(said, flush=True)
    return outcome


def tests() -> list[Path]:
    """Return the test folders that are there."""
    return [folder for folder in (ROOT / "tests" / suite for suite in SUITES) if any(folder.rglob("test_*.py"))]


def main(arguments: Sequence[str]) -> int:
    """Run the checks; the exit status says whether all are well."""
    outcomes = [check(name, run) for name, run in STATIC]
    if "--static" in arguments:
        return show(outcomes)
    outcomes.append(check("sam build", build))
    failed = show(outcomes)
    environment = {**aws.clean_environment(), "PYTHONHASHSEED": "random"}
    line: list[str | Path] = [DEV / "python", "-m", "pytest", *PARALLEL, *tests()]
    tested = subprocess.run(line, cwd=ROOT, env=environment, check=False)
    return failed or tested.returncode


def show(outcomes: Sequence[Outcome]) -> int:
    """Print the table of checks; return the exit status."""
    print()
    for outcome in outcomes:
        print(f"  {outcome.name:16} {'FAILED' if outcome.failed else 'ok':8} {outcome.seconds:6.1f} s")
    print(flush=True)
    return int(any(outcome.failed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
