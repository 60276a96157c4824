"""How builds, preflights and versions are answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from packhouse.access.model import Principal
from packhouse.builds.model import (
    UNSETTLED,
    BuildAnswer,
    DatasetVersion,
    Preflight,
    Selection,
    badge,
    materialization_status,
)
from packhouse.freezes.model import FreezeState, Overlap
from packhouse.freezes.rules import overlaps_told
from packhouse.pipeline.splits import WHOLE
from packhouse.pipeline.statistics import builtins

_NOT_EVALUATED: dict[str, Any] = {
    "status": "not_evaluated",
    "policy_version": None,
    "warnings": 0,
    "hard_fails": 0,
    "indicators": [],
}


def _lineage(selection: Selection) -> dict[str, Any]:
    """Return how the packs of a request were judged, as builds and preflights answer it."""
    return {
        "included_label_pack_ids": [pack.label_pack_id for pack in selection.included],
        "excluded_label_pack_ids": [pack.model_dump(mode="json") for pack in selection.excluded],
        "revisions": {pack.label_pack_id: pack.revision_id for pack in selection.included},
    }


def preflight_shown(found: Preflight, caller: Principal) -> dict[str, Any]:
    """Return a preflight as the caller is answered; what was not counted is null."""
    request, selection = found.request, found.selection
    errors = any(issue.level == "error" for issue in found.issues)
    counted: dict[str, Any] = {"samples": None, "groups": None, "left_out": None}
    splits = None
    if (plan := found.plan) is not None:
        left_out = {"DUPLICATE_SAMPLE": plan.duplicates, "CONFLICTING_SAMPLE": plan.conflicts}
        counted = {"samples": sum(plan.samples.values()), "groups": len(plan.split_of), "left_out": left_out}
        splits = plan.summary()["splits"]
    return {
        "capability": request.capability,
        "requested_count": len(request.distinct_ids),
        "included_count": len(selection.included),
        "excluded_count": len(selection.excluded),
        **_lineage(selection),
        "scope": found.version.scope,
        "split": _split_shown(found.version.split, request.sticky_to, splits),
        **counted,
        "frozen_overlap": overlaps_told(caller, found.overlaps),
        "issues": builtins(found.issues),
        "buildable": False if errors else None if plan is None else True,
        "reuse_fingerprint": found.version.reuse_fingerprint,
    }


def _split_shown(split: Mapping[str, Any], sticky_to: str | None, counts: Any) -> dict[str, Any]:
    """Return a split as it is answered: shares as numbers again, groups and samples per split once they are known."""
    return {
        "strategy": split["strategy"],
        "ratio": {name: share / WHOLE for name, share in split["ratio"].items()},
        "seed": split["seed"],
        "sticky_to": sticky_to,
        "counts": counts,
    }


def outcome_shown(built: BuildAnswer, selection: Selection) -> dict[str, Any]:
    """Return what a build request came to as it is answered."""
    version = built.version
    return {
        "outcome": built.outcome,
        "dataset_version_id": version.dataset_version_id,
        "version_id": version.version_id,
        "name": version.name,
        "capability": version.capability,
        "workspace": version.workspace,
        "build_status": version.build_status,
        "job_id": version.job_id,
        "job_status": version.build_status,
        **_lineage(selection),
        "reuse_fingerprint": version.reuse_fingerprint,
        "build_fingerprint": version.build_fingerprint,
    }


def detail(
    version: DatasetVersion, state: FreezeState, overlaps: Sequence[Overlap], caller: Principal
) -> dict[str, Any]:
    """Return the contract's detail view; a section whose step has not run is null, and the page shows a placeholder."""
    reached = (version.materialization or {}).get("status")
    return {
        "dataset_version_id": version.dataset_version_id,
        "version_id": version.version_id,
        "name": version.name,
        "description": version.description,
        "dataset": version.dataset,
        "dataset_id": version.dataset_id,
        "workspace": version.workspace,
        "capability": version.capability,
        "scope": version.scope,
        "build_status": version.build_status,
        "materialization_status": materialization_status(version.build_status, reached),
        "job": {"job_id": version.job_id, "status": version.build_status, "error": version.error},
        "provenance": {
            "manifest_hash": (version.sealed or {}).get("manifest_hash"),
            "reuse_fingerprint": version.reuse_fingerprint,
            "build_fingerprint": version.build_fingerprint,
            "seed": version.split["seed"],
        },
        "split": _split_shown(version.split, version.sticky_to, (version.built or {}).get("splits")),
        "quality": (version.quality or _NOT_EVALUATED) | {"badge": badge(version.quality)},
        "materialization": None if reached in UNSETTLED else version.materialization,
        "sources": {
            "include_reviewed_override": version.include_reviewed_override,
            "included_count": version.included_count,
            "excluded_count": version.excluded_count,
            "included": [pack.model_dump(mode="json", exclude={"project_id"}) for pack in version.included],
            "excluded": [pack.model_dump(mode="json") for pack in version.excluded],
        },
        "stats": (version.built or {}).get("stats"),
        **state.shown(),
        "frozen_overlap": overlaps_told(caller, overlaps),
        "created_at": version.created_at,
        "created_by": version.created_by,
        "ended_at": version.ended_at,
    }
