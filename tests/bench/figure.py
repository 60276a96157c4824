"""What one goal came to, and what measuring it may use."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import Progress

from local.stack import Stack

_Measured = TypeVar("_Measured")


@dataclass(frozen=True)
class Figure:
    """A goal, its table and its verdict. `basis` says how it was measured, `notes` what stands out."""

    number: str
    title: str
    goal: str
    basis: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    met: bool
    notes: Sequence[str] = ()

    @property
    def verdict(self) -> str:
        return "met" if self.met else "missed"


@dataclass
class Run:
    """One run of the bench: its progress bars, and a deployed stack of its own for the figures that need one."""

    progress: Progress
    _cleanup: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _measured: dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def steps(self, title: str, count: int) -> Iterator["Steps"]:
        """Show a bar of that many steps."""
        bar = Steps(self.progress, title, count)
        yield bar
        bar.end()

    def once(self, name: str, measure: Callable[[], _Measured]) -> _Measured:
        """Return what several figures are taken of, measured for the first of them."""
        if name not in self._measured:
            self._measured[name] = measure()
        found: _Measured = self._measured[name]
        return found

    @cached_property
    def stack(self) -> Stack:
        """The template on an emulator of this run, deployed when a figure first asks for it."""
        with self.steps("local stack", 1):
            folder = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="packhouse-bench-"))
            stack = Stack.start(Path(folder))
            self._cleanup.callback(stack.kill)
            stack.deploy()
            return stack

    def close(self) -> None:
        """End the stack, if one was started."""
        self._cleanup.close()


class Steps:
    """One bar."""

    def __init__(self, progress: Progress, title: str, count: int) -> None:
        self._progress, self._count = progress, count
        self._task = progress.add_task(title, total=count)

    def advance(self) -> None:
        self._progress.advance(self._task)

    def end(self) -> None:
        self._progress.update(self._task, completed=self._count)
