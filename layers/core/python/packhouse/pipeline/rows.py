"""The label row: its form, its canonical bytes, and the fault that a line has when it is not one.

Format: `pipeline.md`, "Label rows". One JSON object a line; `labels` null means unlabelled, `[]` labelled as empty.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

TOLD_CHARACTERS = 300
NAME_CHARACTERS = 200
LINE_BYTES = 1_000_000
"""A line may have this many bytes, its line end not counted."""

_T = TypeVar("_T")
_OBJECT_KEYS = {"point": 2, "bbox": 4, "segment": 2}
_PATH = re.compile(r" - at `\$((?:\.[a-z_]+|\[\d+\]|\[\.\.\.\])+)`$")
_SPACED_COLON = re.compile(rb'"\s+:')
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")


_Milliseconds = Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]
"""The integers that every reader of JSON keeps as they are (RFC 8259, 6)."""


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """A point in fractions of the picture, origin top left."""

    x: float
    y: float


class Box(Struct, frozen=True, forbid_unknown_fields=True):
    """A box in fractions of the picture: top left corner, width, height."""

    x: float
    y: float
    w: float
    h: float


class Segment(Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of time in milliseconds, the end not included."""

    start_ms: _Milliseconds
    end_ms: _Milliseconds


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """A class and exactly one geometry."""

    class_: Annotated[str, Meta(min_length=1, max_length=100)] = msgspec.field(name="class")
    point: Point | UnsetType = UNSET
    bbox: Box | UnsetType = UNSET
    segment: Segment | UnsetType = UNSET

    @property
    def kind(self) -> str:
        """The name of the geometry that the label has."""
        if self.point is not UNSET:
            return "point"
        return "bbox" if self.bbox is not UNSET else "segment"


_Text = Annotated[str, Meta(max_length=NAME_CHARACTERS)]
_Asset = Annotated[str, Meta(min_length=1, max_length=1024)]
_Pixels = Annotated[int, Meta(ge=1, le=1_000_000)]


class LabelRow(Struct, forbid_unknown_fields=True, kw_only=True):
    """One sample and its labels; the order of the fields is the canonical order of the keys."""

    sample_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,200}\Z")]
    group: _Text | UnsetType | None = UNSET
    camera_type: _Text | UnsetType | None = UNSET
    asset: _Asset | UnsetType | None = UNSET
    width: _Pixels | UnsetType | None = UNSET
    height: _Pixels | UnsetType | None = UNSET
    labels: list[Label] | None
    split: Annotated[str, Meta(pattern=r"^(train|val|test)\Z")] | UnsetType | None = UNSET

    @property
    def group_name(self) -> str:
        """The group, or `""` for rows that name none: they stay together, so that none of them can leak."""
        return self.group or ""


class RowFault(Struct, frozen=True):
    """Why a line is not a label row: `line` counts from 1, `pointer` is a JSON pointer into the line."""

    line: int
    pointer: str
    rule: str
    detail: str


