"""Sentences of contract B ("Annotation sets"), one test each, over HTTP on the deployed template with an API key.

Above each group stands the heading that it quotes from. Statistics are in `test_published_sets_have_statistics`, what
cannot be changed any more in `test_published_sets_are_stone`, the contract's code in `test_annotation_set_examples`.
Advice, and nothing that is checked: run quality checks and have another person review before publishing, verify
coverage across all artifact types, one published set per training run, and that changes are written down at all.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.annotations import COPIED, ROWS, SETS, AudioDataset, seconds, segment, without_ids
from tests.containers import succeeded
from tests.registry import Project, problem

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture
def dataset(project: Project) -> AudioDataset:
    return AudioDataset.new(project)


@pytest.fixture
def audio(dataset: AudioDataset) -> str:
    return dataset.new_audio_file("calls/first.wav")


# "Annotation sets group annotations together with versioning support."


def test_versioning_tracks_changes_to_annotations_over_time(dataset: AudioDataset, audio: str) -> None:
    first = dataset.new_published(seconds(audio, 2))
    second = dataset.new_published(seconds(audio, 3, "other"))
    kept = [without_ids(dataset.rows(one)) for one in (first, second)]
    assert kept == [seconds(audio, 2), seconds(audio, 3, "other")]
    assert dataset.listed() == [(1, "published", 2), (2, "published", 3)]


def test_new_versions_improve_labels_without_losing_history(dataset: AudioDataset, audio: str) -> None:
    first = dataset.new_published(seconds(audio, 2))
    before = (dataset.shown(first), dataset.rows(first))
    second = dataset.new_set(copy_from=first)
    for row in dataset.rows(second):
        succeeded(dataset.call("PATCH", SETS, second, ROWS, row["id"], json={"artifact_type": "other"}))
    dataset.publish(second)
    assert (dataset.shown(first), dataset.rows(first)) == before
    assert {row["artifact_type"] for row in dataset.rows(second)} == {"other"}


# "Draft": "Editable", "Cannot train"; "Published": "Immutable", "Can train"


def test_a_draft_is_editable(dataset: AudioDataset, audio: str) -> None:
    """Add, update, and delete annotations."""
    draft = dataset.new_set()
    kept, gone = (dataset.add(draft, segment(audio, at, at + 10))["id"] for at in (0, 50))
    succeeded(dataset.call("PATCH", SETS, draft, ROWS, kept, json={"end_ms": 20}))
    succeeded(dataset.call("DELETE", SETS, draft, ROWS, gone))
    assert without_ids(dataset.rows(draft)) == [segment(audio, 0, 20)]
    assert dataset.listed() == [(1, "draft", 1)]


@pytest.mark.parametrize("way", [("POST", "promote"), ("GET", "download")])
def test_draft_sets_cannot_be_used_for_training(dataset: AudioDataset, audio: str, way: tuple[str, str]) -> None:
    draft = dataset.new_set(seconds(audio, 2))
    method, step = way
    problem(dataset.call(method, SETS, draft, step), 409, "ANNOTATION_SET_NOT_PUBLISHED")
    assert dataset.project.all_of("/api/v1/label-packs") == []


def test_a_published_set_becomes_available_for_training(dataset: AudioDataset, audio: str) -> None:
    promoted = dataset.promote(dataset.new_published(seconds(audio, 2)))
    path = f"/api/v1/label-packs/{promoted['label_pack_id']}/revisions/{promoted['revision_id']}"
    assert dataset.project.editor.get(path)["validation_status"] == "passed"


# "Creating annotation sets"


def test_a_new_annotation_set_is_a_draft(dataset: AudioDataset) -> None:
    answer = dataset.call("POST", SETS)
    made = succeeded(answer, 201)
    assert (made["version"], made["status"], made["total_annotations"]) == (1, "draft", 0)
    assert answer.headers["Location"] == f"/api/v1/datasets/{dataset.dataset_id}/annotation-sets/{made['id']}"
    assert made["id"].startswith("ast_")
    assert MOMENT.fullmatch(made["created_at"])
    assert dataset.shown(made["id"]) == made
    assert dataset.rows(made["id"]) == []


def test_version_numbers_auto_increment(dataset: AudioDataset) -> None:
    """v1, v2, v3, etc., in each dataset; a deleted draft's number is not given again."""
    assert [dataset.post(SETS)["version"] for _ in range(3)] == [1, 2, 3]
    last = dataset.get(SETS)["items"][-1]["id"]
    succeeded(dataset.call("DELETE", SETS, last))
    assert dataset.post(SETS)["version"] == 4
    assert AudioDataset.new(dataset.project, "others").post(SETS)["version"] == 1


