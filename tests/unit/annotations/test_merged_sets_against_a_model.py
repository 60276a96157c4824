"""Sets whose batches are merged all the time are what a plain model of them is."""

from collections import Counter
from collections.abc import Callable

import pytest

from packhouse.annotations import rules
from tests.unit.annotations.lives import STEPS_DRAWN, Life
from tests.unit.annotations.studio import Studio

RUNS = 30
BATCHES = 3
"""So few that a set has some merged before nearly every bulk."""


@pytest.mark.parametrize("part", range(3))
def test_sets_that_are_merged_all_the_time_are_what_was_done_to_them(
    part: int, new_studio: Callable[[int], Studio], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "BATCHES", BATCHES)
    seen: Counter[str] = Counter()
    most = 0
    for seed in range(part, RUNS, 3):
        life = Life(new_studio(seed), 100 + seed)
        life.run()
        seen += life.seen
        most = max([most, *(len(batches) for batches in life.batches())])
    assert set(STEPS_DRAWN) | {"copy of draft", "copy of published"} <= set(seen), seen
    assert 1 < most <= BATCHES
