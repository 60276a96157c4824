"""The `labels` table.

LP#<label pack> / META                 the pack; `version` moves with every change of it
                                       (index `by_workspace`: all packs of a project)
LP#<label pack> / REV#<revision>       a revision (ids sort in time: newest first is the query backwards)
LP#<label pack> / HIST#<time>#<id>     one decision, append only
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import StaleError, Transaction, bind
from packhouse.errors import ConflictError, NotFoundError
from packhouse.labels.model import HistoryEntry, LabelPack, Revision


class _ByWorkspace(GlobalSecondaryIndex["_LabelItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_workspace"
        projection = AllProjection()

    listed_in = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _LabelItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    listed_in = UnicodeAttribute(null=True)
    version = NumberAttribute(null=True)
    job_id = UnicodeAttribute(null=True)
    body = UnicodeAttribute()
    by_workspace = _ByWorkspace()


def _pk(label_pack_id: str) -> str:
    return f"LP#{label_pack_id}"


def _missing_pack(label_pack_id: str, workspace: Workspace) -> NotFoundError:
    return NotFoundError("LABEL_PACK_NOT_FOUND", f"There is no label pack {label_pack_id} in {workspace}.")


class LabelStore:
    """Label packs and their revisions."""

    def __init__(self, table: str) -> None:
        bind(_LabelItem, table)

    def put_new_pack(self, tx: Transaction, pack: LabelPack) -> None:
        """Add the write of a new pack."""
        item = _LabelItem(_pk(pack.label_pack_id), "META", workspace=pack.workspace, version=1)
        item.listed_in = pack.workspace
        item.body = pack.model_dump_json()
        tx.put(item, _LabelItem.pk.does_not_exist(), ConflictError("REVIEW_CONFLICT", "The label pack id is taken."))

    def get_pack(self, workspace: Workspace, label_pack_id: str) -> tuple[LabelPack, int]:
        """Return a pack of the project and its version; one read."""
        try:
            item = _LabelItem.get(_pk(label_pack_id), "META", consistent_read=True)
        except _LabelItem.DoesNotExist:
            raise _missing_pack(label_pack_id, workspace) from None
        if item.workspace != str(workspace):
            raise _missing_pack(label_pack_id, workspace)
        return LabelPack.model_validate_json(item.body), int(item.version)

    def list_pack_bodies(
        self, workspace: Workspace, limit: int, after: dict[str, Any] | None
    ) -> tuple[list[str], dict[str, Any] | None]:
        """Return a page of a project's packs, oldest first, as their stored JSON, and where the next page begins."""
        pages = _LabelItem.by_workspace.query(str(workspace), limit=limit, last_evaluated_key=after)
        bodies = [item.body for item in pages]
        return bodies, pages.last_evaluated_key

    def pack_key(self, label_pack_id: str) -> tuple[type[Model], str, str]:
        """Return the pack's key, for reads together with other items."""
        return _LabelItem, _pk(label_pack_id), "META"

    def packs_in(self, found: Mapping[tuple[str, str], Model]) -> dict[str, LabelPack]:
        """Return the packs among items that were read together, of whatever project, by id."""
        packs = [LabelPack.model_validate_json(item.body) for item in found.values() if isinstance(item, _LabelItem)]
        return {pack.label_pack_id: pack for pack in packs}

    def get_with_revisions(self, workspace: Workspace, label_pack_id: str) -> tuple[LabelPack, int, list[Revision]]:
        """Return a pack, its version and its revisions, newest first; one query a megabyte."""
        pack, version, revisions = None, 0, []
        for item in _LabelItem.query(_pk(label_pack_id), _LabelItem.sk >= "META", consistent_read=True):
            if item.sk == "META":
                pack, version = LabelPack.model_validate_json(item.body), int(item.version)
            elif item.sk.startswith("REV#"):
                revisions.append(Revision.model_validate_json(item.body))
        if pack is None or pack.workspace != str(workspace):
            raise _missing_pack(label_pack_id, workspace)
        return pack, version, revisions[::-1]

    def iter_revisions(self, workspace: Workspace, label_pack_id: str) -> Iterator[Revision]:
        """Yield the revisions of a pack, newest first."""
        yield from self.get_with_revisions(workspace, label_pack_id)[2]

    def get_revision(self, workspace: Workspace, label_pack_id: str, revision_id: str) -> Revision:
        """Return a revision of a pack of the project; one read."""
        try:
            item = _LabelItem.get(_pk(label_pack_id), f"REV#{revision_id}", consistent_read=True)
        except _LabelItem.DoesNotExist:
            item = None
        if item is None or item.workspace != str(workspace):
            raise NotFoundError("REVISION_NOT_FOUND", f"There is no revision {revision_id} of {label_pack_id}.")
        return Revision.model_validate_json(item.body)

    def put_pack(self, tx: Transaction, pack: LabelPack, version: int) -> None:
        """Add the change of a pack that was read at `version`."""
        tx.update(
            _LabelItem(_pk(pack.label_pack_id), "META"),
            [_LabelItem.body.set(pack.model_dump_json()), _LabelItem.version.set(version + 1)],
            _LabelItem.version == version,
            StaleError("REVIEW_CONFLICT", "The label pack changed at the same moment; read it again and repeat."),
        )

    def put_new_revision(self, tx: Transaction, revision: Revision) -> None:
        """Add the write of a new revision."""
        item = self._revision_item(revision)
        tx.put(item, _LabelItem.pk.does_not_exist(), ConflictError("REVIEW_CONFLICT", "The revision id is taken."))

    def put_revision(self, tx: Transaction, revision: Revision) -> None:
        """Add the change of a revision; its pack's version, changed with it, guards it."""
        tx.put(
            self._revision_item(revision), _LabelItem.pk.exists(), NotFoundError("REVISION_NOT_FOUND", "It is gone.")
        )

    def put_submitted(self, tx: Transaction, revision: Revision) -> None:
        """Add the submission of a revision; it happens once."""

        def submitted(found: dict[str, dict[str, str]]) -> ConflictError | None:
            job_id = found.get("job_id", {}).get("S")
            if job_id == revision.job_id:
                return None
            return ConflictError("REVISION_ALREADY_SUBMITTED", f"Submitted before; the job is {job_id}.", job_id=job_id)

        tx.put(self._revision_item(revision), _LabelItem.pk.exists() & _LabelItem.job_id.does_not_exist(), submitted)

    def put_history(self, tx: Transaction, label_pack_id: str, entry: HistoryEntry, entry_id: str) -> None:
        """Add one decision to the history."""
        item = _LabelItem(_pk(label_pack_id), f"HIST#{entry.at}#{entry_id}", body=entry.model_dump_json())
        tx.put(item, _LabelItem.pk.does_not_exist(), ConflictError("REVIEW_CONFLICT", "The history entry exists."))

    def _revision_item(self, revision: Revision) -> _LabelItem:
        item = _LabelItem(_pk(revision.label_pack_id), f"REV#{revision.revision_id}", workspace=revision.workspace)
        item.job_id = revision.job_id
        item.body = revision.model_dump_json()
        return item
