"""What the races of real requests have in common: callers that ask again, drawn crashes, and who saw what when.

Every caller has a Lambda process of its own of each function. One that is killed answers nobody; its caller asks again
under the same `Idempotency-Key`, and a machine delivers its task again.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

from packhouse.access.model import Principal
from packhouse.errors import PackhouseError, ServiceUnavailableError
from tests.bench.handlers import Handlers
from tests.faults.gate import Gate, Killed, unnoticed
from tests.faults.histories import Operation
from tests.faults.scheduler import Crash, Run
from tests.faults.world import OWNER, WORKSPACE, World

Json = dict[str, Any]
Seen = TypeVar("Seen")
Answer = tuple[int, str]
"""A status, with what was answered or the code of the refusal."""

TRIES = 4
UNAVAILABLE = 503
_WRITES = {"dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.DeleteItem", "dynamodb.TransactWriteItems"}


@dataclass(frozen=True)
class Trial:
    """One interleaving: its run, what its callers wrote down, and what is wrong with it, if anything is."""

    run: Run[None]
    history: list[Operation[Any]]
    wrong: str | None


class Race(Protocol):
    """Processes that get in each other's way."""

    def try_seed(self, seed: int) -> Trial:
        """Run the interleaving that a seed draws, and judge it."""


def drawn_crash(seed: int, processes: int, yields: int) -> Crash | None:
    """Return where a process ends in every other seed: one of the first so many times that it yields."""
    drawn = random.Random(f"crash {seed}")  # noqa: S311  a place, no secret
    return Crash(drawn.randrange(processes), drawn.randrange(yields)) if seed % 2 else None


def asked(
    words: tuple[str, ...], ask: Callable[[], Answer], clock: Iterator[int], tries: int = TRIES
) -> Operation[Answer]:
    """Ask until there is an answer, so often at most; return what was asked, what was answered, and when."""
    start, answer = next(clock), None
    for _ in range(tries):
        try:
            answer = ask()
        except Killed:
            answer = None
        if answer is not None and answer[0] != UNAVAILABLE:
            break
    known = answer if answer is not None and answer[0] != UNAVAILABLE else None
    return Operation(words, known, start, next(clock))


@dataclass
class Caller:
    """Somebody who makes requests and delivers tasks, and writes down what came of the last one in `history`."""

    gate: Gate
    handlers: Handlers
    number: int
    clock: Iterator[int]
    principal: Principal = OWNER
    history: list[Operation[Answer]] = field(default_factory=list)

    def request(
        self,
        words: tuple[str, ...],
        method: str,
        path: str,
        body: Json | None,
        workspace: str = WORKSPACE,
        tries: int = TRIES,
    ) -> Json:
        """Make a request until it is answered; `words` name it in the history. Return the body of the answer."""
        key = {"Idempotency-Key": f"caller-{self.number}-{len(self.history)}"} if method == "POST" else None
        told: Json = {}

        def ask() -> Answer:
            nonlocal told
            answered = self.handlers.call(method, path, self.principal, body, workspace, key)
            told = answered.body
            return answered.status, str(told.get("code") or told.get("outcome") or "")

        self.history.append(asked(words, ask, self.clock, tries))
        return told

    def wait(self, times: int) -> None:
        """Let the others go on, so many times at least."""
        for _ in range(times):
            with suppress(Killed):
                self.gate.pause()

    def name_last(self, words: tuple[str, ...]) -> None:
        """Give what was asked last its words: some are known from its answer."""
        self.history[-1] = replace(self.history[-1], words=words)

    def deliver(self, words: tuple[str, ...], folder: str, payload: Json) -> None:
        """Deliver a task until it ends: with 200, or with the code of its refusal."""

        def ask() -> Answer:
            try:
                self.invoke(folder, payload)
            except ServiceUnavailableError as error:
                return UNAVAILABLE, error.code
            except PackhouseError as error:
                return 409, error.code
            return 200, ""

        self.history.append(asked(words, ask, self.clock))

    def invoke(self, folder: str, payload: Json) -> Any:
        """Run a task once, in this caller's process."""
        return self.handlers.app(folder).handler(payload, None)


class Callers:
    """So many callers, whose functions are loaded once for all trials."""

    def __init__(self, world: World, count: int) -> None:
        self._gate = world.gate
        self._handlers = [Handlers(world.variables) for _ in range(count)]

    def called(self, clock: Iterator[int]) -> list[Caller]:
        """Return them as they are at the beginning of a trial."""
        return [Caller(self._gate, handlers, number, clock) for number, handlers in enumerate(self._handlers)]


class Watch(Generic[Seen]):
    """What `look` finds at first, and in its block after every write: each state with the time at which it began."""

    def __init__(self, gate: Gate, look: Callable[[], Seen], clock: Iterator[int]) -> None:
        self._clock = clock
        self.states: list[tuple[int, Seen]] = [(next(clock), look())]
        self._gate, self._look = gate, look

    def __enter__(self) -> Self:
        self._gate.notice = self._notice
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.notice = unnoticed

    def _notice(self, operation: str) -> None:
        if operation in _WRITES:
            found = self._look()
            if found != self.states[-1][1]:
                self.states.append((next(self._clock), found))

    @property
    def last(self) -> Seen:
        """What there is now."""
        return self.states[-1][1]
