"""Shards with pictures, materialized in memory, for the tests of exports and of their verification."""

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from msgspec.structs import replace

from packhouse.pipeline.build import BuiltShard, Shard, ShardUnit, shard_units
from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.export import join_coco, join_ndjson, join_yolo
from packhouse.pipeline.files import Content, Part
from packhouse.pipeline.fingerprints import digest
from packhouse.pipeline.materialize import (
    ANNOTATIONS,
    IMAGES,
    PARTS,
    YOLO,
    Found,
    MaterializedShard,
    PartSinks,
    materialize_shard,
)
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.splits import SplitPlan
from tests.unit.pipeline.labels import BALL, THIRDS, build, ndjson

ALL_TRAIN = SplitPlan(THIRDS.strategy, {"train": 10_000}, 0)
THERE, LOST, EMPTY = Asset(7, "x"), None, Asset(0, "y")
BLOCK = 7


class Store:
    """Objects by name, read in small blocks; a file that is joined of them takes their bytes."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def taking(self, sink: BytesIO) -> Callable[[str, int], Iterator[bytes]]:
        def take(name: str, size: int) -> Iterator[bytes]:
            body = self.objects[name][:size]
            for at in range(0, size, BLOCK):
                sink.write(body[at : at + BLOCK])
                yield body[at : at + BLOCK]

        return take


class Drawn(NamedTuple):
    """A version of one split, materialized: its shards, what came of each, and the objects."""

    shards: list[Shard]
    materialized: list[MaterializedShard]
    indexes: list[dict[str, bytes]]
    store: Store
    capability: Capability

    def parts(self, ending: str) -> list[Part]:
        return [shard.parts[ending] for shard in self.materialized]

    def ndjson(self) -> tuple[int, bytes, bytes]:
        plain, packed = BytesIO(), BytesIO()
        rows = join_ndjson(self.shards, self.store.taking(plain), packed)
        return rows, plain.getvalue(), packed.getvalue()

    def coco(self) -> bytes:
        joined = BytesIO()
        join_coco(self.parts(IMAGES), self.parts(ANNOTATIONS), self.capability, joined, self.store.taking(joined))
        return joined.getvalue()

    def yolo(self, splits: Sequence[str] = ("train",)) -> tuple[Content, bytes]:
        joined = BytesIO()
        content = join_yolo(self.parts(YOLO), self.capability, splits, joined, self.store.taking(joined))
        return content, joined.getvalue()


def draw(
    uploads: Sequence[Sequence[dict[str, Any]]],
    assets: dict[str, Asset] | None = None,
    sizes: dict[str, Size] | None = None,
    capability: Capability = BALL,
    projects: Sequence[str] | None = None,
) -> Drawn:
    """Build a shard of each upload, all in `train`, and materialize them; without `assets` every one is there."""
    shards = [_renamed(only_shard(upload, capability), number) for number, upload in enumerate(uploads)]
    store = Store()
    for built in shards:
        store.objects[f"shards/{built.shard.name}.ndjson"] = built.body
    units = shard_units([built.shard for built in shards], projects or ["prj_1"] * len(shards))
    done = [
        _materialize(unit, built.body, _found(upload, assets, sizes), capability, store)
        for unit, built, upload in zip(units, shards, uploads, strict=True)
    ]
    return Drawn([b.shard for b in shards], [one for one, _ in done], [index for _, index in done], store, capability)


def only_shard(rows: Sequence[dict[str, Any]], capability: Capability = BALL) -> BuiltShard:
    """Return the one shard of an upload."""
    _, units = build([ndjson(rows)], ALL_TRAIN, capability=capability)
    return units[0][1][0]


def _renamed(built: BuiltShard, number: int) -> BuiltShard:
    return BuiltShard(replace(built.shard, name=f"train/{number:05d}"), built.body, built.statistics)


def _found(
    rows: Sequence[dict[str, Any]], assets: dict[str, Asset] | None, sizes: dict[str, Size] | None
) -> Found:
    named = {row["asset"]: THERE for row in rows if row.get("asset")}
    return Found(named if assets is None else assets, sizes or {})


def _materialize(
    unit: ShardUnit, body: bytes, found: Found, capability: Capability, store: Store
) -> tuple[MaterializedShard, dict[str, bytes]]:
    sinks = {ending: BytesIO() for ending in PARTS}
    materialized, index = materialize_shard(unit, body, found, capability, PartSinks(sinks))
    parts = {}
    for ending, sink in sinks.items():
        name = f"parts/{unit.shard.name}.{ending}"
        store.objects[name] = sink.getvalue()
        parts[ending] = Part(name, len(sink.getvalue()), digest(sink.getvalue()).removeprefix("sha256:"))
    return replace(materialized, parts=parts), index
