"""YOLO archives are tars that everybody reads, with a label text for every picture and a data.yaml that says where."""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from packhouse.pipeline.rows import Box, Label, LabelRow, Point
from packhouse.pipeline.statistics import geometry_fault
from packhouse.pipeline.yolo import ARCHIVE_END, BLOCK_BYTES, YoloShard, data_yaml, label_line, tar_member
from tests.unit.pipeline.drawn_files import BALL, PLAYERS, cut, yolo_archive, yolo_part

LEAST = 1e-6
LONG = "x" * 197

fractions = st.floats(0, 1) | st.sampled_from([0.0, -0.0, 1.0, 1 / 3, 1e-12, 5e-324, 0.0000005, 0.9999995, 1 - 1e-12])
boxes = (
    st.tuples(fractions, fractions, fractions, fractions)
    .map(lambda at: Box(at[0], at[1], min(at[2], 1 - at[0]), min(at[3], 1 - at[1])))
    .filter(lambda box: geometry_fault(Label("player", bbox=box)) is None)
)


def person(class_: str = "player") -> Label:
    return Label(class_, bbox=Box(0.1, 0.2, 0.3, 0.4))


def picture(sample_id: str, *labels: Label, asset: str = "f/1.jpg") -> LabelRow:
    return LabelRow(sample_id=sample_id, asset=asset, width=640, height=480, labels=[*labels])


