"""What a plan has to say before anything is built: an error refuses the build, a warning goes along with it."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from packhouse.pipeline.splits import SPLITS, WHOLE, SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import GroupTally

MISSED_BY = 500
"""A share of samples further off its ratio than this, per 10,000 of the whole, is told."""

NAMES_TOLD = 3


class Issue(Struct, frozen=True):
    """A code, whether it is an error or a warning, and one sentence for a person."""

    code: str
    level: Literal["error", "warning"]
    detail: str


def split_issues(plan: SplitPlan, groups: Mapping[str, GroupTally], split_of: Mapping[str, str]) -> list[Issue]:
    """Return what is wrong with the assignment of the groups, errors first, splits in the order train, val, test."""
    if plan.strategy is SplitStrategy.PREDEFINED:
        return _predefined_issues(groups)
    return _empty_splits(plan, split_of) + _missed_ratios(plan, groups, split_of)


def _predefined_issues(groups: Mapping[str, GroupTally]) -> list[Issue]:
    issues = []
    missing = {group: tally.samples - sum(tally.splits.values()) for group, tally in groups.items()}
    without = sorted(group for group, rows in missing.items() if rows > 0)
    if without:
        rows = _count(sum(missing[group] for group in without), "row")
        issues.append(Issue("SPLIT_NOT_GIVEN", "error", f"No split is given for {rows} in {_named(without, 'group')}."))
    torn = sorted(group for group, tally in groups.items() if len(tally.splits) > 1)
    if torn:
        detail = f"More than one split is given for the rows of {_named(torn, 'group')}."
        issues.append(Issue("GROUP_IN_TWO_SPLITS", "error", detail))
    return issues


def _empty_splits(plan: SplitPlan, split_of: Mapping[str, str]) -> list[Issue]:
    if len(split_of) < len(plan.ratio):
        why = f"{_count(len(split_of), 'group')} cannot fill {_count(len(plan.ratio), 'split')}"
    elif plan.strategy is SplitStrategy.GROUP_HASH:
        why = "group_hash places each group by its hash alone"
    else:
        why = "the groups that are kept in their splits leave none for it"
    used = set(split_of.values())
    return [
        Issue("SPLIT_EMPTY", "warning", f"The split {name} has no group: {why}.")
        for name in SPLITS
        if name in plan.ratio and name not in used
    ]


def _missed_ratios(plan: SplitPlan, groups: Mapping[str, GroupTally], split_of: Mapping[str, str]) -> list[Issue]:
    samples = dict.fromkeys(SPLITS, 0)
    for group, name in split_of.items():
        samples[name] += groups[group].samples
    total = sum(samples.values())
    issues = []
    for name in SPLITS:
        share = plan.ratio.get(name, 0)
        if abs(WHOLE * samples[name] - share * total) > MISSED_BY * total:
            reached, wanted = f"{100 * samples[name] / total:.1f} %", f"{share / 100:g} %"
            detail = f"The split {name} has {reached} of the samples where {wanted} is wanted."
            issues.append(Issue("SPLIT_RATIO_MISSED", "warning", detail))
    return issues


def source_issues(duplicates: int, conflicts: int, incomplete_sources: Iterable[str]) -> list[Issue]:
    """Return what is to be said of rows that stay out, and of sources whose statistics cannot serve."""
    issues = []
    if duplicates:
        detail = f"The build leaves out {_count(duplicates, 'row')} that another source has with the same content."
        issues.append(Issue("SAMPLES_REPEATED", "warning", detail))
    if conflicts:
        detail = f"The build leaves out {_count(conflicts, 'row')} whose samples a newer revision labels otherwise."
        issues.append(Issue("SAMPLES_CONFLICT", "warning", detail))
    if incomplete := list(incomplete_sources):
        detail = f"There are no rows, or rows without a group, in {_named(incomplete, 'source')}."
        issues.append(Issue("SOURCE_INCOMPLETE", "warning", detail))
    return issues


def move_issues(moved: Mapping[tuple[str, str], int]) -> list[Issue]:
    """Return what is to be said of samples that go from one split to another although groups are kept, by the splits.

    >>> move_issues({("test", "train"): 3})[0].detail
    'Newer revisions have samples in other groups; from test to train: 3.'
    """
    told = "Newer revisions have samples in other groups; from {} to {}: {:,}."
    return [Issue("SAMPLES_MOVED", "warning", told.format(*splits, count)) for splits, count in sorted(moved.items())]


def uncounted_moves() -> Issue:
    """Return that nobody looked which samples leave their split."""
    return Issue("MOVES_NOT_COUNTED", "warning", "The version that is kept is too large to look which samples move.")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _named(names: list[str], noun: str) -> str:
    told = ", ".join(repr(name) if name else "(none)" for name in names[:NAMES_TOLD])
    more = len(names) - NAMES_TOLD
    return f"{_count(len(names), noun)}: {told}" + (f" and {more:,} more" if more > 0 else "")
