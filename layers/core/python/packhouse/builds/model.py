"""The words of dataset builds."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from packhouse.jobs.model import JobStatus


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


class DatasetVersion(BaseModel):
    """A dataset version. The sections stay `None` until their step has run; a page shows a placeholder then."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    version_id: str
    name: str
    description: str | None
    workspace: str
    project_id: str
    capability: str
    scope: Scope
    build_status: JobStatus = JobStatus.QUEUED
    job_id: str
    reuse_fingerprint: str
    build_fingerprint: str
    forced: bool
    split: dict[str, Any]
    included_count: int
    excluded_count: int
    included: tuple[IncludedPack, ...]
    excluded: tuple[ExcludedPack, ...]
    created_at: str
    created_by: str
    ended_at: str | None = None
    built: dict[str, Any] | None = None
    quality: dict[str, Any] | None = None
    materialization: dict[str, Any] | None = None
    sealed: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class BuildAnswer(BaseModel):
    """A request's outcome: the version that serves it, and how its packs were judged.

    `selection` may be of any size and is not kept with the answer; it stands in the request's snapshot.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    outcome: Outcome
    version: DatasetVersion
    snapshot_key: str
    selection: Selection | None = Field(default=None, exclude=True)


def version_prefix(project_id: str, dataset_version_id: str) -> str:
    """Return where a version's objects lie in the data bucket; ends in `/`."""
    return f"projects/{project_id}/versions/{dataset_version_id}/"
