"""The index that is written: every row by its bytes, runs that are merged as if sorted at once, the same each time."""

import hashlib
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.build import BuiltShard
from packhouse.pipeline.contents import HASH_BYTES, ROW_HASHES, Asset, content_hashes
from packhouse.pipeline.index import (
    BLOCK_ROWS,
    ID_BYTES,
    ID_HASH_BYTES,
    Block,
    BlockPlace,
    Held,
    decode_block,
    decode_groups,
    id_hash,
)
from packhouse.pipeline.indexing import ShardIndex, ShardIndexer, iter_groups, merge_groups
from packhouse.pipeline.rows import Label, LabelRow, decode_canonical
from packhouse.pipeline.runs import BUCKETS, Piece, Run, count_buckets, merge_runs, sorted_run
from packhouse.pipeline.splits import SplitPlan
from tests.unit.pipeline.labels import THIRDS, build, ndjson, row
from tests.unit.pipeline.versions import Version, draw_rows

randoms = st.randoms(use_true_random=True)
ALL_TRAIN = SplitPlan(THIRDS.strategy, {"train": 10_000}, 0)
PICTURE = Asset(7, "d41d8cd9")


def built(rows: list[dict[str, Any]]) -> BuiltShard:
    _, units = build([ndjson(rows)], ALL_TRAIN)
    return units[0][1][0]


def mixed(count: int) -> list[dict[str, Any]]:
    """Return rows of all sorts."""
    rows = []
    for number in range(count):
        name = f"s{number:05d}"
        rows.append(row(name, f"match-{number // 7}", number / count, asset=f"f/{name}.png"))
        if number % 5 == 0:
            rows[-1] |= {"labels": None, "camera_type": "wide"}
        if number % 11 == 0:
            rows[-1] |= {"labels": [], "group": None, "asset": None}
    return rows


def index(shard: BuiltShard, block_rows: int = BLOCK_ROWS, assets: dict[str, Asset] | None = None) -> ShardIndex:
    indexer = ShardIndexer(shard.shard.name, "prj_1", block_rows)
    for line in shard.body.splitlines():
        found = decode_canonical(line)
        asset = (assets or {}).get(found.asset or "")
        indexer.add(found, line, asset, None if asset else "ASSET_NOT_FOUND")
    return indexer.finish()


@pytest.mark.parametrize("block_rows", [1, 10, 99, 100, 101, 1000])
def test_every_row_is_found_by_its_bytes_and_its_blocks(block_rows: int) -> None:
    shard = built(mixed(100))
    facts, objects = index(shard, block_rows)
    blocks = [decode_block(line) for line in objects["ndjson"].splitlines()]
    assert [len(line) for line in objects["ndjson"].splitlines(keepends=True)] == facts.summary.blocks
    assert [block.first for block in blocks] == list(range(0, 100, block_rows))
    lines = []
    for block in blocks:
        assert len(block.offsets) == len(block.sample_ids) + 1 <= block_rows + 1
        for number, sample_id in enumerate(block.sample_ids):
            lines.append(shard.body[block.offsets[number] : block.offsets[number + 1]])
            assert decode_canonical(lines[-1]).sample_id == sample_id
            content = block.contents[16 * number : 16 * number + 16]
            assert content == hashlib.sha256(lines[-1].rstrip(b"\n")).hexdigest()[:16]
    assert b"".join(lines) == shard.body
    assert (facts.summary.rows, facts.sha256) == (100, hashlib.sha256(objects["ndjson"]).hexdigest())


def rows_of(blocks: list[Block]) -> Iterator[tuple[int, Block, int]]:
    for at, block in enumerate(blocks):
        yield from ((at, block, number) for number in range(len(block.sample_ids)))


@pytest.mark.parametrize("block_rows", [7, 1000])
def test_a_summary_tells_of_each_value_its_rows_and_blocks(block_rows: int) -> None:
    facts, objects = index(built(mixed(100)), block_rows)
    blocks = [decode_block(line) for line in objects["ndjson"].splitlines()]
    expected: dict[str, dict[str, set[tuple[int, int]]]] = {"class": {}, "camera": {}, "group": {}}
    for at, block, number in rows_of(blocks):
        for name in block.classes.of(number) or ("",):
            expected["class"].setdefault(name, set()).add((at, number))
        expected["camera"].setdefault(block.camera_types.of(number) or "", set()).add((at, number))
        expected["group"].setdefault(block.groups.of(number), set()).add((at, number))

    def held(column: str) -> dict[str, Held]:
        return {
            value: Held(len(places), f"{sum(1 << at for at in {at for at, _ in places}):x}")
            for value, places in expected[column].items()
        }

    assert facts.summary.classes.kept == held("class")
    assert facts.summary.camera_types.kept == held("camera")
    body = objects["groups"]
    groups = list(iter_groups(len(body), lambda start, end: body[start:end]))
    assert [group.group for group in groups] == sorted(held("group"))
    assert {group.group: Held(group.rows, group.blocks) for group in groups} == held("group")


