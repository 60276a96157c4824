"""A source is withdrawn while a version is built: a version that is ready had all its sources when it became so.

The versions here are of packs of two projects. At every write it is noted whether a source is withdrawn and how the
version stands, so what came first needs no answer of anybody's. A third caller withdraws what is not built and
describes a project anew: the seal has to look again for it, and may not fail.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from tests.faults.gate import Killed
from tests.faults.histories import Operation
from tests.faults.machine import Machine, MachineFailed
from tests.faults.races import Answer, Caller, Callers, Json, Trial, Watch, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.task_faults import deliveries
from tests.faults.world import WORKSPACE, Memory, World, pack_of
from tests.registry import ball_rows

PROCESSES = 3
_YIELDS = 24
_BUILD = "/api/v1/datasets/build"
_FROM_PLAN = 8
"""One of so many seeds begins at PlanBuild, the others at SealVersion, where little interleaves in much."""


class Standing(NamedTuple):
    """How the version stands, why it failed, and what is withdrawn of what it is made of."""

    status: str
    code: str | None
    withdrawn: tuple[str, ...]


class _Source(NamedTuple):
    """The path of a revision that is built, and its project."""

    revision: str
    workspace: str

    @property
    def project(self) -> str:
        namespace, _, slug = self.workspace.partition("/")
        return f"/namespaces/{namespace}/projects/{slug}"


class _Ground(NamedTuple):
    """What there was before a state of the machine, its payload then, and how long the others wait.

    Alone it yields 158 times from PlanBuild on, 22 times from SealVersion on, and reads the fences at the 18th.
    """

    memory: Memory
    payload: Json
    state: str
    waits: range


class WithdrawnSources:
    """Runs interleavings of a build's machine with whoever takes a source of it back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._callers = Callers(world, PROCESSES)
        homes = {"a": WORKSPACE, "b": world.new_project()}
        self._sources = [
            _Source(world.approved_revision(ball_rows(1, 2, name), home), home) for name, home in homes.items()
        ]
        self._beside = [
            _Source(world.approved_revision(ball_rows(1, 1, name * 2), home), home) for name, home in homes.items()
        ]
        wanted = {"capability": "ball_detection", "label_pack_ids": [_id(source) for source in self._sources]}
        first = deliveries(world, world.call("POST", _BUILD, wanted)["job_id"])
        planned, sealing = first["plan_build"], first["seal_version"]
        self._grounds = (
            _Ground(planned.ground, planned.payload, "PlanBuild", range(158)),
            _Ground(sealing.ground, sealing.payload, "SealVersion", range(12, 26)),
        )

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving; every way to withdraw each of the sources comes in turn, every other with a crash."""
        ground = self._grounds[seed // 2 % _FROM_PLAN != 0]
        self._world.recall(ground.memory)
        clock = itertools.count()
        watch = Watch(self._world.gate, self._look, clock)
        callers = self._callers.called(clock)
        errands = [self._errand(caller, ground, seed) for caller in callers]
        with watch:
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, PROCESSES, _YIELDS))
        history = [operation for caller in callers for operation in caller.history]
        return Trial(run, history, next(_wrongs(watch, history), None))

    def _errand(self, caller: Caller, ground: _Ground, seed: int) -> Callable[[], None]:
        """What each of the three does."""
        turn = seed // 2
        source = self._sources[turn // 4 % len(self._sources)]
        drawn = random.Random(f"{caller.number} waits {seed}")  # noqa: S311  a time, no secret

        def build() -> None:
            machine = Machine("dataset_build", caller.invoke, self._read)
            try:
                machine.run(ground.payload, ground.state)
                ended = (200, "")
            except MachineFailed as failed:
                ended = (409, str(failed))
            caller.history.append(Operation(("build",), ended, 0, next(caller.clock)))

        def withdraw() -> None:
            caller.wait(drawn.choice(ground.waits))
            _withdraw(caller, source, turn % 4)

        def stir() -> None:
            caller.wait(drawn.choice(ground.waits))
            beside = self._beside[turn % len(self._beside)]
            _withdraw(caller, beside, turn % 3)
            words = ("describe", beside.project)
            caller.request(words, "PATCH", beside.project, {"description": "Anew."}, beside.workspace)

        return (build, withdraw, stir)[caller.number]

    def _read(self, key: str) -> bytes:
        """Read as the machine does: no process of ours ends at it."""
        with suppress(Killed):
            return self._world.data.read(key)
        return self._world.data.read(key)

    def _look(self) -> Standing:
        peek = self._world.gate.tables.peek
        (version,) = peek("BuildsTable", "DSV#")
        (job,) = (job for job in peek("BuildsTable", "JOB#") if job["kind"]["S"] == "dataset_build")
        if (version["build_status"]["S"] == "ready") != (job["status"]["S"] == "ready"):
            return Standing("torn", None, ())
        code = json.loads(job["error"]["S"])["code"] if "error" in job else None
        return Standing(version["build_status"]["S"], code, tuple(self._iter_withdrawn()))

    def _iter_withdrawn(self) -> Iterator[str]:
        peek = self._world.gate.tables.peek
        for source in self._sources:
            for item in peek("LabelsTable", f"LP#{_id(source)}"):
                body = json.loads(item["body"]["S"])
                if item["sk"]["S"] == "META" and body["review_status"] != "approved":
                    yield f"{_id(source)} is {body['review_status']}"
                if item["sk"]["S"].startswith("REV#") and body["eligibility_status"] != "APPROVED":
                    yield f"{_id(source)} is {body['eligibility_status']}"
            for item in peek("CatalogTable", f"PRJ#{source.workspace}"):
                if item["sk"]["S"] == "!" and json.loads(item["body"]["S"])["trainingUse"] == "opted_out":
                    yield f"{source.workspace} is opted out"


def _id(source: _Source) -> str:
    return pack_of(source.revision).split("/")[4]


def _withdraw(caller: Caller, source: _Source, way: int) -> None:
    """Revoke the revision's eligibility, reject its pack, revoke the pack's review, or opt its project out."""
    review = f"{pack_of(source.revision)}/review"
    method, path, body = (
        ("POST", f"{source.revision}/eligibility", {"status": "REVOKED"}),
        ("POST", review, {"decision": "reject"}),
        ("POST", review, {"decision": "revoke"}),
        ("PATCH", source.project, {"trainingUse": "opted_out"}),
    )[way]
    caller.request(("withdraw", path), method, path, body, source.workspace)


def _wrongs(watch: Watch[Standing], history: list[Operation[Answer]]) -> Iterator[str]:
    """What is wrong; first and foremost a version that became ready after one of its sources was withdrawn."""
    ready = next(((at, found) for at, found in watch.states if found.status == "ready"), None)
    withdrawn = next((at for at, found in watch.states if found.withdrawn), None)
    if ready is not None and (ready[1].withdrawn or (withdrawn is not None and withdrawn < ready[0])):
        yield f"ready at {ready[0]}, but at {withdrawn}: {ready[1].withdrawn}"
    refused = [done for done in history if done.words[0] != "build" and (done.answer is None or done.answer[0] >= 400)]
    if refused:
        yield f"{refused}"
    (built,) = (done for done in history if done.words[0] == "build")
    wanted = ("ready", None) if ready is not None else ("failed", "SOURCES_WITHDRAWN")
    if watch.last[:2] != wanted or (built.answer is not None and built.answer[0] == 200) != (ready is not None):
        yield f"{watch.last} in place of {wanted}; {built}"
    if ready is None and (withdrawn is None or withdrawn > min(at for at, found in watch.states if found.code)):
        yield f"failed with nothing withdrawn: {watch.states}"
