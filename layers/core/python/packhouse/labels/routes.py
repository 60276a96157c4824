"""`/api/v1/label-packs`."""

from typing import Any, Literal

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from pydantic import Field, field_validator, model_validator

from packhouse.access.model import Action
from packhouse.api.app import accepted, answer, spliced
from packhouse.api.bodies import NoBody, RequestBody, read_body
from packhouse.api.fields import Name, Prose, Sha256
from packhouse.api.paging import Cursors, read_limit
from packhouse.api.principal import workspace_of
from packhouse.labels.model import Eligibility, ReviewDecision
from packhouse.labels.service import Labels, rows_as_ndjson
from packhouse.pipeline.capabilities import CAPABILITIES

INLINE_ROWS = 1_000
UPLOAD_BYTES = 5 * 1024**3


class LabelPackRequest(RequestBody):
    """A new label pack."""

    capability: str
    name: Name
    description: Prose | None = None

    @field_validator("capability")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CAPABILITIES:
            raise ValueError(f"must be one of {', '.join(CAPABILITIES)}")
        return value


class RevisionRequest(RequestBody):
    """A new revision: `upload: presigned`, optionally announcing the bytes, or `rows` inline."""

    upload: Literal["presigned"] | None = None
    content_length: int | None = Field(default=None, ge=1, le=UPLOAD_BYTES)
    sha256: Sha256 | None = None
    rows: list[dict[str, Any]] | None = Field(default=None, min_length=1, max_length=INLINE_ROWS)

    @model_validator(mode="after")
    def _one_way(self) -> "RevisionRequest":
        if (self.upload is None) == (self.rows is None):
            raise ValueError("give either upload or rows")
        if self.rows is not None and (self.content_length or self.sha256):
            raise ValueError("content_length and sha256 go with upload")
        return self


class ReviewRequest(RequestBody):
    """A reviewer's decision over the pack."""

    decision: ReviewDecision
    note: Prose | None = None


class EligibilityRequest(RequestBody):
    """The next eligibility of a revision."""

    status: Eligibility
    note: Prose | None = None


def register(app: APIGatewayRestResolver, labels: Labels, cursors: Cursors) -> None:
    """Add the routes to a resolver."""

    @app.post("/api/v1/label-packs")
    def create_label_pack() -> Response[str]:
        caller, workspace = workspace_of(app.current_event, Action.WRITE)
        wanted = read_body(app.current_event, LabelPackRequest)
        pack = labels.create_pack(workspace, wanted.capability, wanted.name, wanted.description, caller)
        return answer(201, pack, {"Location": f"/api/v1/label-packs/{pack.label_pack_id}"})

    @app.get("/api/v1/label-packs")
    def list_label_packs() -> Response[str]:
        _, workspace = workspace_of(app.current_event, Action.READ)
        bound = ("label-packs", str(workspace))
        after = cursors.open(app.current_event.query_string_parameters.get("cursor"), *bound)
        bodies, rest = labels.list_packs(workspace, read_limit(app.current_event), after)
        return spliced(bodies, cursors.seal(rest, *bound))

    @app.get("/api/v1/label-packs/<label_pack_id>")
    def get_label_pack(label_pack_id: str) -> Response[str]:
        _, workspace = workspace_of(app.current_event, Action.READ)
        return answer(200, labels.store.get_pack(workspace, label_pack_id)[0])

    @app.post("/api/v1/label-packs/<label_pack_id>/revisions")
    def create_revision(label_pack_id: str) -> Response[str]:
        caller, workspace = workspace_of(app.current_event, Action.WRITE)
        wanted = read_body(app.current_event, RevisionRequest)
        body = rows_as_ndjson(wanted.rows) if wanted.rows is not None else None
        length = len(body) if body is not None else wanted.content_length
        revision, pack = labels.create_revision(workspace, label_pack_id, length, wanted.sha256, caller)
        shown = revision.model_dump(mode="json")
        if body is not None:
            labels.upload_rows(pack, revision, body)
        else:
            shown["upload"] = labels.presign_upload(pack, revision)
        return answer(201, shown)

    @app.get("/api/v1/label-packs/<label_pack_id>/revisions")
    def list_revisions(label_pack_id: str) -> Response[str]:
        _, workspace = workspace_of(app.current_event, Action.READ)
        revisions = labels.store.iter_revisions(workspace, label_pack_id)
        return answer(200, {"items": [item.model_dump(mode="json") for item in revisions], "next_cursor": None})

    @app.get("/api/v1/label-packs/<label_pack_id>/revisions/<revision_id>")
    def get_revision(label_pack_id: str, revision_id: str) -> Response[str]:
        _, workspace = workspace_of(app.current_event, Action.READ)
        return answer(200, labels.store.get_revision(workspace, label_pack_id, revision_id))

    @app.post("/api/v1/label-packs/<label_pack_id>/revisions/<revision_id>/submit")
    def submit_revision(label_pack_id: str, revision_id: str) -> Response[str]:
        caller, workspace = workspace_of(app.current_event, Action.WRITE)
        read_body(app.current_event, NoBody)
        job = labels.submit(workspace, label_pack_id, revision_id, caller)
        return accepted({"job_id": job.job_id, "job_status": job.status, "revision_id": revision_id}, job.job_id)

    @app.post("/api/v1/label-packs/<label_pack_id>/review")
    def review_label_pack(label_pack_id: str) -> Response[str]:
        caller, workspace = workspace_of(app.current_event, Action.WRITE)
        wanted = read_body(app.current_event, ReviewRequest)
        return answer(200, labels.review(workspace, label_pack_id, wanted.decision, wanted.note, caller))

    @app.post("/api/v1/label-packs/<label_pack_id>/revisions/<revision_id>/eligibility")
    def set_eligibility(label_pack_id: str, revision_id: str) -> Response[str]:
        caller, workspace = workspace_of(app.current_event, Action.WRITE)
        wanted = read_body(app.current_event, EligibilityRequest)
        revision = labels.set_eligibility(workspace, label_pack_id, revision_id, wanted.status, wanted.note, caller)
        return answer(200, revision)
