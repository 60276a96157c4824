"""Label rows whose labels are drawn on pictures: pedestrians, and the match of the demo; what of them is exported.

Boxes are worked out here by arithmetic of its own, so that what a reader found can be compared with them.
"""

import runpy
from pathlib import Path
from typing import Any, NamedTuple

from tests.conformance import tud_campus

Row = dict[str, Any]

EVERY = 10
"""Of the match, every tenth frame."""

MATCH = runpy.run_path(str(Path(__file__).parents[3] / "local/demo/match.py"))
"""The demo's match; its package needs more than this environment has."""


class Given(NamedTuple):
    """Rows of a capability, the split of each group, and what Ultralytics calls the task."""

    capability: str
    rows: list[Row]
    split_of: dict[str, str]
    task: str


def pedestrians() -> Given:
    """One group, so one split; and five frames of the street in which nobody walks."""
    rows = list(tud_campus.iter_rows())
    street = [
        {**row, "sample_id": f"empty-{row['sample_id']}", "asset": f"empty/{row['asset']}", "labels": []}
        for row in rows[:5]
    ]
    return Given("player_detection", rows + street, {row["group"]: "train" for row in rows}, "detect")


def players() -> Given:
    """A match of three splits, its minutes spread over them."""
    rows = _match_rows("player_detection")
    return Given("player_detection", rows, _spread(rows, "train", "train", "val", "test"), "detect")


def balls() -> Given:
    """A match without a val split; of the frames without a ball, somebody has looked at every other one."""
    rows = _match_rows("ball_detection")
    unlabelled = [row for row in rows if row["labels"] is None]
    for row in unlabelled[::2]:
        row["labels"] = []
    return Given("ball_detection", rows, _spread(rows, "train", "train", "test"), "pose")


def _match_rows(capability: str) -> list[Row]:
    return [MATCH["label_row"](frame, capability) for frame in list(MATCH["iter_frames"]())[::EVERY]]


def _spread(rows: list[Row], *splits: str) -> dict[str, str]:
    groups = sorted({row["group"] for row in rows})
    return {group: splits[number % len(splits)] for number, group in enumerate(groups)}


ALL = {"pedestrians": pedestrians, "players": players, "balls": balls}
SPLITS = [
    ("pedestrians", "train"), ("players", "train"), ("players", "val"), ("players", "test"), ("balls", "train"),
    ("balls", "test"),
]  # fmt: skip


def is_picture(row: Row) -> bool:
    """Whether somebody labelled the row and all its labels lie in the picture."""
    if row["labels"] is None:
        return False
    for label in row["labels"]:
        x, y, w, h = (label.get("bbox") or {**label["point"], "w": 0, "h": 0}).values()
        if min(x, y) < 0 or x + w > 1 + 1e-9 or y + h > 1 + 1e-9:
            return False
    return True


def pictures_of(given: Given, split: str) -> dict[str, Row]:
    return {row["sample_id"]: row for row in given.rows if given.split_of[row["group"]] == split and is_picture(row)}


def boxes_of(row: Row) -> list[list[float]]:
    """The middle, width and height of each label; a point has 2 % of both sides, moved into the picture."""
    boxes = []
    for label in row["labels"]:
        if "point" in label:
            x, y = (min(max(side - 0.01, 0), 0.98) for side in (label["point"]["x"], label["point"]["y"]))
            w = h = 0.02
        else:
            x, y, w, h = label["bbox"].values()
        boxes.append([x + w / 2, y + h / 2, w, h])
    return boxes
