"""`/api/v1/jobs`."""

from typing import Any

from packhouse.access.model import Action
from packhouse.api.endpoints import Call, Endpoints
from packhouse.api.paging import NoQuery
from packhouse.aws.executions import console_url
from packhouse.jobs.model import JobKind
from packhouse.jobs.store import JobStore


def register(api: Endpoints, jobs: JobStore, machines: dict[JobKind, str]) -> None:
    """Declare the endpoints; `machines` are the ARNs by kind."""

    @api.get("/api/v1/jobs/{job_id}", Action.READ, refusals=("JOB_NOT_FOUND",))
    def get_job(call: Call[NoQuery]) -> dict[str, Any]:
        """Get a job: how far it is, and how it ended."""
        job = jobs.get(call.workspace, call.path["job_id"])
        return job.shown() | {"execution_url": console_url(machines[job.kind], job.job_id)}
