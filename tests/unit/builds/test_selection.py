"""Which packs go into a build: seven reasons to stay out, in a fixed order; each pack gets the first that applies."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.access.model import Principal, Role
from packhouse.builds.model import ExclusionCode, Selection
from packhouse.builds.rules import select_packs
from packhouse.catalog.model import Project, TrainingUse
from packhouse.labels.model import LabelPack, ReviewStatus, RevisionRef
from packhouse.uploads.model import ValidationStatus

CALLER = Principal(principal_id="user-1", memberships={"acme": Role.EDITOR, "seen": Role.VIEWER})
MOMENT = "2026-04-15T10:00:00.005Z"


@dataclass(frozen=True)
class Case:
    """A pack's state, as far as a build looks at it."""

    exists: bool = True
    namespace: str = "acme"  # where the caller draws from; `seen`: only reads; `hidden`: neither
    capability: str = "ball_detection"
    review: ReviewStatus = ReviewStatus.APPROVED
    approved: ValidationStatus | None = ValidationStatus.PASSED
    reviewed: ValidationStatus | None = ValidationStatus.PASSED
    revoked_last: bool = False
    use: TrainingUse | None = TrainingUse.ALLOWED  # of its project; None: the project is gone

    @property
    def workspace(self) -> str:
        return f"{self.namespace}/{self.use or 'gone'}"


def ref(revision_id: str, validation: ValidationStatus | None) -> RevisionRef | None:
    if validation is None:
        return None
    return RevisionRef(
        revision_id=revision_id, revision=1, validation_status=validation, content_hash=f"sha256:{revision_id}", rows=7
    )


def pack_of(label_pack_id: str, case: Case) -> LabelPack:
    return LabelPack(
        label_pack_id=label_pack_id,
        workspace=case.workspace,
        project_id=f"prj_{case.namespace}",
        capability=case.capability,
        name="pack",
        description=None,
        review_status=case.review,
        newest_approved=ref(f"{label_pack_id}-approved", case.approved),
        newest_reviewed=ref(f"{label_pack_id}-reviewed", case.reviewed),
        revoked_last=case.revoked_last,
        created_at=MOMENT,
        created_by="user-1",
        updated_at=MOMENT,
    )


def project_of(case: Case, use: TrainingUse) -> Project:
    return Project(
        id=f"prj_{case.namespace}",
        namespace=case.namespace,
        slug=use.value,
        name="project",
        description=None,
        trainingUse=use,
        createdAt=MOMENT,
        updatedAt=MOMENT,
    )


def select(cases: dict[str, Case], *ids: str, include_reviewed: bool = False, caller: Principal = CALLER) -> Selection:
    packs = {name: pack_of(name, case) for name, case in cases.items() if case.exists}
    projects = {case.workspace: project_of(case, case.use) for case in cases.values() if case.exists and case.use}
    wanted = list(ids) or list(cases)
    return select_packs(wanted, packs, projects, caller, "ball_detection", include_reviewed=include_reviewed)


def reason_of(case: Case, *, include_reviewed: bool = False) -> str | None:
    found = select({"lp_1": case}, include_reviewed=include_reviewed)
    assert len(found.included) + len(found.excluded) == 1
    return found.excluded[0].reason_code.value if found.excluded else None


GOOD = Case()
FAILED, PENDING = ValidationStatus.FAILED, ValidationStatus.PENDING
# From the last check to the first: each row spoils one thing more than the row before it, and that decides.
LADDER: list[tuple[dict[str, Any], str]] = [
    ({"use": TrainingUse.OPTED_OUT}, "WORKSPACE_TRAINING_OPT_OUT"),
    ({"approved": FAILED}, "LABEL_PACK_VALIDATION_NOT_PASSED"),
    ({"review": ReviewStatus.PENDING}, "LABEL_PACK_NOT_APPROVED"),
    ({"review": ReviewStatus.REVOKED}, "LABEL_PACK_REVOKED"),
    ({"capability": "player_detection"}, "LABEL_PACK_CAPABILITY_MISMATCH"),
    ({"namespace": "seen"}, "LABEL_PACK_ACCESS_DENIED"),
    ({"exists": False}, "LABEL_PACK_NOT_FOUND"),
]


def test_the_ladder_has_every_code_in_the_order_of_the_checks() -> None:
    assert [code for _, code in LADDER] == [code.value for code in ExclusionCode][::-1]


@pytest.mark.parametrize("height", range(1, len(LADDER) + 1))
def test_the_first_reason_that_applies_is_given(height: int) -> None:
    spoiled = GOOD
    for change, _ in LADDER[:height]:
        spoiled = replace(spoiled, **change)
    assert reason_of(spoiled) == LADDER[height - 1][1]


