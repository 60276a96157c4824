"""The Python of contract B, run as it is written there: with `requests`, an API key, and nothing beside the names used.

`examples/annotation_sets.py.txt` is the contract's code word for word, each piece below the heading that it stands
under. What a piece needs and the contract does not say is given: BASE_URL, API_KEY, dataset_id, annotation_set_id,
old_set_id.
"""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.annotations import SETS, AudioDataset, segment, without_ids
from tests.registry import Project, Row

_TEXT = (Path(__file__).parent / "examples" / "annotation_sets.py.txt").read_text()
_HEADING, *_PIECES = re.split(r"^## (.+)\n", _TEXT, flags=re.MULTILINE)
EXAMPLES = dict(zip(_PIECES[::2], _PIECES[1::2], strict=True))
SECOND_MS = 1_000


@pytest.fixture
def dataset(project: Project) -> AudioDataset:
    return AudioDataset.new(project)


@pytest.fixture
def rows(dataset: AudioDataset) -> list[Row]:
    """As many annotations as a bulk takes, of two files, with and without a confidence."""
    audio = [dataset.new_audio_file(f"calls/{name}.wav", 10_000 * SECOND_MS) for name in ("first", "second")]
    return [
        segment(audio[at % 2], SECOND_MS * at, SECOND_MS * at + 90, "glitch", (None, 0.25, 1)[at % 3])
        for at in range(10_000)
    ]


def run(heading: str, dataset: AudioDataset, **given: str) -> dict[str, Any]:
    """Run what stands under a heading and return the names that there are at its end."""
    names: dict[str, Any] = {
        "requests": importlib.import_module("requests"),
        "BASE_URL": dataset.project.registry.stack.api_url,
        "API_KEY": dataset.api_key,
        "dataset_id": dataset.dataset_id,
        **given,
    }
    exec(compile(EXAMPLES[heading], heading, "exec"), names)  # noqa: S102  the contract's own code
    return names


def test_creating_annotation_sets(dataset: AudioDataset, capsys: pytest.CaptureFixture[str]) -> None:
    for version in (1, 2, 3):
        names = run("Creating annotation sets", dataset)
        assert capsys.readouterr().out == f"Created v{version} (status: draft)\n"
        assert names["annotation_set"] == dataset.shown(names["annotation_set"]["id"])


def test_listing_annotation_sets(dataset: AudioDataset, rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    dataset.new_published(rows[:450])
    dataset.new_published(rows[:520])
    dataset.new_set(rows[:580])
    run("Listing annotation sets", dataset)
    assert capsys.readouterr().out == (
        "v1: published - 450 annotations\nv2: published - 520 annotations\nv3: draft - 580 annotations\n"
    )


def test_publishing(dataset: AudioDataset, rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    draft = dataset.new_set(rows[:9])
    names = run("Publishing", dataset, annotation_set_id=draft)
    published = dataset.shown(draft)
    assert capsys.readouterr().out == f"Published at: {published['published_at']}\n"
    assert names["published"] == published
    assert (published["status"], published["total_annotations"]) == ("published", 9)


@pytest.mark.parametrize("count", [1, 3, 10_000])
def test_creating_a_new_version(dataset: AudioDataset, rows: list[Row], count: int) -> None:
    """The whole of a set that a bulk holds, published or not."""
    old = dataset.new_set(rows[:count])
    for status in ("draft", "published"):
        if status == "published":
            dataset.publish(old)
        names = run("Creating a new version", dataset, old_set_id=old)
        assert (names["response"].status_code, names["response"].json()["created"]) == (201, count)
        copied, before = (dataset.rows(one) for one in (names["new_set"]["id"], old))
        assert without_ids(copied) == without_ids(before)
        assert {row["id"] for row in copied}.isdisjoint({row["id"] for row in before})
    assert dataset.listed() == [(1, "published", count), (2, "draft", count), (3, "draft", count)]


def test_deleting_annotation_sets(dataset: AudioDataset, rows: list[Row]) -> None:
    """Only drafts: of a published set the same lines say why not."""
    draft, published = dataset.new_set(rows[:3]), dataset.new_published(rows[:3])
    assert run("Deleting annotation sets", dataset, annotation_set_id=draft)["response"].status_code == 200
    refused = run("Deleting annotation sets", dataset, annotation_set_id=published)["response"]
    assert (refused.status_code, refused.json()["code"]) == (409, "ANNOTATION_SET_PUBLISHED")
    assert [one["id"] for one in dataset.get(SETS)["items"]] == [published]


def test_the_examples_follow_on_each_other(
    dataset: AudioDataset, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    """A version is made, published, copied into the next one, and that one is published or deleted."""
    first = run("Creating annotation sets", dataset)["annotation_set"]["id"]
    dataset.bulk(first, rows[:60])
    run("Publishing", dataset, annotation_set_id=first)
    for _ in range(2):
        newest = run("Creating a new version", dataset, old_set_id=first)["new_set"]["id"]
    run("Deleting annotation sets", dataset, annotation_set_id=newest)
    capsys.readouterr()
    run("Listing annotation sets", dataset)
    assert capsys.readouterr().out == "v1: published - 60 annotations\nv2: draft - 60 annotations\n"
    assert _HEADING == ""
    assert len(EXAMPLES) == 5
