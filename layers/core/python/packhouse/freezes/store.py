"""Frozen test sets in the `evaluation` table.

DSV#<version> / STATE              whether the version is frozen, and its last freeze and unfreeze
DSV#<version> / USE#<use>          a use of the version; the table's TTL removes it some time after it expired
FROZEN / DSV#<version>             the same for each version that is frozen now, in the whole registry
FENCE / META                       `epoch` counts the freezes and unfreezes of the registry
FENCE#<project> / META             `epoch` counts the training uses of versions with sources of the project
FENCE#<project> / DSV#<version>    a version with sources of the project that was used for training
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import ceil

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from packhouse.aws.dynamo import Found, Key, StaleError, Transaction, bind, read_together
from packhouse.errors import NotFoundError
from packhouse.freezes.model import FreezeState, Sources, Trained, Use

_FENCE, _FROZEN = "FENCE", "FROZEN"


class _EvaluationItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    changes = NumberAttribute(null=True)
    epoch = NumberAttribute(null=True)
    first_used_at = UnicodeAttribute(null=True)
    last_used_at = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)


def _version_key(dataset_version_id: str) -> str:
    return f"DSV#{dataset_version_id}"


def _fence_pk(project_id: str) -> str:
    return f"{_FENCE}#{project_id}"


class FreezeStore:
    """Which versions are frozen, who uses which, and the fences between the two."""

    def __init__(self, table: str) -> None:
        bind(_EvaluationItem, table)

    def state_key(self, dataset_version_id: str) -> Key:
        """Return the key of a version's state, for reads together with other items."""
        return _EvaluationItem, _version_key(dataset_version_id), "STATE"

    def state_in(self, found: Found, dataset_version_id: str) -> FreezeState:
        """Return a version's state among items that were read together; one that never was frozen has no item."""
        item = found.get((_version_key(dataset_version_id), "STATE"))
        if not isinstance(item, _EvaluationItem):
            return FreezeState()
        return FreezeState.model_validate_json(item.body).model_copy(update={"changes": int(item.changes)})

    def freezes_key(self) -> Key:
        """Return the key of the registry's fence, for reads together with other items."""
        return _EvaluationItem, _FENCE, "META"

    def trainings_key(self, project_id: str) -> Key:
        """Return the key of a project's fence, for reads together with other items."""
        return _EvaluationItem, _fence_pk(project_id), "META"

    def epoch_in(self, found: Found, key: Key) -> int:
        """Return what a fence counted so far, among items that were read together."""
        item = found.get(key[1:])
        return int(item.epoch or 0) if isinstance(item, _EvaluationItem) else 0

    def demand_epoch(self, tx: Transaction, key: Key, epoch: int) -> None:
        """Require that a fence stands where it was seen."""
        moved = StaleError("FREEZE_STATE_CONFLICT", "What is frozen or in use changed at the same moment; repeat.")
        tx.check(_EvaluationItem, *key[1:], _as_seen(_EvaluationItem.epoch, epoch), moved)

    def demand_state(self, tx: Transaction, dataset_version_id: str, state: FreezeState) -> None:
        """Require that a version's state is the one that was seen."""
        pk, seen = _version_key(dataset_version_id), _as_seen(_EvaluationItem.changes, state.changes)
        tx.check(_EvaluationItem, pk, "STATE", seen, _changed(dataset_version_id))

    def put_frozen(self, tx: Transaction, sources: Sources, state: FreezeState) -> None:
        """Add that a version is frozen: its new state, its place in the list, and the registry's epoch."""
        self._put_state(tx, sources.dataset_version_id, state)
        listed = _EvaluationItem(_FROZEN, _version_key(sources.dataset_version_id), body=sources.model_dump_json())
        tx.put(listed)

    def put_unfrozen(self, tx: Transaction, dataset_version_id: str, state: FreezeState) -> None:
        """Add that a version is not frozen any more."""
        self._put_state(tx, dataset_version_id, state)
        listed = _EvaluationItem(_FROZEN, _version_key(dataset_version_id))
        tx.delete(listed, _EvaluationItem.pk.exists(), _changed(dataset_version_id))

    def _put_state(self, tx: Transaction, dataset_version_id: str, state: FreezeState) -> None:
        item = _EvaluationItem(_version_key(dataset_version_id), "STATE", changes=state.changes)
        item.body = state.model_dump_json()
        tx.put(item, _as_seen(_EvaluationItem.changes, state.changes - 1), _changed(dataset_version_id))
        tx.update(_EvaluationItem(_FENCE, "META"), [_EvaluationItem.epoch.add(1)])

    def iter_frozen(self) -> Iterator[Sources]:
        """Yield all versions of the registry that are frozen; one query a megabyte."""
        for item in _EvaluationItem.query(_FROZEN, consistent_read=True):
            yield Sources.model_validate_json(item.body)

    def put_use(self, tx: Transaction, use: Use) -> None:
        """Add a use."""
        item = _EvaluationItem(_version_key(use.dataset_version_id), f"USE#{use.use_id}", body=use.model_dump_json())
        item.expires_at = ceil(datetime.fromisoformat(use.expires_at).timestamp())
        taken = StaleError("FREEZE_STATE_CONFLICT", "The use id is taken.")
        tx.put(item, _EvaluationItem.pk.does_not_exist(), taken)

    def has_use(self, use: Use) -> bool:
        """Return whether a use was neither released nor removed since it expired; one read."""
        key = _EvaluationItem, _version_key(use.dataset_version_id), f"USE#{use.use_id}"
        return bool(read_together([key]))

    def put_training(self, tx: Transaction, sources: Sources, moment: str) -> None:
        """Add that a version is used for training: every project that it has sources of will know."""
        for project_id in sources.project_ids:
            tx.update(_EvaluationItem(_fence_pk(project_id), "META"), [_EvaluationItem.epoch.add(1)])
            tx.update(
                _EvaluationItem(_fence_pk(project_id), _version_key(sources.dataset_version_id)),
                [
                    _EvaluationItem.body.set(sources.model_dump_json()),
                    _EvaluationItem.first_used_at.set(_EvaluationItem.first_used_at | moment),
                    _EvaluationItem.last_used_at.set(moment),
                ],
            )

    def delete_use(self, tx: Transaction, dataset_version_id: str, use_id: str) -> None:
        """Add the end of a use."""
        item = _EvaluationItem(_version_key(dataset_version_id), f"USE#{use_id}")
        missing = NotFoundError("USE_NOT_FOUND", f"There is no use {use_id} of {dataset_version_id}.")
        tx.delete(item, _EvaluationItem.pk.exists(), missing)

    def list_uses(self, dataset_version_id: str) -> list[Use]:
        """Return the uses of a version, expired ones that are still there among them; one query a megabyte."""
        uses = _EvaluationItem.sk.startswith("USE#")
        items = _EvaluationItem.query(_version_key(dataset_version_id), uses, consistent_read=True)
        return [Use.model_validate_json(item.body) for item in items]

    def list_trained(self, project_ids: Iterable[str]) -> list[Trained]:
        """Return the versions with sources of these projects that were ever used for training, each once."""
        trained: dict[str, Trained] = {}
        for project_id in project_ids:
            versions = _EvaluationItem.sk.startswith("DSV#")
            for item in _EvaluationItem.query(_fence_pk(project_id), versions, consistent_read=True):
                sources = Sources.model_validate_json(item.body)
                trained[sources.dataset_version_id] = Trained(
                    **dict(sources), first_used_at=item.first_used_at, last_used_at=item.last_used_at
                )
        return list(trained.values())


def _as_seen(attribute: NumberAttribute, value: int) -> Condition:
    return attribute == value if value else attribute.does_not_exist()


def _changed(dataset_version_id: str) -> StaleError:
    return StaleError("FREEZE_STATE_CONFLICT", f"{dataset_version_id} was frozen or unfrozen at the same moment.")
