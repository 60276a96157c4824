"""Which rows stay, what is counted of them, what the plan has to say, and how compactly it is told."""

from collections import Counter
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline.issues import Issue, split_issues
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.plan import (
    ChunkFacts,
    LeftOut,
    LeftOutReason,
    Source,
    SourceChunk,
    Unit,
    assignment_bytes,
    find_repeats,
    plan_build,
    read_assignment,
)
from packhouse.pipeline.splits import SPLITS, SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import (
    GroupTally,
    Statistics,
    decode_statistics,
    encode_statistics,
)
from tests.unit.pipeline.labels import THIRDS, build, ingest, ndjson, row

PREDEFINED = SplitPlan(SplitStrategy.PREDEFINED, {}, 0)
DUPLICATE, CONFLICT = LeftOutReason.DUPLICATE_SAMPLE, LeftOutReason.CONFLICTING_SAMPLE

# Ids that share their first 8 bytes, or their first alone, or lie at the ends of the range.
IDS = [
    bytes([first, *[0] * 6, eighth, *[0] * 7, last]) for first in (0, 7, 255) for eighth in (0, 9) for last in (0, 1)
]
keyed_rows = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from([b"\x00" * 8, b"content1", b"\xff" * 8])),
    max_size=12,
    unique_by=lambda each: each[0],
)


def chunk_facts(source: int, name: str, rows: int) -> ChunkFacts:
    return ChunkFacts(SourceChunk(source, "prj", name, "", rows, 1), {"g": GroupTally(rows)})


@settings(max_examples=400)
@given(
    st.lists(st.tuples(keyed_rows, st.integers(1, 6)), min_size=1, max_size=4),
    st.permutations([f"r{n}" for n in "1234"]),
    st.integers(1, 500),
)
def test_repeats_are_what_the_definition_says(
    packs: list[tuple[list[tuple[bytes, bytes]], int]], revisions: list[str], held_bytes: int
) -> None:
    sources = [
        Source(f"lp_{n}", revision, "", "prj", 0) for n, revision in zip(range(len(packs)), revisions, strict=False)
    ]
    chunks: list[ChunkFacts] = []
    bodies: list[bytes] = []
    listed: list[tuple[bytes, bytes, int, int, int]] = []  # id, content, source, chunk number, line
    for source, (pack, size) in enumerate(packs):
        for begin in range(0, max(len(pack), 1), size):
            part = list(enumerate(pack[begin : begin + size], start=1))
            listed += [(*each, source, len(chunks), line) for line, each in part]
            keys = [identity + content + line.to_bytes(4, "big") + placed(line) for line, (identity, content) in part]
            chunks.append(chunk_facts(source, f"{source}/{begin}", len(keys)))
            bodies.append(b"".join(sorted(keys)))
    expected: dict[int, list[LeftOut]] = {}
    for identity, content, source, number, line in listed:
        same_id = [each for each in listed if each[0] == identity]
        newest = max(same_id, key=lambda each: sources[each[2]].revision_id)
        kept_source = min(each[2] for each in same_id if each[1] == newest[1])
        if source != kept_source:
            reason = DUPLICATE if content == newest[1] else CONFLICT
            expected.setdefault(number, []).append(LeftOut(line, reason, kept_source))
    found = find_repeats([source.revision_id for source in sources], chunks, SampleKeys.held(bodies, held_bytes))
    for number in range(len(chunks)):
        left = expected.get(number, [])
        assert found.left_out(number) == left
        assert found.count_places(number) == Counter((out.line % 5, SPLITS[out.line % 3]) for out in left)
    reasons = Counter(out.reason for left in expected.values() for out in left)
    assert (found.duplicates, found.conflicts) == (reasons[DUPLICATE], reasons[CONFLICT])


def placed(line: int) -> bytes:
    """Return the place of a row that is in a group by its line, and names a split by it."""
    return ((line % 3 + 1) << 30 | line % 5).to_bytes(4, "big")


