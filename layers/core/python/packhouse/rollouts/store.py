"""Rollout imports in the `training` table.

PRJ#<project> / RIM#<import>   an import; ids sort in time. No rollout has an item: its id says where it is

`chunk_bytes` is there once the import has passed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from packhouse.aws.dynamo import Place, Transaction, bind, filtered, section, text
from packhouse.errors import ConflictError, NotFoundError
from packhouse.rollouts.model import RolloutImport, SealedImport


class _ImportItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    validation_status = UnicodeAttribute(null=True)
    job_id = UnicodeAttribute(null=True)
    chunk_bytes = UnicodeAttribute(null=True)
    body = UnicodeAttribute()


def _pk(project_id: str) -> str:
    return f"PRJ#{project_id}"


def _sk(import_id: str) -> str:
    return f"RIM#{import_id}"


class RolloutStore:
    """Imports of rollouts."""

    def __init__(self, table: str) -> None:
        bind(_ImportItem, table)

    def put_new(self, tx: Transaction, imported: RolloutImport, chunk_bytes: tuple[int, ...] = ()) -> None:
        """Add the write of a new import; one that came inline has passed already."""
        item = _item(imported, chunk_bytes)
        tx.put(item, _ImportItem.pk.does_not_exist(), ConflictError("IMPORT_CONFLICT", "The import id is taken."))

    def put_submitted(self, tx: Transaction, imported: RolloutImport) -> None:
        """Add the submission of an import; it happens once."""

        def submitted(found: dict[str, Any]) -> ConflictError | None:
            job_id = text(found, "job_id")
            if job_id == imported.job_id:
                return None
            return ConflictError("IMPORT_ALREADY_SUBMITTED", f"Submitted before; the job is {job_id}.", job_id=job_id)

        tx.put(_item(imported), _ImportItem.pk.exists() & _ImportItem.job_id.does_not_exist(), submitted)

    def put_judged(self, tx: Transaction, imported: RolloutImport, chunk_bytes: tuple[int, ...] = ()) -> None:
        """Add the verdict over an import; there is one."""

        def judged(found: dict[str, Any]) -> ConflictError | None:
            if text(found, "validation_status") == imported.validation_status:
                return None
            return ConflictError("IMPORT_CONFLICT", f"The import has {text(found, 'validation_status')} already.")

        tx.put(_item(imported, chunk_bytes), _ImportItem.validation_status == "pending", judged)

    def get(self, project_id: str, import_id: str) -> RolloutImport:
        """Return an import of the project; one read."""
        return RolloutImport.model_validate_json(self._get(project_id, import_id).body)

    def find_sealed(self, project_id: str, import_id: str) -> SealedImport | None:
        """Return an import of the project if it has passed; one read."""
        try:
            return _sealed(self._get(project_id, import_id))
        except NotFoundError:
            return None

    def _get(self, project_id: str, import_id: str) -> _ImportItem:
        try:
            return _ImportItem.get(_pk(project_id), _sk(import_id), consistent_read=True)
        except _ImportItem.DoesNotExist:
            raise NotFoundError("IMPORT_NOT_FOUND", f"There is no rollout import {import_id} here.") from None

    def list_bodies(
        self, project_id: str, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of a project's imports, oldest first, as their stored JSON; one query a megabyte."""
        rows = _ImportItem.query(
            _pk(project_id),
            _ImportItem.sk.startswith(_sk("")),
            filter_condition=filtered(_ImportItem, filters),
            limit=None if filters else limit + 1,
            last_evaluated_key=after,
            consistent_read=True,
        )
        items, rest = section(rows, limit)
        return [item["body"]["S"] for item in items], rest

    def iter_sealed(self, project_id: str, first: str = "rim_") -> Iterator[SealedImport]:
        """Yield the imports of a project that have passed, oldest first, from the given id on; one query a megabyte."""
        rows = _ImportItem.query(
            _pk(project_id), _ImportItem.sk.between(_sk(first), _sk("rim_~")), consistent_read=True
        )
        for item in rows:
            sealed = _sealed(item)
            if sealed is not None:
                yield sealed


def _item(imported: RolloutImport, chunk_bytes: tuple[int, ...] = ()) -> _ImportItem:
    item = _ImportItem(_pk(imported.project_id), _sk(imported.import_id), job_id=imported.job_id)
    item.validation_status = imported.validation_status.value
    item.body = imported.model_dump_json(exclude={"ids"})
    if chunk_bytes:
        item.chunk_bytes = orjson.dumps(chunk_bytes).decode()
    return item


def _sealed(item: _ImportItem) -> SealedImport | None:
    if not item.chunk_bytes:
        return None
    imported = RolloutImport.model_validate_json(item.body)
    return SealedImport(
        import_id=imported.import_id,
        content_hash=imported.content_hash or "",
        rollouts=imported.rollouts or 0,
        sealed_at=imported.sealed_at or "",
        chunk_bytes=tuple(orjson.loads(item.chunk_bytes)),
    )
