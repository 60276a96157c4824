"""`make faults`: how much the tests of faults try, and what they find.

python -m tests.faults.count                     everything
python -m tests.faults.count frozen              what has this in its name, with every violation
python -m tests.faults.count frozen 10000        the same, races with so many seeds
"""

import functools
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing.util import Finalize

from tests.faults import broken_freezes, broken_sets, confirmations
from tests.faults.confirmations import Confirmations
from tests.faults.edited_and_published import EditedAndPublished
from tests.faults.equal_builds import EqualBuilds
from tests.faults.frozen_and_used import FrozenAndUsed
from tests.faults.naive_names import NaiveNames
from tests.faults.name_claims import CALLERS, Claims, Served
from tests.faults.numbered_builds import NumberedBuilds
from tests.faults.numbered_sets import NumberedSets
from tests.faults.races import Race
from tests.faults.set_sweeps import SWEEPS, try_sweep
from tests.faults.single_faults import Tally, try_all
from tests.faults.task_faults import TASKS, Delivery, every_delivery, try_task
from tests.faults.use_cases import USE_CASES
from tests.faults.withdrawn_sources import WithdrawnSources
from tests.faults.world import World, opened

SEEDS, BROKEN_SEEDS, BLOCK = 2_000, 200, 100
FAULTS = "{:<36}{:>7}{:>7}{:>12}{:>9}"
RACES = "{:<42}{:>7}{:>12}{:>12}{:>9}"
MADE: Mapping[str, Callable[[World], Race]] = {
    "one name, one dataset": lambda world: Claims(world, [Served(world) for _ in range(CALLERS)]),
    "one fingerprint, one build": EqualBuilds,
    "one name, one number a version": NumberedBuilds,
    "a source withdrawn, no version": WithdrawnSources,
    "frozen, or trained on": FrozenAndUsed,
    "one dataset, one number a set": NumberedSets,
    "acknowledged, then published": EditedAndPublished,
    "confirmed, then rendered": Confirmations,
}
BROKEN: Mapping[str, Callable[[World], Race]] = {
    "one name: looked at, then written": lambda world: Claims(world, [NaiveNames() for _ in range(CALLERS)]),
    **{f"frozen: {name}": partial(broken_freezes.Broken.over, name) for name in broken_freezes.BREAKS},
    "one number a set: counted anyway": lambda world: broken_sets.Broken(
        NumberedSets(world), broken_sets.counted_anyway
    ),
    **{f"published: {name}": partial(broken_sets.Broken.over, name) for name in broken_sets.BREAKS},
    **{f"confirmed: {name}": partial(confirmations.Broken.over, name) for name in confirmations.BREAKS},
}
"""What the product must not be: each has violations, or the race finds none."""


def count_single_faults(wanted: str) -> int:
    """Print a row a use case, a task and a sweep; return how many violations there are."""
    _say(FAULTS.format("single faults (R1)", "calls", "cases", "violations", "seconds"))
    calls = cases = violations = 0
    began = time.perf_counter()
    names = [name for name in (*(case.name for case in USE_CASES), *TASKS, *SWEEPS) if wanted in name]
    with _workers() as pool:
        for name, (tally, seconds) in zip(names, pool.map(try_one, names), strict=True):
            found = len(tally.violations)
            _say(FAULTS.format(name, len(tally.calls), tally.cases, found, f"{seconds:.1f}"))
            calls, cases, violations = calls + len(tally.calls), cases + tally.cases, violations + found
            for violation in tally.violations if wanted else ():
                _say(f"    {violation[:1000]}")
    _say(FAULTS.format("all", calls, cases, violations, _since(began)))
    return violations


def try_one(name: str) -> tuple[Tally, float]:
    """Return what came out for a use case, a task or a sweep, and the seconds that it took."""
    started, world = time.perf_counter(), _world()
    before = world.remember()
    if name in TASKS:
        tally = try_task(world, _deliveries()[name])
    elif name in SWEEPS:
        tally = try_sweep(world, name)
    else:
        tally = try_all(world, next(case for case in USE_CASES if case.name == name))
    world.recall(before)
    return tally, time.perf_counter() - started


@functools.cache
def _world() -> World:
    """The world of this process, for all that it tries; it is closed when the process ends."""
    worlds = ExitStack()
    Finalize(None, worlds.close, exitpriority=1)
    return worlds.enter_context(opened())


@functools.cache
def _deliveries() -> Mapping[str, Delivery]:
    """The first deliveries of all tasks, in the world of this process."""
    return every_delivery(_world())


def count_races(wanted: str, seeds: int) -> int:
    """Print a row a race, and one for each broken product; return how many violations there are, and none of those."""
    _say(RACES.format("races (R4), seeds drawn at every call", "seeds", "traces", "violations", "seconds"))
    violations = sum(_tried(name, seeds) for name in MADE if wanted in name)
    return violations + sum(not _tried(name, BROKEN_SEEDS) for name in BROKEN if wanted in name)


def _tried(name: str, seeds: int) -> int:
    started = time.perf_counter()
    starts = range(0, seeds, BLOCK)
    with _workers() as pool:
        blocks = list(pool.map(try_seeds, [name] * len(starts), starts))
    traces = {trace for block in blocks for trace, _ in block}
    wrongs = [wrong for block in blocks for _, wrong in block if wrong]
    _say(RACES.format(name, seeds, len(traces), len(wrongs), _since(started)))
    for wrong in wrongs if name in MADE else wrongs[:1]:
        _say(f"    {wrong[:1000]}")
    return len(wrongs)


def _workers() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))


def try_seeds(name: str, first: int) -> list[tuple[tuple[int, ...], str | None]]:
    """Run a block of seeds in the world of this process; return the trace of each and what is wrong with it."""
    race = _race(name)
    trials = [(seed, race.try_seed(seed)) for seed in range(first, first + BLOCK)]
    return [(trial.run.trace, trial.wrong and f"seed {seed}: {trial.wrong}") for seed, trial in trials]


@functools.cache
def _race(name: str) -> Race:
    return {**MADE, **BROKEN}[name](_world())


def _since(started: float) -> str:
    return f"{time.perf_counter() - started:.1f}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(wanted: str = "", seeds: str = str(SEEDS)) -> int:
    """Print the counts; the exit status says whether all held."""
    return min(count_single_faults(wanted) + count_races(wanted, int(seeds)), 1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
