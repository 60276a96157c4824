"""Sets over random lives are what a plain model of them is."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.unit.annotations.lives import STEPS_DRAWN, Life
from tests.unit.annotations.studio import Studio

RUNS = 30


@pytest.mark.parametrize("part", range(3))
def test_sets_are_what_was_done_to_them(part: int, new_studio: Callable[[int], Studio]) -> None:
    seen: Counter[str] = Counter()
    for seed in range(part, RUNS, 3):
        life = Life(new_studio(seed), seed)
        life.run()
        seen += life.seen
    assert set(STEPS_DRAWN) | {"copy of draft", "copy of published"} <= set(seen), seen
