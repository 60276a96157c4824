"""Audio files of a dataset: made known once each, never changed, found by their ids, listed oldest first."""

from collections.abc import Iterator
from typing import Any

import pytest

from packhouse.access.model import Workspace
from packhouse.audio.model import LONGEST_MS, AudioFile
from packhouse.audio.service import AudioFiles
from packhouse.aws.clock import now
from packhouse.aws.dynamo import read_together
from packhouse.aws.once import Once
from packhouse.errors import PackhouseError
from tests.faults.world import OWNER, WORKSPACE, World, opened

Json = dict[str, Any]
DATASETS = "/namespaces/acme/projects/match-day/datasets"
HERE, ELSEWHERE = Workspace(*WORKSPACE.split("/")), Workspace("acme", "training-ground")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as there:
        there.new_project()
        yield there


@pytest.fixture
def dataset_id(world: World, request: pytest.FixtureRequest) -> str:
    """A dataset of its own for each test."""
    found: str = world.call("POST", DATASETS, {"name": request.node.name[:60]})["id"]
    return found


@pytest.fixture
def audio_files(world: World) -> AudioFiles:
    made = world.handlers.app("annotations")
    return AudioFiles(made._audio, made._datasets)


def found(audio_files: AudioFiles, workspace: Workspace, dataset_id: str, ids: set[str]) -> dict[str, AudioFile]:
    """Return those of the files that the project has, read together."""
    return audio_files.store.files_in(read_together(audio_files.store.keys(dataset_id, ids)), workspace)


def made(audio_files: AudioFiles, dataset_id: str, uri: str, group: str | None = None) -> AudioFile:
    wanted = {"uri": uri, "duration_ms": 60_000, "group": group}
    return audio_files.create(HERE, dataset_id, wanted, OWNER, Once())


def code(status: int, answered: Any) -> str:
    assert answered.status == status
    found: str = answered.body["code"]
    return found


def test_a_file_is_what_was_said_of_it(audio_files: AudioFiles, dataset_id: str) -> None:
    one = made(audio_files, dataset_id, "calls/17.wav", "ana")
    assert (one.uri, one.duration_ms, one.group, one.created_by) == ("calls/17.wav", 60_000, "ana", OWNER.principal_id)
    assert one.created_at <= now()
    assert audio_files.get(HERE, dataset_id, one.id) == one


def test_a_dataset_has_each_uri_once_and_says_which_file_it_is(world: World, dataset_id: str) -> None:
    path = f"/api/v1/datasets/{dataset_id}/audio-files"
    first = world.call("POST", path, {"uri": "a.wav", "duration_ms": 5})
    again = world.request("POST", path, {"uri": "a.wav", "duration_ms": 6})
    assert code(409, again) == "AUDIO_FILE_EXISTS"
    assert again.body["audio_file_id"] == first["id"]
    assert world.call("GET", f"{path}/{first['id']}") == first
    assert world.call("POST", path, {"uri": "A.wav", "duration_ms": 5})["id"] != first["id"]
    assert len(world.call("GET", path)["items"]) == 2


def test_another_dataset_may_have_the_same_uri(world: World, audio_files: AudioFiles, dataset_id: str) -> None:
    other = world.call("POST", DATASETS, {"name": "the other one"})["id"]
    ids = [made(audio_files, each, "a.wav").id for each in (dataset_id, other)]
    for each, known in zip((dataset_id, other), ids, strict=True):
        (body,), rest = audio_files.list_files(HERE, each, 10, None)
        assert (AudioFile.model_validate_json(body).id, rest) == (known, None)
    with pytest.raises(PackhouseError) as refused:
        audio_files.get(HERE, dataset_id, ids[1])
    assert refused.value.code == "AUDIO_FILE_NOT_FOUND"


