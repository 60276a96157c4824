"""Pure decisions over label packs."""

from collections.abc import Iterable, Sequence

from packhouse.errors import ConflictError
from packhouse.labels.model import (
    Eligibility,
    HistoryEntry,
    LabelPack,
    ReviewDecision,
    ReviewStatus,
    Revision,
    RevisionRef,
    Series,
    SeriesPage,
    SeriesRevision,
)
from packhouse.uploads.model import ValidationStatus

_NEXT = {
    Eligibility.PENDING: {Eligibility.REVIEWED},
    Eligibility.REVIEWED: {Eligibility.APPROVED},
    Eligibility.APPROVED: {Eligibility.REVOKED},
    Eligibility.REVOKED: {Eligibility.REVIEWED},
}
_REVIEWED = {
    ReviewDecision.APPROVE: ReviewStatus.APPROVED,
    ReviewDecision.REJECT: ReviewStatus.REJECTED,
    ReviewDecision.REVOKE: ReviewStatus.REVOKED,
}


def review_status(decision: ReviewDecision) -> ReviewStatus:
    """Return the status that a decision gives a pack, whatever it was before."""
    return _REVIEWED[decision]


def check_transition(before: Eligibility, after: Eligibility) -> None:
    """Raise `ELIGIBILITY_TRANSITION_INVALID` unless the step is one of the allowed ones."""
    if after not in _NEXT[before]:
        allowed = ", ".join(sorted(_NEXT[before]))
        raise ConflictError("ELIGIBILITY_TRANSITION_INVALID", f"From {before} only {allowed} is possible, not {after}.")


def with_revisions(pack: LabelPack, newest_first: Iterable[Revision], moment: str) -> LabelPack:
    """Return the pack with what it remembers of its revisions brought up to date."""
    newest = None
    approved = reviewed = None
    revoked_last: bool | None = None
    for revision in newest_first:
        newest = newest or revision
        status = revision.eligibility_status
        if revoked_last is None and status is not Eligibility.PENDING:
            revoked_last = status is Eligibility.REVOKED
        if reviewed is None and status in {Eligibility.REVIEWED, Eligibility.APPROVED}:
            reviewed = revision
        if status is Eligibility.APPROVED:
            approved = revision
            break
    return pack.model_copy(
        update={
            "validation_status": newest.validation_status if newest else ValidationStatus.PENDING,
            "revisions": newest.revision if newest else 0,
            "newest_approved": revision_ref(approved) if approved else None,
            "newest_reviewed": revision_ref(reviewed) if reviewed else None,
            "revoked_last": bool(revoked_last),
            "newest_eligibility": newest.eligibility_status if newest else None,
            "updated_at": moment,
        }
    )


def grown(pack: LabelPack, revision: Revision) -> LabelPack:
    """Return the pack with its next revision."""
    return pack.model_copy(
        update={
            "revisions": revision.revision,
            "validation_status": revision.validation_status,
            "newest_eligibility": revision.eligibility_status,
            "updated_at": revision.created_at,
        }
    )


def revision_ref(revision: Revision) -> RevisionRef:
    """Return the revision as its pack remembers it."""
    return RevisionRef(
        revision_id=revision.revision_id,
        revision=revision.revision,
        validation_status=revision.validation_status,
        content_hash=revision.content_hash,
        rows=revision.rows or 0,
        groups=revision.groups,
    )


def withdraws(before: ReviewStatus | Eligibility, after: ReviewStatus | Eligibility) -> bool:
    """Whether a decision may take back what a build has counted on."""
    return (before is ReviewStatus.APPROVED and after is not before) or after is Eligibility.REVOKED


def series_of(pack: LabelPack) -> Series:
    """Return the pack as its label review series; a pack has one, under its own id."""
    return Series(
        **pack.model_dump(include=_OF_PACK),
        series_id=pack.label_pack_id,
        eligibility_status=pack.newest_eligibility,
        revision_count=pack.revisions,
        approved=pack.newest_approved,
    )


def series_page(pack: LabelPack, revisions: Sequence[Revision], history: Sequence[HistoryEntry]) -> SeriesPage:
    """Return a page of a series; revisions and decisions are given newest first."""
    return SeriesPage(
        **dict(series_of(pack)),
        revisions=tuple(SeriesRevision(**revision.model_dump(include=_OF_REVISION)) for revision in revisions),
        history=tuple(history),
    )


_OF_PACK = Series.model_fields.keys() & LabelPack.model_fields.keys()
_OF_REVISION = set(SeriesRevision.model_fields)
