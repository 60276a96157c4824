"""A tokenizer and a causal model small enough to be made in a test, and chat templates: nothing is downloaded."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
NO_RESPONSE = "<no_response/>"
PAD, END = "<|pad|>", "<|im_end|>"
SPECIAL = (PAD, END, "<|im_start|>", "<|user|>", "<|assistant|>", "<|thinking|>", "<|end|>", NO_RESPONSE)
VOCABULARY = 2_000


class ChatTemplate(NamedTuple):
    """A template.

    `marks_the_assistant` says whether a trainer can tell from it which tokens the assistant says, `keeps_line_ends`
    whether texts keep line ends at their start and end.
    """

    source: str
    marks_the_assistant: bool
    keeps_line_ends: bool


def chat_templates() -> dict[str, ChatTemplate]:
    """Return the templates by name: two of this repository for prompts, one of it for training, one that TRL ships."""
    prompts = HERE.parent / "templates"
    qwen3 = files("trl") / "chat_templates" / "qwen3_training.jinja"
    own = HERE / "thinking_training.jinja"
    return {
        "reasoning_content": ChatTemplate((prompts / "reasoning_content.jinja").read_text(), False, True),
        "inline_think": ChatTemplate((prompts / "inline_think.jinja").read_text(), False, False),
        "thinking": ChatTemplate(own.read_text(), True, True),
        "qwen3": ChatTemplate(qwen3.read_text(), True, False),
    }


def make_tokenizer(texts: Iterable[str], template: ChatTemplate) -> Any:
    """Return a byte-level BPE tokenizer trained on texts; the canonical token is one special token of it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=PAD, eos_token=END, chat_template=template.source,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def make_model(tokenizer: Any) -> Any:
    """Return a Llama of one layer with random weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=8_192,
            pad_token_id=tokenizer.pad_token_id, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip
