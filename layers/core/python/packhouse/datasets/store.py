"""Datasets, in the `catalog` table.

PRJ#<ns>/<project> / DS#<name>   a dataset, behind its project, whose item counts the datasets
PLACE#<id>         / !           the dataset's name and project; once it is deleted, `deleted_at` and what it was
                                 (its collections follow in the same partition: `packhouse.collections.store`)
"""

import json
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import (
    Found,
    Key,
    StaleError,
    Transaction,
    as_json,
    bind,
    is_refused,
    raw,
    read_together,
    text,
    update_alone,
)
from packhouse.datasets.model import Dataset
from packhouse.errors import ConflictError, NotFoundError, PreconditionFailedError


class _DatasetItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    id = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    tags = UnicodeAttribute(null=True)
    metadata = UnicodeAttribute(null=True)
    project_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    updated_at = UnicodeAttribute(null=True)
    deleted_at = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    datasets = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)


_FIRST = "!"
_LISTED = ["sk", "id", "description", "tags", "datasets"]


def _project_pk(workspace: Workspace) -> str:
    return f"PRJ#{workspace}"


def _dataset_sk(name: str) -> str:
    return f"DS#{name}"


def _place_pk(place: str) -> str:
    return f"PLACE#{place}"


def _no_project(workspace: Workspace) -> NotFoundError:
    return NotFoundError("PROJECT_NOT_FOUND", f"There is no project {workspace}.")


def _no_dataset(workspace: Workspace, name: str) -> NotFoundError:
    return NotFoundError("DATASET_NOT_FOUND", f"There is no dataset {name} in {workspace}.")


def _no_id(dataset_id: str) -> NotFoundError:
    return NotFoundError("DATASET_NOT_FOUND", f"There is no dataset {dataset_id}.")


def _stale() -> StaleError:
    return StaleError("DATASET_CONFLICT", "The dataset changed at the same moment; read it again and repeat.")


