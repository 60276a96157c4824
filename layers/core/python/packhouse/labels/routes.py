"""`/api/v1/label-packs` and `/api/v1/label-review-series`."""

from typing import Any, Literal

from aws_lambda_powertools.event_handler import Response
from pydantic import Field, model_validator

from packhouse.access.model import Action
from packhouse.api.app import accepted, answer, page, spliced
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Name, Prose, Sha256
from packhouse.api.paging import Cursors, NoQuery, Section
from packhouse.jobs.model import Job
from packhouse.labels.model import (
    Eligibility,
    LabelPack,
    ReviewDecision,
    ReviewStatus,
    Revision,
    Series,
    SeriesPage,
)
from packhouse.labels.service import Labels, rows_as_ndjson
from packhouse.pipeline.capabilities import CapabilityName
from packhouse.pipeline.ingest import UPLOAD_BYTES

INLINE_ROWS = 1_000
_PATH = "/api/v1/label-packs"
_PACK = f"{_PATH}/{{label_pack_id}}"
_REVISION = f"{_PACK}/revisions/{{revision_id}}"
_SERIES = "/api/v1/label-review-series"
_CHANGED = ("LABEL_PACK_NOT_FOUND", "REVIEW_CONFLICT")


class PackFilters(Section):
    """Which label packs are listed."""

    capability: CapabilityName | None = None
    review_status: ReviewStatus | None = None


class SeriesFilters(PackFilters):
    """Which label review series are listed; `eligibility_status` is that of the newest revision."""

    eligibility_status: Eligibility | None = None


class LabelPackRequest(RequestBody):
    """A new label pack."""

    capability: CapabilityName
    name: Name
    description: Prose | None = None


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


