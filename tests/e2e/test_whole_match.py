"""The whole of a real match as one label pack, from upload to verified download."""

import gzip
import json
from itertools import chain
from typing import Any

import pytest

from local.demo.match import iter_frames, label_row
from packhouse.pipeline.fingerprints import merkle_root
from tests.registry import Pack, Project, Registry, as_ndjson, assert_sealed, sha256


@pytest.fixture(scope="module")
def match() -> list[dict[str, Any]]:
    return [label_row(frame, "ball_detection") for frame in iter_frames()]


@pytest.fixture(scope="module")
def project(registry: Registry) -> Project:
    return registry.new_project()


@pytest.fixture(scope="module")
def pack(project: Project, match: list[dict[str, Any]]) -> Pack:
    label_pack_id = project.new_pack(name="the whole match")
    pack = Pack(label_pack_id, project.upload_revision(label_pack_id, as_ndjson(match)))
    project.wait(project.submit(pack))
    project.approve(pack)
    return pack


@pytest.fixture(scope="module")
def version(project: Project, pack: Pack) -> dict[str, Any]:
    return project.build(pack)


@pytest.fixture(scope="module")
def files(project: Project, version: dict[str, Any]) -> dict[str, bytes]:
    return project.downloads(version["dataset_version_id"])


def rows_of(files: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    return {
        split: [json.loads(line) for line in files[f"{split}.ndjson"].splitlines()]
        for split in ("train", "val", "test")
    }


def test_rows_in_are_rows_out_plus_counted_reasons(
    version: dict[str, Any], files: dict[str, bytes], match: list[dict[str, Any]]
) -> None:
    stats = version["stats"]
    assert stats["rows_in"] == len(match) == 3478
    assert stats["rows"] + sum(stats["left_out"].values()) == stats["rows_in"]
    downloaded = {row["sample_id"]: row for row in chain.from_iterable(rows_of(files).values())}
    assert len(downloaded) == stats["rows"] == 3478
    assert downloaded == {row["sample_id"]: row for row in match}


def test_no_group_is_in_two_splits(version: dict[str, Any], files: dict[str, bytes]) -> None:
    groups = {split: {row["group"] for row in rows} for split, rows in rows_of(files).items()}
    assert sum(map(len, groups.values())) == len(set().union(*groups.values())) == 93
    counted = {split: counts["groups"] for split, counts in version["split"]["counts"].items()}
    assert counted == {split: len(names) for split, names in groups.items()}


def test_downloads_are_what_the_manifest_says(
    project: Project, version: dict[str, Any], files: dict[str, bytes]
) -> None:
    manifest = assert_sealed(files)
    assert version["provenance"]["manifest_hash"] == "sha256:" + sha256(files["manifest.json"])
    for split in ("train", "val", "test"):
        assert gzip.decompress(files[f"{split}.ndjson.gz"]) == files[f"{split}.ndjson"]
    assert manifest["merkle_root"] == merkle_root([shard["sha256"] for shard in manifest["shards"]])
    assert sum(shard["rows"] for shard in manifest["shards"]) == 3478


def test_the_balls_off_the_pitch_are_found_by_the_quality_policy(
    version: dict[str, Any], match: list[dict[str, Any]]
) -> None:
    points = [row["labels"][0]["point"] for row in match if row["labels"]]
    outside = sum(not (0 <= point["x"] <= 1 and 0 <= point["y"] <= 1) for point in points)
    (found,) = [each for each in version["quality"]["indicators"] if each["code"] == "INVALID_GEOMETRY"]
    assert (found["level"], found["value"], found["threshold"]) == ("hard_fail", outside, 0)
    assert outside == 69
    assert found["detail"][0]["sample_id"].startswith("m2417-")


def test_a_second_build_of_the_same_ids_reuses_the_first(project: Project, version: dict[str, Any], pack: Pack) -> None:
    again = project.request_build(pack, pack)
    assert again["outcome"] == "reused_success"
    assert again["dataset_version_id"] == version["dataset_version_id"]
