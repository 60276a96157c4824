"""What an annotation set comes to while others write to it, and what must not have come of a race over it.

Every request takes effect at one moment or not at all: some order of them explains all answers, the copies that were
made, and what is there in the end. An annotation is known by its confidence, which no request here changes.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from packhouse.aws.objects import sha256_hex
from tests.faults.histories import Operation, explained
from tests.faults.races import Answer, Json
from tests.faults.world import ANNOTATIONS, CHORE, World

_REFUSED, _FAILED = 400, 500
_ENDS = ("", ".index", ".ids")


class Row(NamedTuple):
    """An annotation, as far as requests here say something of it."""

    name: str
    artifact_type: str
    start_ms: str

    @classmethod
    def of(cls, body: Json) -> "Row":
        return cls(str(body["confidence"]), body["artifact_type"], str(body["start_ms"]))


class Standing(NamedTuple):
    """A set: whether it is published, and what is in it."""

    is_published: bool
    rows: frozenset[Row]


@dataclass
class Found:
    """What there is when all have ended: the set as it is told, its annotations as they are listed, its object."""

    told: Json
    listed: list[Json]
    published: bytes | None
    copies: Mapping[str, list[Json]]

    @property
    def standing(self) -> Standing:
        return Standing(self.published is not None, frozenset(map(Row.of, self.listed)))


def stepped(standing: Standing, done: Operation[Answer]) -> Standing | None:
    """Return the set after a request that takes effect alone; `None` when it cannot be answered so."""
    verb, *said = done.words
    status, code = done.answer or (200, "")
    if done.answer == (409, "ANNOTATION_SET_CONFLICT") and verb != "publish":
        return standing  # whoever edits, bulks or copies may come too late again and again
    if status >= _FAILED:
        return standing
    if code == "ANNOTATION_SET_PUBLISHED":
        return standing if standing.is_published else None
    if code == "ANNOTATION_NOT_FOUND":
        return standing if _named(standing, said[0]) is None else None
    if status >= _REFUSED:
        return None
    return _EFFECTS[verb](standing, said)


def _add(standing: Standing, said: list[str]) -> Standing | None:
    rows = {Row(*each.split(",")) for each in said}
    return None if standing.is_published else Standing(False, standing.rows | rows)


def _change(standing: Standing, said: list[str]) -> Standing | None:
    name, field, value = said
    row = _named(standing, name)
    if standing.is_published or row is None:
        return None
    return Standing(False, standing.rows - {row} | {row._replace(**{field: value})})


def _remove(standing: Standing, said: list[str]) -> Standing | None:
    row = _named(standing, said[0])
    return None if standing.is_published or row is None else Standing(False, standing.rows - {row})


def _publish(standing: Standing, said: list[str]) -> Standing | None:
    """One that comes second while the set is being published is answered as the first one."""
    return Standing(True, standing.rows) if not said or int(said[0]) == len(standing.rows) else None


def _copy(standing: Standing, said: list[str]) -> Standing | None:
    return standing if not said or standing.rows == {Row(*each.split(",")) for each in said[1:]} else None


_EFFECTS: Mapping[str, Callable[[Standing, list[str]], Standing | None]] = {
    "add": _add,
    "change": _change,
    "remove": _remove,
    "publish": _publish,
    "copy": _copy,
}


def _named(standing: Standing, name: str) -> Row | None:
    return next((row for row in standing.rows if row.name == name), None)


def look(world: World, path: str, copies: list[str]) -> Found:
    """Read a set and its copies as callers do, and the published object."""
    told = world.call("GET", path)
    key = f"/annotation-sets/{told['id']}/annotations.ndjson"
    objects = {name: body for _, name, body in world.buckets.contents()}
    body = next((body for name, body in objects.items() if name.endswith(key)), None)
    sets = path.rpartition("/")[0]
    return Found(
        told,
        _listed(world, path),
        body if told["status"] == "published" else None,
        {each: _listed(world, f"{sets}/{each}") for each in copies},
    )


def _listed(world: World, path: str) -> list[Json]:
    rows: Any = world.call("GET", f"{path}/annotations")
    return list(rows)


def wrongs(
    begin: Standing, found: Found, history: list[Operation[Answer]], told: Mapping[str, list[Json]]
) -> Iterator[str]:
    """Yield what is wrong; `told` are the annotations that answers showed, by id."""
    rows = found.listed
    if len({row["id"] for row in rows}) != len(rows) or len(set(map(Row.of, rows))) != len(rows):
        yield f"something is there twice: {rows}"
    yield from _wrong_object(found)
    known = [row for row in rows if row["id"] in told and row not in told[row["id"]]]
    if known:
        yield f"not as anybody was told: {known}"
    if not explained(history, begin, stepped, lambda standing: standing == found.standing):
        yield f"no order explains {history} from {sorted(begin.rows)} to {found.standing}"


def _wrong_object(found: Found) -> Iterator[str]:
    """Where the object, the list and the numbers of a set part."""
    rows, set_told = found.listed, found.told
    if set_told["total_annotations"] != len(rows):
        yield f"{len(rows)} are listed, and the set tells of {set_told['total_annotations']}"
    if found.published is None:
        return
    if [json.loads(line) for line in found.published.splitlines()] != rows:
        yield f"the published object has {found.published!r}, and listed are {rows}"
    if sha256_hex(found.published) != set_told["rows_sha256"] or len(found.published) != set_told["rows_bytes"]:
        yield "the published object is not the one that the set tells of"
    if Counter(row["artifact_type"] for row in rows) != set_told["annotations_by_type"]:
        yield f"counted were {set_told['annotations_by_type']} of {rows}"


def missing(world: World) -> Iterator[str]:
    """Yield the objects that sets name and that are not there."""
    named, there = _named_and_there(world)
    if named - there:
        yield f"missing: {named - there}"


def _named_and_there(world: World) -> tuple[set[str], set[str]]:
    named = {batch["key"] + end for head in _heads(world) for batch in head["batches"] for end in _ENDS}
    keys = (key for _, key, _ in world.buckets.contents())
    return named, {key for key in keys if key.startswith("batches/") or "/annotation-sets/" in key}


def _heads(world: World) -> list[Json]:
    return [json.loads(item["body"]["S"]) for item in world.items(ANNOTATIONS, "DS#") if "state" in item]


def left_over(world: World) -> Iterator[str]:
    """Yield what nobody needs any more when the sweeper has been there."""
    for item in world.items(ANNOTATIONS, CHORE):
        yield f"left to be done: {item}"
    named, there = _named_and_there(world)
    if there - named:
        yield f"left over: {there - named}"
    drafts = {head["id"] for head in _heads(world) if head["state"] == "draft"}
    for item in world.items(ANNOTATIONS, "EDIT#"):
        if item["pk"]["S"].partition("#")[2] not in drafts:
            yield f"left over: {item}"