@pytest.mark.parametrize(("change", "code"), LADDER)
def test_each_reason_alone_excludes(change: dict[str, Any], code: str) -> None:
    assert reason_of(replace(GOOD, **change)) == code


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (GOOD, None),
        (replace(GOOD, namespace="hidden"), "LABEL_PACK_NOT_FOUND"),
        (replace(GOOD, review=ReviewStatus.REJECTED), "LABEL_PACK_NOT_APPROVED"),
        (replace(GOOD, approved=None), "LABEL_PACK_NOT_APPROVED"),
        (replace(GOOD, approved=None, reviewed=None), "LABEL_PACK_NOT_APPROVED"),
        (replace(GOOD, approved=None, reviewed=None, revoked_last=True), "LABEL_PACK_REVOKED"),
        (replace(GOOD, approved=None, revoked_last=True, review=ReviewStatus.PENDING), "LABEL_PACK_REVOKED"),
        (replace(GOOD, revoked_last=True), None),  # an older revision is still approved: it is built
        (replace(GOOD, approved=PENDING), "LABEL_PACK_VALIDATION_NOT_PASSED"),
        (replace(GOOD, use=None), "WORKSPACE_TRAINING_OPT_OUT"),
    ],
)
def test_a_pack_is_judged_as_stated(case: Case, code: str | None) -> None:
    assert reason_of(case) == code


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (replace(GOOD, approved=None), None),
        (replace(GOOD, approved=None, reviewed=FAILED), "LABEL_PACK_VALIDATION_NOT_PASSED"),
        (replace(GOOD, approved=None, reviewed=None), "LABEL_PACK_NOT_APPROVED"),
        (replace(GOOD, approved=None, review=ReviewStatus.PENDING), "LABEL_PACK_NOT_APPROVED"),
    ],
)
def test_the_override_admits_reviewed_revisions_and_nothing_else(case: Case, code: str | None) -> None:
    assert reason_of(case, include_reviewed=True) == code


def test_the_revision_built_is_the_newest_eligible_one() -> None:
    (approved,) = select({"lp_1": GOOD}).included
    (reviewed,) = select({"lp_1": GOOD}, include_reviewed=True).included
    assert (approved.revision_id, approved.content_hash, approved.rows) == ("lp_1-approved", "sha256:lp_1-approved", 7)
    assert (approved.workspace, approved.project_id) == ("acme/allowed", "prj_acme")
    assert reviewed.revision_id == "lp_1-reviewed"


def test_internal_ops_see_every_pack_and_draw_from_none() -> None:
    developer = Principal(principal_id="d", is_developer=True)
    (excluded,) = select({"lp_1": replace(GOOD, namespace="hidden")}, caller=developer).excluded
    assert excluded.reason_code is ExclusionCode.LABEL_PACK_ACCESS_DENIED


def test_a_key_draws_from_its_own_project_only() -> None:
    key = Principal(principal_id="k", key_workspace="acme/allowed", key_scopes=("read", "write"))  # type: ignore[arg-type]
    found = select({"own": GOOD, "other": replace(GOOD, use=TrainingUse.OPTED_OUT)}, caller=key)
    assert [pack.label_pack_id for pack in found.included] == ["own"]
    assert [pack.reason_code.value for pack in found.excluded] == ["LABEL_PACK_NOT_FOUND"]


CASES = st.builds(
    Case,
    exists=st.sampled_from([True, True, True, False]),
    namespace=st.sampled_from(["acme", "acme", "seen", "hidden"]),
    capability=st.sampled_from(["ball_detection", "ball_detection", "player_detection"]),
    review=st.sampled_from([ReviewStatus.APPROVED, *ReviewStatus]),
    approved=st.none() | st.sampled_from(ValidationStatus),
    reviewed=st.none() | st.sampled_from(ValidationStatus),
    revoked_last=st.booleans(),
    use=st.none() | st.sampled_from(TrainingUse),
)


def reference(case: Case, *, include_reviewed: bool) -> str | None:
    """The rules of the design, one sentence a line."""
    built = case.reviewed if include_reviewed else case.approved
    sentences = {
        "LABEL_PACK_NOT_FOUND": not case.exists or case.namespace == "hidden",
        "LABEL_PACK_ACCESS_DENIED": case.namespace == "seen",
        "LABEL_PACK_CAPABILITY_MISMATCH": case.capability == "player_detection",
        "LABEL_PACK_REVOKED": case.review is ReviewStatus.REVOKED or (case.revoked_last and not built),
        "LABEL_PACK_NOT_APPROVED": case.review is not ReviewStatus.APPROVED or not built,
        "LABEL_PACK_VALIDATION_NOT_PASSED": built is not ValidationStatus.PASSED,
        "WORKSPACE_TRAINING_OPT_OUT": case.use is not TrainingUse.ALLOWED,
    }
    return next((code for code, applies in sentences.items() if applies), None)


@given(st.dictionaries(st.sampled_from(["lp_1", "lp_2", "lp_3", "lp_4"]), CASES, min_size=1), st.booleans())
def test_every_combination_is_judged_as_the_reference_does(cases: dict[str, Case], override: bool) -> None:
    found = select(cases, include_reviewed=override)
    reasons = {pack.label_pack_id: pack.reason_code.value for pack in found.excluded}
    assert reasons == {
        name: code for name, case in cases.items() if (code := reference(case, include_reviewed=override)) is not None
    }
    assert {pack.label_pack_id for pack in found.included} == cases.keys() - reasons.keys()


@given(st.dictionaries(st.sampled_from(["lp_1", "lp_2", "lp_3", "lp_4"]), CASES, min_size=1), st.data())
def test_order_and_repetition_of_the_ids_change_nothing(cases: dict[str, Case], data: st.DataObject) -> None:
    ids = data.draw(st.permutations([*cases, *data.draw(st.lists(st.sampled_from(sorted(cases))))]))
    assert select(cases, *ids) == select(cases)
    listed = [pack.label_pack_id for pack in select(cases, *ids).included]
    assert listed == sorted(listed)


def test_a_pack_that_is_not_there_and_one_that_is_hidden_read_the_same() -> None:
    found = select({"lp_1": replace(GOOD, exists=False), "lp_2": replace(GOOD, namespace="hidden")})
    shown = [json.loads(pack.model_dump_json()) | {"label_pack_id": ""} for pack in found.excluded]
    assert shown[0] == shown[1]
