"""What was left halfway is finished, and what no set names is removed once nobody can be reading it any more."""

from collections.abc import Callable
from dataclasses import replace
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from packhouse.annotations.model import Annotation, AnnotationSet, SetKey, SetStatus
from packhouse.annotations.publishing import Publishing
from packhouse.aws.objects import Objects
from packhouse.aws.once import Once
from packhouse.errors import PackhouseError, ServiceUnavailableError
from tests.faults.world import OWNER
from tests.unit.annotations.segments import by_bitmap, seeded
from tests.unit.annotations.studio import HOUR, Studio

PUBLISHING = 120


class CutError(Exception):
    """The process ended here."""


def cut(studio: Studio, method: str, what: Callable[[], object]) -> None:
    """Do something in a process that ends where it comes to a method of the services."""
    owner = next(kind for kind in (Publishing, type(studio.edits)) if hasattr(kind, method))
    with mock.patch.object(owner, method, side_effect=CutError), pytest.raises(CutError):
        what()


def a_draft(studio: Studio) -> SetKey:
    """A set with two batches and with edits of every sort."""
    key = studio.create()
    for _ in range(2):
        studio.bulk(key, [studio.row(start, start + 9, start % 3) for start in range(0, 600, 2)])
    one, two, three, four = studio.annotations(key)[10:14]
    studio.edits.remove(key, one.id, None)
    studio.edits.change(key, two.id, {"start_ms": 900, "end_ms": 950}, None)
    studio.edits.change(key, three.id, {"confidence": 0.5}, None)
    studio.edits.change(key, four.id, {"start_ms": 901, "end_ms": 950}, None)
    studio.edits.remove(key, four.id, None)
    studio.add(key, 700, 800, 1, "other")
    return key


def keyed(body: str = "") -> Once:
    return Once("user-owner POST publish", "a key", body)


def demand_published(studio: Studio, key: SetKey, rows: list[Annotation]) -> AnnotationSet:
    shown = studio.sets.get(key)
    assert shown.status is SetStatus.PUBLISHED
    true = by_bitmap(rows)
    assert shown.total_annotations == len(rows)
    assert shown.total_positive_duration_ms == true.total_positive_duration_ms
    assert shown.annotations_by_type == true.annotations_by_type
    assert studio.annotations(key) == rows
    return shown


@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_publish_left_halfway_is_finished_and_its_repeat_is_answered(studio: Studio, is_keyed: bool) -> None:
    key = a_draft(studio)
    rows = studio.annotations(key)
    cut(studio, "_finish", lambda: studio.publish(key, keyed() if is_keyed else None))
    assert studio.sets.get(key).status is SetStatus.DRAFT
    with pytest.raises(PackhouseError, match="for good"):
        studio.add(key)
    studio.wait(PUBLISHING)
    assert studio.chores.sweep()["publish"] == 0
    studio.wait(1)
    assert studio.chores.sweep()["publish"] == 1
    shown = demand_published(studio, key, rows)
    assert (shown.published_by, shown.published_at) == (OWNER.principal_id, studio.moment)
    if is_keyed:
        assert studio.publish(key, keyed()) == shown
        assert keyed().find(AnnotationSet) == shown
    else:
        with pytest.raises(PackhouseError) as refused:
            studio.publish(key)
        assert refused.value.code == "ANNOTATION_SET_PUBLISHED"
    assert studio.chores_left() == ["clear"]
    assert studio.chores.sweep() == {"publish": 0, "remove": 0, "clear": 0}


@pytest.mark.parametrize("is_keyed", [False, True])
def test_a_publish_left_halfway_is_finished_by_its_repeat_and_then_not_again(studio: Studio, is_keyed: bool) -> None:
    key = a_draft(studio)
    rows = studio.annotations(key)
    cut(studio, "_finish", lambda: studio.publish(key, keyed() if is_keyed else None))
    answered = studio.publish(key, keyed() if is_keyed else None)
    assert answered == demand_published(studio, key, rows)
    studio.wait(PUBLISHING + 1)
    assert studio.chores.sweep() == {"publish": 0, "remove": 0, "clear": 0}
    assert demand_published(studio, key, rows) == answered


