"""Rollouts as a coaching product sends them, made from a number: the same number, the same rollout.

`silent` rollouts come first in row order. In them the operator never says a word, so that no score can be computed and
no thinking appears; `spoken` ones have scores, given or computed, log-likelihoods and thinking.
"""

import json
from collections.abc import Iterator
from random import Random

from packhouse.pipeline.rollouts import Rollout, parse_rollout

OPENINGS = (
    "Hi Luke, here's my update for week {week}.",
    "Morning coach!",
    "Sorry for the late reply, week {week} was a blur.",
    "Quick check-in from the airport.",
    "Week {week} done.",
    "Hello again, it's {name}.",
)
NEWS = (
    "I hit all five runs and my long run felt strong.",
    "Missed Tuesday's run, slept badly.",
    "My left calf has been tight since the {km} km tempo on Thursday.",
    "I ran {km} km on Sunday in 1:{minute} and walked twice.",
    "Work has been brutal: three late nights, two flights, no intervals.",
    "Heart rate was about {pulse} on the easy days.",
    "My physio says the tendon is fine, just don't add hills yet.",
    "I skipped strength work again, honestly out of boredom.",
    "The new shoes rub at the heel, so I went back to the old ones.",
    "I've lost {kilos} kg since we started, which scares me a little.",
    "Race is in {weeks} weeks and I can't tell whether I'm behind.",
    "I slept {hours} hours on average; the watch calls it 'fair'.",
)
QUESTIONS = (
    "Should I keep the pace for next week?",
    "Do I repeat the week or move on?",
    "What would you change?",
    "Is it OK to swap Thursday and Saturday?",
    "No question, just reporting.",
    "Am I overthinking this?",
)
ADVICE = (
    "That's exactly the response we wanted.",
    "Hold pace for week {week} - same volume, same intensities.",
    "Take two days off the calf, then {km} km easy on grass.",
    "Move the intervals to Saturday and drop one repeat.",
    "Sleep comes first this week; the long run can shrink to {km} km.",
    "Keep the heart rate under {pulse}, even when it feels slow.",
    "Nothing is lost by one missed session.",
    "Write down how the first ten minutes feel, every day until Sunday.",
)
THOUGHTS = (
    "She reports fatigue twice in a row, so volume is the first thing to check.",
    "The calf matters more than the tempo run.",
    "He is fishing for permission to rest. Give it plainly.",
    "Ramp was 12 % last week, above the plan.",
    "Do not repeat advice from the last check-in.",
    "Ask about sleep? No, it was answered above.",
)
NAMES = ("Luke", "Mara", "Jörg", "Zoë", "Ngọc Ánh", "Владимир", "美咲")

AWKWARD = (
    "2026-11-21",
    "2026-11-21T08:30:00Z",
    "null",
    "1.0",
    '{"role": "user"}',
    "back\\slash \"quoted\" 'single' `tick`",
    "line one\nline two\r\nline three\ttabbed",
    "separators \u2028 and \u2029 inside",
    "emoji \U0001f3c3\U0001f3fd\u200d♀\ufe0f and a flag 🇳🇿",
    "combining e\u0301 beside é",
    "right to left: \u200f\u05e9\u05dc\u05d5\u05dd\u200e",
    "<b>not html</b> &amp; {{ not jinja }} {% if %} <|im_end|x|>",
    "  spaces around  ",
    "a pipe | and ---\n---\nyaml",
    "#" * 40,
    "\ufeffbyte order mark",
    "~" * 700_000,
)
"""Texts that readers of lines, JSON, YAML or templates have tripped over."""


def silent(count: int) -> Iterator[Rollout]:
    """Yield rollouts whose operator only stays silent."""
    for number in range(count):
        random = Random(number)  # noqa: S311
        events: list[dict[str, object]] = []
        for week in range(1, 6):
            events += [{"type": "persona_message", "content": _update(random, week)}, {"type": "operator_no_response"}]
            events.append({"type": "time_skip", "days": random.randint(1, 9)})
        yield _rollout("sc_01_silence", number, events, temperature=random.choice((0, 0.7, 1.0)))


def spoken(count: int) -> Iterator[Rollout]:
    """Yield rollouts with advice, thinking in every second message, and all kinds of scores, then the awkward texts.

    The first lasts thirty weeks, the others three.
    """
    for number in range(count):
        random = Random(-1 - number)  # noqa: S311
        events: list[dict[str, object]] = []
        for week in range(1, 4 if number else 31):
            events.append({"type": "persona_message", "content": _update(random, week)})
            events.append(_answer(random, week, thinks=week % 2 == number % 2))
        if number % 4 == 0:
            events += [{"type": "persona_message", "content": "Still there?"}, {"type": "operator_no_response"}]
        scores = {"quality_score": random.choice((0.84, 1, 0, 1e-7, 12345.678))} if number % 3 else {}
        yield _rollout("sc_02_marathon", number, events, temperature=0.7, scores=scores, loglik=_loglik(random))
    for number, text in enumerate(AWKWARD):
        events = [
            {"type": "persona_message", "content": text},
            {"type": "operator_message", "content": f"<thinking>{text}</thinking>\n\nanswer: {text}"},
            {"type": "operator_no_response"},
            {"type": "operator_message", "content": f"{text} (said again)"},
        ]
        yield _rollout("sc_03_awkward", number, events, temperature=1.0)


def _rollout(scenario: str, number: int, events: list[dict[str, object]], **facts: object) -> Rollout:
    capture = {
        "rollout_id": f"{scenario}.{number:06}",
        "scenario_id": scenario,
        "agent_template_id": f"agt_coach_v{1 + number % 3}",
        "rollout_index": number,
        "status": "completed",
        "events": events,
        **facts,
    }
    return parse_rollout(json.dumps(capture).encode())


def _update(random: Random, week: int) -> str:
    sentences = [random.choice(OPENINGS), *random.sample(NEWS, 7), random.choice(QUESTIONS)]
    return _filled(" ".join(sentences), random, week)


def _answer(random: Random, week: int, *, thinks: bool) -> dict[str, object]:
    advice = _filled(" ".join(random.sample(ADVICE, 3)), random, week + 1)
    thought = "\n".join(random.sample(THOUGHTS, 2))
    content = f"<thinking>\n{thought}\n</thinking>\n{advice}" if thinks else advice
    return {"type": "operator_message", "content": content}


def _filled(text: str, random: Random, week: int) -> str:
    return text.format(
        week=week,
        name=random.choice(NAMES),
        km=random.randint(4, 34),
        minute=random.randint(10, 59),
        pulse=random.randint(120, 165),
        kilos=random.randint(1, 9),
        weeks=random.randint(2, 20),
        hours=random.randint(4, 9),
    )


def _loglik(random: Random) -> list[dict[str, object]]:
    return [
        {"turn": turn, "conditional": -random.uniform(20, 90), "unconditional": -random.uniform(60, 140), "tokens": 40}
        for turn in (1, 2, 3)
    ]
