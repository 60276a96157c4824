"""The words of frozen test sets: freezes, what they protect, and the uses that training and evaluation runs take."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

USE_SECONDS, LONGEST_USE_SECONDS = 3_600, 7 * 24 * 3_600
"""How long a use lasts when nothing is said, and at most."""

LISTED = 20
"""So many versions, and of each so many label packs or samples, an answer or an audit entry names; all are counted."""


class Purpose(StrEnum):
    """What a run reads a version for."""

    TRAINING = "training"
    EVALUATION = "evaluation"


class Decision(BaseModel):
    """Who froze or unfroze a version, when, and why."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    at: str
    by: str
    reason: str | None


class FreezeState(BaseModel):
    """Whether a version is a frozen test set; `changes` counts its freezes and unfreezes, and is not shown."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    changes: int = Field(default=0, exclude=True)
    is_frozen_test_set: bool = False
    frozen_at: str | None = None
    last_freeze: Decision | None = None
    last_unfreeze: Decision | None = None

    def shown(self) -> dict[str, Any]:
        """Return the state as a version's detail shows it."""
        return self.model_dump(mode="json")


class Sources(BaseModel):
    """A version by what it is made of, as far as an item may name it.

    `label_pack_ids` is `None` where they are too many for that: then they stand in the snapshot of its request.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    workspace: str
    prefix: str
    snapshot_key: str
    project_ids: tuple[str, ...]
    label_pack_ids: tuple[str, ...] | None


class Trained(Sources):
    """A version that was used for training, with the first and the last time."""

    first_used_at: str
    last_used_at: str


class Use(BaseModel):
    """A lease: a run reads the version until it releases it, or until it expires."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    use_id: str
    dataset_version_id: str
    workspace: str
    purpose: Purpose
    require_frozen: bool
    created_at: str
    created_by: str
    expires_at: str


class Overlap(BaseModel):
    """The label packs that a version shares with a frozen one, or with one that was used for training."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    workspace: str
    shared: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """Return it with the first `LISTED` packs."""
        told = self.model_dump(mode="json", exclude={"shared"})
        return told | {"label_pack_count": len(self.shared), "label_pack_ids": list(self.shared[:LISTED])}


class EqualSamples(BaseModel):
    """The samples of a version that a frozen one has as well, by what they show and not by their label pack."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    workspace: str
    sample_ids: tuple[str, ...]


class Exposure(BaseModel):
    """A version that had been used for training before, and what of it the frozen one is made of."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    dataset_version_id: str
    workspace: str
    first_used_at: str
    last_used_at: str
    label_pack_count: int
    label_pack_ids: tuple[str, ...]


class Frozen(FreezeState):
    """What a freeze came to; the newest exposures first."""

    dataset_version_id: str
    prior_exposure_count: int
    prior_exposures: tuple[Exposure, ...]


class Unfrozen(FreezeState):
    """What an unfreeze came to."""

    dataset_version_id: str
