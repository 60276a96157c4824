"""Pure decisions over builds: which packs go in, and what makes two requests the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from packhouse.access.model import Action, Principal, Workspace
from packhouse.access.rules import permit
from packhouse.builds.model import Candidate, ExcludedPack, ExclusionCode, IncludedPack, Selection
from packhouse.catalog.model import Project, TrainingUse
from packhouse.freezes.model import Overlap
from packhouse.labels.model import Eligibility, LabelPack, ReviewStatus, Revision, RevisionRef
from packhouse.labels.rules import revision_ref
from packhouse.pipeline.fingerprints import fingerprint
from packhouse.pipeline.issues import Issue
from packhouse.pipeline.splits import SplitPlan
from packhouse.uploads.model import ValidationStatus

SNAPSHOT_SCHEMA = 2
SOURCE_PROJECTS = 40
"""A version becomes ready in one transaction that looks at two items of each project its sources are of."""


def select_packs(
    label_pack_ids: list[str],
    packs: Mapping[str, LabelPack],
    projects: Mapping[str, Project],
    caller: Principal,
    capability: str,
    *,
    include_reviewed: bool,
) -> Selection:
    """Return the requested packs as included and excluded, each excluded one with the first reason that applies."""
    included, excluded = [], []
    for label_pack_id in sorted(set(label_pack_ids)):
        pack = packs.get(label_pack_id)
        revision = eligible_revision(pack, include_reviewed=include_reviewed) if pack else None
        reason = exclusion(pack, revision, projects, caller, capability)
        if reason is not None or pack is None or revision is None:
            reason = reason or ExclusionCode.LABEL_PACK_NOT_FOUND
            excluded.append(ExcludedPack(label_pack_id=label_pack_id, reason_code=reason))
            continue
        included.append(
            IncludedPack(
                label_pack_id=label_pack_id,
                workspace=pack.workspace,
                project_id=pack.project_id,
                revision_id=revision.revision_id,
                content_hash=revision.content_hash or "",
                rows=revision.rows,
            )
        )
    return Selection(included=tuple(included), excluded=tuple(excluded))


def eligible_revision(pack: LabelPack, *, include_reviewed: bool) -> RevisionRef | None:
    """Return the newest revision that may be built: approved, or under the override also reviewed."""
    return pack.newest_reviewed if include_reviewed else pack.newest_approved


def exclusion(
    pack: LabelPack | None,
    revision: RevisionRef | None,
    projects: Mapping[str, Project],
    caller: Principal,
    capability: str,
) -> ExclusionCode | None:
    """Return the first reason, in the fixed order, why the pack's revision stays out, or `None`."""
    if pack is None:
        return ExclusionCode.LABEL_PACK_NOT_FOUND
    drawing = permit(caller, *Workspace(*pack.workspace.split("/")), Action.WRITE)
    if not drawing.visible:
        return ExclusionCode.LABEL_PACK_NOT_FOUND
    if not drawing.allowed:
        return ExclusionCode.LABEL_PACK_ACCESS_DENIED
    if pack.capability != capability:
        return ExclusionCode.LABEL_PACK_CAPABILITY_MISMATCH
    return default_exclusion(pack, revision, projects.get(pack.workspace))


def default_exclusion(pack: LabelPack, revision: RevisionRef | None, project: Project | None) -> ExclusionCode | None:
    """Return the first reason why the pack's revision stays out, whoever asks and for whatever capability it is."""
    revoked = pack.review_status is ReviewStatus.REVOKED or (revision is None and pack.revoked_last)
    passed = revision is not None and revision.validation_status is ValidationStatus.PASSED
    checks = (
        (revoked, ExclusionCode.LABEL_PACK_REVOKED),
        (pack.review_status is not ReviewStatus.APPROVED, ExclusionCode.LABEL_PACK_NOT_APPROVED),
        (revision is None, ExclusionCode.LABEL_PACK_NOT_APPROVED),
        (not passed, ExclusionCode.LABEL_PACK_VALIDATION_NOT_PASSED),
        (project is None or project.trainingUse is TrainingUse.OPTED_OUT, ExclusionCode.WORKSPACE_TRAINING_OPT_OUT),
    )
    return next((code for applies, code in checks if applies), None)