def test_a_publish_that_wrote_its_object_and_no_more_is_finished_with_the_same_bytes(studio: Studio) -> None:
    key = a_draft(studio)
    rows = studio.annotations(key)
    with mock.patch("packhouse.annotations.publishing.published", side_effect=CutError), pytest.raises(CutError):
        studio.publish(key)
    (written,) = [body for _, name, body in studio.world.buckets.contents() if name.endswith("/annotations.ndjson")]
    studio.wait(PUBLISHING + 1)
    assert studio.chores.sweep()["publish"] == 1
    assert demand_published(studio, key, rows).rows_bytes == len(written)
    (there,) = [body for _, name, body in studio.world.buckets.contents() if name.endswith("/annotations.ndjson")]
    assert there == written


def test_a_batch_that_no_set_names_is_removed_an_hour_later(studio: Studio) -> None:
    key = a_draft(studio)
    rows, named = studio.annotations(key), studio.batch_objects()
    cut(studio, "_admit", lambda: studio.bulk(key, [studio.row()] * 700))
    left = studio.batch_objects()
    assert len(left - named) == 3
    studio.wait(HOUR)
    assert studio.chores.sweep()["remove"] == 0
    assert studio.batch_objects() == left
    studio.wait(1)
    assert studio.chores.sweep()["remove"] == 1
    assert studio.batch_objects() == named
    assert studio.annotations(key) == rows


def test_a_batch_that_was_not_written_to_its_end_is_removed_too(studio: Studio) -> None:
    key = a_draft(studio)
    named = studio.batch_objects()
    write = Objects.write_once

    def once_only(objects: Objects, name: str, body: bytes, content_type: str) -> bool:
        if name.endswith(".index"):
            raise CutError
        return write(objects, name, body, content_type)

    with mock.patch.object(Objects, "write_once", once_only), pytest.raises(CutError):
        studio.bulk(key, [studio.row()])
    assert len(studio.batch_objects() - named) == 1
    studio.wait(HOUR + 1)
    studio.chores.sweep()
    assert studio.batch_objects() == named


def test_a_batch_that_a_set_names_stays(studio: Studio) -> None:
    key, rows = a_draft(studio), []
    for number in range(20):
        studio.bulk(key, [studio.row(number, number + 5)] * 3)
        rows = studio.annotations(key)
    for _ in range(3):
        studio.wait(24 * HOUR)
        studio.chores.sweep()
        head = studio.edits.store.get_head(key)
        ends = ("", ".index", ".ids")
        assert studio.batch_objects() == {f"{batch.key}{end}" for batch in head.batches for end in ends}
        assert studio.annotations(key) == rows
        assert studio.chores_left() == []


def test_what_was_merged_into_another_batch_is_kept_for_an_hour(studio: Studio) -> None:
    key = studio.create()
    for number in range(8):
        studio.bulk(key, [studio.row(number, number + 5)])
    before, rows = studio.edits.store.get_head(key), studio.annotations(key)
    studio.bulk(key, [studio.row(100, 200)])
    assert len(studio.edits.store.get_head(key).batches) < len(before.batches)
    studio.wait(HOUR)
    studio.chores.sweep()
    fresh = replace(studio.edits.contents, objects=Objects(studio.edits.contents.objects.bucket))
    assert [row.line for row in fresh.iter_all(before)] == [row.model_dump_json().encode() for row in rows]
    studio.wait(1)
    assert studio.chores.sweep()["remove"] == 1
    with pytest.raises(PackhouseError):
        list(fresh.iter_all(before))
    assert len(studio.annotations(key)) == 9


@pytest.mark.parametrize("is_done", [False, True])
def test_an_admitted_batch_is_one_whose_removal_has_not_begun(studio: Studio, is_done: bool) -> None:
    key = a_draft(studio)
    rows, store = studio.annotations(key), studio.edits.store
    admit = type(studio.edits)._admit

    def late(*given: object) -> object:
        studio.wait(HOUR + 1)
        if is_done:
            studio.chores.sweep()
        else:
            assert [store.take_chore(chore) for chore in store.iter_due(studio.moment)] == [True]
        return admit(*given)  # type: ignore[arg-type]  # as it was called

    with mock.patch.object(type(studio.edits), "_admit", late), pytest.raises(PackhouseError) as refused:
        studio.bulk(key, [studio.row()])
    assert refused.value.code == "ANNOTATION_SET_CONFLICT"
    assert studio.annotations(key) == rows


