"""Every order in which the steps of a scenario can come, with one fault anywhere, counted and judged.

States are immutable. A schedule is a path from the first state to one where nobody has a step left; how many there are,
and how many of them break something, is added up over the graph of the states, each of which is visited once.
"""

import gc
from collections.abc import Callable, Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Protocol

from tests.faults.models.items import Items, Put, Step, Transaction

Program = Generator[Step, Any, str]
"""The steps of a process, each of which is told what it comes to; they come to the answer."""


class Fault(Enum):
    """What may happen, once in a schedule, at any step of any process."""

    CRASH = "the process is killed, before a step or behind its last one, and the client asks again"
    LOST = "the answer to a write that took place is lost, and the process sends it again"
    LEFT = "the client asks again, and the first process goes on as well"


NONE: frozenset[Fault] = frozenset()
CRASHES = frozenset({Fault.CRASH, Fault.LOST})
ALL = frozenset(Fault)


class Request(NamedTuple):
    """What a client wants: a verb, what it is done to, and what it takes besides."""

    name: str
    verb: str
    of: str = ""
    also: str = ""
    can_fail: bool = True

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verb, self.of, self.also)))


class Rules(Protocol):
    """How a protocol serves requests; its twins have others."""

    @property
    def tokens(self) -> bool:
        """Whether a transaction that is sent again carries the client token of the first time."""
        ...

    def program(self, request: Request, process: int) -> Program:
        """Return the steps of one process that serves a request; a client that asks again is served by another one."""
        ...


class Point:
    """A place in a program: what it read so far, and its next step or its answer."""

    __slots__ = ("_nexts", "_results", "_rules", "answer", "process", "request", "step")

    def __init__(self, rules: Rules, request: Request, process: int = 0, results: tuple[Hashable, ...] = ()) -> None:
        self.request, self.process = request, process
        self._rules, self._results = rules, results
        self._nexts: dict[Hashable, Point] = {}
        self.step: Step
        self.answer: str | None = None
        program = rules.program(request, process)
        try:
            self.step = next(program)
            for result in results:
                self.step = program.send(result)
        except StopIteration as end:
            self.answer = end.value

    def after(self, result: Hashable) -> "Point":
        """Return the place behind the step, when it comes to that; the same one every time."""
        if result not in self._nexts:
            self._nexts[result] = Point(self._rules, self.request, self.process, (*self._results, result))
        return self._nexts[result]


class Client(NamedTuple):
    """Somebody who makes requests one after the other: where the process is that serves the one that is next.

    `sent` is what a transaction with a token came to whose answer was lost.
    """

    point: Point | None
    answers: tuple[str, ...] = ()
    sent: Hashable | None = None


class State(NamedTuple):
    """All there is between two steps; `left` are processes that nobody waits for."""

    items: Items
    clients: tuple[Client, ...]
    left: tuple[Point, ...]
    has_fault: bool


class Move(NamedTuple):
    """One step of a process, or what becomes of the process."""

    request: Request
    process: int
    step: Step | None
    result: Hashable
    before: Items
    after: Items
    fate: str = ""
    """What becomes of the process."""
    answer: str | None = None
    """What the client is told."""
    told: str | None = None
    """What the client was told before, by another process."""

    def __str__(self) -> str:
        who = f"{self.request.name} {self.request}{' (asked again)' if self.process else ''}"
        did = self.step.told(self.result) if self.step else ""
        answered = f"answered {self.answer}" if self.answer else ""
        return f"{who} " + "; ".join(filter(None, (did, self.fate, answered)))


class Scenario(NamedTuple):
    """Clients with their requests in order, and the items at the beginning."""

    name: str
    about: str
    clients: tuple[tuple[Request, ...], ...]
    items: Items = frozenset()


Judge = Callable[[Move], str | None]
"""Says what a move breaks."""


class Tally(NamedTuple):
    """How many schedules there are behind a state, how many break something, the steps of the shortest such one."""

    schedules: int
    violations: int = 0
    shortest: int | None = None


