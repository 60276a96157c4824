"""Versions whose pictures lie in the data bucket, built over HTTP and downloaded into a folder file by file."""

import io
from pathlib import Path
from typing import NamedTuple

import httpx
from PIL import Image

from tests.registry import LABELS, Json, Project, Registry, Row

ORIENTATION = 0x0112
"""The EXIF tag that says how a picture is turned: 6 shows one that is 64 wide and 48 high as one 48 wide, 64 high."""

SPLIT = {"strategy": "predefined"}
BESIDE: Row = {"point": {"x": 1.5, "y": 0.5}, "bbox": {"x": 0.9, "y": 0.1, "w": 0.2, "h": 0.3}}
CAPABILITIES = ("ball_detection", "player_detection", "audio_artifact_detection")


def jpeg(width: int, height: int, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    body = io.BytesIO()
    Image.new("RGB", (width, height)).save(body, "JPEG", exif=exif)
    return body.getvalue()


def png(width: int, height: int) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height)).save(body, "PNG")
    return body.getvalue()


ASSETS = {"shot/turned.jpg": jpeg(64, 48, 6), "shot/plain.PNG": png(80, 60), "notes.txt": b"none", "hollow.png": b""}


def rows_with_pictures(capability: str) -> list[Row]:
    """Return rows of three splits: in train a picture of each kind, and a row for each reason to be none."""
    label = LABELS[capability]
    kind = next(name for name in label if name != "class")
    beside = {"class": label["class"], kind: BESIDE.get(kind, label[kind])}
    train: dict[str, Row] = {
        "turned": {"asset": "shot/turned.jpg"},
        "stated": {"asset": "shot/plain.PNG", "width": 160, "height": 120},
        "twice": {"asset": "shot/plain.PNG", "labels": [label, label]},
        "empty": {"asset": "shot/plain.PNG", "labels": []},
        "lost": {"asset": "nowhere.png", "width": 8, "height": 8},
        "hollow": {"asset": "hollow.png", "width": 8, "height": 8},
        "bare": {"width": 8, "height": 8},
        "no picture": {"asset": "notes.txt"},
        "unlabelled": {"asset": "shot/plain.PNG", "labels": None},
        "beside": {"asset": "shot/plain.PNG", "labels": [label, beside]},
    }
    rows = [{"sample_id": name.replace(" ", "-"), "split": "train", **more} for name, more in train.items()]
    rows.append(
        {"sample_id": "strange", "split": "val", "asset": "shot/plain.PNG", "labels": [{**label, "class": "x"}]}
    )
    rows.append({"sample_id": "last", "split": "test", "asset": "shot/turned.jpg"})
    return [{"group": f"group-{row['sample_id']}", "labels": [label], **row} for row in rows]


class Downloaded(NamedTuple):
    """A version's detail, its list of exports by name, and the folder that all of them were downloaded into."""

    project: Project
    rows: list[Row]
    detail: Json
    exports: dict[str, Json]
    folder: Path

    @property
    def manifest_hash(self) -> str:
        return str(self.detail["provenance"]["manifest_hash"])

    def lines(self, split: str) -> list[bytes]:
        return (self.folder / f"{split}.ndjson").read_bytes().splitlines()


def download(export: Json, folder: Path) -> None:
    """Download a file as a browser would: under the name that the answer gives it."""
    answer = httpx.get(export["url"], headers={"Accept-Encoding": "identity"}, timeout=60)
    assert answer.status_code == httpx.codes.OK, answer.text
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="'), disposition
    assert answer.headers["content-type"] == export["content_type"]
    (folder / disposition.split('"')[1]).write_bytes(answer.content)


def build_and_download(registry: Registry, capability: str, folder: Path) -> Downloaded:
    """Build a version of `rows_with_pictures` in a project of its own and download all its files."""
    project, rows = registry.new_project(), rows_with_pictures(capability)
    for name, body in ASSETS.items():
        key = f"projects/{project.project_id}/assets/{name}"
        registry.stack.client("s3").put_object(Bucket=registry.stack.buckets["data"], Key=key, Body=body)
    pack = project.new_approved_pack(rows, capability)
    detail = project.build(pack, capability=capability, split=SPLIT)
    exports = project.exports(detail["dataset_version_id"])
    for export in exports.values():
        download(export, folder)
    return Downloaded(project, rows, detail, exports, folder)
