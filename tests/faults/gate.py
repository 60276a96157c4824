"""A gate at the botocore edge: counts the calls that leave for AWS and kills the process before or after one of them.

"After" is after the effect and before the answer: the write has happened and its writer never learns of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class When(StrEnum):
    """On which side of a call's effect the process ends."""

    BEFORE = "before"
    AFTER = "after"


class Killed(BaseException):
    """The process ended here. No edge catches it: whatever was not written is lost."""


@dataclass(frozen=True)
class Kill:
    """The end of a process: at its n-th call (from 0), before or after the effect."""

    call: int
    when: When


class Gate:
    """Stands between the clients of one session and AWS."""

    def __init__(self, session: Any) -> None:
        self.operations: list[str] = []
        self._kill: Kill | None = None
        # Only clients that are made after this are heard.
        session.register("before-send", self._before)
        session.register("after-call", self._after)

    @contextmanager
    def killing(self, kill: Kill | None) -> Iterator[None]:
        """Kill what runs in the block at one of its calls; `operations` are the calls of the block."""
        self.operations, self._kill = [], kill
        try:
            yield
        finally:
            self._kill = None

    def _before(self, event_name: str, **_: object) -> None:
        self.operations.append(event_name.removeprefix("before-send."))
        if self._kill == Kill(len(self.operations) - 1, When.BEFORE):
            raise Killed

    def _after(self, **_: object) -> None:
        if self._kill == Kill(len(self.operations) - 1, When.AFTER):
            raise Killed


def kills(calls: int) -> Iterator[Kill]:
    """Yield every way to kill a run of so many calls."""
    for call in range(calls):
        for when in When:
            yield Kill(call, when)
