"""What was downloaded is verified offline: the manifest is made again from the bytes, and every change is told."""

import gzip
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from local import ROOT
from packhouse.verify import DIFFERS, UNREADABLE, VERIFIED, main
from tests.faults.exports import made, send
from tests.faults.world import World, opened
from tests.registry import ball_rows

Json = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as there:
        yield there


@pytest.fixture(scope="module")
def sealed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a version: sources of two projects, pictures missing, unlabelled, of read and of stated sizes."""
    other = world.new_project()
    packs = [
        world.approved_pack(pictured(world, "acme/match-day", "a")),
        world.approved_pack(pictured(world, other, "b"), other),
    ]
    built = world.call("POST", "/api/v1/datasets/build", {"capability": "ball_detection", "label_pack_ids": packs})
    world.run_job(built["job_id"])
    detail = world.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}")
    assert detail["build_status"] == "ready"
    folder = tmp_path_factory.mktemp("version")
    download(world, f"{world.job(built['job_id'])[1]['prefix']}", folder)
    (folder / "hash").write_text(detail["provenance"]["manifest_hash"])
    return folder


def pictured(world: World, workspace: str, prefix: str) -> list[Json]:
    """Put the pictures of six groups' rows there, apart from one, and return the rows."""
    project_id = world.call("GET", f"/namespaces/acme/projects/{workspace.partition('/')[2]}")["id"]
    picture = io.BytesIO()
    Image.new("RGB", (64, 48)).save(picture, "PNG")
    rows = ball_rows(groups=6, samples=5, prefix=prefix)
    for number, row in enumerate(rows):
        row["asset"] = f"frames/{number}.png"
        row.update({"width": 640, "height": 480} if number % 2 else {})
        if number != 4:
            world.data.write_once(f"projects/{project_id}/assets/{row['asset']}", picture.getvalue(), "image/png")
    rows[6]["labels"], rows[7]["labels"] = None, []
    return rows


def download(world: World, prefix: str, folder: Path) -> None:
    for page in world.data.iter_facts(f"{prefix}exports/"):
        for facts in page:
            (folder / facts.key.rpartition("/")[2]).write_bytes(world.data.read(facts.key))
    if not (folder / "manifest.json").exists():
        (folder / "manifest.json").write_bytes(world.data.read(f"{prefix}manifest.json"))


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sealed, tmp_path / "version"))


