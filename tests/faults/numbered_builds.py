"""Builds of different packs under one name, requested by several callers at once: their versions are v1, v2 and so on.

At every moment the numbers of the versions that are there have no gap and none of them twice, and the counter is the
newest of them; every request that was answered made one version, and the number in the answer is its own.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.faults.histories import Operation
from tests.faults.races import Answer, Caller, Callers, Json, Trial, Watch, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.world import World
from tests.registry import ball_rows

CALLERS = 4
_YIELDS = 20
_BUILD = "/api/v1/datasets/build"
_DATASETS = "/namespaces/acme/projects/match-day/datasets"
_NAMED: tuple[Json, ...] = ({"name": "numbered"}, {"dataset": "numbered"})


class Numbers(NamedTuple):
    """The numbers of the versions by their ids, and the counter beside them (0: there is none)."""

    versions: tuple[tuple[str, str], ...]
    counter: int


class NumberedBuilds:
    """Runs interleavings of four callers under a bare name or in a dataset.

    Each has a pack of its own, and requests one build of it or two.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._callers = Callers(world, CALLERS)
        world.call("POST", _DATASETS, {"name": "numbered"})
        self._packs = [world.approved_pack(ball_rows(1, 2, f"p{number}")) for number in range(CALLERS)]
        self._ground = world.remember()

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving; of four seeds in a row, name and dataset are had with and without a crash."""
        self._world.recall(self._ground)
        clock = itertools.count()
        watch = Watch(self._world.gate, lambda: _look(self._world), clock)
        callers = self._callers.called(clock)
        errands = [self._errand(caller, _NAMED[seed // 2 % len(_NAMED)]) for caller in callers]
        with watch:
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, CALLERS, _YIELDS))
        history = [operation for caller in callers for operation in caller.history]
        return Trial(run, history, next(_wrongs(watch, history), None))

    def _errand(self, caller: Caller, named: Json) -> Callable[[], None]:
        def build() -> None:
            for seed in range(1 + caller.number % 2):
                wanted = {"capability": "ball_detection", "label_pack_ids": [self._packs[caller.number]]}
                told = caller.request(("build",), "POST", _BUILD, wanted | named | {"split": {"seed": seed}})
                caller.name_last(("build", told.get("dataset_version_id", ""), told.get("version_id", "")))

        return build


def _look(world: World) -> Numbers:
    versions, counter = [], 0
    for item in world.gate.tables.peek("BuildsTable"):
        if item["pk"]["S"].startswith("COUNT#"):
            counter = int(item["number"]["N"])
        elif item["pk"]["S"].startswith("DSV#"):
            body = json.loads(item["body"]["S"])
            versions.append((body["dataset_version_id"], body["version_id"]))
    return Numbers(tuple(sorted(versions)), counter)


def _wrongs(watch: Watch[Numbers], history: list[Operation[Answer]]) -> Iterator[str]:
    for at, numbers in watch.states:
        wanted = {f"v{number + 1}" for number in range(numbers.counter)}
        if len(numbers.versions) != numbers.counter or {number for _, number in numbers.versions} != wanted:
            yield f"at {at} the counter is at {numbers.counter}, and there are {numbers.versions}"
    told = sorted(done.words[1:] for done in history)
    if {done.answer for done in history} != {(202, "created")} or told != sorted(watch.last.versions):
        yield f"there are {watch.last.versions}, and told is {history}"
