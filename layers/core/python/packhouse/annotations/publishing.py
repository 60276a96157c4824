"""Publishing: a draft becomes one hashed object with its statistics, for good.

The gates of the set are shut in one transaction. From then on nobody writes, so that whoever goes on with it, the same
request, the next one or the sweeper, writes the same object and comes to the same numbers.
"""

from dataclasses import dataclass

from packhouse.access.model import Principal
from packhouse.annotations.batches import read_span
from packhouse.annotations.contents import Contents
from packhouse.annotations.counting import Counting
from packhouse.annotations.model import (
    KEPT_SECONDS,
    TRIES_IN_TURN,
    AnnotationSet,
    ChoreKind,
    Head,
    SetKey,
    SetState,
)
from packhouse.annotations.rules import new_chore, published, published_key, removable, set_state, shown, shut_by, total
from packhouse.annotations.store import AnnotationStore
from packhouse.aws.clock import Clock, NewId, later, new_id, now
from packhouse.aws.dynamo import StaleError, Transaction, demand_state, while_stale
from packhouse.aws.once import Once
from packhouse.errors import PackhouseError

PUBLISHING_SECONDS = 120
"""What began to be published and is not by then, the sweeper publishes."""


@dataclass(frozen=True)
class Publishing:
    """Publishes sets."""

    store: AnnotationStore
    contents: Contents
    clock: Clock = now
    new_id: NewId = new_id

    def publish(self, key: SetKey, states: tuple[str, ...] | None, caller: Principal, once: Once) -> AnnotationSet:
        """Publish a draft: nobody writes to it from then on, and its annotations are one object for good.

        One that somebody began to publish and did not finish is finished. With `states`, only as it was seen then.
        """
        head = while_stale(lambda: self._shut(key, states, caller, once))
        return while_stale(lambda: self._finish(key, head, once))

    def _shut(self, key: SetKey, states: tuple[str, ...] | None, caller: Principal, once: Once) -> Head:
        head, gates = self.store.get_set(key)
        if once.is_keyed and head.publish_token == once.token:
            return head
        if head.is_published:
            raise key.published()
        demand_state(set_state(head, gates), states)
        if head.state is SetState.PUBLISHING:
            return head
        due = later(self.clock(), PUBLISHING_SECONDS)
        chore = new_chore(ChoreKind.PUBLISH, key, due, self.new_id("chr"))
        shut = shut_by(head, caller.principal_id, once.token, chore)
        tx = Transaction()
        self.store.put_head(tx, key, shut)
        self.store.put_closed(tx, key, gates if states else None)
        self.store.put_chore(tx, chore)
        tx.commit(TRIES_IN_TURN)
        return shut

    def finish(self, key: SetKey) -> None:
        """Publish a set that somebody began to publish; one that is published by now stays as it is."""
        head = self.store.get_head(key)
        if head.state is SetState.PUBLISHING:
            while_stale(lambda: self._finish(key, head, Once()))

    def _finish(self, key: SetKey, shut: Head, once: Once) -> AnnotationSet:
        """Write the published object and say that the set is published; whoever does it, it is the same."""
        head, gates = self.store.get_set(key)
        if head.is_published:
            return once.keep(shown(head, gates))
        counting = Counting()
        rows = self.contents.iter_all(shut)
        batch = self.contents.write(published_key(shut), rows, lambda line: counting.add(read_span(line)))
        if batch.rows != total(shut, gates):
            detail = f"{key.id} has {total(shut, gates)} annotations, and {batch.rows} were found."
            raise PackhouseError("INTERNAL_ERROR", detail)
        done = published(shut, batch, counting.statistics(), self.clock())
        due = later(self.clock(), KEPT_SECONDS)
        tx = Transaction()
        self.store.put_published(tx, key, done)
        if shut.publishing is not None:
            ended = StaleError("ANNOTATION_SET_CONFLICT", f"The set {key.id} was published at the same moment.")
            self.store.drop_chore(tx, shut.publishing, ended)
        clear = new_chore(ChoreKind.CLEAR, key, due, self.new_id("chr"), removable(shut.batches))
        self.store.put_chore(tx, clear)
        return once.commit(tx, shown(done, gates))
