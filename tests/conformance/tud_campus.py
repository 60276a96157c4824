"""Pedestrians that were measured by others: the ground truth of TUD-Campus as label rows, and as boxes to compare with.

`motmetrics` carries it in the form of MOT Challenge: frame, person, left, top, width, height in pixels of a picture of
640 x 480 whose top left pixel is (1, 1); a box may reach out of the picture. Here boxes are cut at the picture's edges.
The second sequence that it carries, TUD-Stadtmitte, is read the same way where a test needs two groups.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

SequenceName = Literal["TUD-Campus", "TUD-Stadtmitte"]

WIDTH, HEIGHT = 640, 480
FRAMES = {"TUD-Campus": 71, "TUD-Stadtmitte": 179}
CLASS = "player"


class TruthBox(NamedTuple):
    """A person in a frame: numbers from 1, and the box in pixels from the picture's top left corner."""

    frame: int
    person: int
    x: float
    y: float
    w: float
    h: float


def boxes(sequence: SequenceName = "TUD-Campus") -> Iterator[TruthBox]:
    """Yield the boxes by frame, then person.

    >>> first = next(boxes())
    >>> print(first)
    TruthBox(frame=1, person=1, x=398.0, y=181.0, w=121.0, h=229.0)
    """
    found = find_spec("motmetrics")
    assert found is not None
    assert found.origin is not None
    lines = (Path(found.origin).parent / "data" / sequence / "gt.txt").read_text().splitlines()
    measured = sorted([float(field) for field in line.split(",")] for line in lines)
    for frame, person, left, top, width, height, *_ in measured:
        x, y = max(left - 1, 0.0), max(top - 1, 0.0)
        w, h = min(left - 1 + width, WIDTH) - x, min(top - 1 + height, HEIGHT) - y
        if w > 0 and h > 0:
            yield TruthBox(int(frame), int(person), x, y, w, h)


def iter_rows(sequence: SequenceName = "TUD-Campus") -> Iterator[dict[str, Any]]:
    """Yield a label row of `player_detection` for every frame, those without a person as labelled as empty.

    >>> row = next(iter_rows())
    >>> row["sample_id"], row["asset"], len(row["labels"])
    ('tud-campus-000001', 'frames/tud-campus/000001.jpg', 6)
    >>> row["labels"][0]
    {'class': 'player', 'bbox': {'x': 0.621875, 'y': 0.3770833333333333, 'w': 0.1890625, 'h': 0.47708333333333336}}
    """
    name = sequence.lower()
    by_frame = {frame: list(found) for frame, found in groupby(boxes(sequence), lambda box: box.frame)}
    for frame in range(1, FRAMES[sequence] + 1):
        yield {
            "sample_id": f"{name}-{frame:06d}",
            "group": name,
            "camera_type": "broadcast",
            "asset": f"frames/{name}/{frame:06d}.jpg",
            "width": WIDTH,
            "height": HEIGHT,
            "labels": [_label(box) for box in by_frame.get(frame, [])],
        }


def _label(box: TruthBox) -> dict[str, Any]:
    fractions = {"x": box.x / WIDTH, "y": box.y / HEIGHT, "w": box.w / WIDTH, "h": box.h / HEIGHT}
    return {"class": CLASS, "bbox": fractions}
