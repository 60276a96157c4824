"""A process that serves a request: what it reads, puts and commits, whatever the request."""

from collections.abc import Callable, Generator, Iterable
from typing import Any

from tests.faults.models.items import Key, Pair, Put, Query, Read, Step, Transaction
from tests.faults.models.publish.rules import Choices
from tests.faults.models.publish.sets import DUE, GATES, THERE, Gate, Head, gate_keys, head_keys, object_key
from tests.faults.models.schedules import Program, Request

DONE = "DONE"
TRIES = 3
Outcome = str | tuple[Key, ...]
"""The answer, or what moved."""
Commit = Callable[..., Generator[Step, Any, Outcome]]


class ObjectMissingError(Exception):
    """An object that a set names stays missing."""


class Process:
    """One process that serves a request; a client that asks again is served by another one."""

    def __init__(self, rules: Choices, request: Request, process: int) -> None:
        self.rules, self.request = rules, request
        self._name = f"{request.name}.{process}"
        self._of = request.of
        self._once: Key = ("once", request.name)
        self._done: Key = ("done", request.name, str(process))
        self._gate = GATES[(int(request.name[0]) + process) % len(GATES)]
        self._has_kept = False
        self._misses = 0

    def _head(self, of: str = "") -> Generator[Step, Any, Head]:
        found = yield Read(head_keys(of or self._of))
        return Head(*found)

    def _head_and_gates(self, of: str) -> Generator[Step, Any, tuple[Head, list[Gate]]]:
        items = (head_keys(of), *(gate_keys(of, gate) for gate in GATES))
        if self.rules.torn:
            one_by_one = []
            for keys in items:
                one_by_one.append((yield Read(keys)))
            return Head(*one_by_one[0]), [Gate(*gate) for gate in one_by_one[1:]]
        found = yield Read(tuple(key for keys in items for key in keys))
        end, size = len(Head._fields), len(Gate._fields)
        return Head(*found[:end]), [Gate(*found[at : at + size]) for at in range(end, len(found), size)]

    def _objects(self, names: tuple[str, ...]) -> Generator[Step, Any, tuple[tuple[str, ...], ...] | None]:
        """Come to what is in the objects, `None` where one of them is no more; that cannot go on for ever."""
        found = (yield Read(tuple(map(object_key, names)))) if names else ()
        if None not in found:
            return found
        self._misses += 1
        if self._misses == TRIES:
            raise ObjectMissingError
        return None

    def _with_edits(self, of: str, batches: Iterable[tuple[str, ...]]) -> Generator[Step, Any, tuple[str, ...]]:
        """Come to the rows of batches where no edit wins over them, and those of the edits."""
        edits = yield from self._query("edit", of, "row")
        rows = {row: THERE for batch in batches for row in batch} | {key[-1]: is_there for key, is_there in edits}
        return tuple(sorted(row for row, is_there in rows.items() if is_there == THERE))

    def _query(self, *prefix: str) -> Generator[Step, Any, tuple[Any, ...]]:
        if not self.rules.torn:
            found: tuple[Any, ...] = yield Query(prefix)
            return found
        rows: list[Any] = []
        while row := (yield Query(prefix, rows[-1][0] if rows else prefix)):
            rows += row
        return tuple(rows)

    def _put(self, name: str, rows: tuple[str, ...], *, has_chore: bool = True) -> Generator[Step, Any, list[Pair]]:
        """Put the chore of an object, then the object; come to the chore that makes it part of a set."""
        chores: list[Pair] = [(("chore", name), ("remove", DUE, name))] if has_chore else []
        if chores:
            yield Put((*chores,), once=self.rules.chore_put_once)
        yield Put(((object_key(name), rows),))
        return chores

    def _commit(
        self, seen: Iterable[Pair], writes: Iterable[Pair], adds: Iterable[tuple[Key, int]] = ()
    ) -> Generator[Step, Any, Outcome]:
        """Send a transaction with its outcome; come to the answer, or to what moved."""
        kept, told = self._kept()
        if kept and not self.rules.outcome_with_effect:
            if not self._has_kept and (yield Transaction(kept, told)):
                return (yield from self._told())
            self._has_kept, kept, told = True, (), ()
        moved = yield Transaction((*seen, *kept), (*writes, *told), (*adds, (self._done, 1)))
        if self._once in moved:
            return (yield from self._told())
        return moved or DONE

    def _commit_part(self, seen: Iterable[Pair], writes: Iterable[Pair]) -> Generator[Step, Any, Outcome]:
        return (yield Transaction((*seen,), (*writes,))) or DONE

    def _refuse(self, code: str) -> Program:
        told = (yield from self._told()) if self.rules.refusals_look_again and self.rules.keyed else None
        return told or code

    def _kept(self) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        return (((self._once, None),), ((self._once, DONE),)) if self.rules.keyed else ((), ())

    def _told(self) -> Program:
        (told,) = yield Read((self._once,))
        return told  # type: ignore[no-any-return]
