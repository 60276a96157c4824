"""Rollouts as senders write them, for the tests of rollouts, training rows, scores and profiles."""

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from packhouse.pipeline.rollouts import Rollout, parse_rollout

SILENCE = {"type": "operator_no_response"}


def persona(content: str) -> dict[str, Any]:
    return {"type": "persona_message", "content": content}


def operator(content: str) -> dict[str, Any]:
    return {"type": "operator_message", "content": content}


def capture(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One completed capture session."""
    return {
        "rollout_id": "r1",
        "scenario_id": "sc_1",
        "agent_template_id": "agt_1",
        "rollout_index": 0,
        "temperature": 0.7,
        "status": "completed",
        "events": list(events or (persona("Week 3."), operator("Hold pace."))),
        **more,
    }


def line(captured: dict[str, Any]) -> bytes:
    """The capture as a compact JSON line."""
    return json.dumps(captured, ensure_ascii=False, separators=(",", ":")).encode()


def rollout(*events: dict[str, Any], **more: Any) -> Rollout:
    """The capture, parsed."""
    return parse_rollout(line(capture(*events, **more)))


@dataclass(frozen=True)
class Told:
    """An event as it was sent, and the message that it has to become; a time skip becomes none."""

    event: dict[str, Any]
    role: str | None = None
    content: str = ""
    thinking: str | None = None


_letters = st.one_of(
    st.sampled_from('ab .!<>/"\\\n\t\u00a0\u2028\u2029\ufeff😀{}'), st.characters(exclude_categories=["Cs"])
)
_marks = st.sampled_from(["<think>", "</think>", "<no_response />", "<Thinking>", "{{ a }}", "<|end|>", "# …", '":'])
_text = st.text(_letters, max_size=12)
texts = st.one_of(
    st.text(_letters, min_size=1, max_size=12),
    st.builds("{}{}{}".format, _text, _marks, _text),
)
_spaces = st.text(" \n\t\r\u00a0\u2028", max_size=3)
_spoken = texts.filter(lambda text: text.strip() != "")
_lead = _spoken.filter(lambda text: not text[0].isspace())
_trail = _spoken.filter(lambda text: not text[-1].isspace())


def _before(thinking: str, space: str, text: str) -> Told:
    return Told(operator(f"<thinking>{thinking}</thinking>{space}{text}"), "assistant", text, thinking)


def _after(text: str, space: str, thinking: str) -> Told:
    return Told(operator(f"{text}{space}<thinking>{thinking}</thinking>"), "assistant", text, thinking)


def _between(first: str, one: str, thinking: str, other: str, last: str) -> Told:
    content = f"{first}{one}<thinking>{thinking}</thinking>{other}{last}"
    return Told(operator(content), "assistant", first + (one or other) + last, thinking)


def _is_operators(each: Told) -> bool:
    """Whether an operator message has the block it was given, and no other and no token."""
    sent = each.event["content"]
    blocks = int(each.thinking is not None)
    reserved = ("<thinking>", "</thinking>", "<no_response/>")
    return not any(tag in each.content for tag in reserved) and [sent.count(tag) for tag in reserved] == [
        blocks,
        blocks,
        0,
    ]


_thoughts = st.one_of(st.just(""), texts)
_personas = st.one_of(_spoken, st.sampled_from(["<thinking>", "<no_response/>", "</thinking> a"]))
_operators = st.one_of(
    _spoken.map(lambda text: Told(operator(text), "assistant", text)),
    st.builds(_before, _thoughts, _spaces, _lead),
    st.builds(_after, _trail, _spaces, _thoughts),
    st.builds(_between, _trail, _spaces, _thoughts, _spaces, _lead),
).filter(_is_operators)
told = st.lists(
    st.one_of(
        _personas.map(lambda text: Told(persona(text), "user", text)),
        _operators,
        _operators,
        st.just(Told(SILENCE, "assistant", "<no_response/>")),
        st.sampled_from([1, 0.5, 30]).map(lambda days: Told({"type": "time_skip", "days": days})),
    ),
    min_size=1,
    max_size=8,
)

ids = st.text("abcXYZ019_.:-", min_size=1, max_size=6)
numbers = st.one_of(st.integers(-2, 2), st.floats(-1e300, 1e300, allow_nan=False))


@st.composite
def captures(draw: st.DrawFn) -> dict[str, Any]:
    """Any rollout that is well formed, optional parts absent, null, empty or there."""
    events = [each.event for each in draw(told)]
    turns = sum(event["type"].startswith("operator") for event in events)
    likelihood = st.one_of(st.integers(-99, 0), st.floats(-1e6, 0.0))
    more: dict[str, Any] = {}
    names = ["quality_score", "complexity_score", "ifd_score"]
    more["scores"] = draw(st.one_of(st.none(), st.dictionaries(st.sampled_from(names), st.one_of(st.none(), numbers))))
    more["loglik"] = [
        {"turn": turn, "conditional": draw(likelihood), "unconditional": draw(likelihood), "tokens": draw(_counts)}
        for turn in draw(st.lists(st.integers(1, turns), unique=True) if turns else st.just([]))
    ]
    facts = {
        "rollout_id": draw(ids),
        "scenario_id": draw(ids),
        "agent_template_id": draw(ids),
        "rollout_index": draw(st.integers(0, 2**31 - 1)),
        "temperature": draw(st.one_of(st.integers(0, 100), st.floats(0, 100))),
        "status": draw(st.sampled_from(["completed", "failed", "abandoned"])),
    }
    absent = draw(st.sets(st.sampled_from(["scores", "loglik"])))
    return capture(*events, **facts, **{name: value for name, value in more.items() if name not in absent})


_counts = st.integers(1, 5000)
