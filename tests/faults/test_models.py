"""R3: freeze against use holds in every schedule of its model, with a fault anywhere; each of its twins breaks."""

from collections.abc import Iterator

import pytest

from tests.faults.models import invariants
from tests.faults.models.items import Items
from tests.faults.models.protocol import ALLOWED, FROZEN, Request, Rules
from tests.faults.models.results import of_protocol, of_twins, of_what_breaks_it, of_what_it_bears
from tests.faults.models.scenarios import PROTOCOL, TWINS, scenario
from tests.faults.models.schedules import ALL, CRASHES, Exploration, Fault, Move, Scenario, State

ENTRY = (("audit", "allow", "1a", "0"), 1)
FREEZE = {(("state", "F"), FROZEN), (("freezes", "F"), 1), (("FROZEN", "F"), FROZEN), ENTRY}


def test_the_protocol_holds_in_every_schedule() -> None:
    results = list(of_protocol())
    assert [result.shortest for result in results if result.violations] == []
    assert sum(result.schedules for result in results) >= 100_000
    assert sum(result.states for result in results) >= 100_000


def test_every_twin_breaks() -> None:
    results = {result.name: result for result in of_twins()}
    assert results.keys() == TWINS.keys()
    assert [name for name, result in results.items() if not result.violations] == []
    assert results["freeze_epoch of a project"].breaks == "c"


def test_what_it_bears_and_what_it_does_not() -> None:
    assert {result.name: result.shortest for result in of_what_it_bears() if result.violations} == {}
    assert [result.name for result in of_what_breaks_it() if not result.violations] == []


@pytest.mark.parametrize("rules", [PROTOCOL, TWINS["check, then act"]], ids=["protocol", "twin"])
@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        (scenario("", "", "freeze F", "train F"), CRASHES),
        (scenario("", "", "unfreeze F", "evaluate F", frozen="F"), ALL),
    ],
)
def test_the_counts_are_those_of_walking_every_schedule(
    asked: Scenario, faults: frozenset[Fault], rules: Rules
) -> None:
    exploration = Exploration(asked, rules, invariants.broken, faults)
    ends = list(_walked(exploration, exploration.begin, 0, None))
    broken = [at for at in ends if at is not None]
    assert exploration.tally() == (len(ends), len(broken), min(broken, default=None))
    if broken:
        assert len(exploration.shortest()[0]) == min(broken)


def _walked(exploration: Exploration, state: State, steps: int, broken_at: int | None) -> Iterator[int | None]:
    """Yield where each schedule first breaks something, `None` where it does not."""
    moves = list(exploration.moves(state))
    if not moves:
        yield broken_at
    for move, after in moves:
        breaks = steps + 1 if exploration.judge(move) else None
        yield from _walked(exploration, after, steps + 1, breaks if broken_at is None else broken_at)


@pytest.mark.parametrize(
    ("before", "after", "answer", "sentence"),
    [
        (set(), FREEZE, ALLOWED, None),
        (set(), FREEZE - {(("FROZEN", "F"), FROZEN)}, None, "the list of what is frozen is not what is frozen"),
        (set(), FREEZE - {(("freezes", "F"), 1)} | {(("freezes", "F"), 2)}, None, "the number of freezes does not"),
        (set(), FREEZE - {ENTRY}, None, "an effect and its audit entry are not one"),
        (set(), {ENTRY}, None, "an effect and its audit entry are not one"),
        (set(), set(), ALLOWED, "an answer has not its audit entry"),
        (set(), set(), "DATASET_IN_ACTIVE_USE", "an answer has not its audit entry"),
        ({ENTRY}, {ENTRY, (("audit", "allow", "1a", "1"), 1)}, None, "a request is allowed twice"),
        ({(("lease", "G", "2a"), ("training", "live"))}, FREEZE, None, "a version is frozen while a source of it"),
    ],
)
def test_every_invariant_can_fail(before: Items, after: Items, answer: str | None, sentence: str | None) -> None:
    move = Move(Request("1a", "freeze", "F"), 0, None, None, frozenset(before), frozenset(after), answer=answer)
    found = invariants.broken(move)
    assert found is None if sentence is None else found is not None and found.startswith(sentence)
