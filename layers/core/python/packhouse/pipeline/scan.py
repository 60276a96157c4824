"""Which blocks of a version may have the rows that are asked for, and how many of them one range read takes.

The summary tells of each class and camera type which blocks of a shard have it, and a group's entry tells it of the
group. Blocks that this rules out are not decoded, and where they are at an edge of a range, not read.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from math import ceil, sqrt
from typing import Any, NamedTuple

from msgspec import Struct

from packhouse.pipeline.index import (
    CONTENT_DIGITS,
    Block,
    Coded,
    GroupPlace,
    Held,
    ShardSummary,
    Summary,
    Values,
    decode_block,
    decode_groups,
)

Read = Callable[[str, int, int], bytes]
"""Returns bytes `start` up to `end` of an object by its name below `index/`."""

SPAN_BLOCKS = 16
"""One range read takes at most so many blocks (about 0.5 MB), be the wanted value ever so rare."""


class Wanted(Struct, frozen=True):
    """Which rows are asked for: `None` asks for all, `""` for those without a class, camera type or group."""

    split: str | None = None
    class_: str | None = None
    camera_type: str | None = None
    group: str | None = None


class Place(Struct, frozen=True):
    """A row by the number of its shard in the summary and its own in the shard, both from 0."""

    shard: int = 0
    row: int = 0


class IndexRow(Struct, frozen=True):
    """A row as the index knows it; its line is the bytes `start` up to `end` of `shards/<shard>.ndjson`.

    `classes` are sorted; `None` means unlabelled, none at all labelled as empty. `group` is `""` for a row that names
    none. Its asset is below `projects/<project_id>/assets/`.
    """

    shard: str
    project_id: str
    sample_id: str
    content: str
    group: str
    camera_type: str | None
    classes: tuple[str, ...] | None
    asset_bytes: int | None
    asset_reason: str | None
    start: int
    end: int

    @property
    def split(self) -> str:
        """The split that the row is in."""
        return self.shard.partition("/")[0]


def index_row(block: Block, number: int) -> IndexRow:
    """Return a block's row by its number in the block."""
    return IndexRow(
        shard=block.shard,
        project_id=block.project_id,
        sample_id=block.sample_ids[number],
        content=block.contents[number * CONTENT_DIGITS : (number + 1) * CONTENT_DIGITS],
        group=block.groups.of(number),
        camera_type=block.camera_types.of(number),
        classes=block.classes.of(number),
        asset_bytes=block.asset_bytes[number],
        asset_reason=block.asset_reasons.of(number),
        start=block.offsets[number],
        end=block.offsets[number + 1],
    )


def matching(block: Block, wanted: Wanted) -> Sequence[int]:
    """Return the numbers of a block's wanted rows, in order; the split is the shard's, and is not looked at.

    >>> codes = Coded([("ball", "player"), (), None], [0, 1, 2, 0])
    >>> block = Block("val/00000", "prj_1", 0, Coded(["g"], [0] * 4), Coded([None], [0] * 4), codes,
    ...     Coded([None], [0] * 4), ["a", "b", "c", "d"], "", [], [])
    >>> matching(block, Wanted(class_="player")), matching(block, Wanted(class_="", group="g", camera_type=""))
    ([0, 3], [1, 2])
    """
    numbers: Sequence[int] = range(len(block.sample_ids))
    columns: list[tuple[str | None, Coded[Any], Callable[[Any], Any]]] = [
        (wanted.group, block.groups, lambda group: (group,)),
        (wanted.camera_type, block.camera_types, lambda camera_type: (camera_type or "",)),
        (wanted.class_, block.classes, lambda classes: classes or ("",)),
    ]
    for name, column, names_of in columns:
        if name is not None:
            codes = {code for code, value in enumerate(column.values) if name in names_of(value)}
            numbers = [number for number in numbers if column.codes[number] in codes]
    return numbers


class Span(NamedTuple):
    """Blocks `first` up to `end` of a shard; those whose bit is in `mask` may have wanted rows."""

    shard: int
    first: int
    end: int
    mask: int


class _Likely(NamedTuple):
    """The blocks of a shard that may have wanted rows, a bit each, and about how many each of them has."""

    mask: int
    rows: float


