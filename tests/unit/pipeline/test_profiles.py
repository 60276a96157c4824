"""Each profile keeps what its reader takes, and a row that the reader would reject is refused by rule and place."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.profiles import PROFILES, RULES, features_of, render_profile
from packhouse.pipeline.render import Message, Metadata, TrainingRow, encode_training_row, render_rollout
from packhouse.pipeline.rows import RowError
from packhouse.pipeline.scoring import Scores
from tests.unit.pipeline.captures import SILENCE, Told, operator, persona, rollout, told

THINK_TAGS = ("<think>", "</think>")


def row(*messages: Message, turn_count: int | None = None, **numbers: Any) -> TrainingRow:
    turns = sum(message.role == "assistant" for message in messages) if turn_count is None else turn_count
    facts: dict[str, Any] = {"quality_score": None, "complexity_score": None, "ifd_score": None, "temperature": 0.7}
    return TrainingRow("sc", "agt", list(messages), Metadata(rollout_index=0, turn_count=turns, **{**facts, **numbers}))


def user(content: str = "Week 4.") -> Message:
    return Message("user", content)


def coach(content: str = "Rest.", **thinking: str) -> Message:
    return Message("assistant", content, **thinking)


ROW = row(user(), coach(thinking="Tired."), user("Ok."), coach("<no_response/>"), quality_score=1.0)
METADATA = (
    '"metadata":{"temperature":0.7,"rollout_index":0,"turn_count":2,"quality_score":1.0,"complexity_score":null,'
    '"ifd_score":null}}'
)
LEAD = '{"scenario_id":"sc","agent_template_id":"agt","messages":[{"role":"user","content":"Week 4."},'
TAIL = '{"role":"user","content":"Ok."},{"role":"assistant","content":"<no_response/>"}]'
LINES = {
    "default": LEAD + '{"role":"assistant","content":"Rest.","thinking":"Tired."},' + TAIL + "," + METADATA,
    "openai-chat": '{"messages":[{"role":"user","content":"Week 4."},{"role":"assistant","content":"Rest."},'
    + TAIL
    + "}",
    "reasoning_content": LEAD
    + '{"role":"assistant","content":"Rest.","reasoning_content":"Tired."},'
    + TAIL
    + ","
    + METADATA,
    "inline-think": LEAD
    + '{"role":"assistant","content":"<think>\\nTired.\\n</think>\\n\\nRest."},'
    + TAIL
    + ","
    + METADATA,
    "strip": LEAD + '{"role":"assistant","content":"Rest."},' + TAIL + "," + METADATA,
}

BROKEN: list[tuple[str, TrainingRow, str]] = [
    ("MESSAGES_EMPTY", row(), "/messages"),
    ("ROLE_UNKNOWN", row(user(), Message("tool", "a"), coach()), "/messages/1/role"),  # type: ignore[arg-type]
    ("CONTENT_EMPTY", row(user(), coach("")), "/messages/1/content"),
    ("CONTENT_EMPTY", row(user(""), coach()), "/messages/0/content"),
    ("NUMBER_NOT_FINITE", row(user(), coach(), temperature=float("inf")), "/metadata/temperature"),
    ("NUMBER_NOT_FINITE", row(user(), coach(), quality_score=float("nan")), "/metadata/quality_score"),
    ("NUMBER_NOT_FINITE", row(user(), coach(), complexity_score=float("-inf")), "/metadata/complexity_score"),
    ("NUMBER_NOT_FINITE", row(user(), coach(), ifd_score=float("nan")), "/metadata/ifd_score"),
    ("TURN_COUNT", row(user(), coach(), coach(), turn_count=1), "/metadata/turn_count"),
    ("THINKING_ROLE", row(Message("user", "a", "b"), coach()), "/messages/0/thinking"),
    ("THINKING_ROLE", row(user(), coach("<no_response/>", thinking="b")), "/messages/1/thinking"),
    ("ASSISTANT_MISSING", row(user(), user()), "/messages"),
    ("LAST_NOT_ASSISTANT", row(user(), coach(), user()), "/messages/2/role"),
    ("THINK_TAG", row(user(), coach("a <think> b")), "/messages/1/content"),
    ("THINK_TAG", row(user(), coach("a </think> b", thinking="c")), "/messages/1/content"),
    ("THINK_TAG", row(user(), coach("a", thinking="b <think>")), "/messages/1/thinking"),
    ("THINK_TAG", row(user(), coach(), coach("a", thinking="b </think>")), "/messages/2/thinking"),
]


def refusal(broken: TrainingRow, profile: str) -> tuple[str, str] | None:
    try:
        render_profile(broken, profile)
    except RowError as fault:
        return fault.rule, fault.pointer
    return None


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_this_line(profile: str) -> None:
    assert render_profile(ROW, profile).decode() == LINES[profile]


def test_the_default_profile_is_the_row() -> None:
    assert render_profile(ROW, "default") == encode_training_row(ROW)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("rule", "broken", "pointer"), BROKEN)
def test_a_row_that_breaks_a_rule_is_refused_where_the_rule_holds(
    profile: str, rule: str, broken: TrainingRow, pointer: str
) -> None:
    told_apart = profile == "strip" and pointer.endswith("/thinking")  # what is stripped can break nothing
    holds = profile in RULES[rule].profiles and not told_apart
    found = refusal(broken, profile)
    assert found == (rule, pointer) if holds else found is None or found[0] != rule


def test_every_rule_is_broken_above_and_says_where_it_is_written() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
    assert all(rule.text and rule.source and set(rule.profiles) <= set(PROFILES) for rule in RULES.values())
    assert {rule: each.profiles for rule, each in RULES.items()} == {
        "MESSAGES_EMPTY": PROFILES,
        "ROLE_UNKNOWN": PROFILES,
        "CONTENT_EMPTY": PROFILES,
        "NUMBER_NOT_FINITE": ("default", "reasoning_content", "inline-think", "strip"),
        "TURN_COUNT": ("default", "reasoning_content", "inline-think", "strip"),
        "THINKING_ROLE": ("default", "reasoning_content", "inline-think"),
        "ASSISTANT_MISSING": ("openai-chat", "reasoning_content", "inline-think", "strip"),
        "LAST_NOT_ASSISTANT": ("openai-chat",),
        "THINK_TAG": ("reasoning_content", "inline-think", "strip"),
    }


def test_a_refusal_says_in_a_sentence_what_is_wrong() -> None:
    for rule, broken, _ in BROKEN:
        with pytest.raises(RowError, match=r"^.{10,}$"):
            render_profile(broken, RULES[rule].profiles[0])


@pytest.mark.parametrize("profile", PROFILES)
def test_a_persona_may_say_think_tags(profile: str) -> None:
    assert refusal(row(user("</think> <think>"), coach()), profile) is None


def default(message: dict[str, Any]) -> tuple[str | None, str]:
    return message.get("thinking"), message["content"]


def reasoning(message: dict[str, Any]) -> tuple[str | None, str]:
    assert "thinking" not in message
    return message.get("reasoning_content"), message["content"]


def inline(message: dict[str, Any]) -> tuple[str | None, str]:
    assert message.keys() == {"role", "content"}
    found = re.fullmatch(r"<think>\n(.*)\n</think>\n\n(.*)", message["content"], re.DOTALL)
    if message["role"] != "assistant" or not found:
        return None, message["content"]
    return found.group(1), found.group(2)


def without(message: dict[str, Any]) -> tuple[str | None, str]:
    assert message.keys() == {"role", "content"}
    return None, message["content"]


READERS = {
    "default": default,
    "openai-chat": without,
    "reasoning_content": reasoning,
    "inline-think": inline,
    "strip": without,
}


@pytest.mark.parametrize("profile", PROFILES)
@given(told)
def test_every_text_can_be_read_back_from_a_profile_or_the_row_is_refused(profile: str, events: list[Told]) -> None:
    rendered = render_rollout(rollout(*(each.event for each in events)), Scores(0.5))
    said = [each for each in events if each.role]
    if (found := refusal(rendered, profile)) is not None:
        assert found[0] in expected_refusals(said, profile)
        return
    assert not expected_refusals(said, profile)
    line = render_profile(rendered, profile)
    assert not re.search("[\n\r\u2028\u2029]", line.decode())
    read = json.loads(line)
    keeps = profile in ("default", "reasoning_content", "inline-think")
    expected = [(each.role, each.thinking if keeps else None, each.content) for each in said]
    assert [(each["role"], *READERS[profile](each)) for each in read["messages"]] == expected
    if profile != "openai-chat":
        assert read["metadata"] == json.loads(encode_training_row(rendered))["metadata"]


def expected_refusals(said: list[Told], profile: str) -> set[str]:
    """The rules that a rollout's messages break in a profile."""
    broken = set()
    if not said:
        broken.add("MESSAGES_EMPTY")
    if profile != "default" and not any(each.role == "assistant" for each in said):
        broken.add("ASSISTANT_MISSING")
    if profile == "openai-chat" and said and said[-1].role == "user":
        broken.add("LAST_NOT_ASSISTANT")
    answers = [each.content + (each.thinking or "") * (profile != "strip") for each in said if each.role == "assistant"]
    if profile in ("reasoning_content", "inline-think", "strip") and any(
        tag in text for text in answers for tag in THINK_TAGS
    ):
        broken.add("THINK_TAG")
    return broken


