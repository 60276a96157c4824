"""The rollouts that the trainers get, and what was said in them, taken from their events and not from any rendering."""

import re

from packhouse.pipeline.rollouts import OperatorMessage, OperatorNoResponse, PersonaMessage, Rollout, TimeSkip
from tests.conformance.rollouts import silent, spoken
from tests.conformance.torch.small_model import NO_RESPONSE

LONGEST = 20_000
"""Characters of a text: longer ones only cost time here."""

BLOCK = re.compile(r"(?:<thinking>(?P<thinking>.*)</thinking>\s*)?(?P<text>.*)", flags=re.DOTALL)

Turn = tuple[bool, list[str]]
"""Whether the assistant speaks, and its thinking, if any, and text."""

ROLLOUTS = [
    rollout
    for rollout in (*silent(10), *spoken(60))
    if all(len(getattr(event, "content", "")) < LONGEST for event in rollout.events)
]


def turns(rollout: Rollout) -> list[Turn]:
    """What was said in a rollout, taken from its events and not from any rendering."""
    said: list[Turn] = []
    for event in rollout.events:
        match event:
            case PersonaMessage(content=content):
                said.append((False, [content]))
            case OperatorMessage(content=content):
                said.append((True, [text for text in BLOCK.fullmatch(content).groups() if text]))  # type: ignore[union-attr]
            case OperatorNoResponse():
                said.append((True, [NO_RESPONSE]))
            case TimeSkip():
                pass
    return said


TURNS = [turns(rollout) for rollout in ROLLOUTS]
