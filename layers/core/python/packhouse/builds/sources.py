"""What a build is made of: its snapshot, what its sources hold, and whether they may still go in.

PlanBuild, the first task of `dataset_build`, is here. SealVersion, the last one (`sealing`), looks at the sources once
more: one that was withdrawn in between is in no version that is ready.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import msgspec
import orjson

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Found, Transaction, read_together
from packhouse.aws.objects import Objects
from packhouse.builds.model import IncludedPack, Snapshot
from packhouse.builds.rules import withdrawal
from packhouse.builds.store import BuildStore
from packhouse.builds.stored import Payload
from packhouse.catalog.model import Project
from packhouse.catalog.store import CatalogStore
from packhouse.errors import UnitFailedError
from packhouse.jobs.store import JobStore
from packhouse.labels.model import revision_prefix
from packhouse.labels.store import LabelStore
from packhouse.pipeline.files import JSON
from packhouse.pipeline.fingerprints import digest
from packhouse.pipeline.issues import Issue, move_issues, uncounted_moves
from packhouse.pipeline.keys import ChunkKeys, SampleKeys
from packhouse.pipeline.moves import differing_chunks, find_moved, place_chunk
from packhouse.pipeline.plan import (
    BuildPlan,
    ChunkFacts,
    Source,
    SourceChunk,
    Unit,
    plan_build,
    read_assignment,
)
from packhouse.pipeline.splits import SplitPlan
from packhouse.pipeline.statistics import decode_statistics
from packhouse.settings import SourceTaskSettings
from packhouse.uploads.ingest import chunk_key

TOLD = 5
COMPARED_ROWS = 2_000_000
"""As many rows of a version that is kept are compared with the new one."""


def read_snapshot(data: Objects, key: str) -> Snapshot:
    """Return what a build was asked."""
    return Snapshot.model_validate_json(data.read(key))


def plan_sources(data: Objects, snapshot: Snapshot) -> tuple[BuildPlan, bytes]:
    """Return the plan of what was asked, and the assignment that later versions can be held to.

    One function for a build and its preflight, which is why the two cannot disagree. It reads statistics and sample
    keys of every chunk, no row. `UnitFailedError` when a source is not what was approved.
    """
    sources = [
        Source(pack.label_pack_id, pack.revision_id, pack.content_hash, pack.project_id, pack.rows)
        for pack in snapshot.included
    ]
    split = SplitPlan.from_snapshot(snapshot.split)
    kept = None
    if snapshot.kept_key is not None and split.sticky is not None:
        kept = read_assignment(data.read_sealed(snapshot.kept_key, split.sticky.removeprefix("sha256:")))
    read = list(_iter_chunks(data, snapshot.included))
    chunks, keys = [facts for facts, _ in read], {facts.chunk.key: chunk_keys for facts, chunk_keys in read}
    plan = plan_build(sources, chunks, SampleKeys(list(keys.values()), data.iter_ranges), split, kept)
    if kept is not None and snapshot.kept_key is not None:
        issues = _moves(data, snapshot.kept_key.removesuffix("assignment.json"), plan.units, chunks, keys)
        plan = msgspec.structs.replace(plan, issues=plan.issues + issues)
    return plan, plan.assignment(kept)


def _moves(
    data: Objects, kept_prefix: str, units: Iterable[Unit], chunks: list[ChunkFacts], keys: dict[str, ChunkKeys]
) -> list[Issue]:
    """Return what is to be said of samples that leave the split which they have in the version that is kept.

    Chunks that both versions have with the same rows are not read. `keys` are those of `chunks`, by a chunk's key.
    """
    kept_units = data.iter_read(unit["key"] for unit in orjson.loads(data.read(f"{kept_prefix}units.json")))
    differing = differing_chunks((msgspec.json.decode(body, type=Unit) for body in kept_units), units)
    if sum(chunk.rows for chunk in differing.before) > COMPARED_ROWS:
        return [uncounted_moves()]
    stems = [chunk.key.removesuffix(".ndjson") for chunk in differing.before]
    counted = data.iter_read(f"{stem}.stats.json" for stem in stems)
    before = [
        place_chunk(chunk, decode_statistics(body).groups)
        for chunk, body in zip(differing.before, counted, strict=True)
    ]
    groups = {facts.chunk.key: facts.groups for facts in chunks}
    after = [place_chunk(chunk, groups[chunk.key]) for chunk in differing.after]
    listed = [ChunkKeys(f"{stem}.keys", chunk.rows, None) for stem, chunk in zip(stems, differing.before, strict=True)]
    listed += [keys[chunk.key] for chunk in differing.after]
    return move_issues(find_moved(before, after, SampleKeys(listed, data.iter_ranges)))


def _iter_chunks(data: Objects, included: tuple[IncludedPack, ...]) -> Iterator[tuple[ChunkFacts, ChunkKeys]]:
    """Yield the sources' chunks in order, once each revision is known to be the one that was approved."""
    prefixes = [revision_prefix(pack.project_id, pack.label_pack_id, pack.revision_id) for pack in included]
    revisions = data.iter_sealed(
        (f"{prefix}revision.json", pack.content_hash.removeprefix("sha256:"))
        for prefix, pack in zip(prefixes, included, strict=True)
    )
    listed = [
        (number, chunk_key(prefixes[number], chunk["part"]), chunk)
        for number, body in enumerate(revisions)
        for chunk in orjson.loads(body)["chunks"]
    ]
    counted = data.iter_sealed((f"{stem}.stats.json", chunk["statistics_sha256"]) for _, stem, chunk in listed)
    for (number, stem, chunk), statistics in zip(listed, counted, strict=True):
        facts = SourceChunk(
            number, included[number].project_id, f"{stem}.ndjson", chunk["sha256"], chunk["rows"], chunk["bytes"]
        )
        keys = ChunkKeys(f"{stem}.keys", chunk["rows"], chunk["keys_sha256"])
        yield ChunkFacts(facts, decode_statistics(statistics).groups), keys