class Scan:
    """A walk over the blocks that may have wanted rows; for a wanted group, its block of groups is read at once."""

    def __init__(self, summary: Summary, wanted: Wanted, read: Read) -> None:
        self.summary = summary
        self.wanted = wanted
        self._read = read
        self._group = None if wanted.group is None else _places_of(summary, wanted.group, read)

    def span_from(self, place: Place, rows: int) -> Span | None:
        """Return the next span from a place on, likely to have so many wanted rows; `None` when none can follow."""
        block, skipped = divmod(place.row, self.summary.block_rows)
        for shard in range(place.shard, len(self.summary.shards)):
            likely = self._likely(shard)
            if likely.mask >> block:
                ahead = _bits(likely.mask, block, len(self.summary.shards[shard].blocks))
                begun = skipped / self.summary.block_rows if ahead[0] == block else 0
                chosen = ahead[: ceil(self._needed(rows) / likely.rows + begun)]
                within = [number for number in chosen if number < ahead[0] + SPAN_BLOCKS]
                return Span(shard, within[0], within[-1] + 1, likely.mask)
            block = skipped = 0
        return None

    def span_before(self, shard: int, block: int | None) -> Span | None:
        """Return the nearest span before a block of a shard, or of all its blocks, likely to have a wanted row."""
        for number in range(shard, -1, -1):
            likely = self._likely(number)
            behind = _bits(likely.mask, 0, len(self.summary.shards[number].blocks) if block is None else block)
            if behind:
                chosen = behind[-ceil(self._needed(1) / likely.rows) :]
                within = [each for each in chosen if each > behind[-1] - SPAN_BLOCKS]
                return Span(number, within[0], within[-1] + 1, likely.mask)
            block = None
        return None

    def blocks(self, span: Span, *, backwards: bool = False) -> Iterator[Block]:
        """Yield the blocks of a span that may have wanted rows, in order or backwards; costs one read."""
        shard = self.summary.shards[span.shard]
        start = sum(shard.blocks[: span.first])
        end = start + sum(shard.blocks[span.first : span.end])
        lines = self._read(f"{shard.name}.ndjson", start, end).splitlines()
        numbers = _bits(span.mask, span.first, span.end)
        for number in reversed(numbers) if backwards else numbers:
            yield decode_block(lines[number - span.first])

    def _needed(self, rows: int) -> float:
        """Return how many wanted rows to expect of a span that is to have `rows` in 39 of 40 cases (scattered ones)."""
        unfiltered = (self.wanted.class_, self.wanted.camera_type, self.wanted.group) == (None, None, None)
        return rows if unfiltered else rows + 2 * sqrt(rows)

    def _likely(self, number: int) -> _Likely:
        shard, block_rows = self.summary.shards[number], self.summary.block_rows
        likely = _Likely((1 << len(shard.blocks)) - 1, block_rows)
        if self.wanted.split not in {None, shard.split}:
            return _NONE
        for limit in self._limits(number, shard):
            likely = _Likely(likely.mask & limit.mask, likely.rows * limit.rows / block_rows)
        return likely

    def _limits(self, number: int, shard: ShardSummary) -> Iterator[_Likely]:
        """Yield what each filter leaves of a shard."""
        if self._group is not None:
            yield _of_held(self._group.get(number))
        for value, values in ((self.wanted.class_, shard.classes), (self.wanted.camera_type, shard.camera_types)):
            if value is not None:
                yield _of_value(value, values, len(shard.blocks))


_NONE = _Likely(0, 1)


def _of_value(value: str, values: Values, blocks: int) -> _Likely:
    """Return where a class or camera type may be; one that was cut may be anywhere, once in a block."""
    held = values.kept.get(value)
    if held is None and values.cut:
        return _Likely((1 << blocks) - 1, 1)
    return _of_held(held)


def _of_held(held: Held | GroupPlace | None) -> _Likely:
    if held is None:
        return _NONE
    mask = int(held.blocks, 16)
    return _Likely(mask, held.rows / mask.bit_count())


def _places_of(summary: Summary, group: str, read: Read) -> dict[int, GroupPlace]:
    """Return where a group is, by shard; costs one read, none where its name comes before all others."""
    block = bisect_right(summary.group_blocks, group, key=lambda each: each.first) - 1
    if block < 0:
        return {}
    entries = decode_groups(read_group_blocks(summary, block, block + 1, read))
    return {place.shard: place for entry in entries if entry.group == group for place in entry.places}


def read_group_blocks(summary: Summary, first: int, end: int, read: Read) -> bytes:
    """Return the lines of groups from block `first` up to `end`; costs one read."""
    start = sum(block.bytes for block in summary.group_blocks[:first])
    return read("groups.ndjson", start, start + sum(block.bytes for block in summary.group_blocks[first:end]))


def _bits(mask: int, first: int, end: int) -> list[int]:
    """Return which bits of a mask are set from `first` up to `end`.

    >>> _bits(0b110101, 1, 5)
    [2, 4]
    """
    return [bit for bit in range(first, end) if mask >> bit & 1]
