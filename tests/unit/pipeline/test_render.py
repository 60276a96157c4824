"""A rollout becomes contract D's row: every text in its place, every number in its form."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.render import (
    Message,
    Metadata,
    TrainingRow,
    decode_training_row,
    encode_training_row,
    render_rollout,
    sort_key,
)
from packhouse.pipeline.rollouts import parse_rollout
from packhouse.pipeline.scoring import Scores
from tests.unit.pipeline.captures import (
    SILENCE,
    Told,
    capture,
    captures,
    ids,
    line,
    numbers,
    operator,
    persona,
    rollout,
    told,
)

WORKED_ROW = """{"scenario_id":"sc_marathon_build_001","agent_template_id":"agt_coach_v3","messages":[{"role":"user","content":"Hi Luke, here's my update for week 3. I hit all five runs and my long run felt strong."},{"role":"assistant","content":"That's exactly the response we wanted. Hold pace for week 4 - same volume, same intensities."},{"role":"user","content":"Week 4 update: missed Tuesday run, slept badly. Monday and Wednesday felt fine."},{"role":"assistant","content":"<no_response/>"}],"metadata":{"temperature":0.7,"rollout_index":0,"turn_count":2,"quality_score":0.84,"complexity_score":0.62,"ifd_score":null}}"""  # noqa: E501
"""As the contract prints it."""

WORKED_ROLLOUT = capture(
    persona("Hi Luke, here's my update for week 3. I hit all five runs and my long run felt strong."),
    operator("That's exactly the response we wanted. Hold pace for week 4 - same volume, same intensities."),
    {"type": "time_skip", "days": 7},
    persona("Week 4 update: missed Tuesday run, slept badly. Monday and Wednesday felt fine."),
    SILENCE,
    rollout_id="ses_0001",
    scenario_id="sc_marathon_build_001",
    agent_template_id="agt_coach_v3",
    temperature=0.7,
    scores={"quality_score": 0.84, "complexity_score": 0.62, "ifd_score": None},
)
NO_SCORES = Scores()


def rendered(captured: dict[str, Any], scores: Scores = NO_SCORES) -> bytes:
    return encode_training_row(render_rollout(parse_rollout(line(captured)), scores))


def test_the_contracts_worked_row_comes_out_byte_for_byte() -> None:
    assert rendered(WORKED_ROLLOUT, Scores(0.84, 0.62, None)) == WORKED_ROW.encode()


@given(told)
def test_every_text_can_be_read_back_from_the_row(events: list[Told]) -> None:
    row = json.loads(rendered(capture(*(each.event for each in events))))
    said = [(each.role, each.content, each.thinking) for each in events if each.role]
    assert [(each["role"], each["content"], each.get("thinking")) for each in row["messages"]] == said
    assert all(each["thinking"] is not None for each in row["messages"] if "thinking" in each)
    assert row["metadata"]["turn_count"] == sum(each.role == "assistant" for each in events)


@given(captures(), st.tuples(*[st.one_of(st.none(), numbers)] * 3))
def test_every_row_has_every_key_in_the_contracts_order(captured: dict[str, Any], given_scores: Any) -> None:
    body = rendered(captured, Scores(*given_scores))
    row, worked = json.loads(body), json.loads(WORKED_ROW)
    assert list(row) == list(worked)
    assert list(row["metadata"]) == list(worked["metadata"])
    assert all(list(each)[:2] == ["role", "content"] for each in row["messages"])


@given(captures(), st.tuples(*[st.one_of(st.none(), numbers)] * 3))
def test_numbers_are_floats_or_null_but_for_the_counts(captured: dict[str, Any], given_scores: Any) -> None:
    metadata = json.loads(rendered(captured, Scores(*given_scores)))["metadata"]
    types = {name: type(value) for name, value in metadata.items()}
    assert (types.pop("rollout_index"), types.pop("turn_count"), types.pop("temperature")) == (int, int, float)
    named = zip(("quality_score", "complexity_score", "ifd_score"), given_scores, strict=True)
    assert types == {name: type(None) if score is None else float for name, score in named}
    assert [metadata["quality_score"], metadata["complexity_score"], metadata["ifd_score"]] == list(given_scores)


@pytest.mark.parametrize(
    ("sent", "written"), [("1", b"1.0"), ("1.0", b"1.0"), ("0", b"0.0"), ("-0.0", b"0.0"), ("0.5", b"0.5")]
)
def test_a_whole_number_is_written_as_a_float(sent: str, written: bytes) -> None:
    body = line(capture()).replace(b'"temperature":0.7', b'"temperature":' + sent.encode())
    row = encode_training_row(render_rollout(parse_rollout(body), Scores(1, 0, -1)))
    assert b'"temperature":' + written + b"," in row
    assert row.endswith(b'"quality_score":1.0,"complexity_score":0.0,"ifd_score":-1.0}}')


@given(told)
def test_no_reader_of_lines_takes_a_separator_for_a_line_end(events: list[Told]) -> None:
    body = rendered(capture(*(each.event for each in events)))
    assert not re.search("[\n\r\u2028\u2029]", body.decode())
    assert rendered(capture(persona("a\u2028b\u2029c"))).count(b"\\u2028b\\u2029") == 1


def test_a_separator_in_thinking_is_escaped_too() -> None:
    body = rendered(capture(operator("<thinking>\u2029\u2028</thinking>Hold.")))
    assert b'"thinking":"\\u2029\\u2028"' in body
    assert decode_training_row(body).messages[0].thinking == "\u2029\u2028"


@given(captures(), st.tuples(*[st.one_of(st.none(), st.floats(-1e9, 1e9))] * 3))
def test_a_row_is_read_as_it_was_written(captured: dict[str, Any], given_scores: Any) -> None:
    row = render_rollout(parse_rollout(line(captured)), Scores(*given_scores))
    assert decode_training_row(encode_training_row(row)) == row


def test_thinking_is_absent_where_there_was_none_and_empty_where_it_was_empty() -> None:
    row = rendered(capture(operator("a"), operator("<thinking></thinking>b"), SILENCE))
    assert [each.get("thinking", ...) for each in json.loads(row)["messages"]] == [..., "", ...]



@given(st.lists(st.tuples(ids, st.one_of(st.integers(0, 20), st.integers(0, 2**31 - 1)), ids), max_size=20))
def test_keys_sort_as_scenario_index_and_id_do(many: list[tuple[str, int, str]]) -> None:
    def key(one: tuple[str, int, str]) -> bytes:
        return sort_key(rollout(scenario_id=one[0], rollout_index=one[1], rollout_id=one[2]))

    assert sorted(many, key=key) == sorted(many)
    assert len({key(one) for one in many}) == len(set(many))


def test_a_row_made_by_hand_has_the_contracts_form() -> None:
    said = [Message("user", "Week 4."), Message("assistant", "Rest.", "Tired.")]
    row = TrainingRow("sc", "agt", said, Metadata(1.0, 2, 1, None, 0.5, None))
    assert encode_training_row(row) == (
        b'{"scenario_id":"sc","agent_template_id":"agt","messages":[{"role":"user","content":"Week 4."},'
        b'{"role":"assistant","content":"Rest.","thinking":"Tired."}],"metadata":{"temperature":1.0,'
        b'"rollout_index":2,"turn_count":1,"quality_score":null,"complexity_score":0.5,"ifd_score":null}}'
    )
