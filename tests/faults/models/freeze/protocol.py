"""Freeze against use, as `storage.md` has it but for guard rows: a freeze is one transaction.

A freeze reads the `train_epoch` of its source projects, looks for live training leases on its sources, and commits
where no `train_epoch` moved; a training use reads `freeze_epoch`, looks at what is frozen, and commits where it did not
move. Each moves the epoch that the other one requires, in the transaction that gives it its effect.
"""

from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.faults.models.items import Items, Key, Pair, Query, Read, Step, Transaction, by_key
from tests.faults.models.schedules import Program, Request

ALLOWED = "ALLOWED"
FROZEN, UNFROZEN = "frozen", "unfrozen"
TRAINING, EVALUATION = "training", "evaluation"
LIVE, EXPIRED = "live", "expired"
TRIES = 3


class Version(NamedTuple):
    """A dataset version. A pack is named after its project and a number; `contents` are hashes."""

    name: str
    packs: frozenset[str]
    contents: frozenset[str]

    @property
    def projects(self) -> tuple[str, ...]:
        """Its source projects, in order."""
        return tuple(sorted({pack[0] for pack in self.packs}))


def version(name: str, packs: str, contents: str) -> Version:
    """Return a version from lists in words."""
    return Version(name, frozenset(packs.split()), frozenset(contents.split()))


_MADE = (
    version("F", "a1", "x"),
    version("G", "a1 b1", "y"),
    version("H", "b1 c1", "z"),
    version("I", "a1 c1", "u"),
    version("E", "d1", "x v"),
    version("N", "a2", "w"),
)
VERSIONS = {made.name: made for made in _MADE}
"""G shares a pack with F, H with G, I with all three; E has the content of F; N has nothing but the project of F."""


def share_sources(one: str, other: str) -> bool:
    """Whether two versions have a pack in common; a version shares with itself."""
    return bool(VERSIONS[one].packs & VERSIONS[other].packs)


def share_contents(one: str, other: str) -> bool:
    """Whether two versions have a content in common."""
    return bool(VERSIONS[one].contents & VERSIONS[other].contents)


Scopes = Callable[[Version], Iterable[str]]
"""Under which names a version keeps something."""


def of_projects(version: Version) -> Iterable[str]:
    """Return the source projects."""
    return version.projects


def of_registry(_: Version) -> Iterable[str]:
    """Return the one name that all versions share."""
    return ("registry",)


@dataclass(frozen=True)
class Rules:
    """What the protocol does, each of which a twin does otherwise."""

    conditions: bool = True
    """Whether transactions look at epochs and states at all."""
    freeze_requires_train_epoch: bool = True
    use_requires_freeze_epoch: bool = True
    unfreeze_moves_epoch: bool = True
    freeze_requires_number: bool = True
    epochs_first: bool = True
    """Whether a freeze reads the train epochs before the leases."""
    epoch_before_frozen: bool = True
    """Whether a use reads the freeze epoch before what is frozen."""
    train_epochs: Scopes = of_projects
    trained_under: Scopes = of_projects
    freeze_epochs: Scopes = of_registry
    """Which freeze epochs a freeze moves."""
    freeze_epochs_required: Scopes | None = None
    """Which of them a use requires, where these are not all that its version's freeze would move."""
    contents_in_use: bool = False
    """Whether a live training lease of a version with equal content refuses a freeze, too."""
    keyed: bool = True
    """Whether requests carry an idempotency key: their outcome is kept in the transaction that makes it."""
    refusals_kept: bool = False
    """Whether refusals are kept under the key, too."""
    tokens: bool = True
    """Whether a transaction that is sent again carries the client token of the first time."""
    marked: bool = False
    """Whether a freeze first marks its version, so that no use of its sources begins, instead of the train epochs."""
    torn: bool = False
    """Whether reads of several items take one step an item."""

    def program(self, request: Request, process: int) -> Program:
        """Return the steps of one process that serves a request."""
        return Call(self, request, process).program()


class Expire(NamedTuple):
    """The time of every lease that is live now is over."""

    def on(self, items: Items) -> tuple[Hashable, Items]:
        """Return what it comes to, and the items after it."""
        over = {key: (value[0], EXPIRED) for key, value in by_key(items).items() if key[0] == "lease"}
        return (), frozenset({**by_key(items), **over}.items())

    def told(self, _: Any) -> str:
        """Say what was done."""
        return "ends all leases"


