"""Each indicator of policy v1 at its bound and beyond, from what is measured; from rows in the module beside this."""

from typing import Any

import msgspec
import pytest

from packhouse.pipeline.capabilities import CAPABILITIES, Capability, LabelKind
from packhouse.pipeline.policies import Measure, read_policy
from packhouse.pipeline.quality import MEASURES, AssetCounts, Measured, QualitySummary, Verdict, evaluate_quality
from packhouse.pipeline.rows import parse_row
from packhouse.pipeline.statistics import Example, Findings, Statistics, Tally
from tests.unit.pipeline.labels import BALL, PLAYERS


def measured(capability: Capability = BALL, assets: AssetCounts | None = None, **changed: Any) -> Measured:
    """Return what a clean version of 1,000 samples in 30 groups measures, but for what is changed."""
    groups = changed.pop("groups_per_split", {"train": 24, "val": 3, "test": 3})
    incomplete = changed.pop("incomplete_sources", [])
    counts: dict[str, Any] = {"rows": 1000, "labels": 1000} | changed
    if capability is PLAYERS:
        counts.setdefault("classes", {name: Tally(100, 100) for name in PLAYERS.classes})
    return Measured(capability, Statistics(**counts), groups, incomplete, assets)


def judged(case: Measured) -> QualitySummary:
    return evaluate_quality(case, "v1")


def codes(case: Measured) -> list[str]:
    return [indicator.code for indicator in judged(case).indicators]


CLASSES = "CLASS_IMBALANCE"
CASES = [
    ("INVALID_LABEL_SCHEMA", measured(schema_faults=Findings(0)), measured(schema_faults=Findings(1))),
    ("INVALID_GEOMETRY", measured(geometry_faults=Findings(0)), measured(geometry_faults=Findings(1))),
    ("MISSING_REQUIRED_STATS", measured(), measured(incomplete_sources=["lp_1"])),
    (
        "MISSING_MATERIALIZED_ASSETS",
        measured(assets=AssetCounts(1000, 50)),
        measured(assets=AssetCounts(1000, 51)),
    ),
    ("LOW_SAMPLE_COUNT", measured(rows=1000), measured(rows=999)),
    (
        "LOW_GROUP_COUNT",
        measured(groups_per_split={"train": 14, "val": 3, "test": 3}),
        measured(groups_per_split={"train": 13, "val": 3, "test": 3}),
    ),
    (
        "LOW_GROUP_COUNT",
        measured(groups_per_split={"train": 90, "val": 3}),
        measured(groups_per_split={"train": 90, "val": 2}),
    ),
    ("HIGH_EMPTY_LABEL_RATE", measured(empty=500), measured(empty=501)),
    ("LOW_LABEL_COVERAGE", measured(unlabelled=100), measured(unlabelled=101)),
    (
        "CLASS_IMBALANCE",
        measured(PLAYERS, classes={"player": Tally(1, 1000), "goalkeeper": Tally(1, 300), "referee": Tally(1, 50)}),
        measured(PLAYERS, classes={"player": Tally(1, 1000), "goalkeeper": Tally(1, 300), "referee": Tally(1, 19)}),
    ),
    ("CLASS_IMBALANCE", measured(PLAYERS), measured(PLAYERS, classes={"player": Tally(1, 9), "referee": Tally(1, 9)})),
    ("MATERIALIZATION_PARTIAL", measured(assets=AssetCounts(1000, 0)), measured(assets=AssetCounts(1000, 1))),
]


@pytest.mark.parametrize(("code", "at_bound", "beyond"), CASES)
def test_an_indicator_appears_beyond_its_bound_only(code: str, at_bound: Measured, beyond: Measured) -> None:
    assert code not in codes(at_bound)
    (found,) = [indicator for indicator in judged(beyond).indicators if indicator.code == code]
    assert found.value != found.threshold
    assert found.level == ("hard_fail" if code.startswith(("INVALID", "MISSING")) else "warning")


def test_every_code_of_the_policy_has_a_case() -> None:
    assert {code for code, _, _ in CASES} == {rule.code for rule in read_policy("v1").indicators}


def test_one_class_is_never_out_of_balance() -> None:
    assert codes(measured(classes={"ball": Tally(1000, 1000)})) == []


def test_a_clean_version_passes() -> None:
    summary = judged(measured(assets=AssetCounts(1000, 0)))
    assert (summary.verdict, summary.policy_version, summary.indicators) == (Verdict.PASS, "v1", [])


def test_without_a_policy_nothing_is_evaluated() -> None:
    summary = evaluate_quality(measured(CAPABILITIES["audio_artifact_detection"], rows=1), None)
    assert (summary.verdict, summary.policy_version, summary.indicators) == (Verdict.NOT_EVALUATED, None, [])


