"""What changed between two versions is what a diff of all their rows says, however the rows are cut into shards."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.build import Shard, shard_units
from packhouse.pipeline.diff import (
    LISTED,
    ClassDelta,
    Delta,
    RowDiff,
    ShardRows,
    class_deltas,
    diff_rows,
    differing,
    read_index,
)
from packhouse.pipeline.keys import sample_key
from packhouse.pipeline.materialize import Found, materialize_shard
from packhouse.pipeline.rows import encode_row, parse_row
from tests.unit.pipeline.labels import BALL, ndjson, row

SPLITS = ("train", "val", "test")
KINDS = ("added", "removed", "relabelled", "moved")
NOTHING = {kind: {"count": 0, "first": []} for kind in KINDS}
randoms = st.randoms(use_true_random=True)  # seeded; every number drawn by Hypothesis would take it seconds
sizes = st.sampled_from([0, 1, 3, 40, 600])

Version = dict[str, tuple[str, str]]
"""Split and content by sample id."""


class Cut(NamedTuple):
    """A shard's facts and its rows."""

    shard: Shard
    rows: ShardRows


def draw_version(random: Random, size: int) -> Version:
    return {f"s{random.randrange(2 * size)}": (random.choice(SPLITS), random.choice("abc")) for _ in range(size)}


def cut(random: Random, version: Version) -> list[Cut]:
    """Cut a version into shards of a few rows each, in any order."""
    units = random.randint(1, 8)
    shards: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for sample_id, (split, content) in version.items():
        shards.setdefault((split, random.randrange(units)), []).append((sample_id, content))
    cuts = [shard(split, unit, sorted(rows)) for (split, unit), rows in shards.items()]
    random.shuffle(cuts)
    return cuts


def shard(split: str, unit: int, rows: list[tuple[str, str]]) -> Cut:
    hashed = hashlib.sha256(repr(rows).encode()).hexdigest()
    facts = Shard(f"{split}/{unit:05d}", split, len(rows), 0, hashed)
    return Cut(facts, ShardRows(split, [sample_id for sample_id, _ in rows], [content for _, content in rows]))


def edit(random: Random, before: list[Cut]) -> list[Cut]:
    """Return a later version that keeps some shards, moves some whole, and has the other rows changed and cut anew."""
    kept: list[Cut] = []
    rows: Version = {}
    taken: set[str] = set()
    for each in before:
        taken |= set(each.rows.sample_ids)
        fate = random.choice(["kept", "moved", "edited"])
        pairs = list(zip(each.rows.sample_ids, each.rows.contents, strict=True))
        if fate != "edited":
            split = each.shard.split if fate == "kept" else random.choice(SPLITS)
            kept.append(shard(split, 100 + len(kept), pairs))
            continue
        for sample_id, content in pairs:
            if random.random() < 0.8:
                rows[sample_id] = random.choice([(each.shard.split, content), ("val", content), ("test", "z")])
    fresh = draw_version(random, random.randint(0, 20))
    rows |= {sample_id: row for sample_id, row in fresh.items() if sample_id not in taken}
    edited = kept + cut(random, rows)
    random.shuffle(edited)
    return edited


def version_of(cuts: Iterable[Cut]) -> Version:
    return {
        sample_id: (rows.split, content)
        for _, rows in cuts
        for sample_id, content in zip(rows.sample_ids, rows.contents, strict=True)
    }


def naive_diff(before: Version, after: Version) -> dict[str, Any]:
    both = sorted(set(before) & set(after))
    found: dict[str, list[Any]] = {
        "added": [{"sample_id": key, "split": after[key][0]} for key in sorted(set(after) - set(before))],
        "removed": [{"sample_id": key, "split": before[key][0]} for key in sorted(set(before) - set(after))],
        "relabelled": [{"sample_id": key, "split": after[key][0]} for key in both if before[key][1] != after[key][1]],
        "moved": [
            {"sample_id": key, "from": before[key][0], "to": after[key][0]}
            for key in both
            if before[key][0] != after[key][0]
        ],
    }
    return {kind: {"count": len(rows), "first": rows[:100]} for kind, rows in found.items()}


