"""What `make run` shows: the demo fills its project through the API, and finds it filled the second time."""

import io

from rich.console import Console

from local.demo import walk
from local.stack import Stack


def test_the_demo_builds_both_datasets_and_finds_them_the_second_time(stack: Stack) -> None:
    first = walk.run(stack, Console(file=io.StringIO()))
    assert first.problem is None
    assert set(first.versions) == {"ball_detection", "player_detection"}
    shown = io.StringIO()
    again = walk.run(stack, Console(file=shown, width=120))
    assert again == first
    assert "ball_detection" in shown.getvalue()
