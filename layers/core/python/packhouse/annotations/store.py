"""Annotation sets in the `annotations` table.

DS#<dataset> / !                   how many sets were ever made of the dataset, the newest, the label pack they go to
DS#<dataset> / SET#<set>           a set's head: `revision` moves with every write of it
DS#<dataset> / SET#<set>#<0…7>     its gates: every write of a single annotation moves one of them, while it is open
EDIT#<set> / ROW#<place>           the annotation that is at a place instead of a batch's; without a line: none is
EDIT#<set> / ID#<annotation>       the same by id; without a line: it is gone. `batch_place`: where a batch has it
CHORE / <due>#<chore>              something left to be done; once `taken`, nobody else may undo its reason
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.annotations.model import EDITS_A_GATE, GATES, Chore, Gate, Head, SetKey, SetState
from packhouse.aws.dynamo import (
    Found,
    Key,
    Place,
    Refusal,
    StaleError,
    Transaction,
    bind,
    is_refused,
    raw,
    read_together,
    section,
    update_alone,
)
from packhouse.errors import ConflictError, PackhouseError, PreconditionFailedError

if TYPE_CHECKING:
    from pynamodb.expressions.update import Action

_ROOT = "!"
_CHORE = "CHORE"


class _AnnotationItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    versions = NumberAttribute(null=True)
    newest = UnicodeAttribute(null=True)
    label_pack_id = UnicodeAttribute(null=True)
    state = UnicodeAttribute(null=True)
    revision = NumberAttribute(null=True)
    is_open = NumberAttribute(null=True)
    rows = NumberAttribute(null=True)
    writes = NumberAttribute(null=True)
    place = UnicodeAttribute(null=True)
    batch_place = UnicodeAttribute(null=True)
    line = UnicodeAttribute(null=True)
    taken = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)


@dataclass(frozen=True)
class Root:
    """What a dataset remembers of its sets: how many it ever had, the newest, the label pack they are promoted to."""

    versions: int = 0
    newest: str | None = None
    label_pack_id: str | None = None


@dataclass(frozen=True)
class Kept:
    """An annotation that was found: its line, where it is, where a batch has it, and whether that was edited since."""

    line: bytes
    place: str
    batch_place: str | None
    is_edited: bool


def _dataset_pk(dataset_id: str) -> str:
    return f"DS#{dataset_id}"


def _set_sk(annotation_set_id: str) -> str:
    return f"SET#{annotation_set_id}"


def _gate_sk(annotation_set_id: str, number: int) -> str:
    return f"SET#{annotation_set_id}#{number}"


def _edit_pk(annotation_set_id: str) -> str:
    return f"EDIT#{annotation_set_id}"


def _moved(key: SetKey) -> StaleError:
    return StaleError("ANNOTATION_SET_CONFLICT", f"The annotation set {key.id} changed at the same moment; repeat.")


def _edited(key: SetKey, annotation_id: str) -> StaleError:
    detail = f"The annotation {annotation_id} of {key.id} changed at the same moment; repeat."
    return StaleError("ANNOTATION_SET_CONFLICT", detail)


def _gate_item(key: SetKey, number: int) -> _AnnotationItem:
    return _AnnotationItem(_dataset_pk(key.dataset_id), _gate_sk(key.id, number))


def _is_open(key: SetKey, seen: Gate | None = None) -> Condition:
    """Return the condition that a gate of the project's set is open; with `seen`, that nobody went through it since."""
    is_open: Condition = (_AnnotationItem.is_open == 1) & (_AnnotationItem.workspace == str(key.workspace))
    return is_open if seen is None else is_open & (_AnnotationItem.writes == seen.writes)


def _gate_refusal(key: SetKey, otherwise: PackhouseError) -> Refusal:
    def refused(found: dict[str, Any]) -> PackhouseError:
        if found.get("workspace", {}).get("S") != str(key.workspace):
            return key.missing()
        return key.published() if found["is_open"]["N"] == "0" else otherwise

    return refused


