"""The files in formats of pictures, made again of the rows of a split to be compared with those that were downloaded.

Which rows are pictures, and the sizes that no row states, are taken from the COCO file; everything else follows.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.coco import COCO_MIDDLE, COCO_TAIL, RECORD_END, CocoShard, ImageRecord, coco_head
from packhouse.pipeline.drawn import PictureLeftOut, left_out_reason, stated_size
from packhouse.pipeline.files import Content
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.rows import LabelRow
from packhouse.pipeline.yolo import ARCHIVE_END, DATA_YAML, YoloShard, data_yaml, tar_member

_image = msgspec.json.Decoder(ImageRecord)


@dataclass(frozen=True)
class CocoFile:
    """A COCO file: whether its frame is ours, the hashes of its two lists, each row's width and height, or 0."""

    framed: bool
    images: bytes
    annotations: bytes
    count: int
    sides: "array[int]"

    def size(self, number: int) -> Size | None:
        """Return the size of the picture of a row (from 0), or `None` when it is none."""
        width, height = self.sides[2 * number : 2 * number + 2]
        return Size(width, height) if width else None


def read_coco(lines: Iterable[bytes], rows: int, capability: Capability) -> CocoFile:
    """Read a COCO file line by line; `rows` are those of its split. `ValueError` when it is not laid out as ours."""
    taken = iter(lines)
    sides = array("I", bytes(8 * rows))
    framed = next(taken, b"") == coco_head(capability)
    images, annotations = hashlib.sha256(), hashlib.sha256()
    count = 0
    for record in _records(taken, COCO_MIDDLE):
        images.update(record + RECORD_END)
        try:
            image = _image.decode(record)
        except msgspec.MsgspecError as error:
            raise ValueError(f"a record that is no image: {error}") from error
        if not 1 <= image.id <= rows:
            raise ValueError(f"the image {image.id} is no row of the split")
        sides[2 * image.id - 2], sides[2 * image.id - 1] = image.width, image.height
        count += 1
    for record in _records(taken, COCO_TAIL):
        annotations.update(record + RECORD_END)
    framed = framed and next(taken, None) is None
    return CocoFile(framed, images.digest(), annotations.digest(), count, sides)


def _records(lines: Iterator[bytes], ending: bytes) -> Iterator[bytes]:
    for line in lines:
        if line.endswith(ending):
            if record := line.removesuffix(ending):
                yield record
            return
        if not line.endswith(RECORD_END):
            break
        yield line.removesuffix(RECORD_END)
    raise ValueError("a list of records does not end")


class Redrawn:
    """The COCO and YOLO files of a split in the making: its rows come in order, a shard after the other."""

    def __init__(self, capability: Capability, coco: CocoFile, split: str, splits: list[str]) -> None:
        self._capability, self._coco, self._split = capability, coco, split
        self._images, self._annotations, self._archive = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        self._archived = 0
        self._rows = self._labels = 0
        self.pictures = self.left_out = 0
        self._write(tar_member(DATA_YAML, data_yaml(capability, splits)))

    def begin_shard(self, unit: int, project_id: str | None) -> None:
        """Begin the shard of a unit; `project_id` where pictures are named with their projects."""
        self._coco_shard = CocoShard(self._capability, self._rows, self._labels, project_id)
        self._yolo_shard = YoloShard(self._capability, self._split, unit, project_id)

    def add(self, row: LabelRow) -> str | None:
        """Add the next row; return what is wrong when it is a picture and may be none, or the other way round."""
        size = self._coco.size(self._rows)
        self._rows += 1
        self._labels += len(row.labels or ())
        if size is None:
            self.left_out += 1
            self._coco_shard.leave_out(row)
            return None
        reason = left_out_reason(row, None if row.asset else PictureLeftOut.ASSET_NOT_GIVEN, size, self._capability)
        if reason is not None:
            return f"a picture that is none: {reason}"
        self.pictures += 1
        image, annotations = self._coco_shard.draw(row, size)
        self._images.update(image)
        self._annotations.update(annotations)
        self._write(self._yolo_shard.draw(row))
        stated = stated_size(row)
        return "a picture of another size than its row states" if stated not in {None, size} else None

    def end_shard(self) -> None:
        """End the shard."""
        self._write(self._yolo_shard.finish())

    def is_coco(self) -> bool:
        """Whether the COCO file is what the rows make."""
        drawn = self._images.digest(), self._annotations.digest()
        return self._coco.framed and drawn == (self._coco.images, self._coco.annotations)

    def archive(self) -> Content:
        """Return the content that the YOLO archive must have."""
        self._write(ARCHIVE_END)
        return Content(self._archived, self._archive.hexdigest())

    def _write(self, blocks: bytes) -> None:
        self._archive.update(blocks)
        self._archived += len(blocks)
