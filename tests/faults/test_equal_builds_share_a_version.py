"""Of equal builds one is made, and the others are told of it, whatever the order of the calls and who gives up."""

import pytest

from tests.faults.equal_builds import OPEN, READY, EqualBuilds, Shared, Version, stepped
from tests.faults.histories import Operation, explained
from tests.faults.world import World

SEEDS = 60


@pytest.fixture(scope="module")
def builds(world: World) -> EqualBuilds:
    return EqualBuilds(world)


def test_every_interleaving_is_explained_and_the_lock_names_what_lives(builds: EqualBuilds) -> None:
    trials = {seed: builds.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    # Nothing is tried where nobody is in another's way.
    assert len({trial.run.trace for trial in trials.values()}) > SEEDS * 9 // 10
    answers = {(done.words[0], done.answer) for trial in trials.values() for done in trial.history}
    assert answers >= {
        ("build", (202, "created")),
        ("build", (202, "reused_in_progress")),
        ("build", (200, "reused_success")),
        ("force", (202, "created")),
        ("cancel", (200, "")),
        ("cancel", (409, "JOB_ENDED")),
        ("fail", (200, "")),
        ("seal", (200, "")),
        ("seal", (409, "DATASET_NOT_READY")),
    }


def shared(holder: str | None, **statuses: str) -> Shared:
    return Shared(holder, frozenset(Version(name, False, status) for name, status in statuses.items()))


@pytest.mark.parametrize(
    ("words", "answer", "end"),
    [
        (("build", "b"), (202, "created"), shared("b", a=OPEN, b=OPEN)),
        (("build", "a"), (200, "reused_success"), shared("a", a=OPEN)),
        (("cancel", "a"), (200, ""), shared("a", a="cancelled")),
        (("cancel", "a"), (409, "JOB_ENDED"), shared("a", a=OPEN)),
        (("seal", "a"), (409, "JOB_ENDED"), shared("a", a=READY)),
    ],
)
def test_what_no_order_of_requests_comes_to_is_not_explained(
    words: tuple[str, str], answer: tuple[int, str], end: Shared
) -> None:
    begin = shared("a", a=OPEN)
    assert not explained([Operation(words, answer, 1, 2)], begin, stepped, lambda found: found == end)
    reused = Operation(("build", "a"), (202, "reused_in_progress"), 1, 2)
    assert explained([reused], begin, stepped, lambda found: found == begin)
