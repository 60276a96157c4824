"""What is a picture, and why a row is none: one reason each, the first that holds."""

import pytest
from msgspec import UNSET

from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.drawn import PictureLeftOut, drawn_box, is_drawn, left_out_reason, point_box, stated_size
from packhouse.pipeline.pictures import Size
from packhouse.pipeline.rows import Box, Label, LabelRow, Point, Segment
from tests.unit.pipeline.drawn_files import BALL, PLAYERS

SIZE = Size(640, 480)
HERE = Label("ball", point=Point(0.5, 0.5))
OUTSIDE = Label("ball", point=Point(0.5, 1.01))
STRANGE = Label("cone", point=Point(0.5, 0.5))
BOXED = Label("ball", bbox=Box(0.1, 0.1, 0.1, 0.1))


def labelled(*labels: Label) -> LabelRow:
    return LabelRow(sample_id="a", asset="a.png", labels=list(labels))


def test_a_row_with_an_asset_a_size_and_sound_labels_is_a_picture() -> None:
    assert left_out_reason(labelled(HERE), None, SIZE, BALL) is None


def test_a_row_that_is_labelled_as_empty_is_a_picture_and_one_that_nobody_labelled_is_none() -> None:
    assert left_out_reason(labelled(), None, SIZE, BALL) is None
    unlabelled = LabelRow(sample_id="a", asset="a.png", labels=None)
    assert left_out_reason(unlabelled, None, SIZE, BALL) is PictureLeftOut.UNLABELLED


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([HERE, OUTSIDE], PictureLeftOut.INVALID_GEOMETRY),
        ([HERE, STRANGE], PictureLeftOut.INVALID_LABEL_SCHEMA),
        ([HERE, BOXED], PictureLeftOut.INVALID_LABEL_SCHEMA),
        ([OUTSIDE, STRANGE], PictureLeftOut.INVALID_LABEL_SCHEMA),
    ],
)
def test_one_label_that_is_wrong_leaves_the_whole_row_out(labels: list[Label], reason: PictureLeftOut) -> None:
    assert left_out_reason(labelled(*labels), None, SIZE, BALL) is reason


def test_the_first_of_all_reasons_counts() -> None:
    worst = LabelRow(sample_id="a", labels=None)
    for reason in ("ASSET_NOT_GIVEN", "ASSET_NOT_FOUND", "ASSET_EMPTY"):
        assert left_out_reason(worst, reason, None, BALL) == reason
    assert left_out_reason(worst, None, None, BALL) is PictureLeftOut.UNLABELLED
    assert [reason.value for reason in PictureLeftOut] == [
        *("ASSET_NOT_GIVEN", "ASSET_NOT_FOUND", "ASSET_EMPTY"),
        *("UNLABELLED", "INVALID_LABEL_SCHEMA", "INVALID_GEOMETRY", "SIZE_UNKNOWN"),
    ]


def test_a_size_counts_only_where_both_sides_are_stated() -> None:
    for width, height in ((640, UNSET), (UNSET, 480), (UNSET, UNSET), (640, None)):
        assert stated_size(LabelRow(sample_id="a", labels=[], width=width, height=height)) is None
    assert stated_size(LabelRow(sample_id="a", labels=[], width=640, height=480)) == SIZE


def test_labels_of_time_are_drawn_on_nothing() -> None:
    assert {name for name, capability in CAPABILITIES.items() if is_drawn(capability)} == {BALL.name, PLAYERS.name}
    with pytest.raises(ValueError, match="without a place"):
        drawn_box(Label("glitch", segment=Segment(0, 1)))


@pytest.mark.parametrize("x", [0.0, 0.005, 0.01, 0.3, 0.99, 0.995, 1.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_box_of_a_point_holds_it_and_stays_inside_the_picture(x: float, y: float) -> None:
    box = point_box(Point(x, y))
    assert (box.w, box.h) == (0.02, 0.02)
    assert 0 <= box.x <= x <= box.x + box.w <= 1 + 1e-15
    assert 0 <= box.y <= y <= box.y + box.h <= 1 + 1e-15
    assert drawn_box(Label("ball", point=Point(x, y))) == box
