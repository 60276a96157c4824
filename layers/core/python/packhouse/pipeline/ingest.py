"""An upload becomes canonical chunks, each with its statistics and keys; faults are told by line.

An upload is cut into parts of bytes; a part owns the lines that begin in it, so parts can be read apart and in any
order. A part becomes one chunk. What two parts cannot see (an id in both, a part that is missing) is settled when the
revision or import is sealed.
"""

import hashlib
from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.fingerprints import canonical, digest
from packhouse.pipeline.keys import SampleKeys, read_line, sample_key
from packhouse.pipeline.rollouts import RolloutStatistics, encode_rollout, parse_rollout
from packhouse.pipeline.rows import LINE_BYTES, RowError, RowFault, encode_row, parse_row
from packhouse.pipeline.statistics import Statistics, encode_statistics

PART_BYTES = 8 * 1024 * 1024
"""A part owns the lines that begin in this many bytes: the chunk it becomes stays far below 32 MiB."""

UPLOAD_BYTES = 5 * 1024**3
FAULTS_TOLD = 100

_BOM = b"\xef\xbb\xbf"
_HELD_BYTES = LINE_BYTES + len(_BOM) + len(b"\r")


class Part(Struct, frozen=True):
    """Bytes `start` up to `end` of an upload; the lines that begin there are this part's."""

    part: int
    start: int
    end: int


class Chunk(Struct, frozen=True):
    """A canonical chunk of a revision: how many lines it came from, and what its three objects must hash to."""

    part: int
    lines: int
    rows: int
    bytes: int
    sha256: str
    statistics_sha256: str
    keys_sha256: str
    faults: list[RowFault]
    fault_count: int


class IngestedPart(Struct, frozen=True):
    """A chunk's facts and its three bodies."""

    chunk: Chunk
    rows: bytes
    statistics: bytes
    keys: bytes


def cut_parts(upload_bytes: int, part_bytes: int = PART_BYTES) -> list[Part]:
    """Return the parts of an upload, in order; an empty upload has one empty part."""
    starts = range(0, max(upload_bytes, 1), part_bytes)
    return [Part(number, start, min(start + part_bytes, upload_bytes)) for number, start in enumerate(starts)]


def iter_owned_lines(blocks: Iterable[bytes], part: Part) -> Iterator[bytes | None]:
    """Yield the lines that begin in the part, without their line ends; `None` for a line over the limit.

    `blocks` are the upload's bytes from `part.start - 1` on (from 0 for the first part), as far as they are asked for:
    the byte before tells whether the part begins with a line.
    """
    offset = begun = max(part.start - 1, 0)
    buffer = bytearray()
    skipping, overlong = part.start > 0, False
    for block in blocks:
        buffer += block
        begin = 0
        while (end := buffer.find(b"\n", begin)) >= 0:
            if not skipping:
                if begun >= part.end:
                    return
                yield None if overlong else _bare(bytes(buffer[begin:end]), begun)
            skipping = overlong = False
            begin = end + 1
            begun = offset + begin
        if len(buffer) - begin > _HELD_BYTES:
            overlong, begin = True, len(buffer)
        offset += begin
        del buffer[:begin]
        if (offset + len(buffer) if skipping else begun) >= part.end:
            return
    if (buffer or overlong) and not skipping:
        yield None if overlong else _bare(bytes(buffer), begun)


def _bare(line: bytes, begun: int) -> bytes:
    line = line.removesuffix(b"\r")
    return line.removeprefix(_BOM) if begun == 0 else line


class Lines(Protocol):
    """What the lines of an upload are, and what is counted of them."""

    def take(self, line: bytes, number: int) -> tuple[bytes, bytes]:
        """Return the canonical line without its end, and its key; `RowError` when the line is no such row."""
        ...

    def statistics(self) -> bytes:
        """Return what was counted so far, as JSON."""
        ...


class LabelLines:
    """Label rows of a capability."""

    def __init__(self, capability: Capability) -> None:
        self._capability = capability
        self._counted = Statistics()
        self._groups = dict[str, int]()

    def take(self, line: bytes, number: int) -> tuple[bytes, bytes]:
        """Return the canonical row and its sample key."""
        row = parse_row(line)
        encoded = encode_row(row)
        self._counted.add(row, self._capability)
        group = self._groups.setdefault(row.group_name, len(self._groups))
        return encoded, sample_key(row.sample_id, encoded, number, group, row.split or "")

    def statistics(self) -> bytes:
        """Return the label statistics."""
        return encode_statistics(self._counted)


class RolloutLines:
    """Rollouts."""

    def __init__(self) -> None:
        self._counted = RolloutStatistics()

    def take(self, line: bytes, number: int) -> tuple[bytes, bytes]:
        """Return the canonical rollout and its key, in the layout of sample keys; it is in no group."""
        rollout = parse_rollout(line)
        encoded = encode_rollout(rollout)
        self._counted.add(rollout)
        return encoded, sample_key(rollout.rollout_id, encoded, number, 0)

    def statistics(self) -> bytes:
        """Return the rollout statistics."""
        return self._counted.encode()


