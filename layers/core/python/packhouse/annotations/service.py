"""Use cases of annotation sets: create, copy, look into, compare, delete."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from packhouse.access.model import Principal, Workspace
from packhouse.annotations.batches import Row
from packhouse.annotations.contents import Contents, annotation_of
from packhouse.annotations.differences import compare
from packhouse.annotations.edits import Edits
from packhouse.annotations.model import (
    BATCH_ROWS_ALL,
    KEPT_SECONDS,
    TRIES_IN_TURN,
    Annotation,
    AnnotationSet,
    Batch,
    Change,
    Chore,
    ChoreKind,
    Download,
    Gate,
    Head,
    SetDiff,
    SetKey,
    SetState,
)
from packhouse.annotations.rules import following, has_room, new_chore, removable, set_state, shown, total
from packhouse.annotations.store import AnnotationStore
from packhouse.aws.clock import Clock, NewId, later, new_id, now
from packhouse.aws.dynamo import Place, Transaction, demand_state, while_stale
from packhouse.aws.objects import URL_SECONDS
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.datasets.store import DatasetStore
from packhouse.errors import ConflictError
from packhouse.pipeline.files import NDJSON


@dataclass(frozen=True)
class AnnotationSets:
    """The annotation sets of datasets."""

    store: AnnotationStore
    datasets: DatasetStore
    contents: Contents
    edits: Edits
    clock: Clock = now
    new_id: NewId = new_id

    def create(
        self,
        workspace: Workspace,
        dataset_id: str,
        copy_from: str | None,
        extra_data: dict[str, Any] | None,
        caller: Principal,
        once: Once,
    ) -> AnnotationSet:
        """Create the dataset's next set, empty or with what is in another one; one read and one transaction.

        Of a published set its object is taken over as it is. A draft is copied as it was at one moment: if somebody
        edits it meanwhile, nothing is made (`ANNOTATION_SET_CONFLICT`). Its batch is named, or removed an hour later.
        """
        once.demand_new()
        copied = self._copy(SetKey(workspace, dataset_id, copy_from)) if copy_from else _Copied()

        def attempt() -> AnnotationSet:
            root = self.store.get_root(workspace, dataset_id)
            key = SetKey(workspace, dataset_id, following(root.newest, self.new_id("ast")))
            head = Head(
                id=key.id,
                dataset_id=dataset_id,
                workspace=str(workspace),
                project_id=project_id(workspace),
                version=root.versions + 1,
                state=SetState.DRAFT,
                revision=1,
                copied_from=copy_from,
                extra_data=extra_data,
                created_at=self.clock(),
                created_by=caller.principal_id,
                batches=copied.batches,
            )
            tx = Transaction()
            self.datasets.demand_id(tx, head.project_id, dataset_id)
            grown = replace(root, versions=head.version, newest=key.id)
            self.store.put_root(tx, workspace, dataset_id, root, grown)
            self.store.put_new_set(tx, key, head)
            copied.add_to(tx, self.store)
            return once.commit(tx, shown(head, ()))

        return while_stale(attempt, TRIES_IN_TURN)

    def _copy(self, source: SetKey) -> "_Copied":
        head, gates = self.store.get_set(source)
        rows = total(head, gates)
        if not has_room(0, rows):
            detail = f"{source.id} has {rows} annotations; the batches of a set hold {BATCH_ROWS_ALL}."
            raise ConflictError("ANNOTATION_SET_FULL", detail)
        if head.is_published:
            return _Copied(head.batches if rows else ())
        batch, chore = self.edits.write_batch(source, self.contents.iter_all(head))
        return _Copied((batch,) if batch.rows else (), chore, source, head, gates)

    def get(self, key: SetKey) -> AnnotationSet:
        """Return a set; one query."""
        return shown(*self.store.get_set(key))

    def list_sets(
        self, workspace: Workspace, dataset_id: str, limit: int, after: Place | None
    ) -> tuple[list[AnnotationSet], Place | None]:
        """Return a page of a dataset's sets by version; one query, and one read more only where there is none."""
        sets, rest = self.store.list_sets(workspace, dataset_id, limit, after)
        if not sets and after is None:
            self.datasets.get_name(project_id(workspace), dataset_id)
        return [shown(head, gates) for head, gates in sets], rest

    def list_annotations(self, key: SetKey, limit: int, after: str, within: str) -> tuple[list[bytes], str | None]:
        """Return the next annotations of a set behind a place, each as its JSON, and the place of the last if more are.

        One read of its head, a query a megabyte of what was edited, and a range or two of each batch.
        """
        return self.contents.page(self.store.get_head(key), limit, after, within)

    def note(self, key: SetKey, extra_data: dict[str, Any] | None, states: tuple[str, ...] | None) -> AnnotationSet:
        """Replace what a draft says of itself; what stays as it is, is not written."""

        def attempt() -> AnnotationSet:
            head, gates = self._seen(key, states)
            if head.extra_data == extra_data:
                return shown(head, gates)
            noted = head.model_copy(update={"extra_data": extra_data, "revision": head.revision + 1})
            tx = Transaction()
            self.store.put_head(tx, key, noted)
            tx.commit()
            return shown(noted, gates)

        return while_stale(attempt)

    def delete(self, key: SetKey, states: tuple[str, ...] | None) -> None:
        """Delete a draft; its number is not given again."""

        def attempt() -> None:
            head, gates = self._seen(key, states)
            tx = Transaction()
            self.store.delete_set(tx, key, head, gates if states else None)
            due = later(self.clock(), KEPT_SECONDS)
            chore = new_chore(ChoreKind.CLEAR, key, due, self.new_id("chr"), removable(head.batches))
            self.store.put_chore(tx, chore)
            tx.commit(TRIES_IN_TURN)

        while_stale(attempt)

    def _seen(self, key: SetKey, states: tuple[str, ...] | None) -> tuple[Head, list[Gate]]:
        head, gates = self.store.get_set(key)
        if head.state is not SetState.DRAFT:
            raise key.published()
        demand_state(set_state(head, gates), states)
        return head, gates

    def download(self, key: SetKey) -> Download:
        """Return the published object of a set with a URL that downloads it for a quarter of an hour."""
        head = demand_published(key, self.store.get_head(key))
        batch = head.batches[0]
        name = f"{key.dataset_id}-v{head.version}.ndjson"
        return Download(
            name=name,
            rows=batch.rows,
            bytes=batch.bytes,
            sha256=batch.sha256,
            url=self.contents.objects.presign_get(batch.key, name, NDJSON),
            expires_at=later(self.clock(), URL_SECONDS),
        )

    def diff(self, key: SetKey, against: str, limit: int, after: str) -> tuple[SetDiff, str | None]:
        """Return what changed from the set `against` to this one: all counted, the changes behind a place listed.

        Also the place of the last one when there are more.
        """
        before, head = self.store.get_head(replace(key, id=against)), self.store.get_head(key)
        found = compare(self.contents.iter_all(before), self.contents.iter_all(head))
        listed = [change for change in found.changes if change.place > after]
        items = tuple(
            Change(change=change.kind, before=_shown(change.before), after=_shown(change.after))
            for change in listed[:limit]
        )
        page = SetDiff(
            annotation_set_id=key.id,
            against=against,
            counts=found.counts,
            deltas_by_type=found.deltas_by_type,
            items=items,
            next_cursor=None,
        )
        return page, listed[limit - 1].place if len(listed) > limit else None


@dataclass(frozen=True)
class _Copied:
    """What a new set begins with, and what must hold when it does."""

    batches: tuple[Batch, ...] = ()
    chore: Chore | None = None
    source: SetKey | None = None
    head: Head | None = None
    gates: Sequence[Gate] = ()

    def add_to(self, tx: Transaction, store: AnnotationStore) -> None:
        if self.chore and self.source and self.head:
            store.demand_as_seen(tx, self.source, self.head, self.gates)
            if self.batches:
                store.drop_chore(tx, self.chore)


def demand_published(key: SetKey, head: Head) -> Head:
    """Return the set if it is published; `ANNOTATION_SET_NOT_PUBLISHED` when it is not."""
    if not head.is_published:
        raise ConflictError("ANNOTATION_SET_NOT_PUBLISHED", f"The annotation set {key.id} is a draft; publish it.")
    return head


def _shown(row: Row | None) -> Annotation | None:
    return None if row is None else annotation_of(row.line)
