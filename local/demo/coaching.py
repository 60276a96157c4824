"""The way of captured coaching sessions through the registry: rollouts in, a training dataset out.

Runners write to their coach week by week; operators answer, think before they do, or let a week pass in silence. The
wording is drawn from a seed, so every walk sends the same bytes. Every step first looks whether it is done already.
Left out: requests carried (`api`) and results printed (`tables`).
"""

import hashlib
import json
import random
from collections.abc import Iterator
from typing import Any

from local.demo.api import Api
from local.demo.bars import Bars, JobBars

NAME = "coaching sessions"
SCENARIOS = 24
SESSIONS = 20
WEEKS = 6
Json = dict[str, Any]

RUNS = ("the easy Monday loop", "the tempo on Tuesday", "hill repeats by the river", "the long run on Sunday")
FELT = ("strong until the last kilometre", "heavy, like running in sand", "better than last week", "a bit flat")
LIFE = ("Work is calm.", "I slept badly twice.", "The kids had a cold.", "I travelled on Thursday.", "Nothing special.")
PAINS = ("my left calf", "a blister on the right heel", "my lower back", "nothing at all, luckily")
ADVICE = (
    "Keep the volume where it is and move the tempo to Thursday; you need one more easy day in between.",
    "That is exactly the response we wanted. Hold pace for next week, same volume, same intensities.",
    "Drop the hills this week. Two easy runs and a short long run, and tell me how it feels on the stairs.",
    "Good. Add ten minutes to the long run and nothing else: one change at a time.",
)
THOUGHTS = (
    "Three hard days in a row; the flat feeling is fatigue, not fitness.",
    "No warning sign here. The plan works, so leave it alone.",
    "Pain on one side only. Take the load off before it becomes an injury.",
)


def settle_coaching(editor: Api, known: str | None, bars: Bars) -> Json:
    """Bring the sessions to where they train: import, dataset, preview and export; return the dataset as it is."""
    found = editor.find(f"/api/v1/training-datasets/{known}") if known else None
    if found is not None and found["status"] == "ready":
        return found
    if not any(each["validation_status"] == "passed" for each in editor.iter_items("/api/v1/rollout-imports")):
        _import(editor, bars)
    dataset = editor.post("/api/v1/training-datasets", {"name": NAME, "min_scores": {"quality_score": 0.5}})
    editor.wait(dataset["job_id"], JobBars(bars, "coaching"))
    return editor.get(f"/api/v1/training-datasets/{dataset['training_dataset_id']}")


def _import(editor: Api, bars: Bars) -> None:
    body = b"".join(json.dumps(rollout).encode() + b"\n" for rollout in iter_rollouts())
    announced = {"content_length": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    imported = editor.post("/api/v1/rollout-imports", announced)
    editor.put_signed(imported["upload"], body)
    started = editor.post(f"/api/v1/rollout-imports/{imported['import_id']}/submit")
    editor.wait(started["job_id"], JobBars(bars, "rollouts"))


def iter_rollouts() -> Iterator[Json]:
    """Yield the sessions: every scenario played several times, some of them aborted, some played twice alike."""
    for scenario in range(SCENARIOS):
        for session in range(SESSIONS):
            words = random.Random(f"{scenario} {session - (session % 10 == 9)}")  # noqa: S311  wording, no secret
            yield {
                "rollout_id": f"coaching-{scenario:02d}-{session:02d}",
                "scenario_id": f"sc_marathon_build_{scenario:03d}",
                "agent_template_id": f"agt_coach_v{1 + scenario % 3}",
                "rollout_index": session,
                "temperature": 0.7,
                "status": "aborted" if session % 10 == 4 else "completed",
                "events": [event for week in range(1, WEEKS + 1) for event in _week(words, week)],
            }


def _week(words: random.Random, week: int) -> Iterator[Json]:
    update = (
        f"Week {week}: I did {words.choice(RUNS)} and {words.choice(RUNS)}, {words.randint(20, 70)} km in all, "
        f"{words.randint(5, 9)} hours of sleep a night. It felt {words.choice(FELT)}, and what hurts is "
        f"{words.choice(PAINS)}. {words.choice(LIFE)}"
    )
    yield {"type": "persona_message", "content": update}
    if words.random() < 0.2:
        yield {"type": "operator_no_response"}
    else:
        thought = f"<thinking>{words.choice(THOUGHTS)}</thinking>\n\n" if words.random() < 0.5 else ""
        yield {"type": "operator_message", "content": f"{thought}{words.choice(ADVICE)}"}
    yield {"type": "time_skip", "days": 7}
