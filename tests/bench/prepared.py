"""What lies in tables and buckets before a request is counted: as ingests, reviews and builds leave it."""

import json
from collections.abc import Iterable

import msgspec

from packhouse.access.model import Workspace
from packhouse.aws.dynamo import Transaction
from packhouse.aws.objects import Objects, sha256_hex
from packhouse.builds.model import DatasetVersion
from packhouse.builds.results import BuiltVersion
from packhouse.builds.store import BuildStore
from packhouse.builds.stored import INDEX_TYPES, left_out_key, write_index
from packhouse.labels.model import LabelPack, ReviewStatus, RevisionRef, revision_prefix
from packhouse.labels.store import LabelStore
from packhouse.pipeline.assets import MissingReason
from packhouse.pipeline.build import LeftOutRow, Shard
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.indexing import ShardIndex, ShardIndexer
from packhouse.pipeline.ingest import LabelLines, Part, ingest_part, iter_owned_lines, seal_revision
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.plan import LeftOutReason
from packhouse.pipeline.rows import LabelRow, encode_row
from packhouse.pipeline.statistics import Statistics
from packhouse.training.model import Sealed, TrainingDataset, TrainingFile, TrainingStatus, preview_key
from packhouse.training.rules import INLINE_BYTES, states_before
from packhouse.training.store import TrainingStore
from packhouse.uploads.ingest import chunk_key
from packhouse.uploads.model import ValidationStatus

NAMESPACE, PROJECT, OTHER = "counted", "match-day", "second-day"
CAPABILITY = "ball_detection"
MOMENT = "2026-04-15T10:00:00.005Z"
SAMPLES = ("sample-1", "sample-2", "sample-3")
PACKS = 251  # the first of them lies in another project
SOURCES = 101  # so many of them have objects: as many as a preflight reads
JSON, NDJSON = "application/json", "application/x-ndjson"


def put_packs(store: LabelStore, data: Objects) -> list[str]:
    """Write approved packs as an ingest and a review leave them; return their ids."""
    ids = [f"lp_{number:026d}" for number in range(PACKS)]
    for start in range(0, PACKS, 100):
        tx = Transaction()
        for number in range(start, min(start + 100, PACKS)):
            project = OTHER if number == 0 else PROJECT
            workspace, project_id = Workspace(NAMESPACE, project), f"prj_{project}"
            content_hash = f"sha256:{number:064d}"
            if number < SOURCES:
                upload = json.dumps({"sample_id": ids[number], "group": ids[number], "labels": []}).encode()
                content_hash = put_source(data, project_id, ids[number], upload)
            store.put_new_pack(tx, approved_pack(workspace, project_id, ids[number], content_hash))
        tx.commit()
    return ids


def _revision_id(label_pack_id: str) -> str:
    return label_pack_id.replace("lp_", "lpr_")


def approved_pack(
    workspace: Workspace, project_id: str, label_pack_id: str, content_hash: str, rows: int = 1
) -> LabelPack:
    """Return a pack with one revision that goes into every build of its capability."""
    revision = RevisionRef(
        revision_id=_revision_id(label_pack_id),
        revision=1,
        validation_status=ValidationStatus.PASSED,
        content_hash=content_hash,
        rows=rows,
        groups=1,
    )
    return LabelPack(
        label_pack_id=label_pack_id,
        workspace=str(workspace),
        project_id=project_id,
        capability=CAPABILITY,
        name="counted",
        description=None,
        review_status=ReviewStatus.APPROVED,
        validation_status=ValidationStatus.PASSED,
        revisions=1,
        newest_approved=revision,
        newest_reviewed=revision,
        created_at=MOMENT,
        created_by="user-owner",
        updated_at=MOMENT,
    )


def put_source(data: Objects, project_id: str, label_pack_id: str, upload: bytes) -> str:
    """Write the sealed objects of a pack's revision that fits one part, and return its content hash."""
    part, capability = Part(0, 0, len(upload)), CAPABILITIES[CAPABILITY]
    ingested = ingest_part(part, iter_owned_lines([upload], part), LabelLines(capability))
    sealed = seal_revision([ingested.chunk], SampleKeys.held([ingested.keys]), capability)
    prefix = revision_prefix(project_id, label_pack_id, _revision_id(label_pack_id))
    stem = chunk_key(prefix, 0)
    data.write_once(f"{stem}.stats.json", ingested.statistics, JSON)
    data.write_once(f"{stem}.keys", ingested.keys, "application/octet-stream")
    data.write_once(f"{prefix}revision.json", sealed.document, JSON)
    if sealed.content_hash is None:
        raise ValueError(sealed.faults)
    return sealed.content_hash