def verify(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    status = main([str(folder), *more])
    told = capsys.readouterr()
    return status, told.out + told.err


def test_files_as_they_were_sealed_are_verified(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = (sealed / "hash").read_text()
    assert verify(sealed, capsys, "--manifest-hash", known) == (VERIFIED, f"{sealed} is what was sealed: {known}\n")


def test_the_files_may_lie_as_the_registry_has_them(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "exports").mkdir()
    for file in copy.iterdir():
        if file.is_file() and file.name != "manifest.json":
            file.rename(copy / "exports" / file.name)
    assert verify(copy, capsys)[0] == VERIFIED


def test_another_version_is_not_the_one_that_was_wanted(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = verify(sealed, capsys, "--manifest-hash", "sha256:" + "0" * 64)
    assert status == DIFFERS
    assert "manifest.json: its SHA-256 is sha256:" in told


def flip(body: bytes) -> bytes:
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


NAMES = [
    *("README.md", "croissant.json", "coco-test.json", "coco-train.json", "train.ndjson", "val.ndjson"),
    *("train.ndjson.gz", "yolo-train.tar.gz", "yolo-val.tar.gz"),
]
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "one bit": flip,
    "cut": lambda body: body[:-1],
    "longer": lambda body: body + b"\n",
    "one long line": lambda body: body + bytes(17 * 1024 * 1024),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_named(copy: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str) -> None:
    (copy / name).write_bytes(DAMAGES[damage]((copy / name).read_bytes()))
    status, told = verify(copy, capsys)
    assert status == DIFFERS
    assert f"exports/{name}." in told or f"{name}: " in told


@pytest.mark.parametrize("name", [*NAMES, "manifest.json"])
def test_a_file_that_is_not_there_is_named(copy: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (copy / name).unlink()
    status, told = verify(copy, capsys)
    assert status == (UNREADABLE if name == "manifest.json" else DIFFERS)
    assert name in told


def rows_of(folder: Path, split: str = "train") -> list[Json]:
    return [json.loads(line) for line in (folder / f"{split}.ndjson").read_bytes().splitlines()]


def write_rows(folder: Path, rows: list[Json], split: str = "train") -> None:
    body = "".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows).encode()
    (folder / f"{split}.ndjson").write_bytes(body)
    (folder / f"{split}.ndjson.gz").write_bytes(gzip.compress(body))


def forge(folder: Path, **changed: Any) -> None:
    """Write a manifest that agrees with itself and says something else."""
    manifest = json.loads((folder / "manifest.json").read_bytes()) | changed
    (folder / "manifest.json").write_bytes(
        json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_a_group_in_two_splits_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(copy)
    rows[0]["group"] = rows_of(copy, "val")[0]["group"]
    write_rows(copy, rows)
    assert "split: 1 groups are in train and in val" in verify(copy, capsys)[1]


def test_a_sample_that_is_there_twice_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(copy, rows_of(copy, "test"), "val")
    assert "is there twice" in verify(copy, capsys)[1]


def test_a_coco_file_of_something_else_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = (copy / "coco-train.json").read_bytes().split(b"\n")
    for line in (b"{", b'{"id":1},', b'{"id":0,"file_name":"a","width":1,"height":1,"sample_id":"a"},'):
        (copy / "coco-train.json").write_bytes(b"\n".join([body[0], line, *body[1:]]))
        status, told = verify(copy, capsys)
        assert (status, "coco-train.json: " in told) == (DIFFERS, True)


def test_a_label_that_was_changed_is_not_what_pictures_were_drawn_of(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(copy)
    next(row for row in rows if row["labels"])["labels"][0]["point"]["x"] = 0.123
    write_rows(copy, rows)
    told = verify(copy, capsys)[1]
    assert "exports/coco-train.json: the file is not what the rows make" in told
    assert "exports/yolo-train.tar.gz: the archive is not what the rows make" in told


def test_a_line_that_is_no_row_is_told_by_its_number(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = (copy / "train.ndjson").read_bytes().splitlines(keepends=True)
    body[2] = b'{"sample_id":"x"}\n'
    (copy / "train.ndjson").write_bytes(b"".join(body))
    assert "train.ndjson:3: ROW_FORM" in verify(copy, capsys)[1]


def test_a_forged_verdict_is_told_although_its_hash_is_right(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quality = json.loads((copy / "manifest.json").read_bytes())["quality"]
    assert quality["verdict"] != "pass"
    forge(copy, quality=quality | {"verdict": "pass", "indicators": [], "warnings": 0, "hard_fails": 0})
    status, told = verify(copy, capsys)
    assert (status, "quality.verdict" in told) == (DIFFERS, True)


@pytest.mark.parametrize("key", ["merkle_root", "shards", "split", "exports"])
def test_whatever_is_forged_of_what_can_be_derived_is_told(
    copy: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    manifest = json.loads((copy / "manifest.json").read_bytes())
    split = manifest["split"]
    forged = {
        "merkle_root": "0" * 64,
        "shards": [shard | {"sha256": "0" * 64} for shard in manifest["shards"]],
        "split": split | {"counts": split["counts"] | {"train": {"samples": 1, "groups": 1}}},
        "exports": [export | {"rows": 7} if "rows" in export else export for export in manifest["exports"]],
    }
    forge(copy, **{key: forged[key]})
    status, told = verify(copy, capsys)
    assert status == DIFFERS
    assert f"{key}" in told


def test_a_picture_that_is_smuggled_into_an_archive_is_told(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = gzip.decompress((copy / "yolo-train.tar.gz").read_bytes())
    added = io.BytesIO()
    with tarfile.open(fileobj=added, mode="w") as archive, tarfile.open(fileobj=io.BytesIO(plain)) as before:
        for member in before:
            archive.addfile(member, before.extractfile(member))
        archive.addfile(tarfile.TarInfo("labels/train/another.txt"))
    (copy / "yolo-train.tar.gz").write_bytes(gzip.compress(added.getvalue()))
    manifest = json.loads((copy / "manifest.json").read_bytes())
    forge(copy, exports=manifest["exports"])
    assert "exports/yolo-train.tar.gz: the archive is not what the rows make" in verify(copy, capsys)[1]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"schema":1}', b"\xff"])
def test_what_is_no_manifest_is_refused_in_a_sentence(
    copy: Path, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    (copy / "manifest.json").write_bytes(body)
    status, told = verify(copy, capsys)
    assert (status, told.startswith(f"{copy / 'manifest.json'}: "), told.count("\n")) == (UNREADABLE, True, 1)


def test_a_training_dataset_is_verified_by_its_files(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    send(world)
    dataset = made(world)
    found = world.call("GET", dataset.path)
    (key,) = {
        facts.key.rpartition("exports/")[0]
        for page in world.data.iter_facts("projects/")
        for facts in page
        if f"/{dataset.id}/exports/manifest.json" in facts.key
    }
    download(world, key, tmp_path)
    known = found["sealed"]["manifest_hash"]
    assert verify(tmp_path, capsys, "--manifest-hash", known)[0] == VERIFIED
    for name in ("default.ndjson", "openai-chat.ndjson.gz", "README.md"):
        body = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(flip(body))
        assert verify(tmp_path, capsys)[0] == DIFFERS
        (tmp_path / name).write_bytes(body)


def test_it_is_a_command(sealed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "packhouse.verify", str(sealed)],
        env={"PYTHONPATH": str(ROOT / "layers" / "core" / "python")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (VERIFIED, "")
    assert "is what was sealed: sha256:" in done.stdout


@pytest.mark.parametrize(
    "changed",
    [
        {"capability": "dogs"},
        {"split": None},
        {"exports": [{"rows": 1}]},
        {"materialization": {}},
        {"quality": {"policy_version": "v99", "indicators": []}},
        {"shards": [{"path": "shards/train/00000.ndjson", "rows": 10**15, "bytes": 1}]},
        {"shards": 7},
    ],
)
def test_a_manifest_that_is_not_whole_is_refused_in_a_sentence(
    copy: Path, capsys: pytest.CaptureFixture[str], changed: Json
) -> None:
    forge(copy, **changed)
    status, told = verify(copy, capsys)
    assert (status, told.startswith(f"{copy / 'manifest.json'}: no manifest to go by: ")) == (UNREADABLE, True)