class AnnotationStore:
    """Annotation sets, what was edited in them, and what is left to be done for them."""

    def __init__(self, table: str) -> None:
        bind(_AnnotationItem, table)

    def get_root(self, workspace: Workspace, dataset_id: str) -> Root:
        """Return what the dataset remembers of its sets; one read. An empty one where it has none of the project's."""
        found = read_together([(_AnnotationItem, _dataset_pk(dataset_id), _ROOT)])
        item = next(iter(found.values()), None)
        if not isinstance(item, _AnnotationItem) or item.workspace != str(workspace):
            return Root()
        return Root(int(item.versions), item.newest, item.label_pack_id)

    def put_root(self, tx: Transaction, workspace: Workspace, dataset_id: str, seen: Root, root: Root) -> None:
        """Add the change of what the dataset remembers, as it was seen."""
        item = _AnnotationItem(_dataset_pk(dataset_id), _ROOT, workspace=str(workspace), versions=root.versions)
        item.newest, item.label_pack_id = root.newest, root.label_pack_id
        same = _AnnotationItem.pk.does_not_exist()
        if seen.versions:
            same = (_AnnotationItem.versions == seen.versions) & (_AnnotationItem.workspace == str(workspace))
            pack = _AnnotationItem.label_pack_id
            same &= pack == seen.label_pack_id if seen.label_pack_id else pack.does_not_exist()
        stale = StaleError("ANNOTATION_SET_CONFLICT", "Another set of the dataset was made at the same moment; repeat.")
        tx.put(item, same, stale)

    def put_new_set(self, tx: Transaction, key: SetKey, head: Head) -> None:
        """Add the write of a new set, with its gates open."""
        taken = ConflictError("ANNOTATION_SET_CONFLICT", "The annotation set's id is taken.")
        tx.put(self._head_item(key, head), _AnnotationItem.pk.does_not_exist(), taken)
        for number in range(GATES):
            gate = _gate_item(key, number)
            gate.workspace, gate.is_open, gate.rows, gate.writes = str(key.workspace), 1, 0, 0
            tx.put(gate)

    def _head_item(self, key: SetKey, head: Head) -> _AnnotationItem:
        item = _AnnotationItem(_dataset_pk(key.dataset_id), _set_sk(key.id), workspace=str(key.workspace))
        item.state, item.revision, item.body = head.state.value, head.revision, head.model_dump_json()
        return item

    def get_head(self, key: SetKey) -> Head:
        """Return the head of a set; one read."""
        found = read_together([self.head_key(key)])
        return self.head_in(found, key)

    def head_key(self, key: SetKey) -> Key:
        """Return the key of a set's head, for reads together with other items."""
        return _AnnotationItem, _dataset_pk(key.dataset_id), _set_sk(key.id)

    def head_in(self, found: Found, key: SetKey) -> Head:
        """Return a set's head among items that were read together."""
        item = found.get(self.head_key(key)[1:])
        if not isinstance(item, _AnnotationItem) or item.workspace != str(key.workspace) or item.body is None:
            raise key.missing()
        return Head.model_validate_json(item.body)

    def get_set(self, key: SetKey) -> tuple[Head, list[Gate]]:
        """Return a set with its gates; one query."""
        condition = _AnnotationItem.sk.between(_set_sk(key.id), _gate_sk(key.id, GATES - 1))
        sets = _sets(raw(_AnnotationItem.query(_dataset_pk(key.dataset_id), condition, consistent_read=True)))
        for head, gates in sets:
            if head.id == key.id and head.workspace == str(key.workspace):
                return head, gates
        raise key.missing()

    def list_sets(
        self, workspace: Workspace, dataset_id: str, limit: int, after: Place | None
    ) -> tuple[list[tuple[Head, list[Gate]]], Place | None]:
        """Return a page of a dataset's sets with their gates, by version, and where the next page begins; one query."""
        items = (1 + GATES) * limit
        rows = _AnnotationItem.query(
            _dataset_pk(dataset_id),
            _AnnotationItem.sk.startswith(_set_sk("")),
            limit=items + 1,
            last_evaluated_key=after,
            consistent_read=True,
        )
        found, rest = section(rows, items)
        sets = list(_sets(iter(found)))
        return [pair for pair in sets if pair[0].workspace == str(workspace)], rest

    def put_head(self, tx: Transaction, key: SetKey, head: Head) -> None:
        """Add the change of a set that was a draft one revision earlier."""

        def refused(found: dict[str, Any]) -> PackhouseError:
            if found.get("workspace", {}).get("S") != str(key.workspace):
                return key.missing()
            return key.published() if found["state"]["S"] == SetState.PUBLISHED else _moved(key)

        is_draft = _AnnotationItem.state == SetState.DRAFT.value
        condition = (_AnnotationItem.revision == head.revision - 1) & is_draft
        tx.put(self._head_item(key, head), condition, refused)

    def put_published(self, tx: Transaction, key: SetKey, head: Head) -> None:
        """Add that a set, which was being published one revision earlier, is."""
        condition = _AnnotationItem.revision == head.revision - 1
        tx.put(self._head_item(key, head), condition, _moved(key))

    def demand_as_seen(self, tx: Transaction, key: SetKey, head: Head, gates: Sequence[Gate]) -> None:
        """Require that nothing of a set changed since it was read."""
        changed = ConflictError("ANNOTATION_SET_CONFLICT", f"The set {key.id} was edited while it was copied; repeat.")
        seen = _AnnotationItem.revision == head.revision
        tx.check(_AnnotationItem, _dataset_pk(key.dataset_id), _set_sk(key.id), seen, changed)
        for gate in gates:
            same = _AnnotationItem.writes == gate.writes
            tx.check(_AnnotationItem, _dataset_pk(key.dataset_id), _gate_sk(key.id, gate.number), same, changed)

    def put_closed(self, tx: Transaction, key: SetKey, seen: Sequence[Gate] | None) -> None:
        """Add that all gates are closed; with `seen`, if nobody went through one since."""
        changed = PreconditionFailedError("PRECONDITION_FAILED", f"The annotation set {key.id} has changed.")
        for number in range(GATES):
            is_open = _is_open(key, seen[number] if seen else None)
            tx.update(_gate_item(key, number), [_AnnotationItem.is_open.set(0)], is_open, _gate_refusal(key, changed))

    def delete_set(self, tx: Transaction, key: SetKey, head: Head, seen: Sequence[Gate] | None) -> None:
        """Add the removal of a draft with its gates; with `seen`, if nobody went through one since."""
        condition = (_AnnotationItem.revision == head.revision) & (_AnnotationItem.state == SetState.DRAFT.value)
        tx.delete(_AnnotationItem(_dataset_pk(key.dataset_id), _set_sk(key.id)), condition, _moved(key))
        for number in range(GATES):
            tx.delete(_gate_item(key, number), _is_open(key, seen[number] if seen else None), _moved(key))

    # single annotations

    def pass_gate(self, tx: Transaction, key: SetKey, number: int, more: int) -> None:
        """Add that one annotation is written; the set must be a draft, and has `more` annotations more.

        What is added is added once: a transaction that is sent again bears the same token.
        """
        condition = _is_open(key)
        if more > 0:
            condition &= _AnnotationItem.rows < EDITS_A_GATE
        full = ConflictError("ANNOTATION_SET_FULL", f"The set {key.id} takes no more single annotations; add by bulk.")
        moved: list[Action] = [_AnnotationItem.writes.add(1)]
        if more:
            moved.append(_AnnotationItem.rows.add(more))
        tx.update(_gate_item(key, number), moved, condition, _gate_refusal(key, full))

    def id_key(self, key: SetKey, annotation_id: str) -> Key:
        """Return the key of an edited annotation, for reads together with other items."""
        return _AnnotationItem, _edit_pk(key.id), f"ID#{annotation_id}"

    def edit_in(self, found: Found, key: SetKey, annotation_id: str) -> tuple[bool, Kept | None]:
        """Return whether an annotation was edited, among items that were read together, and it, unless it is gone."""
        item = found.get(self.id_key(key, annotation_id)[1:])
        if not isinstance(item, _AnnotationItem):
            return False, None
        if not item.line:
            return True, None
        return True, Kept(item.line.encode(), item.place, item.batch_place, is_edited=True)

    def put_annotation(
        self, tx: Transaction, key: SetKey, annotation_id: str, place: str, line: bytes, before: Kept | None
    ) -> None:
        """Add that an annotation is at a place from now on; `before` is where and what it was, `None` a new one."""
        by_id = _AnnotationItem(_edit_pk(key.id), f"ID#{annotation_id}", place=place, line=line.decode())
        by_id.batch_place = before.batch_place if before else None
        tx.put(by_id, self._as_found(before), _edited(key, annotation_id))
        if before is not None and before.place != place:
            self._leave(tx, key, before)
        tx.put(_AnnotationItem(_edit_pk(key.id), f"ROW#{place}", line=line.decode()))

    def put_removed(self, tx: Transaction, key: SetKey, annotation_id: str, before: Kept) -> None:
        """Add that an annotation is gone."""
        by_id = _AnnotationItem(_edit_pk(key.id), f"ID#{annotation_id}")
        refused = _edited(key, annotation_id)
        if before.batch_place is None:
            tx.delete(by_id, self._as_found(before), refused)
        else:
            by_id.batch_place = before.batch_place
            tx.put(by_id, self._as_found(before), refused)
        self._leave(tx, key, before)

    def _leave(self, tx: Transaction, key: SetKey, before: Kept) -> None:
        """Add that nothing is where an annotation was; where a batch has it, that must be said."""
        there = _AnnotationItem(_edit_pk(key.id), f"ROW#{before.place}")
        if before.place == before.batch_place:
            tx.put(there)
        else:
            tx.delete(there, _AnnotationItem.pk.exists(), _moved(key))

    def _as_found(self, before: Kept | None) -> Condition:
        if before is None or not before.is_edited:
            return _AnnotationItem.pk.does_not_exist()
        return _AnnotationItem.line == before.line.decode()

    def iter_edits(
        self, annotation_set_id: str, start: str = "", end: str = "~", at_once: int | None = None
    ) -> Iterator[tuple[str, bytes | None]]:
        """Yield (place, line or `None`) of what was edited, by place, from `start` up to `end`; a query a megabyte.

        With `at_once`, a query for so many.
        """
        rows = _AnnotationItem.query(
            _edit_pk(annotation_set_id),
            _AnnotationItem.sk.between(f"ROW#{start}", f"ROW#{end}"),
            page_size=at_once,
            consistent_read=True,
            attributes_to_get=["sk", "line"],
        )
        for item in raw(rows):
            line = item.get("line")
            yield item["sk"]["S"].removeprefix("ROW#"), line["S"].encode() if line else None

    def clear_edits(self, annotation_set_id: str) -> None:
        """Remove all edits of a set, which nobody reads any more; 25 a call."""
        with _AnnotationItem.batch_write() as batch:
            for item in _AnnotationItem.query(_edit_pk(annotation_set_id), attributes_to_get=["pk", "sk"]):
                batch.delete(item)

    # chores

    def put_chore(self, tx: Transaction, chore: Chore) -> None:
        """Add something that is left to be done."""
        item = _AnnotationItem(_CHORE, _chore_sk(chore), body=chore.model_dump_json())
        taken = ConflictError("ANNOTATION_SET_CONFLICT", f"The id of the chore {chore.id} is taken; repeat.")
        tx.put(item, _AnnotationItem.pk.does_not_exist(), taken)

    def drop_chore(self, tx: Transaction, chore: Chore, lost: PackhouseError | None = None) -> None:
        """Add that a chore has lost its reason; nobody may have taken it, or done it (`lost`)."""
        late = ConflictError("ANNOTATION_SET_CONFLICT", "The request took too long, and was given up; repeat it.")
        untaken = _AnnotationItem.pk.exists() & _AnnotationItem.taken.does_not_exist()
        tx.delete(_AnnotationItem(_CHORE, _chore_sk(chore)), untaken, lost or late)

    def end_chore(self, chore: Chore) -> None:
        """Remove a chore that was taken and is done; one that somebody else has removed is done as well."""
        _AnnotationItem(_CHORE, _chore_sk(chore)).delete()

    def take_chore(self, chore: Chore) -> bool:
        """Take a chore, so that it does not lose its reason; return whether it was there still."""
        try:
            update_alone(
                _AnnotationItem(_CHORE, _chore_sk(chore)), [_AnnotationItem.taken.set(1)], _AnnotationItem.pk.exists()
            )
        except UpdateError as error:
            if is_refused(error):
                return False
            raise
        return True

    def iter_due(self, moment: str) -> Iterator[Chore]:
        """Yield the chores that were due before a moment, oldest first."""
        for item in _AnnotationItem.query(_CHORE, _AnnotationItem.sk < moment, consistent_read=True):
            yield Chore.model_validate_json(item.body)


def _chore_sk(chore: Chore) -> str:
    return f"{chore.due}#{chore.id}"


def _sets(items: Iterator[dict[str, Any]]) -> Iterator[tuple[Head, list[Gate]]]:
    """Yield sets with their gates from items in their order; a set that is being removed may miss some gates."""
    head: Head | None = None
    gates: list[Gate] = []
    for item in items:
        if "is_open" not in item:
            if head is not None:
                yield head, gates
            head, gates = Head.model_validate_json(item["body"]["S"]), []
        elif head is not None:
            gates.append(_gate(item))
    if head is not None:
        yield head, gates


def _gate(item: dict[str, Any]) -> Gate:
    number = int(item["sk"]["S"].rpartition("#")[2])
    return Gate(number=number, rows=int(item["rows"]["N"]), writes=int(item["writes"]["N"]))
