"""What can be labelled: one entry a capability. Adding one touches nothing else."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field


class LabelKind(StrEnum):
    """The geometry of a label; also the name of its field in a label row."""

    POINT = "point"
    BBOX = "bbox"
    SEGMENT = "segment"


@dataclass(frozen=True)
class Capability:
    """One kind of labels: its geometry, its classes in their fixed order, and what can be drawn of it.

    The quality policies that it is held to name it themselves.
    """

    name: str
    kind: LabelKind
    classes: tuple[str, ...]
    overlay: LabelKind | None


_ALL = (
    Capability("ball_detection", LabelKind.POINT, ("ball",), LabelKind.POINT),
    Capability("player_detection", LabelKind.BBOX, ("player", "goalkeeper", "referee"), LabelKind.BBOX),
    Capability("audio_artifact_detection", LabelKind.SEGMENT, ("glitch", "long_pause", "hallucination", "other"), None),
)

CAPABILITIES = {capability.name: capability for capability in _ALL}


def _known(value: str) -> str:
    if value not in CAPABILITIES:
        raise ValueError(f"must be one of {', '.join(CAPABILITIES)}")
    return value


CapabilityName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(CAPABILITIES)})]
"""A capability as requests name it."""
