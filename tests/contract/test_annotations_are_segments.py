"""Contract B, additions of the API: audio files, single annotations and bulks, and what an annotation may be."""

from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.annotations import AUDIO_FILES, MINUTE_MS, ROWS, SETS, TYPES, AudioDataset, segment, without_ids
from tests.containers import succeeded
from tests.registry import Json, Registry, Row, problem

LONGEST_MS = 10**10 - 1
NOT_ASSETS = [
    "",
    "/calls/a.wav",
    "calls//a.wav",
    "calls/a.wav/",
    "./a.wav",
    "calls/./a.wav",
    "../a.wav",
    "calls/../../a.wav",
    "calls\\a.wav",
    "c:/a.wav",
    "s3://bucket/a.wav",
    "https://host/a.wav",
    "calls/a\n.wav",
    "x" * 1_025,
    None,
    5,
]


class Draft(NamedTuple):
    """A draft that only grows, of a dataset with one audio file of a minute."""

    dataset: AudioDataset
    id: str
    audio: str

    def refused(self, answer: httpx.Response) -> list[str]:
        """Return where the faults are that a request was refused for."""
        return [fault["loc"] for fault in problem(answer, 400, "INVALID_REQUEST")["errors"]]

    def changed(self, **changes: Any) -> httpx.Response:
        """Change an annotation that was 1,000 to 2,000."""
        row = self.dataset.add(self.id, segment(self.audio, 1_000, 2_000))
        return self.dataset.call("PATCH", SETS, self.id, ROWS, row["id"], json=changes)


@pytest.fixture(scope="module")
def draft(registry: Registry) -> Draft:
    dataset = AudioDataset.new(registry.new_project())
    audio = dataset.new_audio_file("calls/first.wav")
    return Draft(dataset, dataset.new_set(), audio)


WAYS: dict[str, Callable[[Draft, Row], tuple[str, httpx.Response]]] = {
    "single": lambda draft, row: ("", draft.dataset.call("POST", SETS, draft.id, ROWS, json=row)),
    "bulk": lambda draft, row: (
        "/annotations/0",
        draft.dataset.call("POST", SETS, draft.id, ROWS, "bulk", json={"annotations": [row]}),
    ),
    "change": lambda draft, row: (
        "",
        draft.changed(**{name: value for name, value in row.items() if name != "audio_file_id"}),
    ),
}
each_way = pytest.mark.parametrize("way", WAYS)


# audio files


def test_an_audio_file_is_known_by_uri_and_duration(draft: Draft) -> None:
    wanted = {"uri": "calls/näme & co/17.wav", "duration_ms": 1_234, "group": "speaker 3"}
    answer = draft.dataset.call("POST", AUDIO_FILES, json=wanted)
    made = succeeded(answer, 201)
    assert made | wanted == made
    assert made["id"].startswith("aud_")
    assert answer.headers["Location"].endswith(f"/{draft.dataset.dataset_id}/audio-files/{made['id']}")
    assert draft.dataset.get(AUDIO_FILES, made["id"]) == made
    assert made in draft.dataset.get(AUDIO_FILES)["items"]


@pytest.mark.parametrize("uri", NOT_ASSETS)
def test_an_audio_file_lies_below_the_projects_assets(draft: Draft, uri: object) -> None:
    assert draft.refused(draft.dataset.call("POST", AUDIO_FILES, json={"uri": uri, "duration_ms": 1})) == ["/uri"]


@pytest.mark.parametrize("duration_ms", [0, -1, 1.5, True, "5", None, LONGEST_MS + 1])
def test_a_duration_is_a_number_of_milliseconds(draft: Draft, duration_ms: object) -> None:
    answer = draft.dataset.call("POST", AUDIO_FILES, json={"uri": "calls/odd.wav", "duration_ms": duration_ms})
    assert draft.refused(answer) == ["/duration_ms"]


def test_an_audio_file_lasts_from_one_millisecond_to_ten_digits_of_them(draft: Draft) -> None:
    for duration_ms in (1, LONGEST_MS):
        audio = draft.dataset.new_audio_file(f"calls/of-{duration_ms}.wav", duration_ms)
        added = draft.dataset.add(draft.id, segment(audio, duration_ms - 1, duration_ms))
        assert draft.dataset.get(SETS, draft.id, ROWS, added["id"])["end_ms"] == duration_ms


def test_a_dataset_has_each_uri_once(draft: Draft) -> None:
    answer = draft.dataset.call("POST", AUDIO_FILES, json={"uri": "calls/first.wav", "duration_ms": 5})
    assert problem(answer, 409, "AUDIO_FILE_EXISTS")["audio_file_id"] == draft.audio
    assert draft.dataset.get(AUDIO_FILES, draft.audio)["duration_ms"] == MINUTE_MS
    elsewhere = AudioDataset.new(draft.dataset.project, "elsewhere")
    assert elsewhere.new_audio_file("calls/first.wav") != draft.audio


