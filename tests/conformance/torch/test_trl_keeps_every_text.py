"""TRL's SFTTrainer prepares exported rows without losing a text, and trains on what the assistant says alone.

The rows are loaded as a person loads them: the folder with its card, by `datasets`. The token ids that the trainer
made are decoded again, and every text that was captured is looked for in them.
"""

import math
import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conformance.conftest import Load
from tests.conformance.torch.captured import TURNS
from tests.conformance.torch.small_model import NO_RESPONSE, ChatTemplate, chat_templates, make_model, make_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers")  # between it and TRL, not ours

MASKED = -100
FRAME = re.compile(r"\n?(<think>\s*</think>\s*)?<\|im_end\|>\s*")
"""What a span of assistant tokens holds besides thinking and text.

The first token of a text that starts with white space may hold the line end before it as well.
"""

Prepare = Callable[..., Any]

PAIRS = (
    ("thinking", "default"), ("thinking", "reasoning_content"), ("thinking", "inline-think"),
    ("qwen3", "default"), ("qwen3", "reasoning_content"), ("qwen3", "inline-think"),
    ("reasoning_content", "default"), ("reasoning_content", "reasoning_content"), ("inline_think", "inline-think"),
)  # fmt: skip
"""A template, and a profile whose thinking it reads; transformers gives a `thinking` to it as `reasoning_content`."""


class Pair(NamedTuple):
    """A template, and the trainer that has prepared a profile's rows with it."""

    template: ChatTemplate
    trainer: Any

    def decoded(self, tokens: list[int]) -> str:
        """The text of tokens."""
        text: str = self.trainer.processing_class.decode(tokens)
        return text

    def kept(self, text: str) -> str:
        """What the template makes of a text."""
        return text if self.template.keeps_line_ends else text.strip("\n")


@pytest.fixture(scope="session")
def prepare(load_dataset: Load, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """Return a trainer that has prepared a profile's rows with a chat template."""

    def prepared(profile: str, template: ChatTemplate, **options: Any) -> Any:
        from trl import SFTConfig, SFTTrainer

        rows = load_dataset(str(folder), profile, split="train")
        tokenizer = make_tokenizer((each["content"] for row in rows for each in row["messages"]), template)
        settings = SFTConfig(
            output_dir=str(tmp_path_factory.mktemp("trainer")), assistant_only_loss=template.marks_the_assistant,
            use_cpu=True, bf16=False, report_to=[], save_strategy="no", disable_tqdm=True, max_steps=2, logging_steps=1,
            per_device_train_batch_size=2,
            **options,
        )  # fmt: skip
        return SFTTrainer(model=make_model(tokenizer), args=settings, train_dataset=rows, processing_class=tokenizer)

    return prepared


@pytest.fixture(scope="session", params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest, prepare: Prepare) -> Pair:
    name, profile = request.param
    template = chat_templates()[name]
    return Pair(template, prepare(profile, template, max_length=None))


def spans(row: dict[str, Any]) -> list[list[int]]:
    """The runs of tokens that count in the loss."""
    pairs = groupby(zip(row["input_ids"], row["labels"], strict=True), key=lambda pair: pair[1] != MASKED)
    return [[token for token, _ in run] for counts, run in pairs if counts]


def test_the_rollouts_hold_what_could_be_lost() -> None:
    assert sum(len(texts) == 2 for said in TURNS for _, texts in said) > 100
    assert sum(texts == [NO_RESPONSE] for said in TURNS for _, texts in said) > 60


def test_every_text_is_found_again_in_the_order_in_which_it_was_said(pair: Pair) -> None:
    for row, said in zip(pair.trainer.train_dataset, TURNS, strict=True):
        decoded, place = pair.decoded(row["input_ids"]), 0
        for text in (pair.kept(text) for _, texts in said for text in texts):
            place = decoded.index(text, place) + len(text)


def test_the_loss_counts_what_the_assistant_says_and_nothing_else(pair: Pair) -> None:
    for row, said in zip(pair.trainer.train_dataset, TURNS, strict=True):
        if not pair.template.marks_the_assistant:
            assert row["labels"] == row["input_ids"]
            continue
        answers = [texts for speaks, texts in said if speaks]
        for span, answer in zip(spans(row), answers, strict=True):
            rest = pair.decoded(span)
            for text in map(pair.kept, answer):
                assert text in rest
                rest = rest.replace(text, "", 1)
            assert FRAME.fullmatch(rest), (pair.decoded(span), answer)


def test_a_silence_is_one_token_to_learn(pair: Pair) -> None:
    token = pair.trainer.processing_class.convert_tokens_to_ids(NO_RESPONSE)
    for row, said in zip(pair.trainer.train_dataset, TURNS, strict=True):
        silences = sum(texts == [NO_RESPONSE] for _, texts in said)
        assert row["input_ids"].count(token) == row["labels"].count(token) == silences


def test_the_trainer_takes_two_steps(pair: Pair) -> None:
    pair.trainer.train()
    losses = [entry["loss"] for entry in pair.trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert all(math.isfinite(loss) and loss > 0 for loss in losses)


def test_the_trainers_own_length_cuts_long_rows_and_the_card_says_so(prepare: Prepare, folder: Path) -> None:
    cut = prepare("default", chat_templates()["thinking"])
    assert cut.args.max_length == 1024
    assert max(len(row["input_ids"]) for row in cut.train_dataset) == 1024
    assert "max_length=None" in (folder / "README.md").read_text()
