"""The words of training datasets."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ProfileName = Literal["default", "openai-chat", "reasoning_content", "inline-think", "strip"]
Dedupe = Literal["none", "exact", "near"]


class TrainingStatus(StrEnum):
    """`pending → preview → running → filtering → ready`, or `cancelled` or `failed` from any before the last."""

    PENDING = "pending"
    PREVIEW = "preview"
    RUNNING = "running"
    FILTERING = "filtering"
    READY = "ready"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN = (TrainingStatus.PENDING, TrainingStatus.PREVIEW, TrainingStatus.RUNNING, TrainingStatus.FILTERING)
"""The states that a dataset goes through, in their order."""


class MinScores(BaseModel):
    """What a row's scores must at least be; a row without such a score is left out."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid", strict=True, allow_inf_nan=False)

    quality_score: float | None = None
    complexity_score: float | None = None
    ifd_score: float | None = None

    def given(self) -> dict[str, float]:
        """Return the limits that there are, by the score's name."""
        return {name: value for name, value in self if value is not None}


class Overlap(BaseModel):
    """Another training dataset of the project whose text must not come again, as it was sealed."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    training_dataset_id: str
    manifest_hash: str


class Recipe(BaseModel):
    """Which rollouts become rows, and how; `None` sets no limit."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    scenario_ids: tuple[str, ...] | None = None
    agent_template_ids: tuple[str, ...] | None = None
    min_scores: MinScores = MinScores()
    dedupe: Dedupe = "near"
    exclude_overlap_with: tuple[Overlap, ...] = ()
    max_rows: int | None = None
    seed: int = 0
    profile: ProfileName = "default"
    require_confirmation: bool = False


class RefusedRow(BaseModel):
    """A row that readers of a profile would reject: its line in the `default` export, and the rule that it breaks."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    line: int
    pointer: str
    rule: str
    detail: str


class TrainingFile(BaseModel):
    """A file of a training dataset. Those with a `profile` are its rows, `lineage` says where each row comes from.

    `refused` are the first hundred rows that are not in it, of `refused_count`: its readers would reject them.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    profile: ProfileName | Literal["lineage"] | None = None
    content_type: str
    rows: int | None = None
    bytes: int
    sha256: str
    refused_count: int = 0
    refused: tuple[RefusedRow, ...] = ()


class Sealed(BaseModel):
    """What a ready dataset is: its files, and the hash of all that it was made of."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    manifest_hash: str
    files: tuple[TrainingFile, ...]


class TrainingDataset(BaseModel):
    """A training dataset; `row_count` is of the rollouts at hand at first, of the rows that stay at last.

    `left_out` counts the rollouts that became no row, by reason. `error` is a sentence, `code` its stable code.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    training_dataset_id: str
    workspace: str
    project_id: str
    name: str
    recipe: Recipe
    status: TrainingStatus = TrainingStatus.PENDING
    row_count: int = 0
    confirmed_at: str | None = None
    confirmed_by: str | None = None
    left_out: dict[str, int] | None = None
    scores: dict[str, dict[str, Any]] | None = None
    sealed: Sealed | None = None
    error: str | None = None
    code: str | None = None
    job_id: str
    created_at: str
    created_by: str
    ended_at: str | None = None

    @property
    def prefix(self) -> str:
        """Where its objects lie in the data bucket; ends in `/`."""
        return training_prefix(self.project_id, self.training_dataset_id)


class StatusPayload(BaseModel):
    """How a training dataset stands; `step` and its units are in its job."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    training_dataset_id: str
    status: TrainingStatus
    row_count: int
    awaits_confirmation: bool
    job_id: str
    error: str | None = Field(description="Why it failed, or who cancelled it.")
    code: str | None = Field(description="The stable code of `error`.")


def training_prefix(project_id: str, training_dataset_id: str) -> str:
    """Return where a training dataset's objects lie in the data bucket; ends in `/`."""
    return f"projects/{project_id}/training-datasets/{training_dataset_id}/"


def recipe_key(prefix: str) -> str:
    """Return where a training dataset's recipe is."""
    return f"{prefix}recipe.json"


def preview_key(prefix: str) -> str:
    """Return where its first rows are."""
    return f"{prefix}preview.ndjson"