@dataclass
class Exploration:
    """All schedules of a scenario under some rules."""

    scenario: Scenario
    rules: Rules
    judge: Judge
    faults: frozenset[Fault] = NONE
    broken: set[str] = field(default_factory=set)
    """What is broken in some schedule."""
    _tallies: dict[State, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._starts = {
            (request.name, process): Point(self.rules, request, process)
            for requests in self.scenario.clients
            for request in requests
            for process in (0, 1)
        }
        clients = tuple(Client(self._starts[requests[0].name, 0]) for requests in self.scenario.clients)
        self.begin = State(self.scenario.items, clients, (), bool(self.faults))

    def tally(self) -> Tally:
        """Return what comes of all schedules."""
        with _uncollected():
            return self._tally(self.begin)

    @property
    def states(self) -> int:
        """How many states were visited."""
        return len(self._tallies)

    def shortest(self) -> tuple[list[Move], str]:
        """Return a shortest schedule that breaks something, up to there, and what it breaks."""
        state, moves = self.begin, list[Move]()
        while True:
            left = self._tally(state).shortest
            for move, after in self.moves(state):
                broken = self.judge(move)
                if broken and left == 1:
                    return [*moves, move], broken
                if not broken and left is not None and self._tally(after).shortest == left - 1:
                    moves, state = [*moves, move], after
                    break
            else:
                raise LookupError("No schedule breaks anything.")

    def _tally(self, state: State) -> Tally:
        known = self._tallies.get(state)
        if known is None:
            known = self._tallies[state] = self._add_up(state)
        return known

    def _add_up(self, state: State) -> Tally:
        schedules = violations = 0
        lengths = []
        for move, after in self.moves(state):
            behind = self._tally(after)
            schedules += behind.schedules
            if broken := self.judge(move):
                self.broken.add(broken)
                violations += behind.schedules
                lengths.append(1)
            elif behind.shortest is not None:
                violations += behind.violations
                lengths.append(behind.shortest + 1)
        return Tally(schedules, violations, min(lengths, default=None)) if schedules else Tally(1)

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:
        """Yield everything that can come next, with the state behind it."""
        for number, client in enumerate(state.clients):
            if client.point is not None:
                yield self._step(state, number, client, client.point)
                if state.has_fault and client.point.request.can_fail:
                    yield from self._fail(state, number, client.point)
        for number, point in enumerate(state.left):
            yield self._go_on(state, number, point)

    def _step(self, state: State, number: int, client: Client, point: Point) -> tuple[Move, State]:
        step: Step | None = point.step
        if client.sent is None:
            (result, items), fate = point.step.on(state.items), ""
        else:
            step, result, items, fate = None, client.sent, state.items, "sends it again, which changes nothing"
        behind = point.after(result)
        move = Move(point.request, point.process, step, result, state.items, items, fate, behind.answer)
        later = Client(behind, client.answers)
        if behind.answer is not None:
            answers = (*client.answers, behind.answer)
            later = Client(self._next(number, len(answers)), answers)
        return move, _with(state, number, later, items, has_fault=state.has_fault)

    def _next(self, number: int, answered: int) -> Point | None:
        requests = self.scenario.clients[number]
        return self._starts[requests[answered].name, 0] if answered < len(requests) else None

    def _fail(self, state: State, number: int, point: Point) -> Iterator[tuple[Move, State]]:
        client = state.clients[number]
        again = Client(self._starts[point.request.name, 1], client.answers)
        result, items = point.step.on(state.items)
        nothing = Move(point.request, point.process, None, None, state.items, state.items)
        move = nothing._replace(step=point.step, result=result, after=items)
        if Fault.CRASH in self.faults:
            yield nothing._replace(fate="is killed"), _with(state, number, again, state.items)
            if point.after(result).answer is not None:
                yield move._replace(fate="is killed"), _with(state, number, again, items)
        if Fault.LOST in self.faults and isinstance(point.step, Transaction | Put) and not result:
            has_token = self.rules.tokens and isinstance(point.step, Transaction)
            waiting = client._replace(sent=result if has_token else None)
            yield move._replace(fate="the answer is lost"), _with(state, number, waiting, items)
        if Fault.LEFT in self.faults:
            beside = state._replace(left=(*state.left, point))
            yield nothing._replace(fate="is left behind"), _with(beside, number, again, state.items)

    def _go_on(self, state: State, number: int, point: Point) -> tuple[Move, State]:
        result, items = point.step.on(state.items)
        behind = point.after(result)
        left = (*state.left[:number], *([behind] if behind.answer is None else []), *state.left[number + 1 :])
        told = self._told(state, point.request)
        move = Move(point.request, point.process, point.step, result, state.items, items, "nobody waits", told=told)
        return move, state._replace(items=items, left=left)

    def _told(self, state: State, request: Request) -> str | None:
        for requests, client in zip(self.scenario.clients, state.clients, strict=True):
            for asked, answer in zip(requests, client.answers, strict=False):
                if asked == request:
                    return answer
        return None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector from walking the states again and again: they hold no cycles (a quarter of the time)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _with(state: State, number: int, client: Client, items: Items, *, has_fault: bool = False) -> State:
    clients = (*state.clients[:number], client, *state.clients[number + 1 :])
    return State(items, clients, state.left, has_fault)