@pytest.mark.parametrize("profile", PROFILES)
def test_separators_are_escaped_in_every_profile(profile: str) -> None:
    line = render_profile(row(user("a\u2028b"), coach("c\u2029d", thinking="e\u2028f")), profile)
    assert b"\\u2028" in line
    assert b"\\u2029" in line
    assert not re.search("[\u2028\u2029]", line.decode())


@pytest.mark.parametrize("profile", PROFILES)
def test_the_row_itself_is_not_changed(profile: str) -> None:
    before = encode_training_row(ROW)
    render_profile(ROW, profile)
    assert encode_training_row(ROW) == before


@pytest.mark.parametrize("of", [features_of, lambda profile: render_profile(ROW, profile)])
def test_a_profile_that_is_none_is_refused(of: Callable[[str], object]) -> None:
    with pytest.raises(KeyError):
        of("chatml")


TYPES = {"string": str, "int64": int, "float64": float}


def fits(value: Any, feature: dict[str, Any]) -> bool:
    """Whether a value has a feature's type; null fits every one, an absent member is null."""
    if value is None:
        return True
    if "list" in feature:
        return isinstance(value, list) and all(all_fit(each, feature["list"]) for each in value)
    if "struct" in feature:
        return all_fit(value, feature["struct"])
    return type(value) is TYPES[feature["dtype"]]


