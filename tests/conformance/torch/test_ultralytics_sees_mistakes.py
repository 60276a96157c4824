"""What the product avoids makes Ultralytics' scan fail or drop a picture: so its scan would tell."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conformance.torch.scans import scan

pytestmark = pytest.mark.usefixtures("ultralytics_home", "no_calls", "elsewhere")


class Spoiled(NamedTuple):
    """A mistake in a label text, and what it does to the scan."""

    change: Callable[[str], str]
    corrupt: int
    complaint: str


TEXTS = {
    "a class number too many": Spoiled(lambda text: f"3{text[1:]}", 1, "exceeds dataset class count"),
    "pixels": Spoiled(lambda _: "0 320.0 240.0 64.0 48.0\n", 1, "non-normalized"),
    "a box that begins left of the picture": Spoiled(lambda _: "0 -0.1 0.5 0.1 0.1\n", 1, "negative label values"),
    "a class name": Spoiled(lambda text: f"player{text[1:]}", 1, "could not convert string to float"),
    "a number too many": Spoiled(lambda text: text.replace("\n", " 2\n", 1), 1, "inhomogeneous"),
    "a label twice": Spoiled(lambda text: text.splitlines(keepends=True)[0] + text, 0, "1 duplicate labels removed"),
}


@pytest.mark.parametrize("spoiled", TEXTS.values(), ids=TEXTS)
def test_the_scan_sees_a_mistake_in_a_text(copied: Callable[[str], Path], spoiled: Spoiled) -> None:
    folder = copied("pedestrians")
    text = folder / "labels/train/tud-campus-000009.txt"
    text.write_text(spoiled.change(text.read_text()))
    scanned = scan(folder, "train", "detect")
    assert scanned.corrupt == spoiled.corrupt
    assert ("tud-campus-000009" in scanned.labels) == (not spoiled.corrupt)
    assert [spoiled.complaint in complaint for complaint in scanned.complaints] == [True]


def test_boxes_alone_are_no_poses(copied: Callable[[str], Path]) -> None:
    folder = copied("balls")
    text = next(path for path in sorted((folder / "labels/test").glob("*.txt")) if path.stat().st_size)
    text.write_text("0 0.5 0.5 0.02 0.02\n")
    scanned = scan(folder, "test", "pose")
    assert scanned.corrupt == 1
    assert text.stem not in scanned.labels


def test_a_picture_without_a_text_is_taken_for_a_background(copied: Callable[[str], Path]) -> None:
    """Why a row that nobody labelled is no picture."""
    folder = copied("pedestrians")
    before = scan(folder, "train", "detect")
    (folder / "labels/train/tud-campus-000009.txt").unlink()
    after = scan(folder, "train", "detect")
    assert (after.missing, after.corrupt, after.complaints) == (1, 0, [])
    assert len(before.labels["tud-campus-000009"]["cls"]) == 6
    assert len(after.labels["tud-campus-000009"]["cls"]) == 0


DATA_YAML = {
    "a folder from where one stands": (lambda text: f"path: .\n{text}", FileNotFoundError, "images not found"),
    "names with a gap": (lambda text: text.replace("  2:", "  3:"), KeyError, "class indices 0-2"),
    "no val": (lambda text: text.replace("val:", "validate:"), SyntaxError, "'val:' key missing"),
}


@pytest.mark.parametrize(("change", "error", "told"), DATA_YAML.values(), ids=DATA_YAML)
def test_a_mistake_in_data_yaml_is_refused(
    copied: Callable[[str], Path], change: Callable[[str], str], error: type[Exception], told: str
) -> None:
    from ultralytics.data.utils import check_det_dataset

    data_yaml = copied("pedestrians") / "data.yaml"
    check_det_dataset(data_yaml, autodownload=False)
    data_yaml.write_text(change(data_yaml.read_text()))
    with pytest.raises(error, match=told):
        check_det_dataset(data_yaml, autodownload=False)


def test_points_need_their_shape(copied: Callable[[str], Path]) -> None:
    data_yaml = copied("balls") / "data.yaml"
    data_yaml.write_text(data_yaml.read_text().replace("kpt_shape", "shape"))
    with pytest.raises(ValueError, match="kpt_shape"):
        scan(data_yaml.parent, "test", "pose")
