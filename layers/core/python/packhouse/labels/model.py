"""The words of label packs."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from packhouse.uploads.model import LineFault, ValidationStatus


class ReviewStatus(StrEnum):
    """The lifecycle approval of a whole pack."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"


class ReviewDecision(StrEnum):
    """What a reviewer says of a pack."""

    APPROVE = "approve"
    REJECT = "reject"
    REVOKE = "revoke"


class Eligibility(StrEnum):
    """Whether a revision may go into datasets: `PENDING → REVIEWED → APPROVED → REVOKED → REVIEWED`."""

    PENDING = "PENDING"
    REVIEWED = "REVIEWED"
    APPROVED = "APPROVED"
    REVOKED = "REVOKED"


class RevisionRef(BaseModel):
    """A revision as its pack remembers it: what a build needs to decide and to find its bytes."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    revision_id: str
    revision: int
    validation_status: ValidationStatus
    content_hash: str | None
    rows: int
    groups: int | None = None


class LabelPack(BaseModel):
    """A label pack and what it remembers of its revisions.

    `newest_reviewed` is the newest that is reviewed or approved; `revoked_last`: the newest decision is a revocation;
    `newest_eligibility` is that of the newest revision, `None` before the first.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    label_pack_id: str
    workspace: str
    project_id: str
    capability: str
    name: str
    description: str | None
    review_status: ReviewStatus = ReviewStatus.PENDING
    validation_status: ValidationStatus = ValidationStatus.PENDING
    revisions: int = 0
    newest_approved: RevisionRef | None = None
    newest_reviewed: RevisionRef | None = None
    revoked_last: bool = False
    newest_eligibility: Eligibility | None = None
    created_at: str
    created_by: str
    updated_at: str


class Revision(BaseModel):
    """One immutable body of labels; `faults` are the first hundred of `fault_count`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    revision_id: str
    label_pack_id: str
    workspace: str
    project_id: str = ""
    revision: int
    validation_status: ValidationStatus = ValidationStatus.PENDING
    eligibility_status: Eligibility = Eligibility.PENDING
    content_length: int | None
    sha256: str | None
    content_hash: str | None = None
    rows: int | None = None
    groups: int | None = None
    fault_count: int = 0
    faults: tuple[LineFault, ...] = ()
    job_id: str | None = None
    created_at: str
    created_by: str
    submitted_at: str | None = None


class HistoryEntry(BaseModel):
    """One decision over a pack or revision, as the audit keeps it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    at: str
    by: str
    revision_id: str | None
    what: str
    before: str
    after: str
    note: str | None
    facts: dict[str, Any] = {}


class Series(BaseModel):
    """A label review series: a pack as the sequence of its revisions; `eligibility_status` is the newest one's."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    series_id: str
    label_pack_id: str
    workspace: str
    capability: str
    name: str
    review_status: ReviewStatus
    validation_status: ValidationStatus
    eligibility_status: Eligibility | None
    revision_count: int
    approved: RevisionRef | None
    updated_at: str


class SeriesRevision(BaseModel):
    """A revision as its series shows it; its faults stand with the revision itself."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    revision_id: str
    revision: int
    validation_status: ValidationStatus
    eligibility_status: Eligibility
    rows: int | None
    groups: int | None
    content_hash: str | None
    fault_count: int
    job_id: str | None
    created_at: str
    created_by: str
    submitted_at: str | None


class SeriesPage(Series):
    """A series with a page of its revisions, newest first, and behind the last of them of the decisions over it."""

    revisions: tuple[SeriesRevision, ...]
    history: tuple[HistoryEntry, ...]
    next_cursor: str | None = None


def upload_key(project_id: str, label_pack_id: str, revision_id: str) -> str:
    """Return where a revision's upload lands in the uploads bucket."""
    return f"projects/{project_id}/label-packs/{label_pack_id}/{revision_id}/upload.ndjson"


def revision_prefix(project_id: str, label_pack_id: str, revision_id: str) -> str:
    """Return where a revision's canonical objects lie in the data bucket; ends in `/`."""
    return f"projects/{project_id}/label-packs/{label_pack_id}/{revision_id}/"
