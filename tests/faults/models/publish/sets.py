"""What the annotations table and the bucket hold of annotation sets.

A row is written as the place of an annotation and its name: `0#b`. Items that no step reads keep what judges ask for:
`truth` has every annotation of a set with its place, `done` how often the effect of a request took place, `made` the
version of every set that was ever made.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tests.faults.models.items import Key, Pair

DRAFT, PUBLISHING, PUBLISHED = "draft", "publishing", "published"
OPEN, CLOSED = "open", "closed"
THERE, GONE = "there", "gone"
DUE, TAKEN = "due", "taken"
GATES = ("0", "1")
ROOT: Key = ("root", "versions")


class Head(NamedTuple):
    """What the head of a set says; all `None` where there is none."""

    state: str | None
    revision: int
    batches: tuple[str, ...]
    closer: str | None


class Gate(NamedTuple):
    """What a gate says."""

    open: str
    annotations: int
    writes: int


def head_keys(of: str) -> tuple[Key, ...]:
    """Return where what the head of a set says is kept."""
    return tuple(("head", of, name) for name in Head._fields)


def gate_keys(of: str, gate: str) -> tuple[Key, ...]:
    """Return where what a gate of a set says is kept."""
    return tuple(("gate", of, gate, name) for name in Gate._fields)


def object_key(name: str) -> Key:
    """Return where an object is."""
    return ("object", name)


def new_set(of: str, version: int, batches: tuple[str, ...], rows: Iterable[str]) -> list[Pair]:
    """Return the items of a draft with some rows in batches."""
    head = zip(head_keys(of), Head(DRAFT, 1, batches, "nobody"), strict=True)
    gates = [pair for gate in GATES for pair in zip(gate_keys(of, gate), Gate(OPEN, 0, 0), strict=True)]
    return [*head, *gates, (("made", of), version), *truth(of, rows)]


def truth(of: str, rows: Iterable[str]) -> list[Pair]:
    """Return what judges are to know: where the annotations of some rows are."""
    return [(("truth", of, annotation), place) for place, annotation in (row.split("#") for row in rows)]
