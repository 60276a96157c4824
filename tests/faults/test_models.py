"""R3: each protocol holds in every schedule of its model, with a fault anywhere; each of its twins breaks."""

import functools
from collections.abc import Iterator

import pytest

from tests.faults.models.freeze.invariants import broken
from tests.faults.models.freeze.protocol import ALLOWED, FROZEN
from tests.faults.models.freeze.scenarios import FREEZE
from tests.faults.models.freeze.scenarios import scenario as of_freeze
from tests.faults.models.items import Items
from tests.faults.models.publish import invariants as of_sets
from tests.faults.models.publish.scenarios import PUBLISH
from tests.faults.models.publish.scenarios import scenario as of_publish
from tests.faults.models.results import Model, Result
from tests.faults.models.schedules import ALL, CRASHES, Exploration, Fault, Move, Request, Scenario, State

ENTRY = (("audit", "allow", "1a", "0"), 1)
FREEZING = {(("state", "F"), FROZEN), (("freezes", "F"), 1), (("FROZEN", "F"), FROZEN), ENTRY}

each_model = pytest.mark.parametrize("model", [FREEZE, PUBLISH], ids=["freeze", "publish"])


@each_model
def test_the_protocol_holds_in_every_schedule(model: Model) -> None:
    results = list(model.of_protocol())
    assert [result.shortest for result in results if result.violations] == []
    assert sum(result.schedules for result in results) >= 100_000
    assert sum(result.states for result in results) >= 100_000


@each_model
def test_every_twin_breaks(model: Model) -> None:
    results = _twins(model)
    assert results.keys() == model.twins.keys()
    assert [name for name, result in results.items() if not result.violations] == []


@each_model
def test_what_it_bears_and_what_it_does_not(model: Model) -> None:
    assert {result.name: result.shortest for result in model.of_what_it_bears() if result.violations} == {}
    assert [name for name, result in _breaks(model).items() if not result.violations] == []


def test_the_epoch_of_a_project_misses_equal_content_alone() -> None:
    assert _twins(FREEZE)["freeze_epoch of a project"].breaks == "c"


def test_every_invariant_of_publish_is_broken_by_something() -> None:
    results = [*_twins(PUBLISH).values(), *_breaks(PUBLISH).values()]
    assert set(of_sets.EVERY) - {sentence for result in results for sentence in result.broken} == set()


@functools.cache
def _twins(model: Model) -> dict[str, Result]:
    return {result.name: result for result in model.of_twins()}


@functools.cache
def _breaks(model: Model) -> dict[str, Result]:
    return {result.name: result for result in model.of_what_breaks_it()}


@pytest.mark.parametrize("is_twin", [False, True], ids=["protocol", "twin"])
@pytest.mark.parametrize(
    ("model", "twin", "asked", "faults"),
    [
        (FREEZE, "check, then act", of_freeze("", "", "freeze F", "train F"), CRASHES),
        (FREEZE, "check, then act", of_freeze("", "", "unfreeze F", "evaluate F", frozen="F"), ALL),
        (PUBLISH, "a writer looks at the head, then writes", of_publish("", "", "add S", "publish S"), CRASHES),
        (PUBLISH, "a writer looks at the head, then writes", of_publish("", "", "add S", "delete S"), ALL),
    ],
)
def test_the_counts_are_those_of_walking_every_schedule(
    model: Model, twin: str, asked: Scenario, faults: frozenset[Fault], is_twin: bool
) -> None:
    rules = model.twins[twin] if is_twin else model.protocol
    exploration = Exploration(asked, rules, model.broken, faults)
    ends = list(_walked(exploration, exploration.begin, 0, None))
    breaks = [at for at in ends if at is not None]
    assert exploration.tally() == (len(ends), len(breaks), min(breaks, default=None))
    if breaks:
        assert len(exploration.shortest()[0]) == min(breaks)


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
        (set(), FREEZING, ALLOWED, None),
        (set(), FREEZING - {(("FROZEN", "F"), FROZEN)}, None, "the list of what is frozen is not what is frozen"),
        (set(), FREEZING - {(("freezes", "F"), 1)} | {(("freezes", "F"), 2)}, None, "the number of freezes does not"),
        (set(), FREEZING - {ENTRY}, None, "an effect and its audit entry are not one"),
        (set(), {ENTRY}, None, "an effect and its audit entry are not one"),
        (set(), set(), ALLOWED, "an answer has not its audit entry"),
        (set(), set(), "DATASET_IN_ACTIVE_USE", "an answer has not its audit entry"),
        ({ENTRY}, {ENTRY, (("audit", "allow", "1a", "1"), 1)}, None, "a request is allowed twice"),
        ({(("lease", "G", "2a"), ("training", "live"))}, FREEZING, None, "a version is frozen while a source of it"),
    ],
)
def test_every_invariant_of_freeze_can_fail(
    before: Items, after: Items, answer: str | None, sentence: str | None
) -> None:
    move = Move(Request("1a", "freeze", "F"), 0, None, None, frozenset(before), frozenset(after), answer=answer)
    found = broken(move)
    assert found is None if sentence is None else found is not None and found.startswith(sentence)
