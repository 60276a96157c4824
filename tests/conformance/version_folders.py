"""A dataset version's folder as a person downloads it: rows as NDJSON, the card and `croissant.json`."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.columns import COLUMNS, columns_of
from packhouse.pipeline.croissant import croissant
from packhouse.pipeline.files import NDJSON, ExportFile
from packhouse.pipeline.materialize import Materialization
from packhouse.pipeline.quality import QualitySummary, Verdict
from packhouse.pipeline.rows import LabelRow, encode_row, parse_row
from packhouse.pipeline.splits import SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import Statistics
from packhouse.pipeline.version_card import version_card
from packhouse.pipeline.version_facts import VersionFacts, VersionSource, VersionSplit

BLOCK_BYTES = 10 << 20
"""How much of a file `datasets` reads before it decides on types, where none are stated."""


def rows_of(given: Iterable[dict[str, Any]]) -> list[LabelRow]:
    """Return rows as they are after an upload."""
    return [parse_row(json.dumps(row).encode()) for row in given]


def write_version(folder: Path, capability: str, splits: Mapping[str, list[LabelRow]]) -> VersionFacts:
    """Write the files of a version's splits and both documents, and return what the documents say."""
    folder.mkdir(parents=True, exist_ok=True)
    held = CAPABILITIES[capability]
    statistics = Statistics()
    told, files = [], []
    for name, rows in splits.items():
        for row in rows:
            statistics.add(row, held)
        groups = {row.group_name for row in rows}
        columns = frozenset(column for row in rows for column in columns_of(row))
        told.append(VersionSplit(name, len(rows), len(groups), columns))
        if rows:
            files.append(_write(folder, name, rows))
    found = sum(isinstance(row.asset, str) for rows in splits.values() for row in rows)
    missing = {"ASSET_NOT_GIVEN": statistics.rows - found}
    facts = VersionFacts(
        capability=held,
        splits=told,
        files=files,
        sources=[VersionSource("lpk_1", "rev_1", "sha256:" + "0" * 64, statistics.rows)],
        left_out={},
        statistics=statistics,
        quality=QualitySummary(Verdict.NOT_EVALUATED, None, 0, 0, []),
        materialization=Materialization("partial", statistics.rows, found, missing, 0),
        plan=SplitPlan(SplitStrategy.PREDEFINED, {}, 0),
    )
    for beside in ("manifest.json", "coco-train.json", "yolo-train.tar.gz", "train.ndjson.gz"):
        (folder / beside).write_bytes(b"what a reader of the rows must not touch")
    (folder / "README.md").write_bytes(version_card(facts))
    (folder / "croissant.json").write_bytes(croissant(facts))
    return facts


def _write(folder: Path, split: str, rows: list[LabelRow]) -> ExportFile:
    body = b"".join(encode_row(row) + b"\n" for row in rows)
    name = f"{split}.ndjson"
    (folder / name).write_bytes(body)
    sha256 = hashlib.sha256(body).hexdigest()
    return ExportFile(name, "ndjson", split, NDJSON, len(body), sha256, len(body), sha256, rows=len(rows))


def lines(folder: Path, split: str) -> list[dict[str, Any]]:
    """Return the rows of a split's file, read as plain JSON."""
    return [json.loads(line) for line in (folder / f"{split}.ndjson").read_bytes().split(b"\n")[:-1]]


def with_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with every column, null where the row does not have it."""
    return {**{column.name: row.get(column.name) for column in COLUMNS}, "labels": row["labels"]}


def text(row: Mapping[str, Any]) -> str:
    """Return a row as JSON, columns by name and nulls within labels taken out, so that 1 and 1.0 differ."""
    labels = row["labels"]
    if labels is not None:
        labels = [{key: value for key, value in label.items() if value is not None} for label in labels]
    return json.dumps({**row, "labels": labels}, sort_keys=True)


def untyped(folder: Path, bare: Path) -> Path:
    """Return a folder of the same files whose card names them and states no types."""
    bare.mkdir()
    for path in folder.glob("*.ndjson"):
        (bare / path.name).symlink_to(path)
    card = (folder / "README.md").read_text()
    (bare / "README.md").write_text(card[: card.index("dataset_info:")] + card[card.index("---\n\n#") :])
    return bare
