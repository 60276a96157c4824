"""A folder as a person downloads it, made by the product's functions: the dataset card and a file for each profile."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from packhouse.pipeline.card import CardFacts, CardFile, CardScore, training_card
from packhouse.pipeline.profiles import PROFILES, render_profile
from packhouse.pipeline.render import TrainingRow, render_rollout
from packhouse.pipeline.rollouts import Rollout
from packhouse.pipeline.scoring import SCORERS, Scores, score_rollout


def write_folder(folder: Path, rollouts: Sequence[Rollout]) -> None:
    """Write README.md and the five files; the rows stand in the order of the rollouts."""
    scores = [score_rollout(rollout) for rollout in rollouts]
    rows = [render_rollout(rollout, each) for rollout, each in zip(rollouts, scores, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    files = [_write(folder, profile, rows) for profile in PROFILES]
    facts = CardFacts(rows=len(rows), files=files, scores=card_scores(scores), filters={}, left_out={})
    (folder / "README.md").write_bytes(training_card(facts))


def card_scores(scores: Sequence[Scores]) -> list[CardScore]:
    """Return the card's lines on scores."""
    return [
        CardScore(
            key=key,
            scorer=scorer.name,
            version=scorer.version,
            formula=scorer.formula,
            source=scorer.source,
            given=sum(key in each.given for each in scores),
            computed=sum(key in each.computed for each in scores),
            missing=sum(getattr(each, key) is None for each in scores),
        )
        for key, scorer in SCORERS.items()
    ]


def _write(folder: Path, profile: str, rows: Sequence[TrainingRow]) -> CardFile:
    body = b"".join(render_profile(row, profile) + b"\n" for row in rows)
    name = f"{profile}.ndjson"
    (folder / name).write_bytes(body)
    return CardFile(profile, name, len(rows), len(body), hashlib.sha256(body).hexdigest())
