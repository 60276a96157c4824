"""Ultralytics scans the YOLO export as it stands: no text missing, corrupt or changed, and every box found again."""

from typing import Any

import pytest

from packhouse.pipeline.capabilities import CAPABILITIES
from tests.conformance.torch.conftest import Opened
from tests.conformance.torch.drawn_rows import ALL, SPLITS, boxes_of, is_picture, pictures_of
from tests.conformance.torch.scans import dataset, scan

pytestmark = pytest.mark.usefixtures("ultralytics_home", "no_calls", "elsewhere")

NEAR = 1e-6


def assert_near(read: Any, expected: list[list[float]]) -> None:
    assert len(read) == len(expected)
    for found, meant in zip(read.tolist(), expected, strict=True):
        assert found == pytest.approx(meant, abs=NEAR, rel=0)


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_the_scan_finds_every_picture_and_nothing_to_complain_of(opened: Opened, name: str, split: str) -> None:
    given, folder = opened(name)
    expected = pictures_of(given, split)
    scanned = scan(folder, split, given.task)
    assert (scanned.missing, scanned.corrupt, scanned.complaints) == (0, 0, [])
    assert scanned.found == scanned.pictures == len(expected)
    assert scanned.empty == sum(row["labels"] == [] for row in expected.values())
    assert sorted(scanned.labels) == sorted(expected)


@pytest.mark.parametrize(("name", "split"), SPLITS)
def test_every_box_is_found_again_with_its_class_and_in_its_place(opened: Opened, name: str, split: str) -> None:
    given, folder = opened(name)
    classes = CAPABILITIES[given.capability].classes
    labels = scan(folder, split, given.task).labels
    for sample_id, row in pictures_of(given, split).items():
        read, boxes = labels[sample_id], boxes_of(row)
        assert [classes[int(number)] for (number,) in read["cls"]] == [label["class"] for label in row["labels"]]
        assert_near(read["bboxes"], boxes)
        assert read["shape"] == (row["height"], row["width"])
        if given.task == "pose":
            points = [[label["point"]["x"], label["point"]["y"], 2] for label in row["labels"]]
            assert_near(read["keypoints"][:, 0], points)


def test_rows_are_of_every_kind(opened: Opened) -> None:
    """What the two tests above would not notice: that there is nothing to lose."""
    assert {(name, path.name) for name in ALL for path in (opened(name)[1] / "images").iterdir()} == set(SPLITS)
    balls, _ = opened("balls")
    assert {type(row["labels"]) for row in balls.rows} == {list, type(None)}
    assert any(row["labels"] == [] for row in balls.rows)
    assert any(row["labels"] and not is_picture(row) for row in balls.rows)


def test_points_are_read_as_boxes_by_a_detector(opened: Opened) -> None:
    given, folder = opened("balls")
    assert scan(folder, "test", "detect").labels.keys() == pictures_of(given, "test").keys()
    assert scan(folder, "test", "detect").corrupt == 0


@pytest.mark.parametrize(
    ("name", "val"), [("pedestrians", "images/train"), ("players", "images/val"), ("balls", "images/test")]
)
def test_there_is_always_something_to_validate_with(opened: Opened, name: str, val: str) -> None:
    from ultralytics.data.utils import check_det_dataset

    given, folder = opened(name)
    told = check_det_dataset(folder / "data.yaml", autodownload=False)
    assert (told["train"], told["val"]) == (str(folder / "images/train"), str(folder / val))
    assert told["names"] == dict(enumerate(CAPABILITIES[given.capability].classes))


@pytest.mark.parametrize(("mode", "side"), [("train", 640), ("val", 64)])
@pytest.mark.parametrize("name", ALL)
def test_a_batch_can_be_loaded(
    opened: Opened, caplog: pytest.LogCaptureFixture, name: str, mode: str, side: int
) -> None:
    """To train with, pictures are distorted, and boxes of less than two pixels are dropped."""
    from ultralytics.data.build import build_dataloader
    from ultralytics.utils.torch_utils import init_seeds

    init_seeds(0)
    given, folder = opened(name)
    read = dataset(folder, "train", given.task, mode, side)
    batch = next(iter(build_dataloader(read, batch=16, workers=0, shuffle=False, device="cpu")))
    assert batch["img"].shape == (16, 3, side, side)
    assert len(batch["cls"]) == len(batch["bboxes"]) == len(batch["batch_idx"]) > 0
    if given.task == "pose":
        assert batch["keypoints"].shape == (len(batch["cls"]), 1, 3)
    assert [told.message for told in caplog.records if told.levelname == "WARNING"] == []
