"""The `audit` table, which is only ever added to: no function may change or remove what is in it.

AUDIT#<version> / <entry>   one attempt (ids sort in time: newest first is the query backwards)
"""

from pynamodb.attributes import UnicodeAttribute
from pynamodb.models import Model

from packhouse.audit.model import AuditEntry
from packhouse.aws.dynamo import Place, Transaction, bind, section
from packhouse.errors import ConflictError


class _AuditItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    body = UnicodeAttribute()


def _pk(dataset_version_id: str) -> str:
    return f"AUDIT#{dataset_version_id}"


class AuditStore:
    """What was tried with dataset versions."""

    def __init__(self, table: str) -> None:
        bind(_AuditItem, table)

    def put(self, tx: Transaction, entry: AuditEntry) -> None:
        """Add an entry to what it tells of."""
        item = _AuditItem(_pk(entry.dataset_version_id), entry.entry_id, body=entry.model_dump_json())
        tx.put(item, _AuditItem.pk.does_not_exist(), ConflictError("FREEZE_STATE_CONFLICT", "The entry id is taken."))

    def list_bodies(self, dataset_version_id: str, limit: int, after: Place | None) -> tuple[list[str], Place | None]:
        """Return a page of a version's entries, newest first, as their stored JSON; one query."""
        rows = _AuditItem.query(
            _pk(dataset_version_id),
            limit=limit + 1,
            last_evaluated_key=after,
            scan_index_forward=False,
            consistent_read=True,
        )
        items, rest = section(rows, limit)
        return [item["body"]["S"] for item in items], rest