def test_audio_files_are_listed_oldest_first(registry: Registry) -> None:
    dataset = AudioDataset.new(registry.new_project())
    made = dataset.new_audio_files(5)
    pages = list(dataset.project.iter_pages(f"/api/v1/datasets/{dataset.dataset_id}/audio-files", 2))
    assert [[one["id"] for one in page] for page in pages] == [made[:2], made[2:4], made[4:]]


# single annotations


def test_a_single_annotation_is_added_changed_and_removed(draft: Draft) -> None:
    made = draft.dataset.add(draft.id, segment(draft.audio, 10, 20, "other", 0.25))
    place = (SETS, draft.id, ROWS, made["id"])
    assert draft.dataset.get(*place) == made
    changed = succeeded(draft.dataset.call("PATCH", *place, json={"end_ms": 30, "confidence": None}))
    assert changed == made | {"end_ms": 30, "confidence": None, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"] == made["created_at"]
    assert draft.dataset.get(*place) == changed
    assert succeeded(draft.dataset.call("DELETE", *place)) == {"success": True}
    for method in ("GET", "DELETE", "PATCH"):
        content: Json = {"json": {"end_ms": 40}} if method == "PATCH" else {}
        problem(draft.dataset.call(method, *place, **content), 404, "ANNOTATION_NOT_FOUND")


def test_an_annotation_without_a_confidence_has_null(draft: Draft) -> None:
    row = segment(draft.audio, 10, 20)
    del row["confidence"]
    assert draft.dataset.add(draft.id, row)["confidence"] is None


def test_a_change_moves_an_annotation_and_leaves_no_other_behind(registry: Registry) -> None:
    dataset = AudioDataset.new(registry.new_project())
    audio = dataset.new_audio_file("calls/first.wav")
    draft = dataset.new_set([segment(audio, at, at + 5) for at in (0, 10, 20)])
    first = dataset.rows(draft)[0]["id"]
    for start_ms in (15, 25, 15, 0):
        change = {"start_ms": start_ms, "end_ms": start_ms + 5}
        succeeded(dataset.call("PATCH", SETS, draft, ROWS, first, json=change))
        rows = dataset.rows(draft)
        assert [row["start_ms"] for row in rows] == sorted([10, 20, start_ms])
        assert [row["id"] for row in rows if row["start_ms"] == start_ms] == [first]


# "0 ≤ start_ms < end_ms ≤ duration_ms, 0 ≤ confidence ≤ 1, known audio file"


@each_way
@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 1), (0, MINUTE_MS), (MINUTE_MS - 1, MINUTE_MS)])
def test_a_segment_lies_in_its_audio_file(draft: Draft, way: str, start_ms: int, end_ms: int) -> None:
    _, answer = WAYS[way](draft, segment(draft.audio, start_ms, end_ms))
    assert answer.is_success, answer.text
    assert segment(draft.audio, start_ms, end_ms) in without_ids(draft.dataset.rows(draft.id))


@each_way
@pytest.mark.parametrize(
    ("start_ms", "end_ms", "at"),
    [
        (-1, 5, "start_ms"),
        (0, 0, "end_ms"),
        (5, 5, "end_ms"),
        (6, 5, "end_ms"),
        (0, MINUTE_MS + 1, "end_ms"),
        (MINUTE_MS, MINUTE_MS, "end_ms"),
        (MINUTE_MS, MINUTE_MS + 1, "end_ms"),
        (0.5, 5, "start_ms"),
        (0, 5.0, "end_ms"),
        (False, 5, "start_ms"),
        ("0", 5, "start_ms"),
        (None, 5, "start_ms"),
        (0, 10**400, "end_ms"),
    ],
)
def test_no_segment_lies_elsewhere(draft: Draft, way: str, start_ms: Any, end_ms: Any, at: str) -> None:
    row = segment(draft.audio, 0, 1) | {"start_ms": start_ms, "end_ms": end_ms, "artifact_type": "hallucination"}
    pointer, answer = WAYS[way](draft, row)
    if end_ms == 10**400:
        problem(answer, 400, "INVALID_JSON")
    else:
        assert draft.refused(answer) == [f"{pointer}/{at}"]
    assert "hallucination" not in {row["artifact_type"] for row in draft.dataset.rows(draft.id)}


@each_way
@pytest.mark.parametrize("confidence", [0, 1, 0.5, 1.0, None])
def test_a_confidence_is_from_0_to_1_or_null(draft: Draft, way: str, confidence: float | None) -> None:
    _, answer = WAYS[way](draft, segment(draft.audio, 7, 8, "long_pause", confidence))
    assert answer.is_success, answer.text
    assert segment(draft.audio, 7, 8, "long_pause", confidence) in without_ids(draft.dataset.rows(draft.id))


