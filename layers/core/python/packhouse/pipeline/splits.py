"""Which split each group goes to. Samples of one group never land in two splits.

Ratios are held as integers per 10,000: no float decides, and none enters a fingerprint. What an assignment falls short
of is told by `issues`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Any

from packhouse.pipeline.statistics import GroupTally

SPLITS = ("train", "val", "test")
WHOLE = 10_000


class SplitStrategy(StrEnum):
    """How groups are spread over the splits."""

    GROUP_QUOTA = "group_quota"
    STRATIFIED_GROUP = "stratified_group"
    GROUP_HASH = "group_hash"
    PREDEFINED = "predefined"


@dataclass(frozen=True)
class SplitPlan:
    """A strategy with its ratio per 10,000 (splits of ratio 0 left out, in the order train, val, test) and seed.

    `sticky` is the digest of the assignment that is kept. For `predefined` the ratio is empty and the seed 0.
    """

    strategy: SplitStrategy
    ratio: dict[str, int]
    seed: int
    sticky: str | None = None

    @classmethod
    def from_snapshot(cls, snapshot: Mapping[str, Any]) -> "SplitPlan":
        """Return the plan that `snapshot` was made of; canonical JSON sorted its keys."""
        ratio = {name: snapshot["ratio"][name] for name in SPLITS if name in snapshot["ratio"]}
        return cls(SplitStrategy(snapshot["strategy"]), ratio, snapshot["seed"], snapshot.get("sticky"))

    def snapshot(self) -> dict[str, Any]:
        """What enters the fingerprints and the manifest; an assignment is named only where one is kept.

        >>> SplitPlan(SplitStrategy.GROUP_HASH, {"train": 10_000}, 7).snapshot()
        {'strategy': 'group_hash', 'ratio': {'train': 10000}, 'seed': 7}
        >>> SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 10_000}, 7, "sha256:5b").snapshot()
        {'strategy': 'group_quota', 'ratio': {'train': 10000}, 'seed': 7, 'sticky': 'sha256:5b'}
        """
        snapshot = {"strategy": self.strategy.value, "ratio": self.ratio, "seed": self.seed}
        return snapshot if self.sticky is None else snapshot | {"sticky": self.sticky}


def ratio_per_whole(ratio: Mapping[str, float]) -> dict[str, int]:
    """Return a ratio given in numbers as integers per 10,000; `ValueError` says what is wrong with it.

    >>> ratio_per_whole({"test": 0.1, "train": 0.8, "val": 0.1})
    {'train': 8000, 'val': 1000, 'test': 1000}
    """
    unknown = sorted(set(ratio) - set(SPLITS))
    if unknown:
        raise ValueError(f"unknown split {unknown[0]!r}; the splits are {', '.join(SPLITS)}")
    if any(share < 0 for share in ratio.values()):
        raise ValueError("a share is negative")
    if any(share > 1 for share in ratio.values()):
        raise ValueError("a share is more than the whole")
    parts = {name: round(ratio[name] * WHOLE) for name in SPLITS if ratio.get(name)}
    if any(abs(ratio[name] * WHOLE - part) > 1e-6 for name, part in parts.items()):  # noqa: PLR2004  rounding of a double
        raise ValueError("a share has more than four decimals")
    if sum(parts.values()) != WHOLE:
        raise ValueError("the shares do not sum to 1")
    return parts


def assign_groups(
    plan: SplitPlan, groups: Mapping[str, GroupTally], kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the split of every group.

    A group in `kept`, the assignment of an earlier version, stays in its split, even in one that the ratio does not
    name; only the others are placed.

    - `group_quota`: largest group first (ties in the order of sha256(seed, group)), each to the split furthest below
      its target in samples.
    - `stratified_group`: in the same order, each to the split where the labels' total deviation from ratio times whole,
      over splits and classes, comes out least; ties as in `group_quota`.
    - `group_hash`: by `hashed_split`, from seed, ratio and name alone.
    - `predefined`: the split that most of the group's rows name; `split_issues` tells when not all do.

    With the first two no split of the ratio stays empty while there are as many groups to place as empty splits.

    With `group_quota`, nothing kept and n groups, no split is further off its target than the largest group has
    samples, whatever the sizes, if the ratio has at most two splits or if n * (1 - its largest share) >= 1: from five
    groups on while no share is over 0.8, from ten while none is over 0.9. Beyond that it fails for n equal groups:
    each of the two small splits takes one, although both together should have less than one.
    """
    split_of = {group: kept[group] for group in groups if group in kept} if kept else {}
    unplaced = [group for group in groups if group not in split_of]
    match plan.strategy:
        case SplitStrategy.PREDEFINED:
            placed = {group: _named_split(groups[group]) for group in unplaced}
        case SplitStrategy.GROUP_HASH:
            placed = {group: hashed_split(plan, group) for group in unplaced}
        case _:
            placed = _fill_up(plan, groups, split_of, unplaced)
    return split_of | placed


def _named_split(tally: GroupTally) -> str:
    return max(SPLITS, key=lambda name: tally.splits.get(name, 0))


def hashed_split(plan: SplitPlan, group: str) -> str:
    """Return the first split whose cumulated ratio passes the group's place in [0, 10,000).

    The place is the first 8 bytes of sha256(seed ‖ group), big-endian, times 10,000 / 2^64.

    >>> plan = SplitPlan(SplitStrategy.GROUP_HASH, {"train": 5000, "val": 2500, "test": 2500}, 0)
    >>> [hashed_split(plan, f"match-{number}") for number in range(14, 20)]
    ['val', 'train', 'val', 'val', 'train', 'test']
    """
    place = int.from_bytes(seeded_hash(plan.seed, group)[:8], "big") * WHOLE >> 64
    names = _in_order(plan.ratio)
    ends = accumulate(plan.ratio[name] for name in names)
    return next(name for name, end in zip(names, ends, strict=True) if place < end)


def _in_order(ratio: Mapping[str, int]) -> list[str]:
    return [name for name in SPLITS if name in ratio]


def _fill_up(
    plan: SplitPlan, groups: Mapping[str, GroupTally], split_of: Mapping[str, str], unplaced: list[str]
) -> dict[str, str]:
    """Return the splits of the unplaced groups, given those that `split_of` has placed."""
    levels = _Levels(plan.ratio, groups.values())
    for group, name in split_of.items():
        levels.add(name, groups[group])
    stratified = plan.strategy is SplitStrategy.STRATIFIED_GROUP
    placed: dict[str, str] = {}
    names = _in_order(plan.ratio)
    ordered = sorted(unplaced, key=lambda group: (-groups[group].samples, seeded_hash(plan.seed, group)))
    for place, group in enumerate(ordered):
        # The last groups are kept for the splits that would otherwise stay empty.
        scarce = len(ordered) - place <= len(levels.empty)
        open_splits = levels.empty if scarce else names
        tally = groups[group]
        scores = {name: (levels.drift(name, tally) if stratified else 0, levels.samples[name]) for name in open_splits}
        placed[group] = min(open_splits, key=scores.__getitem__)
        levels.add(placed[group], tally)
    return placed


class _Levels:
    """How far each split of the ratio is above its target so far, times 10,000: in samples, and in labels per class."""

    def __init__(self, ratio: Mapping[str, int], groups: Iterable[GroupTally]) -> None:
        whole = GroupTally()
        for tally in groups:
            whole.merge(tally)
        self.empty = _in_order(ratio)
        self.samples = {name: -share * whole.samples for name, share in ratio.items()}
        self.labels = {
            name: {label_class: -share * count for label_class, count in whole.classes.items()}
            for name, share in ratio.items()
        }

    def add(self, name: str, tally: GroupTally) -> None:
        """Count a group in its split; one outside the ratio has no target to come near."""
        if name not in self.samples:
            return
        if name in self.empty:
            self.empty.remove(name)
        self.samples[name] += WHOLE * tally.samples
        for label_class, count in tally.classes.items():
            self.labels[name][label_class] += WHOLE * count

    def drift(self, name: str, tally: GroupTally) -> int:
        """Return by how much the labels' total deviation grows when the split takes the group."""
        labels = self.labels[name]
        return sum(
            abs(labels[label_class] + WHOLE * count) - abs(labels[label_class])
            for label_class, count in tally.classes.items()
        )


def seeded_hash(seed: int, group: str) -> bytes:
    """Return sha256(seed ‖ group), the seed in decimal, a zero byte between them.

    >>> seeded_hash(0, "match-17").hex()[:16]
    '94d9fe2ee1102d73'
    """
    return hashlib.sha256(str(seed).encode() + b"\x00" + group.encode()).digest()