def members(tar: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=BytesIO(tar)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            assert member.name not in found
            found[member.name] = file.read()
    return found


def numbers(line: str) -> list[float]:
    return [float(word) for word in line.split()]


@given(boxes)
@example(Box(0.9999999, 0.0, 0.0000001, 1.0))
@example(Box(0.0, 0.0, 1e-300, 0.0000015))
def test_a_box_comes_back_within_a_millionth_and_lies_inside_after_rounding(box: Box) -> None:
    number, x, y, w, h = numbers(label_line(2, Label("referee", bbox=box)))
    assert number == 2
    for middle, side, begin, length in ((x, w, box.x, box.w), (y, h, box.y, box.h)):
        assert side >= LEAST
        assert middle - side / 2 >= 0
        assert middle + side / 2 <= 1
        assert abs(side - length) <= 1.01 * LEAST
        assert abs(middle - (begin + length / 2)) <= 1.01 * LEAST


@pytest.mark.parametrize("x", [-0.0, 0.0, 1.0])
@pytest.mark.parametrize("y", [0.0, 0.5, 1.0])
def test_a_point_is_a_keypoint_that_is_seen_with_a_box_inside_the_picture(x: float, y: float) -> None:
    line = label_line(0, Label("ball", point=Point(x, y)))
    assert "-" not in line
    number, middle_x, middle_y, w, h, at_x, at_y, seen = numbers(line)
    assert (number, w, h, at_x, at_y, seen) == (0, 0.02, 0.02, x, y, 2)
    assert (middle_x, middle_y) == (min(max(x, 0.01), 0.99), min(max(y, 0.01), 0.99))


def test_classes_are_numbered_from_zero_in_their_order() -> None:
    tar = yolo_archive(PLAYERS, "train", [[picture("a", person("referee"), person("player"))]])
    found = members(tar)
    assert [line.split()[0] for line in found["labels/train/a.txt"].decode().splitlines()] == ["2", "0"]
    assert yaml.safe_load(found["data.yaml"])["names"] == dict(enumerate(PLAYERS.classes))


def test_a_row_that_is_labelled_as_empty_has_an_empty_text_and_one_that_nobody_labelled_has_none() -> None:
    unlabelled = LabelRow(sample_id="b", asset="b.jpg", width=640, height=480, labels=None)
    assert members(yolo_part(PLAYERS, "val", 0, [picture("a"), unlabelled])) == {
        "labels/val/a.txt": b"",
        "pictures/val-00000.tsv": b"images/val/a.jpg\tf/1.jpg\n",
    }


def test_a_shard_without_pictures_has_no_member() -> None:
    assert YoloShard(PLAYERS, "val", 3).finish() == b""


@pytest.mark.parametrize(
    ("asset", "project_id", "told"),
    [
        ("f/1.PNG", None, "images/train/a.b.PNG\tf/1.PNG"),
        ("f.d/1", None, "images/train/a.b.jpg\tf.d/1"),
        ("f/1.gif", None, "images/train/a.b.jpg\tf/1.gif"),
        ("ü ☃/1 2.jpeg", "prj_1", "images/train/a.b.jpeg\tprj_1/ü ☃/1 2.jpeg"),
    ],
)
def test_a_picture_has_its_samples_name_and_its_assets_ending(asset: str, project_id: str | None, told: str) -> None:
    part = yolo_part(PLAYERS, "train", 0, [picture("a.b", asset=asset)], project_id)
    assert members(part)["pictures/train-00000.tsv"].decode() == told + "\n"


def test_the_labels_of_a_picture_are_where_ultralytics_looks_for_them() -> None:
    """It puts `/labels/` for the last `/images/` of the path, and `.txt` for what follows the last dot."""
    rows = [picture(name) for name in ("images", "a.images.b", "a:b", "...", LONG + ".01")]
    found = members(yolo_archive(PLAYERS, "train", [rows]))
    for line in found["pictures/train-00000.tsv"].decode().splitlines():
        path = "/images/of/" + line.partition("\t")[0]
        label = "/labels/".join(path.rsplit("/images/", 1)).rsplit(".", 1)[0] + ".txt"
        assert label.removeprefix("/images/of/") in found


@given(st.text("ab._:-/", min_size=1, max_size=260), st.binary(max_size=1100))
def test_a_member_is_what_tarfile_reads_and_nobodys(name: str, body: bytes) -> None:
    name = "m" + name.replace("/", "_") if len(name) % 2 else f"labels/{name.replace('/', '_')}"
    member = tar_member(name, body)
    assert len(member) % BLOCK_BYTES == 0
    with tarfile.open(fileobj=BytesIO(member + ARCHIVE_END)) as archive:
        (info,) = archive
        file = archive.extractfile(info)
        assert file is not None
        assert file.read() == body
    assert (info.name, info.mode, info.mtime, info.uid, info.gid) == (name, 0o644, 0, 0, 0)
    assert (info.uname, info.gname, info.isreg()) == ("", "", True)
    assert bool(info.pax_headers) == (len(name) > 100)


@pytest.mark.parametrize("length", [95, 99, 100, 101, 109, 110, 190, 988, 989, 990])
def test_a_name_of_any_length_is_kept(length: int) -> None:
    name = "n" * length
    assert list(members(tar_member(name, b"x") + ARCHIVE_END)) == [name]


def test_parts_that_are_packed_apart_are_one_archive_in_row_order(tmp_path: Path) -> None:
    rows = [picture(f"s{number:03}", person()) for number in range(7)] + [picture(LONG + ".07", person())]
    packed = yolo_archive(PLAYERS, "train", cut(rows, 3))
    labels = [f"labels/train/{row.sample_id}.txt" for row in rows]
    shards = [(labels[start : start + 3], f"pictures/train-{start // 3:05d}.tsv") for start in (0, 3, 6)]
    expected = ["data.yaml", *[name for of_shard, told in shards for name in [*of_shard, told]]]
    assert list(members(packed)) == expected
    with tarfile.open(fileobj=BytesIO(packed), mode="r|gz") as archive:
        assert [member.name for member in archive] == expected, "readers of streams stop at the end of a gzip member"
    file = tmp_path / "yolo.tar.gz"
    file.write_bytes(packed)
    listed = subprocess.run(["tar", "-tzf", file], check=True, capture_output=True, text=True)
    assert (listed.stdout.splitlines(), listed.stderr) == (expected, "")


@pytest.mark.parametrize(
    ("there", "train", "val", "test"),
    [
        (["train", "val", "test"], "train", "val", "test"),
        (["test", "train"], "train", "test", "test"),
        (["train"], "train", "train", None),
        (["val", "train"], "train", "val", None),
        (["val"], "val", "val", None),
        (["test"], "test", "test", "test"),
    ],
)
@pytest.mark.parametrize("capability", [BALL, PLAYERS], ids=lambda each: each.name)
def test_data_yaml_names_train_and_val_always_and_only_folders_that_are_there(
    capability: Any, there: list[str], train: str, val: str, test: str | None
) -> None:
    text = data_yaml(capability, there)
    read = yaml.safe_load(text)
    folders = {"train": train, "val": val, "test": test}
    expected: dict[str, Any] = {split: f"images/{of}" for split, of in folders.items() if of}
    expected["names"] = dict(enumerate(capability.classes))
    if capability is BALL:
        expected |= {"kpt_shape": [1, 3], "flip_idx": [0]}
    assert read == expected
    made_up = [split for split, of in folders.items() if of and split not in there]
    assert [split for split in folders if f"There is no {split} split" in text.decode()] == made_up
    assert text == data_yaml(capability, there[::-1])


def test_the_lines_in_data_yaml_put_the_pictures_beside_the_labels(tmp_path: Path) -> None:
    rows = [picture("a", asset="f/1 one.jpg"), picture("b", asset="-f/ 'two' $x.png"), picture("c", asset=" 3.jpg ")]
    assets, unpacked = tmp_path / "assets", tmp_path / "unpacked"
    for row in rows:
        path = assets / str(row.asset)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row.sample_id)
    with tarfile.open(fileobj=BytesIO(yolo_archive(PLAYERS, "train", cut(rows, 2)))) as archive:
        archive.extractall(unpacked, filter="data")
    comment = (unpacked / "data.yaml").read_text().splitlines()[1:3]
    script = "\n".join(line.removeprefix("#") for line in comment)
    subprocess.run(["sh", "-euc", script], check=True, cwd=unpacked, env={**os.environ, "ASSETS": str(assets)})
    for row in rows:
        (put,) = (unpacked / "images/train").glob(f"{row.sample_id}.*")
        assert put.read_text() == row.sample_id


DRAW = """
import hashlib
from packhouse.pipeline.rows import Box, Label, LabelRow
from tests.unit.pipeline.drawn_files import PLAYERS, coco_file, yolo_archive
rows = [
    LabelRow(sample_id=f"s{n}", asset="a.jpg", width=9, height=9, labels=[Label(c, bbox=Box(0.1, 0.1, 0.2, 0.2))])
    for n, c in enumerate(PLAYERS.classes)
]
print(hashlib.sha256(coco_file(PLAYERS, [rows]) + yolo_archive(PLAYERS, "train", [rows])).hexdigest())
"""


def test_a_process_with_another_hash_seed_draws_the_same_bytes() -> None:
    paths = os.pathsep.join(path for path in sys.path if path)
    seeded = [{**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed} for seed in ("1", "2")]
    first, second = [subprocess.check_output([sys.executable, "-c", DRAW], env=env) for env in seeded]
    assert first == second
    assert len(first.strip()) == 64
