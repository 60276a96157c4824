"""The formats of the viewer's index of a version: `indexing` writes it, `lookup` reads it.

Below a version's `index/`:

    <split>/<unit>.ndjson      a shard's blocks: a line is a `Block` of up to `BLOCK_ROWS` rows in shard order
    <split>/<unit>.ids         where each of its samples is: sorted hashes of sample ids, each with a `BlockPlace`
    <split>/<unit>.hashes      what its rows are compared by (`contents`), row by row, with room for all hashes each
    <split>/<unit>.contents    the same hashes sorted, each once
    <split>/<unit>.groups      its groups: a line is a `ShardGroup`, sorted by group
    ids, contents              the same of all shards, merged (`runs`)
    groups.ndjson              all groups: a line is a list of up to `GROUP_BLOCK` `GroupEntry`, sorted by group
    summary.json               a `Summary`: the shards in version order, and where the blocks of groups are

A block speaks for itself, so that a sample is found without the summary. Row n of a shard is in block
n // `block_rows`. All of it comes from the shards' bytes and what was found of their assets alone.
"""

import hashlib
from typing import Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from packhouse.pipeline.splits import SPLITS

SCHEMA = 1
BLOCK_ROWS = 500
"""Blocks are read and decoded whole (28 KB, 0.05 ms), and the summary, which every page reads, has a length of each."""

GROUP_BLOCK = 500
CONTENT_DIGITS = 16
VALUES_KEPT = 200
"""The summary names so many classes and camera types of a shard, the commonest; of the others only their number."""

_UNIT_BITS, _PLACE_BITS = 22, 28
_PLACE_MASK = (1 << _PLACE_BITS) - 1
_PLACE_BYTES = 10
ID_HASH_BYTES = 6
ID_BYTES = ID_HASH_BYTES + _PLACE_BYTES

_T = TypeVar("_T")


class Coded(Struct, Generic[_T], array_like=True, frozen=True):
    """A column whose values repeat: the distinct ones as they first come, and of each row the number of its own."""

    values: list[_T]
    codes: list[int]

    def of(self, number: int) -> _T:
        """Return the value of a row."""
        return self.values[self.codes[number]]


class Block(Struct, frozen=True):
    """Rows of a shard: `first` is the number of the first one in the shard.

    `contents` has 16 hex digits a row: the first 8 bytes of the SHA-256 of its line, those that its sample key holds.
    `offsets` are where the rows' lines begin in the shard, and where the last one ends. Groups are `""` for none;
    classes are sorted, `None` for unlabelled and empty for labelled as empty.
    """

    shard: str
    project_id: str
    first: int
    groups: Coded[str]
    camera_types: Coded[str | None]
    classes: Coded[tuple[str, ...] | None]
    asset_reasons: Coded[str | None]
    sample_ids: list[str]
    contents: str
    asset_bytes: list[int | None]
    offsets: list[int]


class Held(Struct, array_like=True, frozen=True):
    """A value in a shard: the rows that have it, and the blocks they are in, a bit each (hex, block 0 the lowest)."""

    rows: int
    blocks: str


class Values(Struct, frozen=True):
    """The classes or camera types of a shard, `""` for rows without one; `cut` counts those that are not `kept`."""

    kept: dict[str, Held]
    cut: int = 0


class ShardSummary(Struct, frozen=True):
    """A shard; `blocks` are the bytes of its blocks, in order."""

    name: str
    project_id: str
    rows: int
    blocks: list[int]
    classes: Values
    camera_types: Values

    @property
    def split(self) -> str:
        """The split that the shard is of."""
        return self.name.partition("/")[0]


class GroupBlock(Struct, array_like=True, frozen=True):
    """A block of groups: the first group in it, and its bytes."""

    first: str
    bytes: int


class Summary(Struct, frozen=True):
    """What tells where to read: the shards in version order, how many groups there are, and where their blocks are."""

    schema: int
    rows: int
    block_rows: int
    shards: list[ShardSummary]
    groups: int
    group_blocks: list[GroupBlock]


class ShardGroup(Struct, array_like=True, frozen=True):
    """A group of one shard, as `Held` tells of a value."""

    group: str
    rows: int
    blocks: str


