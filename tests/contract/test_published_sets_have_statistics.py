"""Contract B, "Publishing" and "Annotation set statistics": what is computed when a set is published."""

import re

import pytest

from tests.annotations import ROWS, SETS, AudioDataset, seconds, segment
from tests.containers import succeeded
from tests.registry import Json, Project

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
STATISTICS = ("total_positive_duration_ms", "annotations_by_type", "duration_ms_by_type", "published_at")


@pytest.fixture
def dataset(project: Project) -> AudioDataset:
    return AudioDataset.new(project)


@pytest.fixture
def audio(dataset: AudioDataset) -> str:
    return dataset.new_audio_file("calls/first.wav")


def test_published_sets_include_computed_statistics(dataset: AudioDataset) -> None:
    """The contract's own example: version 2, 520 annotations, 45 s of them."""
    audio = dataset.new_audio_file("calls/long.wav", 1_000_000)
    wanted = {"glitch": 280, "long_pause": 180, "hallucination": 60}
    types = [name for name, count in wanted.items() for _ in range(count)]
    starts = [*range(0, 500_000, 1_000), *[10] * 20]
    rows = [segment(audio, at, at + 90 - at % 1_000, name) for at, name in zip(starts, types, strict=True)]
    dataset.new_set()
    made = dataset.new_published(rows)
    published = dataset.shown(made)
    shown = {
        "id": made,
        "version": 2,
        "status": "published",
        "total_annotations": 520,
        "total_positive_duration_ms": 45_000,
        "annotations_by_type": wanted,
    }
    assert published | shown == published
    assert MOMENT.fullmatch(published["created_at"])
    assert MOMENT.fullmatch(published["published_at"])
    assert published["created_at"] < published["published_at"]


def test_statistics_are_computed_when_publishing(dataset: AudioDataset, audio: str) -> None:
    draft = dataset.new_set(seconds(audio, 2))
    assert [dataset.shown(draft)[name] for name in STATISTICS] == [None] * 4
    published = dataset.publish(draft)
    assert published == dataset.shown(draft)
    assert [published[name] for name in STATISTICS[:3]] == [200, {"glitch": 2}, {"glitch": 200}]
    assert MOMENT.fullmatch(published["published_at"])


@pytest.mark.parametrize(
    ("spans", "covered", "by_type"),
    [
        pytest.param([], 0, {}, id="no annotation"),
        pytest.param([(0, 10, "glitch"), (10, 20, "glitch")], 20, {"glitch": 20}, id="side by side"),
        pytest.param([(0, 10, "glitch"), (5, 20, "glitch")], 20, {"glitch": 20}, id="overlapping"),
        pytest.param([(0, 30, "glitch"), (5, 9, "glitch"), (10, 12, "glitch")], 30, {"glitch": 30}, id="nested"),
        pytest.param([(0, 10, "glitch"), (0, 10, "glitch")], 10, {"glitch": 10}, id="twice the same"),
        pytest.param([(20, 30, "glitch"), (0, 10, "glitch")], 20, {"glitch": 20}, id="apart and backwards"),
        pytest.param([(0, 10, "glitch"), (5, 15, "other")], 15, {"glitch": 10, "other": 10}, id="of two types"),
        pytest.param(
            [(0, 30, "glitch"), (5, 10, "other"), (20, 40, "glitch"), (35, 50, "other")],
            50,
            {"glitch": 40, "other": 20},
            id="of two types in turn",
        ),
    ],
)
def test_total_positive_duration_ms_is_the_total_time_covered_by_annotations(
    dataset: AudioDataset, audio: str, spans: list[tuple[int, int, str]], covered: int, by_type: Json
) -> None:
    """Each moment of an audio file counts once; the same moment of another file counts again."""
    other = dataset.new_audio_file("calls/second.wav")
    for count, files in ((1, [audio]), (2, [audio, other])):
        rows = [segment(audio_file_id, *span) for audio_file_id in files for span in spans]
        published = dataset.shown(dataset.new_published(rows))
        assert published["total_positive_duration_ms"] == covered * count
        assert published["duration_ms_by_type"] == {name: length * count for name, length in by_type.items()}
        assert published["total_annotations"] == len(rows) == sum(published["annotations_by_type"].values())


def test_statistics_are_of_what_the_edits_left(dataset: AudioDataset, audio: str) -> None:
    """annotations_by_type: count per artifact type; total_annotations: total number of annotations."""
    draft = dataset.new_set(seconds(audio, 3) + seconds(audio, 2, "long_pause"))
    first, second, *_ = (row["id"] for row in dataset.rows(draft))
    succeeded(dataset.call("DELETE", SETS, draft, ROWS, first))
    succeeded(dataset.call("PATCH", SETS, draft, ROWS, second, json={"artifact_type": "other", "end_ms": 700}))
    dataset.add(draft, segment(audio, 30_000, 30_001, "hallucination", 0.5))
    dataset.bulk(draft, [segment(audio, 40_000, 40_010, "other")])
    published = dataset.publish(draft)
    rows = dataset.rows(draft)
    counted = {name: sum(row["artifact_type"] == name for row in rows) for name in published["annotations_by_type"]}
    assert published["annotations_by_type"] == counted
    assert published["total_annotations"] == len(rows) == 6
    assert counted["other"] == 2
