"""The words of rollouts."""

from typing import Any

from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from packhouse.uploads.model import LineFault, ValidationStatus


class RolloutImport(BaseModel):
    """One immutable body of rollouts; `faults` are the first hundred of `fault_count`.

    `statistics` are the counts of what is in it: rollouts per status, turns, silences, turns with thinking.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    import_id: str
    workspace: str
    project_id: str
    validation_status: ValidationStatus = ValidationStatus.PENDING
    content_length: int | None
    sha256: str | None
    content_hash: str | None = None
    rollouts: int | None = None
    statistics: dict[str, Any] | None = None
    faults: tuple[LineFault, ...] = ()
    fault_count: int = 0
    job_id: str | None = None
    created_at: str
    created_by: str
    submitted_at: str | None = None
    sealed_at: str | None = None


class InlineImport(RolloutImport):
    """An import whose rollouts came in the request, with the id of each, in their order."""

    ids: tuple[str, ...]


class SealedImport(Struct, frozen=True):
    """An import that passed, as those who read its rollouts need it: the bytes of its chunks, in part order."""

    import_id: str
    content_hash: str
    rollouts: int
    sealed_at: str
    chunk_bytes: tuple[int, ...]


class RolloutRow(BaseModel):
    """A rollout as a list shows it. `id` is where the registry keeps it, `rollout_id` its sender's own name for it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    import_id: str
    rollout_id: str
    scenario_id: str
    agent_template_id: str
    rollout_index: int
    temperature: float
    status: str
    events: int
    bytes: int


def import_prefix(project_id: str, import_id: str) -> str:
    """Return where an import's canonical objects lie in the data bucket; ends in `/`."""
    return f"projects/{project_id}/rollout-imports/{import_id}/"


def import_upload_key(project_id: str, import_id: str) -> str:
    """Return where an import's upload lands in the uploads bucket."""
    return f"projects/{project_id}/rollout-imports/{import_id}/upload.ndjson"
