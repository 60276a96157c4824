"""Annotation sets, annotations and audio files of others: 404 as if they were not, and nothing written to them.

"A caller without membership gets 404 for everything inside a project, never 403."
"""

import json
from dataclasses import replace

import pytest

from tests.annotations import AUDIO_FILES, ROWS, SETS, AudioDataset, segment
from tests.containers import succeeded
from tests.contract.annotated import House, new_house
from tests.registry import Json, Project, Registry, problem

NO_SET = "ast_01J0000000000000000000000Z"
NO_ROW = "ann_01J0000000000000000000000Z"
NO_FILE = "aud_01J0000000000000000000000Z"


@pytest.fixture(scope="module")
def settled(registry: Registry) -> House:
    """A house that is looked at, and that nothing happens to."""
    return new_house(registry.new_project())


CALLS: dict[str, tuple[str, tuple[str, ...], Json | None]] = {
    "list sets": ("GET", (SETS,), None),
    "create": ("POST", (SETS,), {}),
    "get": ("GET", (SETS, "set"), None),
    "change set": ("PATCH", (SETS, "set"), {"extra_data": None}),
    "delete": ("DELETE", (SETS, "set"), None),
    "publish": ("POST", (SETS, "set", "publish"), None),
    "promote": ("POST", (SETS, "set", "promote"), None),
    "download": ("GET", (SETS, "set", "download"), None),
    "rows": ("GET", (SETS, "set", ROWS), None),
    "row": ("GET", (SETS, "set", ROWS, "row"), None),
    "change": ("PATCH", (SETS, "set", ROWS, "row"), {"artifact_type": "other"}),
    "remove": ("DELETE", (SETS, "set", ROWS, "row"), None),
    "list files": ("GET", (AUDIO_FILES,), None),
    "file": ("GET", (AUDIO_FILES, "audio"), None),
    "new file": ("POST", (AUDIO_FILES,), {"uri": "a.wav", "duration_ms": 1}),
}
EVERY_CALL = CALLS | {
    "diff": ("GET", (SETS, "set", "diff"), None),
    "add": ("POST", (SETS, "set", ROWS), segment(NO_FILE, 0, 5)),
    "bulk": ("POST", (SETS, "set", ROWS, "bulk"), {"annotations": [segment(NO_FILE, 0, 5)]}),
}


def told(dataset: AudioDataset, call: str, **ids: str) -> Json:
    """Return what is answered to a call with these ids, without the ids in it."""
    method, steps, body = CALLS[call]
    answer = dataset.call(method, *(ids.get(step, step) for step in steps), **({"json": body} if body else {}))
    text = answer.text
    for named in (dataset.dataset_id, *ids.values()):
        text = text.replace(named, "…")
    shown: Json = json.loads(text)
    return {name: value for name, value in shown.items() if name != "request_id"} | {"http": answer.status_code}


@pytest.mark.parametrize("call", CALLS)
def test_things_of_another_project_are_as_if_they_were_not(settled: House, shared_project: Project, call: str) -> None:
    before = settled.state()
    theirs = AudioDataset(shared_project, settled.dataset.dataset_id, shared_project.new_key("read", "write", "export"))
    nothing = replace(theirs, dataset_id="ds_01J0000000000000000000000Z")
    for annotation_set_id in (settled.draft, settled.published):
        found = told(theirs, call, set=annotation_set_id, row=settled.row, audio=settled.audio)
        assert found["http"] == 404
        assert found == told(nothing, call, set=NO_SET, row=NO_ROW, audio=NO_FILE)
    assert settled.state() == before


@pytest.mark.parametrize("call", [name for name, (_, steps, _) in CALLS.items() if len(steps) > 1])
def test_things_of_another_dataset_are_as_if_they_were_not(settled: House, call: str) -> None:
    other = AudioDataset.new(settled.dataset.project, f"other-{call.replace(' ', '-')}")
    before = settled.state()
    for annotation_set_id in (settled.draft, settled.published):
        found = told(other, call, set=annotation_set_id, row=settled.row, audio=settled.audio)
        assert found["http"] == 404
        assert found == told(other, call, set=NO_SET, row=NO_ROW, audio=NO_FILE)
    assert settled.state() == before


