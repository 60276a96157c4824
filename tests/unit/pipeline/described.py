"""Facts of a small dataset version, for what describes it."""

from typing import Any

from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.files import GZIP, NDJSON, ExportFile
from packhouse.pipeline.materialize import Materialization
from packhouse.pipeline.policies import Level, Measure
from packhouse.pipeline.quality import Indicator, QualitySummary, Verdict
from packhouse.pipeline.splits import SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import Statistics, Tally
from packhouse.pipeline.version_facts import VersionFacts, VersionSource, VersionSplit

_HELD = {
    "train.ndjson": ("ndjson", "train", 1000, 1, 10),
    "train.ndjson.gz": ("ndjson", "train", 1000, 1, 10),
    "test.ndjson": ("ndjson", "test", 200, 2, 2),
    "coco-train.json": ("coco", "train", 70, 7, 4),
}
"""Format, split, uncompressed bytes, the number that stands for their hash, rows."""


def exported(name: str, *, sha256: str | None = None, size: int | None = None) -> ExportFile:
    """Return a file; a packed one has bytes and a hash of its own."""
    file_format, split, content_bytes, number, rows = _HELD[name]
    packed = name.endswith(".gz")
    return ExportFile(
        name=name,
        format=file_format,
        split=split,
        content_type=GZIP if packed else NDJSON,
        rows=rows,
        bytes=size or (content_bytes // 5 if packed else content_bytes),
        sha256=sha256 or (f"{99:064}" if packed else f"{number:064}"),
        content_bytes=content_bytes,
        content_sha256=f"{number:064}",
    )


SPLITS = [
    VersionSplit("train", 10, 3, frozenset({"asset", "width"}), {"UNLABELLED": 2, "ASSET_NOT_FOUND": 3}),
    VersionSplit("val", 0, 0),
    VersionSplit("test", 2, 1, frozenset({"group"})),
]
FACTS = VersionFacts(
    capability=CAPABILITIES["ball_detection"],
    splits=SPLITS,
    files=[exported(name) for name in _HELD],
    sources=[
        VersionSource("lpk_1", "rev_1", f"sha256:{3:064}", 17),
        VersionSource("lpk_2", "rev_2", f"sha256:{4:064}", 2),
    ],
    left_out={"DUPLICATE_SAMPLE": 2, "CONFLICTING_SAMPLE": 5},
    statistics=Statistics(
        rows=12, unlabelled=2, empty=1, labels=10, classes={"b`|all": Tally(2, 2), "ball": Tally(7, 8)}
    ),
    quality=QualitySummary(
        Verdict.WARNINGS, "v1", 1, 0, [Indicator("LOW_SAMPLE_COUNT", Level.WARNING, Measure.SAMPLES, 12, 1000, None)]
    ),
    materialization=Materialization("partial", 12, 9, {"ASSET_NOT_FOUND": 3}, 0),
    plan=SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 8_000, "val": 750, "test": 1_250}, 7),
)


def changed(**changes: Any) -> VersionFacts:
    """Return the facts with some of them others."""
    return VersionFacts(**{**{name: getattr(FACTS, name) for name in FACTS.__struct_fields__}, **changes})