def withdrawal(
    pack: LabelPack | None, revision: Revision | None, project: Project | None, *, include_reviewed: bool
) -> ExclusionCode | None:
    """Return why a revision that went into a build may not be in it any more, or `None`: what it was once judged by."""
    if pack is None or revision is None:
        return ExclusionCode.LABEL_PACK_NOT_FOUND
    eligible = {Eligibility.APPROVED, Eligibility.REVIEWED} if include_reviewed else {Eligibility.APPROVED}
    if revision.eligibility_status is Eligibility.REVOKED:
        return ExclusionCode.LABEL_PACK_REVOKED
    known = revision_ref(revision) if revision.eligibility_status in eligible else None
    return default_exclusion(pack.model_copy(update={"revoked_last": False}), known, project)


def candidate(pack: LabelPack, project: Project) -> Candidate:
    """Return the pack as a build judges it by default."""
    reason = default_exclusion(pack, pack.newest_approved, project)
    return Candidate(
        label_pack_id=pack.label_pack_id,
        name=pack.name,
        capability=pack.capability,
        review_status=pack.review_status,
        validation_status=pack.validation_status,
        included=reason is None,
        reason_code=reason,
        revision=pack.newest_approved,
        reviewed_revision=pack.newest_reviewed,
        updated_at=pack.updated_at,
    )


def selection_issues(selection: Selection) -> list[Issue]:
    """Return why nothing can be built from these packs, whatever is in them."""
    if not selection.included:
        return [Issue("NO_ELIGIBLE_LABEL_DATA", "error", "None of the requested label packs may be included.")]
    projects = {pack.workspace for pack in selection.included}
    if len(projects) > SOURCE_PROJECTS:
        detail = (
            f"The included label packs lie in {len(projects)} projects; a build draws from {SOURCE_PROJECTS} at most."
        )
        return [Issue("TOO_MANY_SOURCE_PROJECTS", "error", detail)]
    return []


def overlap_issues(overlaps: Sequence[Overlap]) -> list[Issue]:
    """Return that the version would not be for training, if it would not."""
    if not overlaps:
        return []
    packs = {label_pack_id for overlap in overlaps for label_pack_id in overlap.shared}
    detail = f"Label packs that are in frozen test sets: {len(packs)}. Nothing may be trained on the version."
    return [Issue("FROZEN_OVERLAP", "warning", detail)]


def reuse_fingerprint(
    capability: str,
    included: tuple[IncludedPack, ...],
    split: SplitPlan,
    policy: str | None,
    options: Mapping[str, Any] | None = None,
) -> str:
    """Return what two builds share that must give the same version: sources by content, split, policy, options.

    >>> pack = IncludedPack(label_pack_id="lp_1", workspace="acme/match-day", project_id="prj_1",
    ...     revision_id="lpr_1", content_hash="sha256:00", rows=3)
    >>> ratio = {"train": 8000, "val": 1000, "test": 1000}
    >>> split = SplitPlan.from_snapshot({"strategy": "group_quota", "ratio": ratio, "seed": 0})
    >>> reuse_fingerprint("ball_detection", (pack,), split, "v1")
    'sha256:dbe2b40f8b7d1daf569400e08bef74d6f9d6747dfb0f51d8097956bc209db532'
    """
    sources = [[pack.label_pack_id, pack.revision_id, pack.content_hash] for pack in included]
    document = {
        "schema": SNAPSHOT_SCHEMA,
        "capability": capability,
        "sources": sorted(sources),
        "split": split.snapshot(),
        "policy": policy,
        **(options or {}),
    }
    return fingerprint(document)


def build_fingerprint(reuse: str, request: Mapping[str, Any], selection: Selection) -> str:
    """Return the full provenance of one request: the reuse fingerprint, all that was asked, all that stayed out.

    >>> out = ExcludedPack(label_pack_id="lp_2", reason_code=ExclusionCode.LABEL_PACK_NOT_APPROVED)
    >>> build_fingerprint("sha256:00", {"label_pack_ids": ["lp_1", "lp_2"]}, Selection(included=(), excluded=(out,)))
    'sha256:a7c35c0d9ae06058e194e6c499359fe2b1cab924ded4cf4e5e52a3dc6e56454d'
    """
    excluded = [[pack.label_pack_id, pack.reason_code.value] for pack in selection.excluded]
    return fingerprint({"reuse": reuse, "request": dict(request), "excluded": excluded})
