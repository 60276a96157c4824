"""`/api/v1/jobs`."""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response

from packhouse.access.model import Action, Principal, Workspace
from packhouse.api.app import answer
from packhouse.api.bodies import NoBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.paging import Cursors, NoQuery, Section
from packhouse.aws.executions import console_url
from packhouse.aws.once import Once
from packhouse.jobs.model import Job, JobKind, JobStatus
from packhouse.jobs.service import Jobs

_PATH = "/api/v1/jobs"
_JOB = f"{_PATH}/{{job_id}}"
Cancel = Callable[[Workspace, str, Principal, Once], Job]
"""Ends a job of the project and what it was for, and stops its execution."""


class JobFilters(Section):
    """Which jobs are listed."""

    kind: JobKind | None = None
    status: JobStatus | None = None


def register(api: Endpoints, jobs: Jobs, machines: Mapping[JobKind, str], cancel: Cancel, cursors: Cursors) -> None:
    """Declare the endpoints; `machines` are the ARNs by kind."""

    def shown(job: Job) -> dict[str, Any]:
        return job.shown() | {"execution_url": console_url(machines[job.kind], job.job_id)}

    @api.get(_PATH, Action.READ, result=Listed(Job), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_jobs(call: Call[JobFilters]) -> dict[str, Any]:
        """List the jobs of the project, newest first."""
        items, cursor = cursors.turn(
            call.wanted,
            ("jobs", str(call.workspace)),
            lambda filters, after: jobs.list_jobs(call.workspace, filters, call.wanted.limit, after),
        )
        return {"items": [shown(job) for job in items], "next_cursor": cursor}

    @api.get(_JOB, Action.READ, refusals=("JOB_NOT_FOUND",))
    def get_job(call: Call[NoQuery]) -> dict[str, Any]:
        """Get a job: how far it is, and how it ended."""
        return shown(jobs.store.get(call.workspace, call.path["job_id"]))

    def cancelled(_: Call[NoBody], job: Job) -> Response[str]:
        return answer(200, shown(job))

    @api.post(f"{_JOB}/cancel", Action.WRITE, show=cancelled, refusals=("JOB_NOT_FOUND", "JOB_ENDED"))
    def cancel_job(call: Call[NoBody]) -> Job:
        """Cancel a job that has not ended: nothing of it is published, and its execution is stopped."""
        return cancel(call.workspace, call.path["job_id"], call.caller, call.once)