def diff(before: Iterable[Cut], after: Iterable[Cut]) -> RowDiff:
    """Compare as streams: each side can be read once."""
    return diff_rows((rows for _, rows in before), (rows for _, rows in after))


def pick(cuts: list[Cut], shards: list[Shard]) -> list[Cut]:
    return [each for each in cuts if each.shard in shards]


@given(randoms, sizes, sizes)
def test_any_two_versions_differ_as_their_rows_do(random: Random, old: int, new: int) -> None:
    before, after = draw_version(random, old), draw_version(random, new)
    assert diff(cut(random, before), cut(random, after)).shown() == naive_diff(before, after)


@given(randoms, sizes)
def test_leaving_out_the_shards_that_both_have_changes_nothing(random: Random, size: int) -> None:
    before = cut(random, draw_version(random, size))
    after = edit(random, before)
    old, new = differing([each.shard for each in before], [each.shard for each in after])
    found = diff(pick(before, old), pick(after, new)).shown()
    assert found == diff(before, after).shown() == naive_diff(version_of(before), version_of(after))
    assert not {(each.split, each.sha256) for each in old} & {(each.split, each.sha256) for each in new}


@given(randoms, sizes)
def test_a_later_version_is_cut_and_read_in_any_order(random: Random, size: int) -> None:
    before = cut(random, draw_version(random, size))
    after = edit(random, before)
    found = diff(before, after)
    assert diff(cut(random, version_of(before)), cut(random, version_of(after))) == found


@given(randoms, sizes)
def test_swapped_sides_swap_added_and_removed_and_turn_the_moves(random: Random, size: int) -> None:
    before = cut(random, draw_version(random, size))
    after = edit(random, before)
    there, back = diff(before, after), diff(after, before)
    assert (back.added, back.removed) == (there.removed, there.added)
    assert back.relabelled.count == there.relabelled.count
    assert [(each.sample_id, each.to, each.from_) for each in back.moved.first] == [
        (each.sample_id, each.from_, each.to) for each in there.moved.first
    ]


@given(randoms, sizes)
def test_a_version_does_not_differ_from_itself(random: Random, size: int) -> None:
    version = draw_version(random, size)
    cuts = cut(random, version)
    assert diff(cuts, cut(random, version)).shown() == NOTHING
    shards = [each.shard for each in cuts]
    assert differing(shards, shards[::-1]) == ([], [])


def test_versions_without_rows() -> None:
    rows = [ShardRows("val", ["b", "a"], ["0", "1"])]
    placed = [{"sample_id": "a", "split": "val"}, {"sample_id": "b", "split": "val"}]
    assert diff_rows([], []).shown() == NOTHING
    assert diff_rows([], rows).shown() == NOTHING | {"added": {"count": 2, "first": placed}}
    assert diff_rows(rows, []).shown() == NOTHING | {"removed": {"count": 2, "first": placed}}


def test_a_row_that_moved_and_was_relabelled_counts_in_both() -> None:
    found = diff_rows([ShardRows("train", ["a"], ["0"])], [ShardRows("test", ["a"], ["1"])]).shown()
    moved = {"count": 1, "first": [{"sample_id": "a", "from": "train", "to": "test"}]}
    relabelled = {"count": 1, "first": [{"sample_id": "a", "split": "test"}]}
    assert found == NOTHING | {"moved": moved, "relabelled": relabelled}


@pytest.mark.parametrize("kind", KINDS)
def test_all_changes_are_counted_and_the_first_are_listed(kind: str) -> None:
    names = sorted((f"s{number:04d}" for number in range(3 * LISTED)), key=lambda name: name[::-1])
    shards = [(split, names[at::3]) for at, split in enumerate(SPLITS)]
    rows = [ShardRows(split, ids, ["0"] * len(ids)) for split, ids in shards]
    other = {
        "added": [], "removed": rows,
        "relabelled": [ShardRows(split, ids, ["1"] * len(ids)) for split, ids in shards],
        "moved": [ShardRows(split * 2, ids, ["0"] * len(ids)) for split, ids in shards],
    }[kind]  # fmt: skip
    found = diff_rows(other, [] if kind == "removed" else rows).shown()
    assert {each: found[each]["count"] for each in KINDS} == dict.fromkeys(KINDS, 0) | {kind: 3 * LISTED}
    assert [each["sample_id"] for each in found[kind]["first"]] == sorted(names)[:LISTED]


