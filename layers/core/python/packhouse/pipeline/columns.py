"""The columns of a label row and the numbers of each geometry, as the documents of a dataset version describe them.

`rows.py` decides what a row is; here stand the types that readers are told, and the words that people are.
"""

from typing import Any, NamedTuple

from msgspec import UNSET

from packhouse.pipeline.capabilities import LabelKind
from packhouse.pipeline.rows import LabelRow

LABELS = "labels"
CLASS = "class"


class Column(NamedTuple):
    """A column other than `labels`: its name, its type in Arrow's words, and what it says."""

    name: str
    dtype: str
    meaning: str


COLUMNS = (
    Column("sample_id", "string", "the sample; unique in the dataset version, and never absent"),
    Column("group", "string", "what the sample was taken from; all samples of a group are in one split"),
    Column("camera_type", "string", "what it was taken with"),
    Column("asset", "string", "path of the picture or sound below the project's assets"),
    Column("width", "int64", "width of the picture in pixels, as it is displayed"),
    Column("height", "int64", "height of the picture in pixels, as it is displayed"),
    Column("split", "string", "the split that the row itself named; the file it stands in is what counts"),
)
"""In the canonical order of a row's keys, `labels` left out."""

GEOMETRY = {
    LabelKind.POINT: (("x", "float64"), ("y", "float64")),
    LabelKind.BBOX: (("x", "float64"), ("y", "float64"), ("w", "float64"), ("h", "float64")),
    LabelKind.SEGMENT: (("start_ms", "int64"), ("end_ms", "int64")),
}
"""The numbers of each kind of label, with their types, in the order of the keys."""

_OPTIONAL = tuple(column.name for column in COLUMNS if column.name != "sample_id")


def columns_of(row: LabelRow) -> tuple[str, ...]:
    """Return the optional columns that a row states, in canonical order.

    >>> columns_of(LabelRow(sample_id="a", asset="frames/a.png", width=1920, labels=None))
    ('asset', 'width')
    """
    return tuple(name for name in _OPTIONAL if getattr(row, name) not in {UNSET, None})


def kinds_told(kind: LabelKind, *, every_kind: bool) -> tuple[LabelKind, ...]:
    """Return the kinds that a reader has to know: all of them where a label may be of another kind than it should."""
    return tuple(GEOMETRY) if every_kind else (kind,)


def features(kinds: tuple[LabelKind, ...]) -> list[dict[str, Any]]:
    """Return the columns as `dataset_info.features` of a Hugging Face dataset card has them.

    With the types stated, a column that is absent or null in the first block of a file may come later, and a column
    that no row has is there, as nulls (https://huggingface.co/docs/datasets/about_dataset_features).

    >>> features((LabelKind.SEGMENT,))[6]["list"][1]["struct"]
    [{'name': 'start_ms', 'dtype': 'int64'}, {'name': 'end_ms', 'dtype': 'int64'}]
    """
    label: list[dict[str, Any]] = [{"name": CLASS, "dtype": "string"}]
    for kind in kinds:
        numbers = [{"name": name, "dtype": dtype} for name, dtype in GEOMETRY[kind]]
        label.append({"name": kind.value, "struct": numbers})
    *columns, split = ({"name": column.name, "dtype": column.dtype} for column in COLUMNS)
    return [*columns, {"name": LABELS, "list": label}, split]
