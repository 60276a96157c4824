"""The emulator process: ministack with the few changes that the local stack needs, and durable state.

Holds every departure from ministack as it ships, and refuses any version but the one they were written against. Runs in
the emulator's own environment. What to deploy on it is the launcher's business.

What changes, and why:
- a Python error reaches Step Functions under its class name, as on AWS (ministack says `Runtime.HandlerError`);
- a warm call that logs nothing does not wait 50 ms for a log line;
- a worker ends when the emulator does, also after `kill -9`, so no task of a dead emulator goes on writing;
- an execution that was running when the emulator died comes back ABORTED with error `Emulator.Restarted`;
- state is saved every few seconds, and every DynamoDB write is in a journal before it is answered.
"""

import importlib.metadata
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ministack import app  # type: ignore[import-not-found]  # not in the environment that types are checked in
from ministack.core import lambda_runtime, persistence  # type: ignore[import-not-found]
from ministack.services import dynamodb, lambda_svc, stepfunctions  # type: ignore[import-not-found]

from local.journal import Journal

MINISTACK = "1.5.33"
SAVE_SECONDS = 2.0
SAVE_SHARE = 20  # a save may cost a twentieth of the time: the more state there is, the rarer the saves
READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List")

PARENT_WATCH = """
def _end_with_the_emulator():
    import os, threading, time
    parent = os.getppid()
    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()

_end_with_the_emulator()
"""


def patch_workers() -> None:
    """Keep the class name of a Python error, end workers with their parent, and shorten the wait for a log line."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    plain = '"status": "error", "error": str(e), "trace"'
    named = '"status": "ok", "raised": True, "error": str(e), "error_type": type(e).__name__, "trace"'
    if script.count(plain) != 1:
        raise SystemExit("the Lambda worker of ministack is not the one local/emulator.py was written for")
    lambda_runtime._PYTHON_WORKER_SCRIPT = PARENT_WATCH + script.replace(plain, named)

    drain = lambda_runtime.Worker._drain_stderr_bounded
    lambda_runtime.Worker._drain_stderr_bounded = lambda self, first_line_wait=0.001: drain(self, first_line_wait)

    answered = threading.local()
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def remember(self: Any, *args: Any, **kwargs: Any) -> Any:
        answered.last = invoke(self, *args, **kwargs)
        if answered.last.pop("raised", False):  # told only now: ministack ends a worker that says it itself
            answered.last["status"] = "error"
        return answered.last

    def name_error(*args: Any, **kwargs: Any) -> Any:
        answered.last = {}
        answer = execute(*args, **kwargs)
        if answer.get("error") and answered.last.get("error_type"):
            answer["body"]["errorType"] = answered.last["error_type"]
            answer["body"]["stackTrace"] = answered.last["trace"].splitlines()
        return answer

    lambda_runtime.Worker.invoke = remember
    lambda_svc._execute_function_warm = name_error


def patch_executions() -> None:
    """Settle what was running when the emulator died: nobody runs it any more, and a sweeper must see that."""
    restore = stepfunctions._restore_state

    def restore_and_abort(data: Any) -> None:
        restore(data)
        for execution in stepfunctions._executions.all_values():
            if execution.get("error") == "States.ServiceRestart":
                execution.update(status="ABORTED", error="Emulator.Restarted", cause="The emulator was restarted")
        for run in stepfunctions._map_runs.all_values():
            if run.get("status") == "RUNNING":
                run.update(status="ABORTED", stopDate=stepfunctions.now_iso())

    stepfunctions._restore_state = restore_and_abort


def changes_state(scope: Mapping[str, Any]) -> bool:
    """Whether a request may change something: anything but a GET or a DynamoDB-style action that reads."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return False
    target = dict(scope["headers"]).get(b"x-amz-target", b"").decode().rpartition(".")[2]
    return not target.startswith(READS)


class Saver:
    """Saves all state soon after it changed, and at once on SIGUSR1; `saved` bears the time of the last whole save."""

    def __init__(self, journal: Journal, stamp: Path) -> None:
        self.journal, self.stamp = journal, stamp
        self.changed = False
        self.asked = threading.Event()

    def watch_requests(self, serve: Any) -> Any:
        """Return the same server, noting which requests may have changed something."""

        async def served(scope: Any, receive: Any, send: Any) -> None:
            await serve(scope, receive, send)
            self.changed = self.changed or changes_state(scope)

        return served

    def busy(self) -> bool:
        """Executions move on without requests."""
        return any(e.get("status") == "RUNNING" for e in list(stepfunctions._executions._data.values()))

    def save(self) -> None:
        """Write the state of each service, each file replaced at once."""
        self.changed = False
        persistence.save_all(app._build_persistence_save_dict())
        self.journal.prune()
        self.stamp.touch()

    def run(self) -> None:
        """Save for ever."""
        pause = SAVE_SECONDS
        while True:
            asked = self.asked.wait(pause)
            self.asked.clear()
            if asked or self.changed or self.busy():
                started = time.monotonic()
                self.save()
                pause = max(SAVE_SECONDS, SAVE_SHARE * (time.monotonic() - started))


def main() -> None:
    """Serve until SIGTERM, with state under `STATE_DIR`."""
    found = importlib.metadata.version("ministack")
    if found != MINISTACK:
        raise SystemExit(f"local/emulator.py is written for ministack {MINISTACK}, found {found}")
    state = Path(os.environ["STATE_DIR"])
    patch_workers()
    patch_executions()
    journal = Journal(state, dynamodb)
    journal.install()
    saver = Saver(journal, state / "saved")
    app.app = saver.watch_requests(app.app)
    signal.signal(signal.SIGUSR1, lambda *_: saver.asked.set())
    load = app._load_persisted_state

    def load_then_save() -> None:
        load()
        journal.replay()
        saver.changed = True
        threading.Thread(target=saver.run, daemon=True).start()

    app._load_persisted_state = load_then_save
    sys.argv[1:] = []
    app.main()


if __name__ == "__main__":
    main()
