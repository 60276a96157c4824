"""`make up`, `make run` and `make down`: `python -m local up|run|down`.

`up` leaves a stack that serves and says where; `run` does the same, runs the demo and stays until Ctrl-C; `down` stops
it. All find a running stack by what its state folder records. `.local/stack.json` is for people and programs.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from local import LOCAL, aws, deploy
from local.process import LocalStackError, port_of
from local.progress import Progress
from local.seed import WORKSPACE, seed
from local.selfcheck import FACTS, failures
from local.stack import Stack

STACK_FILE = LOCAL / "stack.json"
STATE = LOCAL / "state"
DEMO_FACTS = ("dataset_version_id", "training_dataset_id", "annotation_set_id")


def described() -> dict[str, Any]:
    """Return what the last start wrote down, or nothing."""
    found: dict[str, Any] = json.loads(STACK_FILE.read_text()) if STACK_FILE.exists() else {}
    return found


def write_down(stack: Stack, api_key: str, demo: Mapping[str, str | None]) -> None:
    """Write `.local/stack.json`; it holds tokens, so its owner alone may read it."""
    facts = {
        "api_url": stack.api_url,
        "console_url": None,
        "aws_endpoint_url": stack.endpoint,
        "region": aws.REGION,
        "tokens": stack.tokens,
        "api_key": api_key,
        "workspace": WORKSPACE,
        "demo": {name: demo.get(name) for name in DEMO_FACTS},
        "pid": stack.emulator.pid,
        "buckets": stack.buckets,
    }
    STACK_FILE.touch(mode=0o600)
    STACK_FILE.write_text(json.dumps(facts, indent=2) + "\n")


def port_wanted() -> int:
    """Return the port from `PORT`, or the emulator's usual one."""
    return int(os.environ.get("PORT", "4566"))


def up(progress: Progress) -> Stack:
    """Bring the stack up, or a running one up to date; return it. One that cannot be filled is not left running."""
    running = port_of(STATE)
    stack = Stack(STATE, running or port_wanted())
    if running:
        progress.console.print(f"Already up on port {running}; bringing it up to date.")
        fill(progress, stack)
        return stack
    try:
        with progress.phase("emulator"):
            stack.emulator.start()
        fill(progress, stack)
    except BaseException:
        stack.stop()
        raise
    return stack


def fill(progress: Progress, stack: Stack) -> None:
    """Deploy what changed, make sure of the first project, check the emulator, write down where all is."""
    with progress.phase("build"):
        deploy.build()
    with progress.phase("deploy"):
        stack.deploy()
    with progress.phase("project"):
        key = seed(stack)
    with progress.phase("self-check"):
        wrong = failures(stack)
    for fact in wrong:
        progress.console.print(f"  [red]does not hold on this emulator:[/] {fact}")
    progress.console.print(f"  {len(FACTS) - len(wrong)} of {len(FACTS)} facts about the emulator hold")
    write_down(stack, key, described().get("demo", {}))


def say_where(progress: Progress, stack: Stack) -> None:
    """Print the seconds, where it serves, and how to use it."""
    progress.console.print(progress.table())
    progress.console.print(
        f"\nAPI        {stack.api_url}\nReference  {stack.api_url}/api/v1/docs\n"
        f"AWS        {stack.endpoint}\nTokens     {STACK_FILE}"
    )


def run(progress: Progress) -> None:
    """Bring it up, run the demo, stay until Ctrl-C or SIGTERM, stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = up(progress)
    try:
        from local import demo  # the demo's libraries are not needed to bring the stack up

        with progress.phase("demo", spinner=False):
            made = demo.run(stack, progress.console)
        shown = {"dataset_version_id": made.dataset_version_id, "annotation_set_id": made.annotation_set_id}
        shown["training_dataset_id"] = made.training_dataset_id
        write_down(stack, described()["api_key"], shown)
        say_where(progress, stack)
        progress.console.print("Ctrl-C stops it; the next `make run` finds its data again.")
        while stack.emulator.pid:
            time.sleep(1)
        raise LocalStackError(f"The emulator ended; {stack.emulator.log} may say why.")
    finally:
        with progress.phase("save and stop"):
            stack.stop()


def down(progress: Progress) -> None:
    """Stop the running stack."""
    running = port_of(STATE)
    if not running:
        progress.console.print("Nothing is up.")
        return
    with progress.phase("save and stop"):
        Stack(STATE, running).stop()


def main(arguments: Sequence[str]) -> int:
    """Do one command; a reason for failing is one line."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=("up", "run", "down"))
    command = parser.parse_args(arguments).command
    progress = Progress()
    try:
        if command == "up":
            say_where(progress, up(progress))
            progress.console.print("`make down` stops it.")
        else:
            {"run": run, "down": down}[command](progress)
    except LocalStackError as error:
        progress.console.print(str(error), markup=False)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
