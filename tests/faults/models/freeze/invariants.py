"""What every move must keep, and what is asked of it beyond: the words are said of a move that breaks it."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from tests.faults.models.freeze.protocol import (
    ALLOWED,
    EVALUATION,
    FROZEN,
    LIVE,
    TRAINING,
    share_contents,
    share_sources,
)
from tests.faults.models.items import Items, Key, by_key
from tests.faults.models.schedules import Move


def broken(move: Move) -> str | None:
    """Return which invariant a move of keyed requests breaks."""
    return next(_all_broken(move, keyed=True), None) if _says(move) else None


def broken_without_keys(move: Move) -> str | None:
    """Return which invariant a move breaks, where a request that is repeated counts as another one."""
    return next(_all_broken(move, keyed=False), None) if _says(move) else None


def unsafe(move: Move) -> str | None:
    """Say so of a move that has something frozen and trained on at once."""
    return "what is trained on is frozen" if granted_on_frozen(move) or frozen_in_use(move) else None


def _says(move: Move) -> bool:
    return move.before is not move.after or move.answer is not None


def _all_broken(move: Move, *, keyed: bool) -> Iterator[str]:
    after = by_key(move.after)
    changed = {key[0] for key, _ in move.before ^ move.after}
    if changed & {"state", "freezes", "FROZEN", "lease"}:
        yield from _broken_by_effect(move)
    if not _is_audited(move, "lease" in changed):
        yield "an effect and its audit entry are not one"
    if move.answer and not _answer_is_audited(move, after):
        yield "an answer has not its audit entry"
    if keyed and _allows(move, after) > 1:
        yield "a request is allowed twice"


def _broken_by_effect(move: Move) -> Iterator[str]:
    if granted_on_frozen(move):
        yield "a training lease is granted on what is frozen"
    if frozen_in_use(move):
        yield "a version is frozen while a source of it is trained on"
    if not _is_counted(move):
        yield "the number of freezes does not count by one"
    if {key[1] for key, value in move.after if key[0] == "FROZEN" and value == FROZEN} != _frozen(move.after):
        yield "the list of what is frozen is not what is frozen"


def granted_on_frozen(move: Move) -> bool:
    """Whether a training lease goes live on a version that is frozen, or shares with a frozen one."""
    frozen = _frozen(move.before)
    return any(share_sources(name, of) or share_contents(name, of) for name in _began(move) for of in frozen)


def frozen_in_use(move: Move) -> bool:
    """Whether a version is frozen while there is a live training lease of one that shares a source."""
    used = _used(move.before)
    return any(share_sources(name, of) for name in _newly_frozen(move) for of in used)


def frozen_while_content_in_use(move: Move) -> str | None:
    """Say so of a freeze beside a live training lease of a version with a content of it."""
    used = _used(move.before)
    clash = any(share_contents(name, of) for name in _newly_frozen(move) for of in used)
    return "a version is frozen while its content is trained on" if clash else None


def unfrozen_under_evaluation(move: Move) -> str | None:
    """Say so of an unfreeze beside a live evaluation lease that requires a frozen version."""
    thawed = _frozen(move.before) - _frozen(move.after)
    evaluated = any(value == (EVALUATION, LIVE) and key[1] in thawed for key, value in move.before)
    return "a version is unfrozen under an evaluation" if evaluated else None


def stale_grant(move: Move) -> str | None:
    """Say so of a training use that is answered as allowed when it has no live lease and its data are frozen."""
    after, name = by_key(move.after), move.request.of
    if move.request.verb != "train" or move.answer != ALLOWED:
        return None
    if after.get(("lease", name, move.request.name)) == (TRAINING, LIVE):
        return None
    clash = any(share_sources(name, of) or share_contents(name, of) for of in _frozen(move.after))
    return "a use is answered as allowed without a lease, on what is frozen" if clash else None


def refused_but_done(move: Move) -> str | None:
    """Say so of a request that is refused and has its effect, whichever comes first."""
    refused = next((told for told in (move.answer, move.told) if told not in {None, ALLOWED}), None)
    return f"a request is refused ({refused}) and done" if refused and _allows(move, by_key(move.after)) else None


def starved(move: Move) -> str | None:
    """Say so of a request that ends with `FREEZE_STATE_CONFLICT`."""
    return "a request is given up" if move.answer == "FREEZE_STATE_CONFLICT" else None


@functools.cache
def _frozen(items: Items) -> frozenset[str]:
    return frozenset(key[1] for key, value in items if key[0] == "state" and value == FROZEN)


@functools.cache
def _used(items: Items) -> frozenset[str]:
    return frozenset(key[1] for key, value in items if key[0] == "lease" and value == (TRAINING, LIVE))


def _began(move: Move) -> set[str]:
    begun = move.after - move.before
    return {key[1] for key, value in begun if key[0] == "lease" and value == (TRAINING, LIVE)}


def forget() -> None:
    """Let go of what is known of items, before others are explored."""
    for known in (_frozen, _used):
        known.cache_clear()


def _newly_frozen(move: Move) -> frozenset[str]:
    return _frozen(move.after) - _frozen(move.before)


def _is_counted(move: Move) -> bool:
    """Whether the number of freezes of each version goes up by one where it becomes frozen, and nowhere else."""
    before, after, newly = by_key(move.before), by_key(move.after), _newly_frozen(move)
    numbered = {key for items in (before, after) for key in items if key[0] == "freezes"}
    return all(after[key] == before.get(key, 0) + (key[1] in newly) for key in numbered)


def _is_audited(move: Move, has_lease: bool) -> bool:
    """Whether a lease, or what is frozen, changes in the step that writes one entry of it, and in no other."""
    if move.request.verb == "expire":
        return True
    entry: Key = ("audit", "allow", move.request.name, str(move.process))
    has_effect = has_lease or _frozen(move.before) != _frozen(move.after)
    return bool(by_key(move.after).get(entry, 0) - by_key(move.before).get(entry, 0) == has_effect)


def _answer_is_audited(move: Move, after: Mapping[Key, Any]) -> bool:
    if move.request.verb == "expire":
        return True
    if move.answer == ALLOWED:
        return _allows(move, after) >= 1
    denies = [after.get(("audit", "deny", move.request.name, str(process)), 0) for process in (0, 1)]
    is_kept = after.get(("once", move.request.name)) == move.answer
    return bool((sum(denies) if is_kept else denies[move.process]) == 1)


def _allows(move: Move, items: Mapping[Key, Any]) -> int:
    entries = (("audit", "allow", move.request.name, str(process)) for process in (0, 1))
    return sum(items.get(entry, 0) for entry in entries)
