"""Rollouts of real English text: dialogues of chatterbot-corpus, and prose of botocore's service definitions.

What is said is put together by a seed: the same packages give the same rollouts.
"""

import gzip
import random
import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from html import unescape
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import botocore
import orjson
import yaml

SENTENCES = 200_000
SCENARIOS = 400
WITHOUT_SCORES = 0.4
"""Of the scenarios, the first in the rows' order: their rollouts have no log-likelihoods, so no IFD score."""

EXACT, NEAR, FAILED, SILENT, THINKING, GIVEN = 0.02, 0.10, 0.01, 0.08, 0.12, 0.05
_TURNS = (2, 3, 4, 4, 5, 6, 6)
_LENGTHS = {2: 3, 3: 3, 4: 1, 5: 1, 6: 1}
"""How many sentences an answer has in a conversation of so many turns: the shorter, the more is said at once."""

_REMEMBERED = 2_000
_TAG = re.compile(r"<[^>]*>")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_WORDS = range(4, 11)
"""How many spaces a sentence has."""

Json = dict[str, Any]


class Corpus(NamedTuple):
    """What is said: questions with their answers, and sentences."""

    dialogues: list[tuple[str, str]]
    sentences: list[str]


@cache
def corpus() -> Corpus:
    """Return the text of both packages, in a fixed order."""
    return Corpus(list(dict.fromkeys(_iter_dialogues())), _sentences())


def _iter_dialogues() -> Iterator[tuple[str, str]]:
    folder = files("chatterbot_corpus") / "data" / "english"
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        for said in yaml.load(path.read_text(), yaml.CSafeLoader)["conversations"]:
            texts = [" ".join(str(each).split()) for each in said]
            yield from ((a, b) for a, b in zip(texts[::2], texts[1::2], strict=False) if a and b)


def _sentences() -> list[str]:
    found: dict[str, None] = {}
    for path in sorted(Path(botocore.__file__).parent.glob("data/*/*/service-2.json.gz")):
        for text in _iter_documentation(orjson.loads(gzip.decompress(path.read_bytes()))):
            for sentence in _SENTENCE_END.split(" ".join(unescape(_TAG.sub("", text)).split())):
                if sentence.count(" ") in _WORDS:
                    found[sentence] = None
        if len(found) >= SENTENCES:
            break
    return list(found)[:SENTENCES]


def _iter_documentation(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        text = node.get("documentation")
        if isinstance(text, str):
            yield text
        for child in node.values():
            yield from _iter_documentation(child)
    elif isinstance(node, list):
        for child in node:
            yield from _iter_documentation(child)


def iter_lines(rows: int, seed: int = 7) -> Iterator[bytes]:
    """Yield rollouts as lines: 2 to 6 turns, some repeated word by word, some but for a word."""
    draw = random.Random(seed)  # noqa: S311  nothing is secret
    remembered: deque[list[Json]] = deque(maxlen=_REMEMBERED)
    for number in range(rows):
        kind = draw.random()
        if kind < EXACT and remembered:
            events = remembered[draw.randrange(len(remembered))]
        elif kind < EXACT + NEAR and remembered:
            events = _changed(remembered[draw.randrange(len(remembered))], draw)
        else:
            events = _conversation(draw)
            remembered.append(events)
        yield orjson.dumps(_rollout(number, events, draw)) + b"\n"


def _rollout(number: int, events: list[Json], draw: random.Random) -> Json:
    scenario = draw.randrange(SCENARIOS)
    rollout: Json = {
        "rollout_id": f"r-{number:07d}",
        "scenario_id": f"scenario-{scenario:04d}",
        "agent_template_id": f"agent-{scenario % 9}",
        "rollout_index": number,
        "temperature": draw.randrange(11) / 10,
        "status": "failed" if draw.random() < FAILED else "completed",
        "events": events,
    }
    if scenario >= WITHOUT_SCORES * SCENARIOS:
        if draw.random() < GIVEN:
            rollout["scores"] = {"quality_score": round(draw.random(), 3), "ifd_score": None}
        loglik = {"turn": 1, "conditional": -40 * draw.random(), "unconditional": -60 * draw.random(), "tokens": 24}
        rollout["loglik"] = [loglik]
    return rollout


def _conversation(draw: random.Random) -> list[Json]:
    dialogues, sentences = corpus()
    events: list[Json] = []
    turns = draw.choice(_TURNS)
    for turn in range(turns):
        if turn % 2 == 0:
            asked = draw.choice(dialogues)[0] if draw.random() < 0.5 else draw.choice(sentences)
            events.append({"type": "persona_message", "content": asked})
        elif turn > 1 and draw.random() < SILENT:
            events.append({"type": "operator_no_response"})
            events.append({"type": "time_skip", "days": draw.randrange(1, 8)})
        else:
            events.append({"type": "operator_message", "content": _answer(draw, _LENGTHS[turns])})
    return events


def _answer(draw: random.Random, length: int) -> str:
    dialogues, sentences = corpus()
    text = " ".join(draw.choices(sentences, k=length))
    if draw.random() < 0.1:
        text = f"{draw.choice(dialogues)[1]} {text}"
    return f"<thinking>{draw.choice(sentences)}</thinking>{text}" if draw.random() < THINKING else text


def _changed(events: list[Json], draw: random.Random) -> list[Json]:
    """Return the events with one word another one: the last of a message, or any of it."""
    at = draw.choice([number for number, event in enumerate(events) if "content" in event])
    before, end, text = events[at]["content"].rpartition("</thinking>")
    words = text.split(" ")
    place = len(words) - 1 if draw.random() < 0.5 else draw.randrange(len(words))
    words[place] = draw.choice(("today", "tomorrow", "again", "often"))
    changed = {**events[at], "content": f"{before}{end}{' '.join(words)}"}
    return [*events[:at], changed, *events[at + 1 :]]
