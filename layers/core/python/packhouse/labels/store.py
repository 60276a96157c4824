"""The `labels` table.

LP#<label pack> / META                 the pack; `version` moves with every change of it
                                       (indexes `by_workspace` and `by_capability`: all packs of a project,
                                       all of one capability)
LP#<label pack> / REV#<revision>       a revision (ids sort in time: newest first is the query backwards)
LP#<label pack> / HIST#<time>#<id>     one decision, append only
FENCE#<workspace> / META               `version` counts what was withdrawn in the project: builds may have relied on it
"""

from collections.abc import Mapping
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Found, Key, Place, StaleError, Transaction, bind, filtered, section
from packhouse.errors import ConflictError, NotFoundError
from packhouse.labels.model import HistoryEntry, LabelPack, Revision


class _ByWorkspace(GlobalSecondaryIndex["_LabelItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_workspace"
        projection = AllProjection()

    listed_in = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _ByCapability(GlobalSecondaryIndex["_LabelItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_capability"
        projection = AllProjection()

    listed_for = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _LabelItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    workspace = UnicodeAttribute(null=True)
    listed_in = UnicodeAttribute(null=True)
    listed_for = UnicodeAttribute(null=True)
    version = NumberAttribute(null=True)
    job_id = UnicodeAttribute(null=True)
    review_status = UnicodeAttribute(null=True)
    eligibility_status = UnicodeAttribute(null=True)
    body = UnicodeAttribute(null=True)
    by_workspace = _ByWorkspace()
    by_capability = _ByCapability()


def _pk(label_pack_id: str) -> str:
    return f"LP#{label_pack_id}"


def _listed_for(workspace: str, capability: str) -> str:
    return f"{workspace}#{capability}"


def _fence_pk(workspace: Workspace) -> str:
    return f"FENCE#{workspace}"


def _missing_pack(label_pack_id: str, workspace: Workspace) -> NotFoundError:
    return NotFoundError("LABEL_PACK_NOT_FOUND", f"There is no label pack {label_pack_id} in {workspace}.")


def _beside_pack(
    items: list[dict[str, Any]], rest: Place | None, limit: int
) -> tuple[list[dict[str, Any]], Place | None]:
    """Leave a section of one item too many as it is if the pack is in it, and else without the last one."""
    if len(items) <= limit or any(item["sk"]["S"] == "META" for item in items):
        return items, rest
    return items[:limit], {name: items[limit - 1][name] for name in ("pk", "sk")}


class LabelStore:
    """Label packs and their revisions."""

    def __init__(self, table: str) -> None:
        bind(_LabelItem, table)

    def put_new_pack(self, tx: Transaction, pack: LabelPack) -> None:
        """Add the write of a new pack."""
        item = _LabelItem(_pk(pack.label_pack_id), "META", workspace=pack.workspace, version=1)
        item.listed_in, item.listed_for = pack.workspace, _listed_for(pack.workspace, pack.capability)
        item.review_status = pack.review_status.value
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
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of a project's packs, oldest first, as their stored JSON, and where the next page begins.

        `filters` are of `capability`, `review_status` and `eligibility_status` (the newest revision's).
        One query a megabyte.
        """
        conditions = {name: value for name, value in filters.items() if name != "capability"}
        how: dict[str, Any] = {
            "filter_condition": filtered(_LabelItem, conditions),
            "limit": None if conditions else limit + 1,
            "last_evaluated_key": after,
        }
        if "capability" in filters:
            rows = _LabelItem.by_capability.query(_listed_for(str(workspace), filters["capability"]), **how)
        else:
            rows = _LabelItem.by_workspace.query(str(workspace), **how)
        items, rest = section(rows, limit)
        return [item["body"]["S"] for item in items], rest

    def pack_key(self, label_pack_id: str) -> Key:
        """Return the pack's key, for reads together with other items."""
        return _LabelItem, _pk(label_pack_id), "META"

    def packs_in(self, found: Found) -> dict[str, LabelPack]:
        """Return the packs among items that were read together, of whatever project, by id."""
        items = [item for item in found.values() if isinstance(item, _LabelItem) and item.sk == "META"]
        packs = [LabelPack.model_validate_json(item.body) for item in items if item.pk.startswith(_pk(""))]
        return {pack.label_pack_id: pack for pack in packs}

    def revision_key(self, label_pack_id: str, revision_id: str) -> Key:
        """Return a revision's key, for reads together with other items."""
        return _LabelItem, _pk(label_pack_id), f"REV#{revision_id}"

    def revisions_in(self, found: Found) -> dict[str, Revision]:
        """Return the revisions among items that were read together, by id."""
        items = [item for item in found.values() if isinstance(item, _LabelItem) and item.sk.startswith("REV#")]
        revisions = [Revision.model_validate_json(item.body) for item in items]
        return {revision.revision_id: revision for revision in revisions}

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

    def get_series(
        self, workspace: Workspace, label_pack_id: str, limit: int, after: Place | None
    ) -> tuple[LabelPack, list[Revision], list[HistoryEntry], Place | None]:
        """Return a pack, a page of its revisions and then of the decisions over it, newest first, and where it ends.

        One query, which finds the pack between the two, and one read more for a page that lies beside it. The pack is
        none of the `limit`.
        """
        rows = _LabelItem.query(
            _pk(label_pack_id),
            limit=limit + 2,
            last_evaluated_key=after,
            scan_index_forward=False,
            consistent_read=True,
        )
        items, rest = _beside_pack(*section(rows, limit + 1), limit)
        pack, revisions, history = None, [], []
        for sk, body in ((item["sk"]["S"], item["body"]["S"]) for item in items):
            if sk == "META":
                pack = LabelPack.model_validate_json(body)
            elif sk.startswith("REV#"):
                revisions.append(Revision.model_validate_json(body))
            else:
                history.append(HistoryEntry.model_validate_json(body))
        if pack is None:
            pack, _ = self.get_pack(workspace, label_pack_id)
        if pack.workspace != str(workspace):
            raise _missing_pack(label_pack_id, workspace)
        return pack, revisions, history, rest

    def list_revision_bodies(
        self, workspace: Workspace, label_pack_id: str, limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of a pack's revisions, newest first, as their stored JSON; one query, or two where none is."""
        rows = _LabelItem.query(
            _pk(label_pack_id),
            _LabelItem.sk.startswith("REV#"),
            limit=limit + 1,
            last_evaluated_key=after,
            scan_index_forward=False,
            consistent_read=True,
        )
        items, rest = section(rows, limit)
        if not items:
            self.get_pack(workspace, label_pack_id)
        elif items[0]["workspace"]["S"] != str(workspace):
            raise _missing_pack(label_pack_id, workspace)
        return [item["body"]["S"] for item in items], rest

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
        actions = [
            _LabelItem.body.set(pack.model_dump_json()),
            _LabelItem.version.set(version + 1),
            _LabelItem.review_status.set(pack.review_status.value),
        ]
        if pack.newest_eligibility is not None:
            actions.append(_LabelItem.eligibility_status.set(pack.newest_eligibility.value))
        tx.update(
            _LabelItem(_pk(pack.label_pack_id), "META"),
            actions,
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

    def put_withdrawal(self, tx: Transaction, workspace: Workspace) -> None:
        """Add that something which builds may rely on is taken back; it is in the same transaction."""
        tx.update(_LabelItem(_fence_pk(workspace), "META"), [_LabelItem.version.add(1)])

    def fence_key(self, workspace: Workspace) -> Key:
        """Return the key of a project's fence, for reads together with other items."""
        return _LabelItem, _fence_pk(workspace), "META"

    def demand_fence(self, tx: Transaction, workspace: Workspace, found: Found) -> None:
        """Require that nothing of the project was taken back since its fence was read, together with other items."""
        fence = found.get((_fence_pk(workspace), "META"))
        seen = _LabelItem.version == fence.version if isinstance(fence, _LabelItem) else _LabelItem.pk.does_not_exist()
        moved = StaleError("REVIEW_CONFLICT", "A label pack was withdrawn at the same moment; look again.")
        tx.check(_LabelItem, _fence_pk(workspace), "META", seen, moved)

    def _revision_item(self, revision: Revision) -> _LabelItem:
        item = _LabelItem(_pk(revision.label_pack_id), f"REV#{revision.revision_id}", workspace=revision.workspace)
        item.job_id = revision.job_id
        item.body = revision.model_dump_json()
        return item
