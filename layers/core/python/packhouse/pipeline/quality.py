"""The quality verdict: a policy held against measured statistics.

A policy's indicator names a measure and its bound; how the measures are taken stands below. An indicator whose measure
cannot be taken yet (assets before they were looked up) or does not apply (imbalance of one class) is not evaluated and
does not appear.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.policies import Bound, Level, Measure, Rule, read_policy
from packhouse.pipeline.statistics import Findings, Statistics, builtins

NAMED = 10
"""How many label packs an indicator names."""


class Verdict(StrEnum):
    """What the list shows of a version's quality."""

    PASS = "pass"  # noqa: S105  a verdict
    WARNINGS = "warnings"
    HARD_FAIL = "hard_fail"
    NOT_EVALUATED = "not_evaluated"


class AssetCounts(Struct, frozen=True):
    """Assets wanted by the rows, and those that were not there, altogether and by reason."""

    wanted: int
    missing: int
    by_reason: dict[str, int] = {}


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


def evaluate_quality(measured: Measured, policy_version: str | None) -> QualitySummary:
    """Return the verdict of the policy of this version; *not evaluated* where there is none."""
    if policy_version is None:
        return QualitySummary(Verdict.NOT_EVALUATED, None, 0, 0, [])
    found: list[Indicator] = []
    for rule in read_policy(policy_version).indicators:
        indicator = _broken(rule, measured)
        if indicator is not None and rule.unless not in {earlier.code for earlier in found}:
            found.append(indicator)
    hard_fails = len([indicator for indicator in found if indicator.level == Level.HARD_FAIL])
    warnings = len(found) - hard_fails
    verdict = Verdict.HARD_FAIL if hard_fails else Verdict.WARNINGS if warnings else Verdict.PASS
    return QualitySummary(verdict, policy_version, warnings, hard_fails, found)


def _broken(rule: Rule, measured: Measured) -> Indicator | None:
    """The first of the rule's bounds that is broken."""
    for bound in rule.bounds:
        reading = MEASURES[bound.measure](measured)
        if reading is None:
            continue
        threshold = _crossed(reading.value, bound)
        if threshold is not None:
            level, measure = rule.level.value, bound.measure.value
            return Indicator(rule.code, level, measure, reading.value, threshold, reading.detail)
    return None


def _crossed(value: int | float, bound: Bound) -> int | float | None:
    """The bound that the value lies beyond; at the bound it is kept."""
    if bound.at_most is not None and value > bound.at_most:
        return bound.at_most
    if bound.at_least is not None and value < bound.at_least:
        return bound.at_least
    return None


class Reading(NamedTuple):
    """What a measure comes to, and what shows an operator where it comes from."""

    value: int | float
    detail: Any


def _findings(found: Findings) -> Reading:
    """Labels with a fault; shown by the first of them."""
    return Reading(found.count, builtins(found.examples))


def _sources(measured: Measured) -> Reading:
    """Label packs without rows, or with rows without a group; shown by their ids."""
    return Reading(len(measured.incomplete_sources), measured.incomplete_sources[:NAMED])


def _missing_share(measured: Measured) -> Reading | None:
    """Assets that were not there among those wanted; shown by their counts, then by reason."""
    assets = measured.assets
    if assets is None or not assets.wanted:
        return None
    counts = {"wanted": assets.wanted, "missing": assets.missing, **assets.by_reason}
    return Reading(assets.missing / assets.wanted, counts)


def _samples(measured: Measured) -> Reading:
    """Samples of all splits; shown by how they are labelled."""
    return Reading(measured.statistics.rows, _coverage(measured.statistics))


def _groups(measured: Measured) -> Reading:
    """Groups of all splits; shown per split."""
    return Reading(sum(measured.groups_per_split.values()), measured.groups_per_split)


def _fewest_groups(measured: Measured) -> Reading:
    """Groups of the split that has the fewest; shown per split."""
    return Reading(min(measured.groups_per_split.values(), default=0), measured.groups_per_split)


def _empty_share(measured: Measured) -> Reading | None:
    """Samples that are labelled as empty, of all."""
    counted = measured.statistics
    return Reading(counted.empty / counted.rows, _coverage(counted)) if counted.rows else None


def _labelled_share(measured: Measured) -> Reading | None:
    """Samples that are labelled, be it as empty, of all."""
    counted = measured.statistics
    return Reading((counted.rows - counted.unlabelled) / counted.rows, _coverage(counted)) if counted.rows else None


def _coverage(counted: Statistics) -> dict[str, int]:
    """Samples, those with labels, those labelled as empty, those that nobody looked at."""
    labelled = counted.rows - counted.empty - counted.unlabelled
    return {
        "samples": counted.rows,
        "with_labels": labelled,
        "empty": counted.empty,
        "unlabelled": counted.unlabelled,
    }


def _imbalance(measured: Measured) -> Reading | None:
    """Labels of the commonest class over those of the rarest; without a label the rarest share speaks for it."""
    counts = _class_counts(measured)
    if counts is None or not min(counts.values()):
        return None
    return Reading(max(counts.values()) / min(counts.values()), counts)


def _rarest(measured: Measured) -> Reading | None:
    """The rarest class's share of the labels times the number of classes: 1 when all are even."""
    counts = _class_counts(measured)
    if counts is None:
        return None
    return Reading(min(counts.values()) * len(counts) / sum(counts.values()), counts)


def _class_counts(measured: Measured) -> dict[str, int] | None:
    """Labels of each declared class, none included; `None` with fewer than two classes or without labels."""
    tallies = measured.statistics.classes
    counts = {name: tallies[name].labels if name in tallies else 0 for name in measured.capability.classes}
    return counts if len(counts) > 1 and any(counts.values()) else None


MEASURES: dict[Measure, Callable[[Measured], Reading | None]] = {
    Measure.SCHEMA_FAULTS: lambda measured: _findings(measured.statistics.schema_faults),
    Measure.GEOMETRY_FAULTS: lambda measured: _findings(measured.statistics.geometry_faults),
    Measure.INCOMPLETE_SOURCES: _sources,
    Measure.MISSING_ASSET_SHARE: _missing_share,
    Measure.SAMPLES: _samples,
    Measure.GROUPS: _groups,
    Measure.FEWEST_GROUPS_IN_A_SPLIT: _fewest_groups,
    Measure.EMPTY_SHARE: _empty_share,
    Measure.LABELLED_SHARE: _labelled_share,
    Measure.CLASS_IMBALANCE_RATIO: _imbalance,
    Measure.RAREST_CLASS_SHARE_OF_EVEN: _rarest,
}
"""Each takes its value from what was measured; `None` when it does not apply or cannot be known yet.

Shares and ratios are not rounded: the nearest double of the fraction, so that what lies at a bound is at it and what is
beyond it by one row of any number is beyond it.
"""
