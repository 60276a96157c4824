"""Histories of concurrent requests, and whether any order of them one after the other explains their answers.

An operation takes effect at one moment between its start and its end. One whose answer nobody got may have taken effect
at any time after its start, or never. A history holds when some order of the operations that keeps to this gives the
answers that were given and the end state that was found (linearizability).
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Answer = TypeVar("Answer")
NEVER = 1 << 62


@dataclass(frozen=True)
class Operation(Generic[Answer]):
    """What was asked (`words`), what was answered (`None`: nobody knows), and when; times are numbers of a sequence."""

    words: tuple[str, ...]
    answer: Answer | None
    start: int
    end: int


Step = Callable[[State, Operation[Answer]], State | None]
"""The state after an operation that takes effect in a state; `None` when its answer cannot be given there."""


def explained(
    operations: Sequence[Operation[Answer]], begin: State, step: Step[State, Answer], ends: Callable[[State], bool]
) -> bool:
    """Whether some order of the operations leads from the begin to a state that passes as the end."""
    tried: set[tuple[frozenset[int], State]] = set()

    def search(waiting: frozenset[int], state: State) -> bool:
        if (waiting, state) in tried:
            return False
        tried.add((waiting, state))
        if all(operations[number].answer is None for number in waiting) and ends(state):
            return True
        return any(search(waiting - {number}, after) for number, after in _nexts(operations, waiting, state, step))

    return search(frozenset(range(len(operations))), begin)


def _nexts(
    operations: Sequence[Operation[Answer]], waiting: frozenset[int], state: State, step: Step[State, Answer]
) -> Iterator[tuple[int, State]]:
    first_end = min((_end(operations[number]) for number in waiting), default=NEVER)
    for number in waiting:
        if operations[number].start < first_end:
            after = step(state, operations[number])
            if after is not None:
                yield number, after


def _end(operation: Operation[Answer]) -> int:
    return NEVER if operation.answer is None else operation.end
