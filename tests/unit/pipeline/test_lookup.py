"""What is read through the index is what a look at all rows says, in as many reads as are promised."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from packhouse.pipeline import index, indexing, lookup, scan
from packhouse.pipeline.index import Summary, id_hash
from packhouse.pipeline.lookup import FacetValue, Found, facets, find, neighbours, page
from packhouse.pipeline.scan import IndexRow, Place, Wanted
from packhouse.pipeline.splits import SPLITS
from tests.unit.pipeline.versions import PROJECT, Row, Version, draw_rows, draw_wanted

randoms = st.randoms(use_true_random=True)  # seeded; every number drawn by Hypothesis would take it minutes
sizes = st.sampled_from([1, 3, 30, 120])
LIMITS = (1, 2, 10, 50, 200)


@pytest.fixture(params=[1, 200], autouse=True)
def kept_values(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many classes and camera types a shard's summary keeps: with 1, the others may be anywhere."""
    monkeypatch.setattr(indexing, "VALUES_KEPT", request.param)
    monkeypatch.setattr(scan, "SPAN_BLOCKS", 3)
    return int(request.param)


def draw_version(random: Random, size: int) -> Version:
    return Version(draw_rows(random, size), random.choice([1, 2, 7, 20, 1000]))


def pages(version: Version, wanted: Wanted, random: Random) -> list[list[str]]:
    """Return the pages of a list to its end, each within the reads that it may cost."""
    turned: list[list[str]] = []
    place: Place | None = Place()
    while place is not None:
        rows, place = page(version.summary, wanted, place, limit := random.choice(LIMITS), version.read)
        assert len(rows) <= limit
        assert len(version.take_reads()) <= lookup.PAGE_READS
        turned.append([row.sample_id for row in rows])
        assert len(turned) <= 3 * len(version.rows) + 1
    return turned


def is_exact(version: Version, wanted: Wanted) -> bool:
    """Whether the summary tells exactly which blocks have wanted rows."""
    filters = [wanted.class_, wanted.camera_type, wanted.group]
    cut = any(values.cut for shard in version.summary.shards for values in (shard.classes, shard.camera_types))
    return not cut and filters.count(None) >= 2


@examples(max_examples=150)
@given(randoms, sizes)
def test_pages_to_the_end_are_the_rows_that_pass(random: Random, size: int) -> None:
    version = draw_version(random, size)
    for _ in range(4):
        wanted = draw_wanted(random, version.rows)
        expected = [row.sample_id for row in version.rows if row.passes(wanted)]
        turned = pages(version, wanted, random)
        assert [sample_id for rows in turned for sample_id in rows] == expected
        if is_exact(version, wanted):
            assert [] not in turned or turned == [[]]


@examples(max_examples=150)
@given(randoms, sizes)
def test_a_page_begins_anywhere(random: Random, size: int) -> None:
    version = draw_version(random, size)
    wanted = draw_wanted(random, version.rows)
    place = Place(random.randint(0, len(version.summary.shards)), random.randint(0, size + 2))
    names = [shard.name for shard in version.summary.shards]
    firsts = {name: [row.shard for row in version.rows].index(name) for name in names}
    expected = [
        row.sample_id
        for number, row in enumerate(version.rows)
        if (names.index(row.shard), number - firsts[row.shard]) >= (place.shard, place.row) and row.passes(wanted)
    ]
    found: list[str] = []
    rest: Place | None = place
    while rest is not None:
        rows, rest = page(version.summary, wanted, rest, 7, version.read)
        found += [row.sample_id for row in rows]
    assert found == expected


@examples(max_examples=60)
@given(randoms, sizes)
def test_every_row_is_told_with_all_that_the_index_knows(random: Random, size: int) -> None:
    version = draw_version(random, size)
    rows: list[IndexRow] = []
    place: Place | None = Place()
    while place is not None:
        some, place = page(version.summary, Wanted(), place, 50, version.read)
        rows += some
    known = [Row(row.shard, row.sample_id, row.group, row.camera_type, row.classes) for row in rows]
    assert known == version.rows
    assert {row.project_id for row in rows} == {PROJECT}
    assert {row.asset_reason for row in rows} == {"ASSET_NOT_GIVEN"}


