"""What changed from one set (before) to another (after). Pure.

Annotations that say the same of the same segment are the same one: those of one id first, then whatever their ids, as
a copy by bulk has new ones. Of the others those with one id are one annotation that was changed, as a copy by
`copy_from` keeps ids; then those of one audio file with the same start and end, which say another thing there. The rest
was added or removed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from packhouse.annotations.batches import Row, read_span
from packhouse.annotations.model import ChangeKind


class Difference(NamedTuple):
    """One change: the rows before and after, of which one may be missing."""

    kind: ChangeKind
    before: Row | None
    after: Row | None

    @property
    def place(self) -> str:
        """Where it is listed: the place after, or before when there is none after, and what tells two of one place."""
        return f"{(self.after or self.before or _NOWHERE).place}#{self.kind}"


class Differences(NamedTuple):
    """All changes by place, how many of each sort, and how many annotations more there are of each type."""

    changes: list[Difference]
    counts: dict[str, int]
    deltas_by_type: dict[str, int]


_NOWHERE = Row("", b"")
_Sides = tuple[list[Row], list[Row]]


def compare(before: Iterable[Row], after: Iterable[Row]) -> Differences:
    """Return what changed; both come in order of places. What is held is the rows that are not in both."""
    deltas: Counter[str] = Counter()
    removed: list[Row] = []
    added: list[Row] = []
    unchanged = 0
    for left, right in _by_start(before, after):
        unchanged += len(_take_equal(left, right, _whole)) + len(_take_equal(left, right, _content))
        removed += left
        added += right
    for sign, rows in ((-1, removed), (1, added)):
        for row in rows:
            deltas[read_span(row.line).artifact_type] += sign
    changed = _take_equal(removed, added, _identity) + _take_equal(removed, added, _stretch)
    changes = [Difference(ChangeKind.CHANGED, *pair) for pair in changed]
    changes += [Difference(ChangeKind.REMOVED, row, None) for row in removed]
    changes += [Difference(ChangeKind.ADDED, None, row) for row in added]
    counts = Counter(change.kind.value for change in changes)
    return Differences(
        sorted(changes, key=lambda change: change.place),
        {**{kind.value: counts[kind.value] for kind in ChangeKind}, "unchanged": unchanged},
        {name: delta for name, delta in sorted(deltas.items()) if delta},
    )


def _by_start(before: Iterable[Row], after: Iterable[Row]) -> Iterator[_Sides]:
    """Yield what both sets have at each start of each audio file."""
    sides = [groupby(rows, key=lambda row: row.place.rpartition("#")[0]) for rows in (before, after)]
    heads = [next(side, None) for side in sides]
    while any(heads):
        start = min(head[0] for head in heads if head)
        found: list[list[Row]] = [[], []]
        for number, head in enumerate(heads):
            if head and head[0] == start:
                found[number] = list(head[1])
                heads[number] = next(sides[number], None)
        yield found[0], found[1]


def _take_equal(left: list[Row], right: list[Row], key: Callable[[Row], Hashable]) -> list[tuple[Row, Row]]:
    """Return pairs of rows with equal keys, one of each side, and leave the others in the lists, in their order."""
    waiting: defaultdict[Hashable, list[Row]] = defaultdict(list)
    for row in reversed(left):
        waiting[key(row)].append(row)
    pairs, rest = [], []
    for row in right:
        partners = waiting.get(key(row))
        if partners:
            pairs.append((partners.pop(), row))
        else:
            rest.append(row)
    right[:] = rest
    if pairs:
        taken = {id(before) for before, _ in pairs}
        left[:] = [row for row in left if id(row) not in taken]
    return pairs


def _whole(row: Row) -> Hashable:
    return _identity(row), _content(row)


def _content(row: Row) -> Hashable:
    span = read_span(row.line)
    return span.audio_file_id, span.start_ms, span.end_ms, span.artifact_type, span.confidence


def _identity(row: Row) -> Hashable:
    return row.place.rpartition("#")[2]


def _stretch(row: Row) -> Hashable:
    span = read_span(row.line)
    return span.audio_file_id, span.start_ms, span.end_ms
