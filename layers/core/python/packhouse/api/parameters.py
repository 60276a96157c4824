"""The parameters of paths, queries and headers, as the OpenAPI document tells them."""

import re
from typing import Any

from packhouse.api.fields import SLUG

_ULID = "[0-9A-HJKMNP-TV-Z]{26}"


def _id(prefix: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{prefix}_{_ULID}$"}
    return {"description": description, "schema": schema, "example": f"{prefix}_{example}"}


def _slug(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", "pattern": SLUG}, "example": example}


def _name(description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return {"description": description, "schema": schema, "example": example}


PATH: dict[str, dict[str, Any]] = {
    "namespaces/{slug}": _slug("The namespace.", "acme"),
    "projects/{projectSlug}": _slug("The project in the namespace.", "match-day"),
    "members/{principalId}": {
        "description": "The principal, as the identity provider names it (`sub`).",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,127}$"},
        "example": "user-jane",
    },
    "api-keys/{keyId}": _id("key", "The API key.", "01KPA0QYX3M5R8N7V2D4T6W9ZB"),
    "datasets/{name}": _name("The dataset's name.", "training-v2"),
    "collections/{name}": _name("The collection's name.", "front-camera-clips"),
    "label-packs/{label_pack_id}": _id("lp", "The label pack.", "01KPA1B6R9C3E5G7J2M4P8S0TX"),
    "revisions/{revision_id}": _id("lpr", "The revision of the label pack.", "01KPA1D8V0F2H4K6N9Q1S3W5YZ"),
    "label-review-series/{series_id}": _id("lp", "The series, by its label pack.", "01KPA1B6R9C3E5G7J2M4P8S0TX"),
    "datasets/{dataset_id}": _id("dsv", "The dataset version.", "01KPA2F3X5J7M9P1R4T6V8Y0AC"),
    "datasets/{dataset_id}/annotation-sets": _id("ds", "The dataset.", "01KPA1A0B2C4D6E8F0G2H4J6K8"),
    "datasets/{dataset_id}/audio-files": _id("ds", "The dataset.", "01KPA1A0B2C4D6E8F0G2H4J6K8"),
    "audio-files/{audio_file_id}": _id("aud", "The audio file.", "01KPA3B4D6F8H0J2K4M6P8R0S2"),
    "annotation-sets/{annotation_set_id}": _id("ast", "The annotation set.", "01KPA3D5F7H9J1K3M5N7P9R1S3"),
    "annotations/{annotation_id}": _id("ann", "The annotation.", "01KPA3F6G8J0K2M4N6P8Q0R2S4"),
    "samples/{sample_id}": {
        "description": "The sample, as its label row names it.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,200}$"},
        "example": "match-1-frame-000120",
    },
    "exports/{name}": _name("The file's name.", "train.ndjson"),
    "uses/{use_id}": _id("use", "The use of the dataset version.", "01KPA2Q7Z8D3F6H9K1M4P7S0VA"),
    "rollouts/{rollout}": {
        "description": "The rollout, by its `id`: where the registry keeps it.",
        "schema": {"type": "string", "pattern": f"^ro_{_ULID}[0-9a-f]{{11}}$"},
        "example": "ro_01KPA4A1C3E5G7J9K1M3P5R7T900000000000",
    },
    "rollout-imports/{import_id}": _id("rim", "The rollout import.", "01KPA4A1C3E5G7J9K1M3P5R7T9"),
    "training-datasets/{training_dataset_id}": _id("trd", "The training dataset.", "01KPA4C2D4F6H8J0K2M4P6R8T0"),
    "files/{name}": _name("The file's name.", "default.ndjson.gz"),
    "jobs/{job_id}": _id("job", "The job.", "01KPA2F3X5J7M9P1R4T6V8Y0AD"),
}
"""By the step of the path before them, and where that is not enough the one behind: a `{name}` is one of a dataset, of
a collection or of a file, and a `{dataset_id}` mostly one of a dataset version."""

QUERY = {
    "page": "Which page, counted from 1.",
    "pageSize": "How many a page.",
    "limit": "How many at most.",
    "cursor": "`next_cursor` of the page before; opaque, and good for this list with these filters alone.",
    "capability": "Of this capability alone.",
    "split": "In this split alone.",
    "class": "With a label of this class; empty: without labels, or unlabelled.",
    "camera_type": "Of this camera type; empty: of none.",
    "group": "Of this group; empty: of none.",
    "group_prefix": "Tell of groups that begin with this.",
    "against": "What to compare with: what was before.",
    "audio_file_id": "Of this audio file alone.",
    "rollout_id": "Of this id alone, as its sender named it.",
    "scenario_id": "Of this scenario alone.",
    "agent_template_id": "Of this agent template alone.",
    "status": "Of this status alone.",
    "profile": "The rendering; without, the one that the training dataset was created with.",
}

_TAGS = {"type": "string", "pattern": r'^(\*|((W/)?"[^"]*"[ \t,]*)+)$'}

REUSED: dict[str, Any] = {
    "Workspace": {
        "name": "X-Workspace",
        "in": "header",
        "required": False,
        "description": "`<namespace>/<project>`: the project to act in. Needed with a JWT; an API key has its own.",
        "schema": {"type": "string", "pattern": f"{SLUG[:-1]}/{SLUG[1:]}"},
        "example": "acme/match-day",
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes the request safe to repeat: for 24 hours the same key and body have the first answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "6f1c1d0e-5b1f-4f7d-9f0a-2d8f8f0f7a11",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of the thing as it was read: if it has changed since, it stays as it is (412).",
        "schema": _TAGS,
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of an answer that the caller has: if it is still the same, there is no body (304).",
        "schema": _TAGS,
    },
}


def path_names(path: str) -> list[str]:
    """Return the names of a path's variables, in order."""
    return re.findall(r"{(\w+)}", path)


def path_key(path: str, name: str) -> str:
    """Return what a variable of a path is known by in `PATH`.

    >>> path_key("/namespaces/{slug}/projects/{projectSlug}", "projectSlug")
    'projects/{projectSlug}'
    """
    before, _, behind = path.partition(f"{{{name}}}")
    key = "/".join(before.split("/")[-2:]) + f"{{{name}}}"
    nearer = "/".join((key, *behind.split("/")[1:2]))
    return nearer if nearer in PATH else key
