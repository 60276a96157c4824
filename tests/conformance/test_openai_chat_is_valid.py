"""The `openai-chat` profile passes the checks of OpenAI's cookbook, and what they would refuse is never exported."""

import json
from typing import Any

import pytest

from packhouse.pipeline.profiles import PROFILES, render_profile
from packhouse.pipeline.render import Message, Metadata, TrainingRow, render_rollout
from packhouse.pipeline.rows import RowError
from packhouse.pipeline.scoring import score_rollout
from tests.conformance.openai_chat import faults
from tests.conformance.rollouts import silent, spoken

ROWS = [render_rollout(rollout, score_rollout(rollout)) for rollout in (*silent(20), *spoken(200))]
GOOD = json.dumps({"messages": [{"role": "user", "content": "Week 4."}, {"role": "assistant", "content": "Rest."}]})


def file_of(*examples: Any) -> list[bytes]:
    """A file of ten good examples with others between them."""
    others = [example if isinstance(example, bytes) else json.dumps(example).encode() for example in examples]
    return [*[GOOD.encode()] * 5, *others, *[GOOD.encode()] * 5]


def example(*messages: Any) -> dict[str, Any]:
    return {"messages": [*messages, {"role": "assistant", "content": "Rest."}]}


def test_every_row_of_the_profile_is_valid() -> None:
    assert list(faults(render_profile(row, "openai-chat") for row in ROWS)) == []


def test_the_checks_see_what_another_profile_has_too_much() -> None:
    found = {
        profile: {rule for _, rule in faults(render_profile(row, profile) for row in ROWS)} for profile in PROFILES
    }
    assert found == {
        "default": {"message_unrecognized_key"},
        "openai-chat": set(),
        "reasoning_content": {"message_unrecognized_key"},
        "inline-think": set(),
        "strip": set(),
    }


@pytest.mark.parametrize(
    ("planted", "rules"),
    [
        (b'{"messages"', ["not_json"]),
        ([], ["data_type"]),
        ({}, ["missing_messages_list"]),
        ({"messages": []}, ["missing_messages_list"]),
        (example({"role": "user"}), ["message_missing_key", "missing_content"]),
        (example({"content": "Week 4."}), ["message_missing_key", "unrecognized_role"]),
        (example({"role": "user", "content": "Week 4.", "thinking": "?"}), ["message_unrecognized_key"]),
        (example({"role": "coach", "content": "Week 4."}), ["unrecognized_role"]),
        (example({"role": "user", "content": ""}), ["missing_content"]),
        (example({"role": "user", "content": ["Week 4."]}), ["missing_content"]),
        ({"messages": [{"role": "user", "content": "Week 4."}]}, ["example_missing_assistant_message"]),
    ],
)
def test_each_check_finds_its_fault_in_its_line(planted: Any, rules: list[str]) -> None:
    assert list(faults(file_of(planted))) == [(6, rule) for rule in rules]


def test_a_file_of_nine_examples_is_too_short() -> None:
    assert list(faults([GOOD.encode()] * 9)) == [(0, "too_few_examples")]
    assert list(faults([GOOD.encode()] * 10)) == []


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Message("user", "Week 4.")],
        [Message("user", ""), Message("assistant", "Rest.")],
        [Message("user", "Week 4."), Message("assistant", "")],
        [Message("coach", "Week 4."), Message("assistant", "Rest.")],  # type: ignore[arg-type]
    ],
)
def test_a_row_that_the_checks_would_refuse_is_not_rendered(messages: list[Message]) -> None:
    turns = sum(message.role == "assistant" for message in messages)
    row = TrainingRow("sc", "agt", messages, Metadata(0.7, 0, turns, None, None, None))
    written = json.dumps({"messages": [{"role": each.role, "content": each.content} for each in messages]})
    assert list(faults(file_of(written.encode()))) != []
    with pytest.raises(RowError):
        render_profile(row, "openai-chat")
