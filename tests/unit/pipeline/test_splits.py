"""Groups are never split, splits never stay empty, and the ratio is met as closely as whole groups allow."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.splits import WHOLE, SplitPlan, SplitStrategy, assign_groups, ratio_per_whole
from tests.unit.pipeline.labels import THIRDS

sizes = st.dictionaries(st.text(min_size=1, max_size=6), st.integers(1, 500), max_size=60)
ratios = st.sampled_from(
    [
        {"train": 8000, "val": 1000, "test": 1000},
        {"train": 7000, "val": 2000, "test": 1000},
        {"train": 9000, "test": 1000},
        {"train": 9998, "val": 1, "test": 1},
        {"train": 10_000},
    ]
)


@given(sizes, ratios, st.integers(0, 3))
def test_every_group_lands_in_one_split_and_none_stays_empty(
    groups: dict[str, int], ratio: dict[str, int], seed: int
) -> None:
    split_of = assign_groups(SplitPlan(SplitStrategy.GROUP_QUOTA, ratio, seed), groups)
    assert set(split_of) == set(groups)
    assert set(split_of.values()) <= set(ratio)
    if len(groups) >= len(ratio):
        assert set(split_of.values()) == set(ratio)


@given(st.dictionaries(st.text(min_size=1, max_size=6), st.integers(1, 500), min_size=5, max_size=60))
def test_from_five_groups_on_no_split_is_further_off_than_the_largest_group(groups: dict[str, int]) -> None:
    split_of = assign_groups(THIRDS, groups)
    total = sum(groups.values())
    for name, share in THIRDS.ratio.items():
        got = sum(groups[group] for group, split in split_of.items() if split == name)
        assert abs(got - total * share / WHOLE) <= max(groups.values())


@given(sizes, st.randoms(use_true_random=False))
def test_the_order_of_the_groups_does_not_matter(groups: dict[str, int], random: object) -> None:
    shuffled = list(groups.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign_groups(THIRDS, dict(shuffled)) == assign_groups(THIRDS, groups)


def test_the_seed_moves_groups() -> None:
    groups = {f"g{number}": 10 for number in range(50)}
    other = SplitPlan(THIRDS.strategy, THIRDS.ratio, 1)
    assert assign_groups(THIRDS, groups) != assign_groups(other, groups)


def test_the_assignment_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = (
        "from packhouse.pipeline.splits import *\n"
        "plan = SplitPlan(SplitStrategy.GROUP_QUOTA, {'train': 8000, 'val': 1000, 'test': 1000}, 0)\n"
        "print(assign_groups(plan, {f'g{n}': n % 7 + 1 for n in range(40)}))"
    )
    path = os.pathsep.join(sys.path)
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(told) == 1
    assert "'train'" in told.pop()


@pytest.mark.parametrize(
    ("ratio", "fault"),
    [
        ({"train": 0.8, "val": 0.1}, "sum"),
        ({"train": 0.8, "val": 0.3, "test": -0.1}, "negative"),
        ({"train": 0.9, "dev": 0.1}, "unknown split 'dev'"),
        ({"train": 0.33333, "val": 0.33333, "test": 0.33334}, "decimals"),
        ({}, "sum"),
    ],
)
def test_a_ratio_that_cannot_be_held_is_refused(ratio: dict[str, float], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ratio_per_whole(ratio)
