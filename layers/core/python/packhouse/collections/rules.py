"""How the members of a collection lie in items, decided without looking anything up.

The first thousand are the head, one item, which a dataset's answer shows. The rest lies in segments that begin where a
member's own bytes say so: equal sets lie equally whatever their history, and a change touches the segments around it
alone (content-defined chunking: Muthitacharoen, Chen, Mazières, "A Low-bandwidth Network File System", 2001).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

HEAD = 1_000
_MEAN_SEGMENT = 256
_LONGEST_SEGMENT = 1_024  # of 256 bytes each: 300 KB, below the 400 KB of an item


@dataclass(frozen=True)
class Layout:
    """A set of members as it is kept: `segments` by their first member, each in order."""

    head: tuple[str, ...]
    segments: dict[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """How many members there are."""
        return len(self.head) + sum(map(len, self.segments.values()))

    @property
    def members(self) -> list[str]:
        """All of them, in order."""
        return [*self.head, *(member for first in sorted(self.segments) for member in self.segments[first])]


def lay_out(members: Iterable[str]) -> Layout:
    """Return how a set of members is kept; the order is that of their code points, which is that of their bytes.

    >>> lay_out(["b", "a", "b"])
    Layout(head=('a', 'b'), segments={})
    """
    ordered = sorted(set(members))
    segments: list[list[str]] = []
    for member in ordered[HEAD:]:
        if not segments or len(segments[-1]) == _LONGEST_SEGMENT or crc32(member.encode()) % _MEAN_SEGMENT == 0:
            segments.append([])
        segments[-1].append(member)
    return Layout(tuple(ordered[:HEAD]), {segment[0]: tuple(segment) for segment in segments})


def changed(layout: Layout, changes: Iterable[tuple[str, bool]]) -> Layout:
    """Return the layout with members added (`True`) and removed (`False`).

    >>> changed(lay_out(["a", "b"]), [("b", False), ("c", True), ("a", True)]).head
    ('a', 'c')
    """
    members = set(layout.members)
    for member, is_added in changes:
        (members.add if is_added else members.discard)(member)
    return lay_out(members)


@dataclass(frozen=True)
class Rewrite:
    """What turns one layout into another: segments to write, and the first members of those to remove."""

    written: dict[str, tuple[str, ...]]
    removed: tuple[str, ...]

    @property
    def items(self) -> int:
        """How many items it touches."""
        return len(self.written) + len(self.removed)

    @property
    def bytes(self) -> int:
        """How many bytes of JSON it writes."""
        return sum(len(_json(segment).encode()) for segment in self.written.values())


def rewrite(before: Layout, after: Layout) -> Rewrite:
    """Return which segments differ."""
    written = {first: kept for first, kept in after.segments.items() if before.segments.get(first) != kept}
    return Rewrite(written, tuple(sorted(before.segments.keys() - after.segments.keys())))


def first_members(members: str, limit: int) -> str:
    """Return a JSON array of members, cut where it would pass `limit` bytes.

    >>> first_members('["a","b","c"]', 9)
    '["a","b"]'
    """
    if len(members.encode()) <= limit:
        return members
    shown: list[str] = []
    size = len("[]") - len(",")
    for member in json.loads(members):
        size += len(_json(member).encode()) + len(",")
        if size > limit:
            break
        shown.append(member)
    return _json(shown)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
