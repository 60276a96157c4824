"""What the product must not be: its freezes and uses, each time with one thing left out that holds them together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Self
from unittest import mock

from packhouse.aws.dynamo import Transaction, read_together, while_stale
from packhouse.aws.once import Once
from packhouse.freezes import service
from packhouse.freezes.model import Sources
from packhouse.freezes.protections import Protections
from packhouse.freezes.service import Freezes
from packhouse.freezes.store import FreezeStore
from tests.faults.frozen_and_used import FrozenAndUsed
from tests.faults.races import Trial
from tests.faults.world import World

Break = Callable[[], AbstractContextManager[object]]
_REGISTRY = "FENCE"


class Broken:
    """The race over a product that lacks something."""

    def __init__(self, race: FrozenAndUsed, lacking: Break) -> None:
        self._race, self._lacking = race, lacking

    @classmethod
    def over(cls, name: str, world: World) -> Self:
        """Return it in a world of its own."""
        return cls(FrozenAndUsed(world), BREAKS[name])

    def try_seed(self, seed: int) -> Trial:
        """Run an interleaving and judge it."""
        with self._lacking():
            return self._race.try_seed(seed)


def _no_condition() -> AbstractContextManager[object]:
    return mock.patch.object(FreezeStore, "demand_epoch")


def _unconditional(is_registry: bool) -> AbstractContextManager[object]:
    demand = FreezeStore.demand_epoch

    def demand_epoch(store: FreezeStore, tx: Transaction, key: Any, epoch: int) -> None:
        if (key[1] == _REGISTRY) is not is_registry:
            demand(store, tx, key, epoch)

    return mock.patch.object(FreezeStore, "demand_epoch", demand_epoch)


@contextmanager
def _leases_before_fences() -> Iterator[None]:
    """A freeze takes the fences as they are when it has looked at the uses."""
    look = Freezes._exposures
    last: list[Any] = []

    def read(keys: list[Any]) -> Any:
        last[:] = [keys, read_together(keys)]
        return last[1]

    def exposures(freezes: Freezes, *sources: Any) -> Any:
        keys, found = last
        looked = look(freezes, *sources)
        found.update(read_together(keys))
        return looked

    with ExitStack() as both:
        both.enter_context(mock.patch.object(service, "read_together", read))
        both.enter_context(mock.patch.object(Freezes, "_exposures", exposures))
        yield


def _list_kept_for_ever() -> AbstractContextManager[object]:
    look = Protections.list_frozen

    def list_frozen(protections: Protections, epoch: int) -> list[Sources]:
        return look(protections, next(iter(protections._kept), epoch))

    return mock.patch.object(Protections, "list_frozen", list_frozen)


class _Leaving:
    """A transaction that leaves one item as it is."""

    def __init__(self, tx: Transaction, pk: str, sk: str) -> None:
        self._tx, self._key = tx, (pk, sk)

    def update(self, item: Any, actions: Any) -> None:
        if (item.pk, item.sk) != self._key:
            self._tx.update(item, actions)


def _unmoved_fence() -> AbstractContextManager[object]:
    put = FreezeStore.put_training

    def put_training(store: FreezeStore, tx: Any, sources: Sources, moment: str) -> None:
        put(store, _Leaving(tx, f"{_REGISTRY}#{sources.project_ids[-1]}", "META"), sources, moment)  # type: ignore[arg-type]

    return mock.patch.object(FreezeStore, "put_training", put_training)


def _listed_for_ever() -> AbstractContextManager[object]:
    return mock.patch.object(
        FreezeStore, "put_unfrozen", lambda store, tx, version_id, state: store._put_state(tx, version_id, state)
    )


def _anybodys_use() -> AbstractContextManager[object]:
    """A release takes the version of a use from wherever the use lies."""
    delete = FreezeStore.delete_use

    def delete_use(store: FreezeStore, tx: Transaction, version_id: str, use_id: str) -> None:
        model: Any = store.state_key(version_id)[0]
        holders = [str(item.pk).removeprefix("DSV#") for item in model.scan() if item.sk == f"USE#{use_id}"]
        delete(store, tx, next(iter(holders), version_id), use_id)

    return mock.patch.object(FreezeStore, "delete_use", delete_use)


def _untold_refusals() -> AbstractContextManager[object]:
    return mock.patch.object(Freezes, "_audited", lambda _, attempt, once, decide: while_stale(decide))


def _forgotten_requests() -> AbstractContextManager[object]:
    """A repeat under an `Idempotency-Key` is a request of its own."""

    def commit(_: Once, tx: Transaction, result: object) -> object:
        tx.commit()
        return result

    return mock.patch.object(Once, "commit", commit)


BREAKS: Mapping[str, Break] = {
    "looked at, then written": _no_condition,
    "a freeze without the trainings' fences": lambda: _unconditional(is_registry=False),
    "a use without the freezes' fence": lambda: _unconditional(is_registry=True),
    "uses looked at before the fences": _leases_before_fences,
    "a list kept whatever the epoch": _list_kept_for_ever,
    "a use that leaves a project's fence": _unmoved_fence,
    "an unfreeze that leaves the list": _listed_for_ever,
    "a release under another version": _anybodys_use,
    "a refusal that the audit lacks": _untold_refusals,
    "a repeat that is done again": _forgotten_requests,
}
