"""What the units of a build come to together, and how a version shows it. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from packhouse.builds.model import IncludedPack, LeftOutSample
from packhouse.errors import UnitFailedError
from packhouse.pipeline.build import BuiltUnit, LeftOutRow, Shard, count_left_out, merge_statistics
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.files import JSON, MANIFEST, ExportFile, whole_file
from packhouse.pipeline.quality import AssetCounts, Measured, QualitySummary
from packhouse.pipeline.statistics import Statistics, Tally, builtins

NAMES_SHOWN = 200
"""So many classes and cameras a version's item names."""

_Count = TypeVar("_Count")


class BuiltVersion(msgspec.Struct, frozen=True):
    """What BuildShards came to: every shard with the project of its assets, and the statistics of all rows."""

    shards: list[Shard]
    project_ids: list[str]
    statistics: Statistics
    left_out: dict[str, int]
    incomplete_sources: list[str]
    splits: dict[str, dict[str, int]]


def merge_units(results: Iterable[BuiltUnit], plan: dict[str, Any]) -> BuiltVersion:
    """Put the units' results together; `UnitFailedError` when the rows do not add up to the plan's."""
    units = list(results)
    rows_in = sum(unit.rows_in for unit in units)
    left_out = count_left_out(units)
    placed = sorted(
        ((shard, unit.project_id) for unit in units for shard in unit.shards),
        key=lambda entry: (list(plan["splits"]).index(entry[0].split), entry[0].name),
    )
    labels = {shard.name: unit.statistics[shard.split].labels for unit in units for shard in unit.shards}
    shards = [msgspec.structs.replace(shard, labels=labels[shard.name]) for shard, _ in placed]
    statistics = merge_statistics(unit.statistics[shard.split] for unit in units for shard in unit.shards)
    if rows_in != plan["rows_in"] or statistics.rows + sum(left_out.values()) != rows_in:
        detail = f"{plan['rows_in']} rows were planned, {rows_in} read, {statistics.rows} kept, {left_out} left out."
        raise UnitFailedError("SOURCE_CHANGED", detail)
    samples = {name: sum(shard.rows for shard in shards if shard.split == name) for name in plan["splits"]}
    splits = {name: {"samples": samples[name], "groups": plan["splits"][name]["groups"]} for name in plan["splits"]}
    project_ids = [project_id for _, project_id in placed]
    return BuiltVersion(shards, project_ids, statistics, left_out, plan["incomplete_sources"], splits)


def measured(capability: str, built: BuiltVersion, assets: AssetCounts | None = None) -> Measured:
    """Return what the quality policy is held against."""
    groups = {name: counts["groups"] for name, counts in built.splits.items()}
    return Measured(CAPABILITIES[capability], built.statistics, groups, built.incomplete_sources, assets)


def shown_statistics(built: BuiltVersion, rows_in: int) -> dict[str, Any]:
    """Return the counts of a version as its detail shows them."""
    counted = built.statistics
    return {
        "rows_in": rows_in,
        "rows": counted.rows,
        "left_out": built.left_out,
        "unlabelled": counted.unlabelled,
        "empty": counted.empty,
        "labels": counted.labels,
        "classes": {name: builtins(counted.classes[name]) for name in _commonest(counted.classes, _labels_of)},
        "cameras": {name: counted.cameras[name] for name in _commonest(counted.cameras, int)},
        "groups": sum(counts["groups"] for counts in built.splits.values()),
    }


def _commonest(counts: Mapping[str, _Count], size: Callable[[_Count], int]) -> list[str]:
    """Return the names of the `NAMES_SHOWN` largest, by name: a version's item must not grow with its rows."""
    return sorted(sorted(counts, key=lambda name: (-size(counts[name]), name))[:NAMES_SHOWN])


def _labels_of(tally: Tally) -> int:
    return tally.labels


def shown_quality(summary: QualitySummary, stage: str) -> dict[str, Any]:
    """Return the verdict as a version's detail shows it; judged at `stage` (`built`, `materialized`)."""
    return {
        "status": summary.verdict.value,
        "policy_version": summary.policy_version,
        "warnings": summary.warnings,
        "hard_fails": summary.hard_fails,
        "stage": stage,
        "indicators": builtins(summary.indicators),
    }


def shown_seal(manifest_hash: str, manifest: bytes, files: list[ExportFile]) -> dict[str, Any]:
    """Return what sealing adds to a version: the manifest's hash and the files to download, the manifest among them."""
    sealed = whole_file(MANIFEST, "manifest", JSON, manifest)
    keys = [f"exports/{file.name}" for file in files] + [MANIFEST]
    exports = [builtins(file) | {"key": key} for file, key in zip([*files, sealed], keys, strict=True)]
    return {"manifest_hash": manifest_hash, "exports": exports}


def left_out_sample(row: LeftOutRow, source: IncludedPack, kept: IncludedPack) -> LeftOutSample:
    """Return the lineage of a row that stayed out, its sources by their names."""
    return LeftOutSample(
        sample_id=row.sample_id,
        reason_code=row.reason_code,
        label_pack_id=source.label_pack_id,
        revision_id=source.revision_id,
        kept_label_pack_id=kept.label_pack_id,
        kept_revision_id=kept.revision_id,
    )
