"""What `make run` shows: the demo fills its project through the API, and finds it filled the second time."""

import io

from rich.console import Console

from local.demo import walk
from local.stack import Stack


def test_the_demo_builds_its_datasets_and_finds_them_the_second_time(stack: Stack) -> None:
    first = walk.run(stack, Console(file=io.StringIO()))
    assert first.problem is None
    assert set(first.versions) == {"ball_detection", "player_detection", "audio_artifact_detection"}
    assert first.annotation_set_id is not None
    assert first.training_dataset_id is not None
    shown = io.StringIO()
    again = walk.run(stack, Console(file=shown, width=120))
    assert again == first
    assert "ball_detection" in shown.getvalue()
