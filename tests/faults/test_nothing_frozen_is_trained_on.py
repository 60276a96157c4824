"""Nothing is trained on what a frozen version protects, and nothing is frozen under it, whatever the order."""

import pytest

from tests.faults.broken_freezes import BREAKS, Broken
from tests.faults.frozen_and_used import FrozenAndUsed
from tests.faults.world import World

SEEDS, BROKEN_SEEDS = 60, 200
WANTED = {
    ("freeze", (200, "")),
    ("freeze", (409, "DATASET_ALREADY_FROZEN")),
    ("freeze", (409, "DATASET_IN_ACTIVE_USE")),
    ("unfreeze", (200, "")),
    ("unfreeze", (409, "DATASET_NOT_FROZEN")),
    ("use", (201, "")),
    ("use", (403, "FROZEN_DATASET_TRAINING_FORBIDDEN")),
    ("use", (403, "FROZEN_SOURCE_LEAKAGE_FORBIDDEN")),
    ("use", (409, "DATASET_NOT_FROZEN")),
    ("release", (200, "")),
    ("release", (404, "USE_NOT_FOUND")),
}


@pytest.fixture(scope="module")
def race(world: World) -> FrozenAndUsed:
    return FrozenAndUsed(world)


def test_what_is_frozen_and_what_is_used_keep_apart_and_the_audit_tells_it_all(race: FrozenAndUsed) -> None:
    trials = {seed: race.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    assert len({trial.run.trace for trial in trials.values()}) == SEEDS
    asked = [done for trial in trials.values() for done in trial.history if len(done.words) > 1]
    assert {(done.words[1], done.answer) for done in asked} >= WANTED  # it goes every way


@pytest.mark.parametrize("lacking", BREAKS)
def test_a_product_that_lacks_something_is_caught(race: FrozenAndUsed, lacking: str) -> None:
    broken = Broken(race, BREAKS[lacking])
    assert any(broken.try_seed(seed).wrong for seed in range(BROKEN_SEEDS))