def test_a_shard_that_moved_whole_is_no_shard_that_both_have() -> None:
    before, after = shard("train", 0, [("a", "0")]), shard("val", 0, [("a", "0")])
    assert differing([before.shard], [after.shard]) == ([before.shard], [after.shard])
    assert diff([before], [after]).moved.count == 1


def test_a_version_that_grew_reads_what_it_grew_by_whatever_its_shards_are_called() -> None:
    old = [shard("train", unit, [(f"s{unit}", "0")]) for unit in range(5)]
    new = [shard("train", unit + 1, [(f"s{unit}", "0")]) for unit in range(5)]
    grown = shard("train", 0, [("more", "0")])
    assert differing([each.shard for each in old], [each.shard for each in [grown, *new]]) == ([], [grown.shard])


shards = st.builds(Shard, st.just("n"), st.sampled_from(SPLITS), st.just(1), st.just(1), st.sampled_from("abc"))


@given(st.lists(shards, max_size=12), st.lists(shards, max_size=12))
def test_each_shard_stands_for_one_of_the_other_side(before: list[Shard], after: list[Shard]) -> None:
    def counted(side: list[Shard]) -> Counter[tuple[str, str]]:
        return Counter((each.split, each.sha256) for each in side)

    old, new = differing(before, after)
    assert counted(old) == counted(before) - counted(after)
    assert counted(new) == counted(after) - counted(before)


def test_an_index_says_what_each_row_says() -> None:
    def read(*uploaded: dict[str, Any]) -> ShardRows:
        lines = [encode_row(parse_row(line)) for line in ndjson(uploaded).splitlines()]
        body = b"".join(line + b"\n" for line in lines)
        facts = Shard("train/00000", "train", len(lines), len(body), "")
        (unit,) = shard_units([facts], ["prj_1"])
        rows = read_index(materialize_shard(unit, body, Found({}, {}), BALL, None)[1]["ndjson"])
        assert rows.contents == [sample_key("", line, 1, 0)[16:24].hex() for line in lines]
        return rows

    before = read(row("a"), row("b"), row("c"))
    after = read(row("b", x=0.25), row("c"), row("d"))
    placed = {"added": "d", "removed": "a", "relabelled": "b"}
    expected = {kind: {"count": 1, "first": [{"sample_id": key, "split": "train"}]} for kind, key in placed.items()}
    assert diff_rows([before], [after]).shown() == NOTHING | expected


def test_an_index_whose_columns_are_not_of_one_length_is_refused() -> None:
    short = read_index(b'{"shard":"val/00000","sample_ids":["a","b"],"contents":"0123456789abcdef"}')
    with pytest.raises(ValueError, match="shorter"):
        diff_rows([short], [])
    with pytest.raises(ValueError, match="shorter"):
        diff_rows([], [short])


def test_the_classes_of_either_version_are_compared() -> None:
    before = {"ball": {"samples": 3, "labels": 4}, "player": {"samples": 2, "labels": 9}}
    after = {"referee": {"samples": 1, "labels": 1}, "ball": {"samples": 5, "labels": 4}}
    deltas = class_deltas(before, after)
    assert deltas == [
        ClassDelta("ball", Delta(3, 5, 2), Delta(4, 4, 0)),
        ClassDelta("player", Delta(2, 0, -2), Delta(9, 0, -9)),
        ClassDelta("referee", Delta(0, 1, 1), Delta(0, 1, 1)),
    ]
    assert msgspec.to_builtins(deltas[0]) == {
        "class": "ball",
        "samples": {"before": 3, "after": 5, "delta": 2},
        "labels": {"before": 4, "after": 4, "delta": 0},
    }
    assert class_deltas({}, {}) == []
