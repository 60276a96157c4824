"""How jobs end that do not end themselves: by RecordFailure inside the machine, from outside by the sweeper or people.

It stands above the contexts. Who ends which kind of job it is told; of all kinds, by `kinds`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger

from packhouse.access.model import Principal, Workspace
from packhouse.aws import executions
from packhouse.aws.clock import Clock, later, now
from packhouse.aws.dynamo import Transaction
from packhouse.aws.executions import ExecutionFacts
from packhouse.aws.objects import Objects
from packhouse.aws.once import Once
from packhouse.errors import ConflictError
from packhouse.jobs.model import OPEN, Job, JobError, JobKind, JobStatus
from packhouse.jobs.store import JobStore
from packhouse.task import NOT_CONFIRMED, count_unforeseen, find_note, machine_error

logger = Logger(service="sweep", child=True)

START_SECONDS = 30
"""A committed job whose execution is not there after this long is started by the sweeper."""

End = Callable[[Job, Callable[[Transaction], object]], None]
"""Ends what a job of one kind was for together with the job, which is given as it is to be at its end.

The transaction is handed over to be committed; `ConflictError` when the job has ended already.
"""

_ENDS = {
    "ABORTED": ("EXECUTION_ABORTED", "The execution was stopped from outside."),
    "TIMED_OUT": ("EXECUTION_TIMED_OUT", "The execution ran into its time limit."),
}


@dataclass(frozen=True)
class Settle:
    """Ends jobs as failed with the code of what went wrong, or as cancelled."""

    jobs: JobStore
    notes: Objects
    ends: Mapping[JobKind, End]
    machines: Mapping[JobKind, str]
    resumes: Mapping[JobKind, Callable[[Job], bool]] = field(default_factory=dict)
    clock: Clock = now

    def cancel(self, workspace: Workspace, job_id: str, caller: Principal, once: Once) -> Job:
        """End a job of the project as cancelled, then stop its execution; return the job.

        What was cancelled and not stopped, the sweeper stops. A job that was cancelled before is returned as it is;
        `ConflictError` when it ended otherwise.
        """
        job = self.jobs.get(workspace, job_id)
        if job.status in OPEN:
            error = JobError(code="JOB_CANCELLED", detail=f"Cancelled by {caller.principal_id}.")
            ended = self._ended(job, JobStatus.CANCELLED, error)
            try:
                self.ends[job.kind](ended, lambda tx: once.commit(tx, ended))
            except ConflictError:
                job = self.jobs.get(workspace, job_id)  # it has ended in the meantime, or else it is still to be told
                if job.status in OPEN:
                    raise
            else:
                self._stop(ended)
                return ended
        if job.status is JobStatus.CANCELLED:
            return once.keep(job)
        raise ConflictError("JOB_ENDED", f"The job {job_id} ended as {job.status}.")

    def _ended(self, job: Job, status: JobStatus, error: JobError) -> Job:
        return job.model_copy(update={"status": status, "error": error, "ended_at": self.clock()})

    def _stop(self, job: Job) -> None:
        executions.stop(self.machines[job.kind], job.job_id, "The job was cancelled.")
        self.jobs.note_stopped(job.job_id)

    def record_failure(self, payload: dict[str, Any]) -> dict[str, Any]:
        """End the job of a failed execution with the first noted failure, the shut gate's or the machine's error."""
        job = self.jobs.get_any(payload["job_id"])
        if payload.get("quality", {}).get("gate") == "shut":
            error = JobError(code="DATASET_QUALITY_HARD_FAIL", detail="The quality policy found a hard failure.")
        elif job.step == "AwaitConfirmation" and payload.get("failure", {}).get("Error") == "States.Timeout":
            error = NOT_CONFIRMED
        else:
            noted = find_note(self.notes, payload["prefix"])
            if noted is None:  # a crash, a time limit, a service that stayed away: nobody but the machine saw it
                count_unforeseen()
            error = noted or machine_error(payload.get("failure", {}))
        self._end(job, error)
        return {"code": error.code}

    def sweep(self) -> dict[str, int]:
        """Stop what was cancelled; start, resume or end what is open: what nobody started, told, or settled."""
        counts = {"open": 0, "started": 0, "resumed": 0, "ended": 0, "stopped": 0}
        for job in self.jobs.iter_stopping():
            self._stop(job)
            counts["stopped"] += 1
        for job in self.jobs.iter_open():
            counts["open"] += 1
            found = executions.find(self.machines[job.kind], job.job_id)
            if found is None:
                if later(job.created_at, START_SECONDS) <= self.clock():
                    executions.start(self.machines[job.kind], job.job_id, job.execution_input | {"job_id": job.job_id})
                    counts["started"] += 1
            elif found.status == "RUNNING":
                counts["resumed"] += job.kind in self.resumes and self.resumes[job.kind](job)
            else:
                counts["ended"] += self._end(job, self._error_of(job, found))
        logger.info("swept", extra=counts)
        return counts

    def _error_of(self, job: Job, found: ExecutionFacts) -> JobError:
        noted = find_note(self.notes, job.execution_input["prefix"])
        code, detail = _ENDS.get(found.status, ("EXECUTION_FAILED", "The execution ended without settling the job."))
        return noted or JobError(code=code, detail=detail)

    def _end(self, job: Job, error: JobError) -> bool:
        try:
            self.ends[job.kind](self._ended(job, JobStatus.FAILED, error), Transaction.commit)
        except ConflictError:
            if self.jobs.get_any(job.job_id).status in OPEN:
                raise
            logger.info("the job had ended already", extra={"job_id": job.job_id})
            return False
        return True
