"""A shard's assets are counted by what became of them, and its rows are drawn or left out for a reason that is told."""

import json
from typing import Any

from packhouse.pipeline.build import Before, Shard, shard_units
from packhouse.pipeline.contents import Asset
from packhouse.pipeline.index import decode_block
from packhouse.pipeline.materialize import Found, materialize_shard, settle_materialization, settle_split
from packhouse.pipeline.pictures import Size
from tests.unit.pipeline.drawn import EMPTY, THERE, draw, only_shard
from tests.unit.pipeline.labels import BALL, row

SIZED: dict[str, Any] = {"width": 64, "height": 48}


def test_a_shards_assets_are_counted_and_told_in_its_index() -> None:
    rows = [row("b", asset="f/b.png"), row("a", asset="f/a.png"), row("c"), row("d", asset="f/d.png")]
    drawn = draw([rows], {"f/a.png": Asset(7, "x"), "f/d.png": EMPTY})
    block = decode_block(drawn.indexes[0]["ndjson"])
    assert (block.project_id, block.sample_ids) == ("prj_1", ["a", "b", "c", "d"])
    assert block.asset_bytes == [7, None, None, None]
    reasons = [block.asset_reasons.of(number) for number in range(4)]
    assert reasons == [None, "ASSET_NOT_FOUND", "ASSET_NOT_GIVEN", "ASSET_EMPTY"]
    (materialized,) = drawn.materialized
    assert (materialized.wanted, materialized.found, materialized.bytes) == (4, 1, 7)
    settled = settle_materialization([materialized, materialized])
    assert settled.status == "partial"
    assert settled.missing == {"ASSET_EMPTY": 2, "ASSET_NOT_FOUND": 2, "ASSET_NOT_GIVEN": 2}


def test_nothing_found_is_failed_and_all_found_is_complete() -> None:
    rows = [row(f"r{number}", asset=f"{number}.png") for number in range(3)]
    assert settle_materialization(draw([rows]).materialized).status == "complete"
    assert settle_materialization(draw([rows], {}).materialized).status == "failed"


def test_every_row_is_a_picture_or_is_left_out_for_its_first_reason() -> None:
    off = [{"class": "ball", "point": {"x": 1.5, "y": 0.5}}]
    rows = [
        row("a", asset="a.png", **SIZED),
        row("b", asset="b.png"),  # its size is read
        row("c", asset="c.png"),  # its size cannot be read
        row("d", **SIZED),
        row("e", asset="lost.png", **SIZED),
        row("f", asset="empty.png", **SIZED),
        row("g", asset="a.png", **SIZED) | {"labels": None},
        row("h", asset="a.png", **SIZED) | {"labels": [{"class": "dog", "point": {"x": 0.5, "y": 0.5}}]},
        row("i", asset="a.png", **SIZED) | {"labels": off},
        row("j", asset="a.png", **SIZED) | {"labels": []},
    ]
    assets = {"a.png": THERE, "b.png": THERE, "c.png": THERE, "empty.png": EMPTY}
    drawn = draw([rows], assets, {"b.png": Size(32, 16)})
    (materialized,) = drawn.materialized
    assert materialized.pictures is not None
    assert (materialized.pictures.pictures, materialized.pictures.sizes_read) == (3, 1)
    assert materialized.pictures.left_out == {
        "ASSET_EMPTY": 1, "ASSET_NOT_FOUND": 1, "ASSET_NOT_GIVEN": 1, "INVALID_GEOMETRY": 1,
        "INVALID_LABEL_SCHEMA": 1, "SIZE_UNKNOWN": 1, "UNLABELLED": 1,
    }  # fmt: skip
    images = json.loads(drawn.coco())["images"]
    assert [(image["id"], image["sample_id"], image["width"]) for image in images] == [
        (1, "a", 64), (2, "b", 32), (10, "j", 64),
    ]  # fmt: skip


def test_a_split_has_the_columns_and_the_counts_of_all_its_shards() -> None:
    first = [row("a", asset="a.png", **SIZED), row("b")]
    second = [row("c", camera_type="wide", asset="a.png", **SIZED) | {"labels": None}]
    split = settle_split(draw([first, second]).materialized)
    assert split.columns == ["asset", "camera_type", "group", "height", "width"]
    assert split.pictures is not None
    assert split.pictures.left_out == {"ASSET_NOT_GIVEN": 1, "UNLABELLED": 1}
    assert [part.name for part in split.parts["yolo"]] == ["parts/train/00000.yolo", "parts/train/00001.yolo"]


def test_labels_that_are_not_drawn_have_no_pictures_and_no_parts() -> None:
    built = only_shard([row("a", asset="a.wav")])
    (unit,) = shard_units([built.shard], ["prj_1"])
    materialized, _ = materialize_shard(unit, built.body, Found({}, {}), BALL, None)
    assert (materialized.pictures, materialized.parts) == (None, {})


def test_a_shard_is_told_what_is_counted_before_it_in_its_split() -> None:
    shards = [Shard(name, name[:3], rows, 0, "", labels) for name, rows, labels in [
        ("tra/0", 10, 30), ("tra/1", 5, 0), ("val/0", 2, 9), ("tra/2", 1, 1),
    ]]  # fmt: skip
    units = shard_units(shards, ["prj_1"] * 4)
    assert [unit.before for unit in units] == [Before(0, 0), Before(10, 30), Before(0, 0), Before(15, 30)]
    assert not any(unit.apart for unit in units)
    assert all(unit.apart for unit in shard_units(shards, ["prj_1", "prj_2", "prj_1", "prj_1"]))
