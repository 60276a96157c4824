"""What a set holds, and what a promotion takes: beyond it a write is refused with its code, and nothing is changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from packhouse.annotations import promotions, rules, store
from packhouse.annotations.contents import Contents
from packhouse.annotations.model import GATES, Batch
from packhouse.aws.once import Once
from packhouse.errors import ConflictError
from tests.faults.world import OWNER, WORKSPACE
from tests.unit.annotations.studio import Studio


def refused(code: str, do: Callable[[], Any]) -> None:
    with pytest.raises(ConflictError) as error:
        do()
    assert error.value.code == code


def test_a_set_takes_bulks_up_to_its_limit_and_none_beyond(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "BATCH_ROWS_ALL", 5)
    key = studio.create()
    for count in (2, 3):
        studio.bulk(key, [studio.row(start) for start in range(count)])
    refused("ANNOTATION_SET_FULL", lambda: studio.bulk(key, [studio.row()]))
    assert studio.sets.get(key).total_annotations == len(studio.annotations(key)) == 5


def test_a_gate_lets_so_many_new_annotations_through_and_any_change(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "EDITS_A_GATE", 2)
    key, edits = studio.create(), replace(studio.edits, gate=lambda: GATES - 1)
    first, _ = (edits.add(key, studio.row(start), OWNER, Once()) for start in range(2))
    refused("ANNOTATION_SET_FULL", lambda: edits.add(key, studio.row(), OWNER, Once()))
    edits.change(key, first.id, {"artifact_type": "other"}, None)
    edits.remove(key, first.id, None)
    edits.add(key, studio.row(), OWNER, Once())
    refused("ANNOTATION_SET_FULL", lambda: edits.add(key, studio.row(), OWNER, Once()))
    assert studio.sets.get(key).total_annotations == len(studio.annotations(key)) == 2


def test_an_audio_file_of_more_than_a_label_row_holds_is_not_promoted(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, key = studio.world, studio.create()
    studio.bulk(key, [studio.row(start) for start in range(10)])
    studio.publish(key)
    path = f"/api/v1/datasets/{studio.dataset_id}/annotation-sets/{key.id}/promote"
    monkeypatch.setattr(promotions, "LINE_BYTES", 500)
    answer = world.request("POST", path, {}, workspace=WORKSPACE)
    assert (answer.status, answer.body["code"]) == (409, "LABEL_ROW_TOO_LONG")
    assert world.call("GET", "/api/v1/label-packs")["items"] == world.call("GET", "/api/v1/jobs")["items"] == []
    monkeypatch.undo()
    assert world.call("POST", path, {})["rows"] == 1


def test_a_draft_that_is_edited_while_it_is_copied_is_not_copied(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, write = studio.create(), Contents.write
    studio.add(key)

    def write_late(self: Contents, *given: Any) -> Batch:
        batch = write(self, *given)
        studio.add(key)
        return batch

    monkeypatch.setattr(Contents, "write", write_late)
    refused("ANNOTATION_SET_CONFLICT", lambda: studio.create(copy_from=key.id))
    monkeypatch.undo()
    copied = studio.create(copy_from=key.id)
    assert studio.sets.get(copied).version == 2
    assert studio.annotations(copied) == studio.annotations(key)
