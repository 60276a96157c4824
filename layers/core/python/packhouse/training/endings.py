"""How jobs of training datasets end that do not end themselves, and how one goes on that nobody told to."""

from collections.abc import Callable
from dataclasses import dataclass

from packhouse.access.model import Workspace
from packhouse.aws import executions
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Transaction
from packhouse.jobs.model import Job, JobError
from packhouse.jobs.store import JobStore
from packhouse.training.model import TrainingStatus
from packhouse.training.store import TrainingStore


@dataclass(frozen=True)
class TrainingEndings:
    """Ends a job together with its training dataset."""

    store: TrainingStore
    jobs: JobStore
    clock: Clock = now

    def end(self, job: Job, commit: Callable[[Transaction], object]) -> None:
        """End a job that failed or was cancelled, and its training dataset."""
        moment = job.ended_at or self.clock()
        error = job.error or JobError(code="TASK_FAILED", detail="It ended without a word.")
        tx = Transaction()
        self.jobs.put_ended(tx, job.job_id, job.status, moment, job.error)
        ended = TrainingStatus(job.status.value)
        self.store.put_unready(tx, job.training_dataset_id or "", ended, error.code, error.detail, moment)
        commit(tx)

    def resume(self, job: Job) -> bool:
        """Let the machine of a job go on that was confirmed and not told; return whether there was one."""
        workspace = Workspace(*job.workspace.split("/"))
        dataset, tokens = self.store.get_with_tokens(workspace, job.training_dataset_id or "")
        if dataset.status is not TrainingStatus.PREVIEW or dataset.confirmed_at is None or not tokens:
            return False
        for token in tokens:
            executions.go_on(token)
        return True
