"""How jobs of `dataset_build` end from outside: failed or cancelled."""

from collections.abc import Callable
from dataclasses import dataclass

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Transaction
from packhouse.builds.store import BuildStore, LockTakenOverError
from packhouse.jobs.model import Job
from packhouse.jobs.store import JobStore


@dataclass(frozen=True)
class BuildEndings:
    """What ends the jobs of dataset versions."""

    store: BuildStore
    jobs: JobStore
    clock: Clock = now

    def end(self, job: Job, commit: Callable[[Transaction], object]) -> None:
        """End a job that failed or was cancelled, and its version; the next equivalent request builds anew."""
        version = self.store.get(Workspace(*job.workspace.split("/")), job.dataset_version_id or "")
        moment = job.ended_at or self.clock()

        def ending() -> Transaction:
            tx = Transaction()
            self.jobs.put_ended(tx, job.job_id, job.status, moment, job.error)
            self.store.put_unready(tx, version, job.status, job.error, moment)
            return tx

        tx = ending()
        self.store.free_lock(tx, version)
        try:
            commit(tx)
        except LockTakenOverError:
            commit(ending())
