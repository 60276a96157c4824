"""The families of bad lines that only label rows or only rollouts have, and both kinds of lines."""

import json
from collections.abc import Callable

from tests.faults.bad_lines import DEEP, BadLine, Kind, Making, pointer_of
from tests.faults.good_rows import Path, good_label_row, good_rollout

_ASSETS = (
    "..", "../x.jpg", "a/../../x.jpg", "a/..", "/etc/passwd", "a\\b.jpg", "..\\x.jpg", "C:/x.jpg", "s3://bucket/key",
    "http://example.test/x.jpg", "file:x", "a//b.jpg", "a/", "./a.jpg", "a/./b", ".", "/", "a\n.jpg", "a\x00.jpg",
    "a\u202e.jpg", "a\u00a0.jpg", "\u200b",
)  # fmt: skip


def _spliced(making: Making, family: str, path: Path, raw: str, rule: str = "ROW_FORM") -> BadLine:
    return BadLine(family, making.spliced(path, raw.encode()), rule, pointer_of(path))


def _asset_path(making: Making) -> BadLine:
    asset = json.dumps(making.random.choice(_ASSETS))
    return _spliced(making, "asset path", ("asset",), asset, "ASSET_PATH")


def _size(making: Making) -> BadLine:
    side = making.random.choice(["width", "height"])
    return _spliced(
        making, "size", (side,), making.random.choice(["0", "-1", "1000001", "1e3", "1920.0", "-0", "99999999"])
    )


def _geometry(making: Making) -> BadLine:
    number = making.random.randrange(len(making.row["labels"]))
    label = making.row["labels"][number]
    if making.random.random() < 0.5:
        making.row["labels"][number] = {"class": label["class"]}
    else:
        both = {
            "point": {"x": 0, "y": 1},
            "bbox": {"x": 0, "y": 0, "w": 1, "h": 1},
            "segment": {"start_ms": 0, "end_ms": 1},
        }
        kinds = making.random.choice([("point", "bbox"), ("bbox", "segment"), ("segment", "point"), tuple(both)])
        making.row["labels"][number] = {"class": "ball", **{kind: both[kind] for kind in kinds}}
    return BadLine("geometry", making.text(), "LABEL_GEOMETRY", f"/labels/{number}")


def _split(making: Making) -> BadLine:
    return _spliced(
        making, "split", ("split",), json.dumps(making.random.choice(["dev", "", "Train", "train\n", " val"]))
    )


def _long_text(making: Making) -> BadLine:
    field, limit = making.random.choice([("group", 200), ("camera_type", 200), ("asset", 1024), ("class", 100)])
    path: Path = ("labels", 0, "class") if field == "class" else (field,)
    longer = (
        ""
        if field in {"asset", "class"} and making.random.random() < 0.3
        else "ü" * making.random.randint(limit + 1, 2000)
    )
    return _spliced(making, "long text", path, json.dumps(longer, ensure_ascii=False))


def _message(rule: str, *contents: str) -> Callable[[Making], BadLine]:
    def made(making: Making) -> BadLine:
        content = json.dumps(making.random.choice(contents), ensure_ascii=making.random.random() < 0.5)
        return _spliced(making, rule.lower(), ("events", 1, "content"), content, rule)

    return made


def _turn(making: Making) -> BadLine:
    likelihood = dict(making.row["loglik"][0])
    if making.random.random() < 0.5:
        making.row["loglik"].append(likelihood)
    else:
        making.row["loglik"] += [{**likelihood, "turn": making.random.choice([3, 4, 2**31 - 1])}]
    return BadLine("loglik turn", making.text(), "LOGLIK_TURN", "/loglik/1/turn")


def _number(making: Making) -> BadLine:
    path, raws = making.random.choice(
        [
            (("rollout_index",), ("-1", "2147483648", "1.0", "1e3")),
            (("temperature",), ("-0.1", "100.5", "-1e-300")),
            (("events", 2, "days"), ("0", "-1", "-0.0", "1e-999")),
            (("loglik", 0, "turn"), ("0", "-1", "2147483648", "1.5")),
            (("loglik", 0, "tokens"), ("0", "2147483648")),
            (("loglik", 0, "conditional"), ("0.5", "1e-300")),
        ]
    )
    for at, event in enumerate(making.row["events"]):
        if event["type"] == "time_skip" and path[0] == "events":
            path = ("events", at, "days")
    return _spliced(making, "number", path, making.random.choice(raws))


def _events(making: Making) -> BadLine:
    silence = '{"type":"operator_no_response"}'
    lists = ["[]", f"[{','.join([silence] * 10_001)}]"]
    return _spliced(making, "events", ("events",), making.random.choice(lists))


def _event_type(making: Making) -> BadLine:
    number = making.random.randrange(len(making.row["events"]))
    kinds = ["", "message", "PersonaMessage", "persona_message ", "x - at `$.foo`", "ü", "operator_message\n"]
    return _spliced(making, "event type", ("events", number, "type"), json.dumps(making.random.choice(kinds)))


def _deep_event(making: Making) -> BadLine:
    """Deep brackets before the type of an event: a reader has to look past them to know what the event is."""
    number = making.random.randrange(len(making.row["events"]))
    event = json.dumps(making.row["events"][number]).encode()
    deep = b"[" * DEEP + b"]" * making.random.choice([0, DEEP])
    line = making.spliced(("events", number), b'{"zz":' + deep + b"," + event[1:])
    return BadLine("deep event", line, "ROW_FORM", None)


LABEL_ROWS = Kind(
    good_label_row,
    "sample_id",
    ("width", "height", "start_ms", "end_ms"),
    {
        "asset path": _asset_path,
        "size": _size,
        "geometry": _geometry,
        "split": _split,
        "long text": _long_text,
    },
)
ROLLOUTS = Kind(
    good_rollout,
    "rollout_id",
    ("rollout_index", "turn", "tokens"),
    {
        "message empty": _message(
            "MESSAGE_EMPTY", " ", "\n\t", "<thinking>a</thinking>", "<thinking>a</thinking> \u00a0"
        ),
        "canonical token": _message(
            "CANONICAL_TOKEN", "<no_response/>", "a <no_response/>", "<no_<thinking>x</thinking>response/>"
        ),
        "thinking block": _message(
            "THINKING_BLOCK",
            "<thinking>a",
            "a</thinking>",
            "</thinking>a<thinking>",
            "<thinking>a</thinking>b<thinking>c</thinking>",
        ),
        "loglik turn": _turn,
        "number": _number,
        "events": _events,
        "event type": _event_type,
        "deep event": _deep_event,
    },
)
