"""The numbers of a dataset's versions are taken by a conditional write: none is missing and none is there twice."""

from tests.faults.numbered_builds import NumberedBuilds
from tests.faults.world import World

SEEDS = 40


def test_every_interleaving_leaves_the_numbers_from_one_to_their_count(world: World) -> None:
    builds = NumberedBuilds(world)
    trials = {seed: builds.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    assert len({trial.run.trace for trial in trials.values()}) > SEEDS * 9 // 10
    # The numbers do not go by the callers: they were in each other's way.
    orders = {tuple(done.words[2] for done in trial.history) for trial in trials.values()}
    assert len(orders) > SEEDS // 4
