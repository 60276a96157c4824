"""Every indicator of policy v1 from label rows: not at its bound, not within it, and just beyond it with what it shows.

The codes and bounds stand here a second time, as the design has them: the policy's document is what is tested.
"""

from typing import Any, NamedTuple

import pytest

from packhouse.pipeline.capabilities import CAPABILITIES, Capability, LabelKind
from packhouse.pipeline.policies import read_policy
from packhouse.pipeline.quality import Verdict
from tests.unit.pipeline.judged import BALL, Row, boxes, changed, judged, rows_in, told

MANY = Capability("many_detection", LabelKind.BBOX, tuple("abcdef"), LabelKind.BBOX)
ASSETS = [f"frames/{number}.jpg" for number in range(1000)]


class Case(NamedTuple):
    """Packs that keep to a bound, exactly and with room, and one that does not; then what is told of it."""

    code: str
    kept: list[list[Row]]
    beyond: list[Row]
    level: str
    measure: str
    value: float
    threshold: float
    detail: Any
    capability: str = "ball_detection"


def labels(count: int, label: Row) -> list[Row]:
    return changed(count, rows_in(), labels=[BALL, label])


def example(sample: int, reason: str, label: int = 1) -> Row:
    return {"sample_id": f"s{sample:06d}", "label": label, "reason": reason}


def coverage(samples: int, empty: int = 0, unlabelled: int = 0) -> Row:
    return {"samples": samples, "with_labels": samples - empty - unlabelled, "empty": empty, "unlabelled": unlabelled}


def split(train: int, val: int, test: int) -> Row:
    return {"train": train, "val": val, "test": test}


def empty(count: int) -> list[Row]:
    return changed(count, rows_in(), labels=[])


def unlabelled(count: int) -> list[Row]:
    return changed(count, rows_in(), labels=None)


def point(x: float, y: float) -> Row:
    return {"class": "ball", "point": {"x": x, "y": y}}


def players(player: int, goalkeeper: int, referee: int) -> dict[str, int]:
    return {"player": player, "goalkeeper": goalkeeper, "referee": referee}


def many(commonest: int) -> dict[str, int]:
    return {name: commonest if name == "a" else 100 for name in MANY.classes}


def case_of_classes(capability: str, kept: list[dict[str, int]], beyond: dict[str, int], *told_of: Any) -> Case:
    measure, value, threshold = told_of
    return Case(
        "CLASS_IMBALANCE", [boxes(**each) for each in kept], boxes(**beyond), "warning", measure, value, threshold,
        beyond, capability,
    )  # fmt: skip


