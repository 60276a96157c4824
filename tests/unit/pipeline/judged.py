"""Label rows taken all the way to the verdict: ingested, counted, planned, built and judged, as the tasks do it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from packhouse.builds.results import measured, merge_units
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.quality import AssetCounts, Indicator, QualitySummary, evaluate_quality
from packhouse.pipeline.rows import decode_canonical
from packhouse.pipeline.splits import SplitPlan, SplitStrategy
from tests.unit.pipeline.labels import build, ndjson

Row = dict[str, Any]
PREDEFINED = SplitPlan(SplitStrategy.PREDEFINED, {}, 0)
GROUPS = {"train": 24, "val": 3, "test": 3}
BALL = {"class": "ball", "point": {"x": 0.5, "y": 0.5}}


def judged(
    *packs: Sequence[Row], capability: str = "ball_detection", there: Collection[str] | None = None
) -> QualitySummary:
    """Return what policy v1 says of a version of these packs; `there` are the assets, `None` before they are looked up.

    Rows name their splits themselves.
    """
    plan, units = build([ndjson(rows) for rows in packs], PREDEFINED, capability=CAPABILITIES[capability])
    built = merge_units([unit for unit, _, _ in units], plan.summary())
    bodies = [shard.body for _, shards, _ in units for shard in shards]
    assets = None if there is None else _looked_up(bodies, there)
    return evaluate_quality(measured(capability, built, assets), "v1")


def _looked_up(bodies: Sequence[bytes], there: Collection[str]) -> AssetCounts:
    named = [decode_canonical(line).asset or "" for body in bodies for line in body.splitlines()]
    missing = Counter("ASSET_NOT_FOUND" if name else "ASSET_NOT_GIVEN" for name in named if name not in there)
    return AssetCounts(len(named), missing.total(), dict(missing))


def told(summary: QualitySummary, code: str) -> Indicator | None:
    """Return the indicator of this code, if the policy found it."""
    return next((found for found in summary.indicators if found.code == code), None)


def rows_in(samples: int = 1000, groups: Mapping[str, int] = GROUPS, **more: Any) -> list[Row]:
    """Return rows of one ball each that nothing speaks against, spread evenly over so many groups in each split."""
    places = [(split, f"{split}-{number}") for split, count in groups.items() for number in range(count)]
    return [
        {"sample_id": f"s{number:06d}", "split": split, "group": group, "labels": [BALL], **more}
        for number, (split, group) in enumerate(islice(cycle(places), samples))
    ]


def changed(count: int, rows: Sequence[Row], **more: Any) -> list[Row]:
    """Return the rows, the first so many of them with other fields."""
    return [{**row, **more} if number < count else row for number, row in enumerate(rows)]


def boxes(**classes: int) -> list[Row]:
    """Return rows that nothing else speaks against, with so many boxes of each class; a thousand or more altogether."""
    rows = rows_in(labels=[])
    names = [name for name, count in classes.items() for _ in range(count)]
    for row, name in zip(cycle(rows), names, strict=False):
        row["labels"] = [*row["labels"], {"class": name, "bbox": {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.3}}]
    return rows
