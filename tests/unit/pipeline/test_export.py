"""Files are joined of shards and parts: whole, in order, and of nothing but what was made."""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from typing import Any

import pytest

from packhouse.errors import UnitFailedError
from tests.unit.pipeline.drawn import Drawn, draw
from tests.unit.pipeline.labels import row


def uploads(shards: int = 3) -> list[list[dict[str, Any]]]:
    sized: dict[str, Any] = {"asset": "a.png", "width": 640, "height": 480}
    return [[row(f"{shard}-{number:02d}", **sized) for number in range(20)] for shard in range(shards)]


@pytest.fixture
def drawn() -> Drawn:
    return draw(uploads())


def test_a_rows_file_is_its_shards_one_after_the_other_and_gzip_is_the_same_rows(drawn: Drawn) -> None:
    count, plain, packed = drawn.ndjson()
    shards = [drawn.store.objects[f"shards/{shard.name}.ndjson"] for shard in drawn.shards]
    assert (count, plain) == (60, b"".join(shards))
    assert gzip.decompress(packed) == plain
    assert packed.count(b"\x1f\x8b\x08") == 1


def test_a_coco_file_has_all_records_and_ids_that_no_two_of_them_share(drawn: Drawn) -> None:
    coco = json.loads(drawn.coco())
    assert [image["id"] for image in coco["images"]] == list(range(1, 61))
    assert [annotation["id"] for annotation in coco["annotations"]] == list(range(1, 61))
    assert [annotation["image_id"] for annotation in coco["annotations"]] == list(range(1, 61))


@pytest.mark.parametrize("empty", [[0], [1], [2], [0, 1], [1, 2], [0, 2]])
def test_shards_without_pictures_leave_a_coco_file_whole(empty: list[int]) -> None:
    taken = uploads()
    for number in empty:
        taken[number] = [each | {"labels": None} for each in taken[number]]
    drawn = draw(taken)
    coco = json.loads(drawn.coco())
    assert len(coco["images"]) == len(coco["annotations"]) == 20 * (3 - len(empty))
    with tarfile.open(fileobj=io.BytesIO(drawn.yolo()[1])) as archive:
        assert sum(name.startswith("labels/") for name in archive.getnames()) == 20 * (3 - len(empty))


def test_a_list_of_pictures_without_labels_is_a_coco_file_too() -> None:
    drawn = draw([[each | {"labels": []} for each in uploads(1)[0]]])
    coco = json.loads(drawn.coco())
    assert (len(coco["images"]), coco["annotations"]) == (20, [])


def test_a_yolo_archive_is_one_tar_whose_content_is_hashed_unpacked(drawn: Drawn) -> None:
    content, packed = drawn.yolo()
    plain = gzip.decompress(packed)
    member = zlib.decompressobj(wbits=31)
    assert (member.decompress(packed), member.eof, member.unused_data) == (plain, True, b""), "one gzip member"
    assert (content.bytes, content.sha256) == (len(plain), hashlib.sha256(plain).hexdigest())
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        names = archive.getnames()
    assert names[0] == "data.yaml"
    assert [name for name in names if name.startswith("pictures/")] == [
        f"pictures/train-{shard:05d}.tsv" for shard in range(3)
    ]
    assert len(names) == 1 + 60 + 3


def test_pictures_of_several_projects_are_named_with_theirs() -> None:
    drawn = draw(uploads(2), projects=["prj_1", "prj_2"])
    names = [image["file_name"] for image in json.loads(drawn.coco())["images"]]
    assert (names[0], names[-1]) == ("prj_1/a.png", "prj_2/a.png")


@pytest.mark.parametrize("name", ["shards/train/00001.ndjson", "parts/train/00001.coco-images",
                                  "parts/train/00002.coco-annotations", "parts/train/00000.yolo"])  # fmt: skip
def test_what_changed_since_it_was_made_stops_the_export(drawn: Drawn, name: str) -> None:
    body = drawn.store.objects[name]
    for at in range(0, len(body), len(body) // 8):
        drawn.store.objects[name] = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(UnitFailedError, match="not what was made"):
            _ = drawn.ndjson() if name.startswith("shards") else (drawn.coco(), drawn.yolo())