def test_a_page_of_a_version_without_rows_is_its_last() -> None:
    version = Version([], 1000)
    assert page(version.summary, Wanted(), Place(), 50, version.read) == ([], None)
    assert page(version.summary, Wanted(group="g"), Place(), 50, version.read) == ([], None)
    assert find("a", 0, version.read) is None
    assert facets(version.summary, "", version.read).group_count == 0
    assert version.reads == []


def numbered(size: int, shards: int = 1, **same: str) -> list[Row]:
    """Return rows that are alike, in as many shards."""
    known = {"group": "g", "camera_type": "wide"} | same
    each = size // shards
    return [
        Row(f"train/{number // each:05d}", f"s{number:06d}", known["group"], known["camera_type"], ("ball",))
        for number in range(size)
    ]


def test_full_pages_take_one_read_and_nothing_follows_the_last() -> None:
    version = Version(numbered(300), 100)
    place: Place | None = Place()
    for _ in range(6):
        assert place is not None
        rows, place = page(version.summary, Wanted(), place, 50, version.read)
        assert (len(rows), len(version.take_reads())) == (50, 1)
    assert place is None


def test_a_rare_value_is_looked_for_only_where_it_is() -> None:
    rows = numbered(6000, shards=3)
    for number in (1500, 5999):
        rows[number] = rows[number]._replace(camera_type="drone")
    version = Version(rows, 100)
    found, place = page(version.summary, Wanted(camera_type="drone"), Place(), 50, version.read)
    if version.summary.shards[0].camera_types.cut == 0:
        assert ([row.sample_id for row in found], place) == (["s001500", "s005999"], None)
        assert [name for name, _, _ in version.reads] == ["train/00000.ndjson", "train/00002.ndjson"]
        assert sum(end - start for _, start, end in version.reads) < 20_000


def test_a_page_reads_no_more_than_its_rows_need() -> None:
    version = Version(numbered(2000), 100)
    page(version.summary, Wanted(), Place(0, 990), 50, version.read)
    [(_, start, end)] = version.take_reads()
    assert version.objects["train/00000.ndjson"][start:end].count(b"\n") == 2
    page(version.summary, Wanted(), Place(0, 1000), 100, version.read)
    [(_, start, end)] = version.take_reads()
    assert version.objects["train/00000.ndjson"][start:end].count(b"\n") == 1


def test_a_filtered_page_is_as_full_as_one_read_can_make_it() -> None:
    rows = [row._replace(camera_type="wide" if number % 4 else "near") for number, row in enumerate(numbered(3000))]
    version = Version(rows, 100)
    found, _ = page(version.summary, Wanted(camera_type="near", class_="ball"), Place(), 50, version.read)
    if version.summary.shards[0].camera_types.cut == 0:
        assert (len(found), len(version.reads)) == (50, 1)


def test_one_read_takes_no_more_blocks_than_it_may() -> None:
    version = Version(numbered(3000), 100)
    assert len(page(version.summary, Wanted(), Place(), 200, version.read)[0]) == 200
    page(version.summary, Wanted(), Place(), 3000, version.read)
    page(version.summary, Wanted(camera_type="wide"), Place(), 3000, version.read)
    told = [version.objects[name][start:end].count(b"\n") for name, start, end in version.take_reads()]
    assert told == [2, 3, 3, 3, 3]


@examples(max_examples=60)
@given(randoms, sizes)
def test_every_sample_is_found_and_no_other(random: Random, size: int) -> None:
    version = draw_version(random, size)
    for row in random.sample(version.rows, min(len(version.rows), 20)):
        found = find(row.sample_id, len(version.rows), version.read)
        assert found is not None
        told = found.row
        assert (told.shard, told.sample_id, told.group, told.classes) == (*row[:3], row.classes)
        assert find(f"{row.sample_id}x", len(version.rows), version.read) is None
    assert find("", len(version.rows), version.read) is None


def test_a_sample_costs_two_reads_as_good_as_always() -> None:
    version = Version(numbered(20_000, shards=4), 1000, 1_000_000)
    costs = []
    for row in version.rows[::37]:
        assert find(row.sample_id, len(version.rows), version.read) is not None
        costs.append(len(version.take_reads()))
    assert costs.count(2) >= len(costs) - 2
    assert max(costs) <= 3


