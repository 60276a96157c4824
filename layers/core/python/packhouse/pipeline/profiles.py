"""Profiles: the renderings of a training row that different readers take.

- `default`: contract D's row.
- `openai-chat`: `messages` with `role` and `content`, for fine-tuning services that refuse other keys.
- `reasoning_content`: the row with `thinking` under the name that chat templates of reasoning models read.
- `inline-think`: thinking in the content, `<think>\\n…\\n</think>\\n\\n` before the text, as such models emit it.
- `strip`: the row without any thinking.

A row that a profile's reader would reject, or take apart in the wrong place, is refused by rule and place; none is
changed to fit.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from packhouse.pipeline.render import ASSISTANT, USER, Message, Metadata, TrainingRow, encode_line
from packhouse.pipeline.rows import RowError

PROFILES = ("default", "openai-chat", "reasoning_content", "inline-think", "strip")

_WITH_METADATA = ("default", "reasoning_content", "inline-think", "strip")
_CHAT = ("openai-chat", "reasoning_content", "inline-think", "strip")
_WITH_THINKING = ("default", "reasoning_content", "inline-think")
_TEMPLATED = ("reasoning_content", "inline-think", "strip")

_OPENAI = "OpenAI cookbook, Data preparation and analysis for chat model fine-tuning"
_TEMPLATES = "Hugging Face chat templates: those of Qwen3 and DeepSeek-R1 take content apart at </think>"
_CONTRACT = "contract D, NDJSON Row Shape"

Finding = tuple[str, str]
"""A JSON pointer into the row, and a sentence."""


class Rule(Struct, frozen=True):
    """What a row must keep in these profiles, where that is written, and how to find the places that break it."""

    profiles: tuple[str, ...]
    text: str
    source: str
    find: Callable[[TrainingRow, str], Iterator[Finding]]


class _ChatMessage(Struct):
    role: str
    content: str


class _ChatRow(Struct):
    messages: list[_ChatMessage]


class _ReasoningMessage(Struct):
    role: str
    content: str
    reasoning_content: str | UnsetType = UNSET


class _ReasoningRow(Struct):
    scenario_id: str
    agent_template_id: str
    messages: list[_ReasoningMessage]
    metadata: Metadata


class _PlainRow(Struct):
    scenario_id: str
    agent_template_id: str
    messages: list[_ChatMessage]
    metadata: Metadata


def render_profile(row: TrainingRow, profile: str) -> bytes:
    """Return the row's line in a profile, without its line end; `RowError` with the first of `RULES` that it breaks.

    `KeyError` for a profile that is none of `PROFILES`. U+2028 and U+2029 are escaped.

    >>> from packhouse.pipeline.render import Message, Metadata
    >>> said = [Message("user", "Week 4."), Message("assistant", "Hold pace.", "Steady.")]
    >>> row = TrainingRow("sc", "agt", said, Metadata(0.7, 0, 1, None, None, None))
    >>> for profile in PROFILES[1:4]:
    ...     print(render_profile(row, profile).decode().partition('"role":"assistant",')[2].partition("}")[0])
    "content":"Hold pace."
    "content":"Hold pace.","reasoning_content":"Steady."
    "content":"<think>\\nSteady.\\n</think>\\n\\nHold pace."
    """
    for name, find in _RULES_OF[profile]:
        for pointer, detail in find(row, profile):
            raise RowError(name, pointer, detail)
    return encode_line(_SHAPES[profile](row))


def features_of(profile: str) -> list[dict[str, Any]]:
    """Return the columns of a profile's file as `dataset_info.features` of a Hugging Face dataset card has them.

    With the types stated, a score that is null in the first block of a file may be a float later, and thinking may
    first appear late (https://huggingface.co/docs/datasets/about_dataset_features). `KeyError` for an unknown profile.
    """
    thinking = {
        "default": [_column("thinking", "string")],
        "openai-chat": [],
        "reasoning_content": [_column("reasoning_content", "string")],
        "inline-think": [],
        "strip": [],
    }[profile]
    columns: list[dict[str, Any]] = [
        {"name": "messages", "list": [_column("role", "string"), _column("content", "string"), *thinking]}
    ]
    if profile not in _WITH_METADATA:
        return columns
    numbers = [_column(name, "int64" if name in _INTEGERS else "float64") for name in Metadata.__struct_fields__]
    return [
        _column("scenario_id", "string"),
        _column("agent_template_id", "string"),
        *columns,
        {"name": "metadata", "struct": numbers},
    ]


_INTEGERS = ("rollout_index", "turn_count")
_ROLES: tuple[str, ...] = (USER, ASSISTANT)


def _column(name: str, dtype: str) -> dict[str, Any]:
    return {"name": name, "dtype": dtype}


def _no_messages(row: TrainingRow, _: str) -> Iterator[Finding]:
    if not row.messages:
        yield "/messages", "the row has no messages"


def _unknown_role(row: TrainingRow, _: str) -> Iterator[Finding]:
    for number, message in enumerate(row.messages):
        if message.role not in _ROLES:
            yield f"/messages/{number}/role", f"the role {message.role!r} is neither user nor assistant"


def _empty_content(row: TrainingRow, _: str) -> Iterator[Finding]:
    for number, message in enumerate(row.messages):
        if not message.content:
            yield f"/messages/{number}/content", "the message has no content"


def _not_finite(row: TrainingRow, _: str) -> Iterator[Finding]:
    for name in ("temperature", "quality_score", "complexity_score", "ifd_score"):
        value = getattr(row.metadata, name)
        if value is not None and not math.isfinite(value):
            yield f"/metadata/{name}", f"JSON has no number {value}"


def _miscounted(row: TrainingRow, _: str) -> Iterator[Finding]:
    turns = sum(message.role == ASSISTANT for message in row.messages)
    if row.metadata.turn_count != turns:
        yield "/metadata/turn_count", f"{row.metadata.turn_count} where there are {turns} assistant messages"


def _user_thinks(row: TrainingRow, _: str) -> Iterator[Finding]:
    for number, message in enumerate(row.messages):
        if message.thinking is not UNSET and (message.role != ASSISTANT or message.is_silence):
            yield f"/messages/{number}/thinking", "thinking stands beside what an assistant says, and nowhere else"


def _no_assistant(row: TrainingRow, _: str) -> Iterator[Finding]:
    if not any(message.role == ASSISTANT for message in row.messages):
        yield "/messages", "the row has no assistant message to learn from"


def _user_last(row: TrainingRow, _: str) -> Iterator[Finding]:
    if row.messages and row.messages[-1].role != ASSISTANT:
        yield f"/messages/{len(row.messages) - 1}/role", "the last message is not the assistant's"


def _think_tags(row: TrainingRow, profile: str) -> Iterator[Finding]:
    for number, message in enumerate(row.messages):
        if message.role != ASSISTANT:
            continue
        if "<think>" in message.content or "</think>" in message.content:
            yield f"/messages/{number}/content", "the text has a <think> or </think> of its own"
        if profile == "strip" or not isinstance(message.thinking, str):
            continue
        if "<think>" in message.thinking or "</think>" in message.thinking:
            yield f"/messages/{number}/thinking", "the thinking has a <think> or </think> of its own"


RULES: dict[str, Rule] = {
    "MESSAGES_EMPTY": Rule(PROFILES, "A row has a message.", _OPENAI, _no_messages),
    "ROLE_UNKNOWN": Rule(PROFILES, "A role is user or assistant.", _CONTRACT, _unknown_role),
    "CONTENT_EMPTY": Rule(PROFILES, "A message has content.", _OPENAI, _empty_content),
    "NUMBER_NOT_FINITE": Rule(_WITH_METADATA, "Numbers are finite.", "RFC 8259, section 6", _not_finite),
    "TURN_COUNT": Rule(_WITH_METADATA, "turn_count counts the assistant messages.", _CONTRACT, _miscounted),
    "THINKING_ROLE": Rule(_WITH_THINKING, "Thinking belongs to what an assistant says.", _CONTRACT, _user_thinks),
    "ASSISTANT_MISSING": Rule(_CHAT, "A row has an assistant message.", _OPENAI, _no_assistant),
    "LAST_NOT_ASSISTANT": Rule(
        ("openai-chat",), "The last message is the assistant's.", "the fine-tuning API's own validation", _user_last
    ),
    "THINK_TAG": Rule(_TEMPLATED, "Assistant text and thinking hold no <think> or </think>.", _TEMPLATES, _think_tags),
}
"""The rules by name, in the order in which they are looked at."""

_RULES_OF = {
    profile: [(name, rule.find) for name, rule in RULES.items() if profile in rule.profiles] for profile in PROFILES
}


def _chat(row: TrainingRow) -> Struct:
    return _ChatRow([_ChatMessage(message.role, message.content) for message in row.messages])


def _reasoning(row: TrainingRow) -> Struct:
    messages = [_ReasoningMessage(message.role, message.content, message.thinking) for message in row.messages]
    return _ReasoningRow(row.scenario_id, row.agent_template_id, messages, row.metadata)


def _inline(row: TrainingRow) -> Struct:
    messages = [_ChatMessage(message.role, _inline_content(message)) for message in row.messages]
    return _PlainRow(row.scenario_id, row.agent_template_id, messages, row.metadata)


def _inline_content(message: Message) -> str:
    if message.thinking is UNSET:
        return message.content
    return f"<think>\n{message.thinking}\n</think>\n\n{message.content}"


def _strip(row: TrainingRow) -> Struct:
    messages = [_ChatMessage(message.role, message.content) for message in row.messages]
    return _PlainRow(row.scenario_id, row.agent_template_id, messages, row.metadata)


_SHAPES: dict[str, Callable[[TrainingRow], Struct]] = {
    "default": lambda row: row,
    "openai-chat": _chat,
    "reasoning_content": _reasoning,
    "inline-think": _inline,
    "strip": _strip,
}
