"""Label rows and rollouts that nothing is wrong with, of every form, and ways to walk through them."""

from collections.abc import Iterator
from random import Random
from typing import Any

Json = dict[str, Any]
Path = tuple[str | int, ...]
_WORDS = ("steady", "grün", "長い", "tempo 😀", 'say ":" twice', "a \\ b", "Müller", "x - at `$.labels`")


def at(row: Any, path: Path) -> Any:
    """Return what stands at a place of a row."""
    for step in path:
        row = row[step]
    return row


def iter_leaves(row: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the places and values of a row that are no objects and no arrays."""
    if isinstance(row, dict | list):
        for step, value in row.items() if isinstance(row, dict) else enumerate(row):
            yield from iter_leaves(value, (*path, step))
    else:
        yield path, row


def iter_containers(row: Any, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield the places and pairs of a row's objects, the row itself first."""
    if isinstance(row, dict):
        yield path, row
    if isinstance(row, dict | list):
        for step, value in row.items() if isinstance(row, dict) else enumerate(row):
            yield from iter_containers(value, (*path, step))


def good_label_row(random: Random, number: int) -> Json:
    """Return a label row with all of its fields, and one to three labels of any geometry."""
    row = {
        "sample_id": f"s{number}.{random.randrange(10**6)}",
        "group": random.choice(_WORDS),
        "camera_type": "broadcast",
        "asset": f"frames/{random.choice(['m 1', 'ü', 'a:b'][:2])}/{number}.jpg",
        "width": random.randint(1, 1_000_000),
        "height": random.randint(1, 4_000),
        "labels": [_label(random) for _ in range(random.randint(1, 3))],
        "split": random.choice(["train", "val", "test"]),
    }
    return _shuffled(random, row)


def _label(random: Random) -> Json:
    geometries: list[Json] = [
        {"point": {"x": random.random(), "y": -0.0}},
        {"bbox": {"x": 0.25, "y": 1e-9, "w": random.random(), "h": 0.5}},
        {"segment": {"start_ms": random.randrange(10**6), "end_ms": 10**6}},
    ]
    return _shuffled(random, {"class": "ball", **random.choice(geometries)})


def good_rollout(random: Random, number: int) -> Json:
    """Return a rollout with every kind of event, scores and log-likelihoods."""
    events: list[Json] = [
        {"type": "persona_message", "content": random.choice(_WORDS)},
        {"type": "operator_message", "content": f"<thinking>{number}</thinking>{random.choice(_WORDS)}"},
        {"type": "time_skip", "days": random.random() + 0.5},
        {"type": "operator_no_response"},
    ]
    row = {
        "rollout_id": f"r{number}.{random.randrange(10**6)}",
        "scenario_id": "scenario-1",
        "agent_template_id": "coach",
        "rollout_index": random.randrange(100),
        "temperature": 0.75,
        "status": "completed",
        "events": [_shuffled(random, event) for event in events],
        "scores": {"quality_score": random.random(), "ifd_score": -1.5},
        "loglik": [{"turn": 1, "conditional": -1.5, "unconditional": -2.5, "tokens": 3}],
    }
    return _shuffled(random, row)


def _shuffled(random: Random, pairs: Json) -> Json:
    keys = list(pairs)
    random.shuffle(keys)
    return {key: pairs[key] for key in keys}