@pytest.mark.parametrize("call", ["row", "change", "remove"])
def test_an_annotation_of_another_set_is_as_if_it_was_not(settled: House, call: str) -> None:
    before = settled.state()
    draft = settled.dataset.new_set()
    found = told(settled.dataset, call, set=draft, row=settled.row)
    assert (found["http"], found["code"]) == (404, "ANNOTATION_NOT_FOUND")
    assert found == told(settled.dataset, call, set=draft, row=NO_ROW)
    succeeded(settled.dataset.call("DELETE", SETS, draft))
    assert settled.state() == before


def test_writes_do_not_reach_into_another_project(settled: House, shared_project: Project) -> None:
    """Nor do ids in bodies: audio files, copied sets, label packs."""
    ours, before = AudioDataset.new(shared_project, "ours"), settled.state()
    theirs = replace(settled.dataset, api_key=ours.api_key)
    own, known = segment(settled.audio, 0, 5), segment(ours.new_audio_file("known.wav"), 0, 5)
    for steps, sent, foreign in (
        ((ROWS,), known, own),
        ((ROWS, "bulk"), {"annotations": [known]}, {"annotations": [own]}),
    ):
        problem(ours.call("POST", SETS, settled.draft, *steps, json=sent), 404, "ANNOTATION_SET_NOT_FOUND")
        assert theirs.call("POST", SETS, settled.draft, *steps, json=foreign).status_code in (400, 404)
        refused = problem(ours.call("POST", SETS, ours.new_set(), *steps, json=foreign), 400, "INVALID_REQUEST")
        assert [fault["loc"].rpartition("/")[2] for fault in refused["errors"]] == ["audio_file_id"]
    for source in (settled.draft, settled.published):
        problem(ours.call("POST", SETS, json={"copy_from": source}), 404, "ANNOTATION_SET_NOT_FOUND")
        answer = ours.call("GET", SETS, ours.new_set(), "diff", params={"against": source})
        problem(answer, 404, "ANNOTATION_SET_NOT_FOUND")
    published = ours.new_published([segment(ours.new_audio_file("a.wav"), 0, 5)])
    pack = settled.dataset.project.new_pack("audio_artifact_detection")
    answer = ours.call("POST", SETS, published, "promote", json={"label_pack_id": pack})
    problem(answer, 404, "LABEL_PACK_NOT_FOUND")
    assert settled.dataset.project.editor.get(f"/api/v1/label-packs/{pack}/revisions")["items"] == []
    assert settled.state()[:2] == before[:2]


@pytest.mark.parametrize("call", EVERY_CALL)
def test_one_without_membership_finds_no_project(settled: House, call: str) -> None:
    method, steps, body = EVERY_CALL[call]
    ids = {"set": settled.draft, "row": settled.row, "audio": settled.audio}
    path = "/".join(("/api/v1/datasets", settled.dataset.dataset_id, *(ids.get(step, step) for step in steps)))
    content = {"json": body} if body else {}
    problem(settled.dataset.project.call(method, path, "stranger", **content), 404, "PROJECT_NOT_FOUND")
    assert settled.dataset.project.call(method, path, None, **content).status_code == 401


@pytest.mark.parametrize("call", [name for name, (method, _, _) in EVERY_CALL.items() if method != "GET"])
def test_a_viewer_and_a_key_that_reads_write_nothing(settled: House, call: str) -> None:
    before = settled.state()
    method, steps, body = EVERY_CALL[call]
    ids = {"set": settled.draft, "row": settled.row, "audio": settled.audio}
    place = [ids.get(step, step) for step in steps]
    content = {"json": body} if body else {}
    path = "/".join(("/api/v1/datasets", settled.dataset.dataset_id, *place))
    problem(settled.dataset.project.call(method, path, "viewer", **content), 403, "FORBIDDEN")
    reader = replace(settled.dataset, api_key=settled.dataset.project.new_key("read"))
    problem(reader.call(method, *place, **content), 403, "FORBIDDEN")
    assert settled.state() == before
