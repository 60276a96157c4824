"""Label rows that readers of NDJSON stumble over: columns that come late, lists that begin empty, awkward text."""

from typing import Any

FILLER = "\N{RUNNER}"
CLASSES = {"ball_detection": "ball", "player_detection": "referee", "audio_artifact_detection": "long_pause"}
GEOMETRIES: dict[str, list[dict[str, Any]]] = {
    "ball_detection": [
        {"point": {"x": 1.0, "y": 0.0}},
        {"point": {"x": 0.1 + 0.2, "y": 5e-324}},
        {"point": {"x": 1e300, "y": -0.0}},
    ],
    "player_detection": [
        {"bbox": {"x": 0.0, "y": 0.0, "w": 1.0, "h": 1.0}},
        {"bbox": {"x": 0.1, "y": 0.7, "w": 1 / 3, "h": 2e-7}},
    ],
    "audio_artifact_detection": [
        {"segment": {"start_ms": 0, "end_ms": 1}},
        {"segment": {"start_ms": 2**31, "end_ms": 2**53 - 1}},
    ],
}
TEXTS = (
    "line\u2028separator\u2029and\x85more",
    'quote " backslash \\ slash / brace } bracket ]',
    "nul \x00 unit \x1f delete \x7f tab \t return \r\n",
    "e\u0301 é \u202e right to left \ufeff mark \U0001f3c3\u200d\u2642\ufe0f \U0010ffff",
    "null",
    "NaN",
    "",
)


def labels(capability: str) -> list[dict[str, Any]]:
    """Return a label of each awkward geometry."""
    return [{"class": CLASSES[capability], **geometry} for geometry in GEOMETRIES[capability]]


def sparse(count: int, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Return rows of a kilobyte each that state an id, a group, and labels; null unless `more` says otherwise."""
    return [
        {"sample_id": f"{number:_>200}", "group": FILLER * 200, "labels": None, **more}
        for number in range(first, first + count)
    ]


def full(capability: str, count: int = 5) -> list[dict[str, Any]]:
    """Return rows that state every column and have labels."""
    return [
        {
            "sample_id": f"full-{number}",
            "group": "g",
            "camera_type": "broadcast",
            "asset": f"frames/{number}.png",
            "width": 1920,
            "height": 1080,
            "labels": labels(capability),
            "split": "train",
        }
        for number in range(count)
    ]


def awkward(capability: str) -> list[dict[str, Any]]:
    """Return rows with awkward texts, and rows that lack one column each."""
    whole = full(capability, 1)[0]
    worded = [
        {**whole, "sample_id": f"text-{number}", "group": text, "camera_type": text[::-1], "asset": f"é/{number} ü.png"}
        for number, text in enumerate(TEXTS)
    ]
    lacking = [
        {**{key: value for key, value in whole.items() if key != name}, "sample_id": f"without-{name}"}
        for name in ("group", "camera_type", "asset", "width", "height", "split")
    ]
    return [
        *worded,
        *lacking,
        {**whole, "sample_id": "empty", "labels": []},
        {**whole, "sample_id": "null", "labels": None},
    ]
