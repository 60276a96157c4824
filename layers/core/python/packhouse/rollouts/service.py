"""Use cases of rollouts: send them inline or by upload, list them, look at one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from packhouse.access.model import Principal, Workspace
from packhouse.aws import executions
from packhouse.aws.clock import Clock, NewId, new_id, now
from packhouse.aws.dynamo import Place, Transaction
from packhouse.aws.objects import Objects
from packhouse.aws.once import Once
from packhouse.catalog.rules import project_id
from packhouse.catalog.store import CatalogStore
from packhouse.errors import ConflictError, NotFoundError, RequestFaultsError
from packhouse.jobs.model import Job, JobKind
from packhouse.jobs.store import JobStore
from packhouse.pipeline.files import JSON
from packhouse.pipeline.ingest import Part, RolloutLines, ingest_part, seal_import
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.rollouts import decode_statistics
from packhouse.pipeline.statistics import builtins
from packhouse.rollouts.model import (
    InlineImport,
    RolloutImport,
    RolloutRow,
    SealedImport,
    import_prefix,
    import_upload_key,
)
from packhouse.rollouts.rules import Address, faults_of_body, find_address, is_wanted, iter_lines, rollout_row
from packhouse.rollouts.store import RolloutStore
from packhouse.uploads.ingest import chunk_key, write_chunk
from packhouse.uploads.model import ValidationStatus
from packhouse.uploads.service import demand_upload, presign_upload

BLOCK_BYTES = 256 * 1024
AHEAD_CHUNKS = 64
LOOKED_AT_BYTES, READ_BYTES = 8 * 1024 * 1024, 16 * 1024
"""A page that has read so much, each chunk counted as well, is short or empty; the next one goes on from there."""


@dataclass(frozen=True)
class Rollouts:
    """Rollouts and the imports that they came in."""

    store: RolloutStore
    jobs: JobStore
    catalog: CatalogStore
    data: Objects
    uploads: Objects
    machine_arn: str
    looked_at_bytes: int = LOOKED_AT_BYTES
    clock: Clock = now
    new_id: NewId = new_id

    def add(self, workspace: Workspace, rows: list[bytes], caller: Principal, once: Once) -> InlineImport:
        """Take in rollouts, one a line, as an import of their own: all of them, or none.

        Its objects are there before it is: no import is ever seen without its rollouts.
        """
        once.demand_new()
        ingested = ingest_part(Part(0, 0, 0), rows, RolloutLines())
        sealed = seal_import([ingested.chunk], SampleKeys.held([ingested.keys]))
        if not sealed.passed:
            raise RequestFaultsError(faults_of_body(sealed.faults))
        moment, import_id = self.clock(), self.new_id("rim")
        imported = InlineImport(
            import_id=import_id,
            workspace=str(workspace),
            project_id=project_id(workspace),
            validation_status=ValidationStatus.PASSED,
            content_length=ingested.chunk.bytes,
            sha256=ingested.chunk.sha256,
            content_hash=sealed.content_hash,
            rollouts=sealed.rows,
            statistics=builtins(decode_statistics(ingested.statistics)),
            created_at=moment,
            created_by=caller.principal_id,
            submitted_at=moment,
            sealed_at=moment,
            ids=tuple(Address(import_id, 0, offset).id for offset, _ in iter_lines(ingested.rows, 0)),
        )
        prefix = import_prefix(imported.project_id, import_id)
        write_chunk(self.data, prefix, ingested)
        self.data.write_once(f"{prefix}import.json", sealed.document, JSON)
        tx = Transaction()
        self.catalog.demand_project(tx, workspace)
        self.store.put_new(tx, imported, (ingested.chunk.bytes,))
        return once.commit(tx, imported)

    def create_import(
        self, workspace: Workspace, content_length: int | None, sha256: str | None, caller: Principal, once: Once
    ) -> RolloutImport:
        """Create an import whose bytes come by upload, and are read when it is submitted."""
        imported = RolloutImport(
            import_id=self.new_id("rim"),
            workspace=str(workspace),
            project_id=project_id(workspace),
            content_length=content_length,
            sha256=sha256,
            created_at=self.clock(),
            created_by=caller.principal_id,
        )
        tx = Transaction()
        self.catalog.demand_project(tx, workspace)
        self.store.put_new(tx, imported)
        return once.commit(tx, imported)

    def presign_upload(self, imported: RolloutImport) -> dict[str, Any]:
        """Return how to send the import's bytes: method, URL, the headers that are signed, and until when."""
        key = import_upload_key(imported.project_id, imported.import_id)
        return presign_upload(self.uploads, key, imported.content_length, imported.sha256, self.clock)

    def get_import(self, workspace: Workspace, import_id: str) -> RolloutImport:
        """Return an import of the project; one read."""
        return self.store.get(project_id(workspace), import_id)

    def submit(self, workspace: Workspace, import_id: str, caller: Principal, once: Once) -> Job:
        """Start the ingest of an uploaded import, once. What was committed and not started, the sweeper starts."""
        imported = self.get_import(workspace, import_id)
        if imported.job_id is None and imported.validation_status is ValidationStatus.PENDING:
            key = import_upload_key(imported.project_id, import_id)
            demand_upload(self.uploads, key, imported.content_length, imported.sha256)
        elif imported.job_id is None:
            raise ConflictError("IMPORT_ALREADY_SUBMITTED", "Its rollouts came with the request that made it.")
        moment, job_id = self.clock(), self.new_id("job")
        job = Job(
            job_id=job_id,
            kind=JobKind.ROLLOUT_INGEST,
            workspace=str(workspace),
            import_id=import_id,
            created_at=moment,
            created_by=caller.principal_id,
            execution_input={
                "workspace": str(workspace),
                "import_id": import_id,
                "upload_key": import_upload_key(imported.project_id, import_id),
                "prefix": import_prefix(imported.project_id, import_id),
            },
        )
        tx = Transaction()
        self.store.put_submitted(tx, imported.model_copy(update={"job_id": job_id, "submitted_at": moment}))
        self.jobs.put_new(tx, job)
        once.commit(tx, job)
        executions.start(self.machine_arn, job_id, job.execution_input | {"job_id": job_id})
        return job

    def list_imports(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[str], Place | None]:
        """Return a page of the project's imports as their stored JSON, and where the next page begins."""
        bodies, rest = self.store.list_bodies(project_id(workspace), filters, limit, after)
        if not bodies and after is None:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        return bodies, rest

    def list_rollouts(
        self, workspace: Workspace, filters: Mapping[str, str], limit: int, after: Place | None
    ) -> tuple[list[RolloutRow], Place | None]:
        """Return a page of the project's rollouts in the order in which they came, and where the next page begins.

        One query, and a read of 256 KB of rollouts or a few; up to 8 MB of them, or 512 chunks.
        """
        project = project_id(workspace)
        begin = Address(**after) if after else Address("rim_", 0, 0)
        rows: list[RolloutRow] = []
        looked_at = 0
        for chunk, lines in self._iter_chunks(project, begin):
            for at, line in lines:
                address = chunk._replace(offset=at)
                if len(rows) == limit or looked_at > self.looked_at_bytes:
                    return rows, address._asdict()
                looked_at += len(line)
                row = rollout_row(address, line)
                if is_wanted(row, filters):
                    rows.append(row)
            looked_at += READ_BYTES
        if not rows and after is None:
            self.catalog.get_project(workspace)  # an empty project, or none at all: only then is the look worth it
        return rows, None

    def _iter_chunks(self, project: str, begin: Address) -> Iterator[tuple[Address, Iterator[tuple[int, bytes]]]]:
        """Yield the chunks from a rollout on, each with its lines and where these begin; small ones side by side."""
        wanted, ahead = self._iter_places(project, begin), 1
        while places := list(islice(wanted, ahead)):
            ahead = min(2 * ahead, AHEAD_CHUNKS)
            small = [place for place, end in places if end - place.offset <= BLOCK_BYTES]
            ends = dict(places)
            bodies = self.data.iter_ranges((_key(project, place), place.offset, ends[place]) for place in small)
            for place, end in places:
                if end - place.offset <= BLOCK_BYTES:
                    yield place, iter_lines(next(bodies), place.offset)
                else:
                    yield place, self._iter_blocks(project, place, end)

    def _iter_places(self, project: str, begin: Address) -> Iterator[tuple[Address, int]]:
        """Yield where there is something to read from a rollout on: an address in a chunk, and the chunk's end."""
        for sealed in self.store.iter_sealed(project, begin.import_id):
            resumed = sealed.import_id == begin.import_id
            for part in range(begin.part if resumed else 0, len(sealed.chunk_bytes)):
                offset = begin.offset if resumed and part == begin.part else 0
                if offset < sealed.chunk_bytes[part]:
                    yield Address(sealed.import_id, part, offset), sealed.chunk_bytes[part]

    def _iter_blocks(self, project: str, begin: Address, end: int) -> Iterator[tuple[int, bytes]]:
        offset, block = begin.offset, BLOCK_BYTES
        while offset < end:
            begun = offset
            for at, line in iter_lines(
                self.data.read_range(_key(project, begin), begun, min(begun + block, end)), begun
            ):
                yield at, line
                offset = at + len(line) + 1
            block = BLOCK_BYTES if offset > begun else 2 * block

    def get_rollout(self, workspace: Workspace, rollout: str) -> tuple[Address, bytes]:
        """Return a rollout by its id: its address, and it as its canonical JSON; one read of the table."""
        project, address = project_id(workspace), find_address(rollout)
        sealed = self.store.find_sealed(project, address.import_id) if address else None
        if address is None or sealed is None or not self._begins_line(project, sealed, address):
            raise NotFoundError("ROLLOUT_NOT_FOUND", f"There is no rollout {rollout} in {workspace}.")
        return address, next(self._iter_blocks(project, address, sealed.chunk_bytes[address.part]))[1]

    def _begins_line(self, project: str, sealed: SealedImport, address: Address) -> bool:
        """Whether a rollout begins at an address, which a caller may have made up."""
        if address.part >= len(sealed.chunk_bytes) or address.offset >= sealed.chunk_bytes[address.part]:
            return False
        before = address.offset - 1
        return before < 0 or self.data.read_range(_key(project, address), before, address.offset) == b"\n"


def _key(project: str, address: Address) -> str:
    return f"{chunk_key(import_prefix(project, address.import_id), address.part)}.ndjson"


def rows_of_body(rollouts: list[dict[str, Any]]) -> list[bytes]:
    """Return inline rollouts as lines."""
    return [json.dumps(rollout, ensure_ascii=False).encode() for rollout in rollouts]
