"""The tasks of `dataset_build`, in the order of its states. Reads and writes around the pure pipeline.

The first and the last one, PlanBuild and SealVersion, are in `sources`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import msgspec
import orjson

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects
from packhouse.builds.results import (
    JSON,
    BuiltVersion,
    measured,
    merge_units,
    shown_quality,
    shown_statistics,
)
from packhouse.builds.store import BuildStore, LockTakenOverError
from packhouse.errors import QualityHardFailError, UnitFailedError
from packhouse.jobs.model import Job
from packhouse.jobs.store import JobStore
from packhouse.pipeline.build import BuiltUnit, Shard, build_shard
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.export import GZIP, NDJSON, ExportFile, export_ndjson, file_names
from packhouse.pipeline.index import ShardGroup
from packhouse.pipeline.indexing import RUN_WIDTHS, IndexedShard, iter_groups, summary_bytes, write_groups
from packhouse.pipeline.materialize import (
    MaterializedShard,
    look_up_assets,
    materialize_shard,
    settle_materialization,
    wanted_assets,
)
from packhouse.pipeline.plan import Unit
from packhouse.pipeline.quality import AssetCounts, Verdict, evaluate_quality
from packhouse.pipeline.runs import Piece, Run, merge_runs
from packhouse.pipeline.statistics import builtins
from packhouse.settings import TaskSettings

BINARY = "application/octet-stream"
INDEX_TYPES = {"ndjson": NDJSON, "groups": NDJSON, "ids": BINARY, "hashes": BINARY, "contents": BINARY}
"""The content types of a shard's index, by the ends of the objects' names."""

Payload = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class BuildSteps:
    """The tasks; each takes the execution's payload and returns what the next state needs."""

    store: BuildStore
    jobs: JobStore
    data: Objects
    enforced: bool = False
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> Self:
        """Wire the tasks to their table and bucket."""
        table = settings.builds_table
        return cls(BuildStore(table), JobStore(table), Objects(settings.data_bucket), settings.enforced)

    def build_shard(self, payload: Payload) -> Payload:
        """Build one unit: read its chunks, write a shard a split and the unit's result."""
        unit = msgspec.json.decode(self.data.read(payload["key"]), type=Unit)
        bodies = self.data.iter_sealed((chunk.key, chunk.sha256) for chunk in unit.chunks)
        built, shards, left_out = build_shard(unit, bodies, CAPABILITIES[payload["capability"]])
        for shard in shards:
            self.data.write_once(f"{payload['prefix']}shards/{shard.shard.name}.ndjson", shard.body, NDJSON)
        if left_out:
            self.data.write_once(left_out_key(payload["prefix"], unit.unit), msgspec.json.encode(left_out), JSON)
        self._write_result(payload, "BuildShards", f"built/{unit.unit:05d}.json", built)
        return {"unit": unit.unit, "rows": sum(shard.shard.rows for shard in shards)}

    def evaluate_quality(self, payload: Payload) -> Payload:
        """Merge what the units built, judge it, and write the units of MaterializeShards."""
        self.jobs.enter_step(payload["job_id"], "EvaluateQuality", 1)
        prefix = payload["prefix"]
        units = [
            read_result(self.data, prefix, f"built/{unit:05d}.json", BuiltUnit)
            for unit in range(payload["plan"]["units"])
        ]
        plan = orjson.loads(self.data.read(f"{prefix}plan.json"))
        built = merge_units(units, plan)
        for shard in built.shards:
            self._demand_shard(prefix, shard)
        self.data.write_once(f"{prefix}built.json", msgspec.json.encode(built, order="deterministic"), JSON)
        summary = evaluate_quality(measured(payload["capability"], built))
        self.store.put_section(
            payload["dataset_version_id"],
            built={
                "splits": built.splits,
                "stats": shown_statistics(built, plan["rows_in"]),
                "assignment": plan["assignment"],
            },
            quality=shown_quality(summary, "built"),
        )
        materialize = [
            {"unit": number, "shard": shard.name, "project_id": project_id}
            for number, (shard, project_id) in enumerate(zip(built.shards, built.project_ids, strict=True))
        ]
        self.data.write_once(f"{prefix}shards.json", orjson.dumps(materialize), JSON)
        shut = self.enforced and summary.verdict is Verdict.HARD_FAIL
        if not shut:
            self.jobs.enter_step(payload["job_id"], "MaterializeShards", len(materialize))
        return {
            "gate": "shut" if shut else "open",
            "verdict": summary.verdict.value,
            "shards_key": f"{prefix}shards.json",
            "shards": len(materialize),
        }

    def _demand_shard(self, prefix: str, shard: Shard) -> None:
        facts = self.data.find_facts(f"{prefix}shards/{shard.name}.ndjson")
        if facts is None or facts.sha256 != shard.sha256 or facts.bytes != shard.bytes:
            raise UnitFailedError("SOURCE_CHANGED", f"The shard {shard.name} is missing or not what was built.")

    def materialize_shard(self, payload: Payload) -> Payload:
        """Look up one shard's assets and write the viewer's index beside it."""
        prefix = payload["prefix"]
        shard = self._find_shard(prefix, payload["shard"])
        body = self.data.read_sealed(f"{prefix}shards/{shard.name}.ndjson", shard.sha256)
        assets = f"projects/{payload['project_id']}/assets/"

        def find(name: str) -> Asset | None:
            facts = self.data.find_facts(assets + name)
            return Asset(facts.bytes, facts.etag, facts.checksum) if facts else None

        def list_from(folder: str, after: str) -> Iterator[dict[str, Asset]]:
            for page in self.data.iter_facts(f"{assets}{folder}/" if folder else assets, assets + after):
                yield {facts.key.removeprefix(assets): Asset(facts.bytes, facts.etag) for facts in page}

        found = look_up_assets(wanted_assets(body), list_from, find)
        materialized, index = materialize_shard(shard, payload["project_id"], body, found)
        for ending, part in index.items():
            self.data.write_once(f"{prefix}index/{shard.name}.{ending}", part, INDEX_TYPES[ending])
        self._write_result(payload, "MaterializeShards", f"materialized/{payload['unit']:05d}.json", materialized)
        return {"unit": payload["unit"], "found": materialized.found, "wanted": materialized.wanted}

    def _find_shard(self, prefix: str, name: str) -> Shard:
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        return next(shard for shard in built.shards if shard.name == name)

    def settle_materialization(self, payload: Payload) -> Payload:
        """Sum the assets up, judge the quality again, and name the files to export."""
        self.jobs.enter_step(payload["job_id"], "SettleMaterialization", 1)
        prefix = payload["prefix"]
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        shards = [
            read_result(self.data, prefix, f"materialized/{unit:05d}.json", MaterializedShard)
            for unit in range(len(built.shards))
        ]
        if [(shard.name, shard.index.summary.rows) for shard in shards] != [(b.name, b.rows) for b in built.shards]:
            raise UnitFailedError("SOURCE_CHANGED", "The shards that were materialized are not those that were built.")
        settled = settle_materialization(shards)
        assets = AssetCounts(settled.wanted, settled.wanted - settled.found)
        summary = evaluate_quality(measured(payload["capability"], built, assets))
        self.data.write_once(f"{prefix}quality.json", msgspec.json.encode(summary, order="deterministic"), JSON)
        self.store.put_section(
            payload["dataset_version_id"],
            materialization=builtins(settled),
            quality=shown_quality(summary, "materialized"),
        )
        if self.enforced and summary.verdict is Verdict.HARD_FAIL:
            raise QualityHardFailError("DATASET_QUALITY_HARD_FAIL", "The quality policy found a hard failure.")
        write_index(self.data, f"{prefix}index/", [shard.index for shard in shards])
        splits = [name for name, counts in built.splits.items() if counts["samples"]]
        exports = [{"unit": f"ndjson-{split}", "format": "ndjson", "split": split} for split in splits]
        self.jobs.enter_step(payload["job_id"], "ExportFormats", len(exports))
        return {"exports": exports}

    def export_format(self, payload: Payload) -> Payload:
        """Write one split in one format."""
        prefix, split = payload["prefix"], payload["split"]
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        shards = [shard for shard in built.shards if shard.split == split]
        plain_name, packed_name = file_names(split)

        def read(shard: Shard) -> Iterator[bytes]:
            return self.data.stream(f"{prefix}shards/{shard.name}.ndjson")

        with (
            self.data.writer(f"{prefix}exports/{plain_name}", NDJSON) as plain,
            self.data.writer(f"{prefix}exports/{packed_name}", GZIP) as packed,
        ):
            rows = export_ndjson(shards, read, plain, packed)
        files = [
            ExportFile(plain_name, "ndjson", split, NDJSON, rows, plain.bytes, plain.sha256, plain.sha256),
            ExportFile(packed_name, "ndjson.gz", split, GZIP, rows, packed.bytes, packed.sha256, plain.sha256),
        ]
        self._write_result(payload, "ExportFormats", f"exported/{payload['unit']}.json", files)
        return {"unit": payload["unit"], "rows": rows}

    def end(self, job: Job, commit: Callable[[Transaction], object]) -> None:
        """End a job that failed or was cancelled, and its version; the next equivalent request builds anew."""
        version = self.store.get(Workspace(*job.workspace.split("/")), job.dataset_version_id or "")
        moment = job.ended_at or self.clock()

        def ending() -> Transaction:
            tx = Transaction()
            self.jobs.put_ended(tx, job.job_id, job.status, moment, job.error)
            self.store.put_unready(tx, version, job.status, job.error, moment)
            return tx

        tx = ending()
        self.store.free_lock(tx, version)
        try:
            commit(tx)
        except LockTakenOverError:
            commit(ending())

    def _write_result(self, payload: Payload, step: str, name: str, result: Any) -> None:
        """Write a unit's result; the one call that made it counts the unit as done."""
        body = msgspec.json.encode(result, order="deterministic")
        if self.data.write_once(payload["prefix"] + name, body, JSON):
            self.jobs.count_unit(payload["job_id"], step)


