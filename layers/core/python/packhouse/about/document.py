"""The OpenAPI document of the whole API: every context's endpoints, declared once more on a resolver of no function.

Services are used inside handlers alone, and none of these handlers is ever called: they are handed nothing.
"""

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from packhouse.about.conversations import (
    FileShown,
    ImportMade,
    ImportStarted,
    RolloutShown,
    RowShown,
    TrainingDatasetListed,
)
from packhouse.about.model import (
    BuildShown,
    DiffShown,
    ExportShown,
    FacetsShown,
    IngestStarted,
    JobShown,
    PreflightShown,
    RevisionMade,
    SourcePack,
    VersionShown,
)
from packhouse.about.routes import register as register_about
from packhouse.access.routes import register as register_access
from packhouse.annotations.routes import register as register_annotations
from packhouse.api.endpoints import Endpoints, Listed
from packhouse.api.openapi import NDJSON, Context, Sent, Told, document
from packhouse.audio.routes import register as register_audio
from packhouse.builds.model import ExcludedPack, LeftOutSample
from packhouse.builds.routes import register as register_builds
from packhouse.catalog.routes import register as register_catalog
from packhouse.collections.routes import register as register_collections
from packhouse.datasets.routes import register as register_datasets
from packhouse.freezes.routes import register as register_freezes
from packhouse.jobs.routes import register as register_jobs
from packhouse.labels.routes import register as register_labels
from packhouse.rollouts.routes import register as register_rollouts
from packhouse.samples.routes import register as register_samples
from packhouse.training.model import StatusPayload
from packhouse.training.routes import register as register_training

_NOTHING: Any = None
_CONTEXTS: dict[str, Callable[[Endpoints], None]] = {
    "catalog": lambda api: register_catalog(api, _NOTHING),
    "access": lambda api: register_access(api, _NOTHING),
    "datasets": lambda api: register_datasets(api, _NOTHING),
    "collections": lambda api: register_collections(api, _NOTHING),
    "labels": lambda api: register_labels(api, _NOTHING, _NOTHING),
    "builds": lambda api: register_builds(api, _NOTHING, _NOTHING, _NOTHING),
    "samples": lambda api: register_samples(api, _NOTHING, _NOTHING),
    "freezes": lambda api: register_freezes(api, _NOTHING, _NOTHING),
    "audio": lambda api: register_audio(api, _NOTHING, _NOTHING),
    "annotations": lambda api: register_annotations(api, *[_NOTHING] * 5),
    "rollouts": lambda api: register_rollouts(api, _NOTHING, _NOTHING),
    "training": lambda api: register_training(api, _NOTHING, _NOTHING, _NOTHING),
    "jobs": lambda api: register_jobs(api, _NOTHING, _NOTHING, _NOTHING, _NOTHING),
    "about": register_about,
}

_STANDS = ("X-Dataset-Status",)
_TOLD = (*_STANDS, "X-Dataset-Rows", "X-Dataset-Bytes", "X-Dataset-Sha256")
_ROWS = ("ETag", "Repr-Digest", *_TOLD)

ANSWERS: dict[str, dict[int, Any]] = {
    "create_revision": {201: RevisionMade},
    "submit_revision": {202: IngestStarted},
    "preflight_build": {200: PreflightShown},
    "build_dataset": {200: BuildShown, 202: BuildShown},
    "get_dataset_version": {200: VersionShown},
    "list_lineage": {200: Listed(SourcePack | ExcludedPack | LeftOutSample)},
    "diff_dataset_versions": {200: DiffShown},
    "list_exports": {200: Listed(ExportShown)},
    "get_export": {200: ExportShown},
    "list_sample_facets": {200: FacetsShown},
    "get_rollout": {200: RolloutShown},
    "create_rollout_import": {201: ImportMade},
    "submit_rollout_import": {202: ImportStarted},
    "list_training_datasets": {200: Listed(TrainingDatasetListed)},
    "get_training_preview": {200: Listed(RowShown)},
    "confirm_training_dataset": {200: StatusPayload},
    "cancel_training_dataset": {200: StatusPayload},
    "export_training_dataset": {
        200: Sent(RowShown, NDJSON, _ROWS),
        202: Sent(StatusPayload, headers=(*_STANDS, "Retry-After")),
        307: Sent(StatusPayload, headers=(*_TOLD, "Location")),
        409: Sent(StatusPayload, headers=_STANDS),
        500: Sent(StatusPayload, headers=_STANDS),
    },
    "look_at_export": {
        200: Sent(headers=_ROWS),
        202: Sent(headers=(*_STANDS, "Retry-After")),
        409: Sent(headers=_STANDS),
        500: Sent(headers=_STANDS),
    },
    "list_training_files": {200: Listed(FileShown)},
    "get_training_file": {200: FileShown},
    "list_jobs": {200: Listed(JobShown)},
    "get_job": {200: JobShown},
    "cancel_job": {200: JobShown},
}
"""What is answered, by handler and status, where it is not the handler's result."""


def contexts() -> list[Context]:
    """Return all contexts with what they declare."""
    found = []
    for name, register in _CONTEXTS.items():
        endpoints = Endpoints(APIGatewayRestResolver())
        register(endpoints)
        meaning = sys.modules[f"packhouse.{name}"].__doc__ or ""
        found.append(Context(name, meaning, endpoints.declared))
    return found


def describe() -> dict[str, Any]:
    """Return the document."""
    examples = json.loads(Path(__file__).with_name("examples.json").read_text("utf-8"))
    return document(contexts(), Told(ANSWERS, examples))


@functools.cache
def as_text() -> str:
    """Return the document as JSON; it is the same for as long as the process lives."""
    return json.dumps(describe(), ensure_ascii=False, separators=(",", ":"))