class GroupPlace(Struct, array_like=True, frozen=True):
    """A group's rows in the shard of this number, as `Held` tells of a value."""

    shard: int
    rows: int
    blocks: str


class GroupEntry(Struct, array_like=True, frozen=True):
    """A group of a version, its rows, and where they are, by shard."""

    group: str
    rows: int
    places: list[GroupPlace]


_block = msgspec.json.Decoder(Block)
_group_block = msgspec.json.Decoder(list[GroupEntry])
_summary = msgspec.json.Decoder(Summary)


def decode_block(line: bytes) -> Block:
    """Return the block of a line.

    >>> line = (
    ...     b'{"shard":"val/00003","project_id":"prj_1","first":0,"groups":[["g"],[0,0]],'
    ...     b'"camera_types":[["wide",null],[0,1]],"classes":[[["ball"],null],[0,1]],"asset_reasons":[[null],[0,0]],'
    ...     b'"sample_ids":["a","b"],"contents":"00112233445566778899aabbccddeeff","asset_bytes":[7,null],'
    ...     b'"offsets":[0,40,81]}'
    ... )
    >>> block = decode_block(line)
    >>> (block.classes.values, block.camera_types.codes, msgspec.json.encode(block) == line)
    ([('ball',), None], [0, 1], True)
    """
    return _block.decode(line)


def decode_groups(line: bytes) -> list[GroupEntry]:
    """Return the groups of a line.

    >>> decode_groups(b'[["match-17",812,[[0,800,"1"],[3,12,"6"]]]]')[0].places[1]
    GroupPlace(shard=3, rows=12, blocks='6')
    """
    return _group_block.decode(line)


def decode_summary(body: bytes) -> Summary:
    """Return the summary of a version.

    >>> shard = (
    ...     b'{"name":"val/00003","project_id":"prj_1","rows":700,"blocks":[29000,12000],'
    ...     b'"classes":{"kept":{"":[1,"1"],"ball":[699,"3"]},"cut":0},'
    ...     b'"camera_types":{"kept":{"wide":[700,"3"]},"cut":0}}'
    ... )
    >>> line = (
    ...     b'{"schema":1,"rows":700,"block_rows":500,"shards":[' + shard + b'],'
    ...     b'"groups":2,"group_blocks":[["match-17",95]]}'
    ... )
    >>> summary = decode_summary(line)
    >>> (summary.shards[0].classes.kept["ball"], summary.group_blocks[0])
    (Held(rows=699, blocks='3'), GroupBlock(first='match-17', bytes=95))
    >>> msgspec.json.encode(summary) == line
    True
    """
    return _summary.decode(body)


class BlockPlace(NamedTuple):
    """Where a block is: its shard, and its offset and length in the shard's `<split>/<unit>.ndjson`.

    In `ids` it follows the hash of each of its samples: 10 bytes, big-endian, the number of the split in 2 bits, the
    unit in 22, offset and length in 28 each.

    >>> place = BlockPlace("val/00003", 57_000, 1_400)
    >>> (id_hash("m17-000123") + place.encode()).hex()
    '0ba524c46258400003000dea80000578'
    >>> BlockPlace.decode(place.encode()) == place
    True
    """

    shard: str
    offset: int
    length: int

    def encode(self) -> bytes:
        """Return the place as it follows a hash."""
        split, _, unit = self.shard.partition("/")
        shard = SPLITS.index(split) << _UNIT_BITS | int(unit)
        return (shard << 2 * _PLACE_BITS | self.offset << _PLACE_BITS | self.length).to_bytes(_PLACE_BYTES, "big")

    @classmethod
    def decode(cls, place: bytes) -> "BlockPlace":
        """Return the place that the bytes are."""
        number = int.from_bytes(place, "big")
        shard, offset = number >> 2 * _PLACE_BITS, number >> _PLACE_BITS & _PLACE_MASK
        name = f"{SPLITS[shard >> _UNIT_BITS]}/{shard & (1 << _UNIT_BITS) - 1:05d}"
        return cls(name, offset, number & _PLACE_MASK)


def id_hash(sample_id: str) -> bytes:
    """Return what the entry of a sample in `ids` begins with: 6 bytes of the SHA-256 of its id."""
    return hashlib.sha256(sample_id.encode()).digest()[:ID_HASH_BYTES]