def test_hard_fails_and_warnings_are_counted_apart_in_the_policys_order() -> None:
    summary = judged(measured(rows=10, geometry_faults=Findings(3), unlabelled=9))
    assert [indicator.code for indicator in summary.indicators] == [
        "INVALID_GEOMETRY", "LOW_SAMPLE_COUNT", "LOW_LABEL_COVERAGE",
    ]  # fmt: skip
    assert (summary.verdict, summary.hard_fails, summary.warnings) == (Verdict.HARD_FAIL, 1, 2)


def test_missing_assets_are_told_once_at_their_worst() -> None:
    assert codes(measured(assets=AssetCounts(100, 90))) == ["MISSING_MATERIALIZED_ASSETS"]


@pytest.mark.parametrize("wanted", [1000, 10_000_000, 999_999_999])
def test_one_more_than_a_bound_allows_is_beyond_it_whatever_the_number(wanted: int) -> None:
    assert codes(measured(assets=AssetCounts(wanted, 0))) == []
    assert codes(measured(assets=AssetCounts(wanted, 1))) == ["MATERIALIZATION_PARTIAL"]
    assert codes(measured(assets=AssetCounts(wanted, wanted // 20))) == ["MATERIALIZATION_PARTIAL"]
    assert codes(measured(assets=AssetCounts(wanted, wanted // 20 + 1))) == ["MISSING_MATERIALIZED_ASSETS"]


def test_every_measure_is_taken_and_shows_where_it_comes_from() -> None:
    assert set(MEASURES) == set(Measure)
    case = measured(
        PLAYERS, AssetCounts(9, 1, {"ASSET_NOT_FOUND": 1}), incomplete_sources=["lp_1"], empty=3, unlabelled=4,
        schema_faults=Findings(1, [Example("a", 0, "wrong")]), geometry_faults=Findings(1, [Example("a", 0, "wrong")]),
    )  # fmt: skip
    for measure in Measure:
        reading = MEASURES[measure](case)
        assert reading is not None, measure
        assert reading.detail, measure


def test_classes_are_shown_as_they_are_declared_and_no_others() -> None:
    tallies = {f"other-{number}": Tally(1, 1) for number in range(300)} | {"player": Tally(900, 900)}
    (found,) = [each for each in judged(measured(PLAYERS, classes=tallies)).indicators if each.code == CLASSES]
    assert found.detail == {"player": 900, "goalkeeper": 0, "referee": 0}


LABELS = [
    (BALL, {"class": "ball", "point": {"x": 0, "y": 1}}, (0, 0)),
    (BALL, {"class": "ball", "point": {"x": -0.0001, "y": 1}}, (0, 1)),
    (BALL, {"class": "ball", "point": {"x": 0.5, "y": 1.0001}}, (0, 1)),
    (BALL, {"class": "puck", "point": {"x": 0.5, "y": 0.5}}, (1, 0)),
    (BALL, {"class": "ball", "bbox": {"x": 0, "y": 0, "w": 1, "h": 1}}, (1, 0)),
    (PLAYERS, {"class": "referee", "bbox": {"x": 0, "y": 0, "w": 1, "h": 1}}, (0, 0)),
    (PLAYERS, {"class": "referee", "bbox": {"x": 0.9, "y": 0, "w": 0.1, "h": 1}}, (0, 0)),
    (PLAYERS, {"class": "referee", "bbox": {"x": 0.5, "y": 0, "w": 0.51, "h": 1}}, (0, 1)),
    (PLAYERS, {"class": "referee", "bbox": {"x": 0, "y": 0, "w": 0, "h": 1}}, (0, 1)),
    (PLAYERS, {"class": "referee", "bbox": {"x": 0, "y": 0, "w": 0.1, "h": -1}}, (0, 1)),
    (PLAYERS, {"class": "coach", "bbox": {"x": -1, "y": 0, "w": 0.1, "h": 1}}, (1, 1)),
]


@pytest.mark.parametrize(("capability", "label", "faults"), LABELS)
def test_a_label_is_held_to_its_capability(
    capability: Capability, label: dict[str, Any], faults: tuple[int, int]
) -> None:
    counted = Statistics()
    counted.add(parse_row(msgspec.json.encode({"sample_id": "a", "labels": [label]})), capability)
    assert (counted.schema_faults.count, counted.geometry_faults.count) == faults
    assert [example.sample_id for example in counted.geometry_faults.examples] == ["a"] * faults[1]


def test_a_capability_is_one_entry() -> None:
    shuttlecock = Capability("shuttle_detection", LabelKind.POINT, ("shuttle",), LabelKind.POINT)
    assert judged(measured(shuttlecock)).verdict is Verdict.PASS