def all_fit(value: dict[str, Any], features: list[dict[str, Any]]) -> bool:
    names = [feature["name"] for feature in features]
    return [name for name in names if name in value] == list(value) and all(
        fits(value.get(feature["name"]), feature) for feature in features
    )


@pytest.mark.parametrize("profile", PROFILES)
@given(st.tuples(*[st.one_of(st.none(), st.sampled_from([0.0, 1.0, 0.25]))] * 3))
def test_the_features_name_every_column_in_order_and_with_its_type(profile: str, scores: Any) -> None:
    events = [persona("a"), operator("<thinking>b</thinking>c"), SILENCE]
    read = json.loads(render_profile(render_rollout(rollout(*events), Scores(*scores)), profile))
    assert all_fit(read, features_of(profile))
    named = {
        member["name"] for member in next(each for each in features_of(profile) if each["name"] == "messages")["list"]
    }
    assert named == {key for message in read["messages"] for key in message}
    if profile != "openai-chat":
        assert [each["name"] for each in features_of(profile)[-1]["struct"]] == list(read["metadata"])


def test_the_features_are_those_of_a_dataset_card() -> None:
    assert features_of("openai-chat") == [
        {"name": "messages", "list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]}
    ]
    columns = features_of("reasoning_content")
    assert [each["name"] for each in columns] == ["scenario_id", "agent_template_id", "messages", "metadata"]
    assert [member["dtype"] for member in columns[3]["struct"]] == ["float64", "int64", "int64"] + ["float64"] * 3
    columns.clear()
    assert features_of("reasoning_content")