def test_edits_of_a_published_set_are_cleared_and_nobody_notices(studio: Studio) -> None:
    key = a_draft(studio)
    rows = studio.annotations(key)
    studio.publish(key)
    assert studio.annotations(key) == studio.paged(key, seeded(1)) == rows
    left, objects = studio.edits_left(key), studio.batch_objects()
    assert left > 5
    studio.wait(HOUR)
    assert studio.chores.sweep()["clear"] == 0
    assert (studio.edits_left(key), studio.batch_objects()) == (left, objects)
    studio.wait(1)
    assert studio.chores.sweep()["clear"] == 1
    assert (studio.edits_left(key), studio.batch_objects()) == (0, set())
    assert studio.annotations(key) == studio.paged(key, seeded(1)) == rows
    assert [studio.edits.get(key, row.id) for row in rows] == rows
    assert studio.annotations(studio.create(key.id)) == rows


def test_what_a_deleted_draft_had_is_removed_and_not_what_a_copy_of_it_has(studio: Studio) -> None:
    key = a_draft(studio)
    rows = studio.annotations(key)
    copied = studio.create(key.id)
    studio.sets.delete(key, None)
    studio.wait(HOUR + 1)
    assert studio.chores.sweep() == {"publish": 0, "remove": 0, "clear": 1}
    assert studio.edits_left(key) == 0
    assert len(studio.batch_objects()) == 3
    assert studio.annotations(copied) == rows


def test_the_published_object_outlives_drafts_that_copied_it(studio: Studio) -> None:
    key = a_draft(studio)
    rows = studio.annotations(key)
    studio.publish(key)
    copies = [studio.create(key.id) for _ in range(3)]
    studio.sets.delete(copies[0], None)
    studio.publish(copies[1])
    for number in range(10):
        studio.bulk(copies[2], [studio.row(number, number + 1)])
    studio.wait(HOUR + 1)
    studio.chores.sweep()
    studio.sets.delete(copies[2], None)
    studio.wait(HOUR + 1)
    studio.chores.sweep()
    studio.edits.contents.objects.__init__(studio.edits.contents.objects.bucket)  # type: ignore[misc]  # forgets
    assert studio.annotations(key) == studio.annotations(copies[1]) == rows
    assert studio.batch_objects() == set()


@pytest.mark.parametrize(
    "error",
    [
        ServiceUnavailableError("SERVICE_UNAVAILABLE", "The table is away."),
        ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_chore_that_fails_keeps_no_other_from_being_done(studio: Studio, error: Exception) -> None:
    stuck, fine = a_draft(studio), a_draft(studio)
    rows = studio.annotations(fine)
    for key in (stuck, fine):
        cut(studio, "_finish", lambda key=key: studio.publish(key))  # type: ignore[misc]  # its type is known above
        studio.wait(1)
    cut(studio, "_admit", lambda: studio.bulk(studio.create(), [studio.row()]))
    studio.wait(HOUR + 1)
    finish = Publishing._finish

    def failing(publishing: Publishing, key: SetKey, head: object, once: Once) -> AnnotationSet:
        if key == stuck:
            raise error
        return finish(publishing, key, head, once)  # type: ignore[arg-type]  # as it was called

    with mock.patch.object(Publishing, "_finish", failing), pytest.raises(ExceptionGroup) as failed:
        studio.chores.sweep()
    assert failed.value.exceptions == (error,)
    assert stuck.id in error.__notes__[0]
    demand_published(studio, fine, rows)
    assert sorted(studio.chores_left()) == ["clear", "publish"]
    assert studio.sets.get(stuck).status is SetStatus.DRAFT
    assert studio.chores.sweep()["publish"] == 1
    assert studio.sets.get(stuck).status is SetStatus.PUBLISHED


def test_a_removal_that_was_left_halfway_is_done_again(studio: Studio) -> None:
    key = a_draft(studio)
    studio.publish(key)
    studio.wait(HOUR + 1)
    with mock.patch.object(type(studio.edits.store), "clear_edits", side_effect=CutError), pytest.raises(CutError):
        studio.chores.sweep()
    assert studio.chores_left() == ["clear"]
    assert studio.edits_left(key) > 0
    assert studio.chores.sweep()["clear"] == 1
    assert (studio.chores_left(), studio.edits_left(key), studio.batch_objects()) == ([], 0, set())
