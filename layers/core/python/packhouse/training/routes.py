"""`/api/v1/training-datasets`: contract D."""

import base64
from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BeforeValidator, Field

from packhouse.access.model import Action, Principal, Workspace
from packhouse.api.app import answer, page, spliced
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed
from packhouse.api.fields import Name, json_at_most
from packhouse.api.paging import Cursors, NoQuery, RequestQuery, Section
from packhouse.aws.once import Once
from packhouse.jobs.model import Job
from packhouse.training.model import (
    Dedupe,
    MinScores,
    ProfileName,
    Recipe,
    StatusPayload,
    TrainingDataset,
    TrainingFile,
    TrainingStatus,
)
from packhouse.training.rules import status_payload
from packhouse.training.service import TrainingDatasets

_PATH = "/api/v1/training-datasets"
_DATASET = f"{_PATH}/{{training_dataset_id}}"
_NDJSON = "application/x-ndjson"
_ENDED = {TrainingStatus.CANCELLED: 409, TrainingStatus.FAILED: 500}
"""What an export is answered that will never be ready (contract D); until it is known, 202."""

_POLL_SECONDS = "5"
_LISTED_IDS = 1_000
_UNLISTED: Any = {"recipe": {"scenario_ids", "agent_template_ids"}, "sealed": True}
"""What a list of training datasets leaves out: it grows with the dataset."""

Cancel = Callable[[Workspace, str, Principal, Once], Job]
"""Ends a job of the project and what it was for, and stops its execution."""

NamedId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
Ids = Annotated[list[NamedId], Field(min_length=1, max_length=_LISTED_IDS), json_at_most(32)]


def _spoken(value: object) -> object:
    """Take `true` and `false` for the strongest and for no removal of duplicates."""
    return {True: "near", False: "none"}[value] if isinstance(value, bool) else value