class Seen(NamedTuple):
    """What it rests on that the sources may go in: the fences and projects that they lie behind, by workspace."""

    fences: Found
    projects: dict[str, Project]


@dataclass(frozen=True)
class SourceSteps:
    """The first task, and what the last one shares with it: both look at the sources themselves."""

    store: BuildStore
    jobs: JobStore
    labels: LabelStore
    catalog: CatalogStore
    data: Objects
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: SourceTaskSettings) -> Self:
        """Wire the tasks to their tables and bucket."""
        return cls(
            BuildStore(settings.builds_table),
            JobStore(settings.builds_table),
            LabelStore(settings.labels_table),
            CatalogStore(settings.catalog_table),
            Objects(settings.data_bucket),
        )

    def plan_build(self, payload: Payload) -> Payload:
        """Merge the sources' statistics and keys, assign groups to splits, write the units of the map."""
        self.jobs.enter_step(payload["job_id"], "PlanBuild", 1)
        self.store.put_section(payload["dataset_version_id"])
        snapshot = read_snapshot(self.data, payload["snapshot_key"])
        self.demand_sources(snapshot)
        plan, assignment = plan_sources(self.data, snapshot)
        for issue in plan.issues:
            if issue.level == "error":
                raise UnitFailedError(issue.code, issue.detail)
        prefix = payload["prefix"]
        units, left_out = [], []
        for number in range(len(plan.units)):
            key = f"{prefix}units/{number:05d}.json"
            if count := self._write_unit(key, plan.units[number]):
                left_out.append([number, count])
            units.append({"unit": number, "key": key})
        self.data.write_once(f"{prefix}assignment.json", assignment, JSON)
        summary = plan.summary() | {"assignment": digest(assignment), "left_out": left_out}
        self.data.write_once(f"{prefix}units.json", orjson.dumps(units), JSON)
        self.data.write_once(f"{prefix}plan.json", orjson.dumps(summary), JSON)
        self.jobs.enter_step(payload["job_id"], "BuildShards", len(units))
        return {"units_key": f"{prefix}units.json", "units": len(units)}

    def _write_unit(self, key: str, unit: Unit) -> int:
        """Write a unit and return how many rows of it stay out."""
        self.data.write_once(key, msgspec.json.encode(unit), JSON)
        return sum(len(chunk.left_out) for chunk in unit.chunks)

    def demand_sources(self, snapshot: Snapshot) -> Seen:
        """Require that every source may go in, and return what that rests on.

        Fences first: a withdrawal that the packs do not show yet moves the fence from what is returned of it.
        """
        workspaces = [Workspace(*name.split("/")) for name in sorted({pack.workspace for pack in snapshot.included})]
        fences = read_together([self.labels.fence_key(workspace) for workspace in workspaces])
        keys = [self.catalog.project_key(workspace) for workspace in workspaces]
        for source in snapshot.included:
            keys.append(self.labels.pack_key(source.label_pack_id))
            keys.append(self.labels.revision_key(source.label_pack_id, source.revision_id))
        found = read_together(keys)
        packs, revisions = self.labels.packs_in(found), self.labels.revisions_in(found)
        projects = self.catalog.projects_in(found)
        withdrawn = [
            f"{source.label_pack_id} ({reason})"
            for source in snapshot.included
            if (
                reason := withdrawal(
                    packs.get(source.label_pack_id),
                    revisions.get(source.revision_id),
                    projects.get(source.workspace),
                    include_reviewed=snapshot.include_reviewed,
                )
            )
        ]
        if withdrawn:
            raise UnitFailedError("SOURCES_WITHDRAWN", _told(withdrawn))
        return Seen(fences, projects)

    def demand_same(self, tx: Transaction, seen: Seen) -> None:
        """Add that nothing moved of what it rested on."""
        for name, project in seen.projects.items():
            self.labels.demand_fence(tx, Workspace(*name.split("/")), seen.fences)
            self.catalog.demand_same(tx, project)


def _told(withdrawn: list[str]) -> str:
    more = f" and {len(withdrawn) - TOLD} more" if len(withdrawn) > TOLD else ""
    return f"No longer eligible: {', '.join(withdrawn[:TOLD])}{more}."
