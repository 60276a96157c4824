"""What the documents of a dataset version say: the facts that its card and its `croissant.json` are made of."""

from msgspec import Struct

from packhouse.pipeline.capabilities import Capability, LabelKind
from packhouse.pipeline.columns import kinds_told
from packhouse.pipeline.files import ExportFile, file_names
from packhouse.pipeline.materialize import Materialization
from packhouse.pipeline.quality import QualitySummary
from packhouse.pipeline.splits import SplitPlan
from packhouse.pipeline.statistics import Statistics


class VersionSplit(Struct, frozen=True):
    """A split of the plan, with or without samples.

    `columns` are the optional columns that at least one of its rows states. `left_out` counts, by reason, its rows that
    are no pictures of COCO and YOLO; empty where labels are not drawn on pictures.
    """

    name: str
    samples: int
    groups: int
    columns: frozenset[str] = frozenset()
    left_out: dict[str, int] = {}


class VersionSource(Struct, frozen=True):
    """A label pack's revision that rows were taken from: the hash of its content, and how many rows it has."""

    label_pack_id: str
    revision_id: str
    content_hash: str
    rows: int


class VersionFacts(Struct, frozen=True, kw_only=True):
    """Everything that is said of a dataset version.

    `splits` stand in the order train, val, test; `files` are those of the splits and, like `sources`, in any order.
    `left_out` counts the rows of the sources that no split has, by reason. `statistics` are of all rows of the version.
    """

    capability: Capability
    splits: list[VersionSplit]
    files: list[ExportFile]
    sources: list[VersionSource]
    left_out: dict[str, int]
    statistics: Statistics
    quality: QualitySummary
    materialization: Materialization
    plan: SplitPlan

    @property
    def kinds(self) -> tuple[LabelKind, ...]:
        """The kinds of label that the rows may have."""
        return kinds_told(self.capability.kind, every_kind=self.statistics.schema_faults.count > 0)

    @property
    def row_files(self) -> list[tuple[VersionSplit, ExportFile]]:
        """The splits that have rows, each with its plain NDJSON file."""
        plain = {file.name: file for file in self.files}
        named = [(split, plain.get(file_names("ndjson", split.name)[0])) for split in self.splits]
        return [(split, file) for split, file in named if file is not None]
