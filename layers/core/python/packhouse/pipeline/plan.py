"""What a build will do: which rows stay, which split each group goes to, and the units of work.

Decided from statistics and sample keys alone; no row is read here. Sources are in the order of their label pack ids.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from packhouse.pipeline.fingerprints import canonical
from packhouse.pipeline.issues import Issue, source_issues, split_issues
from packhouse.pipeline.keys import Placed, SampleKeys, group_and_split, read_line, read_place
from packhouse.pipeline.splits import SPLITS, SplitPlan, assign_groups
from packhouse.pipeline.statistics import GroupTally, builtins

UNIT_BYTES = 32 * 1024 * 1024
UNIT_ROWS = 50_000
UNIT_CHUNKS = 1_000
"""Chunks may be as small as a row; a unit reads all of its own."""


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
    """What the plan needs of a chunk beside its sample keys: its statistics' groups in row order.

    The group number in a sample key counts along `groups`.
    """

    chunk: SourceChunk
    groups: dict[str, GroupTally]


class LeftOutReason(StrEnum):
    """Why a row stays out: another source has the same one, or a newer revision labels its sample otherwise."""

    DUPLICATE_SAMPLE = "DUPLICATE_SAMPLE"
    CONFLICTING_SAMPLE = "CONFLICTING_SAMPLE"


class LeftOut(Struct, frozen=True, array_like=True, order=True, gc=False):
    """A row that stays out: its line in the chunk, why, and the number of the source whose row is kept instead.

    >>> msgspec.json.encode(LeftOut(7, LeftOutReason.DUPLICATE_SAMPLE, 0))
    b'[7,"DUPLICATE_SAMPLE",0]'
    """

    line: int
    reason: LeftOutReason
    kept_source: int


class UnitChunk(Struct, frozen=True):
    """A chunk as a unit takes it: the number of its source, and the rows that stay out, by line."""

    key: str
    sha256: str
    rows: int
    source: int
    left_out: list[LeftOut]


class Unit(Struct, frozen=True):
    """A unit of BuildShards: its chunks in order, all of one project, and the split of every group in them."""

    unit: int
    project_id: str
    chunks: list[UnitChunk]
    split_of: dict[str, str]


_Unit = TypeVar("_Unit")


class Units(Generic[_Unit]):
    """The units of a plan, in order. Each is made when it is asked for: it names every row that stays out."""

    def __init__(self, members: list[list[int]], make: Callable[[int, list[int]], _Unit]) -> None:
        self._members = members
        self._make = make

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, number: int) -> _Unit:
        return self._make(number, self._members[number])

    def __iter__(self) -> Iterator[_Unit]:
        return (self[number] for number in range(len(self)))


class BuildPlan(Struct, frozen=True):
    """The whole plan. `split_of`, and `groups` and `samples` per split, are of the rows that stay.

    `incomplete_sources` are the label packs whose statistics cannot serve: no rows, or rows without a group.
    """

    units: Units[Unit]
    incomplete_sources: list[str]
    rows_in: int
    duplicates: int
    conflicts: int
    samples: dict[str, int]
    groups: dict[str, int]
    split_of: dict[str, str]
    issues: list[Issue]

    def assignment(self, kept: Mapping[str, str] | None = None) -> bytes:
        """Return what a later version can be held to: the splits of its groups, and of those kept that it lacks."""
        return assignment_bytes({**(kept or {}), **self.split_of})

    def summary(self) -> dict[str, Any]:
        """The plan without what grows with its sources: no units, and no group's split."""
        return {
            "units": len(self.units),
            "incomplete_sources": self.incomplete_sources,
            "rows_in": self.rows_in,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "splits": {name: {"samples": self.samples[name], "groups": self.groups[name]} for name in self.samples},
            "issues": builtins(self.issues),
        }


