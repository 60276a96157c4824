"""Use cases of label packs: create, upload, submit, review, make eligible."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packhouse.access.model import Principal, Workspace
from packhouse.aws import executions
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Place, Transaction, while_stale
from packhouse.aws.objects import Objects
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.catalog.store import CatalogStore
from packhouse.jobs.model import Job, JobKind
from packhouse.jobs.store import JobStore
from packhouse.labels.model import (
    Eligibility,
    HistoryEntry,
    LabelPack,
    ReviewDecision,
    Revision,
    Series,
    SeriesPage,
    revision_prefix,
    upload_key,
)
from packhouse.labels.rules import (
    check_transition,
    grown,
    review_status,
    series_of,
    series_page,
    with_revisions,
    withdraws,
)
from packhouse.labels.store import LabelStore
from packhouse.pipeline.files import NDJSON
from packhouse.uploads.service import demand_upload, presign_upload


@dataclass(frozen=True)
class Labels:
    """Label packs and their revisions."""

    store: LabelStore
    jobs: JobStore
    catalog: CatalogStore
    uploads: Objects
    machine_arn: str
    clock: Clock = now
    new_id: NewId = new_id

    def create_pack(
        self,
        workspace: Workspace,
        capability: str,
        name: str,
        description: str | None,
        caller: Principal,
        once: Once,
    ) -> LabelPack:
        """Create an empty pack in the project."""
        self.catalog.get_project(workspace)
        pack = self.new_pack(workspace, capability, name, description, caller)
        tx = Transaction()
        self.store.put_new_pack(tx, pack)
        return once.commit(tx, pack)

    def new_pack(
        self, workspace: Workspace, capability: str, name: str, description: str | None, caller: Principal
    ) -> LabelPack:
        """Return an empty pack that is not there yet."""
        moment = self.clock()
        return LabelPack(
            label_pack_id=self.new_id("lp"),
            workspace=str(workspace),
            project_id=project_id(workspace),
            capability=capability,
            name=name,
            description=description,
            created_at=moment,
            created_by=caller.principal_id,
            updated_at=moment,
        )

    def create_revision(
        self,
        workspace: Workspace,
        label_pack_id: str,
        content_length: int | None,
        sha256: str | None,
        rows: bytes | None,
        caller: Principal,
        once: Once,
    ) -> Revision:
        """Create the pack's next revision; its bytes are `rows`, or come by upload, and are read when it is submitted.

        Rows are put where an upload lands before the revision is there: none is ever there without its rows.
        """
        revision_id = self.new_id("lpr")

        def attempt() -> Revision:
            pack, version = self.store.get_pack(workspace, label_pack_id)
            moment = self.clock()
            revision = Revision(
                revision_id=revision_id,
                label_pack_id=label_pack_id,
                workspace=str(workspace),
                project_id=pack.project_id,
                revision=pack.revisions + 1,
                content_length=content_length,
                sha256=sha256,
                created_at=moment,
                created_by=caller.principal_id,
            )
            if rows is not None:
                self.uploads.write_once(upload_key(pack.project_id, label_pack_id, revision_id), rows, NDJSON)
            tx = Transaction()
            self.store.put_pack(tx, grown(pack, revision), version)
            self.store.put_new_revision(tx, revision)
            return once.commit(tx, revision)

        return while_stale(attempt)

    def presign_upload(self, revision: Revision) -> dict[str, Any]:
        """Return how to send the revision's bytes: method, URL, the headers that are signed, and until when."""
        key = upload_key(revision.project_id, revision.label_pack_id, revision.revision_id)
        return presign_upload(self.uploads, key, revision.content_length, revision.sha256, self.clock)

    def submit(self, workspace: Workspace, label_pack_id: str, revision_id: str, caller: Principal, once: Once) -> Job:
        """Start the ingest of an uploaded revision, once. What was committed and not started, the sweeper starts."""
        pack, _ = self.store.get_pack(workspace, label_pack_id)
        revision = self.store.get_revision(workspace, label_pack_id, revision_id)
        if revision.job_id is None:
            key = upload_key(pack.project_id, label_pack_id, revision_id)
            demand_upload(self.uploads, key, revision.content_length, revision.sha256)
        moment = self.clock()
        job = self._ingest_job(self.new_id("job"), pack, revision, moment, caller)
        tx = Transaction()
        self.store.put_submitted(tx, revision.model_copy(update={"job_id": job.job_id, "submitted_at": moment}))
        self.jobs.put_new(tx, job)
        once.commit(tx, job)
        self.start(job)
        return job

    def add_submitted(
        self,
        tx: Transaction,
        pack: LabelPack,
        seen: int | None,
        revision_id: str,
        content_length: int,
        sha256: str,
        caller: Principal,
    ) -> tuple[Revision, Job]:
        """Add the pack's next revision, submitted, with its job; its bytes are where an upload of it lands.

        `seen` is the version that the pack was read at, `None` for a pack that is new. The job's execution is started
        by the caller, or else by the sweeper.
        """
        moment, job_id = self.clock(), self.new_id("job")
        revision = Revision(
            revision_id=revision_id,
            label_pack_id=pack.label_pack_id,
            workspace=pack.workspace,
            project_id=pack.project_id,
            revision=pack.revisions + 1,
            content_length=content_length,
            sha256=sha256,
            job_id=job_id,
            created_at=moment,
            created_by=caller.principal_id,
            submitted_at=moment,
        )
        job = self._ingest_job(job_id, pack, revision, moment, caller)
        if seen is None:
            self.store.put_new_pack(tx, grown(pack, revision))
        else:
            self.store.put_pack(tx, grown(pack, revision), seen)
        self.store.put_new_revision(tx, revision)
        self.jobs.put_new(tx, job)
        return revision, job

    def start(self, job: Job) -> None:
        """Start the execution of a job that was committed."""
        executions.start(self.machine_arn, job.job_id, job.execution_input | {"job_id": job.job_id})

    def _ingest_job(self, job_id: str, pack: LabelPack, revision: Revision, moment: str, caller: Principal) -> Job:
        return Job(
            job_id=job_id,
            kind=JobKind.LABEL_INGEST,
            workspace=pack.workspace,
            label_pack_id=pack.label_pack_id,
            revision_id=revision.revision_id,
            created_at=moment,
            created_by=caller.principal_id,
            execution_input=ingest_input(pack, revision),
        )

    def review(
        self,
        workspace: Workspace,
        label_pack_id: str,
        decision: ReviewDecision,
        note: str | None,
        caller: Principal,
        once: Once,
    ) -> LabelPack:
        """Approve, reject or revoke a pack; the decision is kept in its history."""

        def attempt() -> LabelPack:
            pack, version = self.store.get_pack(workspace, label_pack_id)
            moment = self.clock()
            reviewed = pack.model_copy(update={"review_status": review_status(decision), "updated_at": moment})
            entry = HistoryEntry(
                at=moment,
                by=caller.principal_id,
                revision_id=None,
                what="review_status",
                before=pack.review_status,
                after=reviewed.review_status,
                note=note,
            )
            tx = Transaction()
            self.store.put_pack(tx, reviewed, version)
            self.store.put_history(tx, label_pack_id, entry, self.new_id("his"))
            if withdraws(pack.review_status, reviewed.review_status):
                self.store.put_withdrawal(tx, workspace)
            return once.commit(tx, reviewed)

        return while_stale(attempt)

    def set_eligibility(
        self,
        workspace: Workspace,
        label_pack_id: str,
        revision_id: str,
        status: Eligibility,
        note: str | None,
        caller: Principal,
        once: Once,
    ) -> Revision:
        """Move a revision's eligibility one step; revision, pack and history change together."""

        def attempt() -> Revision:
            pack, version, revisions = self.store.get_with_revisions(workspace, label_pack_id)
            before = next((known for known in revisions if known.revision_id == revision_id), None)
            if before is None:
                before = self.store.get_revision(workspace, label_pack_id, revision_id)
            check_transition(before.eligibility_status, status)
            after = before.model_copy(update={"eligibility_status": status})
            moment = self.clock()
            entry = HistoryEntry(
                at=moment,
                by=caller.principal_id,
                revision_id=revision_id,
                what="eligibility_status",
                before=before.eligibility_status,
                after=status,
                note=note,
            )
            tx = Transaction()
            replaced = [after if known.revision_id == revision_id else known for known in revisions]
            self.store.put_pack(tx, with_revisions(pack, replaced, moment), version)
            self.store.put_revision(tx, after)
            self.store.put_history(tx, label_pack_id, entry, self.new_id("his"))
            if withdraws(before.eligibility_status, status):
                self.store.put_withdrawal(tx, workspace)
            return once.commit(tx, after)

        return while_stale(attempt)

    def list_packs(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of the project's packs as their stored JSON, and where the next page begins."""
        bodies, rest = self.store.list_pack_bodies(workspace, filters, limit, after)
        if not bodies and after is None:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        return bodies, rest

    def list_series(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[Series], Place | None]:
        """Return a page of the project's label review series, oldest first, and where the next page begins."""
        bodies, rest = self.list_packs(workspace, filters, limit, after)
        return [series_of(LabelPack.model_validate_json(body)) for body in bodies], rest

    def get_series(
        self, workspace: Workspace, series_id: str, limit: int, after: Place | None
    ) -> tuple[SeriesPage, Place | None]:
        """Return a page of a label review series, and where the next one begins."""
        pack, revisions, history, rest = self.store.get_series(workspace, series_id, limit, after)
        return series_page(pack, revisions, history), rest


def ingest_input(pack: LabelPack, revision: Revision) -> dict[str, str]:
    """Return what the tasks of `label_ingest` are told: where the bytes are and what they claim to be."""
    return {
        "workspace": pack.workspace,
        "label_pack_id": pack.label_pack_id,
        "revision_id": revision.revision_id,
        "capability": pack.capability,
        "upload_key": upload_key(pack.project_id, pack.label_pack_id, revision.revision_id),
        "prefix": revision_prefix(pack.project_id, pack.label_pack_id, revision.revision_id),
    }


def rows_as_ndjson(rows: list[dict[str, Any]]) -> bytes:
    """Return inline rows as the bytes of an upload, one line each."""
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)
