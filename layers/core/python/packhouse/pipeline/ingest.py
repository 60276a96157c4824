"""An upload becomes canonical chunks, each with its statistics and keys; faults are told by line.

An upload is cut into parts of bytes; a part owns the lines that begin in it, so parts can be read apart and in any
order. A part becomes one chunk. What two parts cannot see (an id in both, a part that is missing) is settled when the
revision or import is sealed.
"""

import hashlib
import heapq
from bisect import insort
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.fingerprints import canonical, digest
from packhouse.pipeline.rollouts import RolloutStatistics, encode_rollout, parse_rollout
from packhouse.pipeline.rows import LINE_BYTES, RowError, RowFault, encode_row, parse_row
from packhouse.pipeline.statistics import Statistics, encode_statistics

PART_BYTES = 8 * 1024 * 1024
"""A part owns the lines that begin in this many bytes: the chunk it becomes stays far below 32 MiB."""

UPLOAD_BYTES = 5 * 1024**3
FAULTS_TOLD = 100
KEY_BYTES = 32
"""One sample key: 16 bytes of the sample id's hash, 8 of the row's, 4 of its number, 4 of its place, big-endian.

The place is the row's own split in the highest two bits (0 for none, then train, val, test) and its group's number.

The id hash has 128 bits: with 64, two of ten million samples would share one by chance in 3 of 10⁶ builds, and a label
would be lost without a word.
"""

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
        if not skipping and begun >= part.end:
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

    def add_smallest(self, fault: RowFault) -> None:
        """Add a fault of those that come in any order: the ones with the smallest lines are told."""
        self.count += 1
        insort(self.told, fault, key=lambda told: told.line)
        del self.told[FAULTS_TOLD:]


def sample_key(sample_id: str, encoded: bytes, line: int, group: int, split: str = "") -> bytes:
    """Return a row's sample key; see `KEY_BYTES` for its layout. `line` counts from 1 in its part."""
    identity = hashlib.sha256(sample_id.encode()).digest()[:16]
    content = hashlib.sha256(encoded).digest()[:8]
    place = _KEY_SPLITS.index(split) << _GROUP_BITS | group
    return identity + content + line.to_bytes(4, "big") + place.to_bytes(4, "big")


_KEY_SPLITS = ("", "train", "val", "test")
_GROUP_BITS = 30


def read_place(key: bytes) -> tuple[int, int, str]:
    """Return a sample key's row number, its group's number, and the split that the row names, or `""`.

    >>> read_place(sample_key("a", b"{}", 7, 2, "val"))
    (7, 2, 'val')
    """
    place = int.from_bytes(key[28:32], "big")
    return int.from_bytes(key[24:28], "big"), place & (1 << _GROUP_BITS) - 1, _KEY_SPLITS[place >> _GROUP_BITS]


def iter_keys(body: bytes) -> Iterator[bytes]:
    """Yield the sample keys of a chunk in their order."""
    return (body[at : at + KEY_BYTES] for at in range(0, len(body), KEY_BYTES))


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


def seal_revision(chunks: list[Chunk], keys: list[Iterable[bytes]], capability: Capability) -> Sealed:
    """Return the verdict over all chunks of a revision, in part order, with the sample keys of each."""
    return _seal(chunks, keys, "sample_id", {"capability": capability.name})


def seal_import(chunks: list[Chunk], keys: list[Iterable[bytes]]) -> Sealed:
    """Return the verdict over all chunks of a rollout import, in part order, with the keys of each."""
    return _seal(chunks, keys, "rollout_id", {"of": "rollouts"})


def _seal(chunks: list[Chunk], keys: list[Iterable[bytes]], id_field: str, facts: dict[str, str]) -> Sealed:
    offsets, line = [], 0
    for chunk in chunks:
        offsets.append(line)
        line += chunk.lines
    faults = [
        msgspec.structs.replace(fault, line=fault.line + offset)
        for chunk, offset in zip(chunks, offsets, strict=True)
        for fault in chunk.faults
    ]
    fault_count = sum(chunk.fault_count for chunk in chunks)
    repeats = _Faults()
    for repeated in _iter_repeated_ids(keys, offsets, id_field):
        repeats.add_smallest(repeated)
    rows = sum(chunk.rows for chunk in chunks)
    if rows == 0 and fault_count == 0:
        repeats.add(RowFault(1, "", "UPLOAD_EMPTY", "the upload has no rows"))
    told = sorted(faults + repeats.told, key=lambda fault: fault.line)[:FAULTS_TOLD]
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


def _iter_repeated_ids(keys: list[Iterable[bytes]], offsets: list[int], id_field: str) -> Iterator[RowFault]:
    def placed(chunk_keys: Iterable[bytes], offset: int) -> Iterator[tuple[bytes, int]]:
        return ((key[:16], int.from_bytes(key[24:28], "big") + offset) for key in chunk_keys)

    known, first = b"", 0
    for identity, line in heapq.merge(*(placed(*pair) for pair in zip(keys, offsets, strict=True)), key=itemgetter(0)):
        if identity != known:
            known, first = identity, line
            continue
        first, later = sorted((first, line))  # within a chunk, equal ids come in the order of their content
        detail = f"the {id_field} stands in line {first} already"
        yield RowFault(later, f"/{id_field}", f"DUPLICATE_{id_field.upper()}", detail)


def _listed(chunk: Chunk) -> dict[str, Any]:
    return {
        "part": chunk.part,
        "rows": chunk.rows,
        "bytes": chunk.bytes,
        "sha256": chunk.sha256,
        "statistics_sha256": chunk.statistics_sha256,
        "keys_sha256": chunk.keys_sha256,
    }
