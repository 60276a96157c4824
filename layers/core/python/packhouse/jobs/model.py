"""A job as people and programs poll it."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class JobKind(StrEnum):
    """Which machine a job runs."""

    LABEL_INGEST = "label_ingest"
    DATASET_BUILD = "dataset_build"
    ROLLOUT_INGEST = "rollout_ingest"
    TRAINING_EXPORT = "training_export"


class JobStatus(StrEnum):
    """`queued → running → ready | failed | cancelled`; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = (JobStatus.QUEUED, JobStatus.RUNNING)


class JobError(BaseModel):
    """Why a job failed: a stable code, a sentence, and the unit of work when it was one unit."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    code: str
    detail: str
    unit: str | None = None


class Job(BaseModel):
    """One run of a machine. `done` of `total` units of the current `step` (a state's name) are finished."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    job_id: str
    kind: JobKind
    workspace: str
    label_pack_id: str | None = None
    revision_id: str | None = None
    dataset_version_id: str | None = None
    import_id: str | None = None
    training_dataset_id: str | None = None
    status: JobStatus = JobStatus.QUEUED
    step: str | None = None
    done: int = 0
    total: int = 0
    error: JobError | None = None
    created_at: str
    created_by: str
    ended_at: str | None = None
    execution_input: dict[str, Any] = Field(default={}, repr=False)

    def shown(self) -> dict[str, object]:
        """The job as the API answers it: all but its execution's input."""
        return self.model_dump(mode="json", exclude={"execution_input"})
