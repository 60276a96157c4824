"""The manifest: everything that makes a version what it is, in canonical JSON, and its hash.

No clock and no id of a run is in it: the same inputs give the same manifest. Floats have no canonical form, so measured
shares stand in it as the decimal text that JSON gives them. Compressed bytes differ between versions of a library, so
a packed file stands in it with its uncompressed content.
"""

from typing import Any

from msgspec import Struct

from packhouse.pipeline.build import Shard
from packhouse.pipeline.files import Content, ExportFile
from packhouse.pipeline.fingerprints import canonical, digest, merkle_root
from packhouse.pipeline.quality import QualitySummary
from packhouse.pipeline.statistics import builtins

SCHEMA_VERSION = 2
"""Of manifests, those of training datasets too."""


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
    materialization: dict[str, Any],
    shards: list[Shard],
    project_ids: list[str],
    exports: list[ExportFile],
) -> Manifest:
    """Return the manifest; sources and exclusions by label pack id, shards in their order, exports as they are listed.

    `project_ids` are those of the shards' assets; they stand in it where there are several, as pictures are named then.
    """
    apart = len(set(project_ids)) > 1
    document = {
        "schema": SCHEMA_VERSION,
        "capability": capability,
        "sources": sources,
        "excluded": excluded,
        "left_out": left_out,
        "split": split,
        "quality": decimal(builtins(quality)),
        "materialization": materialization,
        "shards": [
            {
                "path": f"shards/{shard.name}.ndjson",
                "rows": shard.rows,
                "bytes": shard.bytes,
                "sha256": shard.sha256,
                "project_id": project_id if apart else None,
            }
            for shard, project_id in zip(shards, project_ids, strict=True)
        ],
        "merkle_root": merkle_root([shard.sha256 for shard in shards]),
        "exports": [_listed(file) for file in exports],
    }
    return sealed(document)


def sealed(document: dict[str, Any]) -> Manifest:
    """Return the manifest that a document makes."""
    body = canonical(document)
    return Manifest(body, digest(body))


def _listed(file: ExportFile) -> dict[str, Any]:
    content = Content(file.content_bytes, file.content_sha256)
    listed = {"path": f"exports/{file.name}", "rows": file.rows, **content_facts(content, packed=file.packed)}
    return listed | {"left_out": file.left_out} if file.left_out else listed


def content_facts(content: Content, *, packed: bool) -> dict[str, Any]:
    """Return what a manifest holds of a file's bytes.

    >>> content_facts(Content(3, "5b"), packed=False)
    {'bytes': 3, 'sha256': '5b'}
    >>> content_facts(Content(3, "5b"), packed=True)
    {'content_bytes': 3, 'content_sha256': '5b'}
    """
    prefix = "content_" if packed else ""
    return {f"{prefix}bytes": content.bytes, f"{prefix}sha256": content.sha256}


def decimal(value: Any) -> Any:
    """Return a document with its floats as the decimal text that JSON gives them.

    >>> decimal({"value": 0.05, "of": [1, 2.0]})
    {'value': '0.05', 'of': [1, '2.0']}
    """
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {key: decimal(part) for key, part in value.items()}
    if isinstance(value, list):
        return [decimal(part) for part in value]
    return value
