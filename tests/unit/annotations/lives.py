"""The lives of whole sets, and a plain model of them: whatever is done in whatever order, both must say the same."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from packhouse.annotations.model import Annotation, AnnotationSet, Batch, Change, SetKey, SetStatus
from packhouse.annotations.rules import ARTIFACT_TYPES
from packhouse.aws.once import Once
from packhouse.errors import PackhouseError
from tests.faults.world import OWNER
from tests.unit.annotations.segments import CONFIDENCES, an_id, by_bitmap, drawn_stretch, seeded
from tests.unit.annotations.studio import HOUR, LONGEST, Json, Studio

STEPS = 40
Says = tuple[str, str, int, int, float | None]


def says(annotation: Annotation | Json) -> Says:
    found = annotation if isinstance(annotation, dict) else annotation.model_dump()
    return tuple(found[name] for name in ("audio_file_id", "artifact_type", "start_ms", "end_ms", "confidence"))


@dataclass
class Told:
    """A set as the model has it; `states` are all that it was ever in."""

    key: SetKey
    version: int
    rows: dict[str, Annotation] = field(default_factory=dict)
    status: SetStatus = SetStatus.DRAFT
    is_deleted: bool = False
    copied_from: str | None = None
    states: list[str] = field(default_factory=list)
    is_written: bool = False

    def in_order(self) -> list[Annotation]:
        return sorted(self.rows.values(), key=lambda each: (each.audio_file_id, each.start_ms, each.id))

    @property
    def refusal(self) -> str | None:
        """The code of what a write is refused with."""
        if self.is_deleted:
            return "ANNOTATION_SET_NOT_FOUND"
        return "ANNOTATION_SET_PUBLISHED" if self.status is SetStatus.PUBLISHED else None


class Life:
    """One run: random steps done to the real sets and to those of the model, compared behind each."""

    def __init__(self, studio: Studio, seed: int) -> None:
        self.studio, self.rng = studio, seeded(seed)
        self.sets: list[Told] = []
        self.seen: Counter[str] = Counter()
        self.create()

    def run(self) -> None:
        """Live from the first step to the last; what was done to one set did nothing to the others."""
        for _ in range(STEPS):
            self.step()
        self.compare_all()

    def step(self) -> None:
        """Do one thing, mostly to one of the latest sets, and compare that."""
        told = self.rng.choice(self.sets[-3:] if self.rng.random() < 0.8 else self.sets)
        names = list(STEPS_DRAWN)
        (name,) = self.rng.choices(names, list(STEPS_DRAWN.values()))
        if name == "create":
            told = self.create()
        else:
            getattr(self, name)(told)
        self.seen[name] += 1
        self.studio.wait(self.rng.choice((0, 1, 30)))
        self.compare(told)

    def compare(self, told: Told) -> None:
        """Compare one set by what is shown of it and by all that is in it."""
        if told.is_deleted:
            assert self.code(lambda: self.studio.sets.get(told.key)) == "ANNOTATION_SET_NOT_FOUND"
            assert self.code(lambda: self.studio.annotations(told.key)) == "ANNOTATION_SET_NOT_FOUND"
        else:
            self.demand_shown(told, self.studio.sets.get(told.key))
            assert self.studio.annotations(told.key) == told.in_order()

    def compare_all(self) -> None:
        """Compare all sets, also by their list, read in pages."""
        listed: list[AnnotationSet] = []
        place = self.studio.workspace, self.studio.dataset_id
        page, rest = self.studio.sets.list_sets(*place, self.rng.choice((1, 2, 5, 200)), None)
        while page:
            listed += page
            page, rest = self.studio.sets.list_sets(*place, 200, rest) if rest else ([], None)
        there = [told for told in self.sets if not told.is_deleted]
        assert [each.version for each in listed] == [told.version for told in there]
        for told, shown in zip(there, listed, strict=True):
            self.demand_shown(told, shown)
        for told in self.sets:
            self.compare(told)

    def batches(self) -> list[tuple[Batch, ...]]:
        """Return the batches of every set there is."""
        store = self.studio.edits.store
        return [store.get_head(told.key).batches for told in self.sets if not told.is_deleted]

    def demand_shown(self, told: Told, shown: AnnotationSet) -> None:
        assert (shown.id, shown.version, shown.status) == (told.key.id, told.version, told.status)
        assert (shown.total_annotations, shown.copied_from) == (len(told.rows), told.copied_from)
        if told.is_written:
            assert shown.etag not in told.states
            told.states.append(shown.etag)
            told.is_written = False
        assert shown.etag == told.states[-1]
        if told.status is SetStatus.PUBLISHED:
            true = by_bitmap(told.rows.values())
            assert shown.total_positive_duration_ms == true.total_positive_duration_ms
            assert shown.annotations_by_type == true.annotations_by_type
            assert shown.duration_ms_by_type == true.duration_ms_by_type
        else:
            assert shown.annotations_by_type is shown.duration_ms_by_type is None

    def code(self, what: Callable[[], Any]) -> str | None:
        """Return the code with which something is refused, `None` when it is not."""
        try:
            what()
        except PackhouseError as error:
            return error.code
        return None

    def create(self) -> Told:
        return self.created(None, {})

    def created(self, source: Told | None, rows: dict[str, Annotation]) -> Told:
        key = self.studio.create(source.key.id if source else None)
        told = Told(key, len(self.sets) + 1, rows, copied_from=source.key.id if source else None)
        assert all(each.key.id < key.id for each in self.sets)
        self.sets.append(told)
        told.is_written = True
        return told

    def copy(self, told: Told) -> None:
        """A copy has what its source has, under the same ids, and neither hears of the other any more."""
        if told.is_deleted:
            assert self.code(lambda: self.studio.create(told.key.id)) == "ANNOTATION_SET_NOT_FOUND"
            return
        self.compare(self.created(told, dict(told.rows)))
        self.seen[f"copy of {told.status.value}"] += 1

    def drawn_row(self, told: Told) -> Json:
        before = [(each.start_ms, each.end_ms) for each in list(told.rows.values())[-5:]]
        start, end = drawn_stretch(self.rng, LONGEST, before)
        row = self.studio.row(start, end, self.rng.randrange(3), self.rng.choice(ARTIFACT_TYPES))
        return row | {"confidence": self.rng.choice(CONFIDENCES)}

    def add(self, told: Told) -> None:
        row = self.drawn_row(told)
        bad = row | self.rng.choice(({"end_ms": LONGEST + 1}, {"end_ms": row["start_ms"]}, {"audio_file_id": "aud_x"}))
        if told.refusal:
            for each in (row, bad):
                assert self.code(partial(self.studio.edits.add, told.key, each, OWNER, Once())) == told.refusal
            return
        assert self.code(lambda: self.studio.edits.add(told.key, bad, OWNER, Once())) == "INVALID_REQUEST"
        made = self.studio.edits.add(told.key, row, OWNER, Once())
        assert says(made) == says(row)
        assert made.id not in told.rows
        told.rows[made.id] = made
        told.is_written = True

    def bulk(self, told: Told) -> None:
        self.add_many(told, self.rng.randint(1, 6))

    def large_bulk(self, told: Told) -> None:
        self.add_many(told, self.rng.randint(490, 620))

    def add_many(self, told: Told, count: int) -> None:
        rows = [self.drawn_row(told) for _ in range(count)]
        if told.refusal:
            assert self.code(lambda: self.studio.bulk(told.key, rows)) == told.refusal
            return
        bad = [*rows, rows[0] | {"end_ms": LONGEST + 1}]
        assert self.code(lambda: self.studio.bulk(told.key, bad)) == "INVALID_REQUEST"
        assert self.studio.bulk(told.key, rows) == count
        found = {each.id: each for each in self.studio.annotations(told.key)}
        fresh = [found[each] for each in found.keys() - told.rows.keys()]
        assert Counter(map(says, fresh)) == Counter(map(says, rows))
        told.rows |= {each.id: each for each in fresh}
        told.is_written = True

    def one_of(self, told: Told) -> str:
        """Choose an annotation of a set, the last ones often; now and then one that is not there."""
        elsewhere = [name for each in self.sets for name in list(each.rows)[:3] if name not in told.rows]
        if not told.rows or self.rng.random() < 0.1:
            return self.rng.choice([an_id(7), "ann_x", *elsewhere])
        names = list(told.rows)
        return self.rng.choice(names[-4:] if self.rng.random() < 0.4 else names)

    def change(self, told: Told) -> None:
        self.changed(told, {"artifact_type": self.rng.choice(ARTIFACT_TYPES)})

    def move(self, told: Told) -> None:
        start, end = drawn_stretch(self.rng, LONGEST, [])
        self.changed(told, {"start_ms": start, "end_ms": end})

    def move_twice(self, told: Told) -> None:
        """Move one and move it back to where it was."""
        if told.rows and not told.refusal:
            one = told.rows[self.rng.choice(list(told.rows))]
            for start in (one.start_ms + 1, one.start_ms):
                self.change_one(told, one.id, {"start_ms": start, "end_ms": LONGEST})
                assert self.studio.annotations(told.key) == told.in_order()

    def changed(self, told: Told, changes: Json) -> None:
        self.change_one(told, self.one_of(told), changes)

    def change_one(self, told: Told, name: str, changes: Json) -> None:
        refused = self.code_for(told, name)
        if refused:
            assert self.code(lambda: self.studio.edits.change(told.key, name, changes, None)) == refused
            return
        before = told.rows[name]
        if before.start_ms + 1 > LONGEST - 1 and "artifact_type" not in changes:
            return
        made = self.studio.edits.change(told.key, name, changes, None)
        if all(getattr(before, field) == value for field, value in changes.items()):
            assert made == before
            return
        assert made == before.model_copy(update={**changes, "updated_at": self.studio.moment})
        told.rows[name] = made
        told.is_written = True

    def remove(self, told: Told) -> None:
        name = self.one_of(told)
        refused = self.code_for(told, name)
        assert self.code(lambda: self.studio.edits.remove(told.key, name, None)) == refused
        if refused is None:
            del told.rows[name]
            told.is_written = True
            assert self.code(lambda: self.studio.edits.remove(told.key, name, None)) == "ANNOTATION_NOT_FOUND"

    def code_for(self, told: Told, name: str) -> str | None:
        """Return the code with which a write of one annotation is refused."""
        if told.is_deleted:
            return told.refusal
        return told.refusal if name in told.rows else "ANNOTATION_NOT_FOUND"

    def publish(self, told: Told) -> None:
        assert self.code(lambda: self.studio.publish(told.key)) == told.refusal
        if told.refusal is None:
            told.status = SetStatus.PUBLISHED
            told.is_written = True

    def delete(self, told: Told) -> None:
        assert self.code(lambda: self.studio.sets.delete(told.key, None)) == told.refusal
        told.is_deleted |= told.refusal is None

    def pages(self, told: Told) -> None:
        if not told.is_deleted:
            assert self.studio.paged(told.key, self.rng) == told.in_order()
            file = self.rng.choice(self.studio.files)
            of_file = [each for each in told.in_order() if each.audio_file_id == file]
            assert self.studio.paged(told.key, self.rng, f"{file}#") == of_file

    def get(self, told: Told) -> None:
        for _ in range(4):
            name = self.one_of(told)
            if told.is_deleted or name not in told.rows:
                expected = "ANNOTATION_SET_NOT_FOUND" if told.is_deleted else "ANNOTATION_NOT_FOUND"
                assert self.code(lambda name=name: self.studio.edits.get(told.key, name)) == expected  # type: ignore[misc]  # its type is known above
            else:
                assert self.studio.edits.get(told.key, name) == told.rows[name]

    def diff(self, told: Told) -> None:
        before = self.rng.choice(self.sets)
        if told.is_deleted or before.is_deleted:
            refused = self.code(lambda: self.studio.sets.diff(told.key, before.key.id, 10, ""))
            assert refused == "ANNOTATION_SET_NOT_FOUND"
            return
        items: list[Change] = []
        after: str | None = ""
        while after is not None:
            limit = self.rng.choice((1, 3, 1_000)) if len(items) < 8 else 1_000
            found, after = self.studio.sets.diff(told.key, before.key.id, limit, after)
            assert len(found.items) == limit or after is None
            items += found.items
        there = Counter(map(says, before.rows.values()))
        there.subtract(says(each.before) for each in items if each.before)
        assert min(there.values(), default=0) >= 0
        there.update(says(each.after) for each in items if each.after)
        assert +there == Counter(map(says, told.rows.values()))
        counts = found.counts
        assert counts["unchanged"] + counts["changed"] + counts["removed"] == len(before.rows)
        assert counts["unchanged"] + counts["changed"] + counts["added"] == len(told.rows)
        assert len(items) == sum(counts.values()) - counts["unchanged"]

    def sweep(self, _: Told) -> None:
        self.studio.wait(HOUR + 1)
        self.studio.chores.sweep()
        assert self.studio.chores_left() == []


STEPS_DRAWN = {
    "add": 6,
    "bulk": 8,
    "large_bulk": 1,
    "change": 4,
    "move": 4,
    "move_twice": 2,
    "remove": 5,
    "copy": 3,
    "create": 1,
    "publish": 2,
    "delete": 1,
    "pages": 3,
    "get": 3,
    "diff": 3,
    "sweep": 1,
}
