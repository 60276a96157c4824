"""What of a sample can be shown: every state, and the one reason that each has."""

import json
import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.errors import CODES
from packhouse.pipeline.assets import MissingReason
from packhouse.pipeline.capabilities import CAPABILITIES, LabelKind
from packhouse.pipeline.rows import Box, Label, Point, Segment
from packhouse.samples.model import AssetReason, Overlay, OverlayReason, State
from packhouse.samples.rules import CONTENT_TYPES, UNKNOWN, content_type_of, overlay_of
from tests.registry import Json

BALL, PLAYER, SOUND = (
    CAPABILITIES[name] for name in ("ball_detection", "player_detection", "audio_artifact_detection")
)
POINT, BOX = Label("ball", point=Point(0.25, 0.5)), Label("player", bbox=Box(0.1, 0.2, 0.3, 0.4))
SEGMENT = Label("glitch", segment=Segment(0, 20))
OUTSIDE = [Label("ball", point=Point(x, y)) for x, y in product((-0.1, 0.5, 1.1), repeat=2) if (x, y) != (0.5, 0.5)]
NUMBERS = st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.0, 0.5, math.nan, math.inf, -math.inf])
LABELS = st.builds(lambda x, y: Label("ball", point=Point(x, y)), NUMBERS, NUMBERS) | st.builds(
    lambda x, y, w, h: Label("player", bbox=Box(x, y, w, h)), NUMBERS, NUMBERS, NUMBERS, NUMBERS
)


def shown(overlay: Overlay) -> Json:
    found: Json = json.loads(overlay.model_dump_json())
    return found


@pytest.mark.parametrize("labels", [None, [], [SEGMENT], [POINT], [BOX]])
def test_a_capability_without_an_overlay_is_unsupported_whatever_its_labels(labels: list[Label] | None) -> None:
    assert shown(overlay_of(SOUND, labels)) == {
        "kind": None,
        "state": "unsupported",
        "geometry": [],
        "reason_code": "SAMPLE_TYPE_UNSUPPORTED",
    }


def test_a_point_is_shown_with_its_class() -> None:
    assert shown(overlay_of(BALL, [POINT])) == {
        "kind": "point",
        "state": "available",
        "geometry": [{"class": "ball", "x": 0.25, "y": 0.5}],
        "reason_code": None,
    }


def test_a_box_is_shown_with_its_class_and_size() -> None:
    assert shown(overlay_of(PLAYER, [BOX, BOX])) == {
        "kind": "bbox",
        "state": "available",
        "geometry": [{"class": "player", "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}] * 2,
        "reason_code": None,
    }


BEYOND = Label("player", bbox=Box(0.8, 0.2, 0.3, 0.4))
STATES: list[tuple[str, list[Label] | None, str, int, str]] = [
    ("ball_detection", None, "unavailable", 0, "LABELS_NOT_GIVEN"),
    ("ball_detection", [], "available", 0, "LABELS_EMPTY"),
    ("ball_detection", [BOX], "unavailable", 0, "OVERLAY_KIND_MISMATCH"),
    ("ball_detection", [SEGMENT, BOX], "unavailable", 0, "OVERLAY_KIND_MISMATCH"),
    ("player_detection", [POINT], "unavailable", 0, "OVERLAY_KIND_MISMATCH"),
    ("ball_detection", OUTSIDE, "unavailable", 0, "OVERLAY_GEOMETRY_INVALID"),
    ("ball_detection", [OUTSIDE[0], BOX], "unavailable", 0, "OVERLAY_GEOMETRY_INVALID"),
    ("player_detection", [BEYOND], "unavailable", 0, "OVERLAY_GEOMETRY_INVALID"),
    ("ball_detection", [OUTSIDE[0], POINT], "available", 1, "OVERLAY_PARTIAL"),
    ("ball_detection", [POINT, BOX, POINT], "available", 2, "OVERLAY_PARTIAL"),
    ("player_detection", [BOX, BEYOND, BOX], "available", 2, "OVERLAY_PARTIAL"),
]


@pytest.mark.parametrize(("capability", "labels", "state", "drawn", "reason"), STATES)
def test_every_fallback_has_one_reason(
    capability: str, labels: list[Label] | None, state: str, drawn: int, reason: str
) -> None:
    overlay = overlay_of(CAPABILITIES[capability], labels)
    assert (overlay.kind, overlay.state) == (CAPABILITIES[capability].overlay, state)
    assert (len(overlay.geometry), overlay.reason_code) == (drawn, reason)


def test_every_reason_has_a_state_here_and_a_sentence() -> None:
    assert {reason for *_, reason in STATES} | {"SAMPLE_TYPE_UNSUPPORTED"} == set(OverlayReason)
    assert {*OverlayReason, *AssetReason} <= CODES.keys()


def test_every_reason_why_an_asset_is_missing_is_one_why_it_cannot_be_shown() -> None:
    assert {reason.value for reason in MissingReason} | {"ASSET_NOT_PERMITTED"} == set(AssetReason)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -0.001])