def ingest_part(part: Part, lines: Iterable[bytes | None], taken: Lines) -> IngestedPart:
    """Return the chunk of a part's lines: canonical rows in upload order, statistics, sorted keys, faults.

    Fault lines count from 1 within the part.
    """
    faults = _Faults()
    rows, keys = bytearray(), []
    number = 0
    for number, line in enumerate(lines, start=1):
        try:
            encoded, key = taken.take(_whole(line), number)
        except RowError as error:
            faults.add(RowFault(number, error.pointer, error.rule, error.detail))
            continue
        keys.append(key)
        rows += encoded
        rows += b"\n"
    keys.sort()
    body, counted, key_body = bytes(rows), taken.statistics(), b"".join(keys)
    chunk = Chunk(
        part=part.part,
        lines=number,
        rows=len(keys),
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        statistics_sha256=hashlib.sha256(counted).hexdigest(),
        keys_sha256=hashlib.sha256(key_body).hexdigest(),
        faults=faults.told,
        fault_count=faults.count,
    )
    return IngestedPart(chunk, body, counted, key_body)


def _whole(line: bytes | None) -> bytes:
    if line is None or len(line) > LINE_BYTES:
        raise RowError("LINE_TOO_LONG", "", f"a line may have {LINE_BYTES} bytes")
    if not line.strip():
        raise RowError("LINE_EMPTY", "", "an empty line is no row")
    return line


class _Faults:
    def __init__(self) -> None:
        self.count = 0
        self.told: list[RowFault] = []

    def add(self, fault: RowFault) -> None:
        self.count += 1
        if len(self.told) < FAULTS_TOLD:
            self.told.append(fault)


class Sealed(Struct, frozen=True):
    """What sealing an upload decided: passed, with the document of its chunks and its hash, or failed, with faults."""

    passed: bool
    rows: int
    content_hash: str | None
    document: bytes
    faults: list[RowFault]
    fault_count: int

    def sentence(self) -> str:
        """Return what a failed upload is told."""
        first = self.faults[0]
        where = f"line {first.line}{' at ' + first.pointer if first.pointer else ''}"
        lines = "1 faulty line" if self.fault_count == 1 else f"{self.fault_count} faulty lines, the first"
        return f"{lines}: {where}: {first.detail} ({first.rule})."


def seal_revision(
    chunks: list[Chunk], keys: SampleKeys, capability: Capability, ended: RowFault | None = None
) -> Sealed:
    """Return the verdict over all chunks of a revision, in part order, with their sample keys.

    `ended` is why the upload has no more lines, where it ends badly; it is told, however many faults come before it.
    """
    return _seal(chunks, keys, "sample_id", {"capability": capability.name}, ended)


def seal_import(chunks: list[Chunk], keys: SampleKeys, ended: RowFault | None = None) -> Sealed:
    """Return the verdict over all chunks of a rollout import, as `seal_revision` does."""
    return _seal(chunks, keys, "rollout_id", {"of": "rollouts"}, ended)


def _seal(
    chunks: list[Chunk], keys: SampleKeys, id_field: str, facts: dict[str, str], ended: RowFault | None
) -> Sealed:
    offsets, line = [], 0
    for chunk in chunks:
        offsets.append(line)
        line += chunk.lines
    faults = [
        msgspec.structs.replace(fault, line=fault.line + offset)
        for chunk, offset in zip(chunks, offsets, strict=True)
        for fault in chunk.faults
    ]
    fault_count = sum(chunk.fault_count for chunk in chunks) + (ended is not None)
    repeats = _find_repeats(keys, offsets, id_field)
    rows = sum(chunk.rows for chunk in chunks)
    if rows == 0 and fault_count == 0:
        repeats.add(RowFault(1, "", "UPLOAD_EMPTY", "the upload has no rows"))
    told = _told(faults + repeats.told, ended)
    listed = [_listed(chunk) for chunk in chunks]
    document = canonical({"schema": 1, **facts, "rows": rows, "chunks": listed})
    passed = not fault_count and not repeats.count
    return Sealed(
        passed=passed,
        rows=rows,
        content_hash=digest(document) if passed else None,
        document=document,
        faults=told,
        fault_count=fault_count + repeats.count,
    )


def _told(faults: list[RowFault], ended: RowFault | None) -> list[RowFault]:
    first = sorted(faults, key=lambda fault: fault.line)
    return first[:FAULTS_TOLD] if ended is None else [*first[: FAULTS_TOLD - 1], ended]


def _find_repeats(keys: SampleKeys, offsets: list[int], id_field: str) -> _Faults:
    """Count the lines whose id an earlier line has; the first ones are told."""
    repeats, first = _Faults(), list[tuple[int, int]]()
    for repeated in _iter_repeated_lines(keys, offsets):
        repeats.count += 1
        if len(first) < FAULTS_TOLD or repeated < first[-1]:
            insort(first, repeated)
            del first[FAULTS_TOLD:]
    rule = f"DUPLICATE_{id_field.upper()}"
    for line, earlier in first:
        detail = f"the {id_field} stands in line {earlier} already"
        repeats.told.append(RowFault(line, f"/{id_field}", rule, detail))
    return repeats


def _iter_repeated_lines(keys: SampleKeys, offsets: list[int]) -> Iterator[tuple[int, int]]:
    """Yield each line whose id an earlier one has, with an earlier one."""
    for same_id in keys.iter_same_ids():
        lines = (read_line(key) + offsets[number] for key, number in same_id)
        first = next(lines)
        for line in lines:  # within a chunk, equal ids come in the order of their content
            later, first = (line, first) if first < line else (first, line)
            yield later, first


def _listed(chunk: Chunk) -> dict[str, Any]:
    return {
        "part": chunk.part,
        "rows": chunk.rows,
        "bytes": chunk.bytes,
        "sha256": chunk.sha256,
        "statistics_sha256": chunk.statistics_sha256,
        "keys_sha256": chunk.keys_sha256,
    }
