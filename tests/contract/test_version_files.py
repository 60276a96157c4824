"""The files of a dataset version, over HTTP: listed, downloaded into a folder, opened by what reads them, verified."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from local import ROOT
from packhouse.pipeline.files import CARD, CROISSANT, MANIFEST
from tests.conformance.coco_evaluation import load
from tests.contract.downloaded import CAPABILITIES, Downloaded, build_and_download
from tests.registry import Json, Registry, sha256

DRAWN = CAPABILITIES[:2]
of_pictures = pytest.mark.parametrize("version", DRAWN, indirect=True)
SPLITS = {"train": 10, "val": 1, "test": 1}
PICTURES = {"train": 4, "test": 1}
LEFT_OUT = {
    "ASSET_EMPTY": 1,
    "ASSET_NOT_FOUND": 1,
    "ASSET_NOT_GIVEN": 1,
    "INVALID_GEOMETRY": 1,
    "SIZE_UNKNOWN": 1,
    "UNLABELLED": 1,
}
MISSING = {"ASSET_EMPTY": 1, "ASSET_NOT_FOUND": 1, "ASSET_NOT_GIVEN": 1}
SIZES = {"turned": (48, 64), "stated": (160, 120), "twice": (80, 60), "empty": (80, 60)}
BOXES = {  # 0.1, 0.1, 0.2, 0.3 of the size; of a point 2 % around the middle
    "ball_detection": {
        "turned": [[23.52, 31.36, 0.96, 1.28]],
        "stated": [[78.4, 58.8, 3.2, 2.4]],
        "twice": [[39.2, 29.4, 1.6, 1.2]] * 2,
        "empty": [],
    },
    "player_detection": {
        "turned": [[4.8, 6.4, 9.6, 19.2]],
        "stated": [[16.0, 12.0, 32.0, 36.0]],
        "twice": [[8.0, 6.0, 16.0, 18.0]] * 2,
        "empty": [],
    },
}
TEXTS = {
    "ball_detection": "0 0.500000 0.500000 0.020000 0.020000 0.500000 0.500000 2\n",
    "player_detection": "0 0.200000 0.250000 0.200000 0.300000\n",
}
READ = """
import json, sys
import datasets, mlcroissant
datasets.disable_progress_bars()
folder, splits = sys.argv[1], sys.argv[2].split()
loaded = datasets.load_dataset(folder)
described = mlcroissant.Dataset(jsonld=f"{folder}/croissant.json")
records = {name: [one[f"{name}/sample_id"].decode() for one in described.records(name)] for name in splits}
print(json.dumps([{name: loaded[name].to_list() for name in loaded}, records]))
"""
"""In a process of its own: where these libraries look and what they keep is settled when they are imported."""


def names_of(capability: str) -> dict[str, tuple[str, str | None]]:
    """Return format and split of each file that there should be, by name."""
    found: dict[str, tuple[str, str | None]] = {f"{split}.ndjson": ("ndjson", split) for split in SPLITS}
    found |= {f"{split}.ndjson.gz": ("ndjson.gz", split) for split in SPLITS}
    if capability in DRAWN:
        found |= {f"coco-{split}.json": ("coco", split) for split in PICTURES}
        found |= {f"yolo-{split}.tar.gz": ("yolo", split) for split in PICTURES}
    return found | {CARD: ("card", None), CROISSANT: ("croissant", None), MANIFEST: ("manifest", None)}


@pytest.fixture(scope="module", params=CAPABILITIES)
def version(request: pytest.FixtureRequest, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Downloaded:
    return build_and_download(registry, request.param, tmp_path_factory.mktemp("version"))


def verified(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "packhouse.verify", str(folder), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers/core/python")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_list_names_each_file_with_its_format_and_split(version: Downloaded) -> None:
    listed = {name: (export["format"], export["split"]) for name, export in version.exports.items()}
    assert listed == names_of(version.detail["capability"])
    for name in (CARD, CROISSANT, MANIFEST):
        assert (version.exports[name]["rows"], version.exports[name].get("left_out", {})) == (None, {})


def test_downloads_keep_their_names(version: Downloaded) -> None:
    assert {path.name for path in version.folder.iterdir()} == version.exports.keys()


def test_the_bytes_are_those_of_the_list(version: Downloaded) -> None:
    for name, export in version.exports.items():
        body = (version.folder / name).read_bytes()
        assert (len(body), sha256(body)) == (export["bytes"], export["sha256"]), name
        content = gzip.decompress(body) if name.endswith(".gz") else body
        told = (export["content_bytes"], export["content_sha256"])
        assert told == (len(content), sha256(content)), name
    assert version.manifest_hash == f"sha256:{version.exports[MANIFEST]['sha256']}"


def test_packed_rows_are_the_rows(version: Downloaded) -> None:
    for split, rows in SPLITS.items():
        packed = gzip.decompress((version.folder / f"{split}.ndjson.gz").read_bytes())
        assert packed == (version.folder / f"{split}.ndjson").read_bytes()
        assert len(version.lines(split)) == version.exports[f"{split}.ndjson"]["rows"] == rows
    downloaded = {row["sample_id"]: row for split in SPLITS for row in map(json.loads, version.lines(split))}
    assert downloaded == {row["sample_id"]: row for row in version.rows}


def test_missing_assets_are_counted_by_reason(version: Downloaded) -> None:
    found = version.detail["materialization"]
    assert (found["status"], found["wanted"], found["found"], found["missing"]) == ("partial", 12, 9, MISSING)
    assert version.detail["materialization_status"] == "partial"


def test_quality_is_judged_where_there_is_a_policy(version: Downloaded) -> None:
    quality = version.detail["quality"]
    evaluated = version.detail["capability"] in DRAWN
    assert (quality["badge"] != "Not evaluated", quality["policy_version"] is not None) == (evaluated, evaluated)
    codes = {indicator["code"] for indicator in quality["indicators"]}
    assert codes >= (
        {"INVALID_LABEL_SCHEMA", "INVALID_GEOMETRY", "MISSING_MATERIALIZED_ASSETS"} if evaluated else set()
    )


@of_pictures
def test_rows_that_are_no_pictures_are_counted_by_reason(version: Downloaded) -> None:
    for name in ("coco-train.json", "yolo-train.tar.gz"):
        assert (version.exports[name]["rows"], version.exports[name]["left_out"]) == (PICTURES["train"], LEFT_OUT)
    for name in ("coco-test.json", "yolo-test.tar.gz"):
        assert (version.exports[name]["rows"], version.exports[name].get("left_out", {})) == (PICTURES["test"], {})


@of_pictures
def test_pycocotools_finds_pictures_as_they_are_displayed(version: Downloaded) -> None:
    coco = load(version.folder / "coco-train.json")
    images = {image["sample_id"]: image for image in coco.dataset["images"]}
    assert {name: (image["width"], image["height"]) for name, image in images.items()} == SIZES
    assert images["turned"]["file_name"] == "shot/turned.jpg"
    boxes = {
        name: [label["bbox"] for label in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))]
        for name, image in images.items()
    }
    assert boxes == BOXES[version.detail["capability"]]


@of_pictures
def test_tarfile_finds_a_text_beside_each_picture(version: Downloaded) -> None:
    text = TEXTS[version.detail["capability"]]
    with tarfile.open(version.folder / "yolo-train.tar.gz") as archive:
        held = {member.name: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]
    (table,) = [name for name in held if name.startswith("pictures/")]
    placed = dict(line.split("\t") for line in held.pop(table).splitlines())
    assert placed == {
        "images/train/turned.jpg": "shot/turned.jpg",
        **{f"images/train/{name}.PNG": "shot/plain.PNG" for name in ("stated", "twice", "empty")},
    }
    assert "path:" not in held.pop("data.yaml")
    assert held == {
        "labels/train/turned.txt": text,
        "labels/train/stated.txt": text,
        "labels/train/twice.txt": text * 2,
        "labels/train/empty.txt": "",
    }


def test_datasets_and_mlcroissant_read_the_folder(version: Downloaded, tmp_path: Path) -> None:
    offline = {f"{name}_OFFLINE": "1" for name in ("HF_DATASETS", "HF_HUB", "TRANSFORMERS")}
    environment = {**os.environ, **offline, "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HOME": str(tmp_path)}
    command = [sys.executable, "-c", READ, str(version.folder), " ".join(SPLITS)]
    read = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    loaded, records = json.loads(read.stdout)
    for split in SPLITS:
        told = [json.loads(line) for line in version.lines(split)]
        assert [stated(row) for row in loaded[split]] == told
        assert records[split] == [row["sample_id"] for row in told]


def stated(row: Json) -> Json:
    """Return a row as it stands in its file: a table's columns are null where a row does not have them."""
    labels = row["labels"] and [
        {name: value for name, value in one.items() if value is not None} for one in row["labels"]
    ]
    return {name: value for name, value in {**row, "labels": labels}.items() if value is not None or name == "labels"}


def test_the_folder_is_verified_by_the_hash_of_the_detail(version: Downloaded) -> None:
    found = verified(version.folder, "--manifest-hash", version.manifest_hash)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == f"{version.folder} is what was sealed: {version.manifest_hash}\n"


CHANGES = {"train.ndjson": (b'"turned"', b'"burned"'), CARD: (b"train", b"brain"), MANIFEST: (b"partial", b"Partial")}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_named(version: Downloaded, name: str, tmp_path: Path) -> None:
    shutil.copytree(version.folder, tmp_path, dirs_exist_ok=True)
    body = (tmp_path / name).read_bytes()
    assert body.count(CHANGES[name][0])
    (tmp_path / name).write_bytes(body.replace(*CHANGES[name]))
    found = verified(tmp_path, "--manifest-hash", version.manifest_hash)
    assert found.returncode == 1, found.stdout + found.stderr
    assert any(line.startswith((name, f"exports/{name}.")) for line in found.stdout.splitlines()), found.stdout


def test_without_a_manifest_there_is_nothing_to_go_by(version: Downloaded, tmp_path: Path) -> None:
    shutil.copytree(version.folder, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
    assert verified(tmp_path).returncode == 2
