"""The quality verdict: a policy (a data file, versioned and ordered) held against measured statistics.

A policy's indicator names a measure and its bound; the measures are the functions below. An indicator whose measure
cannot be taken yet (assets before they were looked up) or does not apply (imbalance of one class) is not evaluated and
does not appear.
"""

import functools
import json
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from msgspec import Struct

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.statistics import Findings, Statistics, builtins

_POLICIES = Path(__file__).with_name("quality_policies")


class Verdict(StrEnum):
    """What the list shows of a version's quality."""

    PASS = "pass"  # noqa: S105  a verdict
    WARNINGS = "warnings"
    HARD_FAIL = "hard_fail"
    NOT_EVALUATED = "not_evaluated"


class AssetCounts(Struct, frozen=True):
    """Assets wanted by the rows, and those that were not there."""

    wanted: int
    missing: int


class Measured(Struct, frozen=True):
    """What the measures are taken of. `assets` is `None` until they were looked up."""

    capability: Capability
    statistics: Statistics
    groups_per_split: dict[str, int]
    incomplete_sources: list[str]
    assets: AssetCounts | None = None


class Indicator(Struct, frozen=True):
    """One thing that the policy found: the measure's value, the bound it broke, and what shows it."""

    code: str
    level: str
    measure: str
    value: int | float
    threshold: int | float
    detail: Any


class QualitySummary(Struct, frozen=True):
    """The verdict with its indicators, in the policy's order."""

    verdict: Verdict
    policy_version: str | None
    warnings: int
    hard_fails: int
    indicators: list[Indicator]


@functools.cache
def policy(version: str) -> dict[str, Any]:
    """Return a policy document by its version."""
    document: dict[str, Any] = json.loads((_POLICIES / f"{version}.json").read_text("utf-8"))
    return document


def evaluate_quality(measured: Measured) -> QualitySummary:
    """Return the verdict of the capability's policy; *not evaluated* when it has none."""
    version = measured.capability.policy
    if version is None:
        return QualitySummary(Verdict.NOT_EVALUATED, None, 0, 0, [])
    found: list[Indicator] = []
    for rule in policy(version)["indicators"]:
        indicator = _broken(rule, measured)
        if indicator is not None and rule.get("unless") not in {earlier.code for earlier in found}:
            found.append(indicator)
    hard_fails = len([indicator for indicator in found if indicator.level == "hard_fail"])
    warnings = len(found) - hard_fails
    verdict = Verdict.HARD_FAIL if hard_fails else Verdict.WARNINGS if warnings else Verdict.PASS
    return QualitySummary(verdict, version, warnings, hard_fails, found)


def _broken(rule: Mapping[str, Any], measured: Measured) -> Indicator | None:
    """The first of the rule's bounds that is broken."""
    for bound in rule.get("any", [rule]):
        value = MEASURES[bound["measure"]](measured)
        if value is None:
            continue
        over = "at_most" in bound and value > bound["at_most"]
        under = "at_least" in bound and value < bound["at_least"]
        if over or under:
            threshold = bound["at_most"] if over else bound["at_least"]
            detail = _detail(bound["measure"], measured)
            return Indicator(rule["code"], rule["level"], bound["measure"], value, threshold, detail)
    return None


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _class_counts(measured: Measured) -> list[int] | None:
    """Labels of each declared class, none included; `None` with fewer than two classes or without labels."""
    tallies = measured.statistics.classes
    counts = [tallies[name].labels if name in tallies else 0 for name in measured.capability.classes]
    if len(counts) == 1 or not any(counts):
        return None
    return counts


def _imbalance(measured: Measured) -> float | None:
    """Largest over smallest; a class without a label has no ratio, and the rarest share speaks for it."""
    counts = _class_counts(measured)
    return round(max(counts) / min(counts), 6) if counts and min(counts) else None


def _rarest(measured: Measured) -> float | None:
    counts = _class_counts(measured)
    return None if counts is None else round(min(counts) * len(counts) / sum(counts), 6)


def _missing_share(measured: Measured) -> float | None:
    return None if measured.assets is None else _share(measured.assets.missing, measured.assets.wanted)


MEASURES: dict[str, Callable[[Measured], int | float | None]] = {
    "schema_faults": lambda measured: measured.statistics.schema_faults.count,
    "geometry_faults": lambda measured: measured.statistics.geometry_faults.count,
    "incomplete_sources": lambda measured: len(measured.incomplete_sources),
    "missing_asset_share": _missing_share,
    "samples": lambda measured: measured.statistics.rows,
    "groups": lambda measured: sum(measured.groups_per_split.values()),
    "fewest_groups_in_a_split": lambda measured: min(measured.groups_per_split.values(), default=0),
    "empty_share": lambda measured: _share(measured.statistics.empty, measured.statistics.rows),
    "labelled_share": lambda measured: _share(
        measured.statistics.rows - measured.statistics.unlabelled, measured.statistics.rows
    ),
    "class_imbalance_ratio": _imbalance,
    "rarest_class_share_of_even": _rarest,
}
"""Each takes its value from what was measured; `None` when it does not apply or cannot be known yet.

`rarest_class_share_of_even` is the rarest class's share times the number of classes: 1 when all are even.
"""


def _detail(measure: str, measured: Measured) -> Any:
    findings: dict[str, Findings] = {
        "schema_faults": measured.statistics.schema_faults,
        "geometry_faults": measured.statistics.geometry_faults,
    }
    if measure in findings:
        return builtins(findings[measure].examples)
    if measure == "incomplete_sources":
        return measured.incomplete_sources[:10]
    if measure == "fewest_groups_in_a_split":
        return measured.groups_per_split
    if measure in {"class_imbalance_ratio", "rarest_class_share_of_even"}:
        return {name: tally.labels for name, tally in sorted(measured.statistics.classes.items())}
    if measure == "missing_asset_share" and measured.assets is not None:
        return {"wanted": measured.assets.wanted, "missing": measured.assets.missing}
    return None
