"""`/api/v1/rollouts` and `/api/v1/rollout-imports`."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from packhouse.access.model import Action
from packhouse.api.app import accepted, answer, page, spliced
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Sha256
from packhouse.api.paging import Cursors, NoQuery, Section
from packhouse.jobs.model import Job
from packhouse.pipeline.ingest import UPLOAD_BYTES
from packhouse.rollouts.model import InlineImport, RolloutImport, RolloutRow
from packhouse.rollouts.service import Rollouts, rows_of_body
from packhouse.uploads.model import ValidationStatus

INLINE_ROLLOUTS = 500
_ROLLOUTS = "/api/v1/rollouts"
_IMPORTS = "/api/v1/rollout-imports"
_IMPORT = f"{_IMPORTS}/{{import_id}}"


class RolloutsRequest(RequestBody):
    """Rollouts, each as it would stand in a line of an upload."""

    rollouts: list[dict[str, Any]] = Field(min_length=1, max_length=INLINE_ROLLOUTS)


class ImportRequest(RequestBody):
    """A new import, optionally announcing its bytes."""

    content_length: int | None = Field(default=None, ge=1, le=UPLOAD_BYTES)
    sha256: Sha256 | None = None


class RolloutFilters(Section):
    """Which rollouts are listed; `rollout_id` is the sender's own name of one."""

    rollout_id: str | None = None
    scenario_id: str | None = None
    agent_template_id: str | None = None
    status: str | None = None


class ImportFilters(Section):
    """Which imports are listed."""

    validation_status: ValidationStatus | None = None


def register(api: Endpoints, rollouts: Rollouts, cursors: Cursors) -> None:
    """Declare the endpoints."""

    def added(_: Call[RolloutsRequest], imported: InlineImport) -> Response[str]:
        return answer(201, imported, {"Location": f"{_IMPORTS}/{imported.import_id}"})

    @api.post(_ROLLOUTS, Action.WRITE, status=201, show=added, refusals=("PROJECT_NOT_FOUND", "IMPORT_CONFLICT"))
    def create_rollouts(call: Call[RolloutsRequest]) -> InlineImport:
        """Send up to 500 rollouts; all of them are taken in, or none. `ids` are theirs, in their order."""
        return rollouts.add(call.workspace, rows_of_body(call.wanted.rollouts), call.caller, call.once)

    @api.get(_ROLLOUTS, Action.READ, result=Listed(RolloutRow), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_rollouts(call: Call[RolloutFilters]) -> dict[str, Any]:
        """List the rollouts of the project in the order in which they came.

        With filters a page may be short, or empty, and still have a `next_cursor`.
        """
        items, cursor = cursors.turn(
            call.wanted,
            ("rollouts", str(call.workspace)),
            lambda filters, after: rollouts.list_rollouts(call.workspace, filters, call.wanted.limit, after),
        )
        return page(items, cursor)

    @api.get(f"{_ROLLOUTS}/{{rollout}}", Action.READ, refusals=("ROLLOUT_NOT_FOUND",))
    def get_rollout(call: Call[NoQuery]) -> Response[str]:
        """Get a rollout by its `id`: its events as they were sent, in canonical form."""
        address, line = rollouts.get_rollout(call.workspace, call.path["rollout"])
        return answer(200, f'{{"id":"{address.id}","import_id":"{address.import_id}","rollout":{line.decode()}}}')

    def uploadable(_: Call[ImportRequest], imported: RolloutImport) -> Response[str]:
        shown = imported.model_dump(mode="json") | {"upload": rollouts.presign_upload(imported)}
        return answer(201, shown, {"Location": f"{_IMPORTS}/{imported.import_id}"})

    @api.post(_IMPORTS, Action.WRITE, status=201, show=uploadable, refusals=("PROJECT_NOT_FOUND", "IMPORT_CONFLICT"))
    def create_rollout_import(call: Call[ImportRequest]) -> RolloutImport:
        """Create an import of rollouts, NDJSON that is sent to the presigned URL in the answer.

        Plain or as gzip (any number of members), which is known by its first two bytes: send both under the content
        type in the answer. `content_length` and `sha256` are of the bytes as they are sent. Plain or unpacked, they may
        be 5 GiB.
        """
        wanted = call.wanted
        return rollouts.create_import(call.workspace, wanted.content_length, wanted.sha256, call.caller, call.once)

    @api.get(_IMPORTS, Action.READ, result=Listed(RolloutImport), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_rollout_imports(call: Call[ImportFilters]) -> Response[str]:
        """List the imports of the project, oldest first; rollouts that were sent inline are one of their own."""
        bodies, cursor = cursors.turn(
            call.wanted,
            ("rollout-imports", str(call.workspace)),
            lambda filters, after: rollouts.list_imports(call.workspace, filters, call.wanted.limit, after),
        )
        return spliced(bodies, cursor)

    @api.get(_IMPORT, Action.READ, refusals=("IMPORT_NOT_FOUND",))
    def get_rollout_import(call: Call[NoQuery]) -> RolloutImport:
        """Get an import: whether its rollouts have passed, what is in them, or the first hundred faults by line."""
        return rollouts.get_import(call.workspace, call.path["import_id"])

    def started(_: Call[NoBody], job: Job) -> Response[str]:
        shown = {"job_id": job.job_id, "job_status": job.status, "import_id": job.import_id}
        return accepted(shown, job.job_id)

    @api.post(
        f"{_IMPORT}/submit",
        Action.WRITE,
        status=202,
        show=started,
        refusals=("IMPORT_NOT_FOUND", "IMPORT_ALREADY_SUBMITTED", "UPLOAD_MISSING", "UPLOAD_MISMATCH"),
    )
    def submit_rollout_import(call: Call[NoBody]) -> Job:
        """Submit an import: its bytes are taken in by a job."""
        return rollouts.submit(call.workspace, call.path["import_id"], call.caller, call.once)
