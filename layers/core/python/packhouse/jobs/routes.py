"""`/api/v1/jobs`."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from packhouse.access.model import Action
from packhouse.api.app import answer
from packhouse.api.principal import workspace_of
from packhouse.aws.executions import console_url
from packhouse.jobs.model import JobKind
from packhouse.jobs.store import JobStore


def register(app: APIGatewayRestResolver, jobs: JobStore, machines: dict[JobKind, str]) -> None:
    """Add the routes to a resolver; `machines` are the ARNs by kind."""

    @app.get("/api/v1/jobs/<job_id>")
    def get_job(job_id: str) -> Response[str]:
        _, workspace = workspace_of(app.current_event, Action.READ)
        job = jobs.get(workspace, job_id)
        return answer(200, job.shown() | {"execution_url": console_url(machines[job.kind], job_id)})
