"""Who may freeze, unfreeze and use, what is refused and why, and what a refusal tells to whom."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.access.model import Principal, Role, Scope, Workspace
from packhouse.errors import ForbiddenError
from packhouse.freezes.model import LISTED, Decision, EqualSamples, FreezeState, Overlap, Purpose, Use
from packhouse.freezes.rules import (
    Refusal,
    equality_refusal,
    fields_told,
    freeze_refusal,
    frozen_refusal,
    frozen_state,
    history_refusal,
    overlaps_told,
    release_refusal,
    training_refusal,
    unfreeze_refusal,
    unfrozen_refusal,
    unfrozen_state,
    use_refusal,
)

PLACE, HIDDEN = Workspace("acme", "match-day"), "other/hidden"
MOMENT = "2026-04-16T08:00:00.000Z"
VERSION = "dsv_1"
PERSONS = {role: Principal(principal_id=role, memberships={"acme": role}) for role in Role}
SUPPORT = Principal(principal_id="support", is_support=True)
DEVELOPER = Principal(principal_id="developer", is_developer=True)
KEYS = {
    scope: Principal(principal_id="key", key_workspace=str(PLACE), key_scopes=(scope,), is_support=False)
    for scope in Scope
}
OUTSIDERS = [*PERSONS.values(), *KEYS.values()]
FROZEN = FreezeState(changes=1, is_frozen_test_set=True, frozen_at=MOMENT)


def code(refusal: Refusal) -> str | None:
    return None if refusal is None else refusal.code


def told_by(refusal: Refusal) -> dict[str, Any]:
    assert refusal is not None
    return dict(refusal.fields)


def a_use(number: int) -> Use:
    return Use(
        use_id=f"use_{number}",
        dataset_version_id=VERSION,
        workspace=str(PLACE),
        purpose=Purpose.TRAINING,
        require_frozen=False,
        created_at=MOMENT,
        created_by="user-joe",
        expires_at=MOMENT,
    )


def an_overlap(number: int = 0, workspace: str = str(PLACE), packs: int = 1) -> Overlap:
    shared = tuple(f"lp_{pack}" for pack in range(packs))
    return Overlap(dataset_version_id=f"dsv_frozen{number}", workspace=workspace, shared=shared)


def equal(number: int = 0, workspace: str = str(PLACE)) -> EqualSamples:
    return EqualSamples(dataset_version_id=f"dsv_frozen{number}", workspace=workspace, sample_ids=("a", "b"))


def test_freezing_and_the_history_are_for_internal_ops() -> None:
    for refusal in (freeze_refusal, history_refusal):
        assert [code(refusal(caller)) for caller in (DEVELOPER, SUPPORT)] == [None, None]
        assert {code(refusal(caller)) for caller in OUTSIDERS} == {"FORBIDDEN"}


def test_unfreezing_is_for_developers_who_say_why() -> None:
    for reason in ("over", "7", "?", "+", "\u200bover", "終"):
        assert code(unfreeze_refusal(DEVELOPER, reason)) is None
    for reason in ("", " ", "\n", "\u00a0", "\u200b\u2060", "\u0301"):
        assert code(unfreeze_refusal(DEVELOPER, reason)) == "UNFREEZE_REASON_REQUIRED"
    for caller, reason in product((SUPPORT, *OUTSIDERS), ("", "over")):
        assert code(unfreeze_refusal(caller, reason)) == "UNFREEZE_PERMISSION_REQUIRED"


def test_a_use_is_for_whoever_may_export_and_is_released_by_ops_too() -> None:
    may_take = [PERSONS[Role.OWNER], PERSONS[Role.EDITOR], KEYS[Scope.EXPORT]]
    for caller in (*OUTSIDERS, DEVELOPER, SUPPORT):
        taken, released = (code(refusal(caller, PLACE)) for refusal in (use_refusal, release_refusal))
        assert taken == (None if caller in may_take else "FORBIDDEN"), caller
        assert released == (None if caller in may_take or caller.is_internal else "FORBIDDEN"), caller


def test_a_version_is_frozen_once_and_not_while_it_is_trained_on() -> None:
    assert code(frozen_refusal(VERSION, FreezeState(), [])) is None
    assert code(frozen_refusal(VERSION, FROZEN, [a_use(1)])) == "DATASET_ALREADY_FROZEN"
    refused = frozen_refusal(VERSION, FreezeState(), [a_use(number) for number in range(LISTED + 7)])
    assert code(refused) == "DATASET_IN_ACTIVE_USE"
    told = told_by(refused)
    assert (told["use_count"], len(told["uses"])) == (LISTED + 7, LISTED)
    assert told["uses"][0] == a_use(0).model_dump(mode="json", exclude={"require_frozen"})


def test_what_needs_a_frozen_version_is_refused_for_another() -> None:
    assert code(unfrozen_refusal(VERSION, FROZEN)) is None
    assert code(unfrozen_refusal(VERSION, FreezeState())) == "DATASET_NOT_FROZEN"


def test_training_is_refused_for_a_freeze_before_an_overlap() -> None:
    assert code(training_refusal(VERSION, FreezeState(), [])) is None
    assert code(training_refusal(VERSION, FROZEN, [an_overlap()])) == "FROZEN_DATASET_TRAINING_FORBIDDEN"
    refused = training_refusal(VERSION, FreezeState(), [an_overlap(packs=2)])
    assert isinstance(refused, ForbiddenError)
    assert refused.code == "FROZEN_SOURCE_LEAKAGE_FORBIDDEN"
    assert refused.fields == {
        "frozen_overlap": [
            {
                "dataset_version_id": "dsv_frozen0",
                "workspace": str(PLACE),
                "label_pack_count": 2,
                "label_pack_ids": ["lp_0", "lp_1"],
            }
        ]
    }


def test_training_is_refused_for_equal_samples() -> None:
    assert equality_refusal([]) is None
    refused = equality_refusal([equal(number) for number in range(LISTED + 1)])
    assert code(refused) == "FROZEN_SOURCE_LEAKAGE_FORBIDDEN"
    told = told_by(refused)["equal_samples"]
    assert len(told) == LISTED
    assert told[0] == {"dataset_version_id": "dsv_frozen0", "workspace": str(PLACE), "sample_ids": ["a", "b"]}


def test_of_many_versions_and_packs_the_first_are_told_and_packs_counted() -> None:
    told = overlaps_told(SUPPORT, [an_overlap(number, packs=LISTED + 3) for number in range(LISTED + 1)])
    assert len(told) == LISTED
    assert (told[0]["label_pack_count"], len(told[0]["label_pack_ids"])) == (LISTED + 3, LISTED)


@pytest.mark.parametrize(("caller", "sees"), [*((found, False) for found in OUTSIDERS), (SUPPORT, True)])
def test_a_version_is_named_to_those_who_can_see_its_project(caller: Principal, sees: bool) -> None:
    name: dict[str, Any] = {"dataset_version_id": "dsv_frozen0", "workspace": HIDDEN}
    shown = name if sees else dict.fromkeys(name)
    refused = [
        equality_refusal([equal(workspace=HIDDEN)]),
        training_refusal(VERSION, FreezeState(), [an_overlap(workspace=HIDDEN)]),
    ]
    fields = [fields_told(caller, told_by(refusal)) for refusal in refused]
    assert [set(told) for told in fields] == [{"equal_samples"}, {"frozen_overlap"}]
    listed = [
        overlaps_told(caller, [an_overlap(workspace=HIDDEN)]),
        *(found for told in fields for found in told.values()),
    ]
    for (told,) in listed:
        assert {field: told[field] for field in name} == shown
    (own,) = overlaps_told(caller, [an_overlap()])
    assert own["dataset_version_id"] == "dsv_frozen0"


def test_a_member_who_may_only_look_sees_the_name() -> None:
    caller = Principal(principal_id="guest", memberships={"other": Role.VIEWER})
    (told,) = overlaps_told(caller, [an_overlap(workspace=HIDDEN)])
    assert told["workspace"] == HIDDEN


def test_what_a_refusal_tells_beside_frozen_versions_is_told_to_all() -> None:
    fields = told_by(frozen_refusal(VERSION, FreezeState(), [a_use(1)]))
    assert fields_told(PERSONS[Role.VIEWER], fields) == fields


@given(st.lists(st.booleans()))
def test_a_state_remembers_its_last_freeze_and_its_last_unfreeze(changes: list[bool]) -> None:
    state, last = FreezeState(), dict.fromkeys((True, False))
    for number, freezes in enumerate(changes):
        decision = Decision(at=f"{number:03d}", by="somebody", reason=None)
        state = (frozen_state if freezes else unfrozen_state)(state, decision)
        last[freezes] = decision
        assert state.frozen_at == (decision.at if freezes else None)
        assert state.is_frozen_test_set is freezes
        assert (state.last_freeze, state.last_unfreeze) == (last[True], last[False])
    assert state.changes == len(changes)
    assert state.shown().keys() == {"is_frozen_test_set", "frozen_at", "last_freeze", "last_unfreeze"}
