"""Ultralytics YOLO: a tar of label texts, written a row at a time, and the data.yaml in front of them.

Formats: https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/pose/; the tar is ustar
with PAX records for names of more than 100 characters (POSIX.1-2001, pax). Labels of the picture
`images/<split>/<stem><ending>` are in `labels/<split>/<stem>.txt`, a line a label, in fractions of the picture; a
picture without labels has an empty one. The stem is the sample id. `pictures/<split>-<unit>.tsv` tells which asset is
which picture. Pictures themselves are not in it.
"""

import posixpath
from collections.abc import Collection

import msgspec
from msgspec import UNSET

from packhouse.pipeline.capabilities import Capability, LabelKind
from packhouse.pipeline.drawn import drawn_box, file_name
from packhouse.pipeline.rows import Label, LabelRow

BLOCK_BYTES = 512
ARCHIVE_END = bytes(2 * BLOCK_BYTES)
"""Two empty blocks behind the last member."""

DATA_YAML = "data.yaml"

_ENDINGS = frozenset(
    (".avif", ".bmp", ".dng", ".heic", ".heif", ".jp2", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp")
)
"""Endings that Ultralytics lists (`data.utils.IMG_FORMATS`, 8.4)."""

_MILLION = 1_000_000
_VISIBLE = 2
_NAME_BYTES = 100
_FILE, _PAX = b"0", b"x"
_PAX_NAME = "././@PaxHeader"


class YoloShard:
    r"""The tar members of a shard's rows; rows that are left out are not told.

    >>> import tarfile
    >>> from io import BytesIO
    >>> from packhouse.pipeline.capabilities import CAPABILITIES
    >>> shard = YoloShard(CAPABILITIES["player_detection"], "train", 7)
    >>> from packhouse.pipeline.rows import Box
    >>> box = Label("referee", bbox=Box(0.5, 0.25, 1 / 3, 0.5))
    >>> members = shard.draw(LabelRow(sample_id="m17-000123", asset="f/123.JPG", labels=[box]))
    >>> members += shard.draw(LabelRow(sample_id="m17-000124", asset="f/124.JPG", labels=[]))
    >>> archive = tarfile.open(fileobj=BytesIO(members + shard.finish() + ARCHIVE_END))
    >>> for member in archive:
    ...     print(member.name, archive.extractfile(member).read().replace(b"\t", b" -> "))
    labels/train/m17-000123.txt b'2 0.666667 0.500000 0.333333 0.500000\n'
    labels/train/m17-000124.txt b''
    pictures/train-00007.tsv b'images/train/m17-000123.JPG -> f/123.JPG\nimages/train/m17-000124.JPG -> f/124.JPG\n'
    """

    def __init__(self, capability: Capability, split: str, unit: int, project_id: str | None = None) -> None:
        self._split = split
        self._unit = unit
        self._project_id = project_id
        self._numbers = {name: number for number, name in enumerate(capability.classes)}
        self._pictures: list[str] = []

    def draw(self, row: LabelRow) -> bytes:
        """Return the member with the labels of a row for which `drawn.left_out_reason` has none."""
        name = f"{self._split}/{stem(row.sample_id)}"
        asset = file_name(row, self._project_id)
        self._pictures.append(f"images/{name}{ending(asset)}\t{asset}\n")
        numbers = self._numbers
        lines = [label_line(numbers[label.class_], label) for label in row.labels or ()]
        return tar_member(f"labels/{name}.txt", "".join(lines).encode())

    def finish(self) -> bytes:
        """Return the member that tells the pictures and their assets; no bytes when no row was drawn."""
        if not self._pictures:
            return b""
        return tar_member(f"pictures/{self._split}-{self._unit:05d}.tsv", "".join(self._pictures).encode())


def stem(sample_id: str) -> str:
    """Return what a sample's files are called before their endings: its id, unless readers would take it for hidden.

    >>> stem("m17-000123"), stem(".a"), stem("..")
    ('m17-000123', '%2Ea', '%2E.')
    """
    return f"%2E{sample_id[1:]}" if sample_id.startswith(".") else sample_id


def ending(asset: str) -> str:
    """Return how the name of an asset's picture ends: as the asset's does where readers know it, else `.jpg`.

    Readers list pictures by their endings and look into them for what they are.

    >>> ending("f/1.PNG"), ending("f/1"), ending("f/1.jpg?v=2")
    ('.PNG', '.jpg', '.jpg')
    """
    own = posixpath.splitext(asset)[1]
    return own if own.lower() in _ENDINGS else ".jpg"


def label_line(number: int, label: Label) -> str:
    r"""Return a label's line: the number of its class, middle, width and height of its box, and its point if it is one.

    After rounding, the box still lies inside the picture and has sides.

    >>> from packhouse.pipeline.rows import Box, Point
    >>> label_line(0, Label("player", bbox=Box(0.9999999, 0.0, 0.0000001, 1.0)))
    '0 0.999999 0.500000 0.000001 1.000000\n'
    >>> label_line(0, Label("ball", point=Point(0.25, 1.0)))
    '0 0.250000 0.990000 0.020000 0.020000 0.250000 1.000000 2\n'
    """
    box = drawn_box(label)
    x, w = _along(box.x, box.w)
    y, h = _along(box.y, box.h)
    boxed = f"{number} {x / _MILLION:.6f} {y / _MILLION:.6f} {w / _MILLION:.6f} {h / _MILLION:.6f}"
    if (point := label.point) is UNSET:
        return f"{boxed}\n"
    return f"{boxed} {point.x + 0.0:.6f} {point.y + 0.0:.6f} {_VISIBLE}\n"


def data_yaml(capability: Capability, splits: Collection[str]) -> bytes:
    """Return the data.yaml; `splits` are those that have pictures.

    Readers want `train` and `val`: for the one that is missing another split is named, and a comment says so. There is
    no `path:`, so that folders are found beside the file, wherever it is unpacked.

    >>> from packhouse.pipeline.capabilities import CAPABILITIES
    >>> print(data_yaml(CAPABILITIES["ball_detection"], ["train", "test"]).decode(), end="")
    # ball_detection: label texts. To put the pictures beside them, here, with the project's assets in "$ASSETS":
    #   cat pictures/*.tsv | while IFS="$(printf '\\t')" read -r picture asset; do
    #     mkdir -p "$(dirname "$picture")" && cp "$ASSETS/$asset" "$picture"; done
    train: images/train
    # There is no val split: these are the pictures of test.
    val: images/test
    test: images/test
    names:
      0: "ball"
    kpt_shape: [1, 3]
    flip_idx: [0]
    """
    text = _HOW_TO.format(capability=capability.name)
    for wanted, instead in (("train", ("val", "test")), ("val", ("test", "train"))):
        there = next((split for split in (wanted, *instead) if split in splits), wanted)
        if there != wanted:
            text += f"# There is no {wanted} split: these are the pictures of {there}.\n"
        text += f"{wanted}: images/{there}\n"
    if "test" in splits:
        text += "test: images/test\n"
    text += "names:\n"
    for number, name in enumerate(capability.classes):
        text += f"  {number}: {msgspec.json.encode(name).decode()}\n"
    if capability.kind == LabelKind.POINT:
        text += "kpt_shape: [1, 3]\nflip_idx: [0]\n"
    return text.encode()


_HOW_TO = """\
# {capability}: label texts. To put the pictures beside them, here, with the project's assets in "$ASSETS":
#   cat pictures/*.tsv | while IFS="$(printf '\\t')" read -r picture asset; do
#     mkdir -p "$(dirname "$picture")" && cp "$ASSETS/$asset" "$picture"; done
"""


def tar_member(name: str, body: bytes) -> bytes:
    """Return a file of a tar, its blocks filled up; of nobody, mode 0644, of the year 1970. Names are ASCII.

    >>> member = tar_member("a.txt", b"text")
    >>> len(member), member[:5], member[124:135], member[148:156], member[512:516]
    (1024, b'a.txt', b'00000000004', b'006720\\x00 ', b'text')
    """
    encoded = name.encode("ascii")
    if len(encoded) <= _NAME_BYTES:
        return _header(encoded, len(body), _FILE) + _filled(body)
    record = _pax_record(b"path", encoded)
    return b"".join(
        (
            _header(_PAX_NAME.encode(), len(record), _PAX),
            _filled(record),
            _header(encoded[:_NAME_BYTES], len(body), _FILE),
            _filled(body),
        )
    )


def _pax_record(key: bytes, value: bytes) -> bytes:
    r"""Return a record that begins with its own length.

    >>> _pax_record(b"path", b"x" * 90)[:9], len(_pax_record(b"path", b"x" * 90))
    (b'99 path=x', 99)
    """
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return b"%d%s" % (length, rest)


_OWNED = b"0000644\0" + b"0000000\0" * 2
_DATED = b"00000000000\0"
_USTAR = bytes(100) + b"ustar\00000" + bytes(247)
_SPACES = b" " * 8
_SUM = sum(_OWNED) + sum(_DATED) + sum(_SPACES) + sum(_USTAR)


def _header(name: bytes, size: int, kind: bytes) -> bytes:
    """Return a header block of ustar; its checksum is taken over spaces in its own place."""
    sized = b"%011o\0" % size
    checksum = _SUM + sum(name) + sum(sized) + kind[0]
    return b"%s%s%s%s%06o\0 %s%s" % (name.ljust(_NAME_BYTES, b"\0"), _OWNED, sized, _DATED, checksum, kind, _USTAR)


def _filled(body: bytes) -> bytes:
    return body + bytes(-len(body) % BLOCK_BYTES)


def _along(start: float, length: float) -> tuple[int, int]:
    """Return the middle of a side and how long it is, in millionths, so that half of it fits to both sides."""
    begin, end = max(start, 0.0), min(start + length, 1.0)
    middle = min(max(round((begin + end) * (_MILLION / 2)), 1), _MILLION - 1)
    side = max(round((end - begin) * _MILLION), 1)
    return middle, min(side, 2 * middle, 2 * (_MILLION - middle))
