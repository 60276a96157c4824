"""Use cases of datasets: create, look into, change, rename, delete."""

from dataclasses import dataclass, replace
from typing import Any

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Transaction, demand_state, while_stale
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.collections.rules import first_members
from packhouse.collections.store import CollectionStore, Head
from packhouse.datasets.model import Dataset
from packhouse.datasets.store import DatasetStore

SHOWN_BYTES = 4 * 1024 * 1024  # an answer of a function ends at 6 MB


@dataclass(frozen=True)
class Datasets:
    """The datasets of projects."""

    store: DatasetStore
    collections: CollectionStore
    clock: Clock = now
    new_id: NewId = new_id

    def create(self, workspace: Workspace, wanted: dict[str, Any], once: Once) -> Dataset:
        """Create a dataset from `name`, `description`, `tags` and `metadata`; one transaction."""
        moment = self.clock()
        dataset = Dataset(
            **wanted,
            id=self.new_id("ds"),
            projectId=project_id(workspace),
            createdAt=moment,
            updatedAt=moment,
            etag=self.new_id("rev"),
        )
        tx = Transaction()
        self.store.put_dataset(tx, workspace, dataset)
        self.store.count(tx, workspace, 1)
        return once.commit(tx, dataset)

    def get(self, workspace: Workspace, name: str) -> tuple[Dataset, list[Head]]:
        """Return a dataset and its collections by name, each with its first members; two reads.

        All members together may have `SHOWN_BYTES`: of very many collections the last show fewer.
        """
        dataset = self.store.get_dataset(workspace, name)
        heads, left = [], SHOWN_BYTES
        for head in self.collections.iter_heads(dataset.id):
            shown = first_members(head.members, left)
            left -= len(shown.encode())
            heads.append(replace(head, members=shown))
        return dataset, heads

    def update(
        self, workspace: Workspace, name: str, changes: dict[str, Any], states: tuple[str, ...] | None
    ) -> Dataset:
        """Change what is given: one write, or, with another name, one read and one transaction."""
        if not changes:
            seen = self.store.get_dataset(workspace, name)
            demand_state(seen.etag, states)
            return seen
        if changes.get("name", name) == name:
            rest = {field: value for field, value in changes.items() if field != "name"}
            return self.store.update_dataset(workspace, name, rest, self.clock(), self.new_id("rev"), states)
        return while_stale(lambda: self._rename(workspace, name, changes, states))

    def _rename(
        self, workspace: Workspace, name: str, changes: dict[str, Any], states: tuple[str, ...] | None
    ) -> Dataset:
        seen = self.store.get_dataset(workspace, name)
        demand_state(seen.etag, states)
        renamed = seen.model_copy(update={**changes, "updatedAt": self.clock(), "etag": self.new_id("rev")})
        tx = Transaction()
        self.store.delete_dataset(tx, workspace, seen)
        self.store.put_dataset(tx, workspace, renamed)
        tx.commit()
        return renamed

    def delete(self, workspace: Workspace, name: str, states: tuple[str, ...] | None) -> None:
        """Delete a dataset softly; its name is free again, and its collections stand alone."""

        def attempt() -> None:
            seen = self.store.get_dataset(workspace, name)
            demand_state(seen.etag, states)
            tx = Transaction()
            self.store.delete_dataset(tx, workspace, seen)
            self.store.put_deleted(tx, seen, self.clock())
            self.store.count(tx, workspace, -1)
            tx.commit()

        while_stale(attempt)
