"""COCO, the JSON of object detection: head, image records, annotation records, written a row at a time.

Format: https://cocodataset.org/#format-data. Coordinates are pixels from the picture's top left corner, rounded to 6
decimals; a box lies inside its picture, and its sides are at least a millionth. Ids begin at 1 and are unique in a
file: evaluation takes a match with an annotation of id 0 for none. They count all rows and labels of a split, in shard
order, also those that are left out, so that they are known without a look at other shards.

A point is a category of one keypoint, `center`, and has the box of `drawn.point_box`.
"""

import msgspec
from msgspec import UNSET, Struct

from packhouse.pipeline.capabilities import Capability, LabelKind
from packhouse.pipeline.drawn import POINT_SIDE, drawn_box, file_name
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.rows import Box, Label, LabelRow

RECORD_END = b",\n"
"""Behind every record; behind the last one of a list, whoever puts the file together leaves it out."""

COCO_MIDDLE = b'],"annotations":[\n'
COCO_TAIL = b"]}\n"

VERSION = "1.0"
"""What files say of themselves: how our labels are put into COCO."""

_MILLION = 1_000_000
_VISIBLE = 2
_encoder = msgspec.json.Encoder()

PixelBox = tuple[float, float, float, float]
"""Left, top, width, height."""


class ImageRecord(Struct, frozen=True, gc=False):
    """A picture; `sample_id` is no key of COCO's and carries where it comes from."""

    id: int
    file_name: str
    width: int
    height: int
    sample_id: str


class CocoShard:
    """The records of a shard's rows; each row is either drawn or left out, in the shard's order.

    `rows_before` and `labels_before` count those in earlier shards of the split; `project_id` is told where assets of
    several projects are together.

    >>> from packhouse.pipeline.capabilities import CAPABILITIES
    >>> from packhouse.pipeline.rows import Point
    >>> shard = CocoShard(CAPABILITIES["player_detection"], rows_before=100, labels_before=700)
    >>> box = Label("referee", bbox=Box(0.1, 0.25, 1 / 3, 0.5))
    >>> shard.leave_out(LabelRow(sample_id="m17-000122", labels=[box, box]))
    >>> row = LabelRow(sample_id="m17-000123", asset="f/123.jpg", labels=[box])
    >>> image, annotations = shard.draw(row, Size(640, 480))
    >>> print(image.decode(), annotations.decode(), sep="", end="")
    {"id":102,"file_name":"f/123.jpg","width":640,"height":480,"sample_id":"m17-000123"},
    {"id":703,"image_id":102,"category_id":3,"bbox":[64.0,120.0,213.333333,240.0],"area":51199.99992,"iscrowd":0},

    >>> shard = CocoShard(CAPABILITIES["ball_detection"], 0, 0)
    >>> ball = LabelRow(sample_id="a", asset="a.jpg", labels=[Label("ball", point=Point(0.5, 1.0))])
    >>> _, annotations = shard.draw(ball, Size(100, 50))
    >>> print(annotations.decode().replace('"iscrowd":0,', '"iscrowd":0,' + chr(10)), end="")
    {"id":1,"image_id":1,"category_id":1,"bbox":[49.0,49.0,2.0,1.0],"area":2.0,"iscrowd":0,
    "keypoints":[50.0,50.0,2],"num_keypoints":1},
    """

    def __init__(
        self, capability: Capability, rows_before: int, labels_before: int, project_id: str | None = None
    ) -> None:
        self._rows = rows_before
        self._labels = labels_before
        self._project_id = project_id
        self._categories = {name: number for number, name in enumerate(capability.classes, start=1)}

    def leave_out(self, row: LabelRow) -> None:
        """Count a row that is no picture."""
        self._rows += 1
        self._labels += len(row.labels or ())

    def draw(self, row: LabelRow, size: Size) -> tuple[bytes, bytes]:
        """Return the row's image record and the records of its annotations, `RECORD_END` behind each.

        The row is one for which `drawn.left_out_reason` has none; `size` is its picture's in pixels.
        """
        self._rows += 1
        image = ImageRecord(self._rows, file_name(row, self._project_id), size.width, size.height, row.sample_id)
        middle = f',"image_id":{self._rows},"category_id":'
        categories = self._categories
        annotations = [
            f'{{"id":{number}{middle}{categories[label.class_]},{_geometry(label, size)}}},\n'
            for number, label in enumerate(row.labels or (), start=self._labels + 1)
        ]
        self._labels += len(annotations)
        return _encoder.encode(image) + RECORD_END, "".join(annotations).encode()


def pixel_box(box: Box, size: Size) -> PixelBox:
    """Return a box in pixels. What reaches beyond the far edge by a rounding error is cut off.

    >>> pixel_box(Box(0.7, 0.0, 0.30000000000000004, 1e-12), Size(640, 480))
    (448.0, 0.0, 192.0, 1e-06)
    """
    x, w = _along(box.x, box.w, size.width)
    y, h = _along(box.y, box.h, size.height)
    return x, y, w, h


def coco_head(capability: Capability) -> bytes:
    """Return the file up to its first image record; categories have the order of the capability's classes.

    >>> from packhouse.pipeline.capabilities import CAPABILITIES
    >>> print(coco_head(CAPABILITIES["player_detection"]).decode().replace("{", "\\n{").strip(), end="")
    {"info":
    {"description":"Labels of player_detection.","version":"1.0"},"licenses":[],"categories":[
    {"id":1,"name":"player","supercategory":"player_detection"},
    {"id":2,"name":"goalkeeper","supercategory":"player_detection"},
    {"id":3,"name":"referee","supercategory":"player_detection"}],"images":[
    """
    points = capability.kind == LabelKind.POINT
    keypoint = {"keypoints": ["center"], "skeleton": []} if points else {}
    described = f"Labels of {capability.name}." + (_POINTS_ARE if points else "")
    head = {
        "info": {"description": described, "version": VERSION},
        "licenses": [],
        "categories": [
            {"id": number, "name": name, "supercategory": capability.name, **keypoint}
            for number, name in enumerate(capability.classes, start=1)
        ],
    }
    return _encoder.encode(head)[:-1] + b',"images":[\n'


_POINTS_ARE = (
    f" COCO has no points: each is a keypoint, and its box, {100 * POINT_SIDE:g} % of the picture's width and height,"
    " is made up around it."
)


def _geometry(label: Label, size: Size) -> str:
    x, y, w, h = pixel_box(drawn_box(label), size)
    area = w * h
    area = round(area * _MILLION) / _MILLION or area
    written = f'"bbox":[{x!r},{y!r},{w!r},{h!r}],"area":{area!r},"iscrowd":0'
    if (point := label.point) is UNSET:
        return written
    at_x, at_y = round(point.x * (size.width * _MILLION)), round(point.y * (size.height * _MILLION))
    return f'{written},"keypoints":[{at_x / _MILLION!r},{at_y / _MILLION!r},{_VISIBLE}],"num_keypoints":1'


def _along(start: float, length: float, pixels: int) -> tuple[float, float]:
    """Return where a side begins and how long it is, in pixels: at least a millionth, and not beyond the far edge."""
    far = pixels * _MILLION
    begin = min(round(start * far), far - 1)
    return begin / _MILLION, max(min(round(length * far), far - begin), 1) / _MILLION
