"""Label packs of any number of player rows, and the pictures that they are of: the same ones every time."""

import random
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson

from packhouse.aws.objects import SIDE_BY_SIDE, Objects

CAPABILITY = "player_detection"
GROUPS = 20
PICTURES = 200
"""Pictures of a pack; its rows take turns with them."""

UNSIZED = 0
"""The pack whose rows do not state the sizes of their pictures."""

UNLABELLED, EMPTY = 7, 13
"""Of twenty rows one is unlabelled, one has no label in it."""

_CLASSES = ("player", "player", "player", "player", "goalkeeper", "referee")
_CAMERAS = ("broadcast", "behind_goal")
_SIZE = (1920, 1080)


def iter_lines(pack: int, rows: int) -> Iterator[bytes]:
    """Yield the rows of a pack, 0 to 5 boxes each, in the order of their groups."""
    chosen = random.Random(pack)  # noqa: S311  the same ones every time
    match = f"match-{pack:04d}"
    for number in range(rows):
        row: dict[str, object] = {
            "sample_id": f"{match}-{number:07d}",
            "group": f"{match}-{number * GROUPS // rows:02d}",
            "camera_type": _CAMERAS[number % 2],
            "asset": picture_name(pack, number % PICTURES),
        }
        if pack != UNSIZED:
            row |= {"width": _SIZE[0], "height": _SIZE[1]}
        yield orjson.dumps(row | {"labels": _labels(chosen, number % 20)}, option=orjson.OPT_APPEND_NEWLINE)


def _labels(chosen: random.Random, kind: int) -> list[dict[str, object]] | None:
    if kind == UNLABELLED:
        return None
    return [
        {
            "class": chosen.choice(_CLASSES),
            "bbox": {
                "x": round(chosen.random() * 0.9, 5),
                "y": round(chosen.random() * 0.8, 5),
                "w": round(0.02 + chosen.random() * 0.05, 5),
                "h": round(0.05 + chosen.random() * 0.1, 5),
            },
        }
        for _ in range(0 if kind == EMPTY else chosen.randint(1, 5))
    ]


def picture_name(pack: int, number: int) -> str:
    """Return a picture's path below the project's assets."""
    return f"frames/match-{pack:04d}/{number:05d}.png"


def put_pictures(data: Objects, project_id: str, packs: int) -> None:
    """Write the pictures of so many packs: a PNG each whose header is whole, and nothing in it."""
    body = picture()
    keys = [
        f"projects/{project_id}/assets/{picture_name(pack, number)}"
        for pack in range(packs)
        for number in range(PICTURES)
    ]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for _ in pool.map(lambda key: data.overwrite(key, body, "image/png"), keys):
            pass


def picture() -> bytes:
    """Return a PNG of 1920 x 1080 pixels of one grey (W3C PNG, third edition)."""
    width, height = _SIZE
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress(bytes(1 + width) * height, 9)
    chunks = [(b"IHDR", header), (b"IDAT", lines), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    )