def plan_build(
    sources: list[Source],
    chunks: list[ChunkFacts],
    keys: SampleKeys,
    split: SplitPlan,
    kept: Mapping[str, str] | None = None,
) -> BuildPlan:
    """Return the plan for the chunks of the sources (in source order, chunks in upload order), with their sample keys.

    `kept` is the assignment of an earlier version; its groups stay where they were.
    """
    repeats = find_repeats([source.revision_id for source in sources], chunks, keys)
    tallies = _net_tallies(chunks, repeats)
    split_of = assign_groups(split, tallies, kept)
    incomplete = _incomplete(sources, chunks)
    names = [name for name in SPLITS if name in split.ratio or name in split_of.values()]
    return BuildPlan(
        units=Units(
            list(bundle(chunks, UNIT_BYTES)),
            lambda number, members: _unit(number, members, chunks, repeats, split_of),
        ),
        incomplete_sources=incomplete,
        rows_in=sum(facts.chunk.rows for facts in chunks),
        duplicates=repeats.duplicates,
        conflicts=repeats.conflicts,
        samples={name: sum(tallies[g].samples for g, s in split_of.items() if s == name) for name in names},
        groups={name: sum(s == name for s in split_of.values()) for name in names},
        split_of=split_of,
        issues=split_issues(split, tallies, split_of)
        + source_issues(repeats.duplicates, repeats.conflicts, incomplete),
    )


def _unit(
    number: int, members: list[int], chunks: list[ChunkFacts], repeats: "Repeats", split_of: Mapping[str, str]
) -> Unit:
    groups = {group: split_of[group] for at in members for group in chunks[at].groups if group in split_of}
    return Unit(number, chunks[members[0]].chunk.project_id, unit_chunks(members, chunks, repeats), groups)


def unit_chunks(members: list[int], chunks: list[ChunkFacts], repeats: "Repeats") -> list[UnitChunk]:
    """Return the chunks of a unit, by their numbers, with the rows that stay out."""
    return [
        UnitChunk(chunk.key, chunk.sha256, chunk.rows, chunk.source, repeats.left_out(at))
        for at in members
        for chunk in [chunks[at].chunk]
    ]


def _incomplete(sources: list[Source], chunks: list[ChunkFacts]) -> list[str]:
    """The label packs that have no rows, or rows without a group."""
    with_rows = {facts.chunk.source for facts in chunks if facts.chunk.rows}
    ungrouped = {facts.chunk.source for facts in chunks if "" in facts.groups}
    return [
        source.label_pack_id for number, source in enumerate(sources) if number not in with_rows or number in ungrouped
    ]


_CONFLICT, _DUPLICATE = sorted(LeftOutReason)


class Repeats:
    """The rows that stay out, in 12 bytes each, by chunk number."""

    def __init__(self) -> None:
        self.duplicates = self.conflicts = 0
        self._rows: dict[int, array[int]] = {}
        self._places: dict[int, array[int]] = {}

    def add(self, key: bytes, number: int, kept_source: int, *, duplicate: bool) -> None:
        """Add a row by its sample key, with its chunk's number and the source whose row is kept instead."""
        if number not in self._rows:
            self._rows[number], self._places[number] = array("Q"), array("I")
        self._rows[number].append(read_line(key) << 32 | duplicate << 31 | kept_source)
        self._places[number].append(read_place(key))
        self.duplicates += duplicate
        self.conflicts += not duplicate

    def left_out(self, number: int) -> list[LeftOut]:
        """Return the rows of a chunk that stay out, by line."""
        return [
            LeftOut(row >> 32, _DUPLICATE if row >> 31 & 1 else _CONFLICT, row & (1 << 31) - 1)
            for row in sorted(self._rows.get(number, ()))
        ]

    def count_places(self, number: int) -> Counter[tuple[int, str]]:
        """Return how many rows of a chunk stay out, by group number and the split that they name."""
        places = Counter(self._places.get(number, ()))
        return Counter({group_and_split(place): rows for place, rows in places.items()})


