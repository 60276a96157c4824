"""The words of the samples viewer."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from packhouse.pipeline.capabilities import LabelKind


class State(StrEnum):
    """Whether a sample's asset or overlay can be shown; `unsupported` says that none of its capability can."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    UNSUPPORTED = "unsupported"


AssetState = Literal[State.AVAILABLE, State.UNAVAILABLE]


class AssetReason(StrEnum):
    """Why a sample's asset cannot be shown."""

    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    ASSET_EMPTY = "ASSET_EMPTY"
    ASSET_NOT_GIVEN = "ASSET_NOT_GIVEN"
    ASSET_NOT_PERMITTED = "ASSET_NOT_PERMITTED"


class OverlayReason(StrEnum):
    """Why a sample's overlay cannot be shown, or is not all that its labels say."""

    SAMPLE_TYPE_UNSUPPORTED = "SAMPLE_TYPE_UNSUPPORTED"
    LABELS_NOT_GIVEN = "LABELS_NOT_GIVEN"
    LABELS_EMPTY = "LABELS_EMPTY"
    OVERLAY_KIND_MISMATCH = "OVERLAY_KIND_MISMATCH"
    OVERLAY_GEOMETRY_INVALID = "OVERLAY_GEOMETRY_INVALID"
    OVERLAY_PARTIAL = "OVERLAY_PARTIAL"


class Shape(BaseModel):
    """Something to draw over a picture, in fractions of it, origin top left."""

    model_config = ConfigDict(frozen=True, defer_build=True, serialize_by_alias=True)

    class_: Annotated[str, Field(serialization_alias="class")]
    x: float
    y: float


class BoxShape(Shape):
    """A box: its top left corner, width and height."""

    w: float
    h: float


class Overlay(BaseModel):
    """What is drawn over a sample's picture: shapes of one kind, none where the state or `reason_code` says why."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    kind: LabelKind | None
    state: State
    geometry: tuple[BoxShape | Shape, ...] = ()
    reason_code: OverlayReason | None = None


class Asset(BaseModel):
    """A sample's picture or sound; `url` shows it until `expires_at`."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    state: AssetState
    url: Annotated[str | None, Field(json_schema_extra={"format": "uri"})] = None
    expires_at: str | None = None
    bytes: int | None = None
    content_type: str | None = None
    reason_code: AssetReason | None = None


class SampleRow(BaseModel):
    """A sample as a list shows it, with the first of its classes: null is unlabelled, none is labelled as empty."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    sample_id: str
    split: str
    group: str | None
    camera_type: str | None
    classes: tuple[str, ...] | None
    asset: AssetState
    reason_code: AssetReason | None


class Sample(BaseModel):
    """A sample in full, and the samples before and behind it in the filter set.

    Where `neighbours_complete` is false, a neighbour that is null may be there all the same, too far away to look for.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    sample_id: str
    dataset_version_id: str
    capability: str
    split: str
    group: str | None
    camera_type: str | None
    width: int | None
    height: int | None
    classes: tuple[str, ...] | None
    labels: list[dict[str, Any]] | None
    asset: Asset
    overlay: Overlay
    previous: str | None
    next: str | None
    neighbours_complete: bool
