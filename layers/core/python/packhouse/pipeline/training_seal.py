"""The manifest of a training dataset: everything that makes it what it is, in canonical JSON, and its hash.

No clock and no id of a run is in it: the same imports and the same recipe give the same manifest.
"""

from typing import Any

from msgspec import Struct

from packhouse.pipeline.exporting import Exported
from packhouse.pipeline.files import Content
from packhouse.pipeline.fingerprints import digest, merkle_root
from packhouse.pipeline.rendering import RenderedUnit
from packhouse.pipeline.row_plan import RolloutSource
from packhouse.pipeline.scoring import SCORERS
from packhouse.pipeline.seal import SCHEMA_VERSION, Manifest, content_facts, sealed
from packhouse.pipeline.sketches import VERSION as SKETCH_VERSION
from packhouse.pipeline.statistics import builtins


class ExportedProfile(Struct, frozen=True):
    """A profile's files, plain and packed; hashes are hex SHA-256."""

    profile: str
    name: str
    bytes: int
    sha256: str
    packed_name: str
    packed_bytes: int
    packed_sha256: str
    exported: Exported


def seal_training_dataset(
    *,
    recipe: dict[str, Any],
    sources: list[RolloutSource],
    units: list[RenderedUnit],
    rows: int,
    left_out: dict[str, int],
    filtered: str,
    exports: list[ExportedProfile],
    card: bytes,
) -> Manifest:
    """Return the manifest; sources by age, exports in the profiles' order. Numbers that may be fractions are text.

    `filtered` is the SHA-256 of what was decided about the rows: which of them stay, and what that rests on.
    """
    document = {
        "schema": SCHEMA_VERSION,
        "recipe": recipe,
        "sources": builtins(sources),
        "left_out": left_out,
        "rows": rows,
        "scorers": {key: scorer.version for key, scorer in SCORERS.items()},
        "sketches": SKETCH_VERSION,
        "units": [{"rows": unit.rows, "bytes": unit.bytes, "sha256": unit.sha256} for unit in units],
        "filtered": filtered,
        "merkle_root": merkle_root([unit.sha256 for unit in units]),
        "exports": [
            {
                "path": f"exports/{name}",
                "rows": export.exported.rows,
                "refused": export.exported.refused_rules,
                **content_facts(Content(export.bytes, export.sha256), packed=name == export.packed_name),
            }
            for export in exports
            for name in (export.name, export.packed_name)
        ],
        "card": digest(card),
    }
    return sealed(document)
