"""However many bulks a set gets: its batches stay few, and its rows are written anew a few times each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log2
from random import Random

import pytest

from packhouse.annotations import rules
from packhouse.annotations.model import Batch
from packhouse.annotations.rules import to_merge
from tests.unit.annotations.segments import a_batch, seeded

BULKS = 2_000
DRAWN: dict[str, Callable[[Random, int], int]] = {
    "one each": lambda _, __: 1,
    "all alike": lambda _, __: 10_000,
    "any size": lambda rng, _: rng.randint(1, 10_000),
    "any magnitude": lambda rng, _: int(10 ** rng.uniform(0, 4)),
    "rarely many": lambda rng, _: 10_000 if rng.random() < 0.02 else rng.randint(1, 5),
    "more and more": lambda _, number: number + 1,
}


@dataclass
class Growing:
    """The batches of a set, how often the rows of each were written anew at most, and how many rows that were."""

    batches: list[Batch] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    rewritten: int = 0

    def bulk(self, number: int, rows: int) -> None:
        """Add a batch as a bulk does."""
        merging = to_merge(self.batches)
        if merging:
            assert len(merging) > 1
            assert len({batch.key for batch in merging}) == len(merging)
            merged = a_batch(f"merged-{number}", sum(batch.rows for batch in merging))
            self.batches = [batch for batch in self.batches if batch not in merging]
            self.rewritten += merged.rows
            self._keep(merged, 1 + max(self.again[batch.key] for batch in merging))
        self.rows += rows
        self._keep(a_batch(number, rows), 0)

    def _keep(self, batch: Batch, again: int) -> None:
        self.batches.append(batch)
        self.again[batch.key] = again


@pytest.mark.parametrize("sizes", DRAWN)
@pytest.mark.parametrize("seed", range(3))
def test_many_bulks_are_few_batches_and_little_is_written_anew(seed: int, sizes: str) -> None:
    rng, growing = seeded(seed), Growing()
    for number in range(BULKS):
        growing.bulk(number, DRAWN[sizes](rng, number))
        assert len(growing.batches) <= rules.BATCHES
        assert sum(batch.rows for batch in growing.batches) == growing.rows
    assert max(growing.again.values()) <= 4 * log2(growing.rows)
    assert growing.rewritten <= growing.rows * log2(BULKS)


@pytest.mark.parametrize("batches", [3, 4, 5, 16])
def test_the_number_of_batches_is_what_is_said(batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "BATCHES", batches)
    rng, growing = seeded(batches), Growing()
    most = 0
    for number in range(BULKS):
        growing.bulk(number, DRAWN["any magnitude"](rng, number))
        most = max(most, len(growing.batches))
    assert most == batches


def test_few_batches_stay_as_they_are() -> None:
    for count in range(rules.BATCHES):
        assert to_merge([a_batch(number, 1) for number in range(count)]) == ()


def test_a_batch_that_is_larger_than_all_smaller_ones_stays() -> None:
    copied, *bulks = (a_batch(number, rows) for number, rows in enumerate((200_000, *(5_000,) * 7)))
    for at in range(8):
        found = to_merge([*bulks[:at], copied, *bulks[at:]])
        assert set(found) == set(bulks)


def test_where_each_is_larger_than_all_smaller_ones_the_smaller_half_is_merged() -> None:
    doubling = [a_batch(number, 2**number) for number in range(rules.BATCHES)]
    assert sorted(batch.rows for batch in to_merge(doubling)) == [1, 2, 4, 8]
