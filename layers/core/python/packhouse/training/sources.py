"""What a training dataset is made of, and that it may be: PlanRows and SealTrainingDataset.

The first and the last task of `training_export` both look whether the project may be trained on: a
dataset becomes ready in a transaction that no opting out can come before.
"""

from dataclasses import dataclass
from typing import Any, Self

import msgspec
import orjson

from packhouse.access.model import Workspace
from packhouse.aws.clock import Clock, now
from packhouse.aws.dynamo import StaleError, Transaction, while_stale
from packhouse.aws.objects import Objects, sha256_hex
from packhouse.catalog.model import Project, TrainingUse
from packhouse.catalog.rules import project_id
from packhouse.catalog.store import CatalogStore
from packhouse.errors import ServiceUnavailableError, UnitFailedError
from packhouse.jobs.model import JobStatus
from packhouse.jobs.store import JobStore
from packhouse.pipeline.card import CardFacts, CardFile, CardScore, training_card
from packhouse.pipeline.files import CARD, GZIP, JSON, MANIFEST, MARKDOWN, NDJSON
from packhouse.pipeline.keys import ChunkKeys, SampleKeys
from packhouse.pipeline.plan import ChunkFacts, SourceChunk
from packhouse.pipeline.profiles import PROFILES
from packhouse.pipeline.row_plan import RolloutSource, plan_rows
from packhouse.pipeline.scoring import SCORERS
from packhouse.pipeline.seal import Manifest
from packhouse.pipeline.training_seal import ExportedProfile, seal_training_dataset
from packhouse.rollouts.model import import_prefix
from packhouse.rollouts.store import RolloutStore
from packhouse.settings import TrainingSourceSettings
from packhouse.training.model import (
    Recipe,
    RefusedRow,
    Sealed,
    TrainingFile,
    TrainingStatus,
    recipe_key,
)
from packhouse.training.rules import states_before, told_recipe
from packhouse.training.steps import FilteredDataset, Payload, filtered_key, read_recipe, read_units
from packhouse.training.store import TrainingStore
from packhouse.uploads.ingest import chunk_key

ROLLOUTS_AT_MOST, IMPORTS_AT_MOST = 10_000_000, 100_000
"""As many as PlanRows compares, and ExportRows writes, within their time and memory."""