CASES = {
    "a class that there is not": Case(
        "INVALID_LABEL_SCHEMA", [rows_in()], labels(1, {"class": "puck", "point": {"x": 0.5, "y": 0.5}}),
        "hard_fail", "schema_faults", 1, 0, [example(0, "class 'puck' is not one of ball")],
    ),
    "a kind that is another's": Case(
        "INVALID_LABEL_SCHEMA", [rows_in()], labels(1, {"class": "ball", "bbox": {"x": 0, "y": 0, "w": 1, "h": 1}}),
        "hard_fail", "schema_faults", 1, 0, [example(0, "a bbox where ball_detection has a point")],
    ),
    "a point outside": Case(
        "INVALID_GEOMETRY", [labels(1000, point(0, 1)), labels(1000, point(1, 0))], labels(2, point(1.0001, 0.5)),
        "hard_fail", "geometry_faults", 2, 0,
        [example(number, "point (1.0001, 0.5) lies outside [0, 1]") for number in (0, 1)],
    ),
    "a row without a group": Case(
        "MISSING_REQUIRED_STATS", [rows_in()], changed(1, rows_in(), group=None),
        "hard_fail", "incomplete_sources", 1, 0, ["lp_0"],
    ),
    "samples": Case(
        "LOW_SAMPLE_COUNT", [rows_in(1000), rows_in(1001)], rows_in(999),
        "warning", "samples", 999, 1000, coverage(999),
    ),
    "groups": Case(
        "LOW_GROUP_COUNT", [rows_in(groups=split(14, 3, 3)), rows_in(groups=split(15, 3, 3))],
        rows_in(groups=split(13, 3, 3)), "warning", "groups", 19, 20, split(13, 3, 3),
    ),
    "groups of a split": Case(
        "LOW_GROUP_COUNT", [rows_in(groups=split(24, 3, 3)), rows_in(groups=split(24, 4, 3))],
        rows_in(groups=split(24, 2, 4)), "warning", "fewest_groups_in_a_split", 2, 3, split(24, 2, 4),
    ),
    "empty": Case(
        "HIGH_EMPTY_LABEL_RATE", [empty(500), empty(499)], empty(501),
        "warning", "empty_share", 0.501, 0.5, coverage(1000, empty=501),
    ),
    "labelled": Case(
        "LOW_LABEL_COVERAGE", [unlabelled(100), unlabelled(99)], unlabelled(101),
        "warning", "labelled_share", 0.899, 0.9, coverage(1000, unlabelled=101),
    ),
    "commonest over rarest": case_of_classes(
        "many_detection", [many(5000), many(4999)], many(5001), "class_imbalance_ratio", 50.01, 50
    ),
    "share of the rarest": case_of_classes(
        "player_detection", [players(1900, 1000, 100), players(1900, 999, 101)], players(1900, 1001, 100),
        "rarest_class_share_of_even", 300 / 3001, 0.1,
    ),
    "a class that is declared and has no label": case_of_classes(
        "player_detection", [players(900, 900, 900)], players(900, 900, 0), "rarest_class_share_of_even", 0, 0.1,
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def many_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With three classes the rarest share is broken long before the ratio; with six it can be the ratio alone."""
    monkeypatch.setitem(CAPABILITIES, MANY.name, MANY)


@pytest.mark.parametrize("name", list(CASES))
def test_at_its_bound_and_within_it_nothing_is_told(name: str) -> None:
    for rows in CASES[name].kept:
        summary = judged(rows, capability=CASES[name].capability)
        assert (summary.verdict, summary.indicators) == (Verdict.PASS, [])


@pytest.mark.parametrize("name", list(CASES))
def test_beyond_its_bound_it_alone_is_told_with_value_bound_and_what_shows_it(name: str) -> None:
    case = CASES[name]
    summary = judged(case.beyond, capability=case.capability)
    (found,) = summary.indicators
    assert (found.code, found.level, found.measure) == (case.code, case.level, case.measure)
    assert (found.value, found.threshold, found.detail) == (case.value, case.threshold, case.detail)
    counted = (1, 0) if case.level == "hard_fail" else (0, 1)
    assert (summary.hard_fails, summary.warnings) == counted
    assert summary.verdict == ("hard_fail" if case.level == "hard_fail" else "warnings")


def test_one_class_is_never_out_of_balance() -> None:
    assert judged(rows_in(), capability="ball_detection").indicators == []
    assert len(CAPABILITIES["ball_detection"].classes) == 1


def test_of_classes_without_a_label_at_all_there_is_no_balance() -> None:
    assert told(judged(rows_in(labels=[]), capability="player_detection"), "CLASS_IMBALANCE") is None


def test_the_label_packs_without_groups_are_named() -> None:
    packs = [[{**row, "sample_id": f"p{number}-{row['sample_id']}"} for row in rows_in(300)] for number in range(4)]
    packs[2] = [{**row, "group": None} for row in packs[2]]
    packs[1][7]["group"] = None
    found = told(judged(*packs), "MISSING_REQUIRED_STATS")
    assert found is not None
    assert (found.value, found.detail) == (2, ["lp_1", "lp_2"])


def test_the_first_ten_faults_are_shown_and_all_are_counted() -> None:
    found = told(judged(labels(11, point(0.5, -0.5))), "INVALID_GEOMETRY")
    assert found is not None
    assert (found.value, [shown["sample_id"] for shown in found.detail]) == (11, [f"s{n:06d}" for n in range(10)])


def assets(missing: int, ungiven: int = 0) -> tuple[list[Row], list[str]]:
    """Return a thousand rows, each of an asset of its own, and the assets of which so many are not there."""
    rows = [{**row, "asset": asset} for row, asset in zip(rows_in(), ASSETS, strict=True)]
    return changed(ungiven, rows, asset=None), ASSETS[ungiven + missing :]


@pytest.mark.parametrize(
    ("missing", "code", "threshold"),
    [
        (0, None, None),
        (1, "MATERIALIZATION_PARTIAL", 0),
        (49, "MATERIALIZATION_PARTIAL", 0),
        (50, "MATERIALIZATION_PARTIAL", 0),
        (51, "MISSING_MATERIALIZED_ASSETS", 0.05),
        (1000, "MISSING_MATERIALIZED_ASSETS", 0.05),
    ],
)
def test_assets_that_are_not_there_are_told_once_up_to_the_bound_and_beyond(
    missing: int, code: str | None, threshold: float | None
) -> None:
    rows, there = assets(missing)
    found = judged(rows, there=there).indicators
    assert [each.code for each in found] == ([code] if code else [])
    for each in found:
        assert (each.value, each.threshold) == (missing / 1000, threshold)
        assert each.detail == {"wanted": 1000, "missing": missing, "ASSET_NOT_FOUND": missing}
        assert each.level == ("hard_fail" if threshold else "warning")


def test_assets_are_told_by_reason_and_only_once_they_were_looked_up() -> None:
    rows, there = assets(missing=20, ungiven=40)
    assert judged(rows).indicators == []
    (found,) = judged(rows, there=there).indicators
    assert (found.code, found.value) == ("MISSING_MATERIALIZED_ASSETS", 0.06)
    assert found.detail == {"wanted": 1000, "missing": 60, "ASSET_NOT_FOUND": 20, "ASSET_NOT_GIVEN": 40}


def test_all_at_once_come_in_the_policys_order() -> None:
    rows = boxes(player=900, goalkeeper=100)[:900]
    rows[0] |= {"group": None, "labels": [{"class": "coach", "bbox": {"x": -1, "y": 0, "w": 0.1, "h": 1}}]}
    rows = [*changed(500, rows[1:700], labels=[]), *changed(150, rows[700:], labels=None), rows[0]]
    rows = [{**row, "split": "train"} for row in rows]
    summary = judged(rows, capability="player_detection", there=[])
    assert [found.code for found in summary.indicators] == [
        "INVALID_LABEL_SCHEMA", "INVALID_GEOMETRY", "MISSING_REQUIRED_STATS", "MISSING_MATERIALIZED_ASSETS",
        "LOW_SAMPLE_COUNT", "HIGH_EMPTY_LABEL_RATE", "LOW_LABEL_COVERAGE", "CLASS_IMBALANCE",
    ]  # fmt: skip
    assert (summary.verdict, summary.hard_fails, summary.warnings) == (Verdict.HARD_FAIL, 4, 4)


def test_every_code_of_the_policy_is_among_these() -> None:
    codes = {case.code for case in CASES.values()} | {"MISSING_MATERIALIZED_ASSETS", "MATERIALIZATION_PARTIAL"}
    assert codes == {rule.code for rule in read_policy("v1").indicators}
    assert len(codes) == 10
