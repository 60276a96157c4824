"""Training datasets in the `training` table.

TRD#<training dataset> / META   a training dataset; what moves are attributes, its fixed facts the body
                                (index `by_workspace`: all training datasets of a project)

`tokens` are the task tokens that its machine waits with: a task that was tried again has another one.
"""

from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Found, Key, Place, Transaction, bind, filtered, is_refused, section, text, update_alone
from packhouse.errors import ConflictError, NotFoundError
from packhouse.training.model import OPEN, Sealed, TrainingDataset, TrainingStatus

_PLAIN = {"status", "row_count", "confirmed_at", "confirmed_by", "error", "code", "ended_at"}
_NESTED = {"left_out", "scores", "sealed"}


class _ByWorkspace(GlobalSecondaryIndex["_TrainingItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_workspace"
        projection = AllProjection()

    listed_in = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _TrainingItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    listed_in = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    row_count = NumberAttribute(null=True)
    confirmed_at = UnicodeAttribute(null=True)
    confirmed_by = UnicodeAttribute(null=True)
    tokens = UnicodeSetAttribute(null=True)
    left_out = UnicodeAttribute(null=True)
    scores = UnicodeAttribute(null=True)
    sealed = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    code = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    body = UnicodeAttribute()
    by_workspace = _ByWorkspace()


def _pk(training_dataset_id: str) -> str:
    return f"TRD#{training_dataset_id}"


class TrainingStore:
    """Training datasets, and the only ways their status moves."""

    def __init__(self, table: str) -> None:
        bind(_TrainingItem, table)

    def put_new(self, tx: Transaction, dataset: TrainingDataset) -> None:
        """Add the write of a new training dataset."""
        item = _TrainingItem(_pk(dataset.training_dataset_id), "META", workspace=dataset.workspace)
        item.listed_in, item.status, item.row_count = dataset.workspace, dataset.status.value, 0
        item.body = dataset.model_dump_json(exclude=_PLAIN | _NESTED)
        taken = ConflictError("TRAINING_DATASET_CONFLICT", "The training dataset id is taken.")
        tx.put(item, _TrainingItem.pk.does_not_exist(), taken)

    def get(self, workspace: Workspace, training_dataset_id: str) -> TrainingDataset:
        """Return a training dataset of the project; one read."""
        return self.get_with_tokens(workspace, training_dataset_id)[0]

    def get_with_tokens(self, workspace: Workspace, training_dataset_id: str) -> tuple[TrainingDataset, set[str]]:
        """Return a training dataset of the project and the task tokens that its machine waits for; one read."""
        try:
            item = _TrainingItem.get(_pk(training_dataset_id), "META", consistent_read=True)
        except _TrainingItem.DoesNotExist:
            item = None
        if item is None or item.workspace != str(workspace):
            raise missing(training_dataset_id, workspace)
        return _dataset(item), set(item.tokens or ())

    def key(self, training_dataset_id: str) -> Key:
        """Return the key of a training dataset, for reads together with other items."""
        return _TrainingItem, _pk(training_dataset_id), "META"

    def datasets_in(self, found: Found) -> dict[str, TrainingDataset]:
        """Return the training datasets among items that were read together, of whatever project, by id."""
        datasets = [_dataset(item) for item in found.values() if isinstance(item, _TrainingItem)]
        return {dataset.training_dataset_id: dataset for dataset in datasets}

    def list_datasets(
        self, workspace: Workspace, filters: dict[str, str], limit: int, after: Place | None
    ) -> tuple[list[TrainingDataset], Place | None]:
        """Return a page of a project's training datasets, newest first, and where the next page begins.

        One query a megabyte. As an index sees them: one just made may be missing for a moment.
        """
        rows = _TrainingItem.by_workspace.query(
            str(workspace),
            filter_condition=filtered(_TrainingItem, filters),
            limit=None if filters else limit + 1,
            last_evaluated_key=after,
            scan_index_forward=False,
        )
        items, rest = section(rows, limit)
        return [_dataset(_TrainingItem.from_raw_data(item)) for item in items], rest

    def enter(
        self,
        training_dataset_id: str,
        status: TrainingStatus,
        before: tuple[TrainingStatus, ...],
        row_count: int | None = None,
        **found: Any,
    ) -> bool:
        """Bring a dataset into a state, out of one before it; return whether it is there now, and not behind it.

        What a late task comes with is left aside. `ConflictError` when the dataset has ended.
        """
        actions: list[Any] = [_TrainingItem.status.set(status.value)]
        if row_count is not None:
            actions.append(_TrainingItem.row_count.set(row_count))
        actions += [getattr(_TrainingItem, name).set(orjson.dumps(value).decode()) for name, value in found.items()]
        item = _TrainingItem(_pk(training_dataset_id), "META")
        try:
            update_alone(item, actions, _TrainingItem.status.is_in(*(state.value for state in before)))
        except UpdateError as error:
            if not is_refused(error):
                raise
            stored = _TrainingItem.get(_pk(training_dataset_id), "META", consistent_read=True)
            if stored.status not in OPEN:
                raise ConflictError("JOB_ENDED", f"The training dataset is {stored.status}.") from error
            return False
        return True

    def wait(self, training_dataset_id: str, token: str) -> bool:
        """Keep the task token that the machine waits for; return whether it was confirmed already."""
        item = _TrainingItem(_pk(training_dataset_id), "META")
        waiting = _TrainingItem.status == TrainingStatus.PREVIEW.value
        try:
            update_alone(item, [_TrainingItem.tokens.add({token})], waiting)
        except UpdateError as error:
            if not is_refused(error):
                raise
            raise ConflictError("JOB_ENDED", "The training dataset waits for nothing any more.") from error
        return item.confirmed_at is not None

    def put_confirmed(self, tx: Transaction, training_dataset_id: str, moment: str, caller: str) -> None:
        """Add that somebody has seen the preview and lets the machine go on; it happens once."""

        def refused(found: dict[str, Any]) -> ConflictError | None:
            if text(found, "confirmed_at") == moment and text(found, "confirmed_by") == caller:
                return None
            return ConflictError("TRAINING_DATASET_CONFLICT", "It changed at the same moment; read it again.")

        tx.update(
            _TrainingItem(_pk(training_dataset_id), "META"),
            [_TrainingItem.confirmed_at.set(moment), _TrainingItem.confirmed_by.set(caller)],
            (_TrainingItem.status == TrainingStatus.PREVIEW.value) & _TrainingItem.confirmed_at.does_not_exist(),
            refused,
        )

    def put_ready(
        self, tx: Transaction, training_dataset_id: str, sealed: Sealed, row_count: int, moment: str
    ) -> None:
        """Add a dataset's success."""
        actions = [_TrainingItem.sealed.set(sealed.model_dump_json()), _TrainingItem.row_count.set(row_count)]
        self._put_ended(tx, training_dataset_id, TrainingStatus.READY, moment, actions)

    def put_unready(
        self, tx: Transaction, training_dataset_id: str, status: TrainingStatus, code: str, error: str, moment: str
    ) -> None:
        """Add a dataset's failure or cancellation."""
        actions = [_TrainingItem.code.set(code), _TrainingItem.error.set(error)]
        self._put_ended(tx, training_dataset_id, status, moment, actions)

    def _put_ended(
        self, tx: Transaction, training_dataset_id: str, status: TrainingStatus, moment: str, actions: list[Any]
    ) -> None:
        def ended(found: dict[str, Any]) -> ConflictError | None:
            if (text(found, "status"), text(found, "ended_at")) == (status.value, moment):
                return None
            return ConflictError("JOB_ENDED", f"The training dataset is {text(found, 'status')}.")

        tx.update(
            _TrainingItem(_pk(training_dataset_id), "META"),
            [_TrainingItem.status.set(status.value), _TrainingItem.ended_at.set(moment), *actions],
            _TrainingItem.status.is_in(*(state.value for state in OPEN)),
            ended,
        )


def missing(training_dataset_id: str, workspace: Workspace) -> NotFoundError:
    """Return what is said of a training dataset that is not there."""
    detail = f"There is no training dataset {training_dataset_id} in {workspace}."
    return NotFoundError("TRAINING_DATASET_NOT_FOUND", detail)


def _dataset(item: _TrainingItem) -> TrainingDataset:
    moved = {name: getattr(item, name) for name in _PLAIN if getattr(item, name) is not None}
    nested = {name: orjson.loads(getattr(item, name)) for name in _NESTED if getattr(item, name) is not None}
    return TrainingDataset.model_validate(orjson.loads(item.body) | moved | nested)
