import doctest
import io
import json

import pytest
from PIL import Image

from local.demo import match, pitch
from local.demo.match import CAPABILITIES, PICTURE, Capability, Frame, iter_frames, iter_slices, label_row

FRAMES = list(iter_frames())


def on_the_pitch(x: float, y: float) -> bool:
    return 0 <= x <= 1 and 0 <= y <= 1


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_packs_hold_every_frame_once_and_whole_minutes(capability: Capability) -> None:
    slices = list(iter_slices(capability))
    lines = [line for piece in slices for line in piece.body().splitlines()]
    assert [json.loads(line) for line in lines] == [label_row(frame, capability) for frame in FRAMES]
    assert len({json.loads(line)["sample_id"] for line in lines}) == len(lines) == 3_478
    groups = [{row["group"] for row in piece.rows} for piece in slices]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 93
    assert len({piece.name for piece in slices}) == len(slices) == 11


def test_positions_off_the_pitch_reach_the_rows_unclamped() -> None:
    balls = [row["labels"] for row in (label_row(frame, "ball_detection") for frame in FRAMES)]
    points = [label["point"] for labels in balls if labels is not None for label in labels]
    assert balls.count(None) == 442
    assert balls.count([]) == 0
    assert len(points) == 3_036
    assert sum(not on_the_pitch(point["x"], point["y"]) for point in points) == 69
    people = [person for frame in FRAMES for person in frame.people]
    boxes = [label["bbox"] for frame in FRAMES for label in label_row(frame, "player_detection")["labels"]]
    assert len(boxes) == len(people) == 49_204
    assert sum(not on_the_pitch(person.x, person.y) for person in people) == 150
    assert sum(not on_the_pitch(b["x"], b["y"]) or b["x"] + b["w"] > 1 or b["y"] + b["h"] > 1 for b in boxes) == 630
    for person, box in zip(people, boxes, strict=True):
        assert (box["x"] + box["w"] / 2, box["y"] + box["h"] / 2) == pytest.approx((person.x, person.y), abs=1e-6)


def centre_of(ink: str, picture: Image.Image) -> tuple[float, float]:
    mask = picture.point([255 * (index == pitch.INK[ink]) for index in range(256)], "L")
    pixels = [divmod(at, PICTURE[0]) for at, value in enumerate(mask.tobytes()) if value]
    return sum(x for _, x in pixels) / len(pixels), sum(y for y, _ in pixels) / len(pixels)


@pytest.mark.parametrize(
    "frame",
    [frame for frame in FRAMES if frame.ball and on_the_pitch(*frame.ball)][::200],
    ids=lambda frame: frame.asset,
)
def test_ball_is_drawn_where_its_label_says(frame: Frame) -> None:
    (label,) = label_row(frame, "ball_detection")["labels"]
    x, y = centre_of("ball", Image.open(io.BytesIO(pitch.draw_png(frame))))
    assert (x, y) == pytest.approx((label["point"]["x"] * PICTURE[0], label["point"]["y"] * PICTURE[1]), abs=2)


def test_people_are_drawn_where_their_boxes_say() -> None:
    frame = next(frame for frame in FRAMES if any(person.role == "referee" for person in frame.people))
    alone = frame._replace(ball=None, people=tuple(person for person in frame.people if person.role == "referee"))
    (label,) = label_row(alone, "player_detection")["labels"]
    box = label["bbox"]
    pixels = (pitch.draw(alone).point([255 * (i == pitch.INK["referee"]) for i in range(256)], "L")).getbbox()
    assert pixels is not None
    assert box["x"] * PICTURE[0] <= pixels[0] < pixels[2] <= (box["x"] + box["w"]) * PICTURE[0]
    assert box["y"] * PICTURE[1] <= pixels[1] < pixels[3] <= (box["y"] + box["h"]) * PICTURE[1]


def test_drawing_gives_the_same_bytes_in_order_in_other_processes() -> None:
    frames = FRAMES[:70]
    drawn = list(pitch.iter_pngs(frames))
    assert [frame for frame, _ in drawn] == frames
    assert [png for _, png in drawn] == [pitch.draw_png(frame) for frame in frames]
    assert all(Image.open(io.BytesIO(png)).size == PICTURE for _, png in drawn[:3])


def test_row_format_is_as_documented() -> None:
    outcome = doctest.testmod(match)
    assert outcome.attempted > 0
    assert outcome.failed == 0
