"""What went into a build may be taken back: which states of its pack, revision and project say so, and what is said."""

import pytest

from packhouse.builds.model import ExclusionCode, badge
from packhouse.builds.rules import SOURCE_PROJECTS, candidate, selection_issues, withdrawal
from packhouse.catalog.model import TrainingUse
from packhouse.labels.model import Eligibility, LabelPack, ReviewStatus, Revision
from packhouse.labels.rules import withdraws
from packhouse.uploads.model import ValidationStatus
from tests.unit.builds.test_selection import MOMENT, Case, pack_of, project_of, select

ALLOWED = project_of(Case(), TrainingUse.ALLOWED)


def revision(eligibility: Eligibility = Eligibility.APPROVED) -> Revision:
    return Revision(
        revision_id="lpr_1",
        label_pack_id="lp_1",
        workspace="acme/allowed",
        revision=1,
        validation_status=ValidationStatus.PASSED,
        eligibility_status=eligibility,
        content_length=None,
        sha256=None,
        content_hash="sha256:lpr_1",
        rows=7,
        created_at=MOMENT,
        created_by="user-1",
    )


def pack(**changes: object) -> LabelPack:
    return pack_of("lp_1", Case()).model_copy(update=changes)


def reason(
    known: LabelPack | None, of: Revision | None, project: object = ALLOWED, *, include_reviewed: bool = False
) -> ExclusionCode | None:
    return withdrawal(known, of, project, include_reviewed=include_reviewed)  # type: ignore[arg-type]


def test_what_is_still_eligible_stays() -> None:
    assert reason(pack(), revision()) is None


def test_a_newer_revision_takes_nothing_from_the_one_that_is_built() -> None:
    newer = {"newest_approved": None, "newest_reviewed": None, "validation_status": ValidationStatus.FAILED}
    assert reason(pack(**newer), revision()) is None
    assert reason(pack(**newer, revoked_last=True), revision()) is None


def test_a_revoked_revision_is_withdrawn_though_its_pack_is_approved() -> None:
    assert reason(pack(), revision(Eligibility.REVOKED)) is ExclusionCode.LABEL_PACK_REVOKED


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (ReviewStatus.REVOKED, ExclusionCode.LABEL_PACK_REVOKED),
        (ReviewStatus.REJECTED, ExclusionCode.LABEL_PACK_NOT_APPROVED),
        (ReviewStatus.PENDING, ExclusionCode.LABEL_PACK_NOT_APPROVED),
    ],
)
def test_a_pack_that_is_not_approved_any_more_is_withdrawn(status: ReviewStatus, code: ExclusionCode) -> None:
    assert reason(pack(review_status=status), revision()) is code


def test_a_reviewed_revision_stays_where_it_went_in_by_the_override_alone() -> None:
    reviewed = revision(Eligibility.REVIEWED)
    assert reason(pack(), reviewed) is ExclusionCode.LABEL_PACK_NOT_APPROVED
    assert reason(pack(), reviewed, include_reviewed=True) is None


def test_a_project_that_opted_out_takes_its_packs_with_it() -> None:
    out = project_of(Case(), TrainingUse.OPTED_OUT)
    assert reason(pack(), revision(), out) is ExclusionCode.WORKSPACE_TRAINING_OPT_OUT
    assert reason(pack(), revision(), None) is ExclusionCode.WORKSPACE_TRAINING_OPT_OUT


def test_what_is_gone_is_not_found() -> None:
    assert reason(None, revision()) is ExclusionCode.LABEL_PACK_NOT_FOUND
    assert reason(pack(), None) is ExclusionCode.LABEL_PACK_NOT_FOUND


def test_what_takes_a_source_back_moves_the_fence_and_nothing_else_does() -> None:
    reviews = [(before, after) for before in ReviewStatus for after in ReviewStatus if withdraws(before, after)]
    assert reviews == [(ReviewStatus.APPROVED, after) for after in ReviewStatus if after is not ReviewStatus.APPROVED]
    assert [after for after in Eligibility if withdraws(Eligibility.APPROVED, after)] == [Eligibility.REVOKED]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (Case(), None),
        (Case(approved=None), ExclusionCode.LABEL_PACK_NOT_APPROVED),
        (Case(approved=None, revoked_last=True), ExclusionCode.LABEL_PACK_REVOKED),
        (Case(approved=ValidationStatus.FAILED), ExclusionCode.LABEL_PACK_VALIDATION_NOT_PASSED),
    ],
)
def test_a_candidate_shows_its_default_state_and_what_the_override_would_take(
    case: Case, code: ExclusionCode | None
) -> None:
    shown = candidate(pack_of("lp_1", case), ALLOWED)
    assert (shown.included, shown.reason_code) == (code is None, code)
    assert shown.reviewed_revision is not None


def test_a_candidate_of_a_project_that_opted_out_is_out() -> None:
    shown = candidate(pack(), project_of(Case(), TrainingUse.OPTED_OUT))
    assert shown.reason_code is ExclusionCode.WORKSPACE_TRAINING_OPT_OUT


def test_a_build_draws_from_forty_projects_and_not_from_one_more() -> None:
    one = select({"lp_1": Case()}).included[0]
    packs = [one.model_copy(update={"workspace": f"acme/project-{number}"}) for number in range(SOURCE_PROJECTS + 1)]
    whole = select({"lp_1": Case()})
    assert selection_issues(whole.model_copy(update={"included": tuple(packs[1:])})) == []
    (issue,) = selection_issues(whole.model_copy(update={"included": tuple(packs)}))
    assert (issue.code, issue.level) == ("TOO_MANY_SOURCE_PROJECTS", "error")
    (issue,) = selection_issues(select({"lp_1": Case(exists=False)}))
    assert (issue.code, issue.level) == ("NO_ELIGIBLE_LABEL_DATA", "error")


@pytest.mark.parametrize(
    ("quality", "shown"),
    [
        (None, "Not evaluated"),
        ({"status": "not_evaluated", "warnings": 0, "hard_fails": 0}, "Not evaluated"),
        ({"status": "pass", "warnings": 0, "hard_fails": 0}, "Pass"),
        ({"status": "warnings", "warnings": 3, "hard_fails": 0}, "Warnings (3)"),
        ({"status": "hard_fail", "warnings": 1, "hard_fails": 2}, "Hard fail (2)"),
    ],
)
def test_the_badge(quality: dict[str, object] | None, shown: str) -> None:
    assert badge(quality) == shown