def make_ready(store: BuildStore, data: Objects, dataset_version_id: str) -> None:
    """Leave a version as its build would: one shard of three rows, one row that stayed out, one file to download."""
    version = store.get(Workspace(NAMESPACE, PROJECT), dataset_version_id)
    _put_built(data, version)
    put_ready(store, version, len(SAMPLES))


def put_ready(store: BuildStore, version: DatasetVersion, rows: int) -> None:
    """Leave the item of a version of one group as its build would."""
    splits = {"train": {"samples": rows, "groups": 1}}
    built = {"splits": splits, "stats": {"classes": {}, "rows": rows}, "assignment": f"sha256:{0:064d}"}
    store.put_section(version.dataset_version_id, built=built)
    name = "train.ndjson.gz"
    sealed = {"manifest_hash": "sha256:0", "exports": [{"name": name, "key": name, "content_type": "application/gzip"}]}
    tx = Transaction()
    store.put_ready(tx, version, sealed, MOMENT)
    tx.commit()


def _put_built(data: Objects, version: DatasetVersion) -> None:
    rows = [LabelRow(sample_id=name, group=version.dataset_version_id, labels=[]) for name in SAMPLES]
    body = b"".join(encode_row(row) + b"\n" for row in rows)
    shard = Shard("train/00000", "train", len(rows), len(body), sha256_hex(body))
    built = BuiltVersion([shard], [version.project_id], Statistics(), {}, [], {})
    left_out = [LeftOutRow("again", LeftOutReason.DUPLICATE_SAMPLE, 0, 0)]
    data.write_once(f"{version.prefix}built.json", msgspec.json.encode(built), JSON)
    data.write_once(f"{version.prefix}shards/{shard.name}.ndjson", body, JSON)
    indexer = ShardIndexer(shard.name, version.project_id)
    for row in rows:
        indexer.add(row, encode_row(row), None, MissingReason.ASSET_NOT_GIVEN)
    put_index(data, version.prefix, [indexer.finish()])
    data.write_once(f"{version.prefix}plan.json", msgspec.json.encode({"left_out": [[0, 1]]}), JSON)
    data.write_once(left_out_key(version.prefix, 0), msgspec.json.encode(left_out), JSON)


def put_index(data: Objects, prefix: str, shards: Iterable[ShardIndex]) -> None:
    """Write the index of a version from those of its shards, as the tasks do."""
    facts = []
    for shard in shards:
        facts.append(shard.facts)
        for ending, body in shard.objects.items():
            data.write_once(f"{prefix}index/{shard.facts.summary.name}.{ending}", body, INDEX_TYPES[ending])
    write_index(data, f"{prefix}index/", facts)


def show_preview(store: TrainingStore, data: Objects, dataset: TrainingDataset) -> None:
    """Leave a training dataset as its machine does that waits to be told to go on."""
    data.write_once(preview_key(dataset.prefix), b"{}\n", NDJSON)
    status = TrainingStatus.PREVIEW
    store.enter(dataset.training_dataset_id, status, states_before(status))
    store.wait(dataset.training_dataset_id, "a-token")


def make_training_ready(store: TrainingStore, data: Objects, training_dataset_id: str) -> None:
    """Leave a training dataset as its machine would: the rows of one profile fit an answer, those of another do not."""
    dataset = store.get(Workspace(NAMESPACE, PROJECT), training_dataset_id)
    data.write_once(f"{dataset.prefix}exports/default.ndjson", b"{}\n", NDJSON)
    sizes = {"default.ndjson": 3, "strip.ndjson": INLINE_BYTES + 1}
    files = [
        TrainingFile(name=name, content_type=NDJSON, rows=1, bytes=size, sha256="0" * 64)
        for name, size in sizes.items()
    ]
    tx = Transaction()
    store.put_ready(tx, training_dataset_id, Sealed(manifest_hash="sha256:0", files=tuple(files)), 1, MOMENT)
    tx.commit()
