"""Use cases of collections: create, move into a dataset and out of it, add and remove members, delete."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import StaleError, Transaction, demand_state, read_together, while_stale
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.catalog.store import CatalogStore
from packhouse.collections.model import Collection, CollectionFacts, CollectionListed
from packhouse.collections.rules import HEAD, Layout, Rewrite, changed, lay_out, rewrite
from packhouse.collections.store import CollectionStore
from packhouse.datasets.store import DatasetStore
from packhouse.errors import ConflictError

_ITEMS, _BYTES = 80, 3_000_000
"""How much a change of members writes in one transaction, which may have 100 items and 4 MB."""


@dataclass(frozen=True)
class Collections:
    """The collections of projects."""

    store: CollectionStore
    datasets: DatasetStore
    catalog: CatalogStore
    clock: Clock = now
    new_id: NewId = new_id

    def create(
        self,
        workspace: Workspace,
        name: str,
        description: str | None,
        dataset: str | None,
        members: list[str],
        once: Once,
    ) -> Collection:
        """Create a collection of up to a thousand members: one transaction, and a read of its dataset."""
        tx = Transaction()
        self.catalog.demand_project(tx, workspace)
        collection_id, moment = self.new_id("col"), self.clock()
        head = lay_out(members).head
        facts = CollectionFacts(
            id=collection_id,
            name=name,
            description=description,
            project_id=project_id(workspace),
            place=collection_id if dataset is None else self._place(tx, workspace, dataset),
            member_count=len(head),
            created_at=moment,
            updated_at=moment,
            etag=self.new_id("rev"),
            members_etag=self.new_id("rev"),
        )
        self.store.put_new(tx, workspace, facts)
        self.store.put_head(tx, facts, head)
        self.store.count(tx, workspace, 1)
        return once.commit(tx, _shown(facts, head, dataset))

    def _place(self, tx: Transaction, workspace: Workspace, dataset: str) -> str:
        found = self.datasets.get_dataset(workspace, dataset)
        self.datasets.demand_place(tx, workspace, found)
        return found.id

    def get(self, workspace: Workspace, name: str) -> Collection:
        """Return a collection with its first thousand members; two reads."""

        def attempt() -> Collection:
            facts = self.store.get(workspace, name)
            return _shown(facts, *self._look(facts))

        return while_stale(attempt)

    def _look(self, facts: CollectionFacts) -> tuple[tuple[str, ...], str | None]:
        """Return the first members, and the name of the dataset if it is in one; one read."""
        head = self.store.head_key(facts)
        keys = [head] if facts.dataset_id is None else [head, self.datasets.place_key(facts.dataset_id)]
        found = read_together(keys)
        return self.store.head_in(found, facts), self.datasets.names_in(found).get(facts.place)

    def list_facts(self, workspace: Workspace, start: int, end: int) -> tuple[list[CollectionListed], int]:
        """Return the collections from the `start`-th to before the `end`-th by name, and how many there are."""
        rows, total = self.store.list_facts(workspace, end)
        if not total:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        shown = rows[start:]
        places = sorted({row.dataset_id for row in shown if row.dataset_id is not None})
        names = self.datasets.names_in(read_together([self.datasets.place_key(place) for place in places]))
        return [
            CollectionListed(
                id=row.id,
                name=row.name,
                description=row.description,
                dataset=names.get(row.place),
                memberCount=row.member_count,
            )
            for row in shown
        ], total

    def list_members(self, workspace: Workspace, name: str, end: int) -> tuple[list[str], int]:
        """Return the first `end` members in order, and how many there are: two reads; behind the first thousand one
        for every megabyte, and one that sees that nothing has changed meanwhile.
        """

        def attempt() -> tuple[list[str], int]:
            facts = self.store.get(workspace, name)
            members = list(self.store.read_head(facts))
            if end > HEAD:
                rest = (member for segment in self.store.iter_segments(facts.id) for member in segment)
                members += islice(rest, end - HEAD)
                self.store.demand_same(workspace, facts)
            return members, facts.member_count

        return while_stale(attempt)

    def update(
        self, workspace: Workspace, name: str, changes: dict[str, Any], states: tuple[str, ...] | None
    ) -> Collection:
        """Change name, description and dataset (`None`: stands alone) where given."""

        def attempt() -> Collection:
            seen = self.store.get(workspace, name)
            demand_state(seen.etag, states)
            head, dataset = self._look(seen)
            if not changes:
                return _shown(seen, head, dataset)
            tx = Transaction()
            place = seen.place
            if "dataset" in changes:
                dataset = changes["dataset"]
                place = seen.id if dataset is None else self._place(tx, workspace, dataset)
            facts = seen.model_copy(
                update={
                    "name": changes.get("name", seen.name),
                    "description": changes.get("description", seen.description),
                    "place": place,
                    "updated_at": self.clock(),
                    "etag": self.new_id("rev"),
                }
            )
            if facts.name == seen.name:
                self.store.put(tx, workspace, facts, seen)
            else:
                self.store.delete(tx, workspace, seen)
                self.store.put_new(tx, workspace, facts)
            if (facts.place, facts.name) != (seen.place, seen.name):
                self.store.delete_head(tx, seen)
                self.store.put_head(tx, facts, head)
            tx.commit()
            return _shown(facts, head, dataset)

        return while_stale(attempt)

    def change_members(
        self, workspace: Workspace, name: str, add: list[str], remove: list[str], once: Once
    ) -> Collection:
        """Add and remove members; what is there already or not there stays so.

        A change that is too much for one transaction is made in several, each of which leaves a whole collection; when
        it ends in between, the same request finishes it.
        """
        changes = sorted({(member, True) for member in add} | {(member, False) for member in remove})
        made, done = self._change(workspace, name, changes, once, None)
        while done < len(changes):
            made, more = self._change(workspace, name, changes[done:], once, made.id)
            done += more
        return made

    def _change(
        self,
        workspace: Workspace,
        name: str,
        changes: list[tuple[str, bool]],
        once: Once,
        collection_id: str | None,
    ) -> tuple[Collection, int]:
        """Make as many of the changes (a member, and whether it is added) as one transaction takes; return how many.

        The last of them are made under the request's key. Once some were made, the collection must stay the same one.
        """

        def attempt() -> tuple[Collection, int]:
            seen = self.store.get(workspace, name)
            if collection_id not in {None, seen.id}:
                raise ConflictError("COLLECTION_CONFLICT", "Another collection took the name before all was changed.")
            head, dataset = self._look(seen)
            before = self._layout(seen, head)
            part, after, change = _fitting(before, changes)
            is_last = len(part) == len(changes)
            if not is_last:
                once.demand_new()
            if after == before:
                shown = _shown(seen, head, dataset)
                return once.keep(shown) if is_last else shown, len(part)
            moving = {"member_count": after.count, "updated_at": self.clock()}
            tags = {"etag": self.new_id("rev"), "members_etag": self.new_id("rev")}
            facts = seen.model_copy(update=moving | tags)
            tx = Transaction()
            self.store.put(tx, workspace, facts, seen)
            self.store.put_head(tx, facts, after.head)
            for segment in change.written.values():
                self.store.put_segment(tx, facts.id, segment)
            for first in change.removed:
                self.store.delete_segment(tx, facts.id, first)
            return (once if is_last else Once()).commit(tx, _shown(facts, after.head, dataset)), len(part)

        return while_stale(attempt)

    def _layout(self, seen: CollectionFacts, head: tuple[str, ...]) -> Layout:
        """Return all members as they lie; `StaleError` when they are not those of the collection as it was seen."""
        segments = list(self.store.iter_segments(seen.id)) if seen.member_count > HEAD else []
        layout = Layout(head, {segment[0]: segment for segment in segments})
        if layout.count != seen.member_count:
            raise StaleError("COLLECTION_CONFLICT", "The collection changed at the same moment; repeat the request.")
        return layout

    def delete(self, workspace: Workspace, name: str, states: tuple[str, ...] | None) -> None:
        """Delete a collection softly: its name is free again."""

        def attempt() -> None:
            seen = self.store.get(workspace, name)
            demand_state(seen.etag, states)
            tx = Transaction()
            self.store.delete(tx, workspace, seen)
            self.store.delete_head(tx, seen)
            self.store.put_deleted(tx, seen, self.store.read_head(seen))
            self.store.count(tx, workspace, -1)
            tx.commit()

        while_stale(attempt)


def _fitting(before: Layout, changes: list[tuple[str, bool]]) -> tuple[list[tuple[str, bool]], Layout, Rewrite]:
    """Return the first of the changes that fit a transaction, the layout after them, and what it takes to get there."""
    part = changes
    while True:
        after = changed(before, part)
        change = rewrite(before, after)
        if len(part) <= 1 or (change.items <= _ITEMS and change.bytes <= _BYTES):
            return part, after, change
        part = part[: len(part) // 2]


def _shown(facts: CollectionFacts, head: tuple[str, ...], dataset: str | None) -> Collection:
    return Collection(
        id=facts.id,
        name=facts.name,
        description=facts.description,
        dataset=dataset,
        projectId=facts.project_id,
        members=head,
        memberCount=facts.member_count,
        createdAt=facts.created_at,
        updatedAt=facts.updated_at,
        etag=facts.etag,
    )
