"""Chat templates render exported messages to the character, by transformers' `apply_chat_template`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import Load
from tests.conformance.torch.captured import TURNS, Turn
from tests.conformance.torch.small_model import chat_templates, make_tokenizer

Messages = list[list[dict[str, Any]]]
Render = Callable[[str, Messages], list[str]]

PAIRS = (("reasoning_content", "reasoning_content"), ("reasoning_content", "default"), ("inline_think", "inline-think"))
"""A template, and a profile whose thinking it reads; transformers gives a `thinking` to it as `reasoning_content`."""


@pytest.fixture(scope="module")
def render(offline: Path) -> Render:
    def rendered(template: str, rows: Messages) -> list[str]:
        tokenizer = make_tokenizer(["Hold pace for week 4."], chat_templates()[template])
        return [tokenizer.apply_chat_template(messages, tokenize=False) for messages in rows]

    return rendered


def messages_of(folder: Path, profile: str) -> Messages:
    return [json.loads(line)["messages"] for line in (folder / f"{profile}.ndjson").read_bytes().splitlines()]


def expected(template: str, said: list[Turn]) -> str:
    """The prompt of a rollout, written from its events."""
    prompt = ""
    for speaks, texts in said:
        *thinking, text = texts
        if template == "reasoning_content":
            thought = "".join(f"<think>\n{each}\n</think>\n\n" for each in thinking)
        else:
            thought = "".join("<|thinking|>\n" + each.strip("\n") + "<|end|>\n" for each in thinking)
        prompt += f"<|{'assistant' if speaks else 'user'}|>\n{thought}{text}<|end|>\n"
    return prompt


def without_thinking(said: list[Turn]) -> list[Turn]:
    return [(speaks, texts[-1:]) for speaks, texts in said]


@pytest.mark.parametrize(("template", "profile"), PAIRS)
def test_a_prompt_holds_everything_that_was_said(render: Render, folder: Path, template: str, profile: str) -> None:
    assert render(template, messages_of(folder, profile)) == [expected(template, said) for said in TURNS]


@pytest.mark.parametrize(("template", "profile"), PAIRS)
def test_rows_that_were_loaded_render_as_they_stand_in_the_file(
    render: Render, load_dataset: Load, folder: Path, template: str, profile: str
) -> None:
    loaded = load_dataset(str(folder), profile, split="train")
    assert render(template, [row["messages"] for row in loaded]) == render(template, messages_of(folder, profile))


def test_thinking_in_the_content_stands_as_a_template_writes_it_from_its_member(render: Render, folder: Path) -> None:
    prompts = render("thinking", messages_of(folder, "inline-think"))
    assert prompts == render("thinking", messages_of(folder, "default"))
    assert prompts == render("thinking", messages_of(folder, "reasoning_content"))


@pytest.mark.parametrize("profile", ["openai-chat", "strip"])
@pytest.mark.parametrize("template", ["reasoning_content", "inline_think"])
def test_a_profile_without_thinking_is_the_texts_alone(
    render: Render, folder: Path, template: str, profile: str
) -> None:
    plain = [expected(template, without_thinking(said)) for said in TURNS]
    assert render(template, messages_of(folder, profile)) == plain


def test_a_template_that_looks_in_the_content_needs_the_inline_profile(render: Render, folder: Path) -> None:
    """Why there is that profile: with another the template says nothing and the thinking is gone."""
    plain = [expected("inline_think", without_thinking(said)) for said in TURNS]
    assert render("inline_think", messages_of(folder, "default")) == plain
    assert render("inline_think", messages_of(folder, "reasoning_content")) == plain
