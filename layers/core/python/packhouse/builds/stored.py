"""What the tasks of a build leave for each other in S3, and for the viewer; and what they have at hand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import msgspec

from packhouse.aws.objects import Objects
from packhouse.builds.store import BuildStore
from packhouse.jobs.store import JobStore
from packhouse.pipeline.files import BINARY, JSON, NDJSON
from packhouse.pipeline.index import ShardGroup
from packhouse.pipeline.indexing import RUN_WIDTHS, IndexedShard, iter_groups, summary_bytes, write_groups
from packhouse.pipeline.runs import Piece, Run, merge_runs
from packhouse.settings import TaskSettings

INDEX_TYPES = {"ndjson": NDJSON, "groups": NDJSON, "ids": BINARY, "hashes": BINARY, "contents": BINARY}
"""The content types of a shard's index, by the ends of the objects' names."""

Payload = dict[str, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class BuildTasks:
    """What tasks of a build have at hand. `enforced` is whether a hard fail ends a build."""

    store: BuildStore
    jobs: JobStore
    data: Objects
    enforced: bool = False

    @classmethod
    def from_settings(cls, settings: TaskSettings) -> Self:
        """Wire the tasks to their table and bucket."""
        table = settings.builds_table
        return cls(BuildStore(table), JobStore(table), Objects(settings.data_bucket), settings.enforced)


def write_result(data: Objects, jobs: JobStore, payload: Payload, step: str, name: str, result: Any) -> None:
    """Write a unit's result; the one call that made it counts the unit as done."""
    body = msgspec.json.encode(result, order="deterministic")
    if data.write_once(payload["prefix"] + name, body, JSON):
        jobs.count_unit(payload["job_id"], step)


def find_result(data: Objects, prefix: str, name: str, kind: type[_T]) -> _T | None:
    """Return what an earlier delivery of the same task wrote at its end, if there was one: all is done then."""
    return None if data.find_facts(prefix + name) is None else read_result(data, prefix, name, kind)


def read_result(data: Objects, prefix: str, name: str, kind: type[_T]) -> _T:
    """Return what an earlier task of a job wrote."""
    return msgspec.json.decode(data.read(prefix + name), type=kind)


def read_results(data: Objects, prefix: str, names: Iterable[str], kind: type[_T]) -> Iterator[_T]:
    """Yield what earlier tasks of a job wrote, in the order of the names; many are read side by side."""
    decoder = msgspec.json.Decoder(kind)
    return map(decoder.decode, data.iter_read(prefix + name for name in names))


def write_index(data: Objects, prefix: str, shards: list[IndexedShard]) -> None:
    """Write the index of a version below the prefix, where those of its shards are; these come in version order."""

    def read(pieces: list[Piece]) -> Iterator[bytes]:
        return data.iter_ranges((prefix + name, start, end) for name, start, end in pieces)

    def groups_of(shard: IndexedShard) -> Iterator[ShardGroup]:
        key = f"{prefix}{shard.summary.name}.groups"
        return iter_groups(shard.group_bytes, lambda start, end: data.read_range(key, start, end))

    for name, width in RUN_WIDTHS.items():
        runs = [Run(f"{shard.summary.name}.{name}", shard.runs[name]) for shard in shards]
        with data.writer(prefix + name, INDEX_TYPES[name]) as merged:
            for part in merge_runs(runs, width, read, distinct=name == "contents"):
                merged.write(part)
    with data.writer(f"{prefix}groups.ndjson", NDJSON) as groups:
        count, blocks = write_groups(map(groups_of, shards), groups.write)
    data.write_once(f"{prefix}summary.json", summary_bytes([shard.summary for shard in shards], count, blocks), JSON)


def left_out_key(prefix: str, unit: int) -> str:
    """Return where the rows are listed that stayed out of a unit; there is none when none did."""
    return f"{prefix}left-out/{unit:05d}.json"
