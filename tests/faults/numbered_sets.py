"""Annotation sets of one dataset, created by several callers at once: their versions are 1, 2, 3 and so on.

At every moment the versions of the sets that were ever made have no gap and none of them twice, their ids are in their
order, and the dataset remembers the newest; every request that was answered made one set, whose version it was told.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.faults.annotation_cases import edited
from tests.faults.histories import Operation
from tests.faults.races import Answer, Caller, Callers, Json, Trial, Watch, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.world import ANNOTATIONS, World

CALLERS = 4
_YIELDS = 12
_DELETED = 3
"""The version that was deleted before; no set gets it again."""


class Numbers(NamedTuple):
    """The versions of the sets by their ids, in the order of the ids, and how many the dataset says it ever had."""

    versions: tuple[tuple[str, int], ...]
    made: int
    newest: str


class NumberedSets:
    """Runs interleavings of four callers, each of which creates two sets: empty ones, and copies of both kinds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._callers = Callers(world, CALLERS)
        there, _ = edited(world)
        self._sets = there.sets
        published = world.call("POST", there.sets, {"copy_from": there.id})["id"]
        world.call("POST", f"{there.sets}/{published}/publish")
        gone = world.call("POST", there.sets)["id"]
        world.call("DELETE", f"{there.sets}/{gone}")
        self._wanted: list[Json] = [{}, {"copy_from": published}, {"copy_from": there.id}, {"extra_data": {}}]
        self._ground = world.remember()

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving; every other one has a crash."""
        self._world.recall(self._ground)
        clock = itertools.count()
        watch = Watch(self._world.gate, lambda: _look(self._world), clock)
        callers = self._callers.called(clock)
        errands = [self._errand(caller, self._wanted[caller.number]) for caller in callers]
        with watch:
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, CALLERS, _YIELDS))
        history = [operation for caller in callers for operation in caller.history]
        listed: list[Json] = self._world.call("GET", self._sets)["items"]
        return Trial(run, history, next(_wrongs(watch, history, listed), None))

    def _errand(self, caller: Caller, wanted: Json) -> Callable[[], None]:
        def create() -> None:
            for _ in range(2):
                told = caller.request(("create",), "POST", self._sets, wanted)
                caller.name_last(("create", str(told.get("id")), str(told.get("version"))))

        return create


def _look(world: World) -> Numbers:
    made, newest, versions = 0, "", []
    for item in world.gate.tables.peek(ANNOTATIONS, "DS#"):
        if "versions" in item:
            made, newest = int(item["versions"]["N"]), item["newest"]["S"]
        elif "state" in item:
            body = json.loads(item["body"]["S"])
            versions.append((body["id"], body["version"]))
    return Numbers(tuple(sorted(versions)), made, newest)


def _wrongs(watch: Watch[Numbers], history: list[Operation[Answer]], listed: list[Json]) -> Iterator[str]:
    for at, numbers in watch.states:
        wanted = [version for version in range(1, numbers.made + 1) if version != _DELETED]
        if [version for _, version in numbers.versions] != wanted or numbers.newest < numbers.versions[-1][0]:
            yield f"at {at} there are {numbers}"
    if {done.answer for done in history} != {(201, "")}:
        yield f"not all were made: {history}"
    told = sorted(done.words[1:] for done in history)
    known = {name for name, _ in watch.states[0][1].versions}
    fresh = sorted((name, str(version)) for name, version in watch.last.versions if name not in known)
    if told != fresh:
        yield f"made were {fresh}, and told is {told}"
    if [(row["id"], row["version"]) for row in listed] != list(watch.last.versions):
        yield f"there are {watch.last.versions}, and listed {listed}"