def test_what_a_unit_leaves_out_is_a_few_bytes_a_row_and_read_back() -> None:
    uploads = [ndjson([row(f"s{n}") for n in range(100)]), ndjson([row(f"s{n}", x=n % 2 / 2) for n in range(100)])]
    plan, _ = build(uploads)
    (unit,) = plan.units
    body = msgspec.json.encode(unit)
    assert msgspec.json.decode(body, type=Unit) == unit
    assert [chunk.source for chunk in unit.chunks] == [0, 1]
    assert sum(len(chunk.left_out) for chunk in unit.chunks) == 100
    assert [left.line for left in unit.chunks[1].left_out] == list(range(2, 101, 2))
    assert b'"left_out":[[1,"CONFLICTING_SAMPLE",1],[3,' in body
    assert len(body) < 100 * 32 + 600


def named(group: str, count: int, split: str | None = None, first: int = 0) -> list[dict[str, Any]]:
    more: dict[str, Any] = {} if split is None else {"split": split}
    return [row(f"{group}-{n}", group, **more) for n in range(first, first + count)]


def test_statistics_count_the_rows_own_splits_and_nothing_where_none_is_named() -> None:
    upload = ndjson([*named("a", 2, "val"), *named("a", 1, "test", 2), *named("a", 4, None, 3), *named("b", 2)])
    whole = Statistics()
    for part in ingest(upload, 60):
        whole.merge(decode_statistics(part.statistics))
    assert whole.groups == {
        "a": GroupTally(7, {"ball": 7}, {"val": 2, "test": 1}),
        "b": GroupTally(2, {"ball": 2}, {}),
    }


def test_statistics_without_splits_are_read_and_written_without_them() -> None:
    old = b'{"rows":1,"groups":{"g":{"samples":1,"classes":{"ball":1}}}}'
    read = decode_statistics(old)
    assert read.groups == {"g": GroupTally(1, {"ball": 1}, {})}
    assert b'"groups":{"g":{"samples":1,"classes":{"ball":1}}}' in encode_statistics(read)


def issues_of(uploads: list[bytes], split: SplitPlan, kept: dict[str, str] | None = None) -> list[Issue]:
    return build(uploads, split, kept)[0].issues


def test_rows_without_a_split_and_groups_in_two_are_errors() -> None:
    fine = [named("a", 3, "train"), named("b", 3, "val")]
    assert issues_of([ndjson([*fine[0], *fine[1]])], PREDEFINED) == []
    lost = [each for group in "vwxyz" for each in named(group, 300)]
    torn = [*named("t", 1, "train"), *named("t", 1, "val", 1)]
    assert issues_of([ndjson([*fine[0], *lost, *torn])], PREDEFINED) == [
        Issue(
            "SPLIT_NOT_GIVEN", "error", "No split is given for 1,500 rows in 5 groups: 'v', 'w', 'x' and 2 more."
        ),
        Issue("GROUP_IN_TWO_SPLITS", "error", "More than one split is given for the rows of 1 group: 't'."),
    ]  # fmt: skip
    assert issues_of([ndjson(lost[:1])], THIRDS)[0].code != "SPLIT_NOT_GIVEN"


def test_a_split_torn_between_two_sources_is_an_error() -> None:
    uploads = [ndjson(named("a", 3, "train")), ndjson(named("a", 3, "val", 3))]
    assert [each.code for each in issues_of(uploads, PREDEFINED)] == ["GROUP_IN_TWO_SPLITS"]


@pytest.mark.parametrize("older", [None, "val"])
def test_a_newer_revision_mends_the_splits_of_the_rows_it_replaces(older: str | None) -> None:
    for replaced in (3, 5):  # some of the older chunk's rows of the group, or all
        uploads = [ndjson(named("a", replaced, older)), ndjson(named("a", 5, "train"))]
        plan, _ = build(uploads, PREDEFINED)
        assert [each.code for each in plan.issues] == ["SAMPLES_CONFLICT"]
        assert plan.split_of == {"a": "train"}
        assert plan.samples == {"train": 5}


