"""The last task of `dataset_build`, SealVersion: card, croissant and manifest, and the version is ready."""

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import StaleError, Transaction, while_stale
from packhouse.builds.exports import SettledVersion
from packhouse.builds.model import Snapshot
from packhouse.builds.results import BuiltVersion, shown_seal
from packhouse.builds.sources import SourceSteps, read_snapshot
from packhouse.builds.stored import Payload, read_result
from packhouse.errors import ServiceUnavailableError
from packhouse.jobs.model import JobStatus
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.croissant import croissant
from packhouse.pipeline.files import CARD, CROISSANT, JSON, JSON_LD, MARKDOWN, ExportFile, whole_file
from packhouse.pipeline.quality import QualitySummary
from packhouse.pipeline.seal import Manifest, seal_version
from packhouse.pipeline.splits import SPLITS, SplitPlan
from packhouse.pipeline.statistics import builtins
from packhouse.pipeline.version_card import version_card
from packhouse.pipeline.version_facts import VersionFacts, VersionSource, VersionSplit


class SealSteps(SourceSteps):
    """The task; it takes the execution's payload."""

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
            self.demand_same(tx, self.demand_sources(snapshot))
            self.store.put_ready(tx, version, shown_seal(manifest.manifest_hash, manifest.body, files), moment)
            self.jobs.put_ended(tx, payload["job_id"], JobStatus.READY, moment, None)
            tx.commit()

        try:
            while_stale(attempt)
        except StaleError as error:
            raise ServiceUnavailableError("SERVICE_UNAVAILABLE", "The sources' projects keep changing.") from error
        return {"manifest_hash": manifest.manifest_hash}

    def _manifest(self, payload: Payload, snapshot: Snapshot) -> tuple[Manifest, list[ExportFile]]:
        """Write the card and the croissant, and return the manifest and the files to download."""
        prefix = payload["prefix"]
        built = read_result(self.data, prefix, "built.json", BuiltVersion)
        settled = read_result(self.data, prefix, "settled.json", SettledVersion)
        quality = read_result(self.data, prefix, "quality.json", QualitySummary)
        split = SplitPlan.from_snapshot(snapshot.split)
        files = [
            file
            for export in payload["materialization"]["exports"]
            for file in read_result(self.data, prefix, f"exported/{export['unit']}.json", list[ExportFile])
        ]
        facts = VersionFacts(
            capability=CAPABILITIES[payload["capability"]],
            splits=_splits(built, settled),
            files=files,
            sources=[
                VersionSource(pack.label_pack_id, pack.revision_id, pack.content_hash, pack.rows)
                for pack in snapshot.included
            ],
            left_out=built.left_out,
            statistics=built.statistics,
            quality=quality,
            materialization=settled.materialization,
            plan=split,
        )
        documents = [(CARD, "card", MARKDOWN, version_card(facts)), (CROISSANT, "croissant", JSON_LD, croissant(facts))]
        for name, kind, content_type, body in documents:
            self.data.write_once(f"{prefix}exports/{name}", body, content_type)
            files.append(whole_file(name, kind, content_type, body))
        manifest = seal_version(
            capability=payload["capability"],
            sources=[builtins(source) for source in facts.sources],
            excluded=[pack.model_dump(mode="json") for pack in snapshot.excluded],
            left_out=built.left_out,
            split=split.snapshot() | {"counts": built.splits},
            quality=quality,
            materialization=builtins(settled.materialization),
            shards=built.shards,
            project_ids=built.project_ids,
            exports=files,
        )
        return manifest, files


def _splits(built: BuiltVersion, settled: SettledVersion) -> list[VersionSplit]:
    splits = []
    for name in (name for name in SPLITS if name in built.splits):
        counts = built.splits[name]
        found = settled.splits.get(name)
        columns = frozenset(found.columns) if found else frozenset[str]()
        left_out = found.pictures.left_out if found and found.pictures else {}
        splits.append(VersionSplit(name, counts["samples"], counts["groups"], columns, left_out))
    return splits
