"""What every move must keep, and what is asked of it beyond: the words are said of a move that breaks it."""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.faults.models.items import Items, Key, by_key
from tests.faults.models.publish.process import DONE
from tests.faults.models.publish.protocol import COUNT_MISMATCH
from tests.faults.models.publish.sets import DRAFT, GATES, PUBLISHED, PUBLISHING, THERE, gate_keys, object_key
from tests.faults.models.schedules import Move, Request

REMOVED = "a batch that a set names is removed"
DELETED = "a deleted set takes a write"
MISCOUNTED = "a published count is not what batches and gates say"
LATE = "something is admitted after publishing"
NOT_AS_WRITTEN = "a published set is not what was written to it"
LOST = "a draft is not what was written to it"
IN_PART = "a bulk is there in part"
NOT_THE_SOURCE = "a copy is not what its source is"
MISNUMBERED = "versions are not numbered 1, 2, 3"
HALF = "a set stays half published"
REFUSED = "what was refused took place"
NOT_DONE = "what is acknowledged did not take place"
TWICE = "a request is done twice"
EVERY = (
    *(REMOVED, DELETED, MISCOUNTED, LATE, NOT_AS_WRITTEN, LOST, IN_PART, NOT_THE_SOURCE, MISNUMBERED, HALF),
    *(REFUSED, NOT_DONE, TWICE),
)


class Held(NamedTuple):
    """A set as its readers have it, and what is true of it."""

    state: str
    batches: tuple[str, ...]
    rows: tuple[str, ...] | None
    """What is in it, twice what is there twice; `None` when a batch is missing."""
    truth: tuple[str, ...]


def broken(move: Move) -> str | None:
    """Return which invariant a move breaks."""
    by_effect = None if move.before is move.after else _broken_by_effect(move.before, move.after, move.request)
    return by_effect or (None if move.answer is move.told is None else next(_broken_by_answer(move), None))


@functools.cache
def _broken_by_effect(before: Items, after: Items, request: Request) -> str | None:
    return next(_all_broken_by_effect(before, after, request), None)


def _all_broken_by_effect(before: Items, after: Items, request: Request) -> Iterator[str]:
    was, held = _held(before), _held(after)
    if any(key[1] not in held for key, _ in after - before if key[0] in {"head", "gate", "edit", "truth"}):
        yield DELETED
    for of in held:
        if held[of] != was.get(of):
            yield from _broken_by_change(was.get(of), held[of])
        if _is_newly_published(of, was, held) and not _is_counted(of, before, after):
            yield MISCOUNTED
        if of not in was and request.verb == "copy" and held[of].rows != was[request.of].truth:
            yield NOT_THE_SOURCE
        if held[of].state == PUBLISHING and ("chore", f"finish {of}") not in by_key(after):
            yield HALF
    if _numbers(after) != tuple(range(1, len(_numbers(after)) + 1)):
        yield MISNUMBERED


def _broken_by_change(was: Held | None, held: Held) -> Iterator[str]:
    if held.rows is None:
        yield REMOVED
        return
    if was and was.state == PUBLISHED and was.truth != held.truth:
        yield LATE
    if _has_part(held.rows):
        yield IN_PART
    if held.rows != held.truth:
        yield NOT_AS_WRITTEN if held.state == PUBLISHED else LOST


def _is_newly_published(of: str, was: Mapping[str, Held], held: Mapping[str, Held]) -> bool:
    return held[of].state == PUBLISHED and of in was and was[of].state != PUBLISHED


def _is_counted(of: str, before: Items, after: Items) -> bool:
    found, rows = by_key(before), _held(after)[of].rows
    batches = sum(len(found.get(object_key(name), ())) for name in _held(before)[of].batches)
    gates = sum(found[gate_keys(of, gate)[1]] for gate in GATES)
    return rows is not None and by_key(after)["head", of, "count"] == len(rows) == batches + gates