@pytest.mark.parametrize(
    ("packs", "missing"),
    [
        ([named("a", 4), named("a", 2, "train")], "2 rows"),  # two are replaced; the two that stay name no split
        ([named("a", 4, "train"), named("a", 2)], "2 rows"),  # the two that replace name none
        ([[*named("a", 3, "train"), *named("a", 1, None, 3)]], "1 row"),
    ],
)
def test_every_row_that_stays_without_a_split_is_counted(packs: list[list[dict[str, Any]]], missing: str) -> None:
    issues = issues_of([ndjson(pack) for pack in packs], PREDEFINED)
    assert issues[0] == Issue("SPLIT_NOT_GIVEN", "error", f"No split is given for {missing} in 1 group: 'a'.")


def test_a_split_that_stays_empty_is_told_with_the_reason() -> None:
    two = [ndjson([*named("a", 50), *named("b", 50)])]
    assert issues_of(two, THIRDS) == [
        Issue("SPLIT_EMPTY", "warning", "The split test has no group: 2 groups cannot fill 3 splits."),
        Issue("SPLIT_RATIO_MISSED", "warning", "The split train has 50.0 % of the samples where 80 % is wanted."),
        Issue("SPLIT_RATIO_MISSED", "warning", "The split val has 50.0 % of the samples where 10 % is wanted."),
        Issue("SPLIT_RATIO_MISSED", "warning", "The split test has 0.0 % of the samples where 10 % is wanted."),
    ]
    halves = {"train": 9000, "test": 1000}
    hashed = SplitPlan(SplitStrategy.GROUP_HASH, halves, 0)
    (empty,) = [each.detail for each in issues_of(two, hashed) if each.code == "SPLIT_EMPTY"]
    assert empty == "The split test has no group: group_hash places each group by its hash alone."
    sticky = SplitPlan(SplitStrategy.GROUP_QUOTA, halves, 0, "sha256:5b")
    kept = {"a": "train", "b": "train"}
    (empty,) = [each.detail for each in issues_of(two, sticky, kept) if each.code == "SPLIT_EMPTY"]
    assert empty == "The split test has no group: the groups that are kept in their splits leave none for it."


@pytest.mark.parametrize(("train", "told"), [(749, True), (750, False), (850, False), (851, True)])
def test_a_ratio_is_missed_beyond_a_twentieth_of_the_whole(train: int, told: bool) -> None:
    groups = {"a": GroupTally(train), "b": GroupTally(1000 - train)}
    plan = SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 8000, "val": 2000}, 0)
    codes = [each.code for each in split_issues(plan, groups, {"a": "train", "b": "val"})]
    assert codes == ["SPLIT_RATIO_MISSED"] * 2 * told


def test_a_kept_split_that_the_ratio_does_not_name_is_counted_and_told() -> None:
    upload = ndjson([*named("a", 50), *named("b", 50)])
    plan, _ = build([upload], SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 10_000}, 0), {"a": "val"})
    assert plan.samples == {"train": 50, "val": 50}
    assert plan.groups == {"train": 1, "val": 1}
    assert [each.detail for each in plan.issues] == [
        "The split train has 50.0 % of the samples where 100 % is wanted.",
        "The split val has 50.0 % of the samples where 0 % is wanted.",
    ]


