"""The words of dataset builds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from packhouse.errors import ConflictError
from packhouse.freezes.model import Overlap
from packhouse.jobs.model import JobStatus
from packhouse.labels.model import ReviewStatus, RevisionRef
from packhouse.pipeline.issues import Issue
from packhouse.pipeline.plan import BuildPlan
from packhouse.pipeline.splits import SplitPlan
from packhouse.uploads.model import ValidationStatus

LISTED_PACKS = 100
"""How many included and excluded packs a version's item names itself; all of them are in its snapshot."""


class Outcome(StrEnum):
    """What a build request led to."""

    CREATED = "created"
    REUSED_IN_PROGRESS = "reused_in_progress"
    REUSED_SUCCESS = "reused_success"


class Scope(StrEnum):
    """Whether all sources are of the version's own project."""

    WORKSPACE = "workspace"
    CROSS_WORKSPACE = "cross_workspace"


class ExclusionCode(StrEnum):
    """Why a requested pack is not built in, in the order in which the checks are made."""

    LABEL_PACK_NOT_FOUND = "LABEL_PACK_NOT_FOUND"
    LABEL_PACK_ACCESS_DENIED = "LABEL_PACK_ACCESS_DENIED"
    LABEL_PACK_CAPABILITY_MISMATCH = "LABEL_PACK_CAPABILITY_MISMATCH"
    LABEL_PACK_REVOKED = "LABEL_PACK_REVOKED"
    LABEL_PACK_NOT_APPROVED = "LABEL_PACK_NOT_APPROVED"
    LABEL_PACK_VALIDATION_NOT_PASSED = "LABEL_PACK_VALIDATION_NOT_PASSED"
    WORKSPACE_TRAINING_OPT_OUT = "WORKSPACE_TRAINING_OPT_OUT"


class IncludedPack(BaseModel):
    """A pack that is built in, with the revision that is built."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    label_pack_id: str
    workspace: str
    project_id: str
    revision_id: str
    content_hash: str
    rows: int


class ExcludedPack(BaseModel):
    """A pack that is not built in, and the first reason that applies."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    label_pack_id: str
    reason_code: ExclusionCode


class Selection(BaseModel):
    """What a request's packs come to; both lists in the order of the ids."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    included: tuple[IncludedPack, ...]
    excluded: tuple[ExcludedPack, ...]


class Snapshot(Selection):
    """What a build was asked, as its tasks read it: named by the build fingerprint, the same for the same request.

    `kept_key` names the assignment of groups to splits that `split["sticky"]` is the hash of.
    """

    split: dict[str, Any]
    include_reviewed: bool = False
    kept_key: str | None = None


class MaterializationStatus(StrEnum):
    """How far the looking up of a version's assets has come.

    `pending` until it begins, `running` until it is done: then `complete` when all assets were there, `partial` when
    some were, `failed` when none was. Of a version that failed or was cancelled before it was done: `failed`, and there
    are no counts.
    """

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


UNSETTLED = frozenset({MaterializationStatus.PENDING, MaterializationStatus.RUNNING})


class DatasetVersion(BaseModel):
    """A dataset version. The sections stay `None` until their step has run; a page shows a placeholder then.

    `policy` is the quality policy that was in force when it was requested, and that it is judged by.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    version_id: str
    name: str
    description: str | None
    dataset: str | None = None
    dataset_id: str | None = None
    workspace: str
    project_id: str
    capability: str
    scope: Scope
    build_status: JobStatus = JobStatus.QUEUED
    job_id: str
    reuse_fingerprint: str
    build_fingerprint: str
    forced: bool
    policy: str | None = None
    split: dict[str, Any]
    sticky_to: str | None = None
    include_reviewed_override: bool = False
    included_count: int
    excluded_count: int
    included: tuple[IncludedPack, ...] = ()
    excluded: tuple[ExcludedPack, ...] = ()
    created_at: str
    created_by: str
    ended_at: str | None = None
    built: dict[str, Any] | None = None
    quality: dict[str, Any] | None = None
    materialization: dict[str, Any] | None = None
    sealed: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def prefix(self) -> str:
        """Where the version's objects lie in the data bucket; ends in `/`."""
        return f"projects/{self.project_id}/versions/{self.dataset_version_id}/"

    @property
    def snapshot_key(self) -> str:
        """Where the snapshot of its request lies."""
        return f"projects/{self.project_id}/snapshots/{self.build_fingerprint.removeprefix('sha256:')}.json"

    @property
    def assignment_key(self) -> str:
        """Where its assignment of groups to splits lies."""
        return f"{self.prefix}assignment.json"


def demand_ready(version: DatasetVersion) -> dict[str, Any]:
    """Return what sealing added to a version; `ConflictError` (`DATASET_NOT_READY`) until it is ready."""
    if version.sealed is None:
        raise not_ready(version)
    return version.sealed


