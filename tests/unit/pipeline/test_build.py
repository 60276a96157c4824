"""Planned and built: rows in are rows out plus counted reasons, and groups stay whole."""

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline import plan as planning
from packhouse.pipeline.build import LeftOutRow, merge_statistics
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.plan import LeftOutReason
from packhouse.pipeline.splits import SPLITS, SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import Statistics
from tests.unit.pipeline.labels import BALL, THIRDS, build, facts, ingest, ndjson, row, rows

PREDEFINED = SplitPlan(SplitStrategy.PREDEFINED, {}, 0)
NAMED = {"a": "val", "b": "train", "c": "train", "d": "test"}


def built_rows(units: list[Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of every split, shard after shard."""
    found: dict[str, list[dict[str, Any]]] = {}
    for _, shards, _ in units:
        for shard in shards:
            found.setdefault(shard.shard.split, []).extend(map(orjson.loads, shard.body.splitlines()))
    return found


@settings(max_examples=200)
@given(st.lists(rows, min_size=1, max_size=3))
def test_rows_in_are_rows_out_plus_counted_reasons(sources: list[list[dict[str, Any]]]) -> None:
    plan, units = build([ndjson(source) for source in sources])
    out = [each for split in built_rows(units).values() for each in split]
    left = [sum(unit.left_out.values()) for unit, _, _ in units]
    assert plan.rows_in == sum(map(len, sources)) == len(out) + sum(left)
    assert sum(left) == plan.duplicates + plan.conflicts
    assert {each["sample_id"] for each in out} == {each["sample_id"] for source in sources for each in source}
    assert len({each["sample_id"] for each in out}) == len(out)


@settings(max_examples=200)
@given(st.lists(rows, min_size=1, max_size=3), st.integers(0, 5))
def test_no_group_lands_in_two_splits_and_the_plan_counts_what_is_built(
    sources: list[list[dict[str, Any]]], seed: int
) -> None:
    plan, units = build([ndjson(source) for source in sources], SplitPlan(THIRDS.strategy, THIRDS.ratio, seed))
    found = built_rows(units)
    groups = {split: {each["group"] for each in found.get(split, [])} for split in SPLITS}
    assert sum(map(len, groups.values())) == len(set().union(*groups.values()))
    assert plan.samples == {split: len(found.get(split, [])) for split in SPLITS}
    assert plan.groups == {split: len(groups[split]) for split in SPLITS}


@given(rows)
def test_statistics_of_the_shards_are_those_of_the_rows(given_rows: list[dict[str, Any]]) -> None:
    _, units = build([ndjson(given_rows)])
    merged = merge_statistics(unit.statistics[shard.split] for unit, _, _ in units for shard in unit.shards)
    counted = Statistics()
    for each in given_rows:
        counted.rows += 1
        counted.labels += 1
        point = each["labels"][0]["point"]
        counted.geometry_faults.count += not (0 <= point["x"] <= 1 and 0 <= point["y"] <= 1)
    assert (merged.rows, merged.labels) == (counted.rows, counted.labels)
    assert merged.geometry_faults.count == counted.geometry_faults.count


def test_the_same_content_in_two_packs_is_one_row_of_the_first() -> None:
    _, units = build([ndjson([row("a"), row("b")]), ndjson([row("a"), row("c")])])
    assert [unit.left_out for unit, _, _ in units] == [{"DUPLICATE_SAMPLE": 1, "CONFLICTING_SAMPLE": 0}]
    assert units[0][2] == [LeftOutRow("a", LeftOutReason.DUPLICATE_SAMPLE, source=1, kept_source=0)]


def test_of_two_contents_the_newest_revision_stays() -> None:
    plan, units = build([ndjson([row("a", x=0.1)]), ndjson([row("a", x=0.2)]), ndjson([row("a", x=0.1)])])
    (kept,) = [each for split in built_rows(units).values() for each in split]
    assert kept["labels"][0]["point"]["x"] == 0.1  # the third pack's revision is the newest, and the first has the same
    assert (plan.duplicates, plan.conflicts) == (1, 1)
    assert units[0][2] == [
        LeftOutRow("a", LeftOutReason.CONFLICTING_SAMPLE, source=1, kept_source=0),
        LeftOutRow("a", LeftOutReason.DUPLICATE_SAMPLE, source=2, kept_source=0),
    ]


@settings(max_examples=200)
@given(st.lists(rows, min_size=2, max_size=3), st.integers(60, 400))
def test_every_row_left_out_names_the_row_that_stands_for_it(
    sources: list[list[dict[str, Any]]], part_bytes: int
) -> None:
    given_rows = {(number, each["sample_id"]): each for number, source in enumerate(sources) for each in source}
    plan, units = build([ndjson(source) for source in sources], part_bytes=part_bytes)
    out = {each["sample_id"]: each for split in built_rows(units).values() for each in split}
    left = [each for _, _, rows_left in units for each in rows_left]
    assert len({(each.source, each.sample_id) for each in left}) == len(left) == plan.duplicates + plan.conflicts
    for each in left:
        stays = given_rows[each.kept_source, each.sample_id]
        assert each.kept_source != each.source
        assert out[each.sample_id] == stays
        same = orjson.dumps(given_rows[each.source, each.sample_id]) == orjson.dumps(stays)  # -0.0 is not 0.0
        assert each.reason_code == ("DUPLICATE_SAMPLE" if same else "CONFLICTING_SAMPLE")
    for unit, _, rows_left in units:
        assert sum(unit.left_out.values()) == len(rows_left)
        assert rows_left == sorted(rows_left, key=lambda each: (each.sample_id, each.source))


def test_a_units_result_does_not_grow_with_the_rows_left_out() -> None:
    many = [row(f"s{number:04d}") for number in range(500)]
    results = [build([ndjson(many[:count]), ndjson(many[:count])])[1][0][0] for count in (10, 500)]
    sizes = [len(msgspec.json.encode(result)) for result in results]
    assert sizes[1] < sizes[0] + 20


def test_the_rows_own_split_is_where_they_go() -> None:
    given_rows = [row(f"{group}{n}", group, split=split) for group, split in NAMED.items() for n in range(3)]
    plan, units = build([ndjson(given_rows)], PREDEFINED)
    assert plan.issues == []
    assert plan.split_of == NAMED
    assert {each["sample_id"]: split for split, found in built_rows(units).items() for each in found} == {
        each["sample_id"]: each["split"] for each in given_rows
    }


def test_a_version_keeps_the_groups_of_the_one_it_sticks_to() -> None:
    uploads = [ndjson([row(f"{group}-{n}", f"g{group}") for group in range(20) for n in range(3)])]
    first, _ = build(uploads)
    uploads.append(ndjson([row(f"new-{group}-{n}", f"h{group}") for group in range(20) for n in range(9)]))
    other_seed = SplitPlan(THIRDS.strategy, THIRDS.ratio, 5)
    grown, units = build(uploads, other_seed, first.split_of)
    assert first.split_of.items() <= grown.split_of.items()
    assert len(grown.split_of) == 40
    found = built_rows(units)
    assert {each["group"]: split for split in found for each in found[split]} == grown.split_of
    assert build(uploads, other_seed)[0].split_of != grown.split_of


def test_a_sample_that_moves_to_another_group_counts_there_only() -> None:
    plan, _ = build([ndjson([row("a", "g1"), row("b", "g1")]), ndjson([row("a", "g2")])])
    assert sum(plan.samples.values()) == 2
    assert sum(plan.groups.values()) == 2


def test_a_shard_is_ordered_by_sample_id() -> None:
    _, units = build(
        [ndjson([row(name) for name in ("c", "a", "b")])], SplitPlan(THIRDS.strategy, {"train": 10_000}, 0)
    )
    (shards,) = [shards for _, shards, _ in units]
    assert [orjson.loads(line)["sample_id"] for line in shards[0].body.splitlines()] == ["a", "b", "c"]


def test_rows_without_a_group_stay_together_and_make_their_source_incomplete() -> None:
    loose = [{key: value for key, value in row(f"s{n}").items() if key != "group"} for n in range(30)]
    plan, units = build([ndjson(loose)])
    assert plan.incomplete_sources == ["lp_0"]
    assert len(built_rows(units)) == 1


def test_a_unit_is_bounded_by_rows_and_bytes_and_keeps_to_one_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "UNIT_ROWS", 5)
    chunks = [ingest(ndjson([row(f"{pack}-{n}") for n in range(2)]))[0] for pack in range(6)]
    sources = [planning.Source(f"lp_{n}", f"lpr_{n}", "", "prj", 2) for n in range(6)]
    projects = ["prj_1"] * 5 + ["prj_2"]
    listed = [facts(n, chunk, projects[n]) for n, chunk in enumerate(chunks)]
    keys = SampleKeys.held([chunk.keys for chunk in chunks])
    plan = planning.plan_build(sources, listed, keys, SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 10_000}, 0))
    assert [(unit.project_id, len(unit.chunks)) for unit in plan.units] == [
        ("prj_1", 2), ("prj_1", 2), ("prj_1", 1), ("prj_2", 1),
    ]  # fmt: skip


def test_the_same_sources_give_the_same_bytes() -> None:
    uploads = [ndjson([row(f"{pack}-{n}", f"g{n % 7}") for n in range(50)]) for pack in range(3)]
    (first, built), (second, rebuilt) = build(uploads), build(uploads)
    assert built == rebuilt
    assert [*first.units] == [*second.units]
    assert (first.summary(), first.split_of) == (second.summary(), second.split_of)
    assert BALL.name == "ball_detection"
