"""Use cases of the samples viewer: list a version's samples, show one, say what there is to filter by."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import msgspec

from packhouse.access.model import Action, Principal, Workspace
from packhouse.access.rules import permit
from packhouse.aws.clock import Clock, later, now
from packhouse.aws.dynamo import Place
from packhouse.aws.objects import URL_SECONDS
from packhouse.aws.warm import WarmObjects
from packhouse.builds.model import DatasetVersion, demand_ready, not_indexed
from packhouse.builds.store import BuildStore
from packhouse.errors import NotFoundError, UnitFailedError
from packhouse.pipeline import lookup
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.index import Summary, decode_summary
from packhouse.pipeline.rows import LabelRow, decode_canonical
from packhouse.pipeline.scan import IndexRow, Wanted
from packhouse.pipeline.scan import Place as Row
from packhouse.pipeline.statistics import builtins
from packhouse.samples.model import Asset, AssetReason, Sample, SampleRow, State
from packhouse.samples.rules import content_type_of, overlay_of

_decoded = lru_cache(4)(decode_summary)
"""Keeps the summaries of the versions looked at last: they grow with a version, and its pages must not."""


CLASSES_LISTED = 50
"""So many of a sample's classes a list names: a page stays far below what a function may answer."""


@dataclass(frozen=True)
class Samples:
    """The samples of dataset versions that are ready."""

    store: BuildStore
    data: WarmObjects
    clock: Clock = now

    def list_samples(
        self, workspace: Workspace, version_id: str, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[SampleRow], Place | None]:
        """Return a page of a version's samples in version order, and where the next page begins.

        Three reads at most; a page for which they do not suffice is short, and yet not the last.
        """
        index = _Index.of(self.store.get(workspace, version_id), self.data)
        place = Row(**(after or {}))
        rows, rest = lookup.page(index.load_summary(), _wanted(filters), place, limit, index.read)
        return [_listed(row) for row in rows], None if rest is None else builtins(rest)

    def get_sample(
        self, workspace: Workspace, version_id: str, sample_id: str, filters: Mapping[str, str], caller: Principal
    ) -> Sample:
        """Return a sample with its neighbours among those that pass the filters; it need not pass them itself.

        Three reads, and some more where a neighbour is not in the sample's block of the index (`lookup.neighbours`).
        """
        index = _Index.of(self.store.get(workspace, version_id), self.data)
        found = lookup.find(sample_id, index.rows, index.read)
        if found is None:
            raise NotFoundError("SAMPLE_NOT_FOUND", f"{version_id} has no sample {sample_id}.")
        around = lookup.neighbours(found, _wanted(filters), index.load_summary, index.read)
        place = found.row
        row = index.read_row(place)
        return Sample(
            **_known(place),
            dataset_version_id=version_id,
            capability=index.version.capability,
            width=row.width or None,
            height=row.height or None,
            labels=builtins(row.labels),
            asset=self._asset(index, place, row, caller),
            overlay=overlay_of(CAPABILITIES[index.version.capability], row.labels),
            previous=around.previous,
            next=around.next,
            neighbours_complete=around.complete,
        )

    def list_facets(self, workspace: Workspace, version_id: str, group_prefix: str) -> dict[str, Any]:
        """Return the values of each filter with their counts; of groups the first ones that begin with the prefix."""
        index = _Index.of(self.store.get(workspace, version_id), self.data)
        found: dict[str, Any] = builtins(lookup.facets(index.load_summary(), group_prefix, index.read))
        return found

    def _asset(self, index: "_Index", place: IndexRow, row: LabelRow, caller: Principal) -> Asset:
        if place.asset_reason is not None or not row.asset:
            return Asset(state=State.UNAVAILABLE, reason_code=_reason(place))
        if not permit(caller, *index.home_of(place.project_id), Action.READ).allowed:
            return Asset(state=State.UNAVAILABLE, reason_code=AssetReason.ASSET_NOT_PERMITTED)
        content_type = content_type_of(row.asset)
        return Asset(
            state=State.AVAILABLE,
            expires_at=later(self.clock(), URL_SECONDS),
            url=self.data.presign_get(f"projects/{place.project_id}/assets/{row.asset}", None, content_type),
            bytes=place.asset_bytes,
            content_type=content_type,
        )


@dataclass(frozen=True)
class _Index:
    """The index of a version that is ready, and the rows that it leads to."""

    version: DatasetVersion
    data: WarmObjects

    @classmethod
    def of(cls, version: DatasetVersion, data: WarmObjects) -> Self:
        """Return the index of a version; `ConflictError` (`DATASET_NOT_READY`) until that is ready."""
        demand_ready(version)
        return cls(version, data)

    @property
    def rows(self) -> int:
        """How many rows the version has."""
        return int((self.version.built or {})["stats"]["rows"])

    def home_of(self, project_id: str) -> Workspace:
        """Return the workspace of a project that the version has sources of; one read where they are many."""
        version = self.version
        homes = {version.project_id: version.workspace}
        if project_id not in homes:
            homes |= {pack.project_id: pack.workspace for pack in version.included}
        if project_id not in homes:
            homes |= {
                pack.project_id: pack.workspace
                for pack in _sources.decode(self.data.read(version.snapshot_key)).included
            }
        return Workspace(*homes[project_id].split("/"))

    def load_summary(self) -> Summary:
        """Return what tells where to read."""
        return _decoded(self.read("summary.json"))

    def read(self, name: str, *span: int) -> bytes:
        """Return an object below `index/`, or the bytes of it from the first number on and before the second."""
        key = f"{self.version.prefix}index/{name}"
        try:
            return self.data.read_range(key, *span) if span else self.data.read(key)
        except UnitFailedError as error:
            raise not_indexed(self.version) from error

    def read_row(self, place: IndexRow) -> LabelRow:
        """Return the row itself."""
        key = f"{self.version.prefix}shards/{place.shard}.ndjson"
        return decode_canonical(self.data.read_range(key, place.start, place.end))


def _wanted(filters: Mapping[str, str]) -> Wanted:
    return Wanted(filters.get("split"), filters.get("class"), filters.get("camera_type"), filters.get("group"))


def _reason(place: IndexRow) -> AssetReason | None:
    return None if place.asset_reason is None else AssetReason(place.asset_reason)


def _known(place: IndexRow) -> dict[str, Any]:
    """What list and detail both show of a sample; a group or camera type that is none is null."""
    return {
        "sample_id": place.sample_id,
        "split": place.split,
        "group": place.group or None,
        "camera_type": place.camera_type or None,
        "classes": place.classes,
    }


class _Source(msgspec.Struct):
    project_id: str
    workspace: str


class _Sources(msgspec.Struct):
    """What is read of a version's snapshot."""

    included: list[_Source]


_sources = msgspec.json.Decoder(_Sources)


def _listed(place: IndexRow) -> SampleRow:
    reason = _reason(place)
    known = _known(place) | {"classes": None if place.classes is None else place.classes[:CLASSES_LISTED]}
    return SampleRow(**known, asset=State.UNAVAILABLE if reason else State.AVAILABLE, reason_code=reason)