@dataclass(frozen=True)
class TrainingSources:
    """The tasks that look at imports and their project."""

    store: TrainingStore
    rollouts: RolloutStore
    jobs: JobStore
    catalog: CatalogStore
    data: Objects
    clock: Clock = now

    @classmethod
    def from_settings(cls, settings: TrainingSourceSettings) -> Self:
        """Wire the tasks to their tables and bucket."""
        return cls(
            TrainingStore(settings.training_table),
            RolloutStore(settings.training_table),
            JobStore(settings.builds_table),
            CatalogStore(settings.catalog_table),
            Objects(settings.data_bucket),
        )

    def plan_rows(self, payload: Payload) -> Payload:
        """Write down which imports there are, find rollouts that come twice, write the units of the map.

        The list of imports that is written first is the one that holds, whatever was sealed since.
        """
        self.jobs.enter_step(payload["job_id"], "PlanRows", 1)
        prefix, workspace = payload["prefix"], Workspace(*payload["workspace"].split("/"))
        self._demand_allowed(workspace)
        recipe = self.store.get(workspace, payload["training_dataset_id"]).recipe
        self.data.write_once(recipe_key(prefix), recipe.model_dump_json().encode(), JSON)
        sources = self._sources(prefix, project_id(workspace))
        plan = plan_rows(sources, *self._read_chunks(project_id(workspace), sources))
        if not plan.rollouts:
            raise UnitFailedError("NO_ROLLOUTS", "The project has no rollouts; send some first.")
        units = []
        for unit in plan.units:
            self.data.write_once(f"{prefix}units/{unit.unit:05d}.json", msgspec.json.encode(unit), JSON)
            units.append({"unit": unit.unit})
        self.data.write_once(f"{prefix}units.json", orjson.dumps(units), JSON)
        pending = TrainingStatus.PENDING
        self.store.enter(payload["training_dataset_id"], pending, states_before(pending), plan.rollouts)
        return {"units_key": f"{prefix}units.json", "units": len(units), "rollouts": plan.rollouts}

    def _sources(self, prefix: str, project: str) -> list[RolloutSource]:
        by_age = sorted(self.rollouts.iter_sealed(project), key=lambda sealed: (sealed.sealed_at, sealed.import_id))
        found = [RolloutSource(sealed.import_id, sealed.content_hash, sealed.rollouts) for sealed in by_age]
        rollouts = sum(source.rollouts for source in found)
        if rollouts > ROLLOUTS_AT_MOST or len(found) > IMPORTS_AT_MOST:
            limit = f"at most {ROLLOUTS_AT_MOST:,} of {IMPORTS_AT_MOST:,}"
            raise UnitFailedError("TOO_MANY_ROLLOUTS", f"{rollouts:,} rollouts of {len(found):,} imports: {limit}.")
        first = self.data.write_unless_there(f"{prefix}sources.json", msgspec.json.encode(found), JSON)
        return msgspec.json.decode(first, type=list[RolloutSource])

    def _read_chunks(self, project: str, sources: list[RolloutSource]) -> tuple[list[ChunkFacts], SampleKeys]:
        """Return the imports' chunks in order, and their keys, once each import is known to be the one that passed."""
        prefixes = [import_prefix(project, source.import_id) for source in sources]
        documents = self.data.iter_sealed(
            (f"{prefix}import.json", source.content_hash.removeprefix("sha256:"))
            for prefix, source in zip(prefixes, sources, strict=True)
        )
        chunks, keys = [], []
        for number, body in enumerate(documents):
            for chunk in orjson.loads(body)["chunks"]:
                stem = chunk_key(prefixes[number], chunk["part"])
                facts = SourceChunk(number, project, f"{stem}.ndjson", chunk["sha256"], chunk["rows"], chunk["bytes"])
                chunks.append(ChunkFacts(facts, {}))
                keys.append(ChunkKeys(f"{stem}.keys", chunk["rows"], chunk["keys_sha256"]))
        return chunks, SampleKeys(keys, self.data.iter_ranges)

    def seal_training_dataset(self, payload: Payload) -> Payload:
        """Write card and manifest and make the dataset ready; job and dataset end together.

        Run again after it has taken effect, it finds the dataset ready and says the same.
        """
        workspace = Workspace(*payload["workspace"].split("/"))
        dataset = self.store.get(workspace, payload["training_dataset_id"])
        if dataset.sealed is not None:
            return {"manifest_hash": dataset.sealed.manifest_hash}
        self.jobs.enter_step(payload["job_id"], "SealTrainingDataset", 1)
        prefix = payload["prefix"]
        exports = [
            msgspec.json.decode(self.data.read(f"{prefix}exported/{export['unit']}.json"), type=ExportedProfile)
            for export in payload["filtered"]["exports"]
        ]
        recipe, body = read_recipe(self.data, prefix), self.data.read(filtered_key(prefix))
        filtered = msgspec.json.decode(body, type=FilteredDataset)
        own = next(export.exported.rows for export in exports if export.profile == recipe.profile)
        if not own:
            detail = f"The readers of {recipe.profile} would reject each of the {filtered.rows} rows."
            raise UnitFailedError("NO_ROWS_LEFT", detail)
        card = training_card(_card_facts(recipe, filtered, exports))
        manifest = seal_training_dataset(
            recipe=told_recipe(recipe),
            sources=msgspec.json.decode(self.data.read(f"{prefix}sources.json"), type=list[RolloutSource]),
            units=read_units(self.data, prefix, filtered),
            rows=filtered.rows,
            left_out=filtered.left_out,
            filtered=sha256_hex(body),
            exports=exports,
            card=card,
        )
        self.data.write_once(f"{prefix}exports/{CARD}", card, MARKDOWN)
        self.data.write_once(f"{prefix}exports/{MANIFEST}", manifest.body, JSON)
        self._publish(payload, workspace, _sealed(manifest, card, exports), own)
        return {"manifest_hash": manifest.manifest_hash}

    def _publish(self, payload: Payload, workspace: Workspace, sealed: Sealed, rows: int) -> None:
        def attempt() -> None:
            project, moment = self._demand_allowed(workspace), self.clock()
            tx = Transaction()
            self.catalog.demand_same(tx, project)
            self.store.put_ready(tx, payload["training_dataset_id"], sealed, rows, moment)
            self.jobs.put_ended(tx, payload["job_id"], JobStatus.READY, moment, None)
            tx.commit()

        try:
            while_stale(attempt)
        except StaleError as error:
            raise ServiceUnavailableError("SERVICE_UNAVAILABLE", "The project keeps changing.") from error

    def _demand_allowed(self, workspace: Workspace) -> Project:
        project = self.catalog.get_project(workspace)
        if project.trainingUse is TrainingUse.OPTED_OUT:
            raise UnitFailedError("WORKSPACE_TRAINING_OPT_OUT", f"{workspace} has opted out of training use.")
        return project


def _card_facts(recipe: Recipe, filtered: FilteredDataset, exports: list[ExportedProfile]) -> CardFacts:
    return CardFacts(
        rows=filtered.rows,
        files=[
            CardFile(each.profile, each.name, each.exported.rows, each.bytes, each.sha256, each.exported.refused_rules)
            for each in exports
            if each.profile in PROFILES
        ],
        scores=[
            CardScore(key, each.name, each.version, each.formula, each.source, **filtered.scores[key])
            for key, each in SCORERS.items()
        ],
        filters=told_recipe(recipe),
        left_out=filtered.left_out,
    )


def _sealed(manifest: Manifest, card: bytes, exports: list[ExportedProfile]) -> Sealed:
    return Sealed(
        manifest_hash=manifest.manifest_hash,
        files=(
            *(file for export in exports for file in _files(export)),
            TrainingFile(name=CARD, content_type=MARKDOWN, bytes=len(card), sha256=sha256_hex(card)),
            TrainingFile(name=MANIFEST, content_type=JSON, bytes=len(manifest.body), sha256=sha256_hex(manifest.body)),
        ),
    )


def _files(export: ExportedProfile) -> tuple[TrainingFile, TrainingFile]:
    refused = tuple(RefusedRow(**msgspec.structs.asdict(fault)) for fault in export.exported.refused)
    facts: dict[str, Any] = {"rows": export.exported.rows, "profile": export.profile}
    facts |= {"refused_count": export.exported.refused_count, "refused": refused}
    return (
        TrainingFile(name=export.name, content_type=NDJSON, bytes=export.bytes, sha256=export.sha256, **facts),
        TrainingFile(
            name=export.packed_name,
            content_type=GZIP,
            bytes=export.packed_bytes,
            sha256=export.packed_sha256,
            **facts | {"refused": ()},
        ),
    )
