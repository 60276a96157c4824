"""Contract B, "Immutable: No changes allowed": whatever is tried with a published set, it stays as it was published."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import pytest

from tests.annotations import AUDIO_FILES, ROWS, SETS, AudioDataset, segment
from tests.containers import succeeded
from tests.registry import Json, Registry, fetched, problem


class Stone(NamedTuple):
    """A published set, an annotation of it, and its audio file."""

    dataset: AudioDataset
    published: str
    row: str
    audio: str

    def call(self, method: str, *steps: str, **content: Any) -> httpx.Response:
        return self.dataset.call(method, SETS, self.published, *steps, **content)

    def state(self) -> Json:
        """Return all that is shown of the set, and every byte that is kept of it."""
        answer = self.call("GET")
        download = succeeded(self.call("GET", "download"))
        fresh = {download.pop("url"), download.pop("expires_at")}
        assert all(fresh)
        return {
            "set": (answer.json(), answer.headers["ETag"]),
            "rows": self.dataset.rows(self.published),
            "row": succeeded(self.call("GET", ROWS, self.row)),
            "download": download,
            "objects": self.dataset.objects_of(self.published),
            "sets": self.dataset.get(SETS),
        }


@pytest.fixture(scope="module")
def stone(registry: Registry) -> Stone:
    """A set that came together in every way: by bulk and one by one, with changes and removals."""
    dataset = AudioDataset.new(registry.new_project())
    audio, other = dataset.new_audio_files(2)
    draft = dataset.new_set([segment(one, 100 * at, 100 * at + 150) for at in range(20) for one in (audio, other)])
    dataset.bulk(draft, [segment(audio, 7, 90, "other", 0.5)])
    gone, changed, *_ = dataset.rows(draft)
    succeeded(dataset.call("DELETE", SETS, draft, ROWS, gone["id"]))
    succeeded(dataset.call("PATCH", SETS, draft, ROWS, changed["id"], json={"artifact_type": "hallucination"}))
    row = dataset.add(draft, segment(other, 33_000, 34_000, "long_pause", 1))
    dataset.publish(draft)
    return Stone(dataset, draft, row["id"], audio)


EDITS: dict[str, Callable[[Stone], httpx.Response]] = {
    "add": lambda stone: stone.call("POST", ROWS, json=segment(stone.audio, 0, 10)),
    "change": lambda stone: stone.call("PATCH", ROWS, stone.row, json={"artifact_type": "other"}),
    "move": lambda stone: stone.call("PATCH", ROWS, stone.row, json={"start_ms": 5, "end_ms": 6}),
    "change nothing": lambda stone: stone.call("PATCH", ROWS, stone.row, json={}),
    "remove": lambda stone: stone.call("DELETE", ROWS, stone.row),
    "bulk": lambda stone: stone.call("POST", ROWS, "bulk", json={"annotations": [segment(stone.audio, 0, 10)]}),
    "delete the set": lambda stone: stone.call("DELETE"),
    "change the set": lambda stone: stone.call("PATCH", json={"extra_data": {"changes": "none"}}),
    "empty the set's notes": lambda stone: stone.call("PATCH", json={"extra_data": None}),
    "publish again": lambda stone: stone.call("POST", "publish"),
}
KEYED = ["add", "bulk", "publish again"]


@pytest.mark.parametrize("edit", EDITS)
def test_published_sets_cannot_be_modified(stone: Stone, edit: str) -> None:
    before = stone.state()
    refused = problem(EDITS[edit](stone), 409, "ANNOTATION_SET_PUBLISHED")
    assert stone.published in refused["detail"]
    assert stone.state() == before


@pytest.mark.parametrize(
    ("method", "steps", "content"),
    [
        ("PATCH", (ROWS,), {"artifact_type": "other"}),
        ("DELETE", (ROWS,), None),
        ("PATCH", (), {"extra_data": {}}),
        ("DELETE", (), None),
        ("POST", ("publish",), None),
    ],
    ids=["change", "remove", "change the set", "delete the set", "publish"],
)
def test_one_who_knows_its_state_cannot_either(
    stone: Stone, method: str, steps: tuple[str, ...], content: Json | None
) -> None:
    before = stone.state()
    place = (*steps, stone.row) if steps == (ROWS,) else steps
    tag = stone.call("GET", *(() if steps == ("publish",) else place)).headers["ETag"]
    answer = stone.call(method, *place, headers={"If-Match": tag}, **({"json": content} if content else {}))
    problem(answer, 409, "ANNOTATION_SET_PUBLISHED")
    assert stone.state() == before


@pytest.mark.parametrize("edit", KEYED)
def test_a_refused_edit_is_refused_again_under_the_same_key(stone: Stone, edit: str) -> None:
    before = stone.state()
    rows: dict[str, Json] = {"add": segment(stone.audio, 0, 10), "publish again": {}}
    body = rows.get(edit, {"annotations": [segment(stone.audio, 0, 10)]})
    steps = {"add": (ROWS,), "bulk": (ROWS, "bulk")}.get(edit, ("publish",))
    for _ in range(2):
        answer = stone.call("POST", *steps, headers={"Idempotency-Key": f"again-{edit[:3]}"}, json=body)
        problem(answer, 409, "ANNOTATION_SET_PUBLISHED")
    assert stone.state() == before


def test_publishing_is_irreversible(stone: Stone) -> None:
    """No field of a set says draft again."""
    before = stone.state()
    for name, value in {"status": "draft", "published_at": None, "version": 7}.items():
        refused = problem(stone.call("PATCH", json={"extra_data": None, name: value}), 400, "INVALID_REQUEST")
        assert [fault["loc"] for fault in refused["errors"]] == [f"/{name}"]
    assert stone.state() == before


def test_what_is_made_of_a_published_set_leaves_it_alone(stone: Stone) -> None:
    before = stone.state()
    copy = stone.dataset.new_set(copy_from=stone.published)
    stone.dataset.add(copy, segment(stone.audio, 0, 10))
    for row in stone.dataset.rows(copy)[:3]:
        succeeded(stone.dataset.call("DELETE", SETS, copy, ROWS, row["id"]))
    succeeded(stone.dataset.call("PATCH", SETS, copy, ROWS, stone.row, json={"end_ms": 33_500}))
    stone.dataset.new_audio_file("calls/later.wav")
    stone.dataset.promote(stone.published)
    succeeded(stone.dataset.call("DELETE", SETS, copy))
    assert stone.state() == before


def test_publishing_writes_the_set_as_an_immutable_hashed_ndjson_object(stone: Stone) -> None:
    """The download is what the set says of it: its bytes hash to `rows_sha256`, its lines are the rows of the pages."""
    shown = stone.dataset.shown(stone.published)
    download = succeeded(stone.call("GET", "download"))
    body = fetched(download["url"])
    assert hashlib.sha256(body).hexdigest() == shown["rows_sha256"] == download["sha256"]
    assert len(body) == shown["rows_bytes"] == download["bytes"]
    assert download["name"] == f"{stone.dataset.dataset_id}-v{shown['version']}.ndjson"
    lines = body.splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    rows = [json.loads(line) for line in lines]
    assert rows == stone.dataset.rows(stone.published, limit=7)
    assert rows == sorted(rows, key=lambda row: (row["audio_file_id"], row["start_ms"], row["id"]))
    assert len(rows) == shown["total_annotations"] == download["rows"] == 41
    (key,) = [key for key in stone.dataset.objects_of(stone.published) if key.endswith(".ndjson")]
    assert stone.dataset.objects_of(stone.published)[key] == shown["rows_sha256"]


def test_its_audio_files_never_change(stone: Stone) -> None:
    before = stone.dataset.get(AUDIO_FILES, stone.audio)
    for method in ("PATCH", "PUT", "DELETE"):
        answer = stone.dataset.call(method, AUDIO_FILES, stone.audio, json={"duration_ms": 1})
        assert answer.is_client_error, answer.text
    assert stone.dataset.get(AUDIO_FILES, stone.audio) == before