def test_what_is_no_place_in_the_picture_is_not_drawn(at: int, number: float) -> None:
    numbers = [0.1, 0.1, 0.2, 0.2]
    numbers[at] = number
    assert overlay_of(PLAYER, [Label("player", bbox=Box(*numbers))]).reason_code == "OVERLAY_GEOMETRY_INVALID"
    if at < 2:
        assert overlay_of(BALL, [Label("ball", point=Point(*numbers[:2]))]).reason_code == "OVERLAY_GEOMETRY_INVALID"


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0.5), Box(0, 0, 0.5, 0), Box(0.5, 0.5, -0.1, 0.1)])
def test_a_box_of_no_size_is_not_drawn(box: Box) -> None:
    assert overlay_of(PLAYER, [Label("player", bbox=box)]).reason_code == "OVERLAY_GEOMETRY_INVALID"


def test_the_edges_of_the_picture_are_in_it() -> None:
    corners = [Label("ball", point=Point(x, y)) for x, y in product((0.0, 1.0), repeat=2)]
    assert len(overlay_of(BALL, corners).geometry) == 4
    assert overlay_of(PLAYER, [Label("player", bbox=Box(0, 0, 1, 1))]).reason_code is None


@given(st.sampled_from(list(CAPABILITIES.values())), st.none() | st.lists(LABELS, max_size=5))
def test_an_overlay_draws_what_is_in_the_picture_and_says_why_it_draws_no_more(
    capability: object, labels: list[Label] | None
) -> None:
    assert capability in CAPABILITIES.values()
    known = next(each for each in CAPABILITIES.values() if each == capability)
    overlay = overlay_of(known, labels)
    assert (overlay.reason_code is None) is (len(overlay.geometry) == len(labels or ()) > 0)
    assert (overlay.state == State.UNSUPPORTED) is (known.overlay is None)
    assert not overlay.geometry or overlay.state == State.AVAILABLE
    for shape in shown(overlay)["geometry"]:
        assert shape.keys() == {"class", "x", "y"} | ({"w", "h"} if overlay.kind == LabelKind.BBOX else set())
        assert 0 <= shape["x"] <= shape["x"] + shape.get("w", 0) <= 1 + 1e-9
        assert 0 <= shape["y"] <= shape["y"] + shape.get("h", 0) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("asset", "content_type"),
    [
        ("frame.jpg", "image/jpeg"),
        ("a/b.c/FRAME.JPEG", "image/jpeg"),
        ("frame.png", "image/png"),
        ("take.wav", "audio/wav"),
        ("take.1.mp4", "video/mp4"),
        ("frame", UNKNOWN),
        ("folder.jpg/frame", UNKNOWN),
        (".jpg", UNKNOWN),
        ("frame.jpg.exe", UNKNOWN),
        ("page.html", UNKNOWN),
        ("drawing.svg", UNKNOWN),
    ],
)
def test_a_content_type_goes_by_the_end_of_the_name(asset: str, content_type: str) -> None:
    assert content_type_of(asset) == content_type


def test_nothing_that_runs_is_shown_in_place() -> None:
    assert {kind.partition("/")[0] for kind in CONTENT_TYPES.values()} == {"image", "audio", "video"}
    assert "image/svg+xml" not in CONTENT_TYPES.values()
