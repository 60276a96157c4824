"""The last task of `rollout_ingest`, SealImport, and how its jobs end; the tasks before it are in `uploads.ingest`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects
from packhouse.catalog.rules import project_id
from packhouse.errors import UnitFailedError
from packhouse.jobs.model import Job, JobStatus
from packhouse.jobs.store import JobStore
from packhouse.pipeline.files import JSON
from packhouse.pipeline.ingest import Chunk, Sealed, seal_import
from packhouse.pipeline.rollouts import decode_statistics, merge_statistics
from packhouse.pipeline.statistics import builtins
from packhouse.rollouts.model import RolloutImport
from packhouse.rollouts.rules import failed
from packhouse.rollouts.store import RolloutStore
from packhouse.settings import TrainingTaskSettings
from packhouse.uploads.ingest import chunk_key, find_fault, read_chunks, sample_keys
from packhouse.uploads.model import LineFault, ValidationStatus


@dataclass(frozen=True)
class ImportSteps:
    """What settles imports."""

    store: RolloutStore
    jobs: JobStore
    data: Objects
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: TrainingTaskSettings) -> Self:
        """Wire it to its tables and bucket."""
        return cls(
            RolloutStore(settings.training_table), JobStore(settings.builds_table), Objects(settings.data_bucket)
        )

    def seal_import(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Settle the import: passed with its content hash, or failed with its faults by line.

        Run again after it has taken effect, it finds the import passed and says the same.
        """
        imported = self._get(payload)
        if imported.validation_status is ValidationStatus.PASSED:
            return {"rollouts": imported.rollouts, "content_hash": imported.content_hash}
        self.jobs.enter_step(payload["job_id"], "SealImport", 1)
        prefix = payload["prefix"]
        chunks = read_chunks(self.data, prefix, payload["upload"]["units"])
        sealed = seal_import(chunks, sample_keys(self.data, prefix, chunks), find_fault(payload["upload"]))
        tx = Transaction()
        if not sealed.passed:
            faults = [LineFault(**msgspec.structs.asdict(fault)) for fault in sealed.faults]
            self.store.put_judged(tx, failed(imported, faults, sealed.fault_count, self.clock()))
            tx.commit()
            raise UnitFailedError("ROLLOUTS_INVALID", sealed.sentence())
        self.data.write_once(f"{prefix}import.json", sealed.document, JSON)
        self._pass(tx, payload, imported, sealed, chunks)
        return {"rollouts": sealed.rows, "content_hash": sealed.content_hash}

    def _pass(
        self, tx: Transaction, payload: dict[str, Any], imported: RolloutImport, sealed: Sealed, chunks: list[Chunk]
    ) -> None:
        """Write that the import has passed; its job ends with it."""
        counted = self.data.iter_sealed(
            (f"{chunk_key(payload['prefix'], chunk.part)}.stats.json", chunk.statistics_sha256) for chunk in chunks
        )
        moment = self.clock()
        passed = imported.model_copy(
            update={
                "validation_status": ValidationStatus.PASSED,
                "content_hash": sealed.content_hash,
                "rollouts": sealed.rows,
                "statistics": builtins(merge_statistics(map(decode_statistics, counted))),
                "sealed_at": moment,
            }
        )
        self.store.put_judged(tx, passed, tuple(chunk.bytes for chunk in chunks))
        self.jobs.put_ended(tx, payload["job_id"], JobStatus.READY, moment, None)
        tx.commit()

    def _get(self, subject: dict[str, Any] | dict[str, str]) -> RolloutImport:
        return self.store.get(project_id(Workspace(*subject["workspace"].split("/"))), subject["import_id"])

    def end(self, job: Job, commit: Callable[[Transaction], object]) -> None:
        """End a job that failed or was cancelled; an import that was not judged yet has failed with it."""
        imported = self._get(job.execution_input)
        moment = job.ended_at or self.clock()
        tx = Transaction()
        if imported.validation_status is ValidationStatus.PENDING and job.error is not None:
            fault = LineFault(line=0, pointer="", rule=job.error.code, detail=job.error.detail)
            self.store.put_judged(tx, failed(imported, [fault], 1, moment))
        self.jobs.put_ended(tx, job.job_id, job.status, moment, job.error)
        commit(tx)
