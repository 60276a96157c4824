"""The kinds of single faults, where each can happen, and every way to disturb a run once."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What goes wrong with one call to AWS. "After" is after the effect and before the answer."""

    THROTTLE = "throttled"
    OVER_CAPACITY = "over capacity"
    ERROR = "500"
    TIMEOUT_BEFORE = "timeout before"
    TIMEOUT_AFTER = "timeout after"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    PARTIAL_BATCH = "partial batch"
    CONFLICT = "transaction conflict"


CRASHES = (Kind.CRASH_BEFORE, Kind.CRASH_AFTER)
_ANYWHERE: tuple[Kind, ...] = (Kind.THROTTLE, Kind.ERROR, Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER, *CRASHES)
_BATCHES = {"dynamodb.BatchGetItem", "dynamodb.BatchWriteItem"}
TRANSACTIONS = {"dynamodb.TransactGetItems", "dynamodb.TransactWriteItems"}


@dataclass(frozen=True)
class Fault:
    """One fault at the n-th call of a run (from 0); a sustained one meets every later call of that operation too."""

    call: int
    kind: Kind
    sustained: bool = False

    def __str__(self) -> str:
        return f"{self.kind} at call {self.call}{', sustained' if self.sustained else ''}"


def kinds_at(operation: str) -> tuple[Kind, ...]:
    """Return what can go wrong with an operation, named as in `dynamodb.PutItem`."""
    kinds = _ANYWHERE
    if operation.startswith("dynamodb."):
        kinds += (Kind.OVER_CAPACITY,)
    if operation in _BATCHES:
        kinds += (Kind.PARTIAL_BATCH,)
    if operation in TRANSACTIONS:
        kinds += (Kind.CONFLICT,)
    return kinds


def iter_faults(operations: Sequence[str], kinds: Collection[Kind] = tuple(Kind)) -> Iterator[Fault]:
    """Yield every single fault of these kinds in a run that made these calls: once, and sustained where it can last."""
    for call, operation in enumerate(operations):
        for kind in (kind for kind in kinds_at(operation) if kind in kinds):
            yield Fault(call, kind)
            if kind not in CRASHES:
                yield Fault(call, kind, sustained=True)


def iter_crashes(calls: int) -> Iterator[Fault]:
    """Yield every way to end the process in a run of so many calls."""
    for call in range(calls):
        for kind in CRASHES:
            yield Fault(call, kind)
