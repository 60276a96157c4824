"""What a build is made of: its snapshot, what its sources hold, and whether they may still go in.

PlanBuild and SealVersion, the first and the last task of `dataset_build`, are here: a source that was withdrawn in
between is in no version that is ready.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import msgspec
import orjson

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import Found, StaleError, Transaction, read_together, while_stale
from packhouse.aws.objects import Objects
from packhouse.builds.model import IncludedPack, Snapshot
from packhouse.builds.results import JSON, BuiltVersion, shown_seal
from packhouse.builds.rules import withdrawal
from packhouse.builds.steps import Payload, read_result
from packhouse.builds.store import BuildStore
from packhouse.catalog.model import Project
from packhouse.catalog.store import CatalogStore
from packhouse.errors import ServiceUnavailableError, UnitFailedError
from packhouse.jobs.model import JobStatus
from packhouse.jobs.store import JobStore
from packhouse.labels.model import revision_prefix
from packhouse.labels.store import LabelStore
from packhouse.pipeline.export import ExportFile
from packhouse.pipeline.fingerprints import digest
from packhouse.pipeline.issues import Issue, move_issues, uncounted_moves
from packhouse.pipeline.moves import differing_chunks, find_moved, iter_placed
from packhouse.pipeline.plan import (
    BuildPlan,
    ChunkFacts,
    Source,
    SourceChunk,
    Unit,
    plan_build,
    read_assignment,
)
from packhouse.pipeline.quality import QualitySummary
from packhouse.pipeline.seal import Manifest, seal_version
from packhouse.pipeline.splits import SplitPlan
from packhouse.pipeline.statistics import decode_statistics
from packhouse.settings import SourceTaskSettings
from packhouse.uploads.ingest import chunk_key

TOLD = 5
COMPARED_ROWS = 2_000_000
"""As many rows of a version that is kept are compared with the new one: their keys are 64 MB."""


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
    chunks = list(_iter_chunks(data, snapshot.included))
    plan = plan_build(sources, chunks, split, kept)
    if kept is not None and snapshot.kept_key is not None:
        issues = _moves(data, snapshot.kept_key.removesuffix("assignment.json"), plan.units, chunks)
        plan = msgspec.structs.replace(plan, issues=plan.issues + issues)
    return plan, plan.assignment(kept)


def _moves(data: Objects, kept_prefix: str, units: list[Unit], chunks: list[ChunkFacts]) -> list[Issue]:
    """Return what is to be said of samples that leave the split which they have in the version that is kept.

    Chunks that both versions have with the same rows are not read.
    """
    kept_units = data.iter_read(unit["key"] for unit in orjson.loads(data.read(f"{kept_prefix}units.json")))
    differing = differing_chunks((msgspec.json.decode(body, type=Unit) for body in kept_units), units)
    if sum(chunk.rows for chunk, _ in differing.before) > COMPARED_ROWS:
        return [uncounted_moves()]
    stems = [chunk.key.removesuffix(".ndjson") for chunk, _ in differing.before]
    counted, keys = (data.iter_read(f"{stem}.{ending}" for stem in stems) for ending in ("stats.json", "keys"))
    before = [
        iter_placed(chunk, split_of, list(decode_statistics(statistics).groups), key_body)
        for (chunk, split_of), statistics, key_body in zip(differing.before, counted, keys, strict=True)
    ]
    facts = {each.chunk.key: each for each in chunks}
    after = [
        iter_placed(chunk, split_of, list(facts[chunk.key].groups), facts[chunk.key].keys)
        for chunk, split_of in differing.after
    ]
    return move_issues(find_moved(before, after))


def _iter_chunks(data: Objects, included: tuple[IncludedPack, ...]) -> Iterator[ChunkFacts]:
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
    keys = data.iter_sealed((f"{stem}.keys", chunk["keys_sha256"]) for _, stem, chunk in listed)
    for (number, stem, chunk), statistics, key_body in zip(listed, counted, keys, strict=True):
        facts = SourceChunk(
            number, included[number].project_id, f"{stem}.ndjson", chunk["sha256"], chunk["rows"], chunk["bytes"]
        )
        yield ChunkFacts(facts, decode_statistics(statistics).groups, key_body)


class _Seen(NamedTuple):
    """What it rests on that the sources may go in: the fences and projects that they lie behind, by workspace."""

    fences: Found
    projects: dict[str, Project]


@dataclass(frozen=True)
class SourceSteps:
    """The tasks that look at the sources themselves."""

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
        self._demand_sources(snapshot)
        plan, assignment = plan_sources(self.data, snapshot)
        for issue in plan.issues:
            if issue.level == "error":
                raise UnitFailedError(issue.code, issue.detail)
        prefix = payload["prefix"]
        units = []
        for unit in plan.units:
            key = f"{prefix}units/{unit.unit:05d}.json"
            self.data.write_once(key, msgspec.json.encode(unit), JSON)
            units.append({"unit": unit.unit, "key": key})
        self.data.write_once(f"{prefix}assignment.json", assignment, JSON)
        left_out = {unit.unit: sum(len(chunk.left_out) for chunk in unit.chunks) for unit in plan.units}
        summary = plan.summary() | {
            "assignment": digest(assignment),
            "left_out": [[unit, count] for unit, count in left_out.items() if count],
        }
        self.data.write_once(f"{prefix}units.json", orjson.dumps(units), JSON)
        self.data.write_once(f"{prefix}plan.json", orjson.dumps(summary), JSON)
        self.jobs.enter_step(payload["job_id"], "BuildShards", len(units))
        return {"units_key": f"{prefix}units.json", "units": len(units)}

    def seal_version(self, payload: Payload) -> Payload:
        """Write the manifest and make the version ready; job and version end together.

        The sources are looked at once more: the version becomes ready in a transaction that no withdrawal of a source
        can come before. Run again after it has taken effect, it finds the version ready and says the same.
        """
        version = self.store.get(Workspace(*payload["workspace"].split("/")), payload["dataset_version_id"])
        if version.sealed is not None:
            return {"manifest_hash": version.sealed["manifest_hash"]}
        self.jobs.enter_step(payload["job_id"], "SealVersion", 1)
        snapshot = read_snapshot(self.data, payload["snapshot_key"])
        manifest, files = self._manifest(payload, snapshot)
        self.data.write_once(f"{payload['prefix']}manifest.json", manifest.body, JSON)

        def attempt() -> None:
            moment = self.clock()
            tx = Transaction()
            self._demand_same(tx, self._demand_sources(snapshot))
            self.store.put_ready(tx, version, shown_seal(manifest.manifest_hash, manifest.body, files), moment)
            self.jobs.put_ended(tx, payload["job_id"], JobStatus.READY, moment, None)
            tx.commit()

        try:
            while_stale(attempt)
        except StaleError as error:
            raise ServiceUnavailableError("SERVICE_UNAVAILABLE", "The sources' projects keep changing.") from error
        return {"manifest_hash": manifest.manifest_hash}

    def _demand_sources(self, snapshot: Snapshot) -> _Seen:
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
        return _Seen(fences, projects)

    def _demand_same(self, tx: Transaction, seen: _Seen) -> None:
        for name, project in seen.projects.items():
            self.labels.demand_fence(tx, Workspace(*name.split("/")), seen.fences)
            self.catalog.demand_same(tx, project)

    def _manifest(self, payload: Payload, snapshot: Snapshot) -> tuple[Manifest, list[ExportFile]]:
        prefix = payload["prefix"]
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        files = [
            file
            for export in payload["materialization"]["exports"]
            for file in read_result(self.data, prefix, f"exported/{export['unit']}.json", list[ExportFile])
        ]
        manifest = seal_version(
            capability=payload["capability"],
            sources=[
                pack.model_dump(include={"label_pack_id", "revision_id", "content_hash", "rows"})
                for pack in snapshot.included
            ],
            excluded=[pack.model_dump(mode="json") for pack in snapshot.excluded],
            left_out=built.left_out,
            split=SplitPlan.from_snapshot(snapshot.split).snapshot() | {"counts": built.splits},
            quality=read_result(self.data, prefix, "quality.json", QualitySummary),
            shards=built.shards,
            exports=files,
        )
        return manifest, files


def _told(withdrawn: list[str]) -> str:
    more = f" and {len(withdrawn) - TOLD} more" if len(withdrawn) > TOLD else ""
    return f"No longer eligible: {', '.join(withdrawn[:TOLD])}{more}."
