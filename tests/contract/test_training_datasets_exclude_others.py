"""Contract D, addition of the API: rows that share a run of words with another training dataset stay out of a second.

What counts as shared: 13 words in a row always, fewer than 8 never (`pipeline/overlap.py`).
"""

from itertools import pairwise
from typing import Any

import pytest

from tests.registry import Json, Project, Row, problem
from tests.training import (
    NO_RESPONSE,
    SILENCE,
    TRAINING,
    RolloutProject,
    answered,
    rollout,
    rollouts,
    said,
    talk,
    texts,
)


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    return RolloutProject.new(project)


def indexes(rows: list[Json]) -> list[int]:
    return [row["metadata"]["rollout_index"] for row in rows]


def test_a_dataset_that_excludes_another_has_no_row_in_common(labs: RolloutProject) -> None:
    """Half of the rollouts are drawn for the first; the second is of the same rollouts, and gets the other half."""
    labs.take_in(rollouts(300))
    test = labs.new_ready(max_rows=150, seed=5)
    train = labs.new_ready(exclude_overlap_with=[test])
    ours, others = (labs.rows(made) for made in (train, test))
    assert set(indexes(ours)).isdisjoint(indexes(others))
    assert sorted(indexes(ours) + indexes(others)) == list(range(300))
    assert {tuple(texts(row)) for row in ours}.isdisjoint(tuple(texts(row)) for row in others)
    assert labs.shown(train)["left_out"] == {"OVERLAPS_DATASET": 150}


def test_what_is_said_again_elsewhere_stays_out(labs: RolloutProject) -> None:
    """Thirteen words of an answer within another one, and the same silence; fewer than eight words are no overlap."""
    words = talk("held out", 40).removesuffix(".").split()
    labs.send([
        rollout("held", [said("And?"), answered(" ".join(words))], scenario_id="sc_test"),
        rollout("mute", [said("Hm?"), SILENCE], scenario_id="sc_test", rollout_index=1),
        rollout("quote", [said("So?"), answered(f"{talk('x')} {' '.join(words[11:24]).upper()}, {talk('y')}")]),
        rollout("short", [said("So?"), answered(f"{talk('v')} {' '.join(words[11:18])} {talk('w')}")], rollout_index=1),
        rollout("silent", [said("Hm?"), SILENCE], rollout_index=2),
        rollout("other", rollout_index=3),
    ])  # fmt: skip
    test = labs.new_ready(scenario_ids=["sc_test"])
    train = labs.new_ready(scenario_ids=["sc_marathon"], exclude_overlap_with=[test])
    assert indexes(labs.rows(train)) == [1, 3]
    assert labs.shown(train)["left_out"]["OVERLAPS_DATASET"] == 2


def test_the_same_rollout_stays_out_however_it_is_sent_again(labs: RolloutProject) -> None:
    """Also one in which there is no word."""
    spoken = [said("👍"), SILENCE]
    labs.send([rollout("thumb", spoken), *rollouts(1)])
    test = labs.new_ready()
    labs.send([rollout("thumb", spoken, temperature=1, scores={"quality_score": 0.5})])
    train = labs.new_failed(exclude_overlap_with=[test])
    assert labs.shown(train)["left_out"] == {"OVERLAPS_DATASET": 2, "SUPERSEDED_ROLLOUT": 1}


def test_several_datasets_are_excluded_one_after_the_other(labs: RolloutProject) -> None:
    """Five datasets, each of rows that none before has, until no rollout is left."""
    labs.send(rollouts(25))
    made: list[str] = []
    for _ in range(5):
        made.append(labs.new_ready(max_rows=5, exclude_overlap_with=made))
    found = [index for one in made for index in indexes(labs.rows(one))]
    assert sorted(found) == list(range(25))
    last = labs.new_failed(exclude_overlap_with=made)
    assert labs.status(last)["code"] == "NO_ROWS_LEFT"
    assert labs.shown(last)["left_out"] == {"OVERLAPS_DATASET": 25}


def test_what_the_other_left_out_is_no_overlap(labs: RolloutProject) -> None:
    """Only its rows count, not the rollouts that it was made of."""
    labs.send(rollouts(10))
    test = labs.new_ready(max_rows=1)
    assert len(labs.rows(labs.new_ready(exclude_overlap_with=[test]))) == 9


def test_only_ready_datasets_of_the_project_are_excluded(labs: RolloutProject) -> None:
    def ask(*others: str) -> Any:
        return labs.call("POST", TRAINING, json={"name": "x", "exclude_overlap_with": others})

    labs.send(rollouts(3))
    stranger = RolloutProject.new(labs.project.registry.new_project())
    stranger.send(rollouts(3))
    problem(ask("trd_nothing"), 404, "TRAINING_DATASET_NOT_FOUND")
    problem(ask(stranger.new_ready()), 404, "TRAINING_DATASET_NOT_FOUND")
    problem(ask(labs.new_ready(), labs.new_cancelled()), 409, "TRAINING_DATASET_NOT_READY")
    with labs.held("filtering") as made:
        problem(ask(made), 409, "TRAINING_DATASET_NOT_READY")
        labs.post(TRAINING, made, "cancel")


def test_duplicates_stay_out_in_the_rows_order(labs: RolloutProject) -> None:
    """Exact and near ones when they are looked for: of equals the first row stays."""
    words = talk("original", 60).removesuffix(".").split()
    near = [*words[:-1], "otherwise"]
    labs.send([
        rollout("late", [said("Go."), answered(" ".join(words))], rollout_index=5),
        rollout("first", [said("Go!"), answered(" ".join(words).lower())], rollout_index=1),
        rollout("near", [said("Go."), answered(" ".join(near))], rollout_index=2),
        rollout("far", rollout_index=3),
    ])  # fmt: skip
    made = {way: labs.new_ready(dedupe=way) for way in ("none", "exact", "near", True, False)}
    assert labs.shown(made["exact"])["left_out"] == {"EXACT_DUPLICATE": 1}
    assert labs.shown(made["near"])["left_out"] == {"EXACT_DUPLICATE": 1, "NEAR_DUPLICATE": 1}
    kept = {way: indexes(labs.rows(one)) for way, one in made.items()}
    assert kept == {"none": [1, 2, 3, 5], "exact": [1, 2, 3], "near": [1, 3], True: [1, 3], False: [1, 2, 3, 5]}


def test_rows_are_ordered_by_scenario_index_and_name(labs: RolloutProject) -> None:
    """Whatever import they came in, in whatever order."""
    keys = [(scenario, index, name) for scenario in ("sc_A", "sc_a", "sc_b") for index in (0, 9, 10) for name in "xy"]

    def named(scenario: str, index: int, name: str) -> Row:
        key = f"{scenario}-{index}-{name}"
        return rollout(key, [said(key), answered(talk(key)), SILENCE], scenario_id=scenario, rollout_index=index)

    sent = [named(*key) for key in keys]
    labs.send(sent[::-2])
    labs.take_in(sent[::2])
    rows = labs.rows(labs.new_ready())
    assert [texts(row)[0] for row in rows] == [one["events"][0]["content"] for one in sent]
    assert all(texts(row)[-1] == NO_RESPONSE for row in rows)
    placed = [(row["scenario_id"], row["metadata"]["rollout_index"]) for row in rows]
    assert all(before <= after for before, after in pairwise(placed))
