"""A unit's rollouts become rows, or stay out for a reason; rows come in the order of their keys."""

import json
from typing import Any

import pytest

from packhouse.pipeline.plan import LeftOut, LeftOutReason
from packhouse.pipeline.rendering import (
    COMPUTED,
    GIVEN,
    MISSING,
    PREVIEW_ROWS,
    RowReason,
    Selection,
    count_origins,
    render_preview,
    render_unit,
)
from packhouse.pipeline.row_plan import RowUnit
from tests.unit.pipeline.captures import SILENCE, capture, persona
from tests.unit.pipeline.rendered import ALL, chunk, rendered, session

LOGLIK = [{"turn": 1, "conditional": -40.0, "unconditional": -80.0, "tokens": 20}]


def reasons(captured: dict[str, Any], selection: Selection = ALL) -> dict[str, int]:
    """Return why one session becomes no row."""
    return rendered([[captured]], selection).units[0].left_out


@pytest.mark.parametrize(
    ("captured", "selection", "reason"),
    [
        (session("r", status="aborted"), ALL, RowReason.NOT_COMPLETED),
        (session("r", "sc_2"), Selection(frozenset({"sc_1"}), None, {}), RowReason.SCENARIO_NOT_WANTED),
        (session("r"), Selection(None, frozenset({"agt_2"}), {}), RowReason.TEMPLATE_NOT_WANTED),
        (capture(persona("Hello?")), ALL, RowReason.NO_ASSISTANT_TURN),
        (capture(persona("Hello?"), SILENCE), Selection(None, None, {"quality_score": 0.0}), RowReason.SCORE_MISSING),
        (session("r"), Selection(None, None, {"ifd_score": 0.1}), RowReason.SCORE_MISSING),
        (
            session("r", scores={"quality_score": 0.49}),
            Selection(None, None, {"quality_score": 0.5}),
            RowReason.SCORE_TOO_LOW,
        ),
    ],
)
def test_a_rollout_stays_out_for_its_reason(captured: dict[str, Any], selection: Selection, reason: RowReason) -> None:
    assert reasons(captured, selection) == {reason.value: 1}


def test_a_score_at_its_limit_stays() -> None:
    assert reasons(session("r", scores={"quality_score": 0.5}), Selection(None, None, {"quality_score": 0.5})) == {}
    assert reasons(session("r", loglik=LOGLIK), Selection(None, None, {"ifd_score": 0.5})) == {}


def test_silence_alone_is_a_row() -> None:
    unit = rendered([[capture(persona("Hello?"), SILENCE)]])
    row = json.loads(unit.bodies[0]["ndjson"])
    assert row["messages"][-1] == {"role": "assistant", "content": "<no_response/>"}
    assert row["metadata"]["turn_count"] == 1
    assert row["metadata"]["quality_score"] is None


def test_repeats_stay_out_by_their_lines_whatever_they_are() -> None:
    left = [LeftOut(1, LeftOutReason.DUPLICATE_SAMPLE, 1), LeftOut(3, LeftOutReason.CONFLICTING_SAMPLE, 1)]
    part, body = chunk([session("a"), session("b"), session("c", status="aborted")], left)
    unit, objects = render_unit(RowUnit(0, [part]), [body], ALL, lambda *_: "ro")
    assert unit.left_out == {"REPEATED_ROLLOUT": 1, "SUPERSEDED_ROLLOUT": 1}
    assert unit.rollouts == 3
    assert objects["order"].split(b"\0")[2] == b"b"


def test_rows_are_sorted_by_scenario_index_and_id_and_know_where_they_come_from() -> None:
    captured = [session("b", "sc_2", 3), session("a", "sc_2", 3), session("z", "sc_1", 10), session("y", "sc_1", 9)]
    parts = [chunk(captured[:1]), chunk(captured[1:])]
    unit = RowUnit(0, [part for part, _ in parts])
    made, objects = render_unit(unit, [body for _, body in parts], ALL, lambda number, offset: f"{number}:{offset}")
    order = [line.split(b"\0") for line in objects["order"].splitlines()]
    assert [(scenario, int(index), name) for scenario, index, name, _ in order] == [
        (b"sc_1", 9, b"y"),
        (b"sc_1", 10, b"z"),
        (b"sc_2", 3, b"a"),
        (b"sc_2", 3, b"b"),
    ]
    bodies = [body for _, body in parts]
    for (_, _, name, address), line in zip(order, objects["ndjson"].splitlines(), strict=True):
        number, offset = map(int, address.split(b":"))
        sent = json.loads(bodies[number][offset:].split(b"\n")[0])
        assert sent["rollout_id"] == name.decode()
        assert json.loads(line)["metadata"]["rollout_index"] == sent["rollout_index"]
    assert made.rows == 4


def test_origins_say_where_each_score_comes_from() -> None:
    captured = [
        session("a", scores={"quality_score": 0.5}),
        session("b", loglik=LOGLIK),
        capture(persona("Hello?"), SILENCE, rollout_id="c"),
    ]
    unit = rendered([captured])
    counted = count_origins(dict.fromkeys(unit.bodies[0]["origins"], 1))
    assert [MISSING, GIVEN, COMPUTED] == [0, 1, 2]
    assert counted == {
        "quality_score": {"missing": 1, "given": 1, "computed": 1},
        "complexity_score": {"missing": 1, "given": 0, "computed": 2},
        "ifd_score": {"missing": 2, "given": 0, "computed": 1},
    }


def test_the_preview_is_the_first_rows_of_what_is_wanted_in_the_profile() -> None:
    part, body = chunk(
        [session(f"r{number:03}", status="completed" if number % 2 else "aborted") for number in range(99)]
    )
    rows = render_preview([(part, body)], ALL, "openai-chat")
    assert len(rows) == PREVIEW_ROWS
    assert json.loads(rows[1])["messages"][1]["content"] == "Answer r003 of its own."
    assert json.loads(rows[0]).keys() == {"messages"}
