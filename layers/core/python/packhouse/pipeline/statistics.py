"""What is counted over label rows: once a chunk at ingest, once a shard at build, merged everywhere else.

A merge of statistics equals the statistics of the rows together, whatever the order and the cuts (examples apart: the
first ten in row order are kept).
"""

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
        group = self.groups.setdefault(row.group_name, GroupTally())
        group.samples += 1
        if row.split:
            group.splits[row.split] = group.splits.get(row.split, 0) + 1
        if row.camera_type:
            self.cameras[row.camera_type] = self.cameras.get(row.camera_type, 0) + 1
        if row.labels is None:
            self.unlabelled += 1
            return
        if not row.labels:
            self.empty += 1
            return
        self._add_labels(row.sample_id, row.labels, group, capability)

    def _add_labels(self, sample_id: str, labels: list[Label], group: GroupTally, capability: Capability) -> None:
        self.labels += len(labels)
        seen = set()
        for number, label in enumerate(labels):
            tally = self.classes.setdefault(label.class_, Tally())
            tally.labels += 1
            group.classes[label.class_] = group.classes.get(label.class_, 0) + 1
            if label.class_ not in seen:
                seen.add(label.class_)
                tally.samples += 1
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
