"""Dataset versions in the `builds` table.

DSV#<version> / META                              a version; each step writes its own attribute
REUSE#<project>#<reuse fingerprint> / META        the one version that requests of this fingerprint share
COUNT#<workspace>#<name>#<capability> / META      the newest version number of a dataset
"""

from collections.abc import Mapping
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Transaction, bind
from packhouse.builds.model import DatasetVersion
from packhouse.errors import ConflictError, NotFoundError
from packhouse.jobs.model import JobError, JobStatus

_SECTIONS = ("built", "quality", "materialization", "sealed", "error")
_MOVING = {*_SECTIONS, "build_status", "ended_at"}


class _BuildItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    build_status = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    built = UnicodeAttribute(null=True)
    quality = UnicodeAttribute(null=True)
    materialization = UnicodeAttribute(null=True)
    sealed = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    dataset_version_id = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)


class FingerprintTakenError(ConflictError):
    """An equivalent version is there or on its way; `dataset_version_id` names it."""

    def __init__(self, dataset_version_id: str) -> None:
        super().__init__("BUILD_CONFLICT", "An equivalent build exists.")
        self.dataset_version_id = dataset_version_id


class NumberTakenError(ConflictError):
    """Another build of the same dataset took the version number: read again."""


def _pk(dataset_version_id: str) -> str:
    return f"DSV#{dataset_version_id}"


def _lock_pk(version: DatasetVersion) -> str:
    return f"REUSE#{version.project_id}#{version.reuse_fingerprint}"


def _count_pk(workspace: Workspace, name: str, capability: str) -> str:
    return f"COUNT#{workspace}#{capability}#{name}"


class BuildStore:
    """Dataset versions, their reuse locks and numbers."""

    def __init__(self, table: str) -> None:
        bind(_BuildItem, table)

    def count_key(self, workspace: Workspace, name: str, capability: str) -> tuple[type[Model], str, str]:
        """Return the key of a dataset's version counter, for reads together with other items."""
        return _BuildItem, _count_pk(workspace, name, capability), "META"

    def count_in(self, found: Mapping[tuple[str, str], Model], key: tuple[type[Model], str, str]) -> int:
        """Return a dataset's newest version number among items that were read together; 0 before the first."""
        item = found.get(key[1:])
        return int(item.number) if isinstance(item, _BuildItem) and item.number is not None else 0

    def put_new(self, tx: Transaction, version: DatasetVersion, number: int) -> None:
        """Add the write of a queued version with the next number of its dataset; forced ones leave the lock alone."""
        item = _BuildItem(_pk(version.dataset_version_id), "META", workspace=version.workspace)
        item.build_status = version.build_status.value
        item.body = version.model_dump_json(exclude=_MOVING)
        tx.put(item, _BuildItem.pk.does_not_exist(), ConflictError("BUILD_CONFLICT", "The version id is taken."))
        if not version.forced:
            self._put_lock(tx, version)
        workspace = Workspace(*version.workspace.split("/"))
        counter = _BuildItem(_count_pk(workspace, version.name, version.capability), "META")
        seen = _BuildItem.pk.does_not_exist() if number == 1 else _BuildItem.number == number - 1
        taken = NumberTakenError("BUILD_CONFLICT", "Another build of this dataset went first; repeat the request.")
        tx.update(counter, [_BuildItem.number.set(number)], seen, taken)

    def _put_lock(self, tx: Transaction, version: DatasetVersion) -> None:
        def taken(found: dict[str, Any]) -> FingerprintTakenError | None:
            holder = found["dataset_version_id"]["S"]
            return None if holder == version.dataset_version_id else FingerprintTakenError(holder)

        lock = _BuildItem(_lock_pk(version), "META", dataset_version_id=version.dataset_version_id)
        tx.put(lock, _BuildItem.pk.does_not_exist(), taken)

    def get(self, workspace: Workspace, dataset_version_id: str) -> DatasetVersion:
        """Return a version of the project; one read."""
        try:
            item = _BuildItem.get(_pk(dataset_version_id), "META", consistent_read=True)
        except _BuildItem.DoesNotExist:
            item = None
        if item is None or item.workspace != str(workspace):
            raise NotFoundError("DATASET_NOT_FOUND", f"There is no dataset {dataset_version_id} in {workspace}.")
        return _version(item)

    def put_section(self, dataset_version_id: str, **sections: Any) -> None:
        """Write what a step found out; the version is running from then on. Refused once it has ended."""
        actions = [getattr(_BuildItem, name).set(orjson.dumps(value).decode()) for name, value in sections.items()]
        tx = Transaction()
        tx.update(
            _BuildItem(_pk(dataset_version_id), "META"),
            [_BuildItem.build_status.set(JobStatus.RUNNING.value), *actions],
            _BuildItem.build_status.is_in(JobStatus.QUEUED.value, JobStatus.RUNNING.value),
            ConflictError("DATASET_NOT_READY", f"The dataset {dataset_version_id} has ended."),
        )
        tx.commit()

    def put_ready(self, tx: Transaction, version: DatasetVersion, sealed: dict[str, Any], moment: str) -> None:
        """Add the version's success; a forced one takes the reuse lock over."""
        actions = [_BuildItem.sealed.set(orjson.dumps(sealed).decode())]
        self._put_end(tx, version.dataset_version_id, JobStatus.READY, moment, actions)
        if version.forced:
            tx.put(_BuildItem(_lock_pk(version), "META", dataset_version_id=version.dataset_version_id))

    def put_failed(self, tx: Transaction, version: DatasetVersion, error: JobError, moment: str) -> None:
        """Add the version's failure; the reuse lock is free again, so the next request builds anew."""
        actions = [_BuildItem.error.set(error.model_dump_json())]
        self._put_end(tx, version.dataset_version_id, JobStatus.FAILED, moment, actions)
        if not version.forced:
            own = _BuildItem.pk.does_not_exist() | (_BuildItem.dataset_version_id == version.dataset_version_id)
            taken = ConflictError("BUILD_CONFLICT", "The reuse lock is another version's.")
            tx.delete(_BuildItem(_lock_pk(version), "META"), own, taken)

    def _put_end(self, tx: Transaction, version_id: str, status: JobStatus, moment: str, actions: list[Any]) -> None:
        def ended(found: dict[str, Any]) -> ConflictError | None:
            now = found.get("build_status", {}).get("S")
            return None if now == status.value else ConflictError("DATASET_NOT_READY", f"{version_id} ended as {now}.")

        tx.update(
            _BuildItem(_pk(version_id), "META"),
            [_BuildItem.build_status.set(status.value), _BuildItem.ended_at.set(moment), *actions],
            _BuildItem.build_status.is_in(JobStatus.QUEUED.value, JobStatus.RUNNING.value),
            ended,
        )


def _version(item: _BuildItem) -> DatasetVersion:
    fixed = DatasetVersion.model_validate_json(item.body)
    sections = {name: orjson.loads(text) for name in _SECTIONS if (text := getattr(item, name))}
    moving = {"build_status": JobStatus(item.build_status), "ended_at": item.ended_at}
    return fixed.model_copy(update=sections | moving)
