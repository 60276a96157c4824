"""A test set is frozen and unfrozen while others train on it, on what shares its label packs, on copies of its samples.

After every write it is looked what is frozen, who uses what, and what the audit says. Nothing is trained on that is
protected at that moment, nothing is frozen under a training use of its label packs, and every command that took effect
has one entry in the audit; what the callers were told is held to the same tables.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from packhouse.access.model import Principal, Role, Workspace
from packhouse.audit.store import AuditStore
from packhouse.aws.clock import later, now
from packhouse.aws.once import Once
from packhouse.builds.store import BuildStore
from packhouse.freezes.model import Purpose
from packhouse.freezes.protections import Protections
from packhouse.freezes.service import Freezes
from packhouse.freezes.store import FreezeStore
from tests.faults.freeze_standings import Act, Version, look, wrongs
from tests.faults.gate import Killed
from tests.faults.machine import Machine
from tests.faults.races import Caller, Callers, Json, Trial, Watch, drawn_crash
from tests.faults.scheduler import Scheduler, seeded
from tests.faults.task_faults import deliveries
from tests.faults.world import WORKSPACE, Memory, World
from tests.registry import ball_rows

_MEMBER = {"acme": Role.EDITOR}
PEOPLE = (
    Principal(principal_id="ops", is_developer=True),
    Principal(principal_id="trainer", memberships=_MEMBER),
    Principal(principal_id="neighbour", memberships=_MEMBER),
    Principal(principal_id="developer", memberships=_MEMBER, is_developer=True),
)
"""Who does something at the same time as the others, each in a process of its own."""

_REFUSED = 400
_YIELDS = 30
_VERSIONS = "/api/v1/datasets"
_BUILD = f"{_VERSIONS}/build"
_WHOLE = 16
"""One of so many builds begins at its request, the others at SealVersion: the rest of a build knows nothing of use."""


class _Ground(NamedTuple):
    """What there was before, the last task of a forced build of the same packs, and what it will be."""

    memory: Memory
    sealed: Json
    forced: Version


class FrozenAndUsed:
    """Runs interleavings of four people over a test set and five versions beside it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scheduler = Scheduler(world.gate, world.waits)
        self._other = world.new_project()
        self._known = self._lay_versions()
        self._grounds = list(self._iter_grounds())

    def _lay_versions(self) -> dict[str, Version]:
        """Build what is raced over.

        The test set has packs of both projects, and so has the one built again of them. The others are of the second
        project: one shares a pack, one has copied rows, one a copied picture under other names, one nothing of it.
        """
        world, other = self._world, self._other
        self._put_picture(WORKSPACE, "first.jpg", b"the same picture")
        self._put_picture(other, "second.jpg", b"the same picture")
        own, copied = (world.approved_pack(ball_rows(1, 1, "own", asset="first.jpg"), at) for at in (WORKSPACE, other))
        pictured = world.approved_pack(ball_rows(1, 1, "pictured", asset="second.jpg"), other)
        lent, apart = (world.approved_pack(ball_rows(1, 1, name), other) for name in ("lent", "apart"))
        test = {own: "own", lent: "lent"}
        return {
            "test": self._built(WORKSPACE, test),
            "again": self._built(WORKSPACE, test, force=True),
            "near": self._built(other, {lent: "lent", apart: "apart"}),
            "copy": self._built(other, {copied: "own"}),
            "picture": self._built(other, {pictured: "own"}),
            "far": self._built(other, {apart: "apart"}),
        }

    def _put_picture(self, workspace: str, name: str, body: bytes) -> None:
        namespace, _, slug = workspace.partition("/")
        project = self._world.call("GET", f"/namespaces/{namespace}/projects/{slug}")
        self._world.data.overwrite(f"projects/{project['id']}/assets/{name}", body, "image/jpeg")

    def _built(self, workspace: str, shows: Mapping[str, str], *, force: bool = False) -> Version:
        wanted = {"capability": "ball_detection", "label_pack_ids": [*shows], "force": force}
        told = self._world.call("POST", _BUILD, wanted, workspace)
        self._world.run_job(told["job_id"])
        return _version(told["dataset_version_id"], workspace, shows)

    def _iter_grounds(self) -> Iterator[_Ground]:
        """Yield grounds where nothing was frozen, where it was, and where it is; uses lie there that have ended."""
        world, test = self._world, self._known["test"]
        wanted = {"capability": "ball_detection", "label_pack_ids": sorted(test.packs), "force": True}
        told = world.call("POST", _BUILD, wanted)
        nearly = deliveries(world, told["job_id"])["seal_version"]
        world.recall(nearly.ground)
        forced = test._replace(id=told["dataset_version_id"])
        yield _Ground(world.remember(), nearly.payload, forced)
        for name in ("near", "again"):
            self._use_before(self._known[name])
        for verbs in (("freeze", "unfreeze"), ("freeze",)):
            for verb in verbs:
                self._decide(verb)
            yield _Ground(world.remember(), nearly.payload, forced)

    def _decide(self, verb: str) -> None:
        path = f"{_VERSIONS}/{self._known['test'].id}/{verb}"
        answered = self._world.request("POST", path, {"reason": "So far."}, caller=PEOPLE[0])
        if answered.status >= _REFUSED:
            raise AssertionError(answered.text)

    def _use_before(self, version: Version) -> None:
        """Train on a version an hour ago; the use has expired and is still there, as the table's TTL takes its time."""
        store = FreezeStore("EvaluationTable")
        freezes = Freezes(
            store=store,
            audit=AuditStore("AuditTable"),
            builds=BuildStore("BuildsTable"),
            protections=Protections(store, self._world.data),
            clock=lambda: later(now(), -3600),
        )
        workspace = Workspace(*version.workspace.split("/"))
        freezes.take_use(workspace, version.id, Purpose.TRAINING, 60, PEOPLE[1], Once(), require_frozen=False)

    def try_seed(self, seed: int) -> Trial:
        """Run one interleaving; of six seeds in a row, every ground is had with and without a crash."""
        ground = self._grounds[seed // 2 % len(self._grounds)]
        self._world.recall(ground.memory)
        clock, moment = itertools.count(), now()
        versions = self._known | {"forced": ground.forced}
        watch = Watch(self._world.gate, lambda: look(self._world, moment), clock)
        callers = Callers(self._world, len(PEOPLE)).called(clock)
        people = [
            _Person(replace(caller, principal=PEOPLE[caller.number]), versions, _drawn(seed, caller.number))
            for caller in callers
        ]
        with watch:
            errands = [self._errand(person, ground) for person in people]
            run = self._scheduler.run(errands, seeded(seed), drawn_crash(seed, len(PEOPLE), _YIELDS))
        history = [operation for person in people for operation in person.caller.history]
        known = {version.id: version for version in versions.values()}
        return Trial(run, history, next(wrongs(known, watch, history), None))

    def _errand(self, person: "_Person", ground: _Ground) -> Callable[[], None]:
        """What each of the four does, as it is drawn."""
        if person.id == "ops":
            return person.decide
        train = partial(person.train_some, _TRAINED[person.id])
        if person.id != "developer":
            return train
        build = partial(self._build, person, ground)
        ways: list[Callable[[], None]] = [person.decide, person.evaluate_twice, build, train]
        return person.drawn.choice(ways)

    def _build(self, person: "_Person", ground: _Ground) -> None:
        """Let the forced build of the same packs come to its end; now and then one of the caller's own."""
        caller = person.caller
        if person.drawn.randrange(_WHOLE):
            caller.deliver(("seal",), "seal_version", ground.sealed)
        else:
            test = person.versions["test"]
            wanted = {"capability": "ball_detection", "label_pack_ids": sorted(test.packs), "force": True}
            told = caller.request(("build",), "POST", _BUILD, wanted)
            Machine("dataset_build", caller.invoke, self._read).run(self._world.job(told["job_id"])[1])
            person.versions["forced"] = test._replace(id=told["dataset_version_id"])
        person.train("forced")

    def _read(self, key: str) -> bytes:
        """Read as the machine does: no process of ours ends at it."""
        with suppress(Killed):
            return self._world.data.read(key)
        return self._world.data.read(key)


_TRAINED = {
    "trainer": ("test", "again", "far"),
    "neighbour": ("near", "copy", "picture", "far"),
    "developer": ("test", "near", "copy", "picture", "far"),
}
_DECISIONS = (
    ("freeze test",),
    ("freeze test", "unfreeze test"),
    ("freeze test", "unfreeze test", "freeze test"),
    ("unfreeze test", "freeze test"),
    ("freeze near", "unfreeze near", "freeze test"),
    ("freeze far", "freeze test"),
)


@dataclass
class _Person:
    """Somebody with an errand; what it leaves open is drawn."""

    caller: Caller
    versions: dict[str, Version]
    drawn: random.Random

    def decide(self) -> None:
        """Freeze and unfreeze."""
        for step in self.drawn.choice(_DECISIONS):
            verb, _, name = step.partition(" ")
            self._ask(verb, name, "", "POST", verb, {"reason": "It is time."})

    def train_some(self, names: Sequence[str]) -> None:
        """Take two training uses of these versions."""
        for name in self.drawn.choices(names, k=2):
            self.train(name)

    def train(self, name: str) -> None:
        """Take a training use; give it back or keep it."""
        self._give_back(name, self._use(name, {"purpose": "training"}, "training"))

    def evaluate_twice(self) -> None:
        """Take two evaluation uses of the test set, mostly as a frozen one; give them back or keep them."""
        for _ in range(2):
            required = self.drawn.randrange(4) > 0
            wanted = {"purpose": "evaluation", "require_frozen": required}
            self._give_back("test", self._use("test", wanted, "required" if required else "evaluation"))

    def _use(self, name: str, wanted: Json, purpose: str) -> str | None:
        told = self._ask("use", name, purpose, "POST", "uses", wanted)
        use_id: str | None = told.get("use_id")
        if use_id is not None:
            self.caller.name_last(Act(self.id, "use", self.versions[name].id, use_id))
        return use_id

    def _give_back(self, name: str, use_id: str | None) -> None:
        """Two times of three; and every other time under another version first, which has no such use."""
        if use_id is None or not self.drawn.randrange(3):
            return
        for asked in [_beside(name), name] if self.drawn.randrange(2) else [name]:
            self._ask("release", asked, use_id, "DELETE", f"uses/{use_id}", None)

    def _ask(self, action: str, name: str, about: str, method: str, end: str, body: Json | None) -> Json:
        version = self.versions[name]
        words = Act(self.id, action, version.id, about)
        return self.caller.request(words, method, f"{_VERSIONS}/{version.id}/{end}", body, version.workspace)

    @property
    def id(self) -> str:
        return self.caller.principal.principal_id


def _beside(name: str) -> str:
    return "far" if name != "far" else "near"


def _drawn(seed: int, number: int) -> random.Random:
    return random.Random(f"errand {seed} {number}")  # noqa: S311  an errand, no secret


def _version(version_id: str, workspace: str, shows: Mapping[str, str]) -> Version:
    return Version(version_id, workspace, frozenset(shows), frozenset(shows.values()))
