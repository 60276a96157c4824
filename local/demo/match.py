"""The match: its frames as they were tracked, and the label rows and pack slices made of them.

Nothing is repaired on the way: a person or ball off the pitch keeps the position outside [0, 1] that the tracker
gave, because finding those is what the quality policy is for. Left out: pictures (`pitch`) and the API (`walk`).
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

Capability = Literal["ball_detection", "player_detection"]

CAPABILITIES: tuple[Capability, ...] = ("ball_detection", "player_detection")
MATCH_FILE = Path(__file__).parent / "match" / "tracking-2417.ndjson"
MATCH_ID = "2417"

PITCH_M = (105.0, 68.0)
PIXELS_PER_M = 10
PICTURE = (int(PITCH_M[0] * PIXELS_PER_M), int(PITCH_M[1] * PIXELS_PER_M))
PERSON_BOX_M = 2.0

FRAMES_PER_MINUTE = 10 * 60
SLICE_MINUTES = 10


class Person(NamedTuple):
    """One tracked person; `x` and `y` are fractions of the pitch, origin top left."""

    track: int
    role: Literal["player", "goalkeeper", "referee"]
    team: Literal["home", "away"] | None
    x: float
    y: float


class Frame(NamedTuple):
    """One tracked frame; `ball` is a fraction of the pitch, or None where the tracker did not see it."""

    number: int
    ball: tuple[float, float] | None
    people: tuple[Person, ...]

    @property
    def minute(self) -> int:
        """The minute of the recording, counted from 0; the break between the halves is in the count."""
        return self.number // FRAMES_PER_MINUTE

    @property
    def asset(self) -> str:
        """Where the frame's picture lies below the project's assets."""
        return f"frames/m{MATCH_ID}/{self.number:06d}.png"


class Slice(NamedTuple):
    """The label rows of one pack: at most ten minutes of play of one capability, in frame order."""

    name: str
    capability: Capability
    rows: tuple[dict[str, Any], ...]

    def body(self) -> bytes:
        """The pack's NDJSON, one row a line; the same bytes on every call."""
        return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in self.rows)


def iter_frames(path: Path = MATCH_FILE) -> Iterator[Frame]:
    """Read the match in frame order, one line in memory at a time."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            ball = tuple(row["ball"]) if row["ball"] else None
            yield Frame(row["frame"], ball, tuple(Person(*person) for person in row["people"]))


def label_row(frame: Frame, capability: Capability) -> dict[str, Any]:
    """Word one frame as a label row of the capability.

    A ball the tracker did not see is *unlabelled* (`None`), not *labelled as empty*: nobody looked whether it is there.

    >>> frame = Frame(7300, (0.5, 1.01), (Person(4, "goalkeeper", "home", 0.1, 0.5),))
    >>> print(json.dumps(label_row(frame, "ball_detection")))
    ... # doctest: +NORMALIZE_WHITESPACE
    {"sample_id": "m2417-007300", "group": "match-2417-min-012", "camera_type": "broadcast",
     "asset": "frames/m2417/007300.png", "width": 1050, "height": 680,
     "labels": [{"class": "ball", "point": {"x": 0.5, "y": 1.01}}]}
    >>> label_row(frame, "player_detection")["labels"]
    [{'class': 'goalkeeper', 'bbox': {'x': 0.090476, 'y': 0.485294, 'w': 0.019048, 'h': 0.029412}}]
    >>> label_row(frame._replace(ball=None), "ball_detection")["labels"] is None
    True
    """
    return {
        "sample_id": f"m{MATCH_ID}-{frame.number:06d}",
        "group": f"match-{MATCH_ID}-min-{frame.minute:03d}",
        "camera_type": "broadcast",
        "asset": frame.asset,
        "width": PICTURE[0],
        "height": PICTURE[1],
        "labels": _ball_labels(frame) if capability == "ball_detection" else _person_labels(frame),
    }


def iter_slices(capability: Capability, path: Path = MATCH_FILE) -> Iterator[Slice]:
    """Cut the match into packs of ten minutes in time order; minutes without play make no pack."""
    for tens, frames in itertools.groupby(iter_frames(path), lambda frame: frame.minute // SLICE_MINUTES):
        first = tens * SLICE_MINUTES
        name = f"match-{MATCH_ID}-min-{first:03d}-{first + SLICE_MINUTES - 1:03d}-{capability.replace('_', '-')}"
        yield Slice(name, capability, tuple(label_row(frame, capability) for frame in frames))


def _ball_labels(frame: Frame) -> list[dict[str, Any]] | None:
    if frame.ball is None:
        return None
    x, y = frame.ball
    return [{"class": "ball", "point": {"x": x, "y": y}}]


def _person_labels(frame: Frame) -> list[dict[str, Any]]:
    """Boxes of PERSON_BOX_M on each side around where a person stands, in the tracker's order."""
    w, h = PERSON_BOX_M / PITCH_M[0], PERSON_BOX_M / PITCH_M[1]
    return [
        {
            "class": person.role,
            "bbox": {
                "x": round(person.x - w / 2, 6),
                "y": round(person.y - h / 2, 6),
                "w": round(w, 6),
                "h": round(h, 6),
            },
        }
        for person in frame.people
    ]
