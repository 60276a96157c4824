"""A dataset's name is claimed by a conditional write: whatever the order of the calls, it has one owner."""

import pytest

from tests.faults.naive_names import NaiveNames
from tests.faults.name_claims import CALLERS, Claims, Served
from tests.faults.world import World

SEEDS = 300


@pytest.fixture(scope="module")
def claims(world: World) -> Claims:
    return Claims(world, [Served(world) for _ in range(CALLERS)])


def test_every_interleaving_is_explained_by_some_order_of_its_requests(claims: Claims) -> None:
    trials = {seed: claims.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    # Nothing is tried where one caller goes after the other, or where nobody is refused.
    assert len({trial.run.trace for trial in trials.values()}) > SEEDS * 9 // 10
    answers = {(claim.words, claim.answer and claim.answer[0]) for trial in trials.values() for claim in trial.history}
    wanted = {("create", 201), ("create", 409), ("rename", 200), ("rename", 409), ("delete", 200), ("delete", 404)}
    assert {(words[0], status) for words, status in answers} >= wanted
    assert any(status is None for _, status in answers)


def test_names_that_are_looked_at_and_then_written_are_caught(world: World) -> None:
    naive = Claims(world, [NaiveNames() for _ in range(CALLERS)])
    caught = [seed for seed in range(100) if naive.try_seed(seed).wrong]
    assert len(caught) > 30
