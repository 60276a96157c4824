"""The tasks of `label_ingest`: OpenUpload → IngestParts → SealRevision. Reads and writes around `pipeline.ingest`."""

import json
from collections.abc import Callable, Iterator, Mapping
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
from packhouse.labels.model import LabelFault, Revision, ValidationStatus
from packhouse.labels.rules import with_revisions
from packhouse.labels.store import LabelStore
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.ingest import (
    UPLOAD_BYTES,
    Chunk,
    Part,
    SealedRevision,
    cut_parts,
    ingest_part,
    iter_keys,
    iter_owned_lines,
    seal_revision,
)
from packhouse.pipeline.statistics import decode_statistics
from packhouse.settings import IngestSettings

_JSON = "application/json"
_NDJSON = "application/x-ndjson"
_BINARY = "application/octet-stream"


@dataclass(frozen=True)
class Ingest:
    """The tasks; each takes the execution's payload and returns what the next state needs."""

    store: LabelStore
    jobs: JobStore
    data: Objects
    uploads: Objects
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: IngestSettings) -> Self:
        """Wire the tasks to their tables and buckets."""
        return cls(
            LabelStore(settings.labels_table),
            JobStore(settings.builds_table),
            Objects(settings.data_bucket),
            Objects(settings.uploads_bucket),
        )

    def open_upload(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Cut the upload into parts and write them as the units of the map."""
        self.jobs.enter_step(payload["job_id"], "OpenUpload", 1)
        upload = self.uploads.find_facts(payload["upload_key"])
        if upload is None:
            raise UnitFailedError("UPLOAD_MISSING", "The upload is not there.")
        if upload.bytes > UPLOAD_BYTES:
            raise UnitFailedError("UPLOAD_MISMATCH", f"An upload may have {UPLOAD_BYTES} bytes, not {upload.bytes}.")
        parts = cut_parts(upload.bytes)
        units = [{"unit": part.part, "start": part.start, "end": part.end, "etag": upload.etag} for part in parts]
        key = f"{payload['prefix']}ingest/units.json"
        self.data.write_once(key, json.dumps(units).encode(), _JSON)
        self.jobs.enter_step(payload["job_id"], "IngestParts", len(units))
        return {"units_key": key, "units": len(units)}

    def ingest_part(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Turn one part into a canonical chunk with its statistics and sample keys."""
        part = Part(payload["unit"], payload["start"], payload["end"])
        blocks = self.uploads.stream(payload["upload_key"], max(part.start - 1, 0), payload["etag"])
        ingested = ingest_part(part, iter_owned_lines(blocks, part), CAPABILITIES[payload["capability"]])
        chunk = chunk_key(payload["prefix"], part.part)
        self.data.write_once(f"{chunk}.ndjson", ingested.rows, _NDJSON)
        self.data.write_once(f"{chunk}.stats.json", ingested.statistics, _JSON)
        self.data.write_once(f"{chunk}.keys", ingested.keys, _BINARY)
        if self.data.write_once(_result_key(payload["prefix"], part.part), msgspec.json.encode(ingested.chunk), _JSON):
            self.jobs.count_unit(payload["job_id"], "IngestParts")
        return {"unit": part.part, "rows": ingested.chunk.rows, "faults": ingested.chunk.fault_count}

    def seal_revision(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Settle the revision: passed with its content hash, or failed with its faults by line.

        Run again after it has taken effect, it finds the revision passed and says the same.
        """
        place = Workspace(*payload["workspace"].split("/"))
        revision = self.store.get_revision(place, payload["label_pack_id"], payload["revision_id"])
        if revision.validation_status is ValidationStatus.PASSED:
            return {"rows": revision.rows, "content_hash": revision.content_hash}
        self.jobs.enter_step(payload["job_id"], "SealRevision", 1)
        chunks = [
            msgspec.json.decode(self.data.read(_result_key(payload["prefix"], unit)), type=Chunk)
            for unit in range(payload["upload"]["units"])
        ]
        keys = [self._iter_keys(payload["prefix"], chunk) for chunk in chunks]
        sealed = seal_revision(chunks, list(keys), CAPABILITIES[payload["capability"]])
        if sealed.passed:
            self.data.write_once(f"{payload['prefix']}revision.json", sealed.document, _JSON)
        self._settle(payload, sealed, self._count_groups(payload["prefix"], chunks))
        if not sealed.passed:
            raise UnitFailedError("LABEL_ROWS_INVALID", _sentence(sealed))
        return {"rows": sealed.rows, "content_hash": sealed.content_hash}

    def _iter_keys(self, prefix: str, chunk: Chunk) -> Iterator[bytes]:
        return iter_keys(self.data.read_sealed(f"{chunk_key(prefix, chunk.part)}.keys", chunk.keys_sha256))

    def _count_groups(self, prefix: str, chunks: list[Chunk]) -> int:
        groups: set[str] = set()
        for chunk in chunks:
            body = self.data.read_sealed(f"{chunk_key(prefix, chunk.part)}.stats.json", chunk.statistics_sha256)
            groups.update(decode_statistics(body).groups)
        return len(groups)

    def _settle(self, payload: dict[str, Any], sealed: SealedRevision, groups: int) -> None:
        """Write the verdict; the job ends with it when it passed (a failed one ends in RecordFailure)."""

        def judged(revision: Revision) -> Revision:
            return revision.model_copy(
                update={
                    "validation_status": ValidationStatus.PASSED if sealed.passed else ValidationStatus.FAILED,
                    "content_hash": sealed.content_hash,
                    "rows": sealed.rows,
                    "groups": groups,
                    "fault_count": sealed.fault_count,
                    "faults": tuple(LabelFault(**msgspec.structs.asdict(fault)) for fault in sealed.faults),
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
            fault = LabelFault(line=0, pointer="", rule=job.error.code, detail=job.error.detail)
            return revision.model_copy(
                update={"validation_status": ValidationStatus.FAILED, "faults": (fault,), "fault_count": 1}
            )

        def finish(tx: Transaction) -> None:
            self.jobs.put_ended(tx, job.job_id, job.status, job.ended_at or self.clock(), job.error)
            commit(tx)

        while_stale(lambda: self._judge(job.execution_input, judged, finish))


def chunk_key(prefix: str, part: int) -> str:
    """Return a chunk's key without its ending.

    >>> chunk_key("projects/p/label-packs/l/r/", 3)
    'projects/p/label-packs/l/r/chunks/00003'
    """
    return f"{prefix}chunks/{part:05d}"


def _result_key(prefix: str, part: int) -> str:
    return f"{prefix}ingest/{part:05d}.json"


def _sentence(sealed: SealedRevision) -> str:
    first = sealed.faults[0]
    where = f"line {first.line}{' at ' + first.pointer if first.pointer else ''}"
    lines = "1 faulty line" if sealed.fault_count == 1 else f"{sealed.fault_count} faulty lines, the first"
    return f"{lines}: {where}: {first.detail} ({first.rule})."