def test_a_project_sees_its_own_files_alone(world: World, audio_files: AudioFiles, dataset_id: str) -> None:
    one = made(audio_files, dataset_id, "a.wav")
    assert found(audio_files, ELSEWHERE, dataset_id, {one.id}) == {}
    path, other = f"/api/v1/datasets/{dataset_id}/audio-files", str(ELSEWHERE)
    assert code(404, world.request("GET", path, workspace=other)) == "DATASET_NOT_FOUND"
    assert code(404, world.request("GET", f"{path}/{one.id}", workspace=other)) == "AUDIO_FILE_NOT_FOUND"
    body = {"uri": "b.wav", "duration_ms": 5}
    assert code(404, world.request("POST", path, body, workspace=other)) == "DATASET_NOT_FOUND"
    assert len(world.call("GET", path)["items"]) == 1


def test_a_dataset_that_is_not_there_has_no_files(world: World) -> None:
    path = "/api/v1/datasets/ds_01KPA1A0B2C4D6E8F0G2H4J6K8/audio-files"
    assert code(404, world.request("GET", path)) == "DATASET_NOT_FOUND"
    assert code(404, world.request("POST", path, {"uri": "b.wav", "duration_ms": 5})) == "DATASET_NOT_FOUND"


def test_a_repeat_under_a_key_is_the_same_file(world: World, dataset_id: str) -> None:
    path, body = f"/api/v1/datasets/{dataset_id}/audio-files", {"uri": "a.wav", "duration_ms": 5}
    answers = [world.request("POST", path, body, {"Idempotency-Key": "once"}) for _ in range(2)]
    assert [each.status for each in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert len(world.call("GET", path)["items"]) == 1


@pytest.mark.parametrize("limit", [1, 3, 7, 8, 50])
def test_pages_list_every_file_once_oldest_first(audio_files: AudioFiles, dataset_id: str, limit: int) -> None:
    ids = [made(audio_files, dataset_id, f"{number}.wav").id for number in range(7)]
    found: list[str] = []
    place: Any = None
    for _ in range(8):
        bodies, place = audio_files.list_files(HERE, dataset_id, limit, place)
        assert len(bodies) == limit or place is None
        found += [AudioFile.model_validate_json(body).id for body in bodies]
        if place is None:
            break
    assert found == sorted(ids)
    assert [each.id for each in audio_files.store.iter_all(dataset_id)] == found


def test_an_empty_dataset_is_an_empty_list(audio_files: AudioFiles, dataset_id: str) -> None:
    assert audio_files.list_files(HERE, dataset_id, 10, None) == ([], None)


def test_many_files_are_found_by_their_ids_and_no_other(audio_files: AudioFiles, dataset_id: str) -> None:
    known = {each.id: each for each in (made(audio_files, dataset_id, f"{number}.wav") for number in range(105))}
    assert found(audio_files, HERE, dataset_id, {*known, "aud_none"}) == known
    assert found(audio_files, HERE, dataset_id, set()) == {}


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("duration_ms", [1, LONGEST_MS], [0, -1, LONGEST_MS + 1, 1.5, "5", None, True]),
        (
            "uri",
            ["a", "a/b.wav", "x" * 900, "é" * 450],
            ["", "/a", "../a", "a/../b", "s3://b/a", "a//b", "a\\b", "x" * 901, "é" * 451, None],
        ),
        ("group", ["ana", None], ["", "x" * 300, 5]),
    ],
)
def test_a_file_is_refused_for_its_form(world: World, dataset_id: str, field: str, good: Any, bad: Any) -> None:
    path, body = f"/api/v1/datasets/{dataset_id}/audio-files", {"uri": "rest.wav", "duration_ms": 5}
    for number, value in enumerate(good):
        world.call("POST", path, {**body, "uri": f"{number}.wav", field: value})
    for value in bad:
        answered = world.request("POST", path, {**body, field: value})
        assert code(400, answered) == "INVALID_REQUEST", value
        assert [fault["loc"] for fault in answered.body["errors"]] == [f"/{field}"], value
    assert len(world.call("GET", path)["items"]) == len(good)
