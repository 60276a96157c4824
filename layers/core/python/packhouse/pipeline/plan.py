"""What a build will do: which rows stay, which split each group goes to, and the units of work.

Decided from statistics and sample keys alone; no row is read here. Sources are in the order of their label pack ids.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

import msgspec
from msgspec import Struct

from packhouse.pipeline.fingerprints import canonical
from packhouse.pipeline.ingest import KEY_BYTES, read_place
from packhouse.pipeline.issues import Issue, source_issues, split_issues
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
    """What the plan needs of a chunk: its statistics' groups in row order, and its sample keys.

    The group number in a sample key counts along `groups`.
    """

    chunk: SourceChunk
    groups: dict[str, GroupTally]
    keys: bytes


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


class BuildPlan(Struct, frozen=True):
    """The whole plan. `split_of`, and `groups` and `samples` per split, are of the rows that stay.

    `incomplete_sources` are the label packs whose statistics cannot serve: no rows, or rows without a group.
    """

    units: list[Unit]
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
    sources: list[Source], chunks: list[ChunkFacts], split: SplitPlan, kept: Mapping[str, str] | None = None
) -> BuildPlan:
    """Return the plan for the chunks of the sources (in source order, chunks in upload order).

    `kept` is the assignment of an earlier version; its groups stay where they were.
    """
    repeats = find_repeats([source.revision_id for source in sources], chunks)
    tallies = _net_tallies(chunks, repeats)
    split_of = assign_groups(split, tallies, kept)
    reasons = Counter(left.reason for repeated in repeats.values() for left, *_ in repeated)
    duplicates, conflicts = reasons[LeftOutReason.DUPLICATE_SAMPLE], reasons[LeftOutReason.CONFLICTING_SAMPLE]
    incomplete = _incomplete(sources, chunks)
    names = [name for name in SPLITS if name in split.ratio or name in split_of.values()]
    return BuildPlan(
        units=[
            _unit(number, members, chunks, repeats, split_of)
            for number, members in enumerate(bundle(chunks, UNIT_BYTES))
        ],
        incomplete_sources=incomplete,
        rows_in=sum(facts.chunk.rows for facts in chunks),
        duplicates=duplicates,
        conflicts=conflicts,
        samples={name: sum(tallies[g].samples for g, s in split_of.items() if s == name) for name in names},
        groups={name: sum(s == name for s in split_of.values()) for name in names},
        split_of=split_of,
        issues=split_issues(split, tallies, split_of) + source_issues(duplicates, conflicts, incomplete),
    )


def _unit(
    number: int, members: list[int], chunks: list[ChunkFacts], repeats: "Repeats", split_of: Mapping[str, str]
) -> Unit:
    taken = []
    for at in members:
        chunk = chunks[at].chunk
        left_out = sorted(left for left, *_ in repeats.get(at, ()))
        taken.append(UnitChunk(chunk.key, chunk.sha256, chunk.rows, chunk.source, left_out))
    groups = {group: split_of[group] for at in members for group in chunks[at].groups if group in split_of}
    return Unit(number, chunks[members[0]].chunk.project_id, taken, groups)


def _incomplete(sources: list[Source], chunks: list[ChunkFacts]) -> list[str]:
    """The label packs that have no rows, or rows without a group."""
    with_rows = {facts.chunk.source for facts in chunks if facts.chunk.rows}
    ungrouped = {facts.chunk.source for facts in chunks if "" in facts.groups}
    return [
        source.label_pack_id for number, source in enumerate(sources) if number not in with_rows or number in ungrouped
    ]


Repeats = dict[int, list[tuple[LeftOut, int, str]]]
"""The rows that stay out, by chunk number, each with its group's number in the chunk and the split that it names."""


def find_repeats(source_ids: Sequence[str], chunks: list[ChunkFacts]) -> Repeats:
    """Return the rows whose sample another source's row stands for.

    Of rows with one sample id and one content the first source's stays. Of rows whose content differs the one of the
    newest source stays: `source_ids`, of revisions or imports in the sources' order, sort in time.
    """
    repeats: Repeats = {}
    if len(source_ids) == 1:  # row ids are unique within a source: sealing it proved that
        return repeats
    for same_id in _iter_same_ids(chunks):
        keeper = _keeper(same_id, source_ids, chunks)
        kept_source = chunks[keeper[1]].chunk.source
        for key, number in same_id:
            if (key, number) == keeper:
                continue
            same = key[16:24] == keeper[0][16:24]
            reason = LeftOutReason.DUPLICATE_SAMPLE if same else LeftOutReason.CONFLICTING_SAMPLE
            line, group, split = read_place(key)
            repeats.setdefault(number, []).append((LeftOut(line, reason, kept_source), group, split))
    return repeats


_Placed = tuple[bytes, int]
_WORDS = KEY_BYTES // 8


def _iter_same_ids(chunks: list[ChunkFacts]) -> Iterator[list[_Placed]]:
    """Yield the keys of each sample id that several chunks have, as (key, chunk number).

    Keys are sorted, so they are taken a 256th at a time, by the first byte of the id: no more than that is ever held
    as Python objects. Only ids of which two chunks share the first 8 bytes are looked at one by one.
    """
    words = [memoryview(facts.keys).cast("Q") for facts in chunks]
    firsts = [facts.keys[::KEY_BYTES] for facts in chunks]
    begins = [0] * len(chunks)
    for byte in range(256):
        ends = [bisect_left(first, byte + 1) for first in firsts]
        seen: set[int] = set()
        twice: set[int] = set()
        slices = []
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            ids = words[number][begin * _WORDS : end * _WORDS : _WORDS].tolist()
            twice.update(seen.intersection(ids))
            seen.update(ids)
            slices.append(ids)
        if twice:
            yield from _runs(chunks, begins, slices, twice)
        begins = ends


def _runs(
    chunks: list[ChunkFacts], begins: list[int], slices: list[list[int]], twice: set[int]
) -> Iterator[list[_Placed]]:
    found: dict[bytes, list[_Placed]] = {}
    for number, ids in enumerate(slices):
        for at, start in enumerate(ids, start=begins[number]):
            if start in twice:
                key = chunks[number].keys[at * KEY_BYTES : (at + 1) * KEY_BYTES]
                found.setdefault(key[:16], []).append((key, number))
    return (run for run in found.values() if len(run) > 1)


def _keeper(same_id: list[_Placed], source_ids: Sequence[str], chunks: list[ChunkFacts]) -> _Placed:
    newest = max(same_id, key=lambda entry: source_ids[chunks[entry[1]].chunk.source])
    same_content = [entry for entry in same_id if entry[0][16:24] == newest[0][16:24]]
    return min(same_content, key=lambda entry: chunks[entry[1]].chunk.source)


def _net_tallies(chunks: list[ChunkFacts], repeats: Repeats) -> dict[str, GroupTally]:
    """Return the tally of every group with rows that stay.

    `samples` and `splits` are of these rows exactly. Sample keys do not tell classes, so where only some of a chunk's
    rows of a group stay, its labels count in full.
    """
    left = Counter((number, group) for number, repeated in repeats.items() for _, group, _ in repeated)
    named = Counter((number, group, split) for number, repeated in repeats.items() for _, group, split in repeated)
    net: dict[str, GroupTally] = {}
    for number, facts in enumerate(chunks):
        for place, (group, tally) in enumerate(facts.groups.items()):
            samples = tally.samples - left[number, place]
            if samples:
                splits = {split: rows - named[number, place, split] for split, rows in tally.splits.items()}
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
