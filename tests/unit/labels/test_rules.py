from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.errors import ConflictError
from packhouse.labels.model import Eligibility, LabelPack, ReviewDecision, ReviewStatus, Revision, RevisionRef
from packhouse.labels.rules import check_transition, review_status, with_revisions
from packhouse.uploads.model import ValidationStatus

P, R, A, V = Eligibility.PENDING, Eligibility.REVIEWED, Eligibility.APPROVED, Eligibility.REVOKED
ALLOWED = {(P, R), (R, A), (A, V), (V, R)}
MOMENT = "2026-04-15T10:00:00.005Z"
PACK = LabelPack(
    label_pack_id="lp_1",
    workspace="acme/match-day",
    project_id="prj_1",
    capability="ball_detection",
    name="pack",
    description="as it was",
    review_status=ReviewStatus.APPROVED,
    created_at="2026-04-01T00:00:00.000Z",
    created_by="user-1",
    updated_at="2026-04-01T00:00:00.000Z",
)


def revision(number: int, eligibility: Eligibility, validation: ValidationStatus = ValidationStatus.PASSED) -> Revision:
    return Revision(
        revision_id=f"lpr_{number}",
        label_pack_id="lp_1",
        workspace="acme/match-day",
        revision=number,
        validation_status=validation,
        eligibility_status=eligibility,
        content_length=None,
        sha256=None,
        content_hash=f"sha256:{number}",
        rows=number * 10,
        created_at=MOMENT,
        created_by="user-1",
    )


def newest_first(*oldest_first: Eligibility) -> list[Revision]:
    return [revision(number, status) for number, status in enumerate(oldest_first, 1)][::-1]


def remembered(*oldest_first: Eligibility) -> tuple[int | None, int | None, bool]:
    """Return the numbers of the newest approved and newest reviewed revision, and whether a revocation came last."""
    pack = with_revisions(PACK, newest_first(*oldest_first), MOMENT)
    numbers = [ref.revision if ref else None for ref in (pack.newest_approved, pack.newest_reviewed)]
    return numbers[0], numbers[1], pack.revoked_last


@pytest.mark.parametrize(("before", "after"), list(product(Eligibility, Eligibility)))
def test_eligibility_moves_along_four_steps_only(before: Eligibility, after: Eligibility) -> None:
    if (before, after) in ALLOWED:
        check_transition(before, after)
        return
    with pytest.raises(ConflictError) as refused:
        check_transition(before, after)
    assert refused.value.code == "ELIGIBILITY_TRANSITION_INVALID"
    # The sentence names what is possible instead.
    (possible,) = [step for start, step in ALLOWED if start is before]
    assert f"only {possible.value} " in refused.value.detail


def test_every_decision_has_its_status() -> None:
    assert {decision: review_status(decision) for decision in ReviewDecision} == {
        ReviewDecision.APPROVE: ReviewStatus.APPROVED,
        ReviewDecision.REJECT: ReviewStatus.REJECTED,
        ReviewDecision.REVOKE: ReviewStatus.REVOKED,
    }


@pytest.mark.parametrize(
    ("oldest_first", "expected"),
    [
        ((), (None, None, False)),
        ((P,), (None, None, False)),
        ((R,), (None, 1, False)),
        ((A,), (1, 1, False)),
        ((V,), (None, None, True)),
        ((A, P), (1, 1, False)),
        ((A, R), (1, 2, False)),
        ((A, R, P), (1, 2, False)),
        ((A, A), (2, 2, False)),
        ((R, A), (2, 2, False)),
        ((A, V), (1, 1, True)),
        ((V, A), (2, 2, False)),
        ((V, P), (None, None, True)),
        ((V, R), (None, 2, False)),
        ((R, V), (None, 1, True)),
        ((A, R, V), (1, 2, True)),
        ((A, V, P, R), (1, 4, False)),
        ((R, R, R), (None, 3, False)),
    ],
)
def test_a_pack_remembers_its_newest_revisions(
    oldest_first: tuple[Eligibility, ...], expected: tuple[int | None, int | None, bool]
) -> None:
    assert remembered(*oldest_first) == expected


def reference(statuses: list[Eligibility]) -> tuple[int | None, int | None, bool]:
    numbered = list(enumerate(statuses, 1))
    approved = [None, *(number for number, status in numbered if status is A)]
    reviewed = [None, *(number for number, status in numbered if status in {R, A})]
    decided = [status for status in statuses if status is not P]
    return approved[-1], reviewed[-1], bool(decided) and decided[-1] is V


@given(st.lists(st.sampled_from(Eligibility), max_size=12))
def test_what_a_pack_remembers_is_what_its_revisions_say(statuses: list[Eligibility]) -> None:
    assert remembered(*statuses) == reference(statuses)


@given(st.lists(st.tuples(st.sampled_from(Eligibility), st.sampled_from(ValidationStatus)), min_size=1, max_size=8))
def test_number_and_validation_are_those_of_the_newest_and_nothing_else_changes(
    states: list[tuple[Eligibility, ValidationStatus]],
) -> None:
    revisions = [revision(number, *state) for number, state in enumerate(states, 1)][::-1]
    pack = with_revisions(PACK, revisions, MOMENT)
    assert (pack.revisions, pack.newest_eligibility, pack.validation_status) == (len(states), *states[-1])
    changed = {"validation_status", "revisions", "revoked_last", "updated_at"}
    changed |= {"newest_approved", "newest_reviewed", "newest_eligibility"}
    assert pack.model_dump(exclude=changed) == PACK.model_dump(exclude=changed)
    assert pack.updated_at == MOMENT
    assert with_revisions(pack, revisions, MOMENT) == pack


def test_a_revision_is_remembered_with_what_a_build_needs() -> None:
    pack = with_revisions(PACK, newest_first(A), MOMENT)
    passed = ValidationStatus.PASSED
    expected = RevisionRef(revision_id="lpr_1", revision=1, validation_status=passed, content_hash="sha256:1", rows=10)
    assert pack.newest_approved == expected


def test_the_steps_lead_round_in_a_circle_from_pending() -> None:
    walk = [P, R, A, V, R, A]
    for before, after in pairwise(walk):
        check_transition(before, after)
