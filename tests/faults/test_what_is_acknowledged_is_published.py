"""A draft that is published while others write to it is what it was at one moment, and a copy of it is, too."""

import pytest

from tests.faults.broken_sets import BREAKS, Broken
from tests.faults.edited_and_published import EditedAndPublished
from tests.faults.histories import Operation
from tests.faults.races import Answer
from tests.faults.set_standings import Row, Standing, stepped
from tests.faults.world import World

SEEDS, BROKEN_SEEDS = 48, 200
WANTED = {
    ("publish", (200, "")),
    ("publish", (409, "ANNOTATION_SET_PUBLISHED")),
    ("add", (201, "")),
    ("add", (409, "ANNOTATION_SET_PUBLISHED")),
    ("change", (200, "")),
    ("change", (404, "ANNOTATION_NOT_FOUND")),
    ("change", (409, "ANNOTATION_SET_PUBLISHED")),
    ("remove", (200, "")),
    ("copy", (201, "")),
    ("copy", (409, "ANNOTATION_SET_CONFLICT")),
}


@pytest.fixture(scope="module")
def race(world: World) -> EditedAndPublished:
    return EditedAndPublished(world)


def test_all_that_was_acknowledged_is_published_and_nothing_else(race: EditedAndPublished) -> None:
    trials = {seed: race.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    assert len({trial.run.trace for trial in trials.values()}) == SEEDS
    answers = {(done.words[0], done.answer) for trial in trials.values() for done in trial.history}
    assert answers >= WANTED  # it goes every way


@pytest.mark.parametrize("lacking", BREAKS)
def test_a_product_that_lacks_something_is_caught(race: EditedAndPublished, lacking: str) -> None:
    broken = Broken(race, BREAKS[lacking])
    assert any(broken.try_seed(seed).wrong for seed in range(BROKEN_SEEDS))


ONE, TWO = Row("1", "glitch", "10"), Row("2", "glitch", "20")
DRAFT, PUBLISHED = Standing(False, frozenset({ONE})), Standing(True, frozenset({ONE}))


@pytest.mark.parametrize(
    ("begin", "words", "answer"),
    [
        (PUBLISHED, ("add", "2,glitch,20"), (201, "")),
        (PUBLISHED, ("remove", "1"), (200, "")),
        (PUBLISHED, ("change", "1", "start_ms", "5"), (200, "")),
        (PUBLISHED, ("publish", "2"), (200, "")),
        (PUBLISHED, ("copy", "ast", "1,glitch,10", "2,glitch,20"), (201, "")),
        (DRAFT, ("publish", "0"), (200, "")),
        (DRAFT, ("publish",), (409, "ANNOTATION_SET_CONFLICT")),
        (DRAFT, ("copy", "ast"), (201, "")),
        (DRAFT, ("remove", "1"), (404, "ANNOTATION_NOT_FOUND")),
        (DRAFT, ("remove", "2"), (200, "")),
        (DRAFT, ("add", "2,glitch,20"), (409, "ANNOTATION_SET_PUBLISHED")),
        (DRAFT, ("add", "2,glitch,20"), (412, "PRECONDITION_FAILED")),
    ],
)
def test_an_answer_that_is_not_so_has_no_moment(begin: Standing, words: tuple[str, ...], answer: Answer) -> None:
    assert stepped(begin, Operation(words, answer, 1, 2)) is None


def test_requests_come_to_what_they_say() -> None:
    added = stepped(DRAFT, Operation(("add", "2,glitch,20"), (201, ""), 1, 2))
    assert added == Standing(False, frozenset({ONE, TWO}))
    moved = stepped(DRAFT, Operation(("change", "1", "start_ms", "5"), None, 1, 2))
    assert moved == Standing(False, frozenset({ONE._replace(start_ms="5")}))
    assert stepped(DRAFT, Operation(("publish", "1"), (200, ""), 1, 2)) == PUBLISHED
    assert stepped(DRAFT, Operation(("copy", "ast", "1,glitch,10"), (201, ""), 1, 2)) == DRAFT
