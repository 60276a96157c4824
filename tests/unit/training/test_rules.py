"""What a training dataset's state allows, and what a caller who polls is told."""

import json
from typing import Any

import pytest

from packhouse.errors import ConflictError
from packhouse.training.model import OPEN, MinScores, Overlap, Recipe, TrainingDataset, TrainingStatus
from packhouse.training.rules import (
    ANSWER_BYTES,
    INLINE_BYTES,
    demand_confirmable,
    fits_answer,
    states_before,
    status_payload,
    told_recipe,
)

LAMBDA_BYTES = 6 * 1024 * 1024


def dataset(status: TrainingStatus, **more: Any) -> TrainingDataset:
    facts = {
        "training_dataset_id": "trd_1",
        "workspace": "acme/coach",
        "project_id": "prj_1",
        "name": "sessions",
        "job_id": "job_1",
        "created_at": "2026-11-21T10:00:00.000Z",
        "created_by": "user",
    }
    return TrainingDataset.model_validate(facts | {"status": status, "recipe": Recipe()} | more)


ASKED = Recipe(require_confirmation=True)


@pytest.mark.parametrize("status", TrainingStatus)
def test_only_a_shown_preview_that_nobody_confirmed_awaits_confirmation(status: TrainingStatus) -> None:
    told = status_payload(dataset(status, recipe=ASKED))
    assert told.awaits_confirmation is (status is TrainingStatus.PREVIEW)
    assert not status_payload(dataset(status, recipe=ASKED, confirmed_at="2026")).awaits_confirmation
    assert not status_payload(dataset(status)).awaits_confirmation


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (dataset(TrainingStatus.PREVIEW), "CONFIRMATION_NOT_REQUIRED"),
        (dataset(TrainingStatus.PENDING, recipe=ASKED), "PREVIEW_NOT_READY"),
        (dataset(TrainingStatus.CANCELLED, recipe=ASKED), "JOB_ENDED"),
        (dataset(TrainingStatus.FAILED, recipe=ASKED), "JOB_ENDED"),
    ],
)
def test_what_cannot_be_confirmed_is_refused_with_its_code(found: TrainingDataset, code: str) -> None:
    with pytest.raises(ConflictError, match=code):
        demand_confirmable(found)


def test_a_confirmation_may_be_repeated_whatever_came_of_it() -> None:
    assert not demand_confirmable(dataset(TrainingStatus.PREVIEW, recipe=ASKED))
    for status in (TrainingStatus.PREVIEW, TrainingStatus.RUNNING, TrainingStatus.READY):
        assert demand_confirmable(dataset(status, recipe=ASKED, confirmed_at="2026"))


def test_a_state_is_entered_from_those_before_it_and_never_from_one_behind() -> None:
    for place, status in enumerate(OPEN):
        assert states_before(status) == OPEN[: place + 1]


@pytest.mark.parametrize("character", ['"', "\\", "\n", "é", "😀", "a"])
def test_rows_that_fit_an_answer_fit_a_function_s_whatever_they_are_made_of(character: str) -> None:
    rows = character * (INLINE_BYTES // len(character.encode()))
    answer = {"statusCode": 200, "multiValueHeaders": {"X": ["x" * 4000]}, "body": rows, "isBase64Encoded": False}
    if fits_answer(rows):
        assert len(json.dumps(answer)) < LAMBDA_BYTES
    else:
        assert len(json.dumps(rows)) > ANSWER_BYTES
    assert fits_answer("a" * INLINE_BYTES)


def test_what_a_recipe_tells_has_no_fraction_and_no_id_of_another_dataset() -> None:
    others = (Overlap(training_dataset_id="trd_0", manifest_hash="sha256:00"),)
    recipe = Recipe(
        scenario_ids=("sc_1",),
        min_scores=MinScores(ifd_score=0.25),
        exclude_overlap_with=others,
        max_rows=9,
        profile="strip",
        require_confirmation=True,
    )
    assert told_recipe(recipe) == {
        "scenario_ids": ["sc_1"],
        "dedupe": "near",
        "max_rows": 9,
        "seed": 0,
        "min_scores": {"ifd_score": "0.25"},
        "exclude_overlap_with": ["sha256:00"],
    }