@pytest.mark.parametrize("crowd", [b"\0\0", b"\x80\0", b"\xff\xff"])
def test_a_wrong_guess_is_made_good(monkeypatch: pytest.MonkeyPatch, crowd: bytes) -> None:
    """With hashes that are not uniform, but all in one corner, almost every guess is wrong."""

    def crowded(sample_id: str) -> bytes:
        return crowd + id_hash(sample_id)[2:]

    monkeypatch.setattr(indexing, "id_hash", crowded)
    monkeypatch.setattr(lookup, "id_hash", crowded)
    version = Version(numbered(3000), 100)
    for row in version.rows[::29]:
        assert found_in(version, row.sample_id).row.sample_id == row.sample_id
        assert find(f"{row.sample_id}x", 3000, version.read) is None


@pytest.mark.parametrize("corner", [0x01, 0x80, 0xFE])
def test_samples_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch, corner: int) -> None:
    def same(sample_id: str) -> bytes:
        return bytes([corner]) + id_hash(sample_id[:3])[1:]

    monkeypatch.setattr(indexing, "id_hash", same)
    monkeypatch.setattr(lookup, "id_hash", same)
    version = Version(numbered(60, shards=3), 10)
    for row in version.rows:
        assert found_in(version, row.sample_id).row.sample_id == row.sample_id
    assert find("s0", 60, version.read) is None
    version.take_reads()
    assert find("s000000x", 60, version.read) is None
    looked_at = [(name, start) for name, start, _ in version.reads if name != "ids"]
    assert len(looked_at) == len(set(looked_at)) == 6


@examples(max_examples=150)
@given(randoms, sizes)
def test_neighbours_are_those_of_a_plain_scan(random: Random, size: int) -> None:
    version = draw_version(random, size)
    for _ in range(4):
        wanted = draw_wanted(random, version.rows)
        at = random.randrange(len(version.rows))
        found = find(version.rows[at].sample_id, len(version.rows), version.read)
        assert found is not None
        version.take_reads()
        told = neighbours(found, wanted, version.load_summary, version.read)
        assert len(version.take_reads()) <= 2 * lookup.NEIGHBOUR_READS + (wanted.group is not None)
        before = [row.sample_id for row in version.rows[:at] if row.passes(wanted)]
        after = [row.sample_id for row in version.rows[at + 1 :] if row.passes(wanted)]
        expected = before[-1] if before else None, after[0] if after else None
        if told.complete:
            assert (told.previous, told.next) == expected
        else:
            assert told.previous in {None, expected[0]}
            assert told.next in {None, expected[1]}
            assert not is_exact(version, wanted)


def test_neighbours_in_the_block_cost_nothing() -> None:
    version = Version(numbered(30), 10)
    found = found_in(version, "s000005")
    told = neighbours(found, Wanted(), version.load_summary, version.read)
    assert (told.previous, told.next, told.complete) == ("s000004", "s000006", True)
    assert (version.take_reads(), version.loads) == ([], 0)
    told = neighbours(found_in(version, "s000010"), Wanted(), version.load_summary, version.read)
    assert (told.previous, told.next, told.complete) == ("s000009", "s000011", True)
    assert (len(version.take_reads()), version.loads) == (1, 1)


def found_in(version: Version, sample_id: str) -> Found:
    found = find(sample_id, len(version.rows), version.read)
    version.take_reads()
    assert found is not None
    return found


@pytest.mark.parametrize("at", [120, 180])
def test_neighbours_some_blocks_away_are_found_in_either_direction(at: int) -> None:
    """Two filters that are each in every block: only the blocks tell where both are in one row."""
    rows = [
        row._replace(camera_type="near" if number % 10 == 3 else "wide", classes=("x" if number % 10 else "y",))
        for number, row in enumerate(numbered(400))
    ]
    rows[150] = rows[150]._replace(camera_type="near")
    version = Version(rows, 10)
    wanted = Wanted(class_="y", camera_type="near")
    told = neighbours(found_in(version, f"s{at:06d}"), wanted, version.load_summary, version.read)
    assert "s000150" in {told.previous, told.next}


def test_a_search_that_is_ended_does_not_say_that_there_is_none() -> None:
    rows = [
        row._replace(camera_type="a" if number % 10 else "b", group="g", classes=("x" if number % 10 else "y",))
        for number, row in enumerate(numbered(400))
    ]
    rows[200] = rows[200]._replace(camera_type="a")
    version = Version(rows, 10)
    never = Wanted(class_="x", camera_type="b")
    told = neighbours(found_in(version, "s000200"), never, version.load_summary, version.read)
    assert (told.previous, told.next, told.complete) == (None, None, False)
    assert len(version.take_reads()) == 2 * lookup.NEIGHBOUR_READS
    told = neighbours(found_in(version, "s000205"), Wanted(class_="z"), version.load_summary, version.read)
    cut = version.summary.shards[0].classes.cut
    assert (told.previous, told.next, told.complete) == (None, None, not cut)