@each_way
@pytest.mark.parametrize("confidence", [-0.001, 1.001, 2, True, "0.5"])
def test_no_confidence_is_outside(draft: Draft, way: str, confidence: Any) -> None:
    pointer, answer = WAYS[way](draft, segment(draft.audio, 7, 9, "glitch", confidence))
    assert draft.refused(answer) == [f"{pointer}/confidence"]


@each_way
def test_an_artifact_type_is_a_class_of_the_capability(draft: Draft, way: str) -> None:
    for name in TYPES:
        assert WAYS[way](draft, segment(draft.audio, 70, 80, name))[1].is_success
    for unknown in ("Glitch", "ball", "", None, 1):
        pointer, answer = WAYS[way](draft, segment(draft.audio, 70, 80) | {"artifact_type": unknown})
        assert draft.refused(answer) == [f"{pointer}/artifact_type"]


@pytest.mark.parametrize("way", ["single", "bulk"])
def test_an_audio_file_is_known(draft: Draft, way: str) -> None:
    elsewhere = AudioDataset.new(draft.dataset.project, f"elsewhere-{way}")
    for unknown in ("aud_01J0000000000000000000000Z", elsewhere.new_audio_file("calls/a.wav"), "", "a b", None):
        pointer, answer = WAYS[way](draft, segment(draft.audio, 0, 5) | {"audio_file_id": unknown})
        assert draft.refused(answer) == [f"{pointer}/audio_file_id"]


@pytest.mark.parametrize("field", ["id", "created_at", "created_by", "updated_at", "note"])
@pytest.mark.parametrize("way", ["single", "bulk"])
def test_an_annotation_is_sent_without_its_id(draft: Draft, way: str, field: str) -> None:
    """Copy to new set (removing IDs): fields that nobody sets are refused."""
    pointer, answer = WAYS[way](draft, segment(draft.audio, 0, 5) | {field: "x"})
    assert draft.refused(answer) == [f"{pointer}/{field}"]


def test_a_change_leaves_the_audio_file(draft: Draft) -> None:
    assert draft.refused(draft.changed(audio_file_id=draft.audio)) == ["/audio_file_id"]
    assert draft.refused(draft.changed(end_ms=1_000)) == ["/end_ms"]
    assert draft.refused(draft.changed(start_ms=2_000)) == ["/end_ms"]


# "bulk takes ≤ 10,000 rows, all or none"


def test_a_bulk_takes_10000_rows(registry: Registry) -> None:
    dataset = AudioDataset.new(registry.new_project())
    audio = dataset.new_audio_file("calls/a.wav")
    rows = [segment(audio, 5 * at, 5 * at + 5) for at in range(10_000)]
    draft = dataset.new_set()
    assert dataset.bulk(draft, rows) == {"annotation_set_id": draft, "created": 10_000}
    refused = dataset.call("POST", SETS, draft, ROWS, "bulk", json={"annotations": [*rows, rows[0]]})
    assert [fault["loc"] for fault in problem(refused, 400, "INVALID_REQUEST")["errors"]] == ["/annotations"]
    assert without_ids(dataset.rows(draft)) == rows
    assert dataset.listed() == [(1, "draft", 10_000)]


@pytest.mark.parametrize("body", [{}, {"annotations": []}, {"annotations": None}, {"annotations": {}}])
def test_a_bulk_has_rows(draft: Draft, body: Json) -> None:
    assert draft.refused(draft.dataset.call("POST", SETS, draft.id, ROWS, "bulk", json=body)) == ["/annotations"]


@pytest.mark.parametrize(
    ("faulty", "told"),
    [
        ({3: {"end_ms": 60_001}, 7: {"audio_file_id": "aud_none"}}, ["3/end_ms", "7/audio_file_id"]),
        ({0: {"start_ms": 9}, 9: {"start_ms": 60_001, "end_ms": 60_001}}, ["0/end_ms", "9/end_ms", "9/end_ms"]),
        ({2: {"confidence": 2, "artifact_type": "x"}, 5: {"id": 1}}, ["2/artifact_type", "2/confidence", "5/id"]),
    ],
)
def test_a_bulk_with_faults_tells_each_and_writes_nothing(
    registry: Registry, faulty: dict[int, Json], told: list[str]
) -> None:
    dataset = AudioDataset.new(registry.new_project())
    audio = dataset.new_audio_file("calls/a.wav")
    draft = dataset.new_set([segment(audio, 1, 2)])
    before = (dataset.shown(draft), dataset.rows(draft))
    rows = [segment(audio, 10 * at, 10 * at + 5) | faulty.get(at, {}) for at in range(10)]
    refused = dataset.call("POST", SETS, draft, ROWS, "bulk", json={"annotations": rows})
    faults = problem(refused, 400, "INVALID_REQUEST")["errors"]
    assert [fault["loc"] for fault in faults] == [f"/annotations/{place}" for place in told]
    assert all(fault["reason"] for fault in faults)
    assert (dataset.shown(draft), dataset.rows(draft)) == before
