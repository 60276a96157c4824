"""Use cases of dataset versions: list them, trace one, compare two, download one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from pydantic import BaseModel

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, later, now
from packhouse.aws.dynamo import Place, read_together
from packhouse.aws.objects import URL_SECONDS, Objects
from packhouse.builds.model import (
    LISTED_PACKS,
    DatasetVersion,
    LineageKind,
    VersionRow,
    demand_ready,
    not_indexed,
    not_ready,
)
from packhouse.builds.results import BuiltVersion, left_out_sample
from packhouse.builds.sources import read_snapshot
from packhouse.builds.store import BuildStore
from packhouse.builds.stored import left_out_key
from packhouse.catalog.store import CatalogStore
from packhouse.errors import ConflictError, NotFoundError, UnitFailedError
from packhouse.freezes.model import FreezeState, Overlap
from packhouse.freezes.protections import Protections
from packhouse.pipeline.build import LeftOutRow, Shard
from packhouse.pipeline.diff import ShardRows, class_deltas, diff_rows, differing, read_index
from packhouse.pipeline.statistics import builtins

DIFF_ROWS, DIFF_SHARDS = 1_000_000, 2_000
"""As much of one version a request compares: so many rows take about 190 MB, so many shards some seconds to read."""


@dataclass(frozen=True)
class Versions:
    """The dataset versions of projects, as they were built."""

    store: BuildStore
    catalog: CatalogStore
    data: Objects
    protections: Protections
    clock: Clock = now

    def get_with_freeze(
        self, workspace: Workspace, dataset_version_id: str
    ) -> tuple[DatasetVersion, FreezeState, list[Overlap]]:
        """Return a version, whether it is frozen, and its overlap with others that are; one read.

        One query a megabyte where what is frozen has changed; one read of S3 for each of these versions that has more
        packs than its item names.
        """
        freezes = self.protections.store
        fence = freezes.freezes_key()
        found = read_together(
            [self.store.version_key(dataset_version_id), freezes.state_key(dataset_version_id), fence]
        )
        version = self.store.version_in(found, workspace, dataset_version_id)
        frozen = self.protections.list_frozen(freezes.epoch_in(found, fence))
        others = [each for each in frozen if each.dataset_version_id != dataset_version_id]
        overlaps = self.protections.overlaps(self.protections.included(version), others) if others else []
        return version, freezes.state_in(found, dataset_version_id), overlaps

    def list_versions(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[VersionRow], Place | None]:
        """Return a page of the project's versions, newest first, and where the next page begins."""
        rows, rest = self.store.list_versions(workspace, filters, limit, after)
        if not rows and after is None:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        return rows, rest

    def list_lineage(
        self, workspace: Workspace, dataset_version_id: str, kind: LineageKind, limit: int, start: int
    ) -> tuple[list[BaseModel], int | None]:
        """Return a page of a version's lineage, and how much of it comes before the next page, if there is one.

        Packs are in the order of their ids. Rows that stayed out are in the order of the units that read them, in a
        unit by sample id; `ConflictError` (`DATASET_NOT_READY`) until they are known.
        """
        version = self.store.get(workspace, dataset_version_id)
        if kind is LineageKind.LEFT_OUT:
            listed, total = self._left_out(version, limit, start)
        else:
            total = version.included_count if kind is LineageKind.INCLUDED else version.excluded_count
            # A version names the first ones itself.
            known = version if total <= LISTED_PACKS else read_snapshot(self.data, version.snapshot_key)
            packs = known.included if kind is LineageKind.INCLUDED else known.excluded
            listed = list(packs[start : start + limit])
        return listed, start + limit if start + limit < total else None

    def _left_out(self, version: DatasetVersion, limit: int, start: int) -> tuple[list[BaseModel], int]:
        if version.built is None:
            raise not_ready(version)
        units = orjson.loads(self.data.read(f"{version.prefix}plan.json"))["left_out"]
        sources = read_snapshot(self.data, version.snapshot_key).included if units else ()
        listed: list[BaseModel] = []
        before = 0
        for unit, count in units:
            if before < start + limit and start < before + count:
                rows = msgspec.json.decode(self.data.read(left_out_key(version.prefix, unit)), type=list[LeftOutRow])
                wanted = rows[max(start - before, 0) : start + limit - before]
                listed += [left_out_sample(row, sources[row.source], sources[row.kept_source]) for row in wanted]
            before += count
        return listed, before

    def diff(self, workspace: Workspace, dataset_version_id: str, against: str) -> dict[str, Any]:
        """Return what changed from the version `against` to the other one: rows, and labels per class.

        Both must be ready. Shards that both have are not read; `ConflictError` (`DIFF_TOO_LARGE`) when the others of
        one are more than `DIFF_SHARDS`, or have more than `DIFF_ROWS` rows.
        """
        versions = [self.store.get(workspace, name) for name in (against, dataset_version_id)]
        for version in versions:
            demand_ready(version)
        shards = differing(self._shards(versions[0]), self._shards(versions[1]))
        if max(sum(shard.rows for shard in differ) for differ in shards) > DIFF_ROWS:
            raise ConflictError("DIFF_TOO_LARGE", f"More than {DIFF_ROWS:,} rows are in shards that differ.")
        if max(map(len, shards)) > DIFF_SHARDS:
            raise ConflictError("DIFF_TOO_LARGE", f"More than {DIFF_SHARDS:,} shards differ.")
        before, after = (self._iter_rows(*pair) for pair in zip(versions, shards, strict=True))
        classes = [(version.built or {})["stats"]["classes"] for version in versions]
        return {
            "dataset_version_id": dataset_version_id,
            "against": against,
            "rows": diff_rows(before, after).shown(),
            "classes": builtins(class_deltas(*classes)),
        }

    def _shards(self, version: DatasetVersion) -> list[Shard]:
        return msgspec.json.decode(self.data.read(f"{version.prefix}built.json"), type=BuiltVersion).shards

    def _iter_rows(self, version: DatasetVersion, shards: list[Shard]) -> Iterator[ShardRows]:
        blocks = self.data.iter_read(f"{version.prefix}index/{shard.name}.ndjson" for shard in shards)
        try:
            yield from map(read_index, blocks)
        except UnitFailedError as error:
            raise not_indexed(version) from error

    def list_exports(self, workspace: Workspace, dataset_version_id: str) -> list[dict[str, Any]]:
        """Return the files of a version that is ready, each with a URL that downloads it for a quarter of an hour."""
        version = self.store.get(workspace, dataset_version_id)
        sealed = demand_ready(version)
        expires_at = later(self.clock(), URL_SECONDS)
        return [self._downloadable(version, file) | {"expires_at": expires_at} for file in sealed["exports"]]

    def _downloadable(self, version: DatasetVersion, file: Mapping[str, Any]) -> dict[str, Any]:
        # Under their own names, by which the card and the others find each other in a folder.
        url = self.data.presign_get(f"{version.prefix}{file['key']}", file["name"], file["content_type"])
        return {**file, "url": url}

    def get_export(self, workspace: Workspace, dataset_version_id: str, name: str) -> dict[str, Any]:
        """Return one file of a version by its name."""
        for file in self.list_exports(workspace, dataset_version_id):
            if file["name"] == name:
                return file
        raise NotFoundError("EXPORT_NOT_FOUND", f"{dataset_version_id} has no export {name}.")
