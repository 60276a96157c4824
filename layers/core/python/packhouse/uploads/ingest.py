"""The tasks that `label_ingest` and `rollout_ingest` share: OpenUpload and IngestParts. The last is each one's own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from packhouse.aws.objects import ObjectFacts, Objects
from packhouse.errors import UnitFailedError
from packhouse.jobs.store import JobStore
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.files import BINARY, JSON, NDJSON
from packhouse.pipeline.ingest import (
    UPLOAD_BYTES,
    Chunk,
    IngestedPart,
    LabelLines,
    Part,
    RolloutLines,
    cut_parts,
    ingest_part,
    iter_owned_lines,
)
from packhouse.pipeline.keys import ChunkKeys, SampleKeys
from packhouse.pipeline.rows import RowFault
from packhouse.pipeline.unpacking import MAGIC, Unpacking
from packhouse.settings import UploadTaskSettings

UNPACKED = ".unpacked"
"""Ends the key of the plain bytes of a gzip upload, beside it; they expire as it does."""


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
        """Cut the upload into parts and write them as the units of the map; one in gzip is unpacked first.

        `key` names the object that the parts are of; `fault` is why it ends badly, if gzip bytes do.
        """
        self.jobs.enter_step(payload["job_id"], "OpenUpload", 1)
        upload = self.uploads.find_facts(payload["upload_key"])
        if upload is None:
            raise UnitFailedError("UPLOAD_MISSING", "The upload is not there.")
        if upload.bytes > UPLOAD_BYTES:
            raise UnitFailedError("UPLOAD_MISMATCH", f"An upload may have {UPLOAD_BYTES} bytes, not {upload.bytes}.")
        fault = None
        lines_end = upload.bytes
        if upload.bytes >= len(MAGIC) and self.uploads.read_range(upload.key, 0, len(MAGIC)) == MAGIC:
            upload, unpacking = self._unpack(upload)
            lines_end, fault = unpacking.lines_end, unpacking.fault
        parts = cut_parts(lines_end)
        units = [{"unit": part.part, "start": part.start, "end": part.end, "etag": upload.etag} for part in parts]
        key = f"{payload['prefix']}ingest/units.json"
        self.data.write_once(key, json.dumps(units).encode(), JSON)
        self.jobs.enter_step(payload["job_id"], "IngestParts", len(units))
        told = {} if fault is None else {"fault": msgspec.structs.asdict(fault)}
        return {"key": upload.key, "units_key": key, "units": len(units), **told}

    def _unpack(self, packed: ObjectFacts) -> tuple[ObjectFacts, Unpacking]:
        """Write the plain bytes of a gzip upload beside it, as far as they are any good; return what they are."""
        key = f"{packed.key}{UNPACKED}"
        unpacking = Unpacking(self.uploads.stream(packed.key, etag=packed.etag), UPLOAD_BYTES)
        with self.uploads.writer(key, NDJSON) as writer:
            for block in unpacking:
                writer.write(block)
        plain = self.uploads.find_facts(key)
        if plain is None:
            raise UnitFailedError("UPLOAD_MISSING", "The unpacked upload is not there.")
        return plain, unpacking

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


def sample_keys(data: Objects, prefix: str, chunks: list[Chunk]) -> SampleKeys:
    """Return the keys of chunks, which are read as they are gone through."""
    listed = [ChunkKeys(f"{chunk_key(prefix, chunk.part)}.keys", chunk.rows, chunk.keys_sha256) for chunk in chunks]
    return SampleKeys(listed, data.iter_ranges)


def find_fault(opened: Mapping[str, Any]) -> RowFault | None:
    """Return why the upload ends badly, if it does, of what `open_upload` returned."""
    return RowFault(**opened["fault"]) if "fault" in opened else None


def chunk_key(prefix: str, part: int) -> str:
    """Return a chunk's key without its ending.

    >>> chunk_key("projects/p/label-packs/l/r/", 3)
    'projects/p/label-packs/l/r/chunks/00003'
    """
    return f"{prefix}chunks/{part:05d}"


def _result_key(prefix: str, part: int) -> str:
    return f"{prefix}ingest/{part:05d}.json"
