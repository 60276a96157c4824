"""The manifest: everything that makes a version what it is, in canonical JSON, and its hash.

No clock and no id of a run is in it: the same inputs give the same manifest. Floats have no canonical form, so measured
shares stand in it as the decimal text that JSON gives them.
"""

from typing import Any

from msgspec import Struct

from packhouse.pipeline.build import Shard
from packhouse.pipeline.export import ExportFile
from packhouse.pipeline.fingerprints import canonical, digest, merkle_root
from packhouse.pipeline.quality import QualitySummary
from packhouse.pipeline.statistics import builtins

SCHEMA_VERSION = 1


class Manifest(Struct, frozen=True):
    """The canonical bytes and their `manifest_hash`."""

    body: bytes
    manifest_hash: str


def seal_version(
    *,
    capability: str,
    sources: list[dict[str, Any]],
    excluded: list[dict[str, str]],
    left_out: dict[str, int],
    split: dict[str, Any],
    quality: QualitySummary,
    shards: list[Shard],
    exports: list[ExportFile],
) -> Manifest:
    """Return the manifest; sources by label pack id, exclusions by label pack id, shards and exports by name."""
    document = {
        "schema": SCHEMA_VERSION,
        "capability": capability,
        "sources": sources,
        "excluded": excluded,
        "left_out": left_out,
        "split": split,
        "quality": _decimal(builtins(quality)),
        "shards": [
            {"path": f"shards/{shard.name}.ndjson", "rows": shard.rows, "bytes": shard.bytes, "sha256": shard.sha256}
            for shard in shards
        ],
        "merkle_root": merkle_root([shard.sha256 for shard in shards]),
        "exports": [
            {"path": f"exports/{file.name}", "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256}
            for file in exports
        ],
    }
    body = canonical(document)
    return Manifest(body, digest(body))


def _decimal(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: _decimal(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_decimal(part) for part in value]
    return value
