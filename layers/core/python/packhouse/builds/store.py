"""Dataset versions in the `builds` table.

DSV#<version> / META                              a version; each step writes its own attribute
                                                  (index `by_workspace`: all versions of a project, under
                                                  `DSV#<workspace>`, with what a list shows of them)
REUSE#<project>#<reuse fingerprint> / META        the one version that requests of this fingerprint share
COUNT#<workspace>#<capability>#<name> / META      the newest version number of a dataset that is named alone
COUNT#<dataset>#<capability> / META               the newest version number of a dataset of contract C
"""

from collections.abc import Mapping
from typing import Any

import orjson
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Found, Key, Place, Transaction, bind, filtered, section, text
from packhouse.builds.model import (
    DatasetVersion,
    MaterializationStatus,
    Selection,
    VersionRow,
    badge,
    materialization_status,
)
from packhouse.errors import ConflictError, NotFoundError
from packhouse.jobs.model import JobError, JobStatus

_OPEN = (JobStatus.QUEUED.value, JobStatus.RUNNING.value)
_SECTIONS = ("built", "quality", "materialization", "sealed", "error")
_APART = {*_SECTIONS, "build_status", "ended_at", "included", "excluded"}


class _ByWorkspace(GlobalSecondaryIndex["_BuildItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_workspace"
        projection = IncludeProjection(
            [
                *("body", "ended_at", "capability", "scope", "build_status"),
                *("split_counts", "verdict", "materialization_status", "manifest_hash"),
            ]
        )

    listed_in = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _BuildItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    listed_in = UnicodeAttribute(null=True)
    capability = UnicodeAttribute(null=True)
    scope = UnicodeAttribute(null=True)
    build_status = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    split_counts = UnicodeAttribute(null=True)
    verdict = UnicodeAttribute(null=True)
    materialization_status = UnicodeAttribute(null=True)
    manifest_hash = UnicodeAttribute(null=True)
    sources = UnicodeAttribute(null=True)
    built = UnicodeAttribute(null=True)
    quality = UnicodeAttribute(null=True)
    materialization = UnicodeAttribute(null=True)
    sealed = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    dataset_version_id = UnicodeAttribute(null=True)
    number = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)
    by_workspace = _ByWorkspace()


class FingerprintTakenError(ConflictError):
    """An equivalent version is there or on its way; `dataset_version_id` names it."""

    def __init__(self, dataset_version_id: str) -> None:
        super().__init__("BUILD_CONFLICT", "An equivalent build exists.")
        self.dataset_version_id = dataset_version_id


class NumberTakenError(ConflictError):
    """Another build of the same dataset took the version number: read again."""


class LockTakenOverError(ConflictError):
    """A forced version of the same fingerprint became ready and serves its requests now, for good."""


def _pk(dataset_version_id: str) -> str:
    return f"DSV#{dataset_version_id}"


def _lock_pk(version: DatasetVersion) -> str:
    return f"REUSE#{version.project_id}#{version.reuse_fingerprint}"


def _count_pk(workspace: str, capability: str, name: str, dataset_id: str | None) -> str:
    return f"COUNT#{dataset_id}#{capability}" if dataset_id else f"COUNT#{workspace}#{capability}#{name}"


def _listed_in(workspace: str) -> str:
    return f"DSV#{workspace}"


class BuildStore:
    """Dataset versions, their reuse locks and numbers."""

    def __init__(self, table: str) -> None:
        bind(_BuildItem, table)

    def count_key(self, workspace: str, capability: str, name: str, dataset_id: str | None) -> Key:
        """Return the key of a version counter, for reads together with other items.

        Versions are numbered per dataset and capability; those outside a dataset per name in their project.
        """
        return _BuildItem, _count_pk(workspace, capability, name, dataset_id), "META"

    def count_in(self, found: Found, key: Key) -> int:
        """Return the newest version number among items that were read together; 0 before the first."""
        item = found.get(key[1:])
        return int(item.number) if isinstance(item, _BuildItem) and item.number is not None else 0

    def version_key(self, dataset_version_id: str) -> Key:
        """Return a version's key, for reads together with other items."""
        return _BuildItem, _pk(dataset_version_id), "META"

    def version_in(self, found: Found, workspace: Workspace, dataset_version_id: str) -> DatasetVersion:
        """Return a version of the project among items that were read together."""
        item = found.get((_pk(dataset_version_id), "META"))
        if not isinstance(item, _BuildItem) or item.workspace != str(workspace):
            raise _missing(dataset_version_id, workspace)
        return _version(item)

    def put_new(self, tx: Transaction, version: DatasetVersion, number: int) -> None:
        """Add the write of a queued version with the next number of its dataset; forced ones leave the lock alone."""
        item = _BuildItem(_pk(version.dataset_version_id), "META", workspace=version.workspace)
        item.listed_in, item.capability, item.scope = (
            _listed_in(version.workspace),
            version.capability,
            version.scope.value,
        )
        item.build_status = version.build_status.value
        item.body = version.model_dump_json(exclude=_APART)
        item.sources = Selection(included=version.included, excluded=version.excluded).model_dump_json()
        tx.put(item, _BuildItem.pk.does_not_exist(), ConflictError("BUILD_CONFLICT", "The version id is taken."))
        if not version.forced:
            self._put_lock(tx, version)
        counter = _BuildItem(_count_pk(version.workspace, version.capability, version.name, version.dataset_id), "META")
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
            raise _missing(dataset_version_id, workspace)
        return _version(item)

    def list_versions(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[VersionRow], Place | None]:
        """Return a page of a project's versions, newest first, and where the next page begins; one query a megabyte.

        `filters` are of `capability`, `scope` and `build_status`. As an index sees them: one just made may be missing
        for a moment.
        """
        rows = _BuildItem.by_workspace.query(
            _listed_in(str(workspace)),
            filter_condition=filtered(_BuildItem, filters),
            limit=None if filters else limit + 1,
            last_evaluated_key=after,
            scan_index_forward=False,
        )
        items, rest = section(rows, limit)
        return [_row(item) for item in items], rest

    def put_section(self, dataset_version_id: str, **sections: Any) -> None:
        """Write what a step found out; the version is running from then on. Refused once it has ended."""
        self._put_sections(dataset_version_id, sections, _BuildItem.build_status.is_in(*_OPEN))

    def put_built(self, dataset_version_id: str, **sections: Any) -> None:
        """Write what is known of a version before its assets are; of one whose are, it says nothing new any more."""
        seen = _BuildItem.materialization_status
        unsettled = seen.does_not_exist() | (seen == MaterializationStatus.RUNNING.value)
        self._put_sections(dataset_version_id, sections, _BuildItem.build_status.is_in(*_OPEN) & unsettled)

    def _put_sections(self, dataset_version_id: str, sections: Mapping[str, Any], condition: Condition) -> None:
        def refused(found: dict[str, Any]) -> ConflictError | None:
            if text(found, "build_status") in _OPEN:
                return None
            return ConflictError("DATASET_NOT_READY", f"The dataset {dataset_version_id} has ended.")

        actions = [action for name, section in sections.items() for action in _written(name, section)]
        tx = Transaction()
        tx.update(
            _BuildItem(_pk(dataset_version_id), "META"),
            [_BuildItem.build_status.set(JobStatus.RUNNING.value), *actions],
            condition,
            refused,
        )
        tx.commit()

    def put_ready(self, tx: Transaction, version: DatasetVersion, sealed: dict[str, Any], moment: str) -> None:
        """Add the version's success; a forced one takes the reuse lock over."""
        self._put_end(tx, version.dataset_version_id, JobStatus.READY, moment, _written("sealed", sealed))
        if version.forced:
            tx.put(_BuildItem(_lock_pk(version), "META", dataset_version_id=version.dataset_version_id))

    def put_unready(
        self, tx: Transaction, version: DatasetVersion, status: JobStatus, error: JobError | None, moment: str
    ) -> None:
        """Add that the version failed or was cancelled."""
        actions = [_BuildItem.error.set(error.model_dump_json())] if error else []
        self._put_end(tx, version.dataset_version_id, status, moment, actions)

    def free_lock(self, tx: Transaction, version: DatasetVersion) -> None:
        """Add that the reuse lock is free, so that the next request builds anew; `LockTakenOverError` if it is not its.

        A forced version never had it before it was ready.
        """
        if not version.forced:
            own = _BuildItem.pk.does_not_exist() | (_BuildItem.dataset_version_id == version.dataset_version_id)
            taken = LockTakenOverError("BUILD_CONFLICT", "The reuse lock is another version's.")
            tx.delete(_BuildItem(_lock_pk(version), "META"), own, taken)

    def _put_end(self, tx: Transaction, version_id: str, status: JobStatus, moment: str, actions: list[Any]) -> None:
        def ended(found: dict[str, Any]) -> ConflictError | None:
            now = text(found, "build_status")
            if (now, text(found, "ended_at")) == (status.value, moment):
                return None
            return ConflictError("DATASET_NOT_READY", f"{version_id} ended as {now}.")

        tx.update(
            _BuildItem(_pk(version_id), "META"),
            [_BuildItem.build_status.set(status.value), _BuildItem.ended_at.set(moment), *actions],
            _BuildItem.build_status.is_in(*_OPEN),
            ended,
        )


def _written(name: str, section: dict[str, Any]) -> list[Any]:
    """What is written of a section: all of it, and beside it what the list shows of it."""
    actions = [getattr(_BuildItem, name).set(orjson.dumps(section).decode())]
    if name == "built":
        actions.append(_BuildItem.split_counts.set(orjson.dumps(section["splits"]).decode()))
    elif name == "quality":
        verdict = {part: section[part] for part in ("status", "warnings", "hard_fails")}
        actions.append(_BuildItem.verdict.set(orjson.dumps(verdict).decode()))
    elif name == "materialization":
        actions.append(_BuildItem.materialization_status.set(section["status"]))
    elif name == "sealed":
        actions.append(_BuildItem.manifest_hash.set(section["manifest_hash"]))
    return actions


def _missing(dataset_version_id: str, workspace: Workspace) -> NotFoundError:
    return NotFoundError("DATASET_NOT_FOUND", f"There is no dataset {dataset_version_id} in {workspace}.")


def _version(item: _BuildItem) -> DatasetVersion:
    fixed = DatasetVersion.model_validate_json(item.body)
    sections = {name: orjson.loads(text) for name in _SECTIONS if (text := getattr(item, name))}
    moving = {"build_status": JobStatus(item.build_status), "ended_at": item.ended_at}
    sources = dict(Selection.model_validate_json(item.sources)) if item.sources else {}
    return fixed.model_copy(update=sections | moving | sources)


def _row(item: dict[str, Any]) -> VersionRow:
    """Return the row of an item as DynamoDB sent it; its fixed facts are read leniently, as they have more fields."""
    fixed, counts, verdict = (orjson.loads(text(item, name) or "null") for name in ("body", "split_counts", "verdict"))
    status = JobStatus(text(item, "build_status") or "")
    return VersionRow(
        **{name: value for name, value in fixed.items() if name in VersionRow.model_fields},
        build_status=status,
        materialization_status=materialization_status(status, text(item, "materialization_status")),
        split_counts=counts,
        manifest_hash=text(item, "manifest_hash"),
        quality_status=verdict["status"] if verdict else "not_evaluated",
        quality_badge=badge(verdict),
        ended_at=text(item, "ended_at"),
    )