def _has_part(rows: tuple[str, ...]) -> bool:
    """Whether a bulk is there with one of its two rows."""
    bulks = Counter(row[:-1] for row in rows if row[-1] in "xy")
    return any(number != 2 for number in bulks.values())


def _broken_by_answer(move: Move) -> Iterator[str]:
    if move.answer == COUNT_MISMATCH:
        yield MISCOUNTED
    if move.request.verb in {"merge", "sweep"}:
        return
    done = _times_done(move)
    if move.answer == DONE and not (_is_published(move) if move.request.verb == "publish" else done):
        yield NOT_DONE
    if done > 1:
        yield TWICE
    if done and {move.answer, move.told} - {None, DONE}:
        yield REFUSED


def _is_published(move: Move) -> bool:
    held = _held(move.after).get(move.request.of)
    return held is not None and held.state == PUBLISHED


def left_behind(move: Move) -> str | None:
    """Say so of a move that leaves an object that no set names and no chore removes."""
    if not {key for key, _ in move.before ^ move.after if key[0] in {"object", "chore", "head"}}:
        return None
    named = {name for held in _held(move.after).values() for name in held.batches}
    removed = {name for key, value in move.after if key[0] == "chore" for name in value}  # type: ignore[attr-defined]
    objects = {key[1] for key, _ in move.after if key[0] == "object"}
    finished = {f"{of}/published" for of, held in _held(move.after).items() if held.state != DRAFT}
    return "an object is left that nobody removes" if objects - named - removed - finished else None


def copied_none(move: Move) -> str | None:
    """Say so of a copy that has an annotation twice, or not one that its source had all the time."""
    of = f"{move.request.name}.{move.process}"
    if move.request.verb != "copy" or of in _held(move.before) or of not in _held(move.after):
        return None
    times = Counter(row.split("#")[1] for row in _held(move.after)[of].rows or ())
    return "a copy is no state of its source" if times["b"] != 1 else None


def starved(move: Move) -> str | None:
    """Say so of a copy that begins for the third time."""
    attempts = move.step.told(move.result) if move.step and move.request.verb == "copy" else ""
    return "a copy begins for the third time" if "/copy3" in attempts else None


def forget() -> None:
    """Let go of what is known of items, before others are explored."""
    for known in (_broken_by_effect, _held, _numbers):
        known.cache_clear()


@functools.cache
def _held(items: Items) -> Mapping[str, Held]:
    found = by_key(items)
    truths: dict[str, list[str]] = {}
    edits: dict[str, list[tuple[str, Any]]] = {}
    for key, value in items:
        if key[0] == "truth":
            truths.setdefault(key[1], []).append(f"{value}#{key[2]}")
        elif key[0] == "edit" and key[2] == "row":
            edits.setdefault(key[1], []).append((key[3], value))
    return {
        key[1]: _as_read(found, key[1], edits.get(key[1], []), tuple(sorted(truths.get(key[1], ()))))
        for key in found
        if key[0] == "head" and key[2] == "state"
    }


def _as_read(found: Mapping[Key, Any], of: str, edits: list[tuple[str, Any]], truth: tuple[str, ...]) -> Held:
    state, batches = found["head", of, "state"], found["head", of, "batches"]
    objects = [found.get(object_key(name)) for name in batches]
    if None in objects:
        return Held(state, batches, None, truth)
    edited = {} if state == PUBLISHED else dict(edits)
    rows = [row for batch in objects for row in batch if row not in edited]  # type: ignore[union-attr]
    rows += [row for row, is_there in edited.items() if is_there == THERE]
    return Held(state, batches, tuple(sorted(rows)), truth)


@functools.cache
def _numbers(items: Items) -> tuple[int, ...]:
    return tuple(sorted(value for key, value in by_key(items).items() if key[0] == "made"))


def _times_done(move: Move) -> int:
    found = by_key(move.after)
    return sum(found.get(("done", move.request.name, str(process)), 0) for process in (0, 1))
