"""True threads claim the names of datasets; the whole count is `python -m tests.faults.claims`."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.claims import CREATED, MISSING, OK, TAKEN, claim, listed, mix
from tests.registry import Project

THREADS = 8


def test_of_all_who_claim_a_name_at_once_one_gets_it(project: Project) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for number in range(5):
            assert claim(project, f"claimed-{number}", pool, THREADS) == {CREATED: 1, TAKEN: THREADS - 1}
    rows, total = listed(project)
    assert (len(rows), total) == (5, 5)


def test_the_list_counts_what_creates_renames_and_deletes_left(project: Project) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        ledgers = list(pool.map(lambda number: mix(project, number, 30), range(THREADS)))
    rows, total = listed(project)
    assert rows == {made: name for ledger in ledgers for made, name in ledger.living.items()}
    assert total == len(rows)
    answers: Counter[str] = sum((ledger.answers for ledger in ledgers), Counter())
    assert {int(answer.split()[1]) for answer in answers} <= {OK, CREATED, MISSING, TAKEN}
    assert len(answers) >= 4  # it was a mix
