"""A version of records on disk, by the pipeline or as a bare manifest, in a process of its own.

`python -m tests.bench.record_version manifest <folder of files> <manifest>` hashes every file.
`python -m tests.bench.record_version pipeline <folder of buckets> <version>` ingests the uploads of the version, builds
it of the newest revision of every pack, and writes its manifest: the tasks' own code over files in place of S3.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

CAPABILITY = "player_detection"
Json = dict[str, Any]


def write_manifest(folder: Path, manifest: Path) -> None:
    """Write the SHA-256 of every file below a folder, a line each, in the order of their names."""
    with manifest.open("w") as file:
        for place, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = Path(place) / name
                file.write(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}\n")


def write_version(folder: Path, version: str) -> None:
    """Ingest `uploads/<version>/<pack>.ndjson` each as a revision, and build all packs that were ever ingested."""
    from tests.bench.folder_bucket import use_folder

    use_folder(folder)
    known = folder / "packs.json"
    packs: dict[str, Json] = json.loads(known.read_bytes()) if known.exists() else {}
    for path in sorted((folder / "uploads" / version).iterdir()):
        packs[path.stem] = _ingest(path.stem, f"{version}/{path.name}", f"{path.stem}-{version}")
    known.write_text(json.dumps(packs))
    _build(f"versions/{version}/", packs)


def _steps() -> Any:
    from packhouse.aws.objects import Objects
    from packhouse.uploads.ingest import UploadSteps

    nobody: Any = SimpleNamespace(enter_step=lambda *_: None, count_unit=lambda *_: None)
    return UploadSteps(nobody, Objects("data"), Objects("uploads"))


def _ingest(label_pack_id: str, upload_key: str, revision_id: str) -> Json:
    from packhouse.labels.model import revision_prefix
    from packhouse.pipeline.capabilities import CAPABILITIES
    from packhouse.pipeline.files import JSON
    from packhouse.pipeline.ingest import seal_revision
    from packhouse.uploads.ingest import read_chunks, sample_keys

    steps, prefix = _steps(), revision_prefix("prj", label_pack_id, revision_id)
    payload = {"job_id": "job", "prefix": prefix, "upload_key": upload_key, "capability": CAPABILITY}
    opened = steps.open_upload(payload)
    for unit in json.loads(steps.data.read(opened["units_key"])):
        steps.ingest_part(payload | unit)
    chunks = read_chunks(steps.data, prefix, opened["units"])
    sealed = seal_revision(chunks, sample_keys(steps.data, prefix, chunks), CAPABILITIES[CAPABILITY])
    if not sealed.passed:
        raise ValueError(sealed.faults)
    steps.data.write_once(f"{prefix}revision.json", sealed.document, JSON)
    return {"revision_id": revision_id, "content_hash": sealed.content_hash, "rows": sealed.rows}


def _build(prefix: str, packs: dict[str, Json]) -> None:
    from packhouse.aws.objects import Objects
    from packhouse.builds.model import IncludedPack, Snapshot
    from packhouse.builds.sources import plan_sources
    from packhouse.pipeline.build import build_shard
    from packhouse.pipeline.capabilities import CAPABILITIES
    from packhouse.pipeline.files import JSON, NDJSON
    from packhouse.pipeline.fingerprints import merkle_root
    from packhouse.pipeline.seal import sealed
    from packhouse.pipeline.splits import SplitPlan, SplitStrategy, ratio_per_whole

    data = Objects("data")
    included = [
        IncludedPack(label_pack_id=name, workspace="n/p", project_id="prj", **pack)
        for name, pack in sorted(packs.items())
    ]
    split = SplitPlan(SplitStrategy.GROUP_QUOTA, ratio_per_whole({"train": 0.8, "val": 0.1, "test": 0.1}), 0)
    plan, assignment = plan_sources(data, Snapshot(included=tuple(included), excluded=(), split=split.snapshot()))
    data.write_once(f"{prefix}assignment.json", assignment, JSON)
    facts = []
    for unit in plan.units:
        bodies = data.iter_sealed((chunk.key, chunk.sha256) for chunk in unit.chunks)
        _, shards, _ = build_shard(unit, bodies, CAPABILITIES[CAPABILITY])
        for shard in shards:
            data.write_once(f"{prefix}shards/{shard.shard.name}.ndjson", shard.body, NDJSON)
            facts.append(shard.shard)
    manifest = sealed(
        {
            "schema": 2,
            "capability": CAPABILITY,
            "sources": [pack.model_dump() for pack in included],
            "split": split.snapshot(),
            "shards": [{"path": each.name, "rows": each.rows, "sha256": each.sha256} for each in facts],
            "merkle_root": merkle_root([each.sha256 for each in facts]),
        }
    )
    data.write_once(f"{prefix}manifest.json", manifest.body, JSON)


if __name__ == "__main__":
    if sys.argv[1] == "manifest":
        write_manifest(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        write_version(Path(sys.argv[2]), sys.argv[3])
