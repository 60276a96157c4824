"""Reads of the viewer's index: pages of rows, facets, one sample and its neighbours. `index` says what is read.

Every function is given `read(name, start, end)`, which returns bytes `start` up to `end` of an object by its name below
`index/`, and costs one read for each call. Nothing is kept between calls: what to remember is the caller's business.

Rows are in version order: shards in the summary's order, rows in a shard by sample id.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from math import isqrt

from msgspec import Struct

from packhouse.pipeline.index import (
    ID_BYTES,
    ID_HASH_BYTES,
    Block,
    BlockPlace,
    GroupEntry,
    ShardSummary,
    Summary,
    Values,
    decode_block,
    decode_groups,
    id_hash,
)
from packhouse.pipeline.scan import (
    IndexRow,
    Place,
    Read,
    Scan,
    Wanted,
    index_row,
    matching,
    read_group_blocks,
)

PAGE_READS = 2
"""So many reads a page costs at most; that of a group's places is one of them."""

NEIGHBOUR_READS = 2
"""So many reads the search for a neighbour costs at most in each direction, that of a group's places apart."""

GROUPS_LISTED = VALUES_LISTED = 500
_DEVIATIONS, _WIDER = 4, 4


class FacetValue(Struct, frozen=True):
    """A value, the samples that have it (a sample counts for each of its classes), and the same per split."""

    value: str
    samples: int
    splits: dict[str, int]


class Facet(Struct, frozen=True):
    """The values of a facet by name, `""` for samples without one; splits are in version order.

    `complete` is false where there are more than are listed (of groups the first ones that begin with the prefix, else
    the commonest), and where classes or camera types were cut from a shard's summary: rare ones may then be missing,
    and all counts are of at least so many.
    """

    values: list[FacetValue]
    complete: bool


class Facets(Struct, frozen=True):
    """What there is to filter by; `group_count` counts all groups, whatever they begin with."""

    splits: Facet
    classes: Facet
    camera_types: Facet
    groups: Facet
    group_count: int


class Found(Struct, frozen=True):
    """A sample: its block, and its number in it, from 0."""

    block: Block
    number: int

    @property
    def row(self) -> IndexRow:
        """The sample's row."""
        return index_row(self.block, self.number)


class Neighbours(Struct, frozen=True):
    """The sample ids before and after a sample in version order; `None` where there is none.

    Where `complete` is false, the bound on reads ended a search: a `None` may then be wrong.
    """

    previous: str | None
    next: str | None
    complete: bool


def page(summary: Summary, wanted: Wanted, place: Place, limit: int, read: Read) -> tuple[list[IndexRow], Place | None]:
    """Return up to `limit` wanted rows from `place` on, and where the next page begins, if there may be more.

    Costs at most `PAGE_READS` reads. A page may be short, or even empty where two filters together are rare, and yet
    have a place to go on from. There is none when nothing can follow as far as the summary tells: with one filter, and
    a split beside it, it tells exactly, unless the value was cut from a shard's summary.
    """
    scan = Scan(summary, wanted, read)
    return _rows_from(scan, place, limit, PAGE_READS if wanted.group is None else PAGE_READS - 1)


def _rows_from(scan: Scan, place: Place, limit: int, reads: int) -> tuple[list[IndexRow], Place | None]:
    rows: list[IndexRow] = []
    while reads and len(rows) < limit and (span := scan.span_from(place, limit - len(rows))):
        reads -= 1
        begin = place.row if span.shard == place.shard else 0
        for block in scan.blocks(span):
            numbers = matching(block, scan.wanted)
            ahead = numbers[bisect_left(numbers, begin - block.first) :]
            left = limit - len(rows)
            rows += [index_row(block, number) for number in ahead[:left]]
            if len(ahead) > left:
                return rows, Place(span.shard, block.first + ahead[left])
        place = Place(span.shard, span.end * scan.summary.block_rows)
    return rows, place if scan.span_from(place, 1) else None


def find(sample_id: str, rows: int, read: Read) -> Found | None:
    """Return a sample, or `None` when the version, which has `rows` rows, has none of this id.

    Costs two reads in all but 1 of 10,000 cases, one more each time that the sample's place was guessed wrong. The hash
    that leads to the block has 48 bits; only the block decides.
    """
    for place in _blocks_of(id_hash(sample_id), rows, read):
        block = decode_block(read(f"{place.shard}.ndjson", place.offset, place.offset + place.length))
        number = bisect_left(block.sample_ids, sample_id)
        if block.sample_ids[number : number + 1] == [sample_id]:
            return Found(block, number)
    return None


def _blocks_of(wanted: bytes, rows: int, read: Read) -> list[BlockPlace]:
    """Return the blocks that have a sample of this hash.

    Hashes are uniform: of n, as many are less than one as its share of n, and the deviation is sqrt(n) / 2 at most.
    """
    reach = _DEVIATIONS * isqrt(rows) // 2 + _DEVIATIONS
    middle = rows * int.from_bytes(wanted, "big") >> 8 * ID_HASH_BYTES
    first, last = max(middle - reach, 0), min(middle + reach, rows)
    while first < last:
        entries = read("ids", first * ID_BYTES, last * ID_BYTES)
        early = first > 0 and _hash_at(entries, 0) >= wanted
        late = last < rows and _hash_at(entries, last - first - 1) <= wanted
        if not early and not late:
            return _blocks_in(entries, wanted)
        reach *= _WIDER
        first, last = max(first - reach, 0) if early else first, min(last + reach, rows) if late else last
    return []


