"""One reuse fingerprint, wanted by several callers at once: requested, forced, cancelled, failed, finished.

At no moment may there be two versions of it that nobody forced and that are on their way or ready, nor a lock that
names a version which came to nothing; and what the callers were answered must be explained by some order of what they
did.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.faults.histories import Operation, explained
from tests.faults.races import Answer, Caller, Callers, Json, Trial, Watch, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.task_faults import deliveries
from tests.faults.world import Memory, World
from tests.registry import ball_rows

CALLERS = 4
_YIELDS = 24
OPEN, READY, ENDED = "open", "ready", {"failed", "cancelled"}
_BUILD = "/api/v1/datasets/build"
_LATE = {"cancel": {"JOB_ENDED"}, "seal": {"JOB_ENDED", "DATASET_NOT_READY"}, "fail": set[str]()}
_SHUT = {"quality": {"gate": "shut"}}


class Version(NamedTuple):
    """A version as requests see it; what is queued or running is open."""

    id: str
    forced: bool
    status: str


class Shared(NamedTuple):
    """What all requests of one fingerprint share: the version that its lock names, and every version there is."""

    holder: str | None
    versions: frozenset[Version]

    def find(self, version_id: str) -> Version | None:
        return next((version for version in self.versions if version.id == version_id), None)

    def moved(self, version: Version, status: str, holder: str | None) -> "Shared":
        """The state after a version has come to a status."""
        return Shared(holder, (self.versions - {version}) | {version._replace(status=status)})


class _Ground(NamedTuple):
    """What was there before, and the version of it, if any, whose last task is to be delivered."""

    memory: Memory
    sealed: Json | None


class EqualBuilds:
    """Runs interleavings of four callers on ground where nothing is built, or a version, or a forced one, nearly is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._callers = Callers(world, CALLERS)
        self._packs = [world.approved_pack(ball_rows(2, 2, prefix)) for prefix in ("a", "b")]
        free = world.remember()
        first = world.call("POST", _BUILD, self._wanted())
        requested = world.remember()
        nearly = deliveries(world, first["job_id"])["seal_version"]
        world.recall(requested)
        forced = world.call("POST", _BUILD, self._wanted(force=True))
        overtaking = deliveries(world, forced["job_id"])["seal_version"]
        self._grounds = (
            _Ground(free, None),
            _Ground(nearly.ground, nearly.payload),
            _Ground(overtaking.ground, overtaking.payload),
        )

    def _wanted(self, *, force: bool = False, turned: bool = False) -> Json:
        packs = self._packs[::-1] if turned else self._packs
        return {"capability": "ball_detection", "label_pack_ids": packs, "force": force}

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving; of six seeds in a row, every ground is had with and without a crash."""
        ground = self._grounds[seed // 2 % len(self._grounds)]
        self._world.recall(ground.memory)
        clock = itertools.count()
        watch = Watch(self._world.gate, lambda: _look(self._world), clock)
        callers = self._callers.called(clock)
        errands = [self._errand(caller, ground.sealed) for caller in callers]
        with watch:
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, CALLERS, _YIELDS))
            self._world.sweep()
        history = [operation for caller in callers for operation in caller.history]
        return Trial(run, history, next(_wrongs(self._world, watch, history), None))

    def _errand(self, caller: Caller, sealed: Json | None) -> Callable[[], None]:
        """What each of the four does."""

        def build() -> None:
            self._build(caller, turned=True)

        def cancel() -> None:
            told = self._build(caller)
            caller.request(("cancel", told["dataset_version_id"]), "POST", f"/api/v1/jobs/{told['job_id']}/cancel", {})
            self._build(caller)

        def force() -> None:
            self._build(caller, force=True)
            self._build(caller, turned=True)

        def finish() -> None:
            if sealed is not None:
                caller.deliver(("seal", sealed["dataset_version_id"]), "seal_version", sealed)
            else:
                told = self._build(caller)
                payload = self._world.job(told["job_id"])[1] | _SHUT
                caller.deliver(("fail", told["dataset_version_id"]), "record_failure", payload)
            self._build(caller)

        return (build, cancel, force, finish)[caller.number]

    def _build(self, caller: Caller, *, force: bool = False, turned: bool = False) -> Json:
        # Each has a name of his own: then there is nothing but the lock between two of them.
        wanted = self._wanted(force=force, turned=turned) | {"name": f"of caller {caller.number}"}
        told = caller.request(("build",), "POST", _BUILD, wanted)
        caller.name_last(("force" if force else "build", told["dataset_version_id"]))
        return told


def _look(world: World) -> Shared:
    holder, versions = None, []
    for item in world.gate.tables.peek("BuildsTable"):
        if item["pk"]["S"].startswith("REUSE#"):
            holder = item["dataset_version_id"]["S"]
        elif item["pk"]["S"].startswith("DSV#"):
            body, status = json.loads(item["body"]["S"]), item["build_status"]["S"]
            status = OPEN if status in {"queued", "running"} else status
            versions.append(Version(body["dataset_version_id"], body["forced"], status))
    return Shared(holder, frozenset(versions))


def _wrongs(world: World, watch: Watch[Shared], history: list[Operation[Answer]]) -> Iterator[str]:
    for at, shared in watch.states:
        own = [version.id for version in shared.versions if not version.forced and version.status not in ENDED]
        if len(own) > 1:
            yield f"at {at} there are {own}"
        held = shared.find(shared.holder) if shared.holder else None
        if shared.holder and (held is None or held.status in ENDED):
            yield f"at {at} the lock names {shared.holder}, which is {held}"
    yield from _untrue(watch, history)
    yield from _unsettled(world)
    if not explained(history, watch.states[0][1], stepped, lambda shared: shared == watch.last):
        yield f"no order explains {history} from {watch.states[0][1]} to {watch.last}"


def _untrue(watch: Watch[Shared], history: list[Operation[Answer]]) -> Iterator[str]:
    """Answers that name what was not there at that time."""
    for done in history:
        _, named = done.words
        if done.answer is None or watch.last.find(named) is None:
            yield f"{done} is of no version"
        elif done.answer[1].startswith("reused") and named not in _holders(watch, done.start, done.end):
            yield f"{done} names a version that nobody shared then"


def _holders(watch: Watch[Shared], start: int, end: int) -> set[str | None]:
    """Whom the lock named at some time of a span."""
    before = [shared.holder for at, shared in watch.states if at <= start]
    return {before[-1], *(shared.holder for at, shared in watch.states if start < at < end)}


def _unsettled(world: World) -> Iterator[str]:
    """Jobs that are not as their versions are, or that go on in another way than they say."""
    jobs = {item["pk"]["S"].removeprefix("JOB#"): item for item in world.items("BuildsTable", "JOB#")}
    for item in world.items("BuildsTable", "DSV#"):
        job_id = json.loads(item["body"]["S"])["job_id"]
        job, execution = jobs[job_id], world.executions.status.get(job_id)
        status, left = job["status"]["S"], job.get("open", {}).get("S")
        same = status == item["build_status"]["S"] or {status, item["build_status"]["S"]} == {"queued", "running"}
        runs = execution == "RUNNING" if left else execution != "RUNNING" or status != "cancelled"
        if not same or not runs or (left == "yes") != (status in {"queued", "running"}) or left == "stopping":
            yield f"{job_id} is {status} ({left}), its version {item['build_status']['S']}, its execution {execution}"


def stepped(shared: Shared, done: Operation[Answer]) -> Shared | None:
    """Return the state after something that is done alone; `None` when it cannot be answered so."""
    verb, named = done.words
    answer = done.answer or (0, "")
    version = shared.find(named)
    if answer[1] == "created":
        return _created(shared, named, forced=verb == "force")
    if version is None:
        return None
    if verb == "build":
        status = {"reused_in_progress": OPEN, "reused_success": READY}.get(answer[1])
        return shared if (shared.holder, version.status) == (named, status) else None
    return _ended(shared, verb, version, answer)


def _created(shared: Shared, named: str, *, forced: bool) -> Shared | None:
    if shared.find(named) is not None or (shared.holder and not forced):
        return None
    return Shared(shared.holder if forced else named, shared.versions | {Version(named, forced, OPEN)})


def _ended(shared: Shared, verb: str, version: Version, answer: Answer) -> Shared | None:
    """A failure finds its version open or leaves it as it is; the others say that they came too late."""
    to = {"cancel": "cancelled", "fail": "failed", "seal": READY}[verb]
    if version.status == OPEN and answer[0] == 200:
        if to == READY:
            return shared.moved(version, to, version.id if version.forced else shared.holder)
        return shared.moved(version, to, None if shared.holder == version.id else shared.holder)
    late = answer in {(409, code) for code in _LATE[verb]}
    idle = version.status == to or verb == "fail"
    return shared if version.status != OPEN and (idle if answer[0] == 200 else late) else None
