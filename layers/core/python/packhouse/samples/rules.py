"""What of a sample can be shown, and why something cannot: decided from its row alone."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from packhouse.pipeline.capabilities import Capability, LabelKind
from packhouse.pipeline.rows import Box, Label, Point
from packhouse.pipeline.statistics import geometry_fault
from packhouse.samples.model import BoxShape, Overlay, OverlayReason, Shape, State

CONTENT_TYPES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
"""By the end of an asset's name. `mimetypes` goes by the machine it runs on; and what can run a script is not shown."""

UNKNOWN = "application/octet-stream"


def content_type_of(asset: str) -> str:
    """Return what an asset is by its name.

    >>> content_type_of("match-1/frame-0001.JPG"), content_type_of("page.html")
    ('image/jpeg', 'application/octet-stream')
    """
    return CONTENT_TYPES.get(PurePosixPath(asset).suffix.lower(), UNKNOWN)


def overlay_of(capability: Capability, labels: Sequence[Label] | None) -> Overlay:
    """Return what is drawn over a sample with these labels, and the first reason why that is nothing, or not all."""
    kind = capability.overlay
    if kind is None:
        return Overlay(kind=None, state=State.UNSUPPORTED, reason_code=OverlayReason.SAMPLE_TYPE_UNSUPPORTED)
    if labels is None:
        return _none(kind, OverlayReason.LABELS_NOT_GIVEN)
    if not labels:
        return Overlay(kind=kind, state=State.AVAILABLE, reason_code=OverlayReason.LABELS_EMPTY)
    of_kind = [label for label in labels if label.kind == kind]
    if not of_kind:
        return _none(kind, OverlayReason.OVERLAY_KIND_MISMATCH)
    shapes = tuple(_shape(label) for label in of_kind if geometry_fault(label) is None)
    if not shapes:
        return _none(kind, OverlayReason.OVERLAY_GEOMETRY_INVALID)
    reason = OverlayReason.OVERLAY_PARTIAL if len(shapes) < len(labels) else None
    return Overlay(kind=kind, state=State.AVAILABLE, geometry=shapes, reason_code=reason)


def _none(kind: LabelKind, reason: OverlayReason) -> Overlay:
    return Overlay(kind=kind, state=State.UNAVAILABLE, reason_code=reason)


def _shape(label: Label) -> Shape:
    if isinstance(label.bbox, Box):
        return BoxShape(class_=label.class_, x=label.bbox.x, y=label.bbox.y, w=label.bbox.w, h=label.bbox.h)
    if isinstance(label.point, Point):
        return Shape(class_=label.class_, x=label.point.x, y=label.point.y)
    raise TypeError(label.kind)
