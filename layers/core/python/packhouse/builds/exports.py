"""The tasks of `dataset_build` that make the files: MaterializeShard, SettleMaterialization and ExportFormat."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import msgspec
from msgspec import Struct

from packhouse.aws.objects import ObjectFacts, side_by_side
from packhouse.builds.results import BuiltVersion, measured, shown_quality
from packhouse.builds.stored import (
    INDEX_TYPES,
    BuildTasks,
    Payload,
    find_result,
    read_result,
    read_results,
    write_index,
    write_result,
)
from packhouse.errors import QualityHardFailError, UnitFailedError
from packhouse.pipeline.assets import look_up_assets, wanted_assets
from packhouse.pipeline.build import ShardUnit
from packhouse.pipeline.capabilities import CAPABILITIES, Capability
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.drawn import is_drawn
from packhouse.pipeline.export import formats_of, join_coco, join_ndjson, join_yolo
from packhouse.pipeline.files import BINARY, GZIP, JSON, NDJSON, ExportFile, Part, file_names
from packhouse.pipeline.materialize import (
    ANNOTATIONS,
    IMAGES,
    PARTS,
    YOLO,
    Found,
    Materialization,
    MaterializedShard,
    PartSinks,
    SettledSplit,
    materialize_shard,
    settle_materialization,
    settle_split,
)
from packhouse.pipeline.pictures import Size, picture_size
from packhouse.pipeline.quality import AssetCounts, Verdict, evaluate_quality
from packhouse.pipeline.splits import SPLITS
from packhouse.pipeline.statistics import builtins


class SettledVersion(Struct, frozen=True):
    """What MaterializeShards came to: of the whole version, and of each split that has rows."""

    materialization: Materialization
    splits: dict[str, SettledSplit]


class ExportSteps(BuildTasks):
    """The tasks; each takes the execution's payload and returns what the next state needs."""

    def materialize_shard(self, payload: Payload) -> Payload:
        """Look up one shard's assets, write the viewer's index and the parts of its exports beside it."""
        prefix, capability = payload["prefix"], CAPABILITIES[payload["capability"]]
        unit = msgspec.convert(payload, ShardUnit)
        body = self.data.read_sealed(f"{prefix}shards/{unit.shard.name}.ndjson", unit.shard.sha256)
        found = self._find(f"{prefix}found/{unit.unit:05d}.json", unit, body, capability)
        names = {ending: f"parts/{unit.shard.name}.{ending}" for ending in PARTS} if is_drawn(capability) else {}
        with ExitStack() as written:
            writers = {
                ending: written.enter_context(self.data.writer(prefix + name, BINARY)) for ending, name in names.items()
            }
            sinks = PartSinks(writers) if writers else None
            materialized, index = materialize_shard(unit, body, found, capability, sinks)
        parts = {ending: Part(names[ending], writer.bytes, writer.sha256) for ending, writer in writers.items()}
        for ending, part in index.items():
            self.data.write_once(f"{prefix}index/{unit.shard.name}.{ending}", part, INDEX_TYPES[ending])
        result = msgspec.structs.replace(materialized, parts=parts)
        write_result(self.data, self.jobs, payload, "MaterializeShards", f"materialized/{unit.unit:05d}.json", result)
        return {"unit": unit.unit, "found": materialized.found, "wanted": materialized.wanted}

    def _find(self, key: str, unit: ShardUnit, rows: bytes, capability: Capability) -> Found:
        """Return what was found of a shard's assets, by whichever delivery wrote it down first.

        Assets come and go: looked up again, they would make other parts than those that are there.
        """
        found = self._look_up(f"projects/{unit.project_id}/assets/", rows, capability)
        body = msgspec.json.encode(found)
        written = self.data.write_unless_there(key, body, JSON)
        return found if written is body else msgspec.json.decode(written, type=Found)

    def _look_up(self, folder: str, body: bytes, capability: Capability) -> Found:
        """Look up the assets that a shard wants, and read the sizes of those pictures that no row states."""
        wanted = wanted_assets(body)

        def find_all(names: list[str]) -> Iterator[Asset | None]:
            return (_asset(facts) for facts in self.data.iter_found(folder + name for name in names))

        def list_from(below: str, after: str) -> Iterator[dict[str, Asset]]:
            for page in self.data.iter_facts(f"{folder}{below}/" if below else folder, folder + after):
                yield {facts.key.removeprefix(folder): Asset(facts.bytes, facts.etag) for facts in page}

        assets = look_up_assets(wanted.names, list_from, find_all)
        unsized = [name for name in wanted.unsized if name in assets] if is_drawn(capability) else []

        def read_size(name: str) -> Size | None:
            try:
                return picture_size(partial(self.data.read_range, folder + name), assets[name].bytes)
            except UnitFailedError:  # it is gone, or shorter than it was a moment ago
                return None

        read = zip(unsized, side_by_side(read_size, unsized), strict=True)
        return Found(assets, {name: size for name, size in read if size is not None})

    def settle_materialization(self, payload: Payload) -> Payload:
        """Sum the assets up, judge the quality again, and name the files to export."""
        self.jobs.enter_step(payload["job_id"], "SettleMaterialization", 1)
        prefix, capability = payload["prefix"], CAPABILITIES[payload["capability"]]
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        names = (f"materialized/{unit:05d}.json" for unit in range(len(built.shards)))
        shards = list(read_results(self.data, prefix, names, MaterializedShard))
        if [(shard.name, shard.index.summary.rows) for shard in shards] != [(b.name, b.rows) for b in built.shards]:
            raise UnitFailedError("SOURCE_CHANGED", "The shards that were materialized are not those that were built.")
        settled = settle_materialization(shards)
        assets = AssetCounts(settled.wanted, settled.wanted - settled.found, settled.missing)
        summary = evaluate_quality(measured(payload["capability"], built, assets), payload["policy"])
        self.data.write_once(f"{prefix}quality.json", msgspec.json.encode(summary, order="deterministic"), JSON)
        self.store.put_section(
            payload["dataset_version_id"],
            materialization=builtins(settled),
            quality=shown_quality(summary, "materialized"),
        )
        if self.enforced and summary.verdict is Verdict.HARD_FAIL:
            raise QualityHardFailError("DATASET_QUALITY_HARD_FAIL", "The quality policy found a hard failure.")
        write_index(self.data, f"{prefix}index/", [shard.index for shard in shards])
        splits = {
            split: settle_split([shard for shard in shards if shard.name.startswith(f"{split}/")])
            for split in SPLITS
            if built.splits.get(split, {}).get("samples")
        }
        self.data.write_once(
            f"{prefix}settled.json", msgspec.json.encode(SettledVersion(settled, splits), order="deterministic"), JSON
        )
        exports = [
            {"unit": f"{file_format}-{split}", "format": file_format, "split": split}
            for file_format in formats_of(capability)
            for split, found in splits.items()
            if file_format == "ndjson" or (found.pictures and found.pictures.pictures)
        ]
        self.jobs.enter_step(payload["job_id"], "ExportFormats", len(exports))
        return {"exports": exports}

    def export_format(self, payload: Payload) -> Payload:
        """Join one split's file in one format; the whole of it may take most of what a function may run."""
        name = f"exported/{payload['unit']}.json"
        if (files := find_result(self.data, payload["prefix"], name, list[ExportFile])) is not None:
            return {"unit": payload["unit"], "rows": files[0].rows}
        export = {"ndjson": self._export_ndjson, "coco": self._export_coco, "yolo": self._export_yolo}
        capability = CAPABILITIES[payload["capability"]]
        files = export[payload["format"]](payload["prefix"], payload["split"], capability)
        write_result(self.data, self.jobs, payload, "ExportFormats", name, files)
        return {"unit": payload["unit"], "rows": files[0].rows}

    def _export_ndjson(self, prefix: str, split: str, _capability: Capability) -> list[ExportFile]:
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        shards = [shard for shard in built.shards if shard.split == split]
        plain_name, packed_name = file_names("ndjson", split)
        with (
            self.data.writer(f"{prefix}exports/{plain_name}", NDJSON) as plain,
            self.data.writer(f"{prefix}exports/{packed_name}", GZIP) as packed,
        ):
            rows = join_ndjson(shards, lambda name, size: plain.copy(prefix + name, size), packed)
        content = (plain.bytes, plain.sha256)
        return [
            ExportFile(plain_name, "ndjson", split, NDJSON, *content, *content, rows),
            ExportFile(packed_name, "ndjson.gz", split, GZIP, packed.bytes, packed.sha256, *content, rows),
        ]

    def _export_coco(self, prefix: str, split: str, capability: Capability) -> list[ExportFile]:
        found = self._settled_splits(prefix)[split]
        (name,) = file_names("coco", split)
        with self.data.writer(f"{prefix}exports/{name}", JSON) as written:
            parts = found.parts[IMAGES], found.parts[ANNOTATIONS]
            join_coco(*parts, capability, written, lambda name, size: written.copy(prefix + name, size))
        content = (written.bytes, written.sha256)
        return [ExportFile(name, "coco", split, JSON, *content, *content, *_counted(found))]

    def _export_yolo(self, prefix: str, split: str, capability: Capability) -> list[ExportFile]:
        found = self._settled_splits(prefix)
        splits = [name for name, settled in found.items() if settled.pictures and settled.pictures.pictures]
        (name,) = file_names("yolo", split)
        with self.data.writer(f"{prefix}exports/{name}", GZIP) as written:
            parts = found[split].parts[YOLO]
            content = join_yolo(
                parts, capability, splits, written, lambda name, size: written.copy(prefix + name, size)
            )
        packed, unpacked = (written.bytes, written.sha256), (content.bytes, content.sha256)
        return [ExportFile(name, "yolo", split, GZIP, *packed, *unpacked, *_counted(found[split]))]

    def _settled_splits(self, prefix: str) -> dict[str, SettledSplit]:
        return read_result(self.data, prefix, "settled.json", SettledVersion).splits


def _counted(split: SettledSplit) -> tuple[int, dict[str, int]]:
    pictures = split.pictures
    return (pictures.pictures, pictures.left_out) if pictures else (0, {})


def _asset(facts: ObjectFacts | None) -> Asset | None:
    return Asset(facts.bytes, facts.etag, facts.checksum) if facts else None