class TrainingRequest(RequestBody):
    """Which rollouts become rows of a training dataset, and how.

    `dedupe` is `near` (the default, and what `true` means), `exact`, or `none` (`false`). `profile` is the rendering
    that `/export` answers with; all others are exported as well. With `require_confirmation` it goes on behind the
    preview only when somebody confirms it.
    """

    name: Name
    scenario_ids: Ids | None = None
    agent_template_ids: Ids | None = None
    min_scores: MinScores = MinScores()
    dedupe: Annotated[Dedupe, BeforeValidator(_spoken)] = "near"
    exclude_overlap_with: list[NamedId] = Field(default=[], max_length=20)
    max_rows: int | None = Field(default=None, ge=1, le=100_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    profile: ProfileName = "default"
    require_confirmation: bool = False

    def recipe(self) -> Recipe:
        """Return what is asked, the other datasets apart."""
        asked = self.model_dump(exclude={"name", "exclude_overlap_with", "min_scores"})
        for name in ("scenario_ids", "agent_template_ids"):
            if asked[name] is not None:
                asked[name] = sorted(set(asked[name]))
        return Recipe(**asked, min_scores=self.min_scores)


class TrainingFilters(Section):
    """Which training datasets are listed."""

    status: TrainingStatus | None = None


class ExportQuery(RequestQuery):
    """Which rendering is downloaded; the dataset's own when none is named."""

    profile: ProfileName | None = None


def register(api: Endpoints, training: TrainingDatasets, cancel: Cancel, cursors: Cursors) -> None:
    """Declare the endpoints."""

    def created(_: Call[TrainingRequest], dataset: TrainingDataset) -> Response[str]:
        place = f"{_PATH}/{dataset.training_dataset_id}"
        return answer(202, dataset, {"Location": f"{place}/status", "Retry-After": _POLL_SECONDS})

    @api.post(
        _PATH,
        Action.WRITE,
        status=202,
        show=created,
        refusals=(
            *("PROJECT_NOT_FOUND", "PROJECT_CONFLICT", "WORKSPACE_TRAINING_OPT_OUT"),
            *("TRAINING_DATASET_NOT_FOUND", "TRAINING_DATASET_NOT_READY"),
        ),
    )
    def create_training_dataset(call: Call[TrainingRequest]) -> TrainingDataset:
        """Make a training dataset of the project's completed rollouts."""
        wanted = call.wanted
        others = sorted(set(wanted.exclude_overlap_with))
        return training.create(call.workspace, wanted.name, wanted.recipe(), others, call.caller, call.once)

    @api.get(_PATH, Action.READ, result=Listed(TrainingDataset), refusals=("INVALID_CURSOR", "PROJECT_NOT_FOUND"))
    def list_training_datasets(call: Call[TrainingFilters]) -> dict[str, Any]:
        """List the training datasets of the project, newest first."""
        items, cursor = cursors.turn(
            call.wanted,
            ("training-datasets", str(call.workspace)),
            lambda filters, after: training.list_datasets(call.workspace, filters, call.wanted.limit, after),
        )
        return page(items, cursor, exclude=_UNLISTED)

    @api.get(_DATASET, Action.READ, refusals=("TRAINING_DATASET_NOT_FOUND",))
    def get_training_dataset(call: Call[NoQuery]) -> TrainingDataset:
        """Get a training dataset: what was asked, what was left out and why, its files once it is ready."""
        return training.store.get(call.workspace, call.path["training_dataset_id"])

    @api.get(f"{_DATASET}/status", Action.READ, refusals=("TRAINING_DATASET_NOT_FOUND",))
    def get_training_status(call: Call[NoQuery]) -> StatusPayload:
        """Get how a training dataset stands: cheap, and safe to call repeatedly."""
        return status_payload(training.store.get(call.workspace, call.path["training_dataset_id"]))

    @api.get(
        f"{_DATASET}/preview",
        Action.READ,
        result=Listed(dict[str, Any]),
        refusals=("TRAINING_DATASET_NOT_FOUND", "PREVIEW_NOT_READY"),
    )
    def get_training_preview(call: Call[NoQuery]) -> Response[str]:
        """Get the first rows as they were rendered, before rows are compared, filtered by text, and sampled."""
        return spliced(training.preview(call.workspace, call.path["training_dataset_id"]), None)

    def told(_: Call[NoBody], dataset: TrainingDataset) -> Response[str]:
        return answer(200, status_payload(dataset))

    @api.post(
        f"{_DATASET}/confirm",
        Action.WRITE,
        show=told,
        refusals=(
            *("TRAINING_DATASET_NOT_FOUND", "TRAINING_DATASET_CONFLICT", "CONFIRMATION_NOT_REQUIRED"),
            *("PREVIEW_NOT_READY", "JOB_ENDED"),
        ),
    )
    def confirm_training_dataset(call: Call[NoBody]) -> TrainingDataset:
        """Confirm the preview of a training dataset that waits for it."""
        return training.confirm(call.workspace, call.path["training_dataset_id"], call.caller, call.once)

    def cancelled(call: Call[NoBody], _: Job) -> Response[str]:
        return answer(200, status_payload(training.store.get(call.workspace, call.path["training_dataset_id"])))

    @api.post(f"{_DATASET}/cancel", Action.WRITE, show=cancelled, refusals=("TRAINING_DATASET_NOT_FOUND", "JOB_ENDED"))
    def cancel_training_dataset(call: Call[NoBody]) -> Job:
        """Cancel a training dataset that is not ready: nothing of it is published."""
        dataset = training.store.get(call.workspace, call.path["training_dataset_id"])
        return cancel(call.workspace, dataset.job_id, call.caller, call.once)

    @api.get(f"{_DATASET}/export", Action.EXPORT, result=Response[str], refusals=("TRAINING_DATASET_NOT_FOUND",))
    def export_training_dataset(call: Call[ExportQuery]) -> Response[str]:
        """Download a training dataset as NDJSON: its rows, or above 5 MB the URL that sends them (follow it).

        While it is not ready, the answer is its status: 202 to be polled on, 409 cancelled, 500 failed.
        """
        dataset, file = training.find_rows(call.workspace, call.path["training_dataset_id"], call.wanted.profile)
        if file is None:
            return _unready(dataset)
        found = training.download(dataset, file)
        if found.body is not None:
            return _rows(file, found.body)
        headers = _told_of(file) | {"Location": found.url or ""}
        return answer(307, status_payload(dataset), headers)

    @api.head(f"{_DATASET}/export", Action.EXPORT, result=Response[str], refusals=("TRAINING_DATASET_NOT_FOUND",))
    def look_at_export(call: Call[ExportQuery]) -> Response[str]:
        """Get how many rows and bytes a download has, and its SHA-256, without its body."""
        dataset, file = training.find_rows(call.workspace, call.path["training_dataset_id"], call.wanted.profile)
        return _unready(dataset) if file is None else _rows(file, "")

    @api.get(
        f"{_DATASET}/files",
        Action.EXPORT,
        result=Listed(dict[str, Any]),
        refusals=("TRAINING_DATASET_NOT_FOUND", "TRAINING_DATASET_NOT_READY"),
    )
    def list_training_files(call: Call[NoQuery]) -> dict[str, Any]:
        """List all files of a training dataset, each with a URL that downloads it for a quarter of an hour."""
        files = training.list_files(call.workspace, call.path["training_dataset_id"])
        return {"items": files, "next_cursor": None}

    @api.get(
        f"{_DATASET}/files/{{name}}",
        Action.EXPORT,
        refusals=("TRAINING_DATASET_NOT_FOUND", "TRAINING_DATASET_NOT_READY", "EXPORT_NOT_FOUND"),
    )
    def get_training_file(call: Call[NoQuery]) -> dict[str, Any]:
        """Get one file of a training dataset, with a URL that downloads it."""
        return training.get_file(call.workspace, call.path["training_dataset_id"], call.path["name"])


def _unready(dataset: TrainingDataset) -> Response[str]:
    headers = {"X-Dataset-Status": dataset.status.value}
    if dataset.status in _ENDED:
        return answer(_ENDED[dataset.status], status_payload(dataset), headers)
    return answer(202, status_payload(dataset), headers | {"Retry-After": _POLL_SECONDS})


def _rows(file: TrainingFile, body: str) -> Response[str]:
    """Return the rows; the digest is RFC 9530's."""
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    headers = {
        "Cache-Control": "private, no-cache",
        "ETag": f'"{file.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }
    return Response(status_code=200, content_type=_NDJSON, body=body, headers=headers | _told_of(file))


def _told_of(file: TrainingFile) -> dict[str, str]:
    """Return the headers about the rows, wherever they are sent from."""
    return {
        "X-Dataset-Status": TrainingStatus.READY.value,
        "X-Dataset-Rows": str(file.rows),
        "X-Dataset-Bytes": str(file.bytes),
        "X-Dataset-Sha256": file.sha256,
    }
