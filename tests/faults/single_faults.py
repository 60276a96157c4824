"""One request, disturbed in every way that a single fault can, repeated by its caller, and held to the undisturbed run.

A use case lays the ground once; every run of its request begins on that ground again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from packhouse.access.model import Principal
from packhouse.errors import CODES
from tests.bench.handlers import Answered
from tests.faults.kinds import Fault, Kind, iter_faults
from tests.faults.pictures import picture, refusal, told
from tests.faults.waits import FUNCTION_SECONDS
from tests.faults.world import ANNOTATIONS, CHORE, OWNER, World

Json = dict[str, Any]
_REPEATS = 4
_TOLD = 4
_SHOWN = {Kind.OVER_CAPACITY}
"""Kinds that no client tries again, at least not inside a transaction, even when they happen once."""


@dataclass(frozen=True)
class Request:
    """A write as its caller sends it, again and again under the same `Idempotency-Key`, and where its effect shows."""

    method: str
    path: str
    body: Json | None = None
    shown_at: tuple[str, ...] = ()
    caller: Principal = OWNER
    if_match: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        tag = {"If-Match": self.if_match} if self.if_match else {}
        return tag | ({"Idempotency-Key": "the-one-request"} if self.method == "POST" else {})


@dataclass(frozen=True)
class UseCase:
    """A request, what has to be there before it, and the codes that a repeat of it may meet once it has taken effect.

    POST has no such codes: the key brings the first answer back. `at` is the route of the template that it is of,
    `transactions` how many it takes at least: a case that has become easier than it was meant is no case. `kinds` are
    fewer than all where a run is long and another case has the rest. One that only `reads` leaves what it found, one
    that is `refused` leaves an entry in the audit: one at least, as every repeat is an attempt of its own.
    """

    name: str
    at: str
    lay: Callable[[World], Request]
    afterwards: tuple[str, ...] = ()
    transactions: int = 0
    kinds: tuple[Kind, ...] = tuple(Kind)
    reads: bool = False
    refused: str | None = None


@dataclass
class Tally:
    """What came out for one use case; a violation is one fault with what is wrong after it."""

    calls: tuple[str, ...]
    cases: int = 0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Undisturbed:
    """The run that all others are held to."""

    calls: tuple[str, ...]
    status: int
    text: str
    picture: list[str]


def try_all(world: World, case: UseCase) -> Tally:
    """Give the case every single fault there is for it and return what was found wrong."""
    before = world.remember()
    request = case.lay(world)
    ground = world.remember()
    world.recall(ground)
    reference = _run_undisturbed(world, request, case.refused)
    tally = Tally(reference.calls)
    if reference.calls.count("dynamodb.TransactWriteItems") < case.transactions:
        tally.violations.append(f"{case.name} makes only {reference.calls}")
    if case.reads:
        world.recall(ground)
        left = list(iter_differences(picture(world, request.shown_at), reference.picture))
        tally.violations += [f"{case.name} writes: {line}" for line in left]
    for fault in iter_faults(reference.calls, case.kinds):
        world.recall(ground)
        tally.cases += 1
        wrongs = list(_wrongs(world, case, request, reference, fault))
        if wrongs:
            tally.violations.append(f"{case.name}, {fault}: " + "; ".join(wrongs[:_TOLD]))
    world.recall(before)
    return tally


def _run_undisturbed(world: World, request: Request, refused: str | None) -> _Undisturbed:
    answered = _send(world, request, None)
    if answered is None or not (answered.status < 400 if refused is None else _code(answered) == refused):
        raise AssertionError(f"{request.method} {request.path}: {answered and answered.text}")
    calls = tuple(world.gate.operations)
    world.settle()
    return _Undisturbed(calls, answered.status, told(answered.text), picture(world, request.shown_at))


def _wrongs(world: World, case: UseCase, request: Request, reference: _Undisturbed, fault: Fault) -> Iterator[str]:
    answered = _send(world, request, fault)
    if not world.gate.met:
        yield "the fault was not met"
    yield from _wrong_answers(world, reference, fault, answered)
    for _ in range(_REPEATS):
        if answered is not None and answered.status < 500:
            break
        answered = _send(world, request, None)
    if answered is None or answered.status >= 500:
        yield f"never answered: {answered and answered.text}"
    elif not (_same(reference, answered) or _code(answered) in case.afterwards):
        yield f"the repeat was answered {answered.status} {answered.text}"
    yield from _wrong_ends(world, case, request, reference)


def _wrong_ends(world: World, case: UseCase, request: Request, reference: _Undisturbed) -> Iterator[str]:
    """What is not as the undisturbed run left it, once the sweepers have been there."""
    world.settle()
    if world.items(ANNOTATIONS, CHORE):
        yield "a chore is left"
    for line in iter_differences(reference.picture, picture(world, request.shown_at)):
        if not any(line.endswith(refusal(code)) for code in case.afterwards):
            yield line


def _wrong_answers(world: World, reference: _Undisturbed, fault: Fault, answered: Answered | None) -> Iterator[str]:
    """The request that met the fault: answered as ever, or, where that cannot be, told to come again, and in time.

    A repeat whose first answer is found may do without the call that fails it.
    """
    if world.waits.seconds > FUNCTION_SECONDS:
        yield f"waited {world.waits.seconds:.1f} s"
    if answered is None:
        return
    unavailable = answered.status == 503 and _code(answered) == "SERVICE_UNAVAILABLE"
    lasting = fault.sustained and "Idempotency-Replayed" not in answered.headers
    allowed = unavailable and (fault.sustained or fault.kind in _SHOWN)
    if not (allowed or (_same(reference, answered) and not lasting)):
        yield f"answered {answered.status} {answered.text}"


def _send(world: World, request: Request, fault: Fault | None) -> Answered | None:
    return world.disturbed(fault, request.method, request.path, request.body, request.headers, request.caller)


def _same(reference: _Undisturbed, answered: Answered) -> bool:
    return (reference.status, reference.text) == (answered.status, told(answered.text))


def _code(answered: Answered) -> str | None:
    """The code of a problem in its stated form, else `None`."""
    if answered.status < 400 or answered.headers["Content-Type"] != "application/problem+json":
        return None
    code: str = answered.body["code"]
    return code if code in CODES else None


def iter_differences(wanted: list[str], found: list[str]) -> Iterator[str]:
    """Yield what was lost of a picture and what is there beside it."""
    lost, more = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    yield from (f"lost: {line}" for line in lost.elements())
    yield from (f"not in the undisturbed run: {line}" for line in more.elements())