@examples(max_examples=100)
@given(randoms, sizes)
def test_facets_are_counts_of_rows(random: Random, size: int) -> None:
    version = draw_version(random, size)
    told = facets(version.summary, prefix := random.choice(["", "match-1", "match-3", "n"]), version.read)
    assert len(version.take_reads()) <= 2
    assert told.splits.values == counted(version, [(row.shard.partition("/")[0],) for row in version.rows])
    classes = counted(version, [row.classes or ("",) for row in version.rows])
    camera_types = counted(version, [(row.camera_type or "",) for row in version.rows])
    for facet, expected in ((told.classes, classes), (told.camera_types, camera_types)):
        if facet.complete:
            assert facet.values == sorted(expected, key=lambda each: each.value)
        else:
            known = {each.value: each.samples for each in expected}
            assert all(each.samples <= known[each.value] for each in facet.values)
    groups = counted(version, [(row.group,) if row.group.startswith(prefix) else () for row in version.rows])
    assert told.groups.values == sorted(groups, key=lambda each: each.value)
    assert told.groups.complete
    assert told.group_count == len({row.group for row in version.rows})


def counted(version: Version, of_rows: list[tuple[str, ...]]) -> list[FacetValue]:
    """Return each value of the rows with its counts, as they first come."""
    counts: dict[str, dict[str, int]] = {}
    for row, values in zip(version.rows, of_rows, strict=True):
        for value in values:
            splits = counts.setdefault(value, {})
            split = row.shard.partition("/")[0]
            splits[split] = splits.get(split, 0) + 1
    return [FacetValue(value, sum(splits.values()), splits) for value, splits in counts.items()]


def test_values_beyond_the_kept_ones_are_told_to_be_missing(kept_values: int) -> None:
    rows = [row._replace(camera_type=f"c{number % 2}") for number, row in enumerate(numbered(20))]
    told = facets(Version(rows, 10).summary, "x", Version(rows, 10).read)
    assert told.camera_types.complete == (kept_values > 1)
    assert told.classes.complete


@pytest.mark.parametrize("first", [449, 500])  # so many groups come before those with "b"; a block has 500
@pytest.mark.parametrize(
    ("prefix", "count", "complete"),
    [("", 500, False), ("a", None, True), ("b", 500, False), ("b6", 100, True), ("c", 260, True), ("d", 0, True)],
)
def test_the_first_groups_with_a_prefix_are_listed(first: int, prefix: str, count: int | None, complete: bool) -> None:
    sizes = {"a": first, "b": 700, "c": 260}
    names = [f"{letter}{number:03d}" for letter, size in sizes.items() for number in range(size)]
    rows = [Row("val/00000", f"s{number:05d}", name, None, ()) for number, name in enumerate(names)]
    version = Version(rows, 100)
    told = facets(version.summary, prefix, version.read)
    assert [each.value for each in told.groups.values] == [name for name in names if name.startswith(prefix)][:500]
    assert len(told.groups.values) == (first if count is None else count)
    assert (told.groups.complete, told.group_count) == (complete, len(names))
    assert len(version.take_reads()) == 1


def test_every_group_is_found_in_its_block() -> None:
    rows = [Row("val/00000", f"s{number:05d}", f"g{number:05d}", None, ()) for number in range(1200)]
    version = Version(rows, 100)
    for number in (0, 1, 499, 500, 501, 999, 1000, 1199):
        found, rest = page(version.summary, Wanted(group=f"g{number:05d}"), Place(), 5, version.read)
        assert ([row.sample_id for row in found], rest) == ([f"s{number:05d}"], None)
        assert [name for name, _, _ in version.take_reads()] == ["groups.ndjson", "val/00000.ndjson"]


def test_a_summary_is_of_this_schema() -> None:
    summary: Summary = Version(numbered(3), 10).summary
    assert (summary.schema, summary.rows, index.SCHEMA) == (1, 3, 1)
    assert {shard.split for shard in summary.shards} <= set(SPLITS)
