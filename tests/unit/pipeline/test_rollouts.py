"""A line is a rollout or has a fault with a rule and a place."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.rollouts import (
    Rollout,
    RolloutStatistics,
    decode_rollout,
    decode_statistics,
    encode_rollout,
    merge_statistics,
    parse_rollout,
    split_thinking,
)
from packhouse.pipeline.rows import RowError
from tests.unit.pipeline.captures import SILENCE, capture, captures, line, operator, persona, rollout

EXAMPLE = (
    '{"rollout_id":"r","scenario_id":"sc_marathon_build_001","agent_template_id":"agt_coach_v3","rollout_index":0,'
    '"temperature":0.7,"status":"completed","events":[{"type":"persona_message","content":"…"},'
    '{"type":"operator_message","content":"<thinking>…</thinking>Hold pace."},{"type":"operator_no_response"},'
    '{"type":"time_skip","days":3.0}],"scores":{"quality_score":0.84,"complexity_score":0.62},'
    '"loglik":[{"turn":1,"conditional":-41.2,"unconditional":-77.9,"tokens":23}]}'
).encode()

TURN = {"turn": 1, "conditional": -1.5, "unconditional": -2.5, "tokens": 3}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in capture().items() if key != name}


FORM: list[tuple[Any, str]] = [
    ([], ""),
    (7, ""),
    *[(without(name), "") for name in capture()],
    (capture(extra=1), ""),
    (capture(rollout_id=""), "/rollout_id"),
    (capture(rollout_id="a" * 201), "/rollout_id"),
    (capture(rollout_id="a b"), "/rollout_id"),
    (capture(rollout_id="a\n"), "/rollout_id"),
    (capture(rollout_id=None), "/rollout_id"),
    (capture(scenario_id="a/b"), "/scenario_id"),
    (capture(scenario_id="é"), "/scenario_id"),
    (capture(agent_template_id=7), "/agent_template_id"),
    (capture(agent_template_id="a\x00"), "/agent_template_id"),
    (capture(rollout_index=-1), "/rollout_index"),
    (capture(rollout_index=2**31), "/rollout_index"),
    (capture(rollout_index=0.5), "/rollout_index"),
    (capture(rollout_index=True), "/rollout_index"),
    (capture(rollout_index="0"), "/rollout_index"),
    (capture(temperature=-0.1), "/temperature"),
    (capture(temperature=100.1), "/temperature"),
    (capture(temperature=True), "/temperature"),
    (capture(temperature="0.7"), "/temperature"),
    (capture(temperature=None), "/temperature"),
    (capture(status="Completed"), "/status"),
    (capture(status=""), "/status"),
    (capture(status="a" * 41), "/status"),
    (capture(status="completed\n"), "/status"),
    (capture(events=[]), "/events"),
    (capture(events={}), "/events"),
    (capture(events=[persona("a")] * 10_001), "/events"),
    (capture(persona("a"), {"type": "thinking", "content": "a"}), "/events/1/type"),
    (capture(persona("a"), {"content": "a"}), "/events/1"),
    (capture(persona("a"), None), "/events/1"),  # type: ignore[arg-type]
    (capture(persona("")), "/events/0/content"),
    (capture(persona("a"), operator("")), "/events/1/content"),
    (capture({"type": "persona_message"}), "/events/0"),
    (capture({**persona("a"), "days": 1}), "/events/0"),
    (capture({**SILENCE, "content": "a"}), "/events/0"),
    (capture({"type": "time_skip", "days": 0}), "/events/0/days"),
    (capture({"type": "time_skip", "days": -1}), "/events/0/days"),
    (capture({"type": "time_skip"}), "/events/0"),
    (capture(scores=[]), "/scores"),
    (capture(scores={"quality": 0.5}), "/scores"),
    (capture(scores={"quality_score": "0.5"}), "/scores/quality_score"),
    (capture(scores={"ifd_score": True}), "/scores/ifd_score"),
    (capture(loglik={}), "/loglik"),
    (capture(loglik=[{**TURN, "turn": 0}]), "/loglik/0/turn"),
    (capture(loglik=[{**TURN, "turn": 1.5}]), "/loglik/0/turn"),
    (capture(loglik=[{**TURN, "conditional": 0.1}]), "/loglik/0/conditional"),
    (capture(loglik=[{**TURN, "unconditional": 1}]), "/loglik/0/unconditional"),
    (capture(loglik=[{**TURN, "tokens": 0}]), "/loglik/0/tokens"),
    (capture(loglik=[{**TURN, "tokens": 2**31}]), "/loglik/0/tokens"),
    (capture(loglik=[{**TURN, "model": "m"}]), "/loglik/0"),
    (capture(loglik=[{"turn": 1}]), "/loglik/0"),
]

RULES = [
    (capture(persona(" \n\u2028\u00a0")), "MESSAGE_EMPTY", "/events/0/content"),
    (capture(persona("a"), operator("\t")), "MESSAGE_EMPTY", "/events/1/content"),
    (capture(operator("<thinking>a</thinking>")), "MESSAGE_EMPTY", "/events/0/content"),
    (capture(operator(" <thinking>a</thinking> \n")), "MESSAGE_EMPTY", "/events/0/content"),
    (capture(operator("<no_response/>")), "CANONICAL_TOKEN", "/events/0/content"),
    (capture(persona("a"), operator("Well. <no_response/>")), "CANONICAL_TOKEN", "/events/1/content"),
    (capture(operator("<thinking><no_response/></thinking>b")), "CANONICAL_TOKEN", "/events/0/content"),
    (capture(operator("<no_<thinking>a</thinking>response/>")), "CANONICAL_TOKEN", "/events/0/content"),
    (capture(operator("<thinking>a")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("a</thinking>")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("</thinking>a<thinking>")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("</thinking>a<thinking>b</thinking>c")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("<thinking>a</thinking>b</thinking>c")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("<thinking>a<thinking>b</thinking></thinking>c")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("<thinking>a<thinking>b</thinking>c")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("<thinking>a</thinking>b<thinking>c</thinking>")), "THINKING_BLOCK", "/events/0/content"),
    (capture(operator("<thin<thinking>a</thinking>king>b")), "THINKING_BLOCK", "/events/0/content"),
    (capture(loglik=[{**TURN, "turn": 2}]), "LOGLIK_TURN", "/loglik/0/turn"),
    (capture(persona("a"), loglik=[TURN]), "LOGLIK_TURN", "/loglik/0/turn"),
    (capture(operator("a"), SILENCE, loglik=[TURN, {**TURN, "turn": 3}]), "LOGLIK_TURN", "/loglik/1/turn"),
    (capture(loglik=[TURN, TURN]), "LOGLIK_TURN", "/loglik/1/turn"),
]


def fault_of(body: bytes) -> tuple[str, str]:
    with pytest.raises(RowError) as fault:
        parse_rollout(body)
    assert fault.value.detail
    return fault.value.rule, fault.value.pointer


@pytest.mark.parametrize(("captured", "pointer"), FORM)
def test_a_line_of_another_form_names_the_place(captured: Any, pointer: str) -> None:
    assert fault_of(line(captured)) == ("ROW_FORM", pointer)


@pytest.mark.parametrize(("captured", "rule", "pointer"), RULES)
def test_a_line_that_breaks_a_rule_names_it_and_the_place(captured: Any, rule: str, pointer: str) -> None:
    assert fault_of(line(captured)) == (rule, pointer)


@pytest.mark.parametrize("body", [b"", b"{", b"\xef\xbb\xbf" + line(capture()), b"rollout", line(capture()) * 2])
def test_what_is_no_json_is_no_rollout(body: bytes) -> None:
    assert fault_of(body) == ("NOT_JSON", "")


@pytest.mark.parametrize("surrogate", [b"\\ud800", b"\\udfff a", b"\xed\xa0\x80", b"\xff"])
def test_text_that_is_no_unicode_is_refused(surrogate: bytes) -> None:
    assert fault_of(line(capture(persona("PLACE"))).replace(b"PLACE", surrogate))[0] == "NOT_JSON"


FLOATS = ["temperature", "days", "quality_score", "complexity_score", "ifd_score", "conditional", "unconditional"]
FULL = capture(
    persona("a"),
    operator("b"),
    SILENCE,
    {"type": "time_skip", "days": 0.125},
    temperature=0.125,
    scores={"quality_score": 0.125, "complexity_score": 0.125, "ifd_score": 0.125},
    loglik=[{"turn": 1, "conditional": -0.125, "unconditional": -0.125, "tokens": 3}],
)


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("NaN", "NOT_JSON"),
        ("Infinity", "NOT_JSON"),
        ("1e999", "ROW_FORM"),
        ("-1e999", "ROW_FORM"),
        ("9" * 400, "ROW_FORM"),
    ],
)
def test_numbers_are_finite(name: str, number: str, rule: str) -> None:
    body = line(FULL)
    for written in ("0.125", "-0.125"):
        body = body.replace(f'"{name}":{written}'.encode(), f'"{name}":{number}'.encode())
    assert body != line(FULL)
    assert fault_of(body)[0] == rule


class Repeating(dict[str, Any]):
    """An object that `json.dumps` writes with its `number`-th key twice."""

    def __init__(self, plain: dict[str, Any], number: int) -> None:
        super().__init__(plain)
        self.number = number

    def items(self) -> Any:
        pairs = list(super().items())
        return [*pairs, pairs[self.number]]


def repeats(value: Any) -> Any:
    """Yield a value with one key of it given twice, for every key at any depth, and the key."""
    if isinstance(value, dict):
        for number, (key, part) in enumerate(value.items()):
            yield key, Repeating(value, number)
            yield from ((name, {**value, key: changed}) for name, changed in repeats(part))
    if isinstance(value, list):
        for number, part in enumerate(value):
            yield from ((name, [*value[:number], changed, *value[number + 1 :]]) for name, changed in repeats(part))


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",", " :")])
def test_a_key_that_is_given_twice_is_refused_wherever_it_stands(separators: tuple[str, str]) -> None:
    planted = list(repeats(FULL))
    assert len(planted) == 9 + 2 + 2 + 1 + 2 + 3 + 4
    for key, captured in planted:
        body = json.dumps(captured, separators=separators).encode()
        assert fault_of(body) == ("DUPLICATE_KEY", f"/{key}")


def key_count(value: Any) -> int:
    """How many keys the objects of a value have at all depths."""
    if isinstance(value, dict):
        return len(value) + sum(key_count(part) for part in value.values())
    return sum(key_count(part) for part in value) if isinstance(value, list) else 0


@given(captures().filter(lambda captured: line(captured).count(b'":') == key_count(captured)))
def test_a_line_whose_keys_can_be_counted_is_read_once(captured: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("packhouse.pipeline.rows.json.loads", None)
        parse_rollout(line(captured))


@pytest.mark.parametrize("text", ['": a', 'a":', '\\":', '{"type":"time_skip"}', '"content" :"b"'])
def test_text_that_looks_like_keys_is_text(text: str) -> None:
    assert rollout(persona(text)).events[0].content == text  # type: ignore[union-attr]


def test_the_example_of_the_format_is_canonical() -> None:
    assert encode_rollout(parse_rollout(EXAMPLE)) == EXAMPLE
    assert decode_rollout(EXAMPLE) == parse_rollout(EXAMPLE)
    assert tuple(json.loads(EXAMPLE)) == Rollout.__struct_fields__


@given(captures())
def test_a_canonical_line_stays_as_it_is(captured: dict[str, Any]) -> None:
    encoded = encode_rollout(parse_rollout(line(captured)))
    assert encode_rollout(parse_rollout(encoded)) == encoded
    assert decode_rollout(encoded) == parse_rollout(line(captured))


@given(captures())
def test_canonical_lines_do_not_depend_on_spacing_key_order_or_escapes(captured: dict[str, Any]) -> None:
    turned = dict(reversed(captured.items()))
    turned["events"] = [dict(reversed(event.items())) for event in captured["events"]]
    spaced = json.dumps(turned, indent=1).replace("\n", " ").encode()
    assert encode_rollout(parse_rollout(spaced)) == encode_rollout(parse_rollout(line(captured)))


@given(captures())
def test_a_canonical_line_says_all_that_was_sent(captured: dict[str, Any]) -> None:
    said = json.loads(encode_rollout(parse_rollout(line(captured))))
    scores = {name: score for name, score in (captured.get("scores") or {}).items() if score is not None}
    sent = {**captured, "scores": scores, "loglik": captured.get("loglik") or []}
    assert {"scores": {}, "loglik": [], **said} == sent


@pytest.mark.parametrize("more", [{"scores": None}, {"scores": {}}, {"scores": {"ifd_score": None}}, {"loglik": None}])
def test_absent_and_null_are_one_thing(more: dict[str, Any]) -> None:
    assert encode_rollout(rollout(**more)) == encode_rollout(rollout())


def test_a_whole_number_and_a_float_are_one_thing() -> None:
    whole, exact = rollout(temperature=1, scores={"ifd_score": 2}), rollout(temperature=1.0, scores={"ifd_score": 2.0})
    assert encode_rollout(whole) == encode_rollout(exact)
    assert b'"temperature":1.0' in encode_rollout(whole)


def test_zero_has_one_sign() -> None:
    zero = {"turn": 1, "conditional": -0.0, "unconditional": -0.0, "tokens": 1}
    signed = rollout(temperature=-0.0, scores={"quality_score": -0.0}, loglik=[zero])
    assert b"-0" not in encode_rollout(signed)
    assert math.copysign(1, signed.temperature) == 1


def test_turns_are_what_the_operator_said_or_left_unsaid() -> None:
    assert rollout(persona("a"), operator("b"), SILENCE, persona("c"), {"type": "time_skip", "days": 1}).turn_count == 2
    assert rollout(SILENCE, loglik=[TURN]).loglik[0].turn == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("content", "thinking", "text"),
    [
        ("Hold pace.", None, "Hold pace."),
        ("  Hold pace.\n", None, "  Hold pace.\n"),
        ("<thinking>\n a \n</thinking>\n\nHold pace.\n", "\n a \n", "Hold pace.\n"),
        (" Hold pace. \u2028<thinking>a</thinking>\n", "a", " Hold pace."),
        ("Hold.<thinking>a</thinking>Pace.", "a", "Hold.Pace."),
        ("Hold.<thinking>a</thinking> Pace.", "a", "Hold. Pace."),
        ("Hold.\n<thinking>a</thinking> Pace.", "a", "Hold.\nPace."),
        ("<thinking></thinking>Hold.", "", "Hold."),
        ("<Thinking>Hold.", None, "<Thinking>Hold."),
    ],
)
def test_a_block_is_taken_out_with_the_white_space_next_to_it(content: str, thinking: str | None, text: str) -> None:
    assert split_thinking(content) == (thinking, text)


def test_a_rollout_is_counted_by_what_is_in_it() -> None:
    statistics = RolloutStatistics()
    statistics.add(rollout(persona("a"), operator("<thinking>b</thinking>c"), SILENCE, operator("d"), loglik=[TURN]))
    statistics.add(rollout(persona("<thinking>"), SILENCE))
    statistics.add(rollout(persona("a"), status="failed"))
    assert statistics == RolloutStatistics({"completed": 2, "failed": 1}, 4, 2, 1, 1)
    assert statistics.rollouts == 3


@given(st.lists(captures(), max_size=6), st.integers(0, 6))
def test_a_merge_of_statistics_is_the_statistics_of_all(many: list[dict[str, Any]], cut: int) -> None:
    def counted(part: list[dict[str, Any]]) -> RolloutStatistics:
        statistics = RolloutStatistics()
        for each in part:
            statistics.add(parse_rollout(line(each)))
        return decode_statistics(statistics.encode())

    together = counted(many)
    assert merge_statistics([counted(many[cut:]), counted(many[:cut])]).encode() == together.encode()
    assert together.rollouts == len(many)
    events = [event for each in many for event in each["events"]]
    assert together.silences == events.count(SILENCE)
    assert together.assistant_turns == sum(event["type"].startswith("operator") for event in events)
    said = [event["content"] for event in events if event["type"] == "operator_message"]
    assert together.thinking_turns == sum("</thinking>" in content for content in said)
    assert together.with_loglik == sum(bool(each.get("loglik")) for each in many)
