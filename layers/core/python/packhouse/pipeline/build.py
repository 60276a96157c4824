"""A unit of chunks becomes one shard a split: the rows that stay, ordered by sample id, and their statistics."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.plan import LeftOutReason, Unit
from packhouse.pipeline.rows import decode_canonical
from packhouse.pipeline.statistics import Statistics


class Shard(Struct, frozen=True):
    """A shard's facts: `name` is `<split>/<unit>`; what was built before labels were counted says that there are none.

    `sha256` is in hex.
    """

    name: str
    split: str
    rows: int
    bytes: int
    sha256: str
    labels: int = 0


class Before(Struct, frozen=True):
    """Rows and labels in the earlier shards of a split: ids count on from them."""

    rows: int
    labels: int


class ShardUnit(Struct, frozen=True):
    """A unit of MaterializeShards. `apart` where sources lie in several projects: pictures are named with theirs."""

    unit: int
    shard: Shard
    project_id: str
    before: Before
    apart: bool


class BuiltShard(Struct, frozen=True):
    """A shard with its bytes and the statistics of its rows."""

    shard: Shard
    body: bytes
    statistics: Statistics


class BuiltUnit(Struct, frozen=True):
    """A unit's result: what it made, and how many rows stayed out for which reason.

    Its statistics have no groups: the plan knows those of each split, and there may be as many as rows.
    """

    unit: int
    project_id: str
    rows_in: int
    left_out: dict[str, int]
    shards: list[Shard]
    statistics: dict[str, Statistics]


class LeftOutRow(Struct, frozen=True, gc=False):
    """The lineage of a row that stayed out: the number of its source, and of the source whose row was kept instead."""

    sample_id: str
    reason_code: LeftOutReason
    source: int
    kept_source: int


def build_shard(
    unit: Unit, chunk_bodies: Iterable[bytes], capability: Capability
) -> tuple[BuiltUnit, list[BuiltShard], list[LeftOutRow]]:
    """Return the unit's result, its shards by split name (splits without rows have none), and the rows that stayed out.

    `chunk_bodies` are the canonical bytes of the unit's chunks, in order. Rows that stayed out come by sample id, then
    source.
    """
    rows: dict[str, list[tuple[str, bytes]]] = {}
    statistics: dict[str, Statistics] = {}
    left_out: list[LeftOutRow] = []
    rows_in = 0
    for chunk, body in zip(unit.chunks, chunk_bodies, strict=True):
        left = {out.line: out for out in chunk.left_out}
        for number, line in enumerate(body.splitlines(), start=1):
            rows_in += 1
            row = decode_canonical(line)
            if (out := left.get(number)) is not None:
                left_out.append(LeftOutRow(row.sample_id, out.reason, chunk.source, out.kept_source))
                continue
            split = unit.split_of[row.group_name]
            rows.setdefault(split, []).append((row.sample_id, line))
            if (counted := statistics.get(split)) is None:
                counted = statistics[split] = Statistics()
            counted.add(row, capability)
    left_out.sort(key=lambda out: (out.sample_id, out.source))
    reasons = Counter(out.reason_code for out in left_out)
    shards = [_shard(split, unit.unit, rows[split], statistics[split]) for split in sorted(rows)]
    built = BuiltUnit(
        unit=unit.unit,
        project_id=unit.project_id,
        rows_in=rows_in,
        left_out={reason.value: reasons[reason] for reason in LeftOutReason},
        shards=[built.shard for built in shards],
        statistics={split: replace(counted, groups={}) for split, counted in statistics.items()},
    )
    return built, shards, left_out


def _shard(split: str, unit: int, rows: list[tuple[str, bytes]], statistics: Statistics) -> BuiltShard:
    rows.sort()
    body = b"".join(line + b"\n" for _, line in rows)
    sha256 = hashlib.sha256(body).hexdigest()
    facts = Shard(f"{split}/{unit:05d}", split, len(rows), len(body), sha256, statistics.labels)
    return BuiltShard(facts, body, statistics)


def merge_statistics(parts: Iterable[Statistics]) -> Statistics:
    """Return the statistics of all parts together, parts in row order."""
    whole = Statistics()
    for part in parts:
        whole.merge(part)
    return whole


def count_left_out(units: Iterable[BuiltUnit]) -> dict[str, Any]:
    """Return the rows that stayed out over all units, by reason."""
    left: dict[str, int] = {}
    for unit in units:
        for reason, count in unit.left_out.items():
            left[reason] = left.get(reason, 0) + count
    return left


def shard_units(shards: Sequence[Shard], project_ids: Sequence[str]) -> list[ShardUnit]:
    """Return the units of MaterializeShards: every shard, with what is counted before it in its split."""
    before: dict[str, Before] = {}
    apart = len(set(project_ids)) > 1
    units = []
    for number, (shard, project_id) in enumerate(zip(shards, project_ids, strict=True)):
        counted = before.get(shard.split, Before(0, 0))
        units.append(ShardUnit(number, shard, project_id, counted, apart))
        before[shard.split] = Before(counted.rows + shard.rows, counted.labels + shard.labels)
    return units
