"""Pictures keep their labels whatever samples and assets are called."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conformance.torch.scans import scan
from tests.conformance.torch.yolo_folder import export, paint, put_pictures_in_place, unpack

if TYPE_CHECKING:
    from tests.conformance.torch.drawn_rows import Row

pytestmark = pytest.mark.usefixtures("ultralytics_home", "no_calls", "elsewhere")


def test_pictures_are_found_whatever_samples_and_assets_are_called(tmp_path: Path) -> None:
    """Ultralytics lists neither hidden files nor those whose ending it does not know, and tells of neither."""
    names = {
        ".hidden": "f/1.jpg", "..": "f/2.jpg", "-rf": "-f/3.jpg", "a.b:c": "f/4.JPG", "none": "f/5", "x.jpg": "f/6",
        "asked": "f/7.jpg?v=2", "L" * 200: f"f/8.{'e' * 80}", "said": "f/it's \"9\" $HOME `id`.png", "ü": "f/ü 10.webp",
    }  # fmt: skip
    label = {"class": "player", "bbox": {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}}
    rows: list[Row] = [
        {
            "sample_id": name.replace("ü", "u"),
            "group": "g",
            "asset": asset,
            "width": 64,
            "height": 48,
            "labels": [label],
        }
        for name, asset in names.items()
    ]
    (tmp_path / "dataset").mkdir()
    unpack(tmp_path / "dataset", export("player_detection", rows, {"g": "train"}).archives)
    paint(tmp_path / "assets", rows)
    put_pictures_in_place(tmp_path / "dataset", tmp_path / "assets")
    scanned = scan(tmp_path / "dataset", "train", "detect")
    assert (scanned.found, scanned.pictures, scanned.complaints) == (len(rows), len(rows), [])
    assert [len(read["cls"]) for read in scanned.labels.values()] == [1] * len(rows)
