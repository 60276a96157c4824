"""COCO files and YOLO archives put together from shards, for the tests that read them."""

import zlib
from collections.abc import Iterable, Sequence

from packhouse.pipeline.capabilities import CAPABILITIES, Capability
from packhouse.pipeline.coco import COCO_MIDDLE, COCO_TAIL, RECORD_END, CocoShard, coco_head
from packhouse.pipeline.drawn import left_out_reason, stated_size
from packhouse.pipeline.gzipped import GZIP_HEAD, PartPacker, gzip_tail
from packhouse.pipeline.rows import LabelRow
from packhouse.pipeline.yolo import ARCHIVE_END, DATA_YAML, YoloShard, data_yaml, tar_member

BALL = CAPABILITIES["ball_detection"]
PLAYERS = CAPABILITIES["player_detection"]


def is_picture(row: LabelRow, capability: Capability) -> bool:
    """Whether the row stays, its asset taken to be there."""
    return left_out_reason(row, None, stated_size(row), capability) is None


def cut(rows: Sequence[LabelRow], at: int) -> list[Sequence[LabelRow]]:
    """Return the rows as shards of so many."""
    return [rows[start : start + at] for start in range(0, len(rows), at)]


def coco_file(capability: Capability, shards: Iterable[Sequence[LabelRow]], project_id: str | None = None) -> bytes:
    """Return the whole file of a split; every shard is drawn on its own, as its task does it."""
    images: list[bytes] = []
    annotations: list[bytes] = []
    rows_before = labels_before = 0
    for rows in shards:
        shard = CocoShard(capability, rows_before, labels_before, project_id)
        for row in rows:
            size = stated_size(row)
            if size is None or not is_picture(row, capability):
                shard.leave_out(row)
                continue
            image, drawn = shard.draw(row, size)
            images.append(image)
            annotations.append(drawn)
        rows_before += len(rows)
        labels_before += sum(len(row.labels or ()) for row in rows)
    records = [b"".join(parts).removesuffix(RECORD_END) for parts in (images, annotations)]
    return b"".join((coco_head(capability), records[0], COCO_MIDDLE, records[1], COCO_TAIL))


def yolo_part(
    capability: Capability, split: str, unit: int, rows: Sequence[LabelRow], project_id: str | None = None
) -> bytes:
    """Return the tar members of a shard."""
    shard = YoloShard(capability, split, unit, project_id)
    members = [shard.draw(row) for row in rows if is_picture(row, capability)]
    return b"".join(members) + shard.finish()


def yolo_archive(capability: Capability, split: str, shards: Iterable[Sequence[LabelRow]]) -> bytes:
    """Return the whole archive, packed, of the only split that there is; shards are of units 0, 1, ..."""
    parts = [yolo_part(capability, split, unit, rows) for unit, rows in enumerate(shards)]
    return packed([tar_member(DATA_YAML, data_yaml(capability, [split])), *parts, ARCHIVE_END])


def packed(contents: Sequence[bytes]) -> bytes:
    """Return a gzip file of contents that are each packed on their own."""
    parts = []
    for content in contents:
        packer = PartPacker()
        parts += [packer.compress(content), packer.finish()]
    whole = b"".join(contents)
    return b"".join((GZIP_HEAD, *parts, gzip_tail(zlib.crc32(whole), len(whole))))
