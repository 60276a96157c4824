"""Several processes interleaved at their calls to AWS: one runs at a time, and a seed says who goes on.

A process is a callable that makes requests. It yields before every call that passes the gate and again behind the
effect; whoever goes on is chosen then, among all that have not ended. Every choice is kept, so that a run can be
repeated from its seed or from its trace.
"""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from tests.faults.gate import Gate, Killed, go_on
from tests.faults.waits import Waits

Result = TypeVar("Result")
Process = Callable[[], Result]
Choose = Callable[[Sequence[int]], int]
STUCK_SECONDS = 60


class Crash(NamedTuple):
    """The end of a process at the n-th time that it yields (from 0): even before an effect, odd behind it."""

    process: int
    at: int


@dataclass(frozen=True)
class Run(Generic[Result]):
    """What the processes came to (`None` for one that was killed), who went on each time, who yielded how often."""

    results: list[Result | None]
    trace: tuple[int, ...]
    yields: tuple[int, ...]


def seeded(seed: int) -> Choose:
    """Return choices that are drawn from a seed."""
    return random.Random(seed).choice  # noqa: S311  an order, no secret


def replayed(trace: Sequence[int]) -> Choose:
    """Return the choices of an earlier run; where they do not fit, the first goes on and the traces differ."""
    steps = iter(trace)

    def choose(live: Sequence[int]) -> int:
        chosen = next(steps, live[0])
        return chosen if chosen in live else live[0]

    return choose


class Scheduler:
    """Runs processes in threads that are kept from run to run."""

    def __init__(self, gate: Gate, waits: Waits) -> None:
        self._gate, self._waits = gate, waits
        self._threads: list[_Thread] = []

    def run(self, processes: Sequence[Process[Result]], choose: Choose, crash: Crash | None = None) -> Run[Result]:
        """Run all processes to their ends; an error of one is raised when all have ended."""
        while len(self._threads) < len(processes):
            self._threads.append(_Thread(len(self._threads), self._threads))
            self._threads[-1].start()
        stage = _Stage(processes, choose, crash)
        for thread in self._threads:
            thread.stage = stage
        self._waits.begin()
        self._gate.pause = _yield
        try:
            self._threads[stage.choose_next()].baton.release()
            if not stage.ended.wait(STUCK_SECONDS):
                raise TimeoutError(f"The processes did not end within {STUCK_SECONDS} s; the choices: {stage.trace}")
        finally:
            self._gate.pause = go_on
        if stage.errors:
            raise stage.errors[0]
        return Run(stage.results, tuple(stage.trace), tuple(stage.yields))


@dataclass
class _Stage:
    """One run under way."""

    processes: Sequence[Process[Any]]
    choose: Choose
    crash: Crash | None
    trace: list[int] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.live = list(range(len(self.processes)))
        self.results: list[Any] = [None] * len(self.processes)
        self.yields = [0] * len(self.processes)

    def choose_next(self) -> int:
        self.trace.append(self.choose(self.live))
        return self.trace[-1]


class _Thread(threading.Thread):
    """Runs one process of every stage. It waits for its baton, and only the one that has it runs."""

    stage: _Stage

    def __init__(self, number: int, threads: "list[_Thread]") -> None:
        super().__init__(name=f"process {number}", daemon=True)
        self._number, self._threads = number, threads
        self.baton = threading.Semaphore(0)

    def run(self) -> None:
        while True:
            self.baton.acquire()
            self._play(self.stage)

    def _play(self, stage: _Stage) -> None:
        try:
            stage.results[self._number] = stage.processes[self._number]()
        except Killed:
            pass
        except BaseException as error:  # handed to whoever asked for the run
            stage.errors.append(error)
        stage.live.remove(self._number)
        if stage.live:
            self._threads[stage.choose_next()].baton.release()
        else:
            stage.ended.set()

    def pass_on(self) -> None:
        """Let the one that is chosen go on; return when it is this one's turn again."""
        stage, number = self.stage, self._number
        stage.yields[number] += 1
        if stage.crash == (number, stage.yields[number] - 1):
            raise Killed
        chosen = stage.choose_next()
        if chosen != number:
            served = _served()
            self._threads[chosen].baton.release()
            self.baton.acquire()
            BaseRouter.current_event, BaseRouter.lambda_context = served


def _served() -> tuple[Any, Any]:
    """The request that a process is serving: Powertools keeps it on a class, as a process of Lambda serves one."""
    return getattr(BaseRouter, "current_event", None), getattr(BaseRouter, "lambda_context", None)


def _yield() -> None:
    thread = threading.current_thread()
    if isinstance(thread, _Thread):
        thread.pass_on()
