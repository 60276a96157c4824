"""The manifest holds what a version is, and nothing that differs between two builds of the same."""

import hashlib
import json
from typing import Any

import pytest
from msgspec.structs import replace

from packhouse.pipeline.build import Shard
from packhouse.pipeline.files import GZIP, NDJSON, ExportFile
from packhouse.pipeline.fingerprints import canonical, merkle_root
from packhouse.pipeline.quality import QualitySummary, Verdict
from packhouse.pipeline.seal import Manifest, seal_version
from tests.unit.pipeline.drawn import ALL_TRAIN

SHARD = Shard("train/00000", "train", 1, 2, "00" * 32)
PLAIN = ExportFile("train.ndjson", "ndjson", "train", NDJSON, 2, "11" * 32, 2, "11" * 32, 1)
PACKED = ExportFile("train.ndjson.gz", "ndjson.gz", "train", GZIP, 22, "22" * 32, 2, "11" * 32, 1)


def seal(shard: Shard = SHARD, files: tuple[ExportFile, ...] = (PLAIN, PACKED), **more: Any) -> Manifest:
    facts: dict[str, Any] = {
        "capability": "ball_detection", "sources": [], "excluded": [], "left_out": {}, "split": ALL_TRAIN.snapshot(),
        "quality": QualitySummary(Verdict.PASS, "v1", 0, 0, []), "materialization": {}, "project_ids": ["prj_1"],
    }  # fmt: skip
    return seal_version(shards=[shard], exports=list(files), **facts | more)


def test_the_merkle_root_is_that_of_the_certificate_transparency_standard() -> None:
    def leaf(body: bytes) -> bytes:
        return hashlib.sha256(b"\x00" + body).digest()

    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    hashes = [hashlib.sha256(bytes([number])).digest() for number in range(3)]
    expected = node(node(leaf(hashes[0]), leaf(hashes[1])), leaf(hashes[2])).hex()
    assert merkle_root([digest.hex() for digest in hashes]) == expected
    assert merkle_root([]) == hashlib.sha256().hexdigest()


def test_the_manifest_is_canonical_and_changes_with_every_file() -> None:
    manifest = seal()
    assert manifest.body == canonical(json.loads(manifest.body))
    assert manifest.manifest_hash == "sha256:" + hashlib.sha256(manifest.body).hexdigest()
    others = [
        seal(replace(SHARD, sha256="01" * 32)),
        seal(files=(replace(PLAIN, sha256="33" * 32, content_sha256="33" * 32), PACKED)),
        seal(files=(PLAIN, replace(PACKED, content_sha256="33" * 32))),
        seal(files=(PLAIN,)),
    ]
    assert len({manifest.manifest_hash, *(other.manifest_hash for other in others)}) == 5


def test_a_file_that_another_library_packs_otherwise_is_the_same_to_a_manifest() -> None:
    assert seal(files=(PLAIN, replace(PACKED, bytes=23, sha256="44" * 32))) == seal()


def test_a_project_is_named_only_where_there_are_several() -> None:
    assert "project_id" not in json.loads(seal().body)["shards"][0]
    two = seal_version(
        capability="ball_detection", sources=[], excluded=[], left_out={}, split={}, materialization={}, exports=[],
        quality=QualitySummary(Verdict.PASS, "v1", 0, 0, []), shards=[SHARD, SHARD], project_ids=["prj_1", "prj_2"],
    )  # fmt: skip
    assert [shard["project_id"] for shard in json.loads(two.body)["shards"]] == ["prj_1", "prj_2"]


def test_a_float_has_no_canonical_form() -> None:
    with pytest.raises(TypeError):
        canonical({"share": 0.1})