@pytest.mark.parametrize(("count", "cut"), [(200, 0), (201, 1), (300, 100)])
def test_the_commonest_values_are_kept_and_the_others_counted(count: int, cut: int) -> None:
    rows = [row(f"s{number:05d}", camera_type=f"c{min(number, count - 1):03d}") for number in range(count + 3)]
    values = index(built(rows), 10)[0].summary.camera_types
    assert (len(values.kept), values.cut) == (200, cut)
    last = f"c{count - 1:03d}"
    assert list(values.kept) == sorted([*(f"c{number:03d}" for number in range(200 - 1)), last])
    assert values.kept[last].rows == 4


@pytest.mark.parametrize("read_bytes", [1, 17, 10_000])
def test_groups_are_read_piece_by_piece(read_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packhouse.pipeline.indexing._READ_BYTES", read_bytes)
    body = index(built([row(f"s{n:03d}", f"größe {n % 40}") for n in range(200)]))[1]["groups"]
    groups = [group.group for group in iter_groups(len(body), lambda start, end: body[start:end])]
    assert groups == sorted({f"größe {n % 40}" for n in range(200)})


@given(randoms, st.sampled_from([1, 3, 40]))
def test_groups_of_all_shards_are_those_of_the_rows(random: Random, size: int) -> None:
    version = Version(draw_rows(random, size), 7)
    entries = [entry for line in version.objects["groups.ndjson"].splitlines() for entry in decode_groups(line)]
    assert [entry.group for entry in entries] == sorted({each.group for each in version.rows})
    for entry in entries:
        members = [each for each in version.rows if each.group == entry.group]
        shards = [version.summary.shards[place.shard].name for place in entry.places]
        assert shards == list(dict.fromkeys(each.shard for each in members))
        assert entry.rows == len(members) == sum(place.rows for place in entry.places)
    assert version.summary.groups == len(entries)
    assert list(merge_groups([])) == []


@given(randoms, st.sampled_from([2, 8, 16]), st.integers(0, 8), st.sampled_from([1, 5, 100, 10_000]))
def test_runs_are_merged_as_if_sorted_at_once(random: Random, width: int, count: int, slice_entries: int) -> None:
    bodies = {
        f"run-{number}": sorted_run(random.choice([random.randbytes(width), bytes(width)]) for _ in range(size))
        for number, size in enumerate(random.choices([0, 1, 30, 200], k=count))
    }
    runs = [Run(name, count_buckets(body, width)) for name, body in bodies.items()]
    pieces: list[Piece] = []

    def read(wanted: list[Piece]) -> Iterator[bytes]:
        pieces.extend(wanted)
        return (bodies[name][start:end] for name, start, end in wanted)

    entries = [body[at : at + width] for body in bodies.values() for at in range(0, len(body), width)]
    assert b"".join(merge_runs(runs, width, read, slice_entries)) == b"".join(sorted(entries))
    assert all(start < end for _, start, end in pieces)
    assert sum(end - start for _, start, end in pieces) == len(entries) * width
    distinct = b"".join(merge_runs(runs, width, read, slice_entries, distinct=True))
    assert distinct == b"".join(sorted(set(entries)))
    random.shuffle(runs)
    assert b"".join(merge_runs(runs, width, read, slice_entries)) == b"".join(sorted(entries))


def test_slices_are_bounded() -> None:
    body = sorted_run(hashlib.sha256(bytes([number % 251, number // 251])).digest()[:8] for number in range(20_000))
    counts = count_buckets(body, 8)
    assert (len(counts), sum(counts)) == (BUCKETS, 20_000)
    slices = list(merge_runs([Run("one", counts)], 8, lambda wanted: [body[a:b] for _, a, b in wanted], 1000))
    assert b"".join(slices) == body
    assert max(map(len, slices)) <= 8 * 1000
    assert len(slices) <= 2 * 20


@given(randoms)
def test_ids_lead_to_the_blocks(random: Random) -> None:
    version = Version(draw_rows(random, 60), 7)
    ids = version.objects["ids"]
    entries = [ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)]
    assert entries == sorted(entries)
    assert len(entries) == len(version.rows)
    held = {entry[:ID_HASH_BYTES]: BlockPlace.decode(entry[ID_HASH_BYTES:]) for entry in entries}
    for each in version.rows:
        place = held[id_hash(each.sample_id)]
        line = version.objects[f"{place.shard}.ndjson"][place.offset : place.offset + place.length]
        assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
        block = decode_block(line)
        assert (block.shard, each.sample_id in block.sample_ids) == (each.shard, True)


def test_a_place_has_room_for_the_largest_index() -> None:
    place = BlockPlace("test/4194303", (1 << 28) - 1, (1 << 28) - 1)
    assert place.encode() == b"\xbf" + b"\xff" * 9
    assert BlockPlace.decode(place.encode()) == place
    with pytest.raises(OverflowError):
        BlockPlace("test/99999999", 0, 0).encode()


@given(randoms)
def test_the_bytes_are_the_same_whatever_the_order_of_the_rows(random: Random) -> None:
    rows = mixed(60)
    assets = {f"f/s{number:05d}.png": PICTURE for number in range(0, 60, 3)}
    expected = index(built(rows), 20, assets)
    random.shuffle(rows)
    assert index(built(rows), 20, dict(reversed(assets.items()))) == expected


def test_an_index_has_nothing_of_its_version() -> None:
    facts, objects = index(built(mixed(3)))
    assert b"dsv" not in b"".join(objects.values())
    assert facts.group_bytes == len(objects["groups"])


def hashes(uploaded: dict[str, Any], project_id: str = "prj_1", asset: Asset | None = None) -> list[bytes]:
    line = built([uploaded]).body.rstrip(b"\n")
    return content_hashes(decode_canonical(line), line, project_id, asset)


def test_contents_are_what_rows_have_in_common() -> None:
    one = row("a", asset="f/a.png")
    same_row = set(hashes(one)) & set(hashes(one, "prj_2"))
    assert len(same_row) == 1
    relabelled = set(hashes(one)) & set(hashes(row("a", x=0.25, asset="f/b.png")))
    assert len(relabelled) == 1
    same_reference = set(hashes(one)) & set(hashes(row("b", asset="f/a.png")))
    assert len(same_reference) == 1
    other = row("b", x=0.25, asset="f/b.png")
    same_picture = set(hashes(one, asset=PICTURE)) & set(hashes(other, "prj_2", PICTURE))
    assert len(same_picture) == 1
    sums = set(hashes(one, asset=Asset(7, "e1", "ff"))) & set(hashes(other, "prj_2", Asset(7, "e2", "ff")))
    assert len(sums) == 1
    assert not set(hashes(one, asset=Asset(8, "e1"))) & set(hashes(other, "prj_2", Asset(7, "e1")))
    assert not set(hashes(one)) & set(hashes(other, "prj_2"))


def test_the_same_text_in_another_role_is_another_content() -> None:
    line = b'{"sample_id":"a/b","asset":"a/b","labels":[{"class":"ball"}]}'
    ball = LabelRow(sample_id="a/b", asset="a/b", labels=[Label("ball")])
    found = content_hashes(ball, line, "p", Asset(1, "e", "e"))
    assert len(set(found)) == len(found) == 5
    assert {len(each) for each in found} == {HASH_BYTES}
    assert found[0] == hashlib.sha256(b"row\0" + line).digest()[:8]
    assert found[3] == hashlib.sha256(b"reference\0p\0a/b").digest()[:8]


def test_what_says_too_little_is_no_content_in_common() -> None:
    """Frames are counted alike everywhere: an empty row, or an empty file, tells nothing of where it comes from."""
    bare = {"sample_id": "000001", "labels": []}
    assert not set(hashes(bare)) & set(hashes(bare, "prj_2"))
    empty = Asset(0, "d41d8cd98f00b204e9800998ecf8427e", "e3b0")
    assert not set(hashes(row("a", asset="f/a.png"), asset=empty)) & set(hashes(row("b", asset="f/b.png"), "p", empty))


def test_every_row_has_room_for_its_hashes_in_shard_order() -> None:
    shard = built([row("a", asset="f/a.png"), {"sample_id": "b", "group": "g", "labels": None}])
    run = index(shard, 10, {"f/a.png": PICTURE})[1]["hashes"]
    for number, line in enumerate(shard.body.splitlines()):
        found = decode_canonical(line)
        own = content_hashes(found, line, "prj_1", PICTURE if found.asset else None)
        room = run[number * ROW_HASHES * HASH_BYTES : (number + 1) * ROW_HASHES * HASH_BYTES]
        assert room == b"".join(own).ljust(ROW_HASHES * HASH_BYTES, b"\0")
    assert len(run) == 2 * ROW_HASHES * HASH_BYTES


def test_a_contents_run_has_every_content_once() -> None:
    shard = built(mixed(40))
    assets = {f"f/s{number:05d}.png": PICTURE for number in range(40)}
    run = index(shard, 10, assets)[1]["contents"]
    entries = [run[at : at + HASH_BYTES] for at in range(0, len(run), HASH_BYTES)]
    expected: set[bytes] = set()
    for line in shard.body.splitlines():
        found = decode_canonical(line)
        expected |= set(content_hashes(found, line, "prj_1", assets.get(found.asset or "")))
    assert entries == sorted(expected)
