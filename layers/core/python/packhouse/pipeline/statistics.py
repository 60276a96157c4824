"""What is counted over label rows: once a chunk at ingest, once a shard at build, merged everywhere else.

A merge of statistics equals the statistics of the rows together, whatever the order and the cuts (examples apart: the
first ten in row order are kept).
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from packhouse.pipeline.capabilities import Capability
from packhouse.pipeline.rows import Label, LabelRow

EXAMPLES = 10


class Example(Struct, frozen=True):
    """Where a fault was seen: the sample, the label's number in it, and what is wrong."""

    sample_id: str
    label: int
    reason: str


class Findings(Struct):
    """How many labels have a fault of one sort, and the first ten of them."""

    count: int = 0
    examples: list[Example] = []

    def add(self, example: Example) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)

    def merge(self, other: "Findings") -> None:
        """Add those of a later stretch of rows."""
        self.count += other.count
        self.examples.extend(other.examples[: EXAMPLES - len(self.examples)])


class Tally(Struct):
    """Counts of one group or class: samples that have it, and labels."""

    samples: int = 0
    labels: int = 0


class GroupTally(Struct, omit_defaults=True):
    """A group's samples, its labels per class, and its samples per split that rows name themselves.

    A row that names no split adds to `samples` alone. Empty counts are left out of the JSON: most rows name no split.
    """

    samples: int = 0
    classes: dict[str, int] = {}
    splits: dict[str, int] = {}

    def merge(self, other: "GroupTally") -> None:
        """Add the counts of other rows of the group."""
        self.samples += other.samples
        for name, count in other.classes.items():
            self.classes[name] = self.classes.get(name, 0) + count
        for name, count in other.splits.items():
            self.splits[name] = self.splits.get(name, 0) + count


class Statistics(Struct):
    """Counts over a stretch of label rows. `unlabelled` rows have null labels, `empty` ones `[]`."""

    rows: int = 0
    unlabelled: int = 0
    empty: int = 0
    labels: int = 0
    classes: dict[str, Tally] = {}
    groups: dict[str, GroupTally] = {}
    cameras: dict[str, int] = {}
    schema_faults: Findings = msgspec.field(default_factory=Findings)
    geometry_faults: Findings = msgspec.field(default_factory=Findings)

    def add(self, row: LabelRow, capability: Capability) -> None:
        """Count one row."""
        self.rows += 1
        name = row.group or ""
        if (group := self.groups.get(name)) is None:
            group = self.groups[name] = GroupTally()
        group.samples += 1
        if split := row.split:
            group.splits[split] = group.splits.get(split, 0) + 1
        if camera := row.camera_type:
            self.cameras[camera] = self.cameras.get(camera, 0) + 1
        if labels := row.labels:
            self._add_labels(row.sample_id, labels, group.classes, capability)
        elif labels is None:
            self.unlabelled += 1
        else:
            self.empty += 1

    def _add_labels(
        self, sample_id: str, labels: list[Label], of_group: dict[str, int], capability: Capability
    ) -> None:
        self.labels += len(labels)
        counted: dict[str, int] = {}
        for label in labels:
            name = label.class_
            counted[name] = counted.get(name, 0) + 1
        known = True
        for name, count in counted.items():
            if (tally := self.classes.get(name)) is None:
                tally = self.classes[name] = Tally()
            tally.samples += 1
            tally.labels += count
            of_group[name] = of_group.get(name, 0) + count
            known = known and name in capability.classes
        if not (known and _ARE_PLAIN[capability.kind](labels)):
            self._add_faults(sample_id, labels, capability)

    def _add_faults(self, sample_id: str, labels: list[Label], capability: Capability) -> None:
        for number, label in enumerate(labels):
            if (reason := schema_fault(label, capability)) is not None:
                self.schema_faults.add(Example(sample_id, number, reason))
            if (reason := geometry_fault(label)) is not None:
                self.geometry_faults.add(Example(sample_id, number, reason))

    def merge(self, other: "Statistics") -> None:
        """Add the counts of a later stretch of rows."""
        self.rows += other.rows
        self.unlabelled += other.unlabelled
        self.empty += other.empty
        self.labels += other.labels
        for name, theirs in other.classes.items():
            ours = self.classes.setdefault(name, Tally())
            ours.samples += theirs.samples
            ours.labels += theirs.labels
        for name, group in other.groups.items():
            self.groups.setdefault(name, GroupTally()).merge(group)
        for name, count in other.cameras.items():
            self.cameras[name] = self.cameras.get(name, 0) + count
        self.schema_faults.merge(other.schema_faults)
        self.geometry_faults.merge(other.geometry_faults)


def schema_fault(label: Label, capability: Capability) -> str | None:
    """Return why the label's class or kind does not suit the capability, or `None`."""
    if label.class_ not in capability.classes:
        return f"class {label.class_!r} is not one of {', '.join(capability.classes)}"
    if label.kind != capability.kind:
        return f"a {label.kind} where {capability.name} has a {capability.kind}"
    return None


def geometry_fault(label: Label) -> str | None:
    """Return why the label's geometry lies outside its space or has no size, or `None`."""
    if label.point is not UNSET:
        inside = 0 <= label.point.x <= 1 and 0 <= label.point.y <= 1
        return None if inside else f"point ({label.point.x}, {label.point.y}) lies outside [0, 1]"
    if label.bbox is not UNSET:
        box = label.bbox
        if not (box.w > 0 and box.h > 0):
            return f"box of size {box.w} x {box.h}"
        # A box that was cut at the far edge may pass it by one rounding error of a double.
        inside = box.x >= 0 and box.y >= 0 and max(box.x + box.w, box.y + box.h) <= 1 + _ROUNDING
        return None if inside else f"box ({box.x}, {box.y}, {box.w}, {box.h}) reaches outside [0, 1]"
    if label.segment is not UNSET and not 0 <= label.segment.start_ms < label.segment.end_ms:
        return f"segment {label.segment.start_ms} to {label.segment.end_ms} ms is empty or begins before 0"
    return None


_ROUNDING = 1e-9


def _are_plain_points(labels: list[Label]) -> bool:
    for label in labels:
        if (point := label.point) is UNSET or not (0 <= point.x <= 1 and 0 <= point.y <= 1):
            return False
    return True


def _are_plain_boxes(labels: list[Label]) -> bool:
    for label in labels:
        if (box := label.bbox) is UNSET:
            return False
        x, y, w, h = box.x, box.y, box.w, box.h
        if not (x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= 1 and y + h <= 1):
            return False
    return True


def _are_plain_segments(labels: list[Label]) -> bool:
    return all(label.segment is not UNSET and geometry_fault(label) is None for label in labels)


_ARE_PLAIN: dict[str, Callable[[list[Label]], bool]] = {
    "point": _are_plain_points,
    "bbox": _are_plain_boxes,
    "segment": _are_plain_segments,
}
"""Whether labels are all of a kind and nothing speaks against their geometry: so it is with most rows.

Only where it is not so, labels are looked at one by one; they may still be without a fault.
"""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Statistics)


def encode_statistics(statistics: Statistics) -> bytes:
    """Return the statistics as JSON bytes; names in the order in which the rows first have them."""
    return _encoder.encode(statistics)


def decode_statistics(body: bytes) -> Statistics:
    """Return the statistics that `encode_statistics` wrote."""
    return _decoder.decode(body)


def builtins(value: Any) -> Any:
    """Return a struct as plain dicts and lists, for documents that hold it."""
    return msgspec.to_builtins(value)
