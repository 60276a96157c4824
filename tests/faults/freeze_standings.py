"""What there is of frozen versions and uses at one moment, and what must not have come of a race between them."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from tests.faults.histories import Operation
from tests.faults.races import Answer, Json, Watch
from tests.faults.world import World

_REFUSED = 400
_TRIES_WHILE_STALE = 4
Versions = Mapping[str, "Version"]
"""The versions by their ids."""


class Version(NamedTuple):
    """A version, its label packs, and what its samples show."""

    id: str
    workspace: str
    packs: frozenset[str]
    shows: frozenset[str]

    def shares(self, other: "Version") -> bool:
        return bool(self.packs & other.packs)

    def protects(self, other: "Version") -> bool:
        """Whether nothing may be trained on the other while this one is frozen."""
        return self.shares(other) or bool(self.shows & other.shows)


class Lease(NamedTuple):
    """A use of a version."""

    use_id: str
    version: str
    is_training: bool
    is_required: bool
    is_live: bool


class Entry(NamedTuple):
    """An entry of the audit; without a code it was allowed."""

    entry_id: str
    by: str
    action: str
    version: str
    use_id: str
    code: str | None


class Standing(NamedTuple):
    """What is frozen by its state and by the list of all that is, who uses what, and what was tried."""

    frozen: frozenset[str]
    listed: frozenset[str]
    leases: frozenset[Lease]
    entries: frozenset[Entry]


class Act(NamedTuple):
    """What somebody asked: the words of an operation. `about` is the use, or what a refused one was for."""

    by: str
    action: str
    version: str
    about: str


def look(world: World, moment: str) -> Standing:
    """Read the tables; `moment` decides which uses are live, for the whole trial."""
    frozen, listed, leases = set(), set(), set()
    for item in world.gate.tables.peek("EvaluationTable"):
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk == "FROZEN":
            listed.add(sk.removeprefix("DSV#"))
        elif sk == "STATE" and json.loads(item["body"]["S"])["is_frozen_test_set"]:
            frozen.add(pk.removeprefix("DSV#"))
        elif sk.startswith("USE#"):
            leases.add(_lease(json.loads(item["body"]["S"]), pk.removeprefix("DSV#"), moment))
    entries = frozenset(_entry(json.loads(item["body"]["S"])) for item in world.gate.tables.peek("AuditTable"))
    return Standing(frozenset(frozen), frozenset(listed), frozenset(leases), entries)


def _lease(use: Json, version_id: str, moment: str) -> Lease:
    is_training, is_live = use["purpose"] == "training", use["expires_at"] > moment
    return Lease(use["use_id"], version_id, is_training, use["require_frozen"], is_live)


def _entry(told: Json) -> Entry:
    use_id = told["facts"].get("use_id", "") if told["action"] in {"use", "release"} else ""
    return Entry(told["entry_id"], told["by"], told["action"], told["dataset_version_id"], use_id, told["code"])


def wrongs(versions: Versions, watch: Watch[Standing], history: list[Operation[Answer]]) -> Iterator[str]:
    for (_, before), (at, after) in itertools.pairwise(watch.states):
        yield from (f"at {at} {wrong}" for wrong in _wrong_moves(versions, before, after))
    acts = [(Act(*done.words), done) for done in history if done.words[0] not in {"seal", "build"}]
    for act, done in acts:
        if done.answer is None or (done.answer[0] >= _REFUSED and not _is_so(versions, act, done, _seen(watch, done))):
            yield f"{done} is not so: {_seen(watch, done)}"
    yield from _unwritten(watch, acts)


def _wrong_moves(versions: Versions, before: Standing, after: Standing) -> Iterator[str]:
    """What one write should not have come to."""
    if after.frozen != after.listed:
        yield f"{set(after.listed)} is listed and {set(after.frozen)} is frozen"
    for lease in after.leases - before.leases:
        mine = versions[lease.version]
        if lease.is_training and any(versions[each].protects(mine) for each in after.frozen):
            yield f"there is {lease} while {set(after.frozen)} is frozen"
        if lease.is_required and lease.version not in after.frozen:
            yield f"there is {lease} while only {set(after.frozen)} is frozen"
    for each in after.frozen - before.frozen:
        under = [lease for lease in _live_trainings(after) if versions[each].shares(versions[lease.version])]
        if under:
            yield f"{each} is frozen under {under}"
    done, told = _moves(before, after), Counter(entry[2:5] for entry in after.entries - before.entries if not entry[5])
    if done != told:
        yield f"the audit tells {told} and there was {done}"


def _live_trainings(standing: Standing) -> list[Lease]:
    return [lease for lease in standing.leases if lease.is_training and lease.is_live]


def _moves(before: Standing, after: Standing) -> Counter[tuple[str, str, str]]:
    """The commands that took effect with a write: action, version, use."""
    return Counter(
        [
            *(("freeze", each, "") for each in after.frozen - before.frozen),
            *(("unfreeze", each, "") for each in before.frozen - after.frozen),
            *(("use", lease.version, lease.use_id) for lease in after.leases - before.leases),
            *(("release", lease.version, lease.use_id) for lease in before.leases - after.leases),
        ]
    )


def _seen(watch: Watch[Standing], done: Operation[Answer]) -> list[Standing]:
    """What there was at any time while something was asked."""
    before = [standing for at, standing in watch.states if at <= done.start]
    return [before[-1], *(standing for at, standing in watch.states if done.start < at < done.end)]


def _is_so(versions: Versions, act: Act, done: Operation[Answer], seen: list[Standing]) -> bool:
    """Whether a refusal was true at some time while it was asked."""
    version, code = versions[act.version], (done.answer or (0, ""))[1]

    def is_frozen(standing: Standing) -> bool:
        return act.version in standing.frozen

    def is_used(standing: Standing) -> bool:
        return any(version.shares(versions[lease.version]) for lease in _live_trainings(standing))

    true: Mapping[str, Callable[[Standing], bool]] = {
        "DATASET_ALREADY_FROZEN": is_frozen,
        "DATASET_IN_ACTIVE_USE": is_used,
        "DATASET_NOT_FROZEN": lambda standing: not is_frozen(standing),
        "DATASET_NOT_READY": lambda _: act.action == "use",
        "FREEZE_STATE_CONFLICT": lambda _: len(seen) > _TRIES_WHILE_STALE,
        "FROZEN_DATASET_TRAINING_FORBIDDEN": is_frozen,
        "FROZEN_SOURCE_LEAKAGE_FORBIDDEN": lambda standing: any(
            versions[each].protects(version) for each in standing.frozen
        ),
        "USE_NOT_FOUND": lambda standing: (act.about, act.version) not in {lease[:2] for lease in standing.leases},
    }
    return code in true and any(map(true[code], seen))


def _unwritten(watch: Watch[Standing], acts: list[tuple[Act, Operation[Answer]]]) -> Iterator[str]:
    """Where the audit and what the callers were told part.

    A release that took effect unanswered finds nothing to release when it is asked again, and that is in the audit too.
    """
    written = watch.last.entries - watch.states[0][1].entries
    granted = Counter(entry[1:5] for entry in written if entry.code is None)
    told = Counter(_granted(act) for act, done in acts if done.answer and done.answer[0] < _REFUSED)
    late = Counter(act[:4] for act, done in acts if done.answer == (404, "USE_NOT_FOUND"))
    if told - granted or granted - told - late:
        yield f"told was {told}, and the audit has {granted}"
    refused = Counter((*entry[1:4], entry.code) for entry in written if entry.code)
    answered = Counter((*act[:3], done.answer[1]) for act, done in acts if done.answer and done.answer[0] >= _REFUSED)
    if answered - refused:
        yield f"not in the audit: {answered - refused}"


def _granted(act: Act) -> tuple[str, str, str, str]:
    return act.by, act.action, act.version, act.about if act.action in {"use", "release"} else ""
