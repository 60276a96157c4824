"""What pycocotools makes of a file when every label in it is also what a model found, with certainty."""

import io
import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pycocotools.coco import COCO  # type: ignore[import-untyped]
from pycocotools.cocoeval import COCOeval  # type: ignore[import-untyped]

POINT_SIGMA = 0.05
"""How far off a point may be, as a share of its object's size; pycocotools knows values for people's joints only."""

Found = list[dict[str, Any]]


def load(file: Path) -> Any:
    """Return the file as `COCO` reads it; what it prints is taken away."""
    with redirect_stdout(io.StringIO()):
        return COCO(str(file))


def labels_as_found(truth: Any, kind: str) -> Found:
    """Return every label as a detection of certainty 1; `kind` is `bbox` or `keypoints`."""
    return [
        {"image_id": label["image_id"], "category_id": label["category_id"], kind: label[kind], "score": 1.0}
        for label in truth.dataset["annotations"]
    ]


class Rating(NamedTuple):
    """AP over all thresholds and sizes: of the whole, as pycocotools sums it up, and of each category with labels."""

    whole: float
    categories: dict[int, float]


def rate(truth: Any, found: Found, kind: str, images: Sequence[int] = ()) -> Rating:
    """Return the rating of what was found, in all images or in those that are named."""
    with redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, truth.loadRes(found), kind)
        if kind == "keypoints":
            evaluation.params.kpt_oks_sigmas = np.array([POINT_SIGMA])
        if images:
            evaluation.params.imgIds = list(images)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    of_categories = evaluation.eval["precision"][:, :, :, 0, -1].mean(axis=(0, 1))
    rated = dict(zip(evaluation.params.catIds, of_categories.tolist(), strict=True))
    return Rating(float(evaluation.stats[0]), {int(category): ap for category, ap in rated.items() if ap >= 0})


def altered(file: Path, change: Callable[[Any], None]) -> Path:
    """Return a copy of the file beside it after `change` was made to what it holds."""
    document = json.loads(file.read_bytes())
    change(document)
    copy = file.with_name(f"altered-{file.name}")
    copy.write_text(json.dumps(document))
    return copy
