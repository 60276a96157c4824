"""What the product must not be: its annotation sets, each time with one thing left out that holds them together."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any, Self
from unittest import mock

from packhouse.annotations.edits import Edits
from packhouse.annotations.model import Chore, ChoreKind, Head, SetKey, SetState
from packhouse.annotations.store import AnnotationStore
from packhouse.aws.dynamo import Transaction
from tests.faults.edited_and_published import EditedAndPublished
from tests.faults.races import Race, Trial
from tests.faults.world import World

Break = Callable[[], AbstractContextManager[object]]


class Broken:
    """A race over a product that lacks something."""

    def __init__(self, race: Race, lacking: Break) -> None:
        self._race, self._lacking = race, lacking

    @classmethod
    def over(cls, name: str, world: World) -> Self:
        """Return the race over a draft, in a world of its own."""
        return cls(EditedAndPublished(world), BREAKS[name])

    def try_seed(self, seed: int) -> Trial:
        """Run an interleaving and judge it."""
        with self._lacking():
            return self._race.try_seed(seed)


class _Heedless:
    """A transaction that writes whatever is there, for some kinds of writes."""

    def __init__(self, tx: Transaction, *kinds: str) -> None:
        self._tx, self._kinds = tx, kinds

    def put(self, item: Any, condition: Any = None, refused: Any = None) -> None:
        self._tx.put(item, *(() if "put" in self._kinds else (condition, refused)))

    def update(self, item: Any, actions: Any, condition: Any = None, refused: Any = None) -> None:
        self._tx.update(item, actions, *(() if "update" in self._kinds else (condition, refused)))

    def delete(self, item: Any, condition: Any, refused: Any) -> None:
        anything = type(item).pk.exists() | type(item).pk.does_not_exist()
        self._tx.delete(item, anything if "delete" in self._kinds else condition, refused)


def _heedless(name: str, *kinds: str) -> AbstractContextManager[object]:
    """Let a method of the store write without its conditions."""
    method: Any = getattr(AnnotationStore, name)

    def written(store: AnnotationStore, tx: Transaction, *words: Any, **more: Any) -> None:
        method(store, _Heedless(tx, *kinds), *words, **more)

    return mock.patch.object(AnnotationStore, name, written)


def counted_anyway() -> AbstractContextManager[object]:
    """A version is taken by what was seen, whoever took it since."""
    return _heedless("put_root", "put")


def _unasked_gates() -> AbstractContextManager[object]:
    """A single write counts at a gate whether it is open or not."""
    return _heedless("pass_gate", "update")


def _open_gates() -> AbstractContextManager[object]:
    return mock.patch.object(AnnotationStore, "put_closed")


class _AnyRevision(AnnotationStore):
    """A store that takes a head for the one that it is to follow, whatever came between."""

    def __init__(self) -> None:
        pass

    def put_head(self, tx: Transaction, key: SetKey, head: Head) -> None:
        item: Any = self._head_item(key, head)
        tx.put(item, type(item).state == SetState.DRAFT.value, key.published())


def _bulk_over_any_head() -> AbstractContextManager[object]:
    """A bulk writes over whatever head there is by then."""
    admit: Any = Edits._admit

    def admitted(edits: Edits, *words: Any) -> Any:
        return admit(replace(edits, store=_AnyRevision()), *words)

    return mock.patch.object(Edits, "_admit", admitted)


def _merge_over_any_head() -> AbstractContextManager[object]:
    merge: Any = Edits._merge_some

    def merged(edits: Edits, *words: Any) -> Any:
        return merge(replace(edits, store=_AnyRevision()), *words)

    return mock.patch.object(Edits, "_merge_some", merged)


def _bulk_without_its_chore() -> AbstractContextManager[object]:
    """A batch becomes part of a set also when the sweeper has begun to remove it."""
    drop = AnnotationStore.drop_chore

    def dropped(store: AnnotationStore, tx: Any, chore: Chore, *lost: Any) -> None:
        heeded: Any = _Heedless(tx, "delete") if chore.kind is ChoreKind.REMOVE else tx
        drop(store, heeded, chore, *lost)

    return mock.patch.object(AnnotationStore, "drop_chore", dropped)


def _unasked_source() -> AbstractContextManager[object]:
    return mock.patch.object(AnnotationStore, "demand_as_seen")


BREAKS: Mapping[str, Break] = {
    "single writes that ask no gate": _unasked_gates,
    "a publish that leaves the gates open": _open_gates,
    "a bulk over any head": _bulk_over_any_head,
    "a bulk without its chore": _bulk_without_its_chore,
    "a copy of a draft that moved": _unasked_source,
    "a merge over any head": _merge_over_any_head,
    "an annotation written over any other": partial(_heedless, "put_annotation", "put"),
    "an annotation removed whatever it is": partial(_heedless, "put_removed", "put", "delete"),
}
