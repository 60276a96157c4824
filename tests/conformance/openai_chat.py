"""The format checks of OpenAI's fine-tuning cookbook, over a file of chat examples.

Written after the rules that "Data preparation and analysis for chat model fine-tuning" lists (its error types are the
names here), and the fine-tuning guide's least number of examples. Only what the cookbook allows is allowed, without the
function calls that an export never has.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

LEAST_EXAMPLES = 10
ROLES = {"system", "user", "assistant"}
KEYS = {"role", "content", "name", "weight"}

Fault = tuple[int, str]
"""The number of a line, from 1, and the rule that it breaks; line 0 is the file."""


def faults(lines: Iterable[bytes]) -> Iterator[Fault]:
    """Yield every rule that the file or a line breaks."""
    count = 0
    for count, line in enumerate(lines, start=1):
        yield from ((count, rule) for rule in _example_faults(line))
    if count < LEAST_EXAMPLES:
        yield 0, "too_few_examples"


def _example_faults(line: bytes) -> Iterator[str]:
    try:
        example = json.loads(line)
    except ValueError:
        yield "not_json"
        return
    if not isinstance(example, dict):
        yield "data_type"
        return
    messages = example.get("messages")
    if not messages or not isinstance(messages, list):
        yield "missing_messages_list"
        return
    for message in messages:
        yield from _message_faults(message)
    if not any(message.get("role") == "assistant" for message in messages):
        yield "example_missing_assistant_message"


def _message_faults(message: dict[str, Any]) -> Iterator[str]:
    if "role" not in message or "content" not in message:
        yield "message_missing_key"
    if not message.keys() <= KEYS:
        yield "message_unrecognized_key"
    if message.get("role") not in ROLES:
        yield "unrecognized_role"
    if not message.get("content") or not isinstance(message["content"], str):
        yield "missing_content"
