"""Jobs in the `builds` table.

JOB#<job id> / META   the job; its moving parts are attributes, its fixed facts the body
                      (index `by_workspace`: all jobs of a project, under `JOB#<workspace>`;
                      index `open_jobs`: what the sweeper looks after, oldest first)

`open` is `yes` while the job has not ended, and `stopping` from when it is cancelled until its execution was stopped.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import UpdateError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Place, Transaction, bind, filtered, is_refused, section, text, update_alone
from packhouse.errors import ConflictError, NotFoundError
from packhouse.jobs.model import Job, JobError, JobStatus

_OPEN, _STOPPING = "yes", "stopping"
_ATTRIBUTES = {"status", "step", "done", "total", "error", "ended_at"}


class _OpenJobs(GlobalSecondaryIndex["_JobItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "open_jobs"
        projection = AllProjection()

    open = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _ByWorkspace(GlobalSecondaryIndex["_JobItem"]):  # type: ignore[no-untyped-call]  # pynamodb
    class Meta:
        index_name = "by_workspace"
        projection = IncludeProjection(["body", "ended_at", "kind", "status", "step", "done", "total", "error"])

    listed_in = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class _JobItem(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    open = UnicodeAttribute(null=True)
    listed_in = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    step = UnicodeAttribute(null=True)
    done = NumberAttribute(null=True)
    total = NumberAttribute(null=True)
    error = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    body = UnicodeAttribute()
    open_jobs = _OpenJobs()
    by_workspace = _ByWorkspace()


def _listed_in(workspace: str) -> str:
    return f"JOB#{workspace}"


class JobStore:
    """Jobs, and the only ways their status moves."""

    def __init__(self, table: str) -> None:
        bind(_JobItem, table)

    def put_new(self, tx: Transaction, job: Job) -> None:
        """Add the write of a queued job."""
        item = _JobItem(f"JOB#{job.job_id}", "META", open=_OPEN, created_at=job.created_at, status=job.status.value)
        item.done = item.total = 0
        item.listed_in, item.kind = _listed_in(job.workspace), job.kind.value
        item.body = job.model_dump_json(exclude=_ATTRIBUTES)
        tx.put(item, _JobItem.pk.does_not_exist(), ConflictError("BUILD_CONFLICT", "The job id is taken."))

    def get(self, workspace: Workspace, job_id: str) -> Job:
        """Return a job of the project; one read."""
        try:
            job = self.get_any(job_id)
        except NotFoundError:
            job = None
        if job is None or job.workspace != str(workspace):
            raise NotFoundError("JOB_NOT_FOUND", f"There is no job {job_id} in {workspace}.")
        return job

    def get_any(self, job_id: str) -> Job:
        """Return a job of whatever project, for the tasks; one read."""
        try:
            return _job(_JobItem.get(f"JOB#{job_id}", "META", consistent_read=True))
        except _JobItem.DoesNotExist:
            raise NotFoundError("JOB_NOT_FOUND", f"There is no job {job_id}.") from None

    def list_jobs(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[Job], Place | None]:
        """Return a page of a project's jobs, newest first, and where the next page begins; one query a megabyte.

        `filters` are of `kind` and `status`. As an index sees them: a job just made may be missing for a moment.
        """
        rows = _JobItem.by_workspace.query(
            _listed_in(str(workspace)),
            filter_condition=filtered(_JobItem, filters),
            limit=None if filters else limit + 1,
            last_evaluated_key=after,
            scan_index_forward=False,
        )
        items, rest = section(rows, limit)
        return [_job(_JobItem.from_raw_data(item)) for item in items], rest

    def iter_open(self) -> Iterator[Job]:
        """Yield the jobs that have not ended, oldest first, as an index sees them (a moment late)."""
        for item in _JobItem.open_jobs.query(_OPEN):
            yield _job(item)

    def iter_stopping(self) -> Iterator[Job]:
        """Yield the cancelled jobs whose executions may still run, oldest first, as an index sees them."""
        for item in _JobItem.open_jobs.query(_STOPPING):
            yield _job(item)

    def enter_step(self, job_id: str, step: str, total: int) -> None:
        """Say which step runs now and of how many units; `ConflictError` when the job has ended."""
        item = _JobItem(f"JOB#{job_id}", "META")
        running = _JobItem.status.set(JobStatus.RUNNING.value)
        actions: list[Any] = [running, _JobItem.step.set(step), _JobItem.done.set(0), _JobItem.total.set(total)]
        try:
            update_alone(item, actions, _JobItem.open == _OPEN)
        except UpdateError as error:
            if is_refused(error):
                raise ConflictError("JOB_ENDED", f"The job {job_id} has ended.") from error
            raise

    def begin_step(self, job_id: str, step: str, total: int) -> None:
        """Enter a step unless the job is in it: the first unit of a map does, for all."""
        actions: list[Any] = [_JobItem.step.set(step), _JobItem.done.set(0), _JobItem.total.set(total)]
        try:
            update_alone(_JobItem(f"JOB#{job_id}", "META"), actions, (_JobItem.open == _OPEN) & (_JobItem.step != step))
        except UpdateError as error:
            if not is_refused(error):
                raise

    def count_unit(self, job_id: str, step: str) -> None:
        """Count one more finished unit of the step. Progress only: a repeat after a lost answer may count twice."""
        try:
            update_alone(
                _JobItem(f"JOB#{job_id}", "META"),
                [_JobItem.done.add(1)],
                (_JobItem.open == _OPEN) & (_JobItem.step == step) & (_JobItem.done < _JobItem.total),
            )
        except UpdateError as error:
            if not is_refused(error):
                raise

    def put_ended(self, tx: Transaction, job_id: str, status: JobStatus, moment: str, error: JobError | None) -> None:
        """Add the end of a job. A job ends once: a late or repeated end is refused."""
        cancelled = status is JobStatus.CANCELLED
        actions: list[Any] = [
            _JobItem.status.set(status.value),
            _JobItem.ended_at.set(moment),
            _JobItem.open.set(_STOPPING) if cancelled else _JobItem.open.remove(),
            *([_JobItem.error.set(error.model_dump_json())] if error else [_JobItem.done.set(_JobItem.total)]),
        ]

        def ended(found: dict[str, Any]) -> ConflictError | None:
            if (text(found, "status"), text(found, "ended_at")) == (status.value, moment):
                return None
            return ConflictError("JOB_ENDED", f"The job {job_id} ended as {text(found, 'status')}.")

        tx.update(_JobItem(f"JOB#{job_id}", "META"), actions, _JobItem.open == _OPEN, ended)

    def note_stopped(self, job_id: str) -> None:
        """Say that the execution of a cancelled job runs no more."""
        try:
            update_alone(_JobItem(f"JOB#{job_id}", "META"), [_JobItem.open.remove()], _JobItem.open == _STOPPING)
        except UpdateError as error:
            if not is_refused(error):
                raise


def _job(item: _JobItem) -> Job:
    fixed = Job.model_validate_json(item.body)
    return fixed.model_copy(
        update={
            "status": JobStatus(item.status),
            "step": item.step,
            "done": int(item.done or 0),
            "total": int(item.total or 0),
            "error": JobError.model_validate_json(item.error) if item.error else None,
            "ended_at": item.ended_at,
        }
    )
