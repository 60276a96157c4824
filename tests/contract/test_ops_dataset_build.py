"""Sentences of contract A ("Ops Dataset Build from Approved Label Packs") that hold without a stack, one test each."""

import json

import pytest

from packhouse.access.model import Workspace
from packhouse.builds.model import ExclusionCode, Outcome, Scope
from packhouse.builds.routes import SELECTORS, BuildBody
from packhouse.errors import CODES, RequestFaultsError
from packhouse.labels.model import Eligibility, ReviewStatus
from packhouse.pipeline.capabilities import CAPABILITIES, LabelKind
from packhouse.pipeline.policies import policy_in_force
from packhouse.uploads.model import ValidationStatus
from tests.contract.codes import places
from tests.contract.sources import PACKAGE, made, template

EXCLUSIONS = [
    "LABEL_PACK_NOT_FOUND",
    "LABEL_PACK_NOT_APPROVED",
    "LABEL_PACK_REVOKED",
    "LABEL_PACK_VALIDATION_NOT_PASSED",
    "LABEL_PACK_CAPABILITY_MISMATCH",
    "WORKSPACE_TRAINING_OPT_OUT",
    "LABEL_PACK_ACCESS_DENIED",
]
CHECK_ORDER = [
    "LABEL_PACK_NOT_FOUND",
    "LABEL_PACK_ACCESS_DENIED",
    "LABEL_PACK_CAPABILITY_MISMATCH",
    "LABEL_PACK_REVOKED",
    "LABEL_PACK_NOT_APPROVED",
    "LABEL_PACK_VALIDATION_NOT_PASSED",
    "WORKSPACE_TRAINING_OPT_OUT",
]
WARNINGS = [
    "LOW_SAMPLE_COUNT",
    "LOW_GROUP_COUNT",
    "HIGH_EMPTY_LABEL_RATE",
    "LOW_LABEL_COVERAGE",
    "CLASS_IMBALANCE",
    "MATERIALIZATION_PARTIAL",
]
HARD_FAILS = ["INVALID_LABEL_SCHEMA", "INVALID_GEOMETRY", "MISSING_REQUIRED_STATS", "MISSING_MATERIALIZED_ASSETS"]
POLICY = json.loads((PACKAGE / "pipeline" / "quality_policies" / "v1.json").read_text())


def codes_of(level: str) -> list[str]:
    return [indicator["code"] for indicator in POLICY["indicators"] if indicator["level"] == level]


def test_canonical_exclusion_reason_codes() -> None:
    assert sorted(ExclusionCode) == sorted(EXCLUSIONS)
    assert set(EXCLUSIONS) <= CODES.keys()


def test_the_order_of_exclusion_checks_is_fixed() -> None:
    assert [code.value for code in ExclusionCode] == CHECK_ORDER


def test_one_of_three_deterministic_outcomes() -> None:
    assert [outcome.value for outcome in Outcome] == ["created", "reused_in_progress", "reused_success"]


def test_request_must_include_label_pack_ids() -> None:
    assert BuildBody.model_fields["label_pack_ids"].is_required()
    assert places()["LABEL_PACK_IDS_REQUIRED"] == {"400"}


SELECTOR_FIELDS = (
    "filters query selector tags date_range camera_types groups sample_ids review_status created_after created_before"
)


@pytest.mark.parametrize("selector", SELECTOR_FIELDS.split())
def test_requests_with_selector_fields_fail_with_400_filters_not_supported_v1(selector: str) -> None:
    assert selector in SELECTORS
    with pytest.raises(RequestFaultsError) as refused:
        BuildBody.screen({"capability": "ball_detection", "label_pack_ids": ["lp_1"], selector: None})
    assert (refused.value.status, refused.value.code) == (400, "FILTERS_NOT_SUPPORTED_V1")
    assert [fault.loc for fault in refused.value.faults] == [f"/{selector}"]


def test_no_selector_is_a_field_of_the_request() -> None:
    assert sorted(SELECTORS) == sorted(SELECTOR_FIELDS.split())
    assert set(SELECTORS) & BuildBody.model_fields.keys() == set()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("FILTERS_NOT_SUPPORTED_V1", "400"),
        ("ELIGIBILITY_OVERRIDE_FORBIDDEN", "403"),
        ("NO_ELIGIBLE_LABEL_DATA", "400"),
        ("DATASET_QUALITY_HARD_FAIL", "job"),
    ],
)
def test_codes_have_the_statuses_that_the_contract_states(code: str, status: str) -> None:
    assert places()[code] - {"preflight error"} == {status}


def test_review_status_approved_and_validation_status_passed_are_its_words() -> None:
    assert ReviewStatus.APPROVED.value == "approved"
    assert ValidationStatus.PASSED.value == "passed"


def test_eligibility_status_is_approved_by_default_and_reviewed_under_the_override() -> None:
    assert {Eligibility.APPROVED.value, Eligibility.REVIEWED.value} == {"APPROVED", "REVIEWED"}
    assert BuildBody.model_fields["include_reviewed_override"].default is False


def test_default_force_false() -> None:
    assert BuildBody.model_fields["force"].default is False


def test_quality_policy_v1_is_active_for_ball_and_player_detection() -> None:
    assert POLICY["version"] == "v1"
    active = [name for name in CAPABILITIES if policy_in_force(name) == "v1"]
    assert active == ["ball_detection", "player_detection"]


def test_common_warning_codes() -> None:
    assert codes_of("warning") == WARNINGS


def test_common_hard_fail_codes() -> None:
    assert codes_of("hard_fail") == HARD_FAILS


def test_the_ordered_indicator_list_begins_with_what_fails() -> None:
    assert [indicator["code"] for indicator in POLICY["indicators"]] == HARD_FAILS + WARNINGS


def test_currently_supported_sample_rendering() -> None:
    overlays = {capability.name: capability.overlay for capability in CAPABILITIES.values()}
    assert overlays == {
        "ball_detection": LabelKind.POINT,
        "player_detection": LabelKind.BBOX,
        "audio_artifact_detection": None,
    }


def test_the_server_flag_dataset_quality_enforcement_enabled_reaches_the_tasks_that_judge() -> None:
    flag = "DATASET_QUALITY_ENFORCEMENT_ENABLED"
    told = {
        properties["FunctionName"]["Fn::Sub"].removeprefix("packhouse-${Stage}-")
        for properties in made("AWS::Lambda::Function").values()
        if flag in properties["Environment"]["Variables"]
    }
    assert told == {"evaluate-quality", "settle-materialization"}
    assert template()["Parameters"]["DatasetQualityEnforcementEnabled"]["Default"] == "false"


def test_the_workspace_is_a_namespace_and_a_project() -> None:
    assert str(Workspace("acme", "vision")) == "acme/vision"


def test_scope_is_one_project_or_several() -> None:
    assert [scope.value for scope in Scope] == ["workspace", "cross_workspace"]
