"""True threads create sets of one dataset; the whole count is `python -m tests.faults.sets_at_once`."""

from concurrent.futures import ThreadPoolExecutor

from tests.faults.sets_at_once import create_together, sets_of_new_dataset, wrong
from tests.registry import Project

THREADS, ROUNDS = 8, 5


def test_of_sets_that_are_created_at_once_none_lacks_a_number_or_shares_it(project: Project) -> None:
    sets = sets_of_new_dataset(project, "numbered")
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [each for _ in range(ROUNDS) for each in create_together(project, sets, pool, THREADS)]
    assert len(answers) == THREADS * ROUNDS
    assert wrong(project, sets, answers) is None
