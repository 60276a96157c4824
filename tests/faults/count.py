"""`make faults`: how much the tests of faults try, and what they find.

python -m tests.faults.count             everything
python -m tests.faults.count key         the use cases and tasks whose name has this in it, with every violation
"""

import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tests.faults.naive_names import NaiveNames
from tests.faults.name_claims import CALLERS, Claims, Served
from tests.faults.single_faults import Tally, try_all
from tests.faults.task_faults import every_delivery, try_task
from tests.faults.use_cases import USE_CASES
from tests.faults.world import opened

SEEDS, NAIVE_SEEDS, BLOCK = 2_000, 200, 100
FAULTS = "{:<28}{:>7}{:>7}{:>12}{:>9}"
RACES = "{:<42}{:>7}{:>12}{:>12}{:>9}"


def count_single_faults(wanted: str) -> int:
    """Print a row a use case and a row a task; return how many violations there are."""
    _say(FAULTS.format("single faults (R1)", "calls", "cases", "violations", "seconds"))
    calls = cases = violations = 0
    began = started = time.perf_counter()
    for name, tally in _iter_tallies(wanted):
        found = len(tally.violations)
        _say(FAULTS.format(name, len(tally.calls), tally.cases, found, _since(started)))
        calls, cases, violations = calls + len(tally.calls), cases + tally.cases, violations + found
        for violation in tally.violations if wanted else ():
            _say(f"    {violation[:1000]}")
        started = time.perf_counter()
    _say(FAULTS.format("all", calls, cases, violations, _since(began)))
    return violations


def _iter_tallies(wanted: str) -> Iterator[tuple[str, Tally]]:
    with opened() as world:
        for case in USE_CASES:
            if wanted in case.name:
                yield case.name, try_all(world, case)
    with opened() as world:
        for task, delivery in every_delivery(world).items():
            if wanted in task:
                yield task, try_task(world, delivery)


def count_races() -> int:
    """Print a row a race and return how many violations there are; the naive twin's are as they should be."""
    _say(RACES.format("races (R4), seeds drawn at every call", "seeds", "traces", "violations", "seconds"))
    violations = _tried("one name, one dataset", SEEDS, naive=False)
    return violations + (not _tried("its naive twin", NAIVE_SEEDS, naive=True))


def _tried(name: str, seeds: int, *, naive: bool) -> int:
    started = time.perf_counter()
    starts = range(0, seeds, BLOCK)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        blocks = list(pool.map(try_names, starts, [naive] * len(starts)))
    traces = {trace for block in blocks for trace, _ in block}
    wrongs = [wrong for block in blocks for _, wrong in block if wrong]
    _say(RACES.format(name, seeds, len(traces), len(wrongs), _since(started)))
    for wrong in wrongs if not naive else ():
        _say(f"    {wrong[:1000]}")
    return len(wrongs)


def try_names(first: int, naive: bool) -> list[tuple[tuple[int, ...], str | None]]:
    """Run a block of seeds in a world of its own; return the trace of each and what is wrong with it."""
    return list(_iter_names(range(first, first + BLOCK), naive))


def _iter_names(seeds: range, naive: bool) -> Iterator[tuple[tuple[int, ...], str | None]]:
    with opened() as world:
        claims = Claims(world, [NaiveNames() if naive else Served(world) for _ in range(CALLERS)])
        for seed in seeds:
            trial = claims.try_seed(seed)
            yield trial.run.trace, trial.wrong and f"seed {seed}: {trial.wrong}"


def _since(started: float) -> str:
    return f"{time.perf_counter() - started:.1f}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asked = " ".join(sys.argv[1:])
    sys.exit(min(count_single_faults(asked) + (0 if asked else count_races()), 1))
