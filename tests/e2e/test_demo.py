"""What `make run` shows: the demo fills its project through the API, and finds it filled the second time."""

import io

from rich.console import Console

from local.demo import walk
from local.stack import Stack

SPLITS = ("train", "val", "test")
FILES = ("{}.ndjson", "{}.ndjson.gz", "coco-{}.json", "yolo-{}.tar.gz", "README.md", "croissant.json", "manifest.json")


def test_the_demo_builds_its_datasets_and_finds_them_the_second_time(stack: Stack) -> None:
    first = walk.run(stack, Console(file=io.StringIO()))
    assert first.problem is None
    assert set(first.versions) == {"ball_detection", "player_detection", "audio_artifact_detection"}
    assert first.annotation_set_id is not None
    assert first.training_dataset_id is not None
    shown = io.StringIO()
    again = walk.run(stack, Console(file=shown, width=120))
    assert again == first
    folder = stack.state_dir / "downloads" / first.versions["ball_detection"]
    assert f"{folder} is what was sealed: sha256:" in shown.getvalue()
    assert {name.format(split) for name in FILES for split in SPLITS} <= {path.name for path in folder.iterdir()}
