"""The tasks that `label_ingest` and `rollout_ingest` share: OpenUpload and IngestParts. The last is each one's own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from packhouse.aws.objects import Objects
from packhouse.errors import UnitFailedError
from packhouse.jobs.store import JobStore
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.ingest import (
    UPLOAD_BYTES,
    Chunk,
    IngestedPart,
    LabelLines,
    Part,
    RolloutLines,
    cut_parts,
    ingest_part,
    iter_keys,
    iter_owned_lines,
)
from packhouse.settings import UploadTaskSettings

JSON = "application/json"
NDJSON = "application/x-ndjson"
BINARY = "application/octet-stream"


@dataclass(frozen=True)
class UploadSteps:
    """The tasks; each takes the execution's payload and returns what the next state needs.

    A payload with a `capability` is of label rows, one without of rollouts.
    """

    jobs: JobStore
    data: Objects
    uploads: Objects

    @classmethod
    def from_settings(cls, settings: UploadTaskSettings) -> Self:
        """Wire the tasks to their table and buckets."""
        return cls(JobStore(settings.builds_table), Objects(settings.data_bucket), Objects(settings.uploads_bucket))

    def open_upload(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Cut the upload into parts and write them as the units of the map."""
        self.jobs.enter_step(payload["job_id"], "OpenUpload", 1)
        upload = self.uploads.find_facts(payload["upload_key"])
        if upload is None:
            raise UnitFailedError("UPLOAD_MISSING", "The upload is not there.")
        if upload.bytes > UPLOAD_BYTES:
            raise UnitFailedError("UPLOAD_MISMATCH", f"An upload may have {UPLOAD_BYTES} bytes, not {upload.bytes}.")
        parts = cut_parts(upload.bytes)
        units = [{"unit": part.part, "start": part.start, "end": part.end, "etag": upload.etag} for part in parts]
        key = f"{payload['prefix']}ingest/units.json"
        self.data.write_once(key, json.dumps(units).encode(), JSON)
        self.jobs.enter_step(payload["job_id"], "IngestParts", len(units))
        return {"units_key": key, "units": len(units)}

    def ingest_part(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Turn one part into a canonical chunk with its statistics and keys."""
        part = Part(payload["unit"], payload["start"], payload["end"])
        blocks = self.uploads.stream(payload["upload_key"], max(part.start - 1, 0), payload["etag"])
        lines = LabelLines(CAPABILITIES[payload["capability"]]) if "capability" in payload else RolloutLines()
        ingested = ingest_part(part, iter_owned_lines(blocks, part), lines)
        if write_chunk(self.data, payload["prefix"], ingested):
            self.jobs.count_unit(payload["job_id"], "IngestParts")
        return {"unit": part.part, "rows": ingested.chunk.rows, "faults": ingested.chunk.fault_count}


def write_chunk(data: Objects, prefix: str, ingested: IngestedPart) -> bool:
    """Write a chunk, what was counted of it, its keys and last its facts; return whether this call made the facts."""
    key = chunk_key(prefix, ingested.chunk.part)
    data.write_once(f"{key}.ndjson", ingested.rows, NDJSON)
    data.write_once(f"{key}.stats.json", ingested.statistics, JSON)
    data.write_once(f"{key}.keys", ingested.keys, BINARY)
    return data.write_once(_result_key(prefix, ingested.chunk.part), msgspec.json.encode(ingested.chunk), JSON)


def read_chunks(data: Objects, prefix: str, units: int) -> list[Chunk]:
    """Return the facts of every chunk, in part order."""
    return [msgspec.json.decode(data.read(_result_key(prefix, unit)), type=Chunk) for unit in range(units)]


def iter_chunk_keys(data: Objects, prefix: str, chunk: Chunk) -> Iterator[bytes]:
    """Yield the keys of a chunk in their order."""
    return iter_keys(data.read_sealed(f"{chunk_key(prefix, chunk.part)}.keys", chunk.keys_sha256))


def chunk_key(prefix: str, part: int) -> str:
    """Return a chunk's key without its ending.

    >>> chunk_key("projects/p/label-packs/l/r/", 3)
    'projects/p/label-packs/l/r/chunks/00003'
    """
    return f"{prefix}chunks/{part:05d}"


def _result_key(prefix: str, part: int) -> str:
    return f"{prefix}ingest/{part:05d}.json"