def register(api: Endpoints, labels: Labels, cursors: Cursors) -> None:
    """Declare the endpoints."""

    def created(_: Call[LabelPackRequest], pack: LabelPack) -> Response[str]:
        return answer(201, pack, {"Location": f"{_PATH}/{pack.label_pack_id}"})

    @api.post(_PATH, Action.WRITE, status=201, show=created, refusals=("PROJECT_NOT_FOUND",))
    def create_label_pack(call: Call[LabelPackRequest]) -> LabelPack:
        """Create an empty label pack."""
        wanted = call.wanted
        return labels.create_pack(
            call.workspace, wanted.capability, wanted.name, wanted.description, call.caller, call.once
        )

    @api.get(_PATH, Action.READ, result=Listed(LabelPack), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_label_packs(call: Call[PackFilters]) -> Response[str]:
        """List the label packs of the project, oldest first."""
        bodies, cursor = cursors.turn(
            call.wanted,
            ("label-packs", str(call.workspace)),
            lambda filters, after: labels.list_packs(call.workspace, filters, call.wanted.limit, after),
        )
        return spliced(bodies, cursor)

    @api.get(_PACK, Action.READ, refusals=("LABEL_PACK_NOT_FOUND",))
    def get_label_pack(call: Call[NoQuery]) -> LabelPack:
        """Get a label pack."""
        return labels.store.get_pack(call.workspace, call.path["label_pack_id"])[0]

    def uploadable(call: Call[RevisionRequest], revision: Revision) -> Response[str]:
        shown = revision.model_dump(mode="json")
        if call.wanted.rows is None:
            shown["upload"] = labels.presign_upload(revision)
        return answer(201, shown)

    @api.post(f"{_PACK}/revisions", Action.WRITE, status=201, show=uploadable, refusals=_CHANGED)
    def create_revision(call: Call[RevisionRequest]) -> Revision:
        """Create a revision, of rows in the request or of bytes that are sent to the presigned URL in the answer.

        The bytes are NDJSON, plain or as gzip (any number of members), which is known by its first two bytes: send both
        under the content type in the answer. `content_length` and `sha256` are of the bytes as they are sent. Plain or
        unpacked, they may be 5 GiB.
        """
        wanted = call.wanted
        rows = None if wanted.rows is None else rows_as_ndjson(wanted.rows)
        return labels.create_revision(
            call.workspace,
            call.path["label_pack_id"],
            wanted.content_length if rows is None else len(rows),
            wanted.sha256,
            rows,
            call.caller,
            call.once,
        )

    @api.get(
        f"{_PACK}/revisions",
        Action.READ,
        result=Listed(Revision),
        refusals=("INVALID_CURSOR", "LABEL_PACK_NOT_FOUND"),
    )
    def list_revisions(call: Call[Section]) -> Response[str]:
        """List the revisions of a label pack, newest first."""
        label_pack_id, limit = call.path["label_pack_id"], call.wanted.limit
        bodies, cursor = cursors.turn(
            call.wanted,
            ("revisions", str(call.workspace), label_pack_id),
            lambda _, after: labels.store.list_revision_bodies(call.workspace, label_pack_id, limit, after),
        )
        return spliced(bodies, cursor)

    @api.get(_REVISION, Action.READ, refusals=("REVISION_NOT_FOUND",))
    def get_revision(call: Call[NoQuery]) -> Revision:
        """Get a revision."""
        return labels.store.get_revision(call.workspace, call.path["label_pack_id"], call.path["revision_id"])

    def started(_: Call[NoBody], job: Job) -> Response[str]:
        shown = {"job_id": job.job_id, "job_status": job.status, "revision_id": job.revision_id}
        return accepted(shown, job.job_id)

    @api.post(
        f"{_REVISION}/submit",
        Action.WRITE,
        status=202,
        show=started,
        refusals=(*_CHANGED, "REVISION_NOT_FOUND", "REVISION_ALREADY_SUBMITTED", "UPLOAD_MISSING", "UPLOAD_MISMATCH"),
    )
    def submit_revision(call: Call[NoBody]) -> Job:
        """Submit a revision: its bytes are validated by a job."""
        path = call.path
        return labels.submit(call.workspace, path["label_pack_id"], path["revision_id"], call.caller, call.once)

    @api.post(f"{_PACK}/review", Action.WRITE, refusals=_CHANGED)
    def review_label_pack(call: Call[ReviewRequest]) -> LabelPack:
        """Approve or reject a label pack, or revoke its approval."""
        wanted = call.wanted
        return labels.review(
            call.workspace, call.path["label_pack_id"], wanted.decision, wanted.note, call.caller, call.once
        )

    @api.post(
        f"{_REVISION}/eligibility",
        Action.WRITE,
        refusals=(*_CHANGED, "REVISION_NOT_FOUND", "ELIGIBILITY_TRANSITION_INVALID"),
    )
    def set_eligibility(call: Call[EligibilityRequest]) -> Revision:
        """Move the eligibility of a revision one step."""
        path, wanted = call.path, call.wanted
        return labels.set_eligibility(
            call.workspace,
            path["label_pack_id"],
            path["revision_id"],
            wanted.status,
            wanted.note,
            call.caller,
            call.once,
        )

    @api.get(_SERIES, Action.READ, result=Listed(Series), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_label_review_series(call: Call[SeriesFilters]) -> dict[str, Any]:
        """List the label review series of the project, oldest first: each pack with where its review stands."""
        items, cursor = cursors.turn(
            call.wanted,
            ("label-review-series", str(call.workspace)),
            lambda filters, after: labels.list_series(call.workspace, filters, call.wanted.limit, after),
        )
        return page(items, cursor)

    @api.get(f"{_SERIES}/{{series_id}}", Action.READ, refusals=("INVALID_CURSOR", "LABEL_PACK_NOT_FOUND"))
    def get_label_review_series(call: Call[Section]) -> SeriesPage:
        """Get a label review series: its revisions with their eligibility, then the decisions over them, newest first.

        `limit` and `cursor` page through both together.
        """
        series_id, bound = call.path["series_id"], ("label-review-series", str(call.workspace), call.path["series_id"])
        after = cursors.open(call.wanted.cursor, *bound)
        series, rest = labels.get_series(call.workspace, series_id, call.wanted.limit, after)
        return series.model_copy(update={"next_cursor": cursors.seal(rest, *bound)})
