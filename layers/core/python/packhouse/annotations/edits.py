"""Use cases of a draft's annotations: add, change and remove one, add many.

A single write goes through one of the set's gates, in one transaction: publishing shuts them all. Many come as a batch:
its object is written first, and one transaction makes it part of the set, or nothing does.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packhouse.access.model import Principal
from packhouse.annotations.batches import Row, row_of
from packhouse.annotations.contents import Contents, annotation_of
from packhouse.annotations.model import (
    GATES,
    KEPT_SECONDS,
    TRIES_IN_TURN,
    Added,
    Annotation,
    Batch,
    Chore,
    ChoreKind,
    Head,
    SetKey,
    SetState,
)
from packhouse.annotations.rules import (
    batch_key,
    has_room,
    new_chore,
    removable,
    segment_faults,
    state_of,
    to_merge,
    with_batches,
)
from packhouse.annotations.store import AnnotationStore
from packhouse.audio.store import AudioStore
from packhouse.aws.clock import Clock, NewId, later, new_id, now
from packhouse.aws.dynamo import StaleError, Transaction, demand_state, read_together, while_stale
from packhouse.aws.once import Once
from packhouse.errors import ConflictError, RequestFaultsError


def any_gate() -> int:
    """Return the number of a gate."""
    return random.randrange(GATES)  # noqa: S311  spreads writers, no secret


@dataclass(frozen=True)
class Edits:
    """The annotations of drafts."""

    store: AnnotationStore
    audio: AudioStore
    contents: Contents
    clock: Clock = now
    new_id: NewId = new_id
    gate: Callable[[], int] = any_gate

    def add(self, key: SetKey, wanted: dict[str, Any], caller: Principal, once: Once) -> Annotation:
        """Add one annotation: one read, and one transaction."""
        self._demand_segments(key, [("", wanted)])
        annotation = self._new(wanted, caller, self.clock())
        tx = Transaction()
        self.store.pass_gate(tx, key, self.gate(), 1)
        self.store.put_annotation(tx, key, annotation.id, *row_of(annotation), before=None)
        return once.commit(tx, annotation)

    def get(self, key: SetKey, annotation_id: str) -> Annotation:
        """Return one annotation of a set, draft or published."""
        _, kept = self.contents.find(key, annotation_id)
        return annotation_of(kept.line)

    def change(
        self, key: SetKey, annotation_id: str, changes: dict[str, Any], states: tuple[str, ...] | None
    ) -> Annotation:
        """Change what is given of one annotation, and return it; what stays as it is, is not written."""

        def attempt() -> Annotation:
            head, kept = self.contents.find(key, annotation_id)
            _demand_draft(key, head)
            before = annotation_of(kept.line)
            demand_state(state_of(before), states)
            wanted = before.model_dump() | changes
            self._demand_segments(key, [("", wanted)])
            if wanted == before.model_dump():
                return before
            after = Annotation(**wanted | {"updated_at": self.clock()})
            tx = Transaction()
            self.store.pass_gate(tx, key, self.gate(), 0)
            self.store.put_annotation(tx, key, annotation_id, *row_of(after), before=kept)
            tx.commit()
            return after

        return while_stale(attempt)

    def remove(self, key: SetKey, annotation_id: str, states: tuple[str, ...] | None) -> None:
        """Remove one annotation from a draft."""

        def attempt() -> None:
            head, kept = self.contents.find(key, annotation_id)
            _demand_draft(key, head)
            demand_state(state_of(annotation_of(kept.line)), states)
            tx = Transaction()
            self.store.pass_gate(tx, key, self.gate(), -1)
            self.store.put_removed(tx, key, annotation_id, kept)
            tx.commit()

        while_stale(attempt)

    def add_many(self, key: SetKey, rows: Sequence[dict[str, Any]], caller: Principal, once: Once) -> Added:
        """Add annotations, all or none of them; many cost the calls of a few, but for those that read audio files."""
        head = self._demand_segments(key, [(f"/annotations/{number}", row) for number, row in enumerate(rows)])
        once.demand_new()
        head = self._merge_some(key, head)
        moment = self.clock()
        annotations = [self._new(row, caller, moment) for row in rows]
        batch, chore = self.write_batch(key, sorted(row_of(annotation) for annotation in annotations))
        try:
            return self._admit(key, head, batch, chore, once)
        except StaleError:
            return while_stale(lambda: self._admit(key, self.store.get_head(key), batch, chore, once), TRIES_IN_TURN)

    def _admit(self, key: SetKey, head: Head, batch: Batch, chore: Chore, once: Once) -> Added:
        _demand_draft(key, head)
        if not has_room(head.batch_rows, batch.rows):
            raise ConflictError("ANNOTATION_SET_FULL", f"The batches of {key.id} hold {head.batch_rows} annotations.")
        tx = Transaction()
        self.store.put_head(tx, key, with_batches(head, (*head.batches, batch)))
        self.store.drop_chore(tx, chore)
        return once.commit(tx, Added(annotation_set_id=key.id, created=batch.rows))

    def write_batch(self, key: SetKey, rows: Iterable[Row]) -> tuple[Batch, Chore]:
        """Write a batch that no set names yet, and return it with the chore that removes it if none ever does."""
        where = batch_key(key.workspace, self.new_id("bat"))
        chore = new_chore(ChoreKind.REMOVE, key, later(self.clock(), KEPT_SECONDS), self.new_id("chr"), (where,))
        tx = Transaction()
        self.store.put_chore(tx, chore)
        tx.commit()
        return self.contents.write(where, rows), chore

    def _merge_some(self, key: SetKey, head: Head) -> Head:
        """Make one batch of several where there are many, and return the set; if it changed meanwhile, they stay."""
        merging = to_merge(head.batches)
        if not merging:
            return head
        rows = self.contents.iter_batches(merging)
        batch, chore = self.write_batch(key, rows)
        kept = tuple(known for known in head.batches if known not in merging)
        fewer = with_batches(head, (*kept, batch))
        tx = Transaction()
        self.store.put_head(tx, key, fewer)
        self.store.drop_chore(tx, chore)
        if replaced := removable(merging):
            due = later(self.clock(), KEPT_SECONDS)
            self.store.put_chore(tx, new_chore(ChoreKind.REMOVE, key, due, self.new_id("chr"), replaced))
        try:
            tx.commit()
        except StaleError:
            return self.store.get_head(key)
        return fewer

    def _new(self, wanted: Mapping[str, Any], caller: Principal, moment: str) -> Annotation:
        return Annotation(
            **wanted,
            id=self.new_id("ann"),
            created_at=moment,
            created_by=caller.principal_id,
            updated_at=moment,
        )

    def _demand_segments(self, key: SetKey, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Head:
        """Return the head of a draft for which the rows are right; one read for every hundred audio files."""
        wanted = self.audio.keys(key.dataset_id, {row["audio_file_id"] for _, row in rows})
        found = read_together([self.store.head_key(key), *wanted])
        head = self.store.head_in(found, key)
        _demand_draft(key, head)
        if faults := segment_faults(rows, self.audio.files_in(found, key.workspace)):
            raise RequestFaultsError(faults)
        return head


def _demand_draft(key: SetKey, head: Head) -> None:
    if head.state is not SetState.DRAFT:
        raise key.published()