def not_ready(version: DatasetVersion) -> ConflictError:
    """Return the refusal of what only a version that is ready, or far enough, can be asked."""
    detail = f"The dataset {version.dataset_version_id} is {version.build_status}."
    return ConflictError("DATASET_NOT_READY", detail, job_id=version.job_id)


def not_indexed(version: DatasetVersion) -> ConflictError:
    """Return the refusal of what needs the index of a version that has none, or not all of it."""
    detail = f"The dataset {version.dataset_version_id} has no index of its samples; build it again."
    return ConflictError("DATASET_NOT_READY", detail, job_id=version.job_id)


@dataclass(frozen=True)
class BuildRequest:
    """What was asked, once it is known to be well formed; without a `name` it is the dataset's or the capability's."""

    capability: str
    label_pack_ids: list[str]
    name: str | None
    description: str | None
    dataset: str | None
    split: SplitPlan
    sticky_to: str | None
    include_reviewed_override: bool
    force: bool

    def snapshot(self) -> dict[str, Any]:
        """The request as the build fingerprint holds it: ids sorted, each once."""
        return asdict(self) | {"label_pack_ids": self.distinct_ids, "split": self.split.snapshot()}

    @property
    def distinct_ids(self) -> list[str]:
        """The ids in their order, each once."""
        return sorted(set(self.label_pack_ids))


@dataclass(frozen=True)
class Preflight:
    """What a build of the same request would do; `plan` is `None` where there is nothing, or too much, to count."""

    request: BuildRequest
    version: DatasetVersion
    selection: Selection
    plan: BuildPlan | None
    issues: list[Issue]
    overlaps: list[Overlap]


class BuildAnswer(BaseModel):
    """A request's outcome: the version that serves it, and how its packs were judged.

    `selection` may be of any size and is not kept with the answer; it stands in the request's snapshot.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    outcome: Outcome
    version: DatasetVersion
    snapshot_key: str
    selection: Selection | None = Field(default=None, exclude=True)


def badge(quality: Mapping[str, Any] | None) -> str:
    """Return what the list shows of a version's quality.

    >>> badge({"status": "warnings", "warnings": 2, "hard_fails": 0})
    'Warnings (2)'
    """
    if quality is None or quality["status"] == "not_evaluated":
        return "Not evaluated"
    if quality["status"] == "pass":
        return "Pass"
    if quality["status"] == "warnings":
        return f"Warnings ({quality['warnings']})"
    return f"Hard fail ({quality['hard_fails']})"


def materialization_status(build_status: JobStatus, reached: str | None) -> MaterializationStatus:
    """Return how far a version's materialization has come; `reached` is what its last step said, if any did.

    >>> materialization_status(JobStatus.RUNNING, "running").value
    'running'
    >>> materialization_status(JobStatus.CANCELLED, "running").value
    'failed'
    """
    status = MaterializationStatus(reached or MaterializationStatus.PENDING)
    ended_before = status in UNSETTLED and build_status in {JobStatus.FAILED, JobStatus.CANCELLED}
    return MaterializationStatus.FAILED if ended_before else status


class VersionRow(BaseModel):
    """A dataset version as a list shows it; what its step has not told yet is null."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    version_id: str
    name: str
    dataset: str | None
    dataset_id: str | None = None
    workspace: str
    capability: str
    scope: Scope
    build_status: JobStatus
    materialization_status: MaterializationStatus
    split_counts: dict[str, dict[str, int]] | None
    included_count: int
    excluded_count: int
    manifest_hash: str | None
    quality_status: str
    quality_badge: str
    job_id: str
    created_at: str
    created_by: str
    ended_at: str | None


class Candidate(BaseModel):
    """A label pack as a build by default would judge it, its project's policy included, the caller's rights apart.

    `revision` is the newest eligible one; `reviewed_revision` what `include_reviewed_override` would take.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    label_pack_id: str
    name: str
    capability: str
    review_status: ReviewStatus
    validation_status: ValidationStatus
    included: bool
    reason_code: ExclusionCode | None
    revision: RevisionRef | None
    reviewed_revision: RevisionRef | None
    updated_at: str


class LineageKind(StrEnum):
    """Which part of a version's lineage: packs that went in, packs that stayed out, rows that stayed out."""

    INCLUDED = "included"
    EXCLUDED = "excluded"
    LEFT_OUT = "left_out"


class LeftOutSample(BaseModel):
    """A row that stayed out since another source has the same sample, and the row that was kept in its place."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    sample_id: str
    reason_code: str
    label_pack_id: str
    revision_id: str
    kept_label_pack_id: str
    kept_revision_id: str