class Call:
    """One process that serves a request; a client that asks again is served by another one."""

    def __init__(self, rules: Rules, request: Request, process: int) -> None:
        self.rules, self.request, self.process = rules, request, process
        self._once: Key = ("once", request.name)
        self._version = VERSIONS.get(request.of, VERSIONS["F"])
        self._state: Key = ("state", self._version.name)
        self._number: Key = ("freezes", self._version.name)

    def program(self) -> Program:
        """Return the steps of it, which come to the answer."""
        if self.request.verb == "expire":
            yield Expire()
            return ALLOWED
        if self.rules.keyed:
            (told,) = yield Read((self._once,))
            if told:
                return str(told)
        verbs: dict[str, Callable[[], Program]] = {
            "freeze": self._freeze_marked if self.rules.marked else self._freeze,
            "train": self._train,
            "evaluate": self._evaluate,
            "unfreeze": self._unfreeze,
            "release": self._release,
            "renew": self._renew,
        }
        return (yield from verbs[self.request.verb]())

    def _freeze(self) -> Program:
        for _ in range(TRIES):
            state, number = yield from self._read(self._state, self._number)
            if state == FROZEN:
                return (yield from self._refuse("DATASET_ALREADY_FROZEN"))
            if self.rules.epochs_first:
                epochs = yield from self._epochs("train_epoch", self.rules.train_epochs)
            if (yield from self._is_in_use()):
                return (yield from self._refuse("DATASET_IN_ACTIVE_USE"))
            if not self.rules.epochs_first:
                epochs = yield from self._epochs("train_epoch", self.rules.train_epochs)
            told = yield from self._commit(
                seen=[
                    (self._state, state),
                    *([(self._number, number)] if self.rules.freeze_requires_number else ()),
                    *(epochs if self.rules.freeze_requires_train_epoch else ()),
                ],
                writes=[
                    (self._state, FROZEN),
                    (self._number, number + 1),
                    (("FROZEN", self._version.name), FROZEN),
                ],
                counts=[("freeze_epoch", scope) for scope in self.rules.freeze_epochs(self._version)],
            )
            if told:
                return told
        return (yield from self._refuse("FREEZE_STATE_CONFLICT"))

    def _freeze_marked(self) -> Program:
        """Mark the version; whatever use of its sources commits from there on has seen the mark and was refused.

        A process that asks again replaces the mark of the first one, which then cannot commit any more.
        """
        state, number = yield from self._read(self._state, self._number)
        if state == FROZEN:
            return (yield from self._refuse("DATASET_ALREADY_FROZEN"))
        ours, row = f"marked by {self.request.name}", ("FROZEN", self._version.name)
        mark = f"{ours}/{self.process}"
        epochs = [("freeze_epoch", scope) for scope in self.rules.freeze_epochs(self._version)]
        seen, marks = ((self._state, state), (self._number, number)), ((self._state, mark), (row, mark))
        is_free = state == UNFROZEN or state.startswith(ours)
        if not is_free or (yield Transaction(seen, marks, _by_one(*epochs))):
            return (yield from self._refuse("FREEZE_STATE_CONFLICT"))
        if (yield from self._is_in_use()):
            yield Transaction(((self._state, mark),), ((self._state, UNFROZEN), (row, None)))
            return (yield from self._refuse("DATASET_IN_ACTIVE_USE"))
        frozen = [(self._state, FROZEN), (row, FROZEN), (self._number, number + 1)]
        told = yield from self._commit(seen=[(self._state, mark)], writes=frozen)
        return told or (yield from self._refuse("FREEZE_STATE_CONFLICT"))

    def _is_in_use(self) -> Generator[Step, Any, bool]:
        asked: set[str] = set()
        for scope in self.rules.trained_under(self._version):
            rows = yield from self._query("trained", scope)
            for (_, _, name), _ in rows:
                if name in asked or not self._collides(name):
                    continue
                asked.add(name)
                leases = yield from self._query("lease", name)
                if any(lease == (TRAINING, LIVE) for _, lease in leases):
                    return True
        return False

    def _collides(self, name: str) -> bool:
        contents = self.rules.contents_in_use and share_contents(name, self._version.name)
        return contents or share_sources(name, self._version.name)

    def _train(self) -> Program:
        required = self.rules.freeze_epochs_required or self.rules.freeze_epochs
        name = self._version.name
        for _ in range(TRIES):
            if self.rules.epoch_before_frozen:
                epochs = yield from self._epochs("freeze_epoch", required)
            rows = yield from self._query("FROZEN")
            frozen = {key[1]: state for key, state in rows}
            if any(state != FROZEN and self._collides(other) for other, state in frozen.items()):
                return (yield from self._refuse("FREEZE_STATE_CONFLICT"))
            if name in frozen:
                return (yield from self._refuse("FROZEN_DATASET_TRAINING_FORBIDDEN"))
            if any(share_sources(name, other) or share_contents(name, other) for other in frozen):
                return (yield from self._refuse("FROZEN_SOURCE_LEAKAGE_FORBIDDEN"))
            if not self.rules.epoch_before_frozen:
                epochs = yield from self._epochs("freeze_epoch", required)
            told = yield from self._commit(
                seen=epochs if self.rules.use_requires_freeze_epoch else (),
                writes=[
                    *((("trained", scope, name), True) for scope in self.rules.trained_under(self._version)),
                    (("lease", name, self._use_id), (TRAINING, LIVE)),
                ],
                counts=[("train_epoch", scope) for scope in self.rules.train_epochs(self._version)],
            )
            if told:
                return told
        return (yield from self._refuse("FREEZE_STATE_CONFLICT"))

    def _evaluate(self) -> Program:
        (state,) = yield Read((self._state,))
        if state == FROZEN:
            lease: Pair = (("lease", self._version.name, self._use_id), (EVALUATION, LIVE))
            told = yield from self._commit(seen=[(self._state, FROZEN)], writes=[lease])
            if told:
                return told
        return (yield from self._refuse("DATASET_NOT_FROZEN"))

    def _unfreeze(self) -> Program:
        state, number = yield from self._read(self._state, self._number)
        if state != FROZEN:
            return (yield from self._refuse("DATASET_NOT_FROZEN"))
        epochs = self.rules.freeze_epochs(self._version) if self.rules.unfreeze_moves_epoch else ()
        told = yield from self._commit(
            seen=[(self._state, FROZEN), (self._number, number)],
            writes=[(self._state, UNFROZEN), (("FROZEN", self._version.name), None)],
            counts=[("freeze_epoch", scope) for scope in epochs],
        )
        return told or (yield from self._refuse("FREEZE_STATE_CONFLICT"))

    def _release(self) -> Program:
        lease: Key = ("lease", self._version.name, self.request.also)
        held = [(lease, (TRAINING, LIVE))]
        told = yield from self._commit(seen=held, writes=[(lease, None)])
        return told or (yield from self._refuse("USE_NOT_FOUND"))

    def _renew(self) -> Program:
        """An attack: nothing in the protocol renews a lease; this looks at nothing but that it was there."""
        lease: Key = ("lease", self._version.name, self.request.also)
        (found,) = yield Read((lease,))
        told = (yield from self._commit(seen=[(lease, found)], writes=[(lease, (TRAINING, LIVE))])) if found else None
        return told or (yield from self._refuse("USE_NOT_FOUND"))

    @property
    def _use_id(self) -> str:
        return self.request.name if self.rules.keyed else f"{self.request.name}/{self.process}"

    def _audit(self, outcome: str) -> Key:
        return ("audit", outcome, self.request.name, str(self.process))

    def _commit(
        self, seen: Iterable[Pair], writes: Iterable[Pair], counts: Iterable[Key] = ()
    ) -> Generator[Step, Any, str | None]:
        """Send a transaction with its audit entry and its outcome; come to the answer, `None` when something moved."""
        kept, told = self._kept(ALLOWED)
        conditions = (*(seen if self.rules.conditions else ()), *kept)
        moved = yield Transaction(conditions, (*writes, *told), _by_one(*counts, self._audit("allow")))
        if self._once in moved:
            return (yield from self._told())
        return None if moved else ALLOWED

    def _refuse(self, code: str) -> Program:
        kept, told = self._kept(code) if self.rules.refusals_kept else ((), ())
        moved = yield Transaction(kept, told, _by_one(self._audit("deny")))
        return (yield from self._told()) if moved else code

    def _kept(self, answer: str) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        return (((self._once, None),), ((self._once, answer),)) if self.rules.keyed else ((), ())

    def _told(self) -> Program:
        (told,) = yield Read((self._once,))
        return str(told)

    def _epochs(self, kind: str, scopes: Scopes) -> Generator[Step, Any, list[Pair]]:
        keys: list[Key] = [(kind, scope) for scope in scopes(self._version)]
        found = yield from self._read(*keys)
        return list(zip(keys, found, strict=True))

    def _read(self, *keys: Key) -> Generator[Step, Any, tuple[Any, ...]]:
        if not self.rules.torn:
            found: tuple[Any, ...] = yield Read(keys)
            return found
        one_by_one = []
        for key in keys:
            one_by_one += yield Read((key,))
        return tuple(one_by_one)

    def _query(self, *prefix: str) -> Generator[Step, Any, tuple[Any, ...]]:
        if not self.rules.torn:
            found: tuple[Any, ...] = yield Query(prefix)
            return found
        rows: list[Any] = []
        while row := (yield Query(prefix, rows[-1][0] if rows else prefix)):
            rows += row
        return tuple(rows)


def _by_one(*keys: Key) -> tuple[tuple[Key, int], ...]:
    return tuple((key, 1) for key in keys)