def _blocks_in(entries: bytes, wanted: bytes) -> list[BlockPlace]:
    numbers, hash_at = range(len(entries) // ID_BYTES), partial(_hash_at, entries)
    first, end = bisect_left(numbers, wanted, key=hash_at), bisect_right(numbers, wanted, key=hash_at)
    places = (entries[number * ID_BYTES + ID_HASH_BYTES : (number + 1) * ID_BYTES] for number in range(first, end))
    return [BlockPlace.decode(place) for place in dict.fromkeys(places)]


def _hash_at(entries: bytes, number: int) -> bytes:
    return entries[number * ID_BYTES : number * ID_BYTES + ID_HASH_BYTES]


def neighbours(found: Found, wanted: Wanted, load_summary: Callable[[], Summary], read: Read) -> Neighbours:
    """Return the nearest wanted rows before and after a sample; the sample itself may be any.

    Costs nothing where its block has both. Otherwise the summary is loaded, and at most `NEIGHBOUR_READS` reads are
    made in each direction, and one for the places of a wanted group.
    """
    block, number = found.block, found.number
    here = matching(block, wanted) if wanted.split in {None, found.row.split} else []
    before, after = bisect_left(here, number) - 1, bisect_right(here, number)
    previous = block.sample_ids[here[before]] if before >= 0 else None
    following = block.sample_ids[here[after]] if after < len(here) else None
    if previous is not None and following is not None:
        return Neighbours(previous, following, complete=True)
    scan = Scan(load_summary(), wanted, read)
    shard = next(at for at, each in enumerate(scan.summary.shards) if each.name == block.shard)
    known = True
    if previous is None:
        previous, known = _last_before(scan, shard, block.first // scan.summary.block_rows)
    if following is None:
        rows, rest = _rows_from(scan, Place(shard, block.first + len(block.sample_ids)), 1, NEIGHBOUR_READS)
        following = rows[0].sample_id if rows else None
        known = known and (following is not None or rest is None)
    return Neighbours(previous, following, known)


def _last_before(scan: Scan, shard: int, block: int) -> tuple[str | None, bool]:
    """Return the last wanted row before a block of a shard, and whether it is known that there is none otherwise."""
    span = scan.span_before(shard, block)
    for _ in range(NEIGHBOUR_READS):
        if span is None:
            break
        for each in scan.blocks(span, backwards=True):
            if numbers := matching(each, scan.wanted):
                return each.sample_ids[numbers[-1]], True
        span = scan.span_before(span.shard, span.first)
    return None, span is None


def facets(summary: Summary, group_prefix: str, read: Read) -> Facets:
    """Return what there is to filter by, with the first `GROUPS_LISTED` groups that begin with the prefix.

    Costs one read; none in a version without groups.
    """
    shards = summary.shards
    rows: dict[str, int] = {}
    for shard in shards:
        rows[shard.split] = rows.get(shard.split, 0) + shard.rows
    return Facets(
        splits=Facet([FacetValue(split, count, {split: count}) for split, count in rows.items()], complete=True),
        classes=_values_facet(shards, lambda shard: shard.classes),
        camera_types=_values_facet(shards, lambda shard: shard.camera_types),
        groups=_group_facet(summary, group_prefix, read),
        group_count=summary.groups,
    )


def _values_facet(shards: Iterable[ShardSummary], values_of: Callable[[ShardSummary], Values]) -> Facet:
    counts: dict[str, dict[str, int]] = {}
    for shard in shards:
        for value, held in values_of(shard).kept.items():
            splits = counts.setdefault(value, {})
            splits[shard.split] = splits.get(shard.split, 0) + held.rows
    values = [FacetValue(value, sum(splits.values()), splits) for value, splits in counts.items()]
    values.sort(key=lambda each: (-each.samples, each.value))
    complete = len(values) <= VALUES_LISTED and not any(values_of(shard).cut for shard in shards)
    return Facet(sorted(values[:VALUES_LISTED], key=lambda each: each.value), complete)


def _group_facet(summary: Summary, prefix: str, read: Read) -> Facet:
    """A block is full but the last, so that the first groups with a prefix lie in two that follow each other."""
    first = max(bisect_right(summary.group_blocks, prefix, key=lambda each: each.first) - 1, 0)
    behind = summary.group_blocks[first + 1 : first + 3]
    end = first + 2 if behind and behind[0].first.startswith(prefix) else first + 1
    lines = read_group_blocks(summary, first, end, read).splitlines() if summary.group_blocks else []
    groups = [entry for line in lines for entry in decode_groups(line) if entry.group.startswith(prefix)]
    more = len(groups) > GROUPS_LISTED or (len(behind) > 1 and behind[1].first.startswith(prefix))
    return Facet([_group_value(summary, entry) for entry in groups[:GROUPS_LISTED]], complete=not more)


def _group_value(summary: Summary, entry: GroupEntry) -> FacetValue:
    splits: dict[str, int] = {}
    for place in entry.places:
        split = summary.shards[place.shard].split
        splits[split] = splits.get(split, 0) + place.rows
    return FacetValue(entry.group, entry.rows, splits)