def test_versions_have_no_gaps_or_duplicates_under_concurrent_creation(dataset: AudioDataset) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: dataset.call("POST", SETS), range(12)))
    versions = [answer.json()["version"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert sorted(versions) == list(range(1, len(versions) + 1))
    assert [one["version"] for one in dataset.get(SETS)["items"]] == sorted(versions)


def test_an_annotation_set_is_made_in_a_dataset_that_there_is(dataset: AudioDataset) -> None:
    nowhere = AudioDataset(dataset.project, "ds_01J0000000000000000000000Z", dataset.api_key)
    for method in ("POST", "GET"):
        problem(nowhere.call(method, SETS), 404, "DATASET_NOT_FOUND")


# "Listing annotation sets"


def test_listing_shows_drafts_and_published_sets_in_the_order_of_versions(dataset: AudioDataset, audio: str) -> None:
    """Output: v1: published - 450 annotations; v2: published - 520 annotations; v3: draft - 580 annotations."""
    longer = dataset.new_audio_file("calls/longer.wav", 1_000_000)
    dataset.new_published(seconds(longer, 450))
    dataset.new_published(seconds(longer, 520))
    draft = dataset.new_set(seconds(longer, 579))
    dataset.add(draft, segment(audio, 0, 1))
    assert dataset.listed() == [(1, "published", 450), (2, "published", 520), (3, "draft", 580)]


def test_listing_is_paged(dataset: AudioDataset) -> None:
    made = [dataset.post(SETS) for _ in range(5)]
    path = f"/api/v1/datasets/{dataset.dataset_id}/annotation-sets"
    pages = list(dataset.project.iter_pages(path, 2))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == [
        {name: value for name, value in one.items() if name != "etag"} for one in made
    ]


# "Iteration workflow" and "Creating a new version"


def test_a_typical_workflow_goes_from_v1_to_v3(dataset: AudioDataset, audio: str) -> None:
    """v1 (published); v2 and v3 (draft → published): labelled differently, labels that were missing."""
    first = dataset.new_published(seconds(audio, 5))
    second = dataset.new_set(without_ids(dataset.rows(first)))
    copied = dataset.rows(second)
    succeeded(dataset.call("PATCH", SETS, second, ROWS, copied[0]["id"], json={"artifact_type": "long_pause"}))
    succeeded(dataset.call("DELETE", SETS, second, ROWS, copied[1]["id"]))
    dataset.add(second, segment(audio, 50_000, 50_300, "hallucination", 0.9))
    dataset.publish(second)
    third = dataset.new_set(copy_from=second)
    dataset.add(third, segment(audio, 55_000, 55_300))
    dataset.publish(third)
    assert dataset.listed() == [(1, "published", 5), (2, "published", 5), (3, "published", 6)]
    assert [dataset.shown(one)["annotations_by_type"] for one in (first, second, third)] == [
        {"glitch": 5},
        {"glitch": 3, "hallucination": 1, "long_pause": 1},
        {"glitch": 4, "hallucination": 1, "long_pause": 1},
    ]


def test_annotations_from_a_previous_version_are_copied_without_their_ids(dataset: AudioDataset, audio: str) -> None:
    """A bare JSON array; of each annotation five fields go into a bulk, confidence null or not."""
    rows = [segment(audio, 0, 10), segment(audio, 20, 30, "other", 0.25), segment(audio, 40, 50, confidence=1)]
    first = dataset.new_published(rows)
    old = dataset.call("GET", SETS, first, ROWS).json()
    assert isinstance(old, list)
    assert without_ids(old) == rows
    answer = dataset.call("POST", SETS, dataset.new_set(), ROWS, "bulk", json={"annotations": without_ids(old)})
    assert succeeded(answer, 201)["created"] == 3
    copied = dataset.rows(dataset.get(SETS)["items"][1]["id"])
    assert without_ids(copied) == rows
    assert {row["id"] for row in copied}.isdisjoint({row["id"] for row in old})


def test_annotations_are_shown_with_what_is_copied_of_them(dataset: AudioDataset, audio: str) -> None:
    for annotation_set_id in (dataset.new_set(seconds(audio, 1)), dataset.new_published(seconds(audio, 1))):
        (row,) = dataset.rows(annotation_set_id)
        assert row.keys() == {"id", *COPIED, "created_at", "created_by", "updated_at"}
        assert dataset.get(SETS, annotation_set_id, ROWS, row["id"]) == row


# "Deleting annotation sets": "Only draft sets can be deleted"


def test_draft_sets_can_be_deleted(dataset: AudioDataset, audio: str) -> None:
    kept = dataset.new_published(seconds(audio, 2))
    before = (dataset.shown(kept), dataset.rows(kept))
    draft = dataset.new_set(copy_from=kept)
    row = dataset.rows(draft)[0]["id"]
    assert succeeded(dataset.call("DELETE", SETS, draft)) == {"success": True}
    gone = [(SETS, draft), (SETS, draft, ROWS), (SETS, draft, ROWS, row), (SETS, draft, "download")]
    for steps in gone:
        problem(dataset.call("GET", *steps), 404, "ANNOTATION_SET_NOT_FOUND")
    problem(dataset.call("DELETE", SETS, draft), 404, "ANNOTATION_SET_NOT_FOUND")
    assert (dataset.shown(kept), dataset.rows(kept)) == before
    assert dataset.listed() == [(1, "published", 2)]


def test_published_annotation_sets_cannot_be_deleted(dataset: AudioDataset, audio: str) -> None:
    made = dataset.new_published(seconds(audio, 2))
    problem(dataset.call("DELETE", SETS, made), 409, "ANNOTATION_SET_PUBLISHED")
    assert dataset.listed() == [(1, "published", 2)]


# "Track what changed": "Use extra_data … to track changes"


def test_extra_data_tracks_changes(dataset: AudioDataset) -> None:
    changes = "\nv2 changes from v1:\n- Added 70 new glitch annotations\n- Fixed 15 incorrectly labeled pauses\n"
    draft = dataset.new_set(extra_data={"changes": changes})
    assert dataset.shown(draft)["extra_data"] == {"changes": changes}
    noted = {"changes": changes + "- Removed 5 duplicate annotations\n", "by": ["a", {"b": None}]}
    assert succeeded(dataset.call("PATCH", SETS, draft, json={"extra_data": noted}))["extra_data"] == noted
    assert dataset.publish(draft)["extra_data"] == noted
    assert dataset.get(SETS)["items"][0]["extra_data"] == noted
