"""Publish against writers of annotation sets, with two gates a set.

A single write goes through a gate of its set; a bulk, a merge and a deletion require the revision of its head. A
publish closes the gates and moves the head in one transaction; from there on what it merges stands still. What is
written to object storage has a chore first, and becomes part of a set in the transaction that takes the chore away.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.faults.models.items import Key, Pair, Put, Read, Step, Transaction
from tests.faults.models.publish.process import DONE, Commit, ObjectMissingError, Outcome, Process
from tests.faults.models.publish.rules import Choices
from tests.faults.models.publish.sets import (
    CLOSED,
    DRAFT,
    DUE,
    GATES,
    GONE,
    OPEN,
    PUBLISHED,
    PUBLISHING,
    ROOT,
    TAKEN,
    THERE,
    Gate,
    Head,
    gate_keys,
    head_keys,
    new_set,
    object_key,
    truth,
)
from tests.faults.models.schedules import Program, Request

GIVEN_UP = "GIVEN_UP"
COUNT_MISMATCH = "COUNT_MISMATCH"
OBJECT_MISSING = "OBJECT_MISSING"
IS_PUBLISHED = "ANNOTATION_SET_PUBLISHED"
NO_SET = "ANNOTATION_SET_NOT_FOUND"
NO_ANNOTATION = "ANNOTATION_NOT_FOUND"


@dataclass(frozen=True)
class Rules(Choices):
    """How the protocol serves requests, or a twin that chose otherwise."""

    def program(self, request: Request, process: int) -> Program:
        """Return the steps of one process that serves a request."""
        return Call(self, request, process).program()


class Call(Process):
    """What is done for each verb."""

    def program(self) -> Program:
        """Return the steps of it, which come to the answer."""
        verbs: dict[str, Callable[[], Program]] = {
            "add": self._add,
            "remove": self._remove,
            "change": self._change,
            "bulk": self._bulk if self.rules.bulk_is_whole else self._bulk_in_parts,
            "merge": self._merge,
            "publish": self._publish,
            "delete": self._delete,
            "create": self._create,
            "copy": self._copy,
            "sweep": self._sweep,
        }
        if self.rules.keyed and self.request.verb not in {"merge", "sweep"}:
            (told,) = yield Read((self._once,))
            if told:
                return str(told)
        try:
            return (yield from verbs[self.request.verb]())
        except ObjectMissingError:
            return OBJECT_MISSING

    def _add(self) -> Program:
        return (yield from self._write(self._name, None, "0", 1))

    def _remove(self) -> Program:
        return (yield from self._edit(None, -1))

    def _change(self) -> Program:
        return (yield from self._edit(self.request.name, 0))

    def _edit(self, place: str | None, more: int) -> Program:
        """Write where an annotation is now, or that it is gone, as long as it is where it was seen."""
        annotation = self.request.also
        while True:
            (at,) = yield Read((self._id(annotation),))
            was = at
            if at is None:
                head = yield from self._head()
                if head.state != DRAFT:
                    return (yield from self._refuse(IS_PUBLISHED if head.state else NO_SET))
                batches = yield from self._objects(head.batches)
                if batches is None:
                    continue
                rows = [row.split("#") for batch in batches for row in batch]
                was = next((place for place, name in rows if name == annotation), GONE)
            if was == GONE:
                return (yield from self._refuse(NO_ANNOTATION))
            told = yield from self._write(annotation, was, place, more, seen=[(self._id(annotation), at)])
            if told != GIVEN_UP:
                return told

    def _write(
        self, annotation: str, was: str | None, place: str | None, more: int, seen: Iterable[Pair] = ()
    ) -> Program:
        """Write through a gate; give up where the edit is not as seen any more."""
        if not self.rules.writer_requires_gate:
            head = yield from self._head()
            if head.state != DRAFT:
                return (yield from self._refuse(IS_PUBLISHED if head.state else NO_SET))
        is_open, number, writes = gate_keys(self._of, self._gate)
        told = yield from self._commit(
            seen=[
                *([(is_open, OPEN)] if self.rules.writer_requires_gate else ()),
                *(seen if self.rules.edit_requires_seen else ()),
            ],
            writes=[
                *([(self._row(f"{was}#{annotation}"), GONE)] if was else ()),
                *([(self._row(f"{place}#{annotation}"), THERE)] if place else ()),
                (self._id(annotation), place or GONE),
                (("truth", self._of, annotation), place),
            ],
            adds=[(number, more), (writes, 1)],
        )
        if isinstance(told, str):
            return told
        if is_open not in told:
            return GIVEN_UP
        head = yield from self._head()
        return (yield from self._refuse(IS_PUBLISHED if head.state else NO_SET))

    def _bulk(self) -> Program:
        return (yield from self._add_batch(("x", "y"), self._commit))

    def _bulk_in_parts(self) -> Program:
        told = yield from self._add_batch(("x",), self._commit_part)
        return told if told != DONE else (yield from self._add_batch(("y",), self._commit))

    def _add_batch(self, rows: Iterable[str], commit: Commit) -> Program:
        batch, head = tuple(f"0#{self._name}{row}" for row in rows), (yield from self._head())
        for attempt in count(1):
            if head.state != DRAFT:
                break
            name = f"{self._of}/{self._name}{''.join(rows)}{attempt}"
            (chore,) = yield from self._put(name, batch)
            told: Outcome = ()
            while head.state == DRAFT and chore[0] not in told:
                told = yield from commit(
                    seen=[
                        *([*self._seen(head), self._is_draft] if self.rules.bulk_requires_head else ()),
                        *([chore] if self.rules.batch_requires_chore else ()),
                    ],
                    writes=[*self._moved(head, (*head.batches, name)), (chore[0], None), *truth(self._of, batch)],
                )
                if isinstance(told, str):
                    return told
                head = yield from self._head()
        return (yield from self._refuse(IS_PUBLISHED if head.state else NO_SET))

    def _merge(self) -> Program:
        head = yield from self._head()
        batches = (yield from self._objects(head.batches)) if head.state == DRAFT else None
        if batches is None:
            return GIVEN_UP
        name = f"{self._of}/{self._name}"
        (chore,) = yield from self._put(name, tuple(sorted(row for batch in batches for row in batch)))
        replaced = ("remove", DUE, *self._own(head.batches))
        moved = yield Transaction(
            seen=(
                *(self._seen(head) if self.rules.merge_requires_revision else ()),
                self._is_draft,
                *([chore] if self.rules.batch_requires_chore else ()),
            ),
            writes=(
                *self._moved(head, (name,)),
                (chore[0], None),
                *([(("chore", f"replaced by {name}"), replaced)] if len(replaced) > len(("remove", DUE)) else ()),
            ),
        )
        return GIVEN_UP if moved else DONE

    def _publish(self) -> Program:
        has_closed, rows = False, None
        while True:
            head = yield from self._head()
            if head.state is None:
                return (yield from self._refuse(NO_SET))
            if head.state == PUBLISHED:
                is_ours = has_closed or (self.rules.close_is_kept and head.closer == self.request.name)
                return DONE if is_ours else (yield from self._refuse(IS_PUBLISHED))
            if head.state == DRAFT:
                if not self.rules.close_before_read:
                    batches = yield from self._objects(head.batches)
                    rows = yield from self._with_edits(self._of, batches or ())
                if (yield self._close(head)):
                    continue
                has_closed = True
            if told := (yield from self._finish(self._of, rows)):
                return told

    def _close(self, head: Head) -> Transaction:
        gates = [gate_keys(self._of, gate)[0] for gate in GATES] if self.rules.publish_closes_gates else []
        chore: Pair = (("chore", f"finish {self._of}"), ("finish", DUE, self._of))
        closed = Head(PUBLISHING, head.revision + 1, head.batches, self.request.name)
        return Transaction(
            seen=(*self._seen(head), self._is_draft, *((gate, OPEN) for gate in gates)),
            writes=(
                *zip(head_keys(self._of), closed, strict=True),
                *((gate, CLOSED) for gate in gates),
                *([chore] if self.rules.close_puts_chore else ()),
            ),
            adds=((self._done, 1),),
        )

    def _finish(self, of: str, early: tuple[str, ...] | None = None) -> Generator[Step, Any, str | None]:
        """Publish what is closed; come to the answer, `None` when the set is to be looked at again."""
        head, gates = yield from self._head_and_gates(of)
        if head.state != PUBLISHING or None in [gate.open for gate in gates]:
            return None
        rows = early
        if rows is None:
            batches = yield from self._objects(head.batches)
            if batches is None:
                return None
            rows = yield from self._with_edits(of, batches)
            if len(rows) != sum(map(len, batches)) + sum(gate.annotations for gate in gates):
                again = yield from self._head(of)
                return COUNT_MISMATCH if again == head else None
        published, own = f"{of}/published", self._own(head.batches, of)
        yield Put(((object_key(published), rows),), once=self.rules.published_once)
        kept, told = self._kept() if self.request.verb == "publish" else ((), ())
        moved = yield Transaction(
            seen=((("head", of, "state"), PUBLISHING), *self._seen(head, of), *kept),
            writes=(
                *zip(head_keys(of), Head(PUBLISHED, head.revision + 1, (published,), head.closer), strict=True),
                (("head", of, "count"), len(rows)),
                (("chore", f"finish {of}"), None),
                (("chore", f"clear {of}"), ("clear", DUE, of, *own)),
                *told,
            ),
        )
        if self._once in moved:
            return (yield from self._told())
        return None if moved else DONE

    def _delete(self) -> Program:
        while True:
            head = yield from self._head()
            if head.state != DRAFT:
                return (yield from self._refuse(IS_PUBLISHED if head.state else NO_SET))
            gates = self._gates(self._of) if self.rules.delete_removes_gates else ()
            told = yield from self._commit(
                seen=[self._is_draft, *(self._seen(head) if self.rules.delete_requires_revision else ())],
                writes=[
                    *((key, None) for key in (*head_keys(self._of), *gates)),
                    (("chore", f"clear {self._of}"), ("clear", DUE, self._of, *self._own(head.batches))),
                ],
            )
            if isinstance(told, str):
                return told

    def _create(self) -> Program:
        while True:
            (versions,) = yield Read((ROOT,))
            told = yield from self._commit(*self._made(versions, (), ()))
            if isinstance(told, str):
                return told

    def _copy(self) -> Program:
        for attempt in count(1):
            head, gates = yield from self._head_and_gates(self._of)
            if head.state is None:
                return (yield from self._refuse(NO_SET))
            batches = yield from self._objects(head.batches)
            if batches is None:
                continue
            if head.state == PUBLISHED:
                rows, names, chores = batches[0], head.batches, list[Pair]()
            else:
                rows = yield from self._with_edits(self._of, batches)
                if not self.rules.gates_before_edits:
                    _, gates = yield from self._head_and_gates(self._of)
                names = (f"{self._name}/copy{attempt}",)
                chores = yield from self._put(names[0], rows, has_chore=self.rules.copy_puts_chore)
            still = [] if head.state == PUBLISHED else self._still(head, gates)
            told: Outcome = (ROOT,)
            while ROOT in told and not {key for key, _ in (*still, *chores)} & {*told}:
                (versions,) = yield Read((ROOT,))
                seen, writes = self._made(versions, names, rows)
                told = yield from self._commit([*seen, *still, *chores], [*writes, *((key, None) for key, _ in chores)])
                if isinstance(told, str):
                    return told
        raise AssertionError("Nothing counts to the end.")

    def _still(self, head: Head, gates: Iterable[Gate]) -> list[Pair]:
        """Return what shows that a draft is what it was."""
        writes = zip((gate_keys(self._of, gate)[-1] for gate in GATES), (gate.writes for gate in gates), strict=True)
        return [*self._seen(head, self._of), *(writes if self.rules.copy_requires_gates else ())]

    def _made(self, versions: int, batches: tuple[str, ...], rows: Iterable[str]) -> tuple[list[Pair], list[Pair]]:
        """Return what a new set requires and writes."""
        seen: list[Pair] = [(ROOT, versions)] if self.rules.version_requires_seen else []
        return seen, [(ROOT, versions + 1), *new_set(self._name, versions + 1, batches, rows)]

    def _sweep(self) -> Program:
        chores = yield from self._query("chore")
        for chore in chores:
            kind, _, *what = chore[1]
            if kind == "finish":
                if (yield from self._finish(what[0])) == COUNT_MISMATCH:
                    return COUNT_MISMATCH
            else:
                yield from self._clear(chore)
        return DONE

    def _clear(self, chore: tuple[Key, tuple[str, ...]]) -> Generator[Step, Any, None]:
        """Take a chore, remove what it is about, and then the chore; leave it alone when it moved."""
        key, (kind, mark, *names) = chore
        seen = chore
        if self.rules.chore_is_taken:
            seen = key, (kind, TAKEN, *names)
            if mark == DUE and (yield Transaction((chore,), (seen,))):
                return
        if kind == "clear":
            of = names.pop(0)
            edits = yield from self._query("edit", of)
            yield Put(tuple((gone, None) for gone in (*(edit for edit, _ in edits), *self._gates(of))))
        if names:
            yield Put(tuple((object_key(name), None) for name in names))
        yield Transaction((seen,) if self.rules.chore_is_taken else (), ((key, None),))

    def _seen(self, head: Head, of: str = "") -> list[Pair]:
        return [(("head", of or self._of, "revision"), head.revision)]

    @property
    def _is_draft(self) -> Pair:
        return ("head", self._of, "state"), DRAFT

    def _moved(self, head: Head, batches: tuple[str, ...]) -> list[Pair]:
        return [(("head", self._of, "revision"), head.revision + 1), (("head", self._of, "batches"), batches)]

    def _own(self, batches: Iterable[str], of: str = "") -> list[str]:
        mine = f"{of or self._of}/"
        return [name for name in batches if name.startswith(mine) or not self.rules.spares_others]

    def _gates(self, of: str) -> list[Key]:
        return [key for gate in GATES for key in gate_keys(of, gate)]

    def _id(self, annotation: str) -> Key:
        return ("edit", self._of, "id", annotation)

    def _row(self, row: str) -> Key:
        return ("edit", self._of, "row", row)