def read_result(data: Objects, prefix: str, name: str, kind: type[_T]) -> _T:
    """Return what an earlier task of a job wrote."""
    return msgspec.json.decode(data.read(prefix + name), type=kind)


def write_index(data: Objects, prefix: str, shards: list[IndexedShard]) -> None:
    """Write the index of a version below the prefix, where those of its shards are; these come in version order."""

    def read(pieces: list[Piece]) -> Iterator[bytes]:
        return data.iter_ranges((prefix + name, start, end) for name, start, end in pieces)

    def groups_of(shard: IndexedShard) -> Iterator[ShardGroup]:
        key = f"{prefix}{shard.summary.name}.groups"
        return iter_groups(shard.group_bytes, lambda start, end: data.read_range(key, start, end))

    for name, width in RUN_WIDTHS.items():
        runs = [Run(f"{shard.summary.name}.{name}", shard.runs[name]) for shard in shards]
        with data.writer(prefix + name, INDEX_TYPES[name]) as merged:
            for part in merge_runs(runs, width, read, distinct=name == "contents"):
                merged.write(part)
    with data.writer(f"{prefix}groups.ndjson", NDJSON) as groups:
        count, blocks = write_groups(map(groups_of, shards), groups.write)
    data.write_once(f"{prefix}summary.json", summary_bytes([shard.summary for shard in shards], count, blocks), JSON)


def left_out_key(prefix: str, unit: int) -> str:
    """Return where the rows are listed that stayed out of a unit; there is none when none did."""
    return f"{prefix}left-out/{unit:05d}.json"
