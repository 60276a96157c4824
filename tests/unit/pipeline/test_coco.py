"""COCO files hold every picture and label once, under ids that do not depend on the cut, with boxes that are sound."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from packhouse.pipeline.coco import pixel_box
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.rows import Box, Label, LabelRow, Point
from packhouse.pipeline.statistics import geometry_fault
from tests.unit.pipeline.drawn_files import BALL, PLAYERS, coco_file, cut, is_picture

LEAST = 1e-6

sides = st.integers(1, 8000) | st.integers(1, 1_000_000)
fractions = st.floats(0, 1) | st.sampled_from([0.0, -0.0, 1.0, 1 / 3, 1e-12, 5e-324, 1 - 1e-12])
boxes = (
    st.tuples(fractions, fractions, fractions, fractions)
    .map(lambda at: Box(at[0], at[1], min(at[2], 1 - at[0]), min(at[3], 1 - at[1])))
    .filter(lambda box: geometry_fault(Label("player", bbox=box)) is None)
)


def person(class_: str = "player", x: float = 0.1) -> Label:
    return Label(class_, bbox=Box(x, 0.2, 0.3, 0.4))


def picture(sample_id: str, *labels: Label, asset: str | None = None) -> LabelRow:
    return LabelRow(sample_id=sample_id, asset=asset or f"f/{sample_id}.jpg", width=640, height=480, labels=[*labels])


def unlabelled(sample_id: str) -> LabelRow:
    return LabelRow(sample_id=sample_id, asset=f"f/{sample_id}.jpg", width=640, height=480, labels=None)


row_lists = st.lists(
    st.builds(
        lambda kind, count: (
            unlabelled(f"s{count}")
            if kind == "unlabelled"
            else picture(f"s{count}", *[person(x=0.9 if kind == "outside" else 0.1)] * count)
        ),
        st.sampled_from(["unlabelled", "outside", "sound"]),
        st.integers(0, 3),
    ),
    max_size=12,
)


def read(rows: list[LabelRow], at: int = 100) -> Any:
    return json.loads(coco_file(PLAYERS, cut(rows, at)))


@given(row_lists, st.integers(1, 13))
def test_a_file_is_the_same_however_its_rows_are_cut_into_shards(rows: list[LabelRow], at: int) -> None:
    assert coco_file(PLAYERS, cut(rows, at)) == coco_file(PLAYERS, [rows])


@given(row_lists, st.integers(1, 13))
def test_every_picture_and_label_is_there_once_and_no_other(rows: list[LabelRow], at: int) -> None:
    file = read(rows, at)
    staying = [row for row in rows if is_picture(row, PLAYERS)]
    assert [image["sample_id"] for image in file["images"]] == [row.sample_id for row in staying]
    for records in (file["images"], file["annotations"]):
        ids = [record["id"] for record in records]
        assert ids == sorted(set(ids))
        assert all(number >= 1 for number in ids)
    of_image = {image["id"]: row for image, row in zip(file["images"], staying, strict=True)}
    found = [of_image[record["image_id"]].sample_id for record in file["annotations"]]
    assert found == [row.sample_id for row in staying for _ in row.labels or ()]


def test_ids_begin_at_one_and_leave_room_for_the_rows_that_are_left_out() -> None:
    rows = [picture("a", person()), unlabelled("b"), picture("c", person(x=0.9), person()), picture("d", person())]
    file = read(rows, at=1)
    assert [image["id"] for image in file["images"]] == [1, 4]
    assert [(record["id"], record["image_id"]) for record in file["annotations"]] == [(1, 1), (4, 4)]


def test_a_row_that_is_labelled_as_empty_is_a_picture_without_annotations() -> None:
    file = read([picture("a"), unlabelled("b")])
    assert [image["sample_id"] for image in file["images"]] == ["a"]
    assert file["annotations"] == []


def test_a_file_without_pictures_is_one_still() -> None:
    file = read([])
    assert (file["images"], file["annotations"], len(file["categories"])) == ([], [], 3)


def test_categories_are_the_classes_in_their_order_whatever_the_rows_have() -> None:
    file = read([picture("a", person("referee"), person("player"), person("goalkeeper"))])
    assert [(category["id"], category["name"]) for category in file["categories"]] == [
        (number, name) for number, name in enumerate(PLAYERS.classes, start=1)
    ]
    assert [record["category_id"] for record in file["annotations"]] == [3, 1, 2]
    assert all("keypoints" not in category for category in file["categories"])


@given(boxes, sides, sides)
@example(Box(0.9999999, 0.0, 0.0000001, 1.0), 1, 1)
@example(Box(0.7, 0.7, 0.30000000000000004, 0.3), 640, 480)
def test_a_box_comes_back_within_a_millionth_of_a_pixel_and_lies_inside(box: Box, width: int, height: int) -> None:
    x, y, w, h = pixel_box(box, Size(width, height))
    for begin, length, at, side, pixels in ((x, w, box.x, box.w, width), (y, h, box.y, box.h, height)):
        rounding = 4 * math.ulp(pixels)
        assert abs(begin - at * pixels) <= LEAST + rounding
        assert abs(length - side * pixels) <= LEAST + rounding
        assert length >= LEAST
        assert begin >= 0
        assert begin + length <= pixels + rounding
        assert json.loads(json.dumps(begin)) == round(begin, 6)
        assert math.copysign(1, begin) == 1


def test_what_passes_the_far_edge_by_a_rounding_error_is_cut_off() -> None:
    passing = Label("player", bbox=Box(0.5, 0.25, 0.5000000009, 0.7500000009))
    assert geometry_fault(passing) is None
    row = LabelRow(sample_id="a", asset="a.jpg", width=1_000_000, height=900_000, labels=[passing])
    (record,) = read([row])["annotations"]
    assert record["bbox"] == [500_000.0, 225_000.0, 500_000.0, 675_000.0]


def test_a_box_too_small_to_be_seen_has_sides_and_an_area() -> None:
    tiny = Label("player", bbox=Box(0.5, 0.5, 1e-300, 1e-12))
    (record,) = read([picture("a", tiny)])["annotations"]
    assert record["bbox"] == [320.0, 240.0, LEAST, LEAST]
    assert record["area"] > 0


@pytest.mark.parametrize(
    ("at", "box"),
    [
        ((0.0, 0.0), [0.0, 0.0, 12.8, 9.6]),
        ((1.0, 1.0), [627.2, 470.4, 12.8, 9.6]),
        ((1.0, 0.0), [627.2, 0.0, 12.8, 9.6]),
        ((0.5, 0.25), [313.6, 115.2, 12.8, 9.6]),
    ],
)
def test_a_point_is_a_keypoint_with_a_box_inside_the_picture(at: tuple[float, float], box: list[float]) -> None:
    file = json.loads(coco_file(BALL, [[picture("a", Label("ball", point=Point(*at)))]]))
    (record,) = file["annotations"]
    assert record["keypoints"] == [at[0] * 640, at[1] * 480, 2]
    assert record["num_keypoints"] == 1
    assert record["bbox"] == box
    assert record["area"] == pytest.approx(box[2] * box[3])
    assert file["categories"] == [
        {"id": 1, "name": "ball", "supercategory": "ball_detection", "keypoints": ["center"], "skeleton": []}
    ]
    assert "2 %" in file["info"]["description"]


def test_a_file_name_is_the_asset_with_whatever_characters_it_has() -> None:
    row = picture("a", asset='spiel "1"/bild ü ☃.jpg')
    (image,) = read([row])["images"]
    assert image["file_name"] == row.asset
    (image,) = json.loads(coco_file(PLAYERS, [[row]], project_id="prj_1"))["images"]
    assert image["file_name"] == f"prj_1/{row.asset}"
