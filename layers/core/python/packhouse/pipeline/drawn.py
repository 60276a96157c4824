"""What is a picture for the exports whose labels are drawn on pictures, and what is left out of them, and why."""

from enum import StrEnum

from msgspec import UNSET

from packhouse.pipeline.capabilities import Capability, LabelKind
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.rows import Box, Label, LabelRow, Point
from packhouse.pipeline.statistics import geometry_fault, schema_fault

POINT_SIDE = 0.02
"""The sides of the box of a point, as a fraction of the picture's."""


class PictureLeftOut(StrEnum):
    """Why a row is no picture; of several reasons the first one counts.

    Labels that are null are left out because nobody looked: as a picture without labels, which `[]` is, the row would
    teach that there is nothing to be found.
    """

    ASSET_NOT_GIVEN = "ASSET_NOT_GIVEN"
    ASSET_NOT_FOUND = "ASSET_NOT_FOUND"
    ASSET_EMPTY = "ASSET_EMPTY"
    UNLABELLED = "UNLABELLED"
    INVALID_LABEL_SCHEMA = "INVALID_LABEL_SCHEMA"
    INVALID_GEOMETRY = "INVALID_GEOMETRY"
    SIZE_UNKNOWN = "SIZE_UNKNOWN"


def is_drawn(capability: Capability) -> bool:
    """Whether the capability's labels are drawn on pictures."""
    return capability.kind in _DRAWN


def left_out_reason(
    row: LabelRow, asset_reason: str | None, size: Size | None, capability: Capability
) -> PictureLeftOut | None:
    """Return why the row is no picture, or `None` when it is one.

    `asset_reason` tells why the row has no asset, by the value of a reason; `size` is the picture's, where it is known.

    >>> from packhouse.pipeline.capabilities import CAPABILITIES
    >>> far = LabelRow(sample_id="a", asset="a.png", labels=[Label("ball", point=Point(0.5, 1.1))])
    >>> left_out_reason(far, None, Size(640, 480), CAPABILITIES["ball_detection"])
    <PictureLeftOut.INVALID_GEOMETRY: 'INVALID_GEOMETRY'>
    """
    if asset_reason is not None:
        return PictureLeftOut(asset_reason)
    if row.labels is None:
        return PictureLeftOut.UNLABELLED
    for label in row.labels:
        if schema_fault(label, capability) is not None:
            return PictureLeftOut.INVALID_LABEL_SCHEMA
    for label in row.labels:
        if geometry_fault(label) is not None:
            return PictureLeftOut.INVALID_GEOMETRY
    return PictureLeftOut.SIZE_UNKNOWN if size is None else None


def stated_size(row: LabelRow) -> Size | None:
    """Return the size that the row itself states, or `None` unless it states both sides."""
    return Size(row.width, row.height) if row.width and row.height else None


def point_box(point: Point) -> Box:
    """Return the box that stands for a point where a format knows no points.

    It has 2 % of the picture's width and height and the point in its middle, except near the edges, where it is moved
    so far that it lies inside the picture.

    >>> point_box(Point(0.5, 1.0))
    Box(x=0.49, y=0.98, w=0.02, h=0.02)
    """
    far = 1 - POINT_SIDE
    x, y = point.x - POINT_SIDE / 2, point.y - POINT_SIDE / 2
    return Box(min(max(x, 0.0), far), min(max(y, 0.0), far), POINT_SIDE, POINT_SIDE)


def drawn_box(label: Label) -> Box:
    """Return the box of a label, or the one that stands for its point."""
    if label.bbox is not UNSET:
        return label.bbox
    if label.point is not UNSET:
        return point_box(label.point)
    raise ValueError("A label without a place in the picture.")


def file_name(row: LabelRow, project_id: str | None) -> str:
    """Return the row's asset; below the project's id where assets of several projects are together.

    >>> row = LabelRow(sample_id="a", asset="frames/1.jpg", labels=[])
    >>> file_name(row, None), file_name(row, "prj_1")
    ('frames/1.jpg', 'prj_1/frames/1.jpg')
    """
    asset = row.asset or ""
    return asset if project_id is None else f"{project_id}/{asset}"


_DRAWN = frozenset((LabelKind.POINT, LabelKind.BBOX))