def find_repeats(source_ids: Sequence[str], chunks: list[ChunkFacts], keys: SampleKeys) -> Repeats:
    """Return the rows whose sample another source's row stands for; `keys` are those of the chunks.

    Of rows with one sample id and one content the first source's stays. Of rows whose content differs the one of the
    newest source stays: `source_ids`, of revisions or imports in the sources' order, sort in time.
    """
    repeats = Repeats()
    if len(source_ids) == 1:  # row ids are unique within a source: sealing it proved that
        return repeats
    places = {source_id: place for place, source_id in enumerate(sorted(source_ids))}
    sources = [facts.chunk.source for facts in chunks]
    ages = [places[source_ids[source]] for source in sources]
    for run in keys.iter_same_ids():
        same_id = list(run)
        kept_key, kept_number = keeper = _keeper(same_id, sources, ages)
        kept_source = sources[kept_number]
        for each in same_id:
            if each is not keeper:
                key, number = each
                repeats.add(key, number, kept_source, duplicate=key[16:24] == kept_key[16:24])
    return repeats


def _keeper(same_id: list[Placed], sources: list[int], ages: list[int]) -> Placed:
    newest, _ = max(same_id, key=lambda entry: ages[entry[1]])
    same_content = [entry for entry in same_id if entry[0][16:24] == newest[16:24]]
    return min(same_content, key=lambda entry: sources[entry[1]])


def _net_tallies(chunks: list[ChunkFacts], repeats: Repeats) -> dict[str, GroupTally]:
    """Return the tally of every group with rows that stay.

    `samples` and `splits` are of these rows exactly. Sample keys do not tell classes, so where only some of a chunk's
    rows of a group stay, its labels count in full.
    """
    net: dict[str, GroupTally] = {}
    for number, facts in enumerate(chunks):
        named = repeats.count_places(number)
        left = Counter[int]()
        for (place, _), rows in named.items():
            left[place] += rows
        for place, (group, tally) in enumerate(facts.groups.items()):
            samples = tally.samples - left[place]
            if samples:
                splits = {split: rows - named[place, split] for split, rows in tally.splits.items()}
                staying = {split: rows for split, rows in splits.items() if rows}
                net.setdefault(group, GroupTally()).merge(GroupTally(samples, tally.classes, staying))
    return net


def bundle(chunks: list[ChunkFacts], unit_bytes: int) -> Iterator[list[int]]:
    """Yield the chunk numbers of each unit: neighbours of one project together while they fit the bound of a unit."""
    members: list[int] = []
    rows = size = 0
    for number, facts in enumerate(chunks):
        chunk = facts.chunk
        full = rows + chunk.rows > UNIT_ROWS or size + chunk.bytes > unit_bytes or len(members) == UNIT_CHUNKS
        if members and (full or chunk.project_id != chunks[members[0]].chunk.project_id):
            yield members
            members, rows, size = [], 0, 0
        members.append(number)
        rows += chunk.rows
        size += chunk.bytes
    if members:
        yield members


def assignment_bytes(split_of: Mapping[str, str]) -> bytes:
    """Return an assignment as the canonical document that a later version can be held to by its digest.

    >>> assignment_bytes({"match-2": "val", "match-1": "train"})
    b'{"groups":{"match-1":"train","match-2":"val"},"schema":1}'
    """
    return canonical({"schema": 1, "groups": dict(split_of)})


def read_assignment(body: bytes) -> dict[str, str]:
    """Return the assignment that `assignment_bytes` wrote.

    >>> read_assignment(b'{"groups":{"match-1":"train","match-2":"val"},"schema":1}')
    {'match-1': 'train', 'match-2': 'val'}
    """
    return msgspec.json.decode(body, type=_Assignment).groups


class _Assignment(Struct, frozen=True):
    schema: Literal[1]
    groups: dict[str, str]
