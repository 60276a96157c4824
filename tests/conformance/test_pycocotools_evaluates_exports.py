"""pycocotools loads COCO exports, finds every picture and label in them again, and rates the labels as perfect.

The rows are those of measured pedestrians, of a tracked match, part of which lies off the pitch, and of the traps that
others fell into. Each trap is set once, to see that it is one.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from local.demo.match import CAPABILITIES as MATCH_CAPABILITIES
from local.demo.match import iter_frames, label_row
from packhouse.pipeline.capabilities import CAPABILITIES, Capability
from packhouse.pipeline.drawn import PictureLeftOut, left_out_reason, stated_size
from packhouse.pipeline.rows import LabelRow, parse_row
from tests.conformance import tud_campus
from tests.conformance.coco_evaluation import altered, labels_as_found, load, rate
from tests.unit.pipeline.drawn_files import coco_file, cut

Row = dict[str, Any]

NEAR = 1e-6
SHARD_ROWS = 17
TINY = 1e-9

TRAPS: list[Row] = [
    {"sample_id": "first-label", "labels": [("player", 0.1, 0.1, 0.2, 0.3)]},
    {"sample_id": "empty", "labels": []},
    {"sample_id": "nobody-looked", "labels": None},
    {"sample_id": "last-class-first", "labels": [("referee", 0.5, 0.5, 0.1, 0.1), ("goalkeeper", 0.1, 0.1, 0.1, 0.1)]},
    {"sample_id": "whole-picture", "labels": [("player", 0.0, 0.0, 1.0, 1.0)]},
    {"sample_id": "far-edge", "labels": [("player", 0.7, 0.7, 0.30000000000000004, 0.3)]},
    {"sample_id": "outside", "labels": [("player", 0.9, 0.9, 0.2, 0.2), ("player", 0.1, 0.1, 0.1, 0.1)]},
    {"sample_id": "tiny", "labels": [("player", 0.5, 0.5, TINY, TINY)]},
    {"sample_id": "strange", "labels": [("ball", 0.5, 0.5, 0.1, 0.1)]},
    {"sample_id": "thirds", "labels": [("goalkeeper", 1 / 3, 1 / 3, 1 / 3, 1 / 3)], "width": 1919, "height": 1079},
]
LEFT_OUT_TRAPS = {"nobody-looked": "UNLABELLED", "outside": "INVALID_GEOMETRY", "strange": "INVALID_LABEL_SCHEMA"}


def boxed(row: Row) -> Row:
    labels = row["labels"]
    if labels is not None:
        labels = [{"class": name, "bbox": dict(zip("xywh", at, strict=True))} for name, *at in labels]
    return {"asset": f"f/{row['sample_id']}.jpg", "width": 640, "height": 480, **row, "labels": labels}


def traps() -> Iterable[Row]:
    return map(boxed, TRAPS)


def match_rows(capability: str) -> list[Row]:
    return [label_row(frame, capability) for frame in iter_frames() if capability in MATCH_CAPABILITIES]


def written(folder: Path, rows: Iterable[Row], capability: str, at: int = SHARD_ROWS) -> Path:
    """Write the file of a split that has these rows."""
    file = folder / f"coco-{capability}.json"
    file.write_bytes(coco_file(CAPABILITIES[capability], cut(parsed(rows), at)))
    return file


def parsed(rows: Iterable[Row]) -> list[LabelRow]:
    return [parse_row(json.dumps(row).encode()) for row in rows]


def is_sound(row: Row, capability: Capability) -> bool:
    """Whether a row is a picture, told from the row as it was uploaded."""
    if row["labels"] is None or any(label["class"] not in capability.classes for label in row["labels"]):
        return False
    return all(lies_inside(**label.get("bbox", {**label.get("point", {}), "w": 0, "h": 0})) for label in row["labels"])


def lies_inside(x: float, y: float, w: float, h: float) -> bool:
    return min(x, y) >= 0 and max(x + w, y + h) <= 1 + 1e-9


def check_holds(truth: Any, rows: Sequence[Row], capability: Capability) -> None:
    """Every row that is a picture is in the file once, with its labels in their order, and nothing else is."""
    names = {category["id"]: category["name"] for category in truth.dataset["categories"]}
    assert tuple(names.values()) == capability.classes
    staying = [row for row in rows if is_sound(row, capability)]
    images = {image["sample_id"]: image for image in truth.dataset["images"]}
    assert list(images) == [row["sample_id"] for row in staying]
    labels = 0
    for row in staying:
        image = images[row["sample_id"]]
        assert (image["file_name"], image["width"], image["height"]) == (row["asset"], row["width"], row["height"])
        found = sorted(truth.loadAnns(truth.getAnnIds(imgIds=[image["id"]])), key=lambda label: label["id"])
        assert [names[label["category_id"]] for label in found] == [label["class"] for label in row["labels"]]
        for label, given in zip(found, row["labels"], strict=True):
            check_place(label, given, image["width"], image["height"])
        labels += len(found)
    assert labels == len(truth.dataset["annotations"]) == len(truth.anns)


def check_place(label: Any, given: Row, width: int, height: int) -> None:
    if "point" in given:
        x, y, seen = label["keypoints"]
        assert seen == 2
        assert distance([x, y], [given["point"]["x"] * width, given["point"]["y"] * height]) <= NEAR
        left, top, w, h = label["bbox"]
        assert left <= x <= left + w + NEAR
        assert top <= y <= top + h + NEAR
        return
    box = given["bbox"]
    pixels = [box["x"] * width, box["y"] * height, box["w"] * width, box["h"] * height]
    assert distance(label["bbox"], pixels) <= NEAR


def distance(found: Sequence[float], given: Sequence[float]) -> float:
    return max(abs(one - other) for one, other in zip(found, given, strict=True))


def check_is_perfect(truth: Any, kind: str, every: int = 1) -> None:
    """The labels, taken for what a model found, are rated as perfect: in all, and each category that has labels.

    `every` is the distance of the images that are looked at: rating all of a match takes long.
    """
    found = labels_as_found(truth, kind)
    rating = rate(truth, found, kind, truth.getImgIds()[::every])
    assert rating.whole == pytest.approx(1.0)
    assert rating.categories == pytest.approx(dict.fromkeys(sorted({label["category_id"] for label in found}), 1.0))


def test_measured_pedestrians_are_found_again(tmp_path: Path) -> None:
    rows = list(tud_campus.iter_rows())
    truth = load(written(tmp_path, rows, "player_detection"))
    check_holds(truth, rows, CAPABILITIES["player_detection"])
    check_is_perfect(truth, "bbox")
    assert (len(truth.imgs), len(truth.anns)) == (71, 359)
    frame_of = {image["id"]: int(image["sample_id"][-6:]) for image in truth.dataset["images"]}
    measured = [(box.frame, *box[2:]) for box in tud_campus.boxes()]
    for label, (frame, *box) in zip(truth.dataset["annotations"], measured, strict=True):
        assert frame_of[label["image_id"]] == frame
        assert distance(label["bbox"], box) <= NEAR


@pytest.mark.parametrize(
    ("capability", "kind", "left_out"),
    [
        ("player_detection", "bbox", {"INVALID_GEOMETRY": 535}),
        ("ball_detection", "keypoints", {"INVALID_GEOMETRY": 69, "UNLABELLED": 442}),
    ],
)
def test_a_match_is_found_again_but_for_what_lies_off_the_pitch(
    tmp_path: Path, capability: str, kind: str, left_out: dict[str, int]
) -> None:
    rows = match_rows(capability)
    truth = load(written(tmp_path, rows, capability, at=500))
    check_holds(truth, rows, CAPABILITIES[capability])
    check_is_perfect(truth, kind, every=12)
    reasons = Counter(left_out_reason(row, None, stated_size(row), CAPABILITIES[capability]) for row in parsed(rows))
    del reasons[None]
    assert reasons == left_out
    assert len(truth.imgs) == len(rows) - sum(left_out.values())


@pytest.mark.parametrize("at", [1, 3, 100])
def test_what_others_fell_over_is_found_again(tmp_path: Path, at: int) -> None:
    rows = list(traps())
    truth = load(written(tmp_path, rows, "player_detection", at))
    assert {row["sample_id"] for row in rows if not is_sound(row, CAPABILITIES["player_detection"])} == {
        *LEFT_OUT_TRAPS
    }
    check_holds(truth, rows, CAPABILITIES["player_detection"])
    check_is_perfect(truth, "bbox")


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.5)])
def test_a_point_anywhere_in_the_picture_is_found_again(tmp_path: Path, x: float, y: float) -> None:
    row = {"sample_id": "a", "asset": "a.jpg", "width": 640, "height": 480}
    rows = [{**row, "labels": [{"class": "ball", "point": {"x": x, "y": y}}]}]
    truth = load(written(tmp_path, rows, "ball_detection"))
    check_holds(truth, rows, CAPABILITIES["ball_detection"])
    check_is_perfect(truth, "keypoints")
    check_is_perfect(truth, "bbox")


def test_a_point_that_is_missed_by_far_is_not_rated_as_found(tmp_path: Path) -> None:
    truth = load(written(tmp_path, match_rows("ball_detection")[:200], "ball_detection"))
    found = labels_as_found(truth, "keypoints")
    missed = [{**label, "keypoints": [label["keypoints"][0] + 50, *label["keypoints"][1:]]} for label in found]
    assert rate(truth, missed, "keypoints").whole < 0.1


def test_what_a_model_finds_in_a_picture_that_is_labelled_as_empty_counts_against_it(tmp_path: Path) -> None:
    truth = load(written(tmp_path, traps(), "player_detection"))
    (empty,) = [image["id"] for image in truth.dataset["images"] if image["sample_id"] == "empty"]
    found = labels_as_found(truth, "bbox")
    wrong = {**found[0], "image_id": empty}
    assert rate(truth, [wrong, *found], "bbox").categories[found[0]["category_id"]] < 0.9
    others = [image for image in truth.getImgIds() if image != empty]
    assert rate(truth, [wrong, *found], "bbox", others).whole == pytest.approx(1.0)


def count_from_zero(document: Any) -> None:
    for label in document["annotations"]:
        label["id"] -= 1


def count_anew_in_every_shard(document: Any) -> None:
    for number, label in enumerate(document["annotations"]):
        label["id"] = 1 + number % SHARD_ROWS


@pytest.mark.parametrize("trap", [count_from_zero, count_anew_in_every_shard])
def test_ids_that_begin_at_zero_or_repeat_would_make_perfect_labels_imperfect(tmp_path: Path, trap: Any) -> None:
    truth = load(altered(written(tmp_path, tud_campus.iter_rows(), "player_detection"), trap))
    assert rate(truth, labels_as_found(truth, "bbox"), "bbox").whole < 0.995


def test_a_label_that_is_no_picture_is_counted_by_its_first_reason() -> None:
    capability = CAPABILITIES["player_detection"]
    reasons = {row.sample_id: left_out_reason(row, None, stated_size(row), capability) for row in parsed(traps())}
    assert {name: reason for name, reason in reasons.items() if reason} == {
        name: PictureLeftOut(reason) for name, reason in LEFT_OUT_TRAPS.items()
    }