def test_rows_left_out_and_incomplete_sources_are_told() -> None:
    loose = [{key: value for key, value in row(f"x{n}").items() if key != "group"} for n in range(9)]
    uploads = [ndjson(named("a", 9)), ndjson([*named("a", 2), row("a-5", "a", x=0.1)]), ndjson(loose), b"", b"", b""]
    plan, _ = build(uploads, SplitPlan(SplitStrategy.GROUP_HASH, {"train": 10_000}, 0))
    assert plan.issues == [
        Issue(
            "SAMPLES_REPEATED", "warning", "The build leaves out 2 rows that another source has with the same content."
        ),
        Issue(
            "SAMPLES_CONFLICT", "warning", "The build leaves out 1 row whose samples a newer revision labels otherwise."
        ),
        Issue(
            "SOURCE_INCOMPLETE",
            "warning",
            "There are no rows, or rows without a group, in 4 sources: 'lp_2', 'lp_3', 'lp_4' and 1 more.",
        ),
    ]
    assert plan.incomplete_sources == ["lp_2", "lp_3", "lp_4", "lp_5"]


def test_a_summary_is_json_with_the_issues_and_does_not_grow_with_the_groups() -> None:
    small, large = (build([ndjson([row(f"s{n}", f"g{n}") for n in range(count)])])[0] for count in (20, 400))
    summary = orjson.loads(orjson.dumps(large.summary()))
    assert list(summary["splits"]) == list(SPLITS)
    assert len(large.split_of) == 400
    assert len(orjson.dumps(summary)) < len(orjson.dumps(small.summary())) + 20
    few = build([ndjson(named("a", 1))])[0]
    assert few.summary()["issues"][0] == {
        "code": "SPLIT_EMPTY",
        "level": "warning",
        "detail": "The split val has no group: 1 group cannot fill 3 splits.",
    }


def test_the_tallies_of_rows_that_all_stay_out_decide_nothing() -> None:
    """A chunk whose rows are all replaced would pull its group's classes into the balance twice."""
    ball = named("a", 5)
    stratified = SplitPlan(SplitStrategy.STRATIFIED_GROUP, {"train": 8000, "val": 2000}, 0)
    others = [*named("b", 4), *named("c", 3), *named("d", 2)]
    once, _ = build([ndjson([*ball, *others])], stratified)
    twice, _ = build([ndjson(ball), ndjson([*ball, *others]), ndjson(ball), ndjson(ball)], stratified)
    assert twice.split_of == once.split_of
    assert twice.samples == once.samples


def test_a_plan_of_nothing_has_no_units() -> None:
    plan = plan_build([], [], SampleKeys.held([]), THIRDS)
    assert ([*plan.units], plan.split_of, plan.rows_in) == ([], {}, 0)
    assert [each.code for each in plan.issues] == ["SPLIT_EMPTY"] * 3


@given(st.dictionaries(st.text('abcü"\\ \n😀', max_size=5), st.sampled_from(SPLITS)), st.data())
def test_an_assignment_is_read_back_and_its_bytes_do_not_depend_on_order(
    split_of: dict[str, str], data: st.DataObject
) -> None:
    body = assignment_bytes(split_of)
    assert read_assignment(body) == split_of
    assert assignment_bytes(dict(data.draw(st.permutations(list(split_of.items()))))) == body


def test_a_row_without_a_split_is_told_whatever_of_its_group_stays_out() -> None:
    first = ndjson(named("g", 1, "train"))
    second = ndjson([*named("g", 2, "train"), *named("g", 1, None, 2)])
    (issue, *_) = issues_of([first, second], PREDEFINED)
    assert issue.code == "SPLIT_NOT_GIVEN"


def test_a_newer_revision_mends_a_group_that_an_older_one_tore() -> None:
    torn = ndjson([*named("t", 1, "train"), *named("t", 1, "val", 1)])
    mended = ndjson(named("t", 2, "train"))
    assert [issue.level for issue in issues_of([torn, mended], PREDEFINED)] == ["warning", "warning"]


def test_an_assignment_carries_the_groups_on_that_its_version_lacks() -> None:
    plan, _ = build([ndjson([row("a", "here")])])
    kept = {"here": "val", "elsewhere": "test"}
    carried = read_assignment(plan.assignment(kept))
    assert carried == {"here": plan.split_of["here"], "elsewhere": "test"}
