"""A shard's rows with what was found of their assets: counts, the viewer's index, and the parts of its exports."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from packhouse.pipeline.assets import MissingReason, asset_of, iter_rows
from packhouse.pipeline.build import ShardUnit
from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.coco import CocoShard
from packhouse.pipeline.columns import columns_of
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.drawn import left_out_reason, stated_size
from packhouse.pipeline.export import Sink
from packhouse.pipeline.files import Part
from packhouse.pipeline.gzipped import PartPacker
from packhouse.pipeline.indexing import IndexedShard, ShardIndexer
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.rows import LabelRow
from packhouse.pipeline.yolo import YoloShard

IMAGES, ANNOTATIONS, YOLO = PARTS = ("coco-images", "coco-annotations", "yolo")
"""What is made beside a shard for its exports in formats of pictures, and how the parts' names end."""


class Found(Struct, frozen=True):
    """What was found of the assets that a shard wants, and the sizes of pictures that were read, both by path."""

    assets: dict[str, Asset]
    sizes: dict[str, Size]


class Pictures(Struct, frozen=True):
    """What a shard, or a split, gives to formats of pictures: how many there are, why the other rows are none.

    `sizes_read` counts the pictures whose size was read from their headers.
    """

    pictures: int
    sizes_read: int
    left_out: dict[str, int]


class MaterializedShard(Struct, frozen=True):
    """A shard's materialisation: rows with an asset, those whose asset is not there by reason, and its index.

    `columns` are the optional ones that a row states, sorted. `pictures` is `None`, and there are no parts, where
    labels are not drawn on pictures. `parts` are known once they are written; they are by the ends of their names.
    """

    name: str
    rows: int
    wanted: int
    found: int
    missing: dict[str, int]
    bytes: int
    index: IndexedShard
    columns: list[str]
    pictures: Pictures | None
    parts: dict[str, Part] = {}


class PartSinks:
    """Where a shard's parts go, by the ends of their names."""

    def __init__(self, sinks: Mapping[str, Sink]) -> None:
        self.images, self.annotations, self._packed = (sinks[name] for name in PARTS)
        self._packer = PartPacker()

    def write_files(self, blocks: bytes) -> None:
        """Add files to the archive."""
        self._packed.write(self._packer.compress(blocks))

    def finish(self) -> None:
        """End the part of the archive."""
        self._packed.write(self._packer.finish())


class _Drawing:
    """The pictures of a shard in the making; its rows come in shard order."""

    def __init__(self, unit: ShardUnit, capability: Capability, sizes: Mapping[str, Size], sinks: PartSinks) -> None:
        self._capability, self._sizes, self._sinks = capability, sizes, sinks
        project_id = unit.project_id if unit.apart else None
        self._coco = CocoShard(capability, unit.before.rows, unit.before.labels, project_id)
        self._yolo = YoloShard(capability, unit.shard.split, int(unit.shard.name.rpartition("/")[2]), project_id)
        self._left_out = Counter[str]()
        self._pictures = self._sizes_read = 0

    def add(self, row: LabelRow, missing: MissingReason | None) -> None:
        stated = stated_size(row)
        size = stated or self._sizes.get(row.asset or "")
        reason = left_out_reason(row, missing, size, self._capability)
        if reason is not None or size is None:
            self._left_out[str(reason)] += 1
            self._coco.leave_out(row)
            return
        self._pictures += 1
        self._sizes_read += stated is None
        image, annotations = self._coco.draw(row, size)
        self._sinks.images.write(image)
        self._sinks.annotations.write(annotations)
        self._sinks.write_files(self._yolo.draw(row))

    def finish(self) -> Pictures:
        self._sinks.write_files(self._yolo.finish())
        self._sinks.finish()
        return Pictures(self._pictures, self._sizes_read, dict(sorted(self._left_out.items())))


def materialize_shard(
    unit: ShardUnit, body: bytes, found: Found, capability: Capability, sinks: PartSinks | None
) -> tuple[MaterializedShard, dict[str, bytes]]:
    """Return the shard's materialisation and its index: the objects by the ends of their names.

    The parts of its exports are written to `sinks`, `None` where labels are not drawn on pictures.
    """
    shard = unit.shard
    indexer = ShardIndexer(shard.name, unit.project_id)
    drawing = None if sinks is None else _Drawing(unit, capability, found.sizes, sinks)
    missing = Counter[str]()
    columns = set[str]()
    rows = size = 0
    for row, line in iter_rows(body):
        asset, reason = asset_of(row, found.assets)
        rows += 1
        if asset is not None:
            size += asset.bytes
        elif reason is not None:
            missing[reason.value] += 1
        indexer.add(row, line, asset, reason)
        columns.update(columns_of(row))
        if drawing is not None:
            drawing.add(row, reason)
    index = indexer.finish()
    pictures = drawing.finish() if drawing is not None else None
    materialized = MaterializedShard(
        name=shard.name,
        rows=shard.rows,
        wanted=rows,
        found=rows - missing.total(),
        missing=dict(missing),
        bytes=size,
        index=index.facts,
        columns=sorted(columns),
        pictures=pictures,
    )
    return materialized, index.objects


class Materialization(Struct, frozen=True):
    """The whole version's materialisation: `complete`, `partial`, or `failed` when nothing was found."""

    status: str
    wanted: int
    found: int
    missing: dict[str, int]
    bytes: int


def settle_materialization(shards: Iterable[MaterializedShard]) -> Materialization:
    """Return the sum over all shards."""
    missing = Counter[str]()
    wanted = found = size = 0
    for shard in shards:
        wanted += shard.wanted
        found += shard.found
        size += shard.bytes
        missing.update(shard.missing)
    status = "complete" if found == wanted else "partial" if found else "failed"
    return Materialization(status, wanted, found, dict(sorted(missing.items())), size)


class SettledSplit(Struct, frozen=True):
    """A split: its optional columns, its pictures, and the parts of its shards, in order, by the ends of their names.

    `pictures` is `None`, and there are no parts, where labels are not drawn on pictures.
    """

    columns: list[str]
    pictures: Pictures | None
    parts: dict[str, list[Part]]


def settle_split(shards: Sequence[MaterializedShard]) -> SettledSplit:
    """Return what the shards of a split come to together."""
    columns = sorted({column for shard in shards for column in shard.columns})
    drawn = [shard.pictures for shard in shards if shard.pictures is not None]
    if not drawn:
        return SettledSplit(columns, None, {})
    left_out = Counter[str]()
    for pictures in drawn:
        left_out.update(pictures.left_out)
    whole = Pictures(
        sum(pictures.pictures for pictures in drawn),
        sum(pictures.sizes_read for pictures in drawn),
        dict(sorted(left_out.items())),
    )
    return SettledSplit(columns, whole, {ending: [shard.parts[ending] for shard in shards] for ending in PARTS})