class DatasetStore:
    """The datasets of projects."""

    def __init__(self, table: str) -> None:
        bind(_DatasetItem, table)

    def count(self, tx: Transaction, workspace: Workspace, more: int) -> None:
        """Add that the project has so many datasets more; what is counted is in the same transaction."""
        project = _DatasetItem(_project_pk(workspace), _FIRST)
        tx.update(project, [_DatasetItem.datasets.add(more)], _DatasetItem.pk.exists(), _no_project(workspace))

    def put_dataset(self, tx: Transaction, workspace: Workspace, dataset: Dataset) -> None:
        """Add the write of a new dataset, or of one under a new name; the name must be free."""
        item = _DatasetItem(_project_pk(workspace), _dataset_sk(dataset.name), id=dataset.id, etag=dataset.etag)
        item.project_id, item.created_at, item.updated_at = dataset.projectId, dataset.createdAt, dataset.updatedAt
        item.description, item.tags = dataset.description, as_json(dataset.tags)
        item.metadata = None if dataset.metadata is None else as_json(dataset.metadata)
        taken = ConflictError("DATASET_EXISTS", f"{workspace} has a dataset {dataset.name} already.")
        tx.put(item, _DatasetItem.pk.does_not_exist(), taken)
        place = _DatasetItem(_place_pk(dataset.id), _FIRST, name=dataset.name, project_id=dataset.projectId)
        tx.put(place, _DatasetItem.deleted_at.does_not_exist(), _stale())

    def delete_dataset(self, tx: Transaction, workspace: Workspace, seen: Dataset) -> None:
        """Add the removal of a dataset's name, if it is still as it was seen."""
        item = _DatasetItem(_project_pk(workspace), _dataset_sk(seen.name))
        tx.delete(item, _DatasetItem.etag == seen.etag, _stale())

    def put_deleted(self, tx: Transaction, seen: Dataset, moment: str) -> None:
        """Add the end of a dataset: its place keeps what it was, and its collections stand alone."""
        place = _DatasetItem(_place_pk(seen.id), _FIRST, name=seen.name, deleted_at=moment)
        place.body = seen.model_dump_json()
        tx.put(place, _DatasetItem.deleted_at.does_not_exist(), _stale())

    def get_dataset(self, workspace: Workspace, name: str) -> Dataset:
        """Return a dataset by its name; one read."""
        try:
            return _dataset(_DatasetItem.get(_project_pk(workspace), _dataset_sk(name), consistent_read=True))
        except _DatasetItem.DoesNotExist:
            raise _no_dataset(workspace, name) from None

    def update_dataset(
        self,
        workspace: Workspace,
        name: str,
        changes: dict[str, object],
        moment: str,
        etag: str,
        states: tuple[str, ...] | None,
    ) -> Dataset:
        """Change description, tags and metadata where given, and return the dataset; one write.

        `states` are those that the caller takes it to be in; `PreconditionFailedError` when it is in none of them.
        """
        actions: list[Action] = [_DatasetItem.updated_at.set(moment), _DatasetItem.etag.set(etag)]
        actions += [_assigned(field, value) for field, value in changes.items()]
        condition = _DatasetItem.pk.exists()
        if states is not None:
            condition &= _DatasetItem.etag.is_in(*states or ("",))
        item = _DatasetItem(_project_pk(workspace), _dataset_sk(name))
        try:
            update_alone(item, actions, condition)
        except UpdateError as refused:
            if not is_refused(refused):
                raise
            found = self.get_dataset(workspace, name)
            if found.etag != etag:  # else the write took effect and its answer was lost
                raise PreconditionFailedError("PRECONDITION_FAILED", f"The dataset {name} has changed.") from refused
            return found
        return _dataset(item)

    def list_datasets(self, workspace: Workspace, end: int) -> tuple[list[str], int]:
        """Return the first `end` datasets by name, as the JSON that a list shows, and how many there are.

        One query a megabyte: the project's item, which counts them, comes first.
        """
        rows = raw(
            _DatasetItem.query(
                _project_pk(workspace),
                _DatasetItem.sk.between(_FIRST, "DS$"),
                limit=end + 1,
                consistent_read=True,
                attributes_to_get=_LISTED,
            )
        )
        first = next(rows, None)
        if first is None:
            raise _no_project(workspace)
        return [_listed(item) for item in rows], int(first.get("datasets", {"N": "0"})["N"])

    def demand_place(self, tx: Transaction, workspace: Workspace, dataset: Dataset) -> None:
        """Require that a dataset is there when the transaction takes effect."""
        tx.check(
            _DatasetItem,
            _place_pk(dataset.id),
            _FIRST,
            _DatasetItem.pk.exists() & _DatasetItem.deleted_at.does_not_exist(),
            _no_dataset(workspace, dataset.name),
        )

    def demand_id(self, tx: Transaction, project_id: str, dataset_id: str) -> None:
        """Require that a project has a dataset of this id when the transaction takes effect."""
        there = (_DatasetItem.project_id == project_id) & _DatasetItem.deleted_at.does_not_exist()
        tx.check(_DatasetItem, _place_pk(dataset_id), _FIRST, there, _no_id(dataset_id))

    def get_name(self, project_id: str, dataset_id: str) -> str:
        """Return the name of a project's dataset by its id; one read."""
        found = read_together([self.place_key(dataset_id)])
        place = next(iter(found.values()), None)
        if not isinstance(place, _DatasetItem) or place.deleted_at or place.project_id != project_id:
            raise _no_id(dataset_id)
        return place.name

    def dataset_key(self, workspace: Workspace, name: str) -> Key:
        """Return the key of a dataset by its name, for reads together with other items."""
        return _DatasetItem, _project_pk(workspace), _dataset_sk(name)

    def dataset_in(self, found: Found, workspace: Workspace, name: str) -> Dataset:
        """Return a dataset of the project by its name among items that were read together."""
        item = found.get(self.dataset_key(workspace, name)[1:])
        if not isinstance(item, _DatasetItem):
            raise _no_dataset(workspace, name)
        return _dataset(item)

    def place_key(self, dataset_id: str) -> Key:
        """Return the key that says whether a dataset is there, for reads together with other items."""
        return _DatasetItem, _place_pk(dataset_id), _FIRST

    def names_in(self, found: Found) -> dict[str, str]:
        """Return the names of the datasets that are there, by their ids, among items that were read together."""
        places = [item for item in found.values() if isinstance(item, _DatasetItem)]
        return {item.pk.partition("#")[2]: item.name for item in places if item.deleted_at is None}


def _dataset(item: _DatasetItem) -> Dataset:
    return Dataset(
        id=item.id,
        name=item.sk.removeprefix(_dataset_sk("")),
        description=item.description,
        tags=json.loads(item.tags),
        projectId=item.project_id,
        metadata=None if item.metadata is None else json.loads(item.metadata),
        createdAt=item.created_at,
        updatedAt=item.updated_at,
        etag=item.etag,
    )


def _assigned(name: str, value: object) -> Action:
    attribute = getattr(_DatasetItem, name)
    if value is None:
        return attribute.remove()  # type: ignore[no-any-return]  # pynamodb
    return attribute.set(value if name == "description" else as_json(value))  # type: ignore[no-any-return]


def _listed(item: dict[str, Any]) -> str:
    name = orjson.dumps(item["sk"]["S"].removeprefix(_dataset_sk(""))).decode()
    description = orjson.dumps(text(item, "description")).decode()
    return f'{{"id":"{item["id"]["S"]}","name":{name},"description":{description},"tags":{item["tags"]["S"]}}}'
