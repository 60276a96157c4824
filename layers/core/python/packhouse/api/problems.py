"""Which refusals an endpoint can answer with, and the form that each has in the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from packhouse.access.model import Action
from packhouse.api.endpoints import Endpoint

_BY_STATUS: dict[int, tuple[str, ...]] = {
    400: (
        "INVALID_REQUEST",
        "INVALID_JSON",
        "INVALID_CURSOR",
        "WORKSPACE_REQUIRED",
        "FILTERS_NOT_SUPPORTED_V1",
        "LABEL_PACK_IDS_REQUIRED",
        "NO_ELIGIBLE_LABEL_DATA",
        "TOO_MANY_SOURCE_PROJECTS",
        "UNFREEZE_REASON_REQUIRED",
    ),
    401: ("UNAUTHORIZED",),
    403: (
        "FORBIDDEN",
        "ELIGIBILITY_OVERRIDE_FORBIDDEN",
        "UNFREEZE_PERMISSION_REQUIRED",
        "FROZEN_DATASET_TRAINING_FORBIDDEN",
        "FROZEN_SOURCE_LEAKAGE_FORBIDDEN",
    ),
    404: (
        "NAMESPACE_NOT_FOUND",
        "PROJECT_NOT_FOUND",
        "MEMBER_NOT_FOUND",
        "API_KEY_NOT_FOUND",
        "DATASET_NOT_FOUND",
        "COLLECTION_NOT_FOUND",
        "LABEL_PACK_NOT_FOUND",
        "REVISION_NOT_FOUND",
        "EXPORT_NOT_FOUND",
        "SAMPLE_NOT_FOUND",
        "USE_NOT_FOUND",
        "AUDIO_FILE_NOT_FOUND",
        "ANNOTATION_SET_NOT_FOUND",
        "ANNOTATION_NOT_FOUND",
        "IMPORT_NOT_FOUND",
        "ROLLOUT_NOT_FOUND",
        "TRAINING_DATASET_NOT_FOUND",
        "JOB_NOT_FOUND",
        "ROUTE_NOT_FOUND",
    ),
    409: (
        "IDEMPOTENCY_KEY_REUSED",
        "NAMESPACE_EXISTS",
        "PROJECT_EXISTS",
        "PROJECT_CONFLICT",
        "LAST_OWNER",
        "DATASET_EXISTS",
        "DATASET_CONFLICT",
        "COLLECTION_EXISTS",
        "COLLECTION_CONFLICT",
        "REVISION_ALREADY_SUBMITTED",
        "UPLOAD_MISSING",
        "UPLOAD_MISMATCH",
        "ELIGIBILITY_TRANSITION_INVALID",
        "REVIEW_CONFLICT",
        "BUILD_CONFLICT",
        "DATASET_NOT_READY",
        "DIFF_TOO_LARGE",
        "DATASET_ALREADY_FROZEN",
        "DATASET_NOT_FROZEN",
        "DATASET_IN_ACTIVE_USE",
        "FREEZE_STATE_CONFLICT",
        "AUDIO_FILE_EXISTS",
        "ANNOTATION_SET_PUBLISHED",
        "ANNOTATION_SET_NOT_PUBLISHED",
        "ANNOTATION_SET_CONFLICT",
        "ANNOTATION_SET_FULL",
        "ANNOTATION_SET_EMPTY",
        "LABEL_PACK_CAPABILITY_MISMATCH",
        "LABEL_ROW_TOO_LONG",
        "IMPORT_ALREADY_SUBMITTED",
        "IMPORT_CONFLICT",
        "WORKSPACE_TRAINING_OPT_OUT",
        "TRAINING_DATASET_NOT_READY",
        "TRAINING_DATASET_CONFLICT",
        "PREVIEW_NOT_READY",
        "CONFIRMATION_NOT_REQUIRED",
        "JOB_ENDED",
    ),
    412: ("PRECONDITION_FAILED",),
    413: ("BODY_TOO_LARGE",),
    415: ("UNSUPPORTED_MEDIA_TYPE",),
    429: ("TOO_MANY_REQUESTS",),
    500: ("INTERNAL_ERROR",),
    503: ("SERVICE_UNAVAILABLE",),
}
STATUS_OF = {code: status for status, codes in _BY_STATUS.items() for code in codes}
"""The HTTP status of every code that an answer can have; the error classes decide, and a test holds this to them."""

SHARED: dict[str, tuple[int, tuple[str, ...]]] = {
    "InvalidQuery": (400, ("INVALID_REQUEST",)),
    "InvalidBody": (400, ("INVALID_REQUEST", "INVALID_JSON")),
    "InvalidQueryInWorkspace": (400, ("INVALID_REQUEST", "WORKSPACE_REQUIRED")),
    "InvalidBodyInWorkspace": (400, ("INVALID_REQUEST", "INVALID_JSON", "WORKSPACE_REQUIRED")),
    "Unauthorized": (401, ("UNAUTHORIZED",)),
    "Forbidden": (403, ("FORBIDDEN",)),
    "NamespaceNotFound": (404, ("NAMESPACE_NOT_FOUND", "ROUTE_NOT_FOUND")),
    "ProjectNotFound": (404, ("PROJECT_NOT_FOUND", "ROUTE_NOT_FOUND")),
    "PreconditionFailed": (412, ("PRECONDITION_FAILED",)),
    "TooLarge": (413, ("BODY_TOO_LARGE",)),
    "UnsupportedMedia": (415, ("UNSUPPORTED_MEDIA_TYPE",)),
    "Throttled": (429, ("TOO_MANY_REQUESTS",)),
    "InternalError": (500, ("INTERNAL_ERROR",)),
    "Unavailable": (503, ("SERVICE_UNAVAILABLE",)),
}
"""Refusals that many endpoints have word for word."""

PROBLEM_SCHEMA: dict[str, Any] = {
    "Fault": {
        "type": "object",
        "description": "One thing wrong with a request.",
        "properties": {
            "loc": {
                "type": "string",
                "description": "A JSON pointer into the body, or `query …`, `header …`, `path …`.",
            },
            "reason": {"type": "string"},
        },
        "required": ["loc", "reason"],
    },
    "EqualSamples": {
        "type": "object",
        "description": "A frozen version, null to a caller who cannot see it, and samples that equal some of its own.",
        "properties": {
            "dataset_version_id": {"type": ["string", "null"]},
            "workspace": {"type": ["string", "null"]},
            "sample_ids": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["dataset_version_id", "workspace", "sample_ids"],
    },
    "OpenUse": {
        "type": "object",
        "description": "A training use that has not ended.",
        "properties": {
            "use_id": {"type": "string"},
            "dataset_version_id": {"type": "string"},
            "workspace": {"type": "string"},
            "purpose": {"const": "training"},
            "created_at": {"type": "string", "format": "date-time"},
            "created_by": {"type": "string"},
            "expires_at": {"type": "string", "format": "date-time"},
        },
        "required": [
            "use_id",
            "dataset_version_id",
            "workspace",
            "purpose",
            "created_at",
            "created_by",
            "expires_at",
        ],
    },
    "Problem": {
        "type": "object",
        "description": "A refusal (RFC 9457). Clients branch on `code`; some codes bring fields of their own.",
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
            "detail": {"type": "string", "description": "A sentence for a person."},
            "request_id": {"type": "string", "description": "Leads to the log."},
            "errors": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Fault"},
                "description": "With `INVALID_REQUEST`: every fault at once.",
            },
            "job_id": {"type": "string", "description": "The job that the refusal speaks of."},
            "audio_file_id": {"type": "string", "description": "With `AUDIO_FILE_EXISTS`: the one there is."},
            "excluded_label_pack_ids": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/ExcludedPack"},
                "description": "With `NO_ELIGIBLE_LABEL_DATA`: why each pack stays out.",
            },
            "frozen_overlap": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/OverlapShown"},
                "description": "With `FROZEN_SOURCE_LEAKAGE_FORBIDDEN`: the frozen versions that share label packs.",
            },
            "equal_samples": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/EqualSamples"},
                "description": "With `FROZEN_SOURCE_LEAKAGE_FORBIDDEN`: the frozen versions that show the same.",
            },
            "use_count": {"type": "integer", "description": "With `DATASET_IN_ACTIVE_USE`: how many uses are open."},
            "uses": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/OpenUse"},
                "description": "With `DATASET_IN_ACTIVE_USE`: the first of them.",
            },
        },
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "examples": [
            {
                "type": "https://packhouse.dev/errors#invalid_request",
                "title": "Invalid input",
                "status": 400,
                "code": "INVALID_REQUEST",
                "detail": "The request has 1 fault; see `errors`.",
                "request_id": "0f8b1a52-5a0e-4b8e-9c7b-6f1d2f0b7a10",
                "errors": [{"loc": "/name", "reason": "Field required"}],
            }
        ],
    },
}


def refusals_of(endpoint: Endpoint) -> list[str]:
    """Return every code that the endpoint can be answered with, once, in the order of their statuses."""
    found = {*_iter_refusals(endpoint), *endpoint.refusals}
    return sorted(found, key=list(STATUS_OF).index)


def _iter_refusals(endpoint: Endpoint) -> Iterator[str]:
    yield from ("INVALID_REQUEST", "TOO_MANY_REQUESTS", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE")
    if "{" in endpoint.path:
        yield "ROUTE_NOT_FOUND"
    if endpoint.method not in {"GET", "HEAD"}:
        yield from ("INVALID_JSON", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")
    if endpoint.is_command:
        yield "IDEMPOTENCY_KEY_REUSED"
    if endpoint.if_match:
        yield "PRECONDITION_FAILED"
    if not endpoint.public:
        yield "UNAUTHORIZED"
        yield from _iter_refusals_of_the_place(endpoint)


def _iter_refusals_of_the_place(endpoint: Endpoint) -> Iterator[str]:
    """Who may not know of a place is told that it is not there; a key may know its project, and lack the scope."""
    if endpoint.path.startswith("/api/"):
        yield from ("WORKSPACE_REQUIRED", "PROJECT_NOT_FOUND", "FORBIDDEN")
    elif endpoint.action is not None:
        in_project = "{projectSlug}" in endpoint.path
        yield "PROJECT_NOT_FOUND" if in_project else "NAMESPACE_NOT_FOUND"
        if in_project or endpoint.action is not Action.READ:
            yield "FORBIDDEN"
