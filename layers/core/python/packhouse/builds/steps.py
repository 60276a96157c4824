"""The tasks of `dataset_build` that make the rows: BuildShard and EvaluateQuality.

Those behind them are in `exports`; PlanBuild and SealVersion, the first and the last one, are in `sources`.
"""

import msgspec
import orjson

from packhouse.builds.model import MaterializationStatus
from packhouse.builds.results import measured, merge_units, shown_quality, shown_statistics
from packhouse.builds.stored import BuildTasks, Payload, left_out_key, read_results, write_result
from packhouse.pipeline.build import BuiltUnit, build_shard, shard_units
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.files import JSON, NDJSON
from packhouse.pipeline.plan import Unit
from packhouse.pipeline.quality import Verdict, evaluate_quality


class BuildSteps(BuildTasks):
    """The tasks; each takes the execution's payload and returns what the next state needs."""

    def build_shard(self, payload: Payload) -> Payload:
        """Build one unit: read its chunks, write a shard a split and the unit's result."""
        unit = msgspec.json.decode(self.data.read(payload["key"]), type=Unit)
        bodies = self.data.iter_sealed((chunk.key, chunk.sha256) for chunk in unit.chunks)
        built, shards, left_out = build_shard(unit, bodies, CAPABILITIES[payload["capability"]])
        for shard in shards:
            self.data.write_once(f"{payload['prefix']}shards/{shard.shard.name}.ndjson", shard.body, NDJSON)
        if left_out:
            self.data.write_once(left_out_key(payload["prefix"], unit.unit), msgspec.json.encode(left_out), JSON)
        write_result(self.data, self.jobs, payload, "BuildShards", f"built/{unit.unit:05d}.json", built)
        return {"unit": unit.unit, "rows": sum(shard.shard.rows for shard in shards)}

    def evaluate_quality(self, payload: Payload) -> Payload:
        """Merge what the units built, judge it, and write the units of MaterializeShards."""
        self.jobs.enter_step(payload["job_id"], "EvaluateQuality", 1)
        prefix = payload["prefix"]
        names = (f"built/{unit:05d}.json" for unit in range(payload["plan"]["units"]))
        plan = orjson.loads(self.data.read(f"{prefix}plan.json"))
        built = merge_units(read_results(self.data, prefix, names, BuiltUnit), plan)
        self.data.demand_written((f"{prefix}shards/{shard.name}.ndjson", shard.sha256) for shard in built.shards)
        self.data.write_once(f"{prefix}built.json", msgspec.json.encode(built, order="deterministic"), JSON)
        summary = evaluate_quality(measured(payload["capability"], built), payload["policy"])
        shut = self.enforced and summary.verdict is Verdict.HARD_FAIL
        begun = {} if shut else {"materialization": {"status": MaterializationStatus.RUNNING}}
        self.store.put_built(
            payload["dataset_version_id"],
            built={
                "splits": built.splits,
                "stats": shown_statistics(built, plan["rows_in"]),
                "assignment": plan["assignment"],
            },
            quality=shown_quality(summary, "built"),
            **begun,
        )
        units = shard_units(built.shards, built.project_ids)
        self.data.write_once(f"{prefix}shards.json", msgspec.json.encode(units), JSON)
        if not shut:
            self.jobs.enter_step(payload["job_id"], "MaterializeShards", len(units))
        return {
            "gate": "shut" if shut else "open",
            "verdict": summary.verdict.value,
            "shards_key": f"{prefix}shards.json",
            "shards": len(units),
        }
