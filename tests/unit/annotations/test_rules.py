"""Ids that go up, segments within their files, states that move, and what callers see of a set."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from packhouse.annotations.model import BATCH_ROWS_ALL, Gate, Head, SetState, SetStatus, Statistics
from packhouse.annotations.routes import AnnotationBody
from packhouse.annotations.rules import (
    following,
    has_room,
    published,
    segment_faults,
    set_state,
    shown,
    state_of,
    total,
)
from packhouse.audio.model import LONGEST_MS, AudioFile
from packhouse.aws.clock import new_id
from packhouse.errors import RequestFaultsError
from tests.unit.annotations.segments import MOMENT, a_batch, an_annotation

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DIGITS = st.text(CROCKFORD, min_size=26, max_size=26).map(lambda digits: f"ast_{digits}")
FILES = {
    f"aud_{duration}": AudioFile(
        id=f"aud_{duration}", uri=f"{duration}.wav", duration_ms=duration, created_at=MOMENT, created_by="user-ana"
    )
    for duration in (1, 1_000, LONGEST_MS)
}


def a_head(state: SetState = SetState.DRAFT, revision: int = 1, rows: tuple[int, ...] = ()) -> Head:
    return Head(
        id="ast_1",
        dataset_id="ds_1",
        workspace="acme/match-day",
        project_id="prj_1",
        version=1,
        state=state,
        revision=revision,
        copied_from=None,
        extra_data=None,
        created_at=MOMENT,
        created_by="user-ana",
        batches=tuple(a_batch(number, count) for number, count in enumerate(rows)),
    )


def gates(*facts: tuple[int, int]) -> list[Gate]:
    return [Gate(number=number, rows=rows, writes=writes) for number, (rows, writes) in enumerate(facts)]


def a_row(start_ms: int, end_ms: int, audio_file_id: str = "aud_1000") -> dict[str, Any]:
    return {"audio_file_id": audio_file_id, "artifact_type": "glitch", "start_ms": start_ms, "end_ms": end_ms}


def pointers(*rows: dict[str, Any]) -> list[str]:
    return [fault.loc for fault in segment_faults([(f"/{at}", row) for at, row in enumerate(rows)], FILES)]


@given(DIGITS.filter(lambda newest: not newest.endswith("Z" * 26)), DIGITS)
def test_an_id_sorts_behind_the_newest_one(newest: str, fresh: str) -> None:
    found = following(newest, fresh)
    assert found > newest
    assert len(found) == len(newest)
    assert set(found[4:]) <= set(CROCKFORD)
    assert found == fresh if fresh > newest else not newest < fresh < found


def test_the_first_id_is_the_fresh_one() -> None:
    fresh = new_id("ast")
    assert following(None, fresh) == fresh


@pytest.mark.parametrize(("newest", "behind"), [("0" * 26, "0" * 25 + "1"), ("0Z" + "Z" * 24, "1" + "0" * 25)])
def test_the_id_behind_one_carries_over(newest: str, behind: str) -> None:
    assert following(f"ast_{newest}", f"ast_{newest}") == f"ast_{behind}"


def test_ids_of_a_clock_that_went_back_go_up() -> None:
    newest = new_id("ast")
    made = []
    for _ in range(100):
        newest = following(newest, "ast_" + "0" * 26)
        made.append(newest)
    assert made == sorted(set(made))


@pytest.mark.parametrize("duration", [1, 1_000, LONGEST_MS])
def test_a_segment_lies_within_its_file(duration: int) -> None:
    file = f"aud_{duration}"
    assert pointers(a_row(0, duration, file), a_row(duration - 1, duration, file), a_row(0, 1, file)) == []
    assert pointers(a_row(0, duration + 1, file)) == ["/0/end_ms"]
    assert pointers(a_row(duration, duration + 1, file)) == ["/0/end_ms"]
    assert pointers(a_row(duration, duration, file)) == ["/0/end_ms"]
    assert pointers(a_row(0, 0, file)) == ["/0/end_ms"]
    assert pointers(a_row(duration + 1, duration + 1, file)) == ["/0/end_ms", "/0/end_ms"]


def test_a_segment_ends_behind_its_start() -> None:
    assert pointers(a_row(5, 6), a_row(5, 5), a_row(5, 4)) == ["/1/end_ms", "/2/end_ms"]


@pytest.mark.parametrize(("field", "least", "most"), [("start_ms", 0, LONGEST_MS), ("end_ms", 1, LONGEST_MS)])
def test_a_body_takes_no_moment_before_the_file_or_behind_every_one(field: str, least: int, most: int) -> None:
    body = a_row(0, 1)
    for value in (least, most):
        assert getattr(AnnotationBody.model_validate(body | {field: value}), field) == value
    for other in (least - 1, most + 1, 1.5, "1", None, True):
        with pytest.raises(ValidationError):
            AnnotationBody.model_validate(body | {field: other})


def test_a_row_of_an_unknown_file_is_told_and_its_order_with_it() -> None:
    assert pointers(a_row(0, 10**9, "aud_none")) == ["/0/audio_file_id"]
    assert pointers(a_row(1, 1, "aud_none"), a_row(0, 5)) == ["/0/audio_file_id", "/0/end_ms"]


def test_a_fault_says_what_the_bound_is() -> None:
    (unknown, beyond, empty) = segment_faults(
        [("", a_row(0, 5, "aud_none")), ("", a_row(0, 1_001)), ("", a_row(7, 7))], FILES
    )
    assert "aud_none" in unknown.reason
    assert "1000" in beyond.reason
    assert "7" in empty.reason


@pytest.mark.parametrize("faults", [99, 100, 101, 5_000])
def test_all_faults_are_counted_and_a_hundred_are_told(faults: int) -> None:
    good = a_row(0, 5)
    rows = [(f"/{number}", row) for number, row in enumerate([good, a_row(5, 5)] * faults)]
    told = RequestFaultsError(segment_faults(rows, FILES))
    assert [fault.loc for fault in told.faults] == [f"/{2 * number + 1}/end_ms" for number in range(min(faults, 100))]
    assert f"has {faults} faults" in told.detail


@given(st.lists(st.tuples(st.integers(-1, 7), st.integers(-1, 1))))
def test_the_state_of_a_set_moves_with_each_write(writes: list[tuple[int, int]]) -> None:
    """Each write is of the head (-1) or goes through a gate, adding, changing or removing an annotation."""
    head, facts = a_head(rows=(5,)), [(0, 0)] * 8
    seen = [set_state(head, gates(*facts))]
    for gate, more in writes:
        if gate < 0:
            head = head.model_copy(update={"revision": head.revision + 1})
        else:
            facts[gate] = (facts[gate][0] + more, facts[gate][1] + 1)
        seen.append(set_state(head, gates(*facts)))
    assert len(set(seen)) == len(writes) + 1
    assert total(head, gates(*facts)) == 5 + sum(more for gate, more in writes if gate >= 0)


def test_the_state_of_an_annotation_is_that_of_all_it_says() -> None:
    one = an_annotation(1, confidence=0.5)
    other: dict[str, Any] = {"id": "ann_2", "audio_file_id": "aud_b", "artifact_type": "other", "confidence": None}
    other |= {"start_ms": 7, "end_ms": 9, "created_at": "t", "created_by": "u", "updated_at": "v"}
    assert other.keys() == one.model_dump().keys()
    states = {state_of(one.model_copy(update={name: value})) for name, value in other.items()}
    assert len(states | {state_of(one)}) == len(other) + 1
    assert state_of(one) == state_of(one.model_copy())


def test_a_draft_is_shown_with_what_it_holds_now_and_no_statistics() -> None:
    for state in (SetState.DRAFT, SetState.PUBLISHING):
        found = shown(a_head(state, 3, (4, 6)), gates((2, 5), (-3, 4)))
        assert (found.status, found.total_annotations, found.etag) == (SetStatus.DRAFT, 9, "3-9")
        assert (found.total_positive_duration_ms, found.annotations_by_type, found.rows_sha256) == (None, None, None)


def test_a_published_set_is_shown_with_the_statistics_of_its_publishing() -> None:
    statistics = Statistics(
        total_annotations=7,
        total_positive_duration_ms=50,
        annotations_by_type={"glitch": 7},
        duration_ms_by_type={"glitch": 50},
        audio_files=2,
    )
    head = published(a_head(SetState.PUBLISHING, 4, (4, 6)), a_batch("published", 7), statistics, MOMENT)
    found = shown(head, gates((2, 5), (-5, 4)))
    assert (found.status, found.published_at, head.revision) == (SetStatus.PUBLISHED, MOMENT, 5)
    assert (found.total_annotations, found.total_positive_duration_ms) == (7, 50)
    assert found.annotations_by_type == {"glitch": 7}
    assert [batch.rows for batch in head.batches] == [7]


def test_all_batches_together_have_room_for_so_many() -> None:
    assert has_room(BATCH_ROWS_ALL - 7, 7)
    assert not has_room(BATCH_ROWS_ALL - 7, 8)
