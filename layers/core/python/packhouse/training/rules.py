"""Pure decisions over training datasets."""

import json
import sys
from typing import Any

from packhouse.errors import ConflictError
from packhouse.training.model import OPEN, Recipe, StatusPayload, TrainingDataset, TrainingStatus

INLINE_BYTES = 5_000_000
ANSWER_BYTES = 5_900_000
"""An answer of a Lambda function ends at 6 MB of JSON, in which every quote of the body counts twice."""


def status_payload(dataset: TrainingDataset) -> StatusPayload:
    """Return what a caller who polls is told."""
    return StatusPayload(
        training_dataset_id=dataset.training_dataset_id,
        status=dataset.status,
        row_count=dataset.row_count,
        awaits_confirmation=awaits_confirmation(dataset),
        job_id=dataset.job_id,
        error=dataset.error,
        code=dataset.code,
    )


def awaits_confirmation(dataset: TrainingDataset) -> bool:
    """Whether its rendering goes on only when somebody has seen the preview."""
    shown = dataset.status is TrainingStatus.PREVIEW
    return shown and dataset.recipe.require_confirmation and dataset.confirmed_at is None


def states_before(status: TrainingStatus) -> tuple[TrainingStatus, ...]:
    """Return the states out of which a task may bring a dataset into this one; its own, for a task that runs again.

    >>> [str(state) for state in states_before(TrainingStatus.RUNNING)]
    ['pending', 'preview', 'running']
    """
    return OPEN[: OPEN.index(status) + 1]


def demand_confirmable(dataset: TrainingDataset) -> bool:
    """Raise `ConflictError` unless there is something to confirm; return whether it was confirmed before."""
    if not dataset.recipe.require_confirmation:
        raise ConflictError("CONFIRMATION_NOT_REQUIRED", "It was not created with `require_confirmation`.")
    if dataset.confirmed_at is not None and dataset.status not in (TrainingStatus.CANCELLED, TrainingStatus.FAILED):
        return True
    if dataset.status is TrainingStatus.PENDING:
        raise ConflictError("PREVIEW_NOT_READY", "The preview is still being rendered; look at it first.")
    if dataset.status is not TrainingStatus.PREVIEW:
        raise ConflictError("JOB_ENDED", f"The training dataset is {dataset.status}.")
    return False


def fits_answer(ndjson: str) -> bool:
    """Whether rows can be the body of an answer, as which they are a string within JSON.

    Lambda's Python escapes it to ASCII before 3.12.

    >>> fits_answer('{"a":1}\\n'), fits_answer('"' * 4_000_000)
    (True, False)
    """
    return len(json.dumps(ndjson, ensure_ascii=sys.version_info < (3, 12)).encode()) <= ANSWER_BYTES


def told_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe makes the rows what they are; fractions as text, other datasets by their hashes.

    >>> told_recipe(Recipe(seed=7, min_scores={"quality_score": 0.5}))
    {'dedupe': 'near', 'seed': 7, 'min_scores': {'quality_score': '0.5'}}
    """
    told = recipe.model_dump(mode="json", include={"scenario_ids", "agent_template_ids", "dedupe", "max_rows", "seed"})
    told = {name: value for name, value in told.items() if value is not None}
    if recipe.min_scores.given():
        told["min_scores"] = {key: repr(least) for key, least in recipe.min_scores.given().items()}
    if recipe.exclude_overlap_with:
        told["exclude_overlap_with"] = sorted(other.manifest_hash for other in recipe.exclude_overlap_with)
    return told
