"""Progress that a person can follow: bars in a terminal, a line now and then anywhere else.

Left out: what is being counted (`walk`).
"""

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 2.0


class Bars:
    """The progress of one stretch of work, of which each named part has its own bar."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, Any] = {}
        self._said_at: dict[str, float] = {}
        self._finished: set[str] = set()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    def move(self, part: str, done: int, total: int) -> None:
        """Set how far a part has come; its first mention starts its bar."""
        if part not in self._tasks:
            self._tasks[part] = self._progress.add_task(part, total=total)
        self._progress.update(self._tasks[part], completed=done, total=total)
        if not self._console.is_terminal:
            self._say(part, done, total)

    def _say(self, part: str, done: int, total: int) -> None:
        now = time.monotonic()
        quiet_since = self._said_at.setdefault(part, now)
        if part not in self._finished and (done >= total or now - quiet_since > SECONDS_BETWEEN_LINES):
            self._said_at[part] = now
            self._console.print(f"{part} {done:,}/{total:,}")
        if done >= total:
            self._finished.add(part)


class JobBars:
    """A job's news as one bar per step, each filled when the job has gone on to the next."""

    def __init__(self, bars: Bars, title: str) -> None:
        self._bars = bars
        self._title = title
        self._step: str | None = None
        self._total = 1

    def __call__(self, job: dict[str, Any]) -> None:
        """Show a job as the API describes it (`status`, `step`, `done`, `total`)."""
        step, ready = job.get("step"), job["status"] == "ready"
        if self._step and (ready or step != self._step):
            self._bars.move(self._part(self._step), self._total, self._total)
        if step and not ready:
            self._step, self._total = step, max(job.get("total") or 1, 1)
            self._bars.move(self._part(step), min(job.get("done") or 0, self._total), self._total)

    def _part(self, step: str) -> str:
        return f"{self._title} {step}"
