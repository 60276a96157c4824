"""Versions of annotation sets are taken by a conditional write: none is missing and none is there twice."""

import pytest

from tests.faults.broken_sets import Broken, counted_anyway
from tests.faults.numbered_sets import CALLERS, NumberedSets
from tests.faults.world import World

SEEDS = 30


@pytest.fixture(scope="module")
def race(world: World) -> NumberedSets:
    return NumberedSets(world)


def test_every_interleaving_leaves_the_versions_from_one_to_their_count(race: NumberedSets) -> None:
    trials = {seed: race.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    assert len({trial.run.trace for trial in trials.values()}) > SEEDS * 9 // 10
    # The versions do not go by the callers: they were in each other's way.
    orders = {tuple(done.words[2] for done in trial.history) for trial in trials.values()}
    assert len(orders) > CALLERS


def test_versions_that_are_counted_anyway_are_caught(race: NumberedSets) -> None:
    broken = Broken(race, counted_anyway)
    assert sum(broken.try_seed(seed).wrong is not None for seed in range(10)) > 5
