"""Groups are never split, splits never stay empty, and the ratio is met as closely as whole groups allow."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline.fingerprints import canonical
from packhouse.pipeline.splits import SPLITS, WHOLE, SplitPlan, SplitStrategy, assign_groups, ratio_per_whole
from packhouse.pipeline.statistics import GroupTally
from tests.unit.pipeline.labels import THIRDS

QUOTA, STRATIFIED, HASH = SplitStrategy.GROUP_QUOTA, SplitStrategy.STRATIFIED_GROUP, SplitStrategy.GROUP_HASH
PREDEFINED = SplitPlan(SplitStrategy.PREDEFINED, {}, 0)
BY_RATIO = (QUOTA, STRATIFIED, HASH)

counts = st.integers(1, 500)
tallies = st.builds(GroupTally, counts, st.dictionaries(st.sampled_from("abcd"), counts))
names = st.text(min_size=1, max_size=6)
groups_of_rows = st.dictionaries(names, tallies, max_size=40)
ratios = st.sampled_from(
    [
        {"train": 8000, "val": 1000, "test": 1000},
        {"train": 1000, "val": 2000, "test": 7000},
        {"train": 9000, "test": 1000},
        {"train": 9998, "val": 1, "test": 1},
        {"train": 10_000},
    ]
)
plans = st.builds(SplitPlan, st.sampled_from(BY_RATIO), ratios, st.integers(0, 3))
filling_plans = st.builds(SplitPlan, st.sampled_from((QUOTA, STRATIFIED)), ratios, st.integers(0, 3))


def sized(sizes: list[int]) -> dict[str, GroupTally]:
    return {f"g{number}": GroupTally(size) for number, size in enumerate(sizes)}


@given(plans, groups_of_rows)
def test_every_group_lands_in_one_split_of_the_ratio(plan: SplitPlan, groups: dict[str, GroupTally]) -> None:
    split_of = assign_groups(plan, groups)
    assert set(split_of) == set(groups)
    assert set(split_of.values()) <= set(plan.ratio)


@given(filling_plans, groups_of_rows)
def test_no_split_stays_empty_while_there_are_groups_enough(plan: SplitPlan, groups: dict[str, GroupTally]) -> None:
    split_of = assign_groups(plan, groups)
    assert len(set(split_of.values())) == min(len(groups), len(plan.ratio))


@given(filling_plans, groups_of_rows, groups_of_rows, st.sampled_from(SPLITS))
def test_no_split_stays_empty_while_there_are_new_groups_enough(
    plan: SplitPlan, old: dict[str, GroupTally], new: dict[str, GroupTally], split: str
) -> None:
    kept = dict.fromkeys(old, split)
    split_of = assign_groups(plan, old | new, kept)
    empty = set(plan.ratio) - ({split} if old else set())
    placed = set(new) - set(old)
    assert len({split_of[group] for group in placed} & empty) == min(len(placed), len(empty))


def replay(plan: SplitPlan, groups: dict[str, GroupTally], kept: dict[str, str]) -> dict[str, str]:
    """The strategies that fill up, word by word: the total deviation is counted anew for every choice."""
    samples = dict.fromkeys(SPLITS, 0)
    labels: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    whole = sum((Counter(tally.classes) for tally in groups.values()), Counter[str]())
    total = sum(tally.samples for tally in groups.values())
    split_of: dict[str, str] = {}

    def place(group: str, split: str) -> None:
        split_of[group] = split
        samples[split] += groups[group].samples
        labels[split].update(groups[group].classes)

    def deviation(group: str, split: str) -> Fraction:
        after = labels | {split: labels[split] + Counter(groups[group].classes)}
        return sum(
            (abs(after[name][each] - Fraction(plan.ratio[name], WHOLE) * whole[each])
             for name in plan.ratio for each in whole),
            Fraction(),
        )  # fmt: skip

    for group in kept.keys() & groups.keys():
        place(group, kept[group])
    left = sorted(
        groups.keys() - kept.keys(),
        key=lambda group: (-groups[group].samples, hashlib.sha256(f"{plan.seed}\0{group}".encode()).digest()),
    )
    while left:
        empty = set(plan.ratio) - set(split_of.values())
        allowed = [name for name in SPLITS if name in (empty if len(left) <= len(empty) else plan.ratio)]
        group = left.pop(0)
        short = {name: Fraction(plan.ratio[name], WHOLE) * total - samples[name] for name in allowed}
        least = min(deviation(group, name) for name in allowed)
        if plan.strategy is STRATIFIED:
            allowed = [name for name in allowed if deviation(group, name) == least]
        place(group, next(name for name in allowed if short[name] == max(short[each] for each in allowed)))
    return split_of


@settings(deadline=None)
@given(
    filling_plans,
    st.dictionaries(names, tallies, max_size=12),
    st.dictionaries(names, st.sampled_from(SPLITS), max_size=4),
)
def test_each_group_goes_where_the_strategy_says(
    plan: SplitPlan, groups: dict[str, GroupTally], kept: dict[str, str]
) -> None:
    kept |= dict(zip(sorted(groups), ("train", "val"), strict=False))
    assert assign_groups(plan, groups, kept) == replay(plan, groups, kept)
    assert assign_groups(plan, groups) == replay(plan, groups, {})


def furthest_off(ratio: dict[str, int], sizes: list[int]) -> Fraction:
    """How far the split that misses its target most is off, in largest groups."""
    groups = sized(sizes)
    split_of = assign_groups(SplitPlan(QUOTA, ratio, 0), groups)
    got = Counter({name: sum(groups[group].samples for group in groups if split_of[group] == name) for name in ratio})
    return max(Fraction(abs(WHOLE * got[name] - ratio[name] * sum(sizes)), WHOLE * max(sizes)) for name in ratio)


@st.composite
def ratios_and_sizes(draw: st.DrawFn) -> tuple[dict[str, int], list[int]]:
    """Three splits whose largest share leaves the others an average group at least, or one or two splits of any."""
    sizes = draw(st.lists(st.one_of(st.integers(1, 2), counts), min_size=5, max_size=60))
    splits = draw(st.permutations(SPLITS))[: draw(st.sampled_from((1, 2, 3, 3, 3)))]
    most = WHOLE - 2 if len(splits) < 3 else WHOLE - -(-WHOLE // len(sizes))
    first = WHOLE if len(splits) == 1 else draw(st.one_of(st.just(most), st.integers(WHOLE - most, most)))
    second = 0 if first == WHOLE else WHOLE - first
    third = draw(st.integers(max(1, second - most), min(most, second - 1))) if len(splits) == 3 else 0
    return dict(zip(splits, (first, second - third, third), strict=False)), sizes


@settings(max_examples=500)
@given(ratios_and_sizes())
def test_no_split_is_further_off_than_the_largest_group(case: tuple[dict[str, int], list[int]]) -> None:
    ratio, sizes = case
    assert sum(ratio.values()) == WHOLE
    assert len(ratio) < 3 or len(sizes) * (WHOLE - max(ratio.values())) >= WHOLE
    assert furthest_off(ratio, sizes) <= 1


@pytest.mark.parametrize("count", range(5, 60))
def test_a_ratio_that_leaves_two_splits_less_than_a_group_cannot_be_met_so_closely(count: int) -> None:
    rest = (WHOLE - 1) // count  # the most that the small splits may have together for the condition to fail
    ratio = {"train": WHOLE - rest, "val": rest - rest // 2, "test": rest // 2}
    assert furthest_off(ratio, [7] * count) > 1


def test_five_equal_groups_cannot_come_near_two_splits_of_one_in_ten_thousand() -> None:
    assert furthest_off({"train": 9998, "val": 1, "test": 1}, [1] * 5) == Fraction(19990, WHOLE)
    assert furthest_off({"train": 8000, "val": 1000, "test": 1000}, [1] * 5) == 1


@pytest.mark.parametrize("strategy", BY_RATIO)
def test_a_thousand_growths_move_no_group(strategy: SplitStrategy) -> None:
    steps = []

    @settings(max_examples=20, deadline=None, database=None)
    @given(st.randoms(use_true_random=True))
    def grow(random: Random) -> None:
        groups: dict[str, GroupTally] = {}
        kept: dict[str, str] = {}
        for step in range(50):
            for number in range(random.randrange(5)):
                groups[f"{step}-{number}"] = GroupTally(random.randint(1, 300), {random.choice("abc"): 5})
            for group in random.sample(sorted(groups), len(groups) // 8):
                groups[group] = GroupTally(random.randint(1, 3000), {"a": random.randint(1, 50)})
            if groups and random.random() < 0.2:
                del groups[random.choice(sorted(groups))]
            ratio = random.choice([{"train": 8000, "val": 1000, "test": 1000}, {"train": 5000, "test": 5000}])
            split_of = assign_groups(SplitPlan(strategy, ratio, random.randrange(3)), groups, kept)
            assert set(split_of) == set(groups)
            assert {group: split_of[group] for group in groups if group in kept} == {
                group: kept[group] for group in groups if group in kept
            }
            kept = split_of
            steps.append(step)

    grow()
    assert len(steps) >= 1000


@pytest.mark.parametrize("strategy", SplitStrategy)
def test_a_kept_group_stays_even_in_a_split_that_the_ratio_does_not_name(strategy: SplitStrategy) -> None:
    ratio = {} if strategy is PREDEFINED.strategy else {"train": WHOLE}
    split_of = assign_groups(SplitPlan(strategy, ratio, 0), sized([5, 5]), {"g0": "val", "gone": "test"})
    assert split_of == {"g0": "val", "g1": "train"}


@pytest.mark.parametrize("strategy", [QUOTA, STRATIFIED])
def test_kept_groups_count_in_what_is_filled(strategy: SplitStrategy) -> None:
    groups = {f"g{number}": GroupTally(size, {"a": size}) for number, size in enumerate([50, 10, 10, 20])}
    ratio = {"train": 5000, "val": 2500, "test": 2500}
    kept = {"g0": "train", "g1": "val", "g2": "test"}
    assert assign_groups(SplitPlan(strategy, ratio, 0), groups, kept)["g3"] == "val"
    assert assign_groups(SplitPlan(strategy, ratio, 0), groups, kept | {"g0": "test"})["g3"] == "train"


def unlikeness(plan: SplitPlan, groups: dict[str, GroupTally]) -> Fraction:
    """How far the class proportions of the splits are from those of the whole, summed over splits and classes."""
    split_of = assign_groups(plan, groups)
    whole = sum((Counter(tally.classes) for tally in groups.values()), Counter[str]())
    off = Fraction()
    for name in plan.ratio:
        part = sum((Counter(groups[group].classes) for group in groups if split_of[group] == name), Counter[str]())
        off += sum(abs(Fraction(part[each], part.total()) - Fraction(whole[each], whole.total())) for each in whole)
    return off


def test_stratified_splits_are_more_like_the_whole_than_quota_ones() -> None:
    day_and_night = {f"m{number}": GroupTally(10, {"ab"[number % 2]: 30, "c": 1}) for number in range(20)}
    skewed = {f"m{n}": GroupTally(40 + n % 13, {"abc"[n % 3]: 90 + n % 7, "d": n % 2}) for n in range(60)}
    for seed in range(5):
        quota, stratified = (SplitPlan(strategy, THIRDS.ratio, seed) for strategy in (QUOTA, STRATIFIED))
        assert unlikeness(stratified, day_and_night) == 0
        assert unlikeness(stratified, skewed) < unlikeness(quota, skewed) / 2
    assert unlikeness(SplitPlan(QUOTA, THIRDS.ratio, 0), day_and_night) > Fraction(1, 2)


@given(ratios, st.integers(0, 3), groups_of_rows, st.data())
def test_a_hashed_group_stays_whatever_becomes_of_the_others(
    ratio: dict[str, int], seed: int, groups: dict[str, GroupTally], data: st.DataObject
) -> None:
    plan = SplitPlan(HASH, ratio, seed)
    rest = {group: data.draw(tallies) for group in groups if data.draw(st.booleans())}
    split_of = assign_groups(plan, groups)
    assert assign_groups(plan, rest) == {group: split_of[group] for group in rest}


def test_hashed_groups_come_near_the_ratio_and_a_larger_share_moves_groups_into_it_only() -> None:
    groups = sized([1] * 20_000)
    before = assign_groups(SplitPlan(HASH, {"train": 7000, "val": 2000, "test": 1000}, 0), groups)
    after = assign_groups(SplitPlan(HASH, {"train": 7500, "val": 1500, "test": 1000}, 0), groups)
    for group, split in before.items():
        hashed = Fraction(int(hashlib.sha256(f"0\0{group}".encode()).hexdigest()[:16], 16), 2**64)
        assert split == ("train" if hashed < Fraction(7, 10) else "val" if hashed < Fraction(9, 10) else "test")
    share = Counter(before.values())
    assert [round(share[name] / 20_000, 2) for name in SPLITS] == [0.7, 0.2, 0.1]
    assert {(before[group], after[group]) for group in groups if before[group] != after[group]} == {("val", "train")}
    assert before != assign_groups(SplitPlan(HASH, {"train": 7000, "val": 2000, "test": 1000}, 1), groups)


@given(st.dictionaries(names, st.tuples(counts, st.sampled_from(SPLITS))))
def test_predefined_is_what_the_rows_say(given_splits: dict[str, tuple[int, str]]) -> None:
    groups = {group: GroupTally(rows, splits={split: rows}) for group, (rows, split) in given_splits.items()}
    assert assign_groups(PREDEFINED, groups) == {group: split for group, (_, split) in given_splits.items()}


def test_a_group_of_several_splits_goes_where_most_of_its_rows_say() -> None:
    groups = {"a": GroupTally(9, splits={"train": 2, "test": 4}), "b": GroupTally(4, splits={"test": 2, "val": 2})}
    assert assign_groups(PREDEFINED, groups | {"c": GroupTally(3)}) == {"a": "test", "b": "val", "c": "train"}


@given(plans, groups_of_rows, st.dictionaries(names, st.sampled_from(SPLITS)), st.randoms(use_true_random=True))
def test_the_order_of_groups_classes_and_ratio_does_not_matter(
    plan: SplitPlan, groups: dict[str, GroupTally], kept: dict[str, str], random: Random
) -> None:
    shuffled = list(groups.items())
    random.shuffle(shuffled)
    turned = {name: GroupTally(each.samples, dict(reversed(each.classes.items()))) for name, each in shuffled}
    other = SplitPlan(plan.strategy, dict(reversed(plan.ratio.items())), plan.seed)
    assert assign_groups(other, turned, dict(reversed(kept.items()))) == assign_groups(plan, groups, kept)


@pytest.mark.parametrize("strategy", BY_RATIO)
def test_the_seed_moves_groups(strategy: SplitStrategy) -> None:
    groups = sized([10] * 50)
    first, second = (assign_groups(SplitPlan(strategy, THIRDS.ratio, seed), groups) for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize("strategy", SplitStrategy)
def test_the_assignment_is_the_same_in_another_process_with_another_hash_seed(strategy: SplitStrategy) -> None:
    code = (
        "from packhouse.pipeline.splits import *\n"
        "from packhouse.pipeline.statistics import GroupTally\n"
        f"plan = SplitPlan(SplitStrategy('{strategy}'), {{'train': 8000, 'val': 1000, 'test': 1000}}, 0)\n"
        "names = {f'g{n}' for n in range(40)}\n"
        "groups = {g: GroupTally(len(g), {'abc'[len(g) % 3]: 5}, {'train': 1, 'val': 1}) for g in names}\n"
        "print(sorted(assign_groups(plan, groups, {g: 'test' for g in {'g1', 'g2', 'g3'}}).items()))"
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


@given(plans, st.one_of(st.none(), st.just("sha256:5b")))
def test_a_plan_is_read_back_from_its_canonical_snapshot(plan: SplitPlan, sticky: str | None) -> None:
    plan = SplitPlan(plan.strategy, plan.ratio, plan.seed, sticky)
    read = SplitPlan.from_snapshot(orjson.loads(canonical(plan.snapshot())))
    assert read == plan
    assert list(read.ratio) == list(plan.ratio)
    assert ("sticky" in plan.snapshot()) is (sticky is not None)


@pytest.mark.parametrize(
    ("ratio", "fault"),
    [
        ({"train": 0.8, "val": 0.1}, "sum"),
        ({"train": 0.8, "val": 0.3, "test": -0.1}, "negative"),
        ({"train": 1e308}, "more than the whole"),
        ({"train": 0.9, "dev": 0.1}, "unknown split 'dev'"),
        ({"train": 0.33333, "val": 0.33333, "test": 0.33334}, "decimals"),
        ({}, "sum"),
    ],
)
def test_a_ratio_that_cannot_be_held_is_refused(ratio: dict[str, float], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        ratio_per_whole(ratio)
