"""Pure decisions over label packs."""

from collections.abc import Iterable

from packhouse.errors import ConflictError
from packhouse.labels.model import (
    Eligibility,
    LabelPack,
    ReviewDecision,
    ReviewStatus,
    Revision,
    RevisionRef,
    ValidationStatus,
)

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
            "newest_approved": _ref(approved),
            "newest_reviewed": _ref(reviewed),
            "revoked_last": bool(revoked_last),
            "updated_at": moment,
        }
    )


def _ref(revision: Revision | None) -> RevisionRef | None:
    if revision is None:
        return None
    return RevisionRef(
        revision_id=revision.revision_id,
        revision=revision.revision,
        validation_status=revision.validation_status,
        content_hash=revision.content_hash,
        rows=revision.rows or 0,
    )
