"""The last task of `label_ingest`, SealRevision, and how its jobs end; the tasks before it are in `uploads.ingest`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Transaction, while_stale
from packhouse.aws.objects import Objects
from packhouse.errors import UnitFailedError
from packhouse.jobs.model import Job, JobStatus
from packhouse.jobs.store import JobStore
from packhouse.labels.model import Revision
from packhouse.labels.rules import with_revisions
from packhouse.labels.store import LabelStore
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.files import JSON
from packhouse.pipeline.ingest import Chunk, Sealed, seal_revision
from packhouse.pipeline.statistics import decode_statistics
from packhouse.settings import IngestSettings
from packhouse.uploads.ingest import chunk_key, find_fault, read_chunks, sample_keys
from packhouse.uploads.model import LineFault, ValidationStatus


@dataclass(frozen=True)
class Ingest:
    """What settles revisions."""

    store: LabelStore
    jobs: JobStore
    data: Objects
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: IngestSettings) -> Self:
        """Wire it to its tables and bucket."""
        return cls(LabelStore(settings.labels_table), JobStore(settings.builds_table), Objects(settings.data_bucket))

    def seal_revision(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Settle the revision: passed with its content hash, or failed with its faults by line.

        Run again after it has taken effect, it finds the revision passed and says the same.
        """
        place = Workspace(*payload["workspace"].split("/"))
        revision = self.store.get_revision(place, payload["label_pack_id"], payload["revision_id"])
        if revision.validation_status is ValidationStatus.PASSED:
            return {"rows": revision.rows, "content_hash": revision.content_hash}
        self.jobs.enter_step(payload["job_id"], "SealRevision", 1)
        chunks = read_chunks(self.data, payload["prefix"], payload["upload"]["units"])
        keys = sample_keys(self.data, payload["prefix"], chunks)
        ended = find_fault(payload["upload"])
        sealed = seal_revision(chunks, keys, CAPABILITIES[payload["capability"]], ended)
        if sealed.passed:
            self.data.write_once(f"{payload['prefix']}revision.json", sealed.document, JSON)
        self._settle(payload, sealed, self._count_groups(payload["prefix"], chunks))
        if not sealed.passed:
            raise UnitFailedError("LABEL_ROWS_INVALID", sealed.sentence())
        return {"rows": sealed.rows, "content_hash": sealed.content_hash}

    def _count_groups(self, prefix: str, chunks: list[Chunk]) -> int:
        groups: set[str] = set()
        for chunk in chunks:
            body = self.data.read_sealed(f"{chunk_key(prefix, chunk.part)}.stats.json", chunk.statistics_sha256)
            groups.update(decode_statistics(body).groups)
        return len(groups)

    def _settle(self, payload: dict[str, Any], sealed: Sealed, groups: int) -> None:
        """Write the verdict; the job ends with it when it passed (a failed one ends in RecordFailure)."""

        def judged(revision: Revision) -> Revision:
            return revision.model_copy(
                update={
                    "validation_status": ValidationStatus.PASSED if sealed.passed else ValidationStatus.FAILED,
                    "content_hash": sealed.content_hash,
                    "rows": sealed.rows,
                    "groups": groups,
                    "fault_count": sealed.fault_count,
                    "faults": tuple(LineFault(**msgspec.structs.asdict(fault)) for fault in sealed.faults),
                }
            )

        def finish(tx: Transaction) -> None:
            if sealed.passed:
                self.jobs.put_ended(tx, payload["job_id"], JobStatus.READY, self.clock(), None)
            tx.commit()

        while_stale(lambda: self._judge(payload, judged, finish))

    def _judge(
        self,
        subject: Mapping[str, str],
        judged: Callable[[Revision], Revision],
        finish: Callable[[Transaction], object],
    ) -> None:
        """Write the revision as judged and what its pack remembers of it; `finish` adds the job's end and commits."""
        place, revision_id = Workspace(*subject["workspace"].split("/")), subject["revision_id"]
        pack, version, revisions = self.store.get_with_revisions(place, subject["label_pack_id"])
        replaced = [judged(known) if known.revision_id == revision_id else known for known in revisions]
        tx = Transaction()
        self.store.put_pack(tx, with_revisions(pack, replaced, self.clock()), version)
        self.store.put_revision(tx, next(known for known in replaced if known.revision_id == revision_id))
        finish(tx)

    def end(self, job: Job, commit: Callable[[Transaction], object]) -> None:
        """End a job that failed or was cancelled; a revision that was not judged yet has failed with it."""

        def judged(revision: Revision) -> Revision:
            if revision.validation_status is not ValidationStatus.PENDING or job.error is None:
                return revision
            fault = LineFault(line=0, pointer="", rule=job.error.code, detail=job.error.detail)
            return revision.model_copy(
                update={"validation_status": ValidationStatus.FAILED, "faults": (fault,), "fault_count": 1}
            )

        def finish(tx: Transaction) -> None:
            self.jobs.put_ended(tx, job.job_id, job.status, job.ended_at or self.clock(), job.error)
            commit(tx)

        while_stale(lambda: self._judge(job.execution_input, judged, finish))
