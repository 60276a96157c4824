"""The training row: one completed rollout as messages and metadata, one JSON line.

Format: contract D, "NDJSON Row Shape" and "Canonical Tokens". The persona is the `user`, the operator the `assistant`,
a deliberate silence the assistant's canonical token. Time skips are no messages.
"""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from packhouse.pipeline.rollouts import (
    NO_RESPONSE,
    OperatorMessage,
    OperatorNoResponse,
    PersonaMessage,
    Rollout,
    split_thinking,
)
from packhouse.pipeline.scoring import Scores

USER: Literal["user"] = "user"
ASSISTANT: Literal["assistant"] = "assistant"


class Message(Struct):
    """One message. `thinking` is absent, never null, when the operator's message had no `<thinking>` block."""

    role: Literal["user", "assistant"]
    content: str
    thinking: str | UnsetType = UNSET

    @property
    def is_silence(self) -> bool:
        """Whether the message is the canonical token of a deliberate silence."""
        return self.role == ASSISTANT and self.content == NO_RESPONSE


class Metadata(Struct):
    """How the rollout was produced. Scores are floats or null; every key is in every row."""

    temperature: float
    rollout_index: int
    turn_count: int
    quality_score: float | None
    complexity_score: float | None
    ifd_score: float | None


class TrainingRow(Struct):
    """One row; the order of the fields is the contract's order of the keys."""

    scenario_id: str
    agent_template_id: str
    messages: list[Message]
    metadata: Metadata


_decoder = msgspec.json.Decoder(TrainingRow)
_encoder = msgspec.json.Encoder()


def render_rollout(rollout: Rollout, scores: Scores) -> TrainingRow:
    """Return the row of a rollout with the given scores."""
    messages: list[Message] = []
    turns = 0
    for event in rollout.events:
        if isinstance(event, PersonaMessage):
            messages.append(Message(USER, event.content))
        elif isinstance(event, OperatorMessage):
            thinking, text = split_thinking(event.content)
            messages.append(Message(ASSISTANT, text, UNSET if thinking is None else thinking))
            turns += 1
        elif isinstance(event, OperatorNoResponse):
            messages.append(Message(ASSISTANT, NO_RESPONSE))
            turns += 1
    metadata = Metadata(
        temperature=float(rollout.temperature),
        rollout_index=rollout.rollout_index,
        turn_count=turns,
        quality_score=_float(scores.quality_score),
        complexity_score=_float(scores.complexity_score),
        ifd_score=_float(scores.ifd_score),
    )
    return TrainingRow(rollout.scenario_id, rollout.agent_template_id, messages, metadata)


def encode_training_row(row: TrainingRow) -> bytes:
    """Return the row's line, without its line end.

    U+2028 and U+2029 are escaped: some readers of lines take them for line ends.

    >>> row = TrainingRow("sc", "agt", [Message("user", "a\\u2028b")], Metadata(1.0, 0, 0, 0.5, None, None))
    >>> print(encode_training_row(row).decode().replace(',"metadata', ',\\n"metadata'))
    {"scenario_id":"sc","agent_template_id":"agt","messages":[{"role":"user","content":"a\\u2028b"}],
    "metadata":{"temperature":1.0,"rollout_index":0,"turn_count":0,"quality_score":0.5,"complexity_score":null,"ifd_score":null}}
    """
    return encode_line(row)


def encode_line(row: Struct) -> bytes:
    """Return a struct as one JSON line without its line end, U+2028 and U+2029 escaped."""
    body = _encoder.encode(row)
    return body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")


def decode_training_row(line: bytes) -> TrainingRow:
    """Return the row of a line that `encode_training_row` wrote."""
    return _decoder.decode(line)


def sort_key(rollout: Rollout) -> bytes:
    """Return bytes that sort as (scenario id, rollout index, rollout id) do: the order of rows.

    >>> from packhouse.pipeline.rollouts import TimeSkip
    >>> sort_key(Rollout(rollout_id="r", scenario_id="sc", agent_template_id="agt", rollout_index=7, temperature=1.0,
    ...                  status="completed", events=[TimeSkip(1.0)]))
    b'sc\\x000000000007\\x00r'
    """
    return f"{rollout.scenario_id}\0{rollout.rollout_index:010}\0{rollout.rollout_id}".encode()


def _float(score: float | None) -> float | None:
    return None if score is None else float(score)
