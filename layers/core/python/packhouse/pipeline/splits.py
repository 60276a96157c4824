"""Which split each group goes to. Samples of one group never land in two splits.

Ratios are held as integers per 10,000: no float decides, and none enters a fingerprint.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SPLITS = ("train", "val", "test")
WHOLE = 10_000


class SplitStrategy(StrEnum):
    """How groups are spread over the splits."""

    GROUP_QUOTA = "group_quota"


@dataclass(frozen=True)
class SplitPlan:
    """A strategy with its ratio per 10,000 (splits of ratio 0 left out, in the order train, val, test) and seed."""

    strategy: SplitStrategy
    ratio: dict[str, int]
    seed: int

    @classmethod
    def from_snapshot(cls, snapshot: Mapping[str, Any]) -> "SplitPlan":
        """Return the plan that `snapshot` was made of; canonical JSON sorted its keys."""
        ratio = {name: snapshot["ratio"][name] for name in SPLITS if name in snapshot["ratio"]}
        return cls(SplitStrategy(snapshot["strategy"]), ratio, snapshot["seed"])

    def snapshot(self) -> dict[str, Any]:
        """What enters the fingerprints and the manifest."""
        return {"strategy": self.strategy.value, "ratio": self.ratio, "seed": self.seed}


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
    parts = {name: round(ratio[name] * WHOLE) for name in SPLITS if ratio.get(name)}
    if any(abs(ratio[name] * WHOLE - part) > 1e-6 for name, part in parts.items()):  # noqa: PLR2004  rounding of a double
        raise ValueError("a share has more than four decimals")
    if sum(parts.values()) != WHOLE:
        raise ValueError("the shares do not sum to 1")
    return parts


def assign_groups(plan: SplitPlan, sizes: Mapping[str, int]) -> dict[str, str]:
    """Return the split of every group, given each group's number of samples.

    `group_quota`: largest group first (ties in the order of sha256(seed, group)), each to the split furthest below its
    target; no split stays empty while there are as many groups as splits. All in integers: the shortfall of a split is
    `total * ratio - 10,000 * samples so far`. Greedy in this order, the deviation from the ratio is at most one largest
    group from five groups on.
    """
    total = sum(sizes.values())
    filled = dict.fromkeys(plan.ratio, 0)
    split_of: dict[str, str] = {}
    ordered = sorted(sizes, key=lambda group: (-sizes[group], seeded_hash(plan.seed, group)))
    for place, group in enumerate(ordered):
        empty = [name for name in plan.ratio if filled[name] == 0]
        # The last groups are kept for the splits that would otherwise stay empty.
        open_splits = empty if empty and len(ordered) - place <= len(empty) else list(plan.ratio)
        chosen = max(open_splits, key=lambda name: total * plan.ratio[name] - WHOLE * filled[name])
        split_of[group] = chosen
        filled[chosen] += sizes[group]
    return split_of


def seeded_hash(seed: int, group: str) -> bytes:
    """Return sha256(seed ‖ group), the seed in decimal, a zero byte between them.

    >>> seeded_hash(0, "match-17").hex()[:16]
    '94d9fe2ee1102d73'
    """
    return hashlib.sha256(str(seed).encode() + b"\x00" + group.encode()).digest()
