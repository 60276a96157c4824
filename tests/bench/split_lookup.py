"""P9: every sample's split, against a loop that hashes each group once and looks the hash up."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

from packhouse.pipeline.rows import LabelRow
from packhouse.pipeline.splits import SplitPlan, SplitStrategy, assign_groups, ratio_per_whole
from packhouse.pipeline.statistics import GroupTally
from tests.bench.figure import Figure, Run
from tests.bench.task_runs import in_turns

SAMPLES, ROUNDS, GOAL = 1_000_000, 5, 0.7
GROUPS = (2_000, 20_000)
RATIO = {"train": 0.8, "val": 0.1, "test": 0.1}
SEED = 7
LOOP = "cached sha256 loop"
CLASSES = ("player", "goalkeeper", "referee")
Counts = dict[str, int]


def measure(run: Run, samples: int = SAMPLES) -> Figure:
    """Let both give each sample its split, in turns, by strategy and by number of groups."""
    rows, met = [], True
    strategies = (SplitStrategy.GROUP_QUOTA, SplitStrategy.GROUP_HASH)
    with run.steps("P9 splits", len(GROUPS) * ROUNDS * (1 + len(strategies))) as bar:
        for groups in GROUPS:
            given = [LabelRow(sample_id=str(at), group=f"match-{at % groups}", labels=None) for at in range(samples)]
            tallies = _tallies(samples, groups)
            ways: dict[str, Callable[[], Counts]] = {LOOP: partial(_bare, given)}
            for strategy in strategies:
                plan = SplitPlan(strategy, ratio_per_whole(RATIO), SEED)
                ways[strategy.value] = partial(_ours, given, tallies, plan)
            if ways[LOOP]() != ways[SplitStrategy.GROUP_HASH.value]():
                raise AssertionError("the loop and group_hash disagree")
            seconds = in_turns(ways, ROUNDS, bar.advance)
            bare = seconds[LOOP]
            for name, spent in seconds.items():
                rows.append((f"{groups:,}", name, f"{spent:.2f}", f"{samples / spent:,.0f}", f"{bare / spent:.2f}"))
                met = met and (groups != GROUPS[0] or bare / spent >= GOAL)
    return Figure(
        number="P9",
        title=f"The split of {samples:,} samples",
        goal=f"≥ {GOAL}x the rate of a cached sha256 loop, with the default strategy and with group_hash",
        basis=f"CPU time, medians of {ROUNDS} turns over the same rows in memory; ours assigns the groups from their "
        "tallies, as PlanBuild, and looks each row's group up, as BuildShard; the loop looks each row's group up among "
        "those it has hashed and holds a new one's sha256 against two thresholds",
        columns=("groups", "way", "CPU s", "samples/s", "rate to the loop"),
        rows=rows,
        met=met,
        notes=[
            f"judged with {GROUPS[0]:,} groups, as many as V1 has; the other rows show what a group itself costs",
            "group_hash gives each sample the split that the loop gives it",
        ],
    )


def _tallies(samples: int, groups: int) -> dict[str, GroupTally]:
    each = samples // groups
    return {
        f"match-{number}": GroupTally(each + (number < samples % groups), dict.fromkeys(CLASSES, each))
        for number in range(groups)
    }


def _ours(rows: Sequence[LabelRow], tallies: dict[str, GroupTally], plan: SplitPlan) -> Counts:
    split_of = assign_groups(plan, tallies)
    counts = dict.fromkeys(plan.ratio, 0)
    for row in rows:
        counts[split_of[row.group_name]] += 1
    return counts


def _bare(rows: Sequence[LabelRow]) -> Counts:
    seed = f"{SEED}\0".encode()
    first, second = 8_000 * 2**64 // 10_000, 9_000 * 2**64 // 10_000
    known: dict[str, str] = {}
    counts = dict.fromkeys(RATIO, 0)
    for row in rows:
        group = str(row.group)
        split = known.get(group)
        if split is None:
            place = int.from_bytes(hashlib.sha256(seed + group.encode()).digest()[:8], "big")
            split = known[group] = "train" if place < first else "val" if place < second else "test"
        counts[split] += 1
    return counts
