"""Use cases of the sweeper of annotation sets: what is due and nobody has done, and what no set names any more."""

from dataclasses import dataclass
from typing import Self

from packhouse.access.model import Workspace
from packhouse.annotations.contents import Contents
from packhouse.annotations.model import Chore, ChoreKind, SetKey
from packhouse.annotations.publishing import Publishing
from packhouse.annotations.store import AnnotationStore
from packhouse.aws.clock import Clock, now
from packhouse.aws.faults import AWS_ERRORS
from packhouse.aws.objects import Objects
from packhouse.errors import PackhouseError
from packhouse.settings import ChoresSettings


@dataclass(frozen=True)
class Chores:
    """What is left to be done for annotation sets."""

    store: AnnotationStore
    contents: Contents
    publishing: Publishing
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: ChoresSettings) -> Self:
        """Wire the sweeper to the sets' table and the bucket of their objects."""
        store = AnnotationStore(settings.annotations_table)
        contents = Contents(store, Objects(settings.data_bucket))
        return cls(store, contents, Publishing(store, contents))

    def sweep(self) -> dict[str, int]:
        """Do what is due, sets that wait for their publishing first; return how much of each kind was done.

        What cannot be done keeps nothing else from being done: it is raised behind the rest, as one `ExceptionGroup`.
        """
        counts = dict.fromkeys((kind.value for kind in ChoreKind), 0)
        failed: list[Exception] = []
        for chore in sorted(self.store.iter_due(self.clock()), key=lambda due: due.kind is not ChoreKind.PUBLISH):
            try:
                counts[chore.kind.value] += self._do(chore)
            except (PackhouseError, *AWS_ERRORS) as error:
                error.add_note(f"{chore.kind} for {chore.annotation_set_id}, chore {chore.id}, due {chore.due}")
                failed.append(error)
        if failed:
            raise ExceptionGroup("chores of annotation sets", failed)
        return counts

    def _do(self, chore: Chore) -> bool:
        if chore.kind is ChoreKind.PUBLISH:
            workspace = Workspace(*chore.workspace.split("/"))
            self.publishing.finish(SetKey(workspace, chore.dataset_id, chore.annotation_set_id))
            return True
        if not self.store.take_chore(chore):
            return False
        self.contents.remove(chore.keys)
        if chore.kind is ChoreKind.CLEAR:
            self.store.clear_edits(chore.annotation_set_id)
        self.store.end_chore(chore)
        return True
