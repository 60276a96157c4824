"""The rollout: its form, its canonical line, and the fault that a line has when it is not one.

Format: `pipeline.md`, "Rollouts". One JSON object a line, one capture session of a scenario. Assistant turns are the
operator's messages and silences; they count from 1.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from packhouse.pipeline.rows import RowError, decode_line

COMPLETED = "completed"
"""The only status that is ever rendered."""

NO_RESPONSE = "<no_response/>"
"""The canonical token of a deliberate silence."""

STATUSES, OTHER_STATUS = 50, "other"

_OPEN, _CLOSE = "<thinking>", "</thinking>"

_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,200}\Z")]
_Content = Annotated[str, Meta(min_length=1)]
_Likelihood = Annotated[float, Meta(le=0)]
_Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class PersonaMessage(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="persona_message"):
    """What the simulated persona says."""

    content: _Content


class OperatorMessage(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="operator_message"):
    """What the operator says, with at most one `<thinking>` block in it."""

    content: _Content


class OperatorNoResponse(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="operator_no_response"):
    """The operator chose silence."""


class TimeSkip(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="time_skip"):
    """Scenario time that passes, in days."""

    days: Annotated[float, Meta(gt=0)]


Event = PersonaMessage | OperatorMessage | OperatorNoResponse | TimeSkip


class GivenScores(Struct, forbid_unknown_fields=True):
    """Scores that the sender computed; they are kept as they are."""

    quality_score: float | UnsetType | None = UNSET
    complexity_score: float | UnsetType | None = UNSET
    ifd_score: float | UnsetType | None = UNSET


class TurnLikelihood(Struct, forbid_unknown_fields=True):
    """Log-likelihoods (natural logarithm, summed over `tokens`) of an assistant turn, given its context and alone."""

    turn: _Count
    conditional: _Likelihood
    unconditional: _Likelihood
    tokens: _Count


class Rollout(Struct, forbid_unknown_fields=True, kw_only=True):
    """One capture session; the order of the fields is the canonical order of the keys."""

    rollout_id: _Id
    scenario_id: _Id
    agent_template_id: _Id
    rollout_index: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    temperature: Annotated[float, Meta(ge=0, le=100)]
    status: Annotated[str, Meta(pattern=r"^[a-z_]{1,40}\Z")]
    events: Annotated[list[Event], Meta(min_length=1, max_length=10_000)]
    scores: GivenScores | UnsetType | None = UNSET
    loglik: Annotated[list[TurnLikelihood], Meta(max_length=10_000)] | UnsetType | None = UNSET

    @property
    def turn_count(self) -> int:
        """How many assistant turns there are, silences counted."""
        return sum(isinstance(event, _ASSISTANT) for event in self.events)


class RolloutStatistics(Struct):
    """Counts over rollouts of any status; of very many statuses, those beyond the first `STATUSES` are one.

    A merge equals the counts of the rollouts together, in their order.
    """

    statuses: dict[str, int] = {}
    assistant_turns: int = 0
    silences: int = 0
    thinking_turns: int = 0
    with_loglik: int = 0

    @property
    def rollouts(self) -> int:
        """How many rollouts there are, of any status."""
        return sum(self.statuses.values())

    def add(self, rollout: Rollout) -> None:
        """Count one rollout."""
        self._count(rollout.status, 1)
        for event in rollout.events:
            if isinstance(event, OperatorMessage):
                self.assistant_turns += 1
                self.thinking_turns += _OPEN in event.content
            elif isinstance(event, OperatorNoResponse):
                self.assistant_turns += 1
                self.silences += 1
        self.with_loglik += bool(rollout.loglik)

    def merge(self, other: "RolloutStatistics") -> None:
        """Add the counts of other rollouts."""
        for status, count in other.statuses.items():
            self._count(status, count)
        self.assistant_turns += other.assistant_turns
        self.silences += other.silences
        self.thinking_turns += other.thinking_turns
        self.with_loglik += other.with_loglik

    def _count(self, status: str, count: int) -> None:
        named = status if status in self.statuses or len(self.statuses) < STATUSES else OTHER_STATUS
        self.statuses[named] = self.statuses.get(named, 0) + count

    def encode(self) -> bytes:
        """Return the counts as JSON bytes; equal counts have equal bytes.

        >>> RolloutStatistics({"failed": 1, "completed": 2}, 5, 1, 2).encode()
        b'{"statuses":{"completed":2,"failed":1},"assistant_turns":5,"silences":1,"thinking_turns":2,"with_loglik":0}'
        """
        return _sorting_encoder.encode(self)


_ASSISTANT = (OperatorMessage, OperatorNoResponse)
_decoder = msgspec.json.Decoder(Rollout)
_encoder = msgspec.json.Encoder()
_sorting_encoder = msgspec.json.Encoder(order="deterministic")
_statistics_decoder = msgspec.json.Decoder(RolloutStatistics)
_SCORES = ("quality_score", "complexity_score", "ifd_score")


def decode_statistics(body: bytes) -> RolloutStatistics:
    """Return the counts that `RolloutStatistics.encode` wrote."""
    return _statistics_decoder.decode(body)


def merge_statistics(counted: Iterable[RolloutStatistics]) -> RolloutStatistics:
    """Return the counts of all rollouts together."""
    merged = RolloutStatistics()
    for each in counted:
        merged.merge(each)
    return merged


def decode_rollout(line: bytes) -> Rollout:
    """Return the rollout of a canonical line, one that `encode_rollout` wrote."""
    return _decoder.decode(line)


def encode_rollout(rollout: Rollout) -> bytes:
    """Return the canonical line of a rollout, without its line end.

    >>> line = b'{"events": [{"days": 3, "type": "time_skip"}], "status": "completed", "rollout_index": 0, "scores": {}'
    >>> line += b', "loglik":null, "temperature": 1, "agent_template_id": "agt", "scenario_id": "sc", "rollout_id": "r"'
    >>> line += b"}"
    >>> print(encode_rollout(parse_rollout(line)).decode().replace(',"status', ',\\n"status'))
    {"rollout_id":"r","scenario_id":"sc","agent_template_id":"agt","rollout_index":0,"temperature":1.0,
    "status":"completed","events":[{"type":"time_skip","days":3.0}]}
    """
    return _encoder.encode(rollout)


def parse_rollout(line: bytes) -> Rollout:
    """Return the rollout that a line of an import holds, or raise `RowError` with the rule it breaks and where.

    Rules: `NOT_JSON`, `ROW_FORM`, `DUPLICATE_KEY` (see `rows.decode_line`; numbers that are not finite break one of the
    first two), `MESSAGE_EMPTY`, `CANONICAL_TOKEN`, `THINKING_BLOCK`, `LOGLIK_TURN`.
    """
    rollout = decode_line(line, _decoder, _keys)
    for number, event in enumerate(rollout.events):
        if isinstance(event, OperatorMessage):
            _check_operator_message(event.content, f"/events/{number}/content")
        elif isinstance(event, PersonaMessage) and event.content.isspace():
            raise RowError("MESSAGE_EMPTY", f"/events/{number}/content", "a message has more than white space")
    _normalise(rollout)
    if rollout.loglik:
        _check_turns(rollout.loglik, rollout.turn_count)
    return rollout


def split_thinking(content: str) -> tuple[str | None, str]:
    """Return the raw text inside an operator message's `<thinking>` block, or `None`, and the text beside the block.

    White space next to the block is dropped, but for that before (or else after) a block with text on both sides, so
    that no two words become one. Everything else is verbatim.

    >>> split_thinking("<thinking> Steady. </thinking>\\n\\nHold pace.")
    (' Steady. ', 'Hold pace.')
    >>> split_thinking("Good. <thinking></thinking> Hold pace.")
    ('', 'Good. Hold pace.')
    >>> split_thinking(" Hold pace. ")
    (None, ' Hold pace. ')
    """
    if _OPEN not in content:
        return None, content
    left, _, rest = content.partition(_OPEN)
    thinking, _, right = rest.partition(_CLOSE)
    before, after = left.rstrip(), right.lstrip()
    gap = (left[len(before) :] or right[: len(right) - len(after)]) if before and after else ""
    return thinking, before + gap + after


def _check_operator_message(content: str, pointer: str) -> None:
    text = content
    if _OPEN in content or _CLOSE in content:
        _, text = split_thinking(content)
        if content.count(_OPEN) != 1 or content.find(_CLOSE) < content.find(_OPEN) or _OPEN in text or _CLOSE in text:
            raise RowError("THINKING_BLOCK", pointer, f"a message has at most one {_OPEN}…{_CLOSE} block, closed")
    if NO_RESPONSE in content or NO_RESPONSE in text:
        raise RowError("CANONICAL_TOKEN", pointer, f"{NO_RESPONSE} is no text: silence is an event of its own")
    if not text or text.isspace():
        raise RowError("MESSAGE_EMPTY", pointer, "a message has more than white space beside its thinking")


def _check_turns(likelihoods: list[TurnLikelihood], turn_count: int) -> None:
    seen = set()
    for number, likelihood in enumerate(likelihoods):
        if likelihood.turn > turn_count:
            detail = f"turn {likelihood.turn} of {turn_count} assistant turns"
            raise RowError("LOGLIK_TURN", f"/loglik/{number}/turn", detail)
        if likelihood.turn in seen:
            raise RowError("LOGLIK_TURN", f"/loglik/{number}/turn", f"turn {likelihood.turn} is given twice")
        seen.add(likelihood.turn)


def _keys(rollout: Rollout) -> int:
    """How many keys the rollout's line has when none is given twice."""
    keys = 7 + (rollout.scores is not UNSET) + (rollout.loglik is not UNSET)
    keys += sum(1 if isinstance(event, OperatorNoResponse) else 2 for event in rollout.events)
    if isinstance(rollout.scores, GivenScores):
        keys += sum(getattr(rollout.scores, name) is not UNSET for name in _SCORES)
    return keys + 4 * len(rollout.loglik or ())


def _normalise(rollout: Rollout) -> None:
    """Absent, null and empty are one thing, and so are 0.0 and -0.0 (the sum of -0.0 and 0.0 is 0.0)."""
    rollout.temperature += 0.0
    rollout.loglik = rollout.loglik or UNSET
    for likelihood in rollout.loglik or ():
        likelihood.conditional += 0.0
        likelihood.unconditional += 0.0
    scores = rollout.scores or GivenScores()
    rollout.scores = UNSET
    for name in _SCORES:
        score = getattr(scores, name)
        if isinstance(score, float):
            setattr(scores, name, score + 0.0)
            rollout.scores = scores
        else:
            setattr(scores, name, UNSET)
