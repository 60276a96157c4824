"""How jobs end that did not end themselves: by RecordFailure inside the machine, or by the sweeper from outside.

It stands above the contexts: it knows every kind of job and who ends it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aws_lambda_powertools import Logger

from packhouse.aws import executions
from packhouse.aws.clock import Clock, later, now
from packhouse.aws.executions import ExecutionFacts
from packhouse.aws.objects import Objects
from packhouse.builds.steps import BuildSteps
from packhouse.errors import ConflictError
from packhouse.jobs.model import Job, JobError, JobKind
from packhouse.jobs.store import JobStore
from packhouse.labels.ingest import Ingest
from packhouse.settings import SettleSettings
from packhouse.task import count_unforeseen, find_note, machine_error

logger = Logger(service="sweep", child=True)

START_SECONDS = 30
"""A committed job whose execution is not there after this long is started by the sweeper."""

Fail = Callable[[Job, JobError], None]
"""Ends a job of one kind and what it was for, in one transaction; `ConflictError` when it has ended already."""

_ENDS = {
    "ABORTED": ("EXECUTION_ABORTED", "The execution was stopped from outside."),
    "TIMED_OUT": ("EXECUTION_TIMED_OUT", "The execution ran into its time limit."),
}


@dataclass(frozen=True)
class Settle:
    """Ends jobs as failed with the code of what went wrong."""

    jobs: JobStore
    notes: Objects
    fails: Mapping[JobKind, Fail]
    machines: Mapping[JobKind, str]
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: SettleSettings) -> Self:
        """Wire every kind of job to what ends it."""
        ingest, steps = Ingest.from_settings(settings), BuildSteps.from_settings(settings)
        return cls(
            jobs=steps.jobs,
            notes=steps.data,
            fails={JobKind.LABEL_INGEST: ingest.fail, JobKind.DATASET_BUILD: steps.fail},
            machines={
                JobKind.LABEL_INGEST: settings.label_ingest_arn,
                JobKind.DATASET_BUILD: settings.dataset_build_arn,
            },
        )

    def record_failure(self, payload: dict[str, Any]) -> dict[str, Any]:
        """End the job of a failed execution with the first noted failure, the shut gate's or the machine's error."""
        job = self.jobs.get_any(payload["job_id"])
        if payload.get("quality", {}).get("gate") == "shut":
            error = JobError(code="DATASET_QUALITY_HARD_FAIL", detail="The quality policy found a hard failure.")
        else:
            noted = find_note(self.notes, payload["prefix"])
            if noted is None:  # a crash, a time limit, a service that stayed away: nobody but the machine saw it
                count_unforeseen()
            error = noted or machine_error(payload.get("failure", {}))
        self._end(job, error)
        return {"code": error.code}

    def sweep(self) -> dict[str, int]:
        """Start what was committed and not started; end what its execution left open."""
        counts = {"open": 0, "started": 0, "ended": 0}
        for job in self.jobs.iter_open():
            counts["open"] += 1
            found = executions.find(self.machines[job.kind], job.job_id)
            if found is None:
                if later(job.created_at, START_SECONDS) <= self.clock():
                    executions.start(self.machines[job.kind], job.job_id, job.execution_input | {"job_id": job.job_id})
                    counts["started"] += 1
            elif found.status != "RUNNING":
                counts["ended"] += self._end(job, self._error_of(job, found))
        logger.info("swept", extra=counts)
        return counts

    def _error_of(self, job: Job, found: ExecutionFacts) -> JobError:
        noted = find_note(self.notes, job.execution_input["prefix"])
        code, detail = _ENDS.get(found.status, ("EXECUTION_FAILED", "The execution ended without settling the job."))
        return noted or JobError(code=code, detail=detail)

    def _end(self, job: Job, error: JobError) -> bool:
        try:
            self.fails[job.kind](job, error)
        except ConflictError:
            logger.info("the job had ended already", extra={"job_id": job.job_id})
            return False
        return True
