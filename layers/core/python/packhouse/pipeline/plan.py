"""What a build will do: which rows stay, which split each group goes to, and the units of work.

Decided from statistics and sample keys alone; no row is read here. Sources are in the order of their label pack ids.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from packhouse.pipeline.ingest import iter_keys
from packhouse.pipeline.splits import SplitPlan, assign_groups

UNIT_BYTES = 32 * 1024 * 1024
UNIT_ROWS = 50_000


class Source(Struct, frozen=True):
    """A label pack's revision that is built in, and the project that holds its objects and assets."""

    label_pack_id: str
    revision_id: str
    content_hash: str
    project_id: str
    rows: int


class SourceChunk(Struct, frozen=True):
    """A chunk of a source: `source` is its number in the plan's order."""

    source: int
    project_id: str
    key: str
    sha256: str
    rows: int
    bytes: int


class ChunkFacts(Struct, frozen=True):
    """What the plan needs of a chunk: its statistics' group counts in order, and its sample keys."""

    chunk: SourceChunk
    groups: tuple[str, ...]
    group_samples: dict[str, int]
    keys: bytes


class UnitChunk(Struct, frozen=True):
    """A chunk as a unit takes it: `duplicates` and `conflicts` are the line numbers of rows that stay out."""

    key: str
    sha256: str
    rows: int
    duplicates: list[int]
    conflicts: list[int]


class Unit(Struct, frozen=True):
    """A unit of BuildShards: its chunks in order, all of one project, and the split of every group in them."""

    unit: int
    project_id: str
    chunks: list[UnitChunk]
    split_of: dict[str, str]


class BuildPlan(Struct, frozen=True):
    """The whole plan. `groups` and `samples` per split are of the rows that stay.

    `incomplete_sources` are the label packs whose statistics cannot serve: no rows, or rows without a group.
    """

    units: list[Unit]
    incomplete_sources: list[str]
    rows_in: int
    duplicates: int
    conflicts: int
    samples: dict[str, int]
    groups: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """The plan without its units."""
        return {
            "units": len(self.units),
            "incomplete_sources": self.incomplete_sources,
            "rows_in": self.rows_in,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "splits": {name: {"samples": self.samples[name], "groups": self.groups[name]} for name in self.samples},
        }


def plan_build(sources: list[Source], chunks: list[ChunkFacts], split: SplitPlan) -> BuildPlan:
    """Return the plan for the chunks of the sources (in source order, chunks in upload order)."""
    duplicates, conflicts = find_repeats(sources, chunks)
    sizes = _net_sizes(chunks, duplicates, conflicts)
    split_of = assign_groups(split, sizes)
    units = [
        Unit(
            number,
            chunks[members[0]].chunk.project_id,
            [
                UnitChunk(
                    chunks[at].chunk.key,
                    chunks[at].chunk.sha256,
                    chunks[at].chunk.rows,
                    sorted(line for line, _ in duplicates.get(at, ())),
                    sorted(line for line, _ in conflicts.get(at, ())),
                )
                for at in members
            ],
            {group: split_of[group] for at in members for group in chunks[at].groups if group in split_of},
        )
        for number, members in enumerate(_bundle(chunks))
    ]
    return BuildPlan(
        units=units,
        incomplete_sources=_incomplete(sources, chunks),
        rows_in=sum(facts.chunk.rows for facts in chunks),
        duplicates=sum(map(len, duplicates.values())),
        conflicts=sum(map(len, conflicts.values())),
        samples={name: sum(sizes[g] for g, s in split_of.items() if s == name) for name in split.ratio},
        groups={name: sum(s == name for s in split_of.values()) for name in split.ratio},
    )


def _incomplete(sources: list[Source], chunks: list[ChunkFacts]) -> list[str]:
    """The label packs that have no rows, or rows without a group."""
    with_rows = {facts.chunk.source for facts in chunks if facts.chunk.rows}
    ungrouped = {facts.chunk.source for facts in chunks if "" in facts.groups}
    return [
        source.label_pack_id for number, source in enumerate(sources) if number not in with_rows or number in ungrouped
    ]


_Left = dict[int, list[tuple[int, int]]]


def find_repeats(sources: list[Source], chunks: list[ChunkFacts]) -> tuple[_Left, _Left]:
    """Return the rows that stay out, per chunk number, as (line, group number): same content, and older content.

    Of rows with one sample id and one content the first source's stays. Of rows whose content differs the one of the
    newest revision stays (revision ids sort in time).
    """
    duplicates: _Left = {}
    conflicts: _Left = {}
    if len(sources) == 1:  # ids are unique within a revision: sealing it proved that
        return duplicates, conflicts
    for same_id in _runs(heapq.merge(*(_placed(number, facts) for number, facts in enumerate(chunks)))):
        keeper = _keeper(same_id, sources, chunks)
        for key, number in same_id:
            if (key, number) == keeper:
                continue
            left = duplicates if key[16:24] == keeper[0][16:24] else conflicts
            place = (int.from_bytes(key[24:28], "big"), int.from_bytes(key[28:32], "big"))
            left.setdefault(number, []).append(place)
    return duplicates, conflicts


_Placed = tuple[bytes, int]


def _placed(number: int, facts: ChunkFacts) -> Iterator[_Placed]:
    return ((key, number) for key in iter_keys(facts.keys))


def _runs(placed: Iterable[_Placed]) -> Iterator[list[_Placed]]:
    """Yield the stretches of two or more keys of one sample id."""
    run: list[_Placed] = []
    for entry in placed:
        if run and run[0][0][:16] != entry[0][:16]:
            if len(run) > 1:
                yield run
            run = []
        run.append(entry)
    if len(run) > 1:
        yield run


def _keeper(same_id: list[_Placed], sources: list[Source], chunks: list[ChunkFacts]) -> _Placed:
    newest = max(same_id, key=lambda entry: sources[chunks[entry[1]].chunk.source].revision_id)
    same_content = [entry for entry in same_id if entry[0][16:24] == newest[0][16:24]]
    return min(same_content, key=lambda entry: chunks[entry[1]].chunk.source)


def _net_sizes(chunks: list[ChunkFacts], *left_out: _Left) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for facts in chunks:
        for group, samples in facts.group_samples.items():
            sizes[group] = sizes.get(group, 0) + samples
    for left in left_out:
        for number, places in left.items():
            for _, place in places:
                sizes[chunks[number].groups[place]] -= 1
    return {group: samples for group, samples in sizes.items() if samples}


def _bundle(chunks: list[ChunkFacts]) -> Iterator[list[int]]:
    """Yield the chunk numbers of each unit: neighbours of one project together while they fit the bound of a unit."""
    members: list[int] = []
    rows = size = 0
    for number, facts in enumerate(chunks):
        chunk = facts.chunk
        full = rows + chunk.rows > UNIT_ROWS or size + chunk.bytes > UNIT_BYTES
        if members and (full or chunk.project_id != chunks[members[0]].chunk.project_id):
            yield members
            members, rows, size = [], 0, 0
        members.append(number)
        rows += chunk.rows
        size += chunk.bytes
    if members:
        yield members
