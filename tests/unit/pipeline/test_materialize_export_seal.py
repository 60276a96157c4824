"""Assets are looked up the cheap way, files hold exactly the rows, and the manifest holds the files."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.errors import UnitFailedError
from packhouse.pipeline.build import BuiltShard, Shard
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.export import ExportFile, export_ndjson
from packhouse.pipeline.fingerprints import canonical, merkle_root
from packhouse.pipeline.index import decode_block
from packhouse.pipeline.materialize import look_up_assets, materialize_shard, settle_materialization
from packhouse.pipeline.quality import QualitySummary, Verdict
from packhouse.pipeline.seal import seal_version
from packhouse.pipeline.splits import SplitPlan
from tests.unit.pipeline.labels import THIRDS, build, ndjson, row

ALL_TRAIN = SplitPlan(THIRDS.strategy, {"train": 10_000}, 0)


class Bucket:
    """Assets by name, in pages of `page`; counts the calls."""

    def __init__(self, names: list[str], page: int = 1000) -> None:
        self.assets = {name: Asset(len(name), "etag") for name in sorted(names)}
        self.page = page
        self.pages = self.looked_up = 0

    def list_from(self, folder: str, after: str) -> Iterator[dict[str, Asset]]:
        names = [name for name in self.assets if name > after and name.startswith(f"{folder}/" if folder else "")]
        for at in range(0, max(len(names), 1), self.page):
            self.pages += 1
            yield {name: self.assets[name] for name in names[at : at + self.page]}

    def find(self, name: str) -> Asset | None:
        self.looked_up += 1
        return self.assets.get(name)


@given(
    st.sets(st.text("abc/", min_size=1, max_size=5).filter(lambda name: not name.endswith("/"))),
    st.sets(st.text("abc/", min_size=1, max_size=5).filter(lambda name: not name.endswith("/"))),
)
def test_exactly_the_assets_that_are_there_are_found(there: set[str], wanted: set[str]) -> None:
    bucket = Bucket(list(there))
    found = look_up_assets(sorted(wanted), bucket.list_from, bucket.find)
    assert set(found) == there & wanted


def test_a_dense_folder_is_listed_not_looked_up_one_by_one() -> None:
    names = [f"frames/{number:06d}.png" for number in range(3000)]
    bucket = Bucket(names)
    assert len(look_up_assets(names[500:2500], bucket.list_from, bucket.find)) == 2000
    assert (bucket.pages, bucket.looked_up) == (2, 0)


def test_a_sparse_pick_of_a_huge_folder_stops_listing_when_it_costs_more() -> None:
    names = [f"frames/{number:06d}.png" for number in range(90_000)]
    bucket = Bucket(names)
    assert len(look_up_assets(names[::1500], bucket.list_from, bucket.find)) == 60
    assert bucket.pages <= 4
    assert bucket.looked_up < 60


def only_shard(uploads: list[dict[str, Any]]) -> BuiltShard:
    _, units = build([ndjson(uploads)], ALL_TRAIN)
    return units[0][1][0]


def test_a_shards_assets_are_counted_and_told_in_its_index() -> None:
    shard = only_shard([row("b", asset="f/b.png"), row("a", asset="f/a.png"), row("c")])
    materialized, index = materialize_shard(shard.shard, "prj_1", shard.body, {"f/a.png": Asset(7, "x")})
    block = decode_block(index["ndjson"])
    assert (block.project_id, block.sample_ids, block.asset_bytes) == ("prj_1", ["a", "b", "c"], [7, None, None])
    reasons = [block.asset_reasons.of(number) for number in range(3)]
    assert reasons == [None, "ASSET_NOT_FOUND", "ASSET_NOT_GIVEN"]
    assert (materialized.wanted, materialized.found, materialized.bytes) == (3, 1, 7)
    settled = settle_materialization([materialized, materialized])
    assert (settled.status, settled.missing) == ("partial", {"ASSET_NOT_FOUND": 2, "ASSET_NOT_GIVEN": 2})


def export(shards: list[BuiltShard], block: int = 7) -> tuple[int, bytes, bytes]:
    bodies = {built.shard.name: built.body for built in shards}

    def read(shard: Shard) -> Iterator[bytes]:
        body = bodies[shard.name]
        return (body[at : at + block] for at in range(0, len(body), block))

    plain, packed = BytesIO(), BytesIO()
    count = export_ndjson([built.shard for built in shards], read, plain, packed)
    return count, plain.getvalue(), packed.getvalue()


def test_a_file_is_its_shards_one_after_the_other_and_gzip_is_the_same_rows() -> None:
    shards = [only_shard([row(f"{shard}-{number}") for number in range(20)]) for shard in range(3)]
    named = [BuiltShard(Shard(f"train/{n}", "train", 20, len(b.body), b.shard.sha256), b.body, b.statistics)
             for n, b in enumerate(shards)]  # fmt: skip
    count, plain, packed = export(named)
    assert (count, plain) == (60, b"".join(built.body for built in shards))
    assert gzip.decompress(packed) == plain
    assert packed.count(b"\x1f\x8b\x08") == 3
    assert export(named, 64)[2] == packed


def test_a_shard_that_changed_since_it_was_built_stops_the_export() -> None:
    shard = only_shard([row("a")])
    changed = BuiltShard(shard.shard, shard.body.replace(b"0.5", b"0.6", 1), shard.statistics)
    with pytest.raises(UnitFailedError) as failed:
        export([changed])
    assert failed.value.code == "SOURCE_CHANGED"


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
    shard = Shard("train/00000", "train", 1, 2, "00" * 32)
    file = ExportFile("train.ndjson", "ndjson", "train", "application/x-ndjson", 1, 2, "11" * 32, "11" * 32)
    facts: dict[str, Any] = {
        "capability": "ball_detection", "sources": [], "excluded": [], "left_out": {}, "split": ALL_TRAIN.snapshot(),
        "quality": QualitySummary(Verdict.PASS, "v1", 0, 0, []),
    }  # fmt: skip
    manifest = seal_version(shards=[shard], exports=[file], **facts)
    assert manifest.body == canonical(json.loads(manifest.body))
    assert manifest.manifest_hash == "sha256:" + hashlib.sha256(manifest.body).hexdigest()
    other = seal_version(shards=[Shard("train/00000", "train", 1, 2, "01" * 32)], exports=[file], **facts)
    assert other.manifest_hash != manifest.manifest_hash


def test_a_float_has_no_canonical_form() -> None:
    with pytest.raises(TypeError):
        canonical({"share": 0.1})
