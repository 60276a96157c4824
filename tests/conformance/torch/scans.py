"""Ultralytics' own scan of a folder of pictures and label texts."""

from pathlib import Path
from typing import Any, NamedTuple


class Scan(NamedTuple):
    """What Ultralytics counted in a split, what it complained of, and the labels that it read, by sample id."""

    found: int
    missing: int
    empty: int
    corrupt: int
    pictures: int
    complaints: list[str]
    labels: dict[str, dict[str, Any]]


def dataset(folder: Path, split: str, task: str, mode: str = "val", side: int = 64) -> Any:
    """Ultralytics' dataset of a split; making it scans the split."""
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset
    from ultralytics.data.utils import check_det_dataset

    told = check_det_dataset(folder / "data.yaml", autodownload=False, split=split)
    settings = get_cfg(overrides={"task": task, "imgsz": side})
    return build_yolo_dataset(settings, told[split], 16, told, mode=mode)


def scan(folder: Path, split: str, task: str) -> Scan:
    """Scan a split anew."""
    from ultralytics.data.utils import load_dataset_cache_file

    cache = folder / "labels" / f"{split}.cache"
    cache.unlink(missing_ok=True)
    read = dataset(folder, split, task)
    told = load_dataset_cache_file(cache)
    found, missing, empty, corrupt, pictures = told["results"]
    labels = {Path(label["im_file"]).stem: label for label in read.labels}
    return Scan(found, missing, empty, corrupt, pictures, told["msgs"], labels)