class RowError(ValueError):
    """A line that is not a row of its form: the rule it breaks, a JSON pointer into the line, and a sentence.

    Both are cut where they quote much of the line: faults are kept and told by the hundred.
    """

    def __init__(self, rule: str, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.pointer = _cut(pointer)
        self.detail = _cut(detail)


def _cut(text: str) -> str:
    """Return the beginning of a text that is long.

    >>> len(_cut("x" * 1_000_000)), _cut("short")
    (300, 'short')
    """
    return text if len(text) <= TOLD_CHARACTERS else f"{text[: TOLD_CHARACTERS - 1]}…"


_decoder = msgspec.json.Decoder(LabelRow)
_encoder = msgspec.json.Encoder()
_OPTIONAL = ("group", "camera_type", "asset", "width", "height", "split")


def decode_canonical(line: bytes) -> LabelRow:
    """Return the row of a canonical line, one that `encode_row` wrote."""
    return _decoder.decode(line)


def encode_row(row: LabelRow) -> bytes:
    """Return the canonical line of a row, without its line end.

    >>> line = b'{"labels": [{"point": {"y": 1, "x": 0.5}, "class": "ball"}], "group": "g", "sample_id": "a"}'
    >>> encode_row(parse_row(line))
    b'{"sample_id":"a","group":"g","labels":[{"class":"ball","point":{"x":0.5,"y":1.0}}]}'
    """
    return _encoder.encode(row)


def parse_row(line: bytes) -> LabelRow:
    """Return the row that a line of an upload holds, or raise `RowError` with the rule it breaks and where."""
    row = decode_line(line, _decoder, _keys)
    _check_labels(row)
    if isinstance(row.asset, str):
        check_asset(row.asset)
    _normalise(row, line)
    return row


def decode_line(line: bytes, decoder: msgspec.json.Decoder[_T], count_keys: Callable[[_T], int]) -> _T:
    """Return what a line holds; `RowError` with `NOT_JSON`, `ROW_FORM`, or `DUPLICATE_KEY`.

    `count_keys` tells how many keys the line has when no object gives one twice. The pointer of `DUPLICATE_KEY` is the
    key alone, without the objects around it.
    """
    try:
        row = decoder.decode(line)
    except msgspec.ValidationError as error:
        raise _form_error(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RowError("NOT_JSON", "", str(error)) from error
    except RecursionError as error:  # where the decoder looks ahead for the type of an object, it reads all before it
        raise RowError("ROW_FORM", "", "a line has deeper brackets than any row") from error
    if line.count(b'":') != count_keys(row) or _SPACED_COLON.search(line):
        _refuse_equal_keys(line)
    return row


def _keys(row: LabelRow) -> int:
    """How many keys the row's line has when none is given twice."""
    keys = 2 + sum(getattr(row, name) is not UNSET for name in _OPTIONAL)
    for label in row.labels or ():
        keys += 1
        for kind, inner in _OBJECT_KEYS.items():
            if getattr(label, kind) is not UNSET:
                keys += 1 + inner
    return keys


def _refuse_equal_keys(line: bytes) -> None:
    """Look closely at a line whose count of `":` is not that of its keys, or cannot be trusted to be."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise RowError("DUPLICATE_KEY", f"/{name}", f"the key {name!r} is given twice in one object")
        return dict(pairs)

    json.loads(line, object_pairs_hook=unique)


def _check_labels(row: LabelRow) -> None:
    for number, label in enumerate(row.labels or ()):
        if sum(getattr(label, kind) is not UNSET for kind in _OBJECT_KEYS) != 1:
            raise RowError("LABEL_GEOMETRY", f"/labels/{number}", "a label has exactly one of point, bbox, segment")


def check_asset(asset: str) -> None:
    """Raise `RowError` unless this is a path below the project's assets, out of which nothing climbs."""
    steps = asset.split("/")
    if "" in steps or "." in steps or ".." in steps or "\\" in asset or ":" in steps[0] or not asset.isprintable():
        raise RowError("ASSET_PATH", "/asset", "an asset is a relative path below the project's assets")


def _normalise(row: LabelRow, line: bytes) -> None:
    """Absent and null are one thing; text that names things is NFC, so that one group has one spelling."""
    for name in _OPTIONAL:
        if getattr(row, name) is None:
            setattr(row, name, UNSET)
    if line.isascii() and b"\\u" not in line:
        return
    for name in ("group", "camera_type"):
        value = getattr(row, name)
        if isinstance(value, str):
            normal = unicodedata.normalize("NFC", value)
            if len(normal) > NAME_CHARACTERS:  # some characters have no shorter form than two or three
                raise RowError("ROW_FORM", f"/{name}", f"Expected `str` of length <= {NAME_CHARACTERS} in NFC")
            setattr(row, name, normal)


def _form_error(error: msgspec.ValidationError) -> RowError:
    detail = str(error)
    found = _PATH.search(detail)
    pointer = "".join(f"/{key or index}" for key, index in _STEP.findall(found.group(1))) if found else ""
    return RowError("ROW_FORM", pointer, _PATH.sub("", detail))
