"""The difference of two sets, applied to the first, gives the second; and every number of it is the true one."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from packhouse.annotations.batches import Row, read_span
from packhouse.annotations.differences import Differences, compare
from packhouse.annotations.model import Annotation, ChangeKind
from packhouse.annotations.rules import ARTIFACT_TYPES
from tests.unit.annotations.segments import CONFIDENCES, an_annotation, an_id, drawn_annotation, rows_of, seeded

RANDOM_PAIRS = 500
Content = tuple[str, int, int, str, float | None]
_NEW = 10_000
"""Annotations of the second set that are not in the first are numbered from here on."""


def content(row: Row) -> Content:
    span = read_span(row.line)
    return span.audio_file_id, span.start_ms, span.end_ms, span.artifact_type, span.confidence


def contents(rows: list[Row]) -> Counter[Content]:
    return Counter(map(content, rows))


def types(rows: list[Row]) -> Counter[str]:
    return Counter(read_span(row.line).artifact_type for row in rows)


def edited(rng: Random, annotation: Annotation) -> Annotation:
    """Return an annotation moved, made longer or shorter, put on another file, named otherwise, or of other trust."""
    start = rng.randrange(40)
    fields = rng.choice(
        (
            {"start_ms": start, "end_ms": rng.randint(start + 1, 40)},
            {"end_ms": annotation.end_ms + 1},
            {"artifact_type": rng.choice(ARTIFACT_TYPES)},
            {"confidence": rng.choice(CONFIDENCES)},
            {"updated_at": "2026-04-17T08:00:00.000Z"},
        )
    )
    return annotation.model_copy(update=fields)


def copied_with_edits(rng: Random, before: list[Annotation]) -> list[Annotation]:
    """Return a copy that keeps ids: some annotations changed, some removed, some added."""
    kept = [edited(rng, each) if rng.random() < 0.4 else each for each in before if rng.random() < 0.85]
    return kept + [drawn_annotation(rng, _NEW + number) for number in range(rng.randrange(6))]


def copied_by_bulk(rng: Random, before: list[Annotation]) -> list[Annotation]:
    """Return a copy with new ids, whose annotations are edited as often."""
    copies = copied_with_edits(rng, before)
    numbers = rng.sample(range(2 * _NEW, 2 * _NEW + 1_000), len(copies))
    return [each.model_copy(update={"id": an_id(number)}) for each, number in zip(copies, numbers, strict=True)]


def unrelated(rng: Random, _: list[Annotation]) -> list[Annotation]:
    return [drawn_annotation(rng, _NEW + number) for number in range(rng.randrange(40))]


def with_duplicates(rng: Random, before: list[Annotation]) -> list[Annotation]:
    """Return a copy in which what was said is said again, more often or less often than before."""
    again = [rng.choice(before) for _ in range(rng.randrange(20))] if before else []
    fresh = [each.model_copy(update={"id": an_id(_NEW + number)}) for number, each in enumerate(again)]
    return [each for each in before if rng.random() < 0.8] + fresh


def with_swapped_ids(rng: Random, before: list[Annotation]) -> list[Annotation]:
    """Return a copy whose ids went to other annotations, some of which were edited."""
    ids = [each.id for each in before]
    rng.shuffle(ids)
    swapped = [each.model_copy(update={"id": other}) for each, other in zip(before, ids, strict=True)]
    return copied_with_edits(rng, swapped)


AFTERS: tuple[Callable[[Random, list[Annotation]], list[Annotation]], ...] = (
    copied_with_edits,
    copied_by_bulk,
    unrelated,
    with_duplicates,
    with_swapped_ids,
)


def drawn_pair(seed: int) -> tuple[list[Row], list[Row]]:
    rng = seeded(seed)
    before = [drawn_annotation(rng, number) for number in range(rng.choice((0, 1, 3, 20, 60)))]
    if seed % 3 == 0 and before:
        doubles = [each.model_copy(update={"id": an_id(500 + number)}) for number, each in enumerate(before[::2])]
        before += doubles
    return rows_of(before), rows_of(AFTERS[seed % len(AFTERS)](rng, before))


def applied(before: list[Row], found: Differences) -> Counter[Content]:
    """Return the contents of a set once a difference was applied to it; what is taken away must be there."""
    there = contents(before)
    for change in found.changes:
        if change.before is not None:
            assert there[content(change.before)] > 0
            there[content(change.before)] -= 1
        if change.after is not None:
            there[content(change.after)] += 1
    return +there


def demand_true(before: list[Row], after: list[Row], found: Differences) -> None:
    for change in found.changes:
        sides = (change.before is not None, change.after is not None)
        assert sides == (change.kind is not ChangeKind.ADDED, change.kind is not ChangeKind.REMOVED)
    assert {change.before for change in found.changes if change.before} <= set(before)
    assert {change.after for change in found.changes if change.after} <= set(after)
    assert applied(before, found) == contents(after)
    told = Counter(change.kind.value for change in found.changes)
    counts = found.counts
    assert counts.keys() == {"added", "removed", "changed", "unchanged"}
    assert {kind: counts[kind] for kind in ("added", "removed", "changed")} == {
        kind: told[kind] for kind in ("added", "removed", "changed")
    }
    assert counts["unchanged"] + counts["changed"] + counts["removed"] == len(before)
    assert counts["unchanged"] + counts["changed"] + counts["added"] == len(after)
    # Nothing that both sets say is told as a change.
    assert counts["unchanged"] == (contents(before) & contents(after)).total()
    deltas = types(after)
    deltas.subtract(types(before))
    assert found.deltas_by_type == {name: delta for name, delta in sorted(deltas.items()) if delta}
    places = [change.place for change in found.changes]
    assert places == sorted(set(places))
    where = [(change.after or change.before or Row("", b"")).place for change in found.changes]
    assert where == sorted(where)


def test_the_difference_of_random_sets_leads_from_one_to_the_other_and_back() -> None:
    seen: Counter[str] = Counter()
    for seed in range(RANDOM_PAIRS):
        before, after = drawn_pair(seed)
        found, back = compare(iter(before), iter(after)), compare(iter(after), iter(before))
        demand_true(before, after, found)
        demand_true(after, before, back)
        mirrored = {**found.counts, "added": found.counts["removed"], "removed": found.counts["added"]}
        assert back.counts == mirrored, seed
        assert back.deltas_by_type == {name: -delta for name, delta in found.deltas_by_type.items()}
        for rows in (before, after):
            assert compare(iter(rows), iter(rows)) == ([], {**dict.fromkeys(mirrored, 0), "unchanged": len(rows)}, {})
        way = AFTERS[seed % len(AFTERS)].__name__
        seen += Counter(f"{way} {kind}" for kind, count in found.counts.items() if count)
    assert len(seen) > 16, seen
    assert all(seen[f"{after.__name__} unchanged"] for after in AFTERS if after is not unrelated)


@pytest.mark.parametrize(
    ("fields", "is_changed"),
    [
        ({"start_ms": 11}, True),
        ({"end_ms": 21}, True),
        ({"artifact_type": "other"}, True),
        ({"confidence": 0.5}, True),
        ({"audio_file_id": "aud_b"}, True),
        ({"updated_at": "2026-05-01T00:00:00.000Z", "created_by": "user-joe"}, False),
    ],
)
def test_one_with_the_same_id_is_changed_and_not_replaced(fields: dict[str, object], is_changed: bool) -> None:
    one = an_annotation(1, "aud_a", 10, 20)
    found = compare(rows_of([one]), rows_of([one.model_copy(update=fields)]))
    assert found.counts == {"added": 0, "removed": 0, "changed": int(is_changed), "unchanged": int(not is_changed)}


def test_what_says_another_thing_of_the_same_stretch_is_changed_whatever_its_id() -> None:
    before = rows_of([an_annotation(1, "aud_a", 10, 20, "glitch"), an_annotation(2, "aud_a", 30, 40)])
    after = rows_of([an_annotation(3, "aud_a", 10, 20, "other"), an_annotation(4, "aud_a", 30, 41)])
    found = compare(before, after)
    assert [change.kind.value for change in found.changes] == ["changed", "removed", "added"]
    assert found.changes[0] == (ChangeKind.CHANGED, before[0], after[0])
    assert found.deltas_by_type == {"glitch": -1, "other": 1}


def test_one_of_two_that_say_the_same_is_removed_once() -> None:
    double = [an_annotation(number, "aud_a", 10, 20) for number in (1, 2)]
    found = compare(rows_of(double), rows_of(double[1:]))
    assert found.counts == {"added": 0, "removed": 1, "changed": 0, "unchanged": 1}
