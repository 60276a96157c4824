"""Pure decisions over frozen test sets. A refusal says why something may not be; `None` lets it be."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from packhouse.access.model import Action, Principal, Workspace
from packhouse.access.rules import permit
from packhouse.errors import ConflictError, ForbiddenError, InvalidInputError, PackhouseError
from packhouse.freezes.model import LISTED, Decision, EqualSamples, FreezeState, Overlap, Use

Refusal = PackhouseError | None


def freeze_refusal(caller: Principal) -> Refusal:
    """Freezing is for internal Ops."""
    return None if caller.is_internal else ForbiddenError("FORBIDDEN", "Freezing is for internal Ops.")


def unfreeze_refusal(caller: Principal, reason: str) -> Refusal:
    """Unfreezing is for developers, who say why."""
    if not caller.is_developer:
        return ForbiddenError("UNFREEZE_PERMISSION_REQUIRED", "Unfreezing is for developers.")
    if any(unicodedata.category(character)[0] in "LNPS" for character in reason):
        return None
    return InvalidInputError("UNFREEZE_REASON_REQUIRED", "Say in `reason` why it is unfrozen.")


def use_refusal(caller: Principal, workspace: Workspace) -> Refusal:
    """A version is used by whoever may download it."""
    permission = permit(caller, *workspace, Action.EXPORT)
    return None if permission.allowed else ForbiddenError("FORBIDDEN", permission.reason)


def release_refusal(caller: Principal, workspace: Workspace) -> Refusal:
    """A use is given back by whoever may take one, or by internal Ops for them."""
    return None if caller.is_internal else use_refusal(caller, workspace)


def history_refusal(caller: Principal) -> Refusal:
    """The history is for internal Ops."""
    return None if caller.is_internal else ForbiddenError("FORBIDDEN", "The freeze history is for internal Ops.")


def frozen_refusal(dataset_version_id: str, state: FreezeState, live: Sequence[Use]) -> Refusal:
    """A version is frozen once, and not under a training run that reads it or shares a label pack with it."""
    if state.is_frozen_test_set:
        return ConflictError("DATASET_ALREADY_FROZEN", f"{dataset_version_id} is frozen since {state.frozen_at}.")
    if live:
        told = [use.model_dump(mode="json", exclude={"require_frozen"}) for use in live[:LISTED]]
        detail = f"Training uses of the dataset, or of its label packs, that have not ended: {len(live)}."
        return ConflictError("DATASET_IN_ACTIVE_USE", detail, use_count=len(live), uses=told)
    return None


def unfrozen_refusal(dataset_version_id: str, state: FreezeState) -> Refusal:
    """What needs a frozen version is refused for another."""
    if state.is_frozen_test_set:
        return None
    return ConflictError("DATASET_NOT_FROZEN", f"{dataset_version_id} is not a frozen test set.")


def training_refusal(dataset_version_id: str, state: FreezeState, overlaps: Sequence[Overlap]) -> Refusal:
    """A frozen version is not trained on, nor is one that is made of the same label packs."""
    if state.is_frozen_test_set:
        return ForbiddenError("FROZEN_DATASET_TRAINING_FORBIDDEN", f"{dataset_version_id} is a frozen test set.")
    if overlaps:
        detail = "Its label packs are in frozen test sets: whoever trains on them trains on the test."
        shown = [overlap.shown() for overlap in overlaps[:LISTED]]
        return ForbiddenError("FROZEN_SOURCE_LEAKAGE_FORBIDDEN", detail, frozen_overlap=shown)
    return None


def equality_refusal(equal: Sequence[EqualSamples]) -> Refusal:
    """A version is not trained on whose samples are those of a frozen one, wherever they were copied to."""
    if not equal:
        return None
    detail = "Its samples equal those of frozen test sets: whoever trains on them trains on the test."
    shown = [each.model_dump(mode="json") for each in equal[:LISTED]]
    return ForbiddenError("FROZEN_SOURCE_LEAKAGE_FORBIDDEN", detail, equal_samples=shown)


def frozen_state(state: FreezeState, decision: Decision) -> FreezeState:
    """Return the state of a version once it is frozen."""
    return FreezeState(
        changes=state.changes + 1,
        is_frozen_test_set=True,
        frozen_at=decision.at,
        last_freeze=decision,
        last_unfreeze=state.last_unfreeze,
    )


def unfrozen_state(state: FreezeState, decision: Decision) -> FreezeState:
    """Return the state of a version once it is unfrozen."""
    return FreezeState(changes=state.changes + 1, last_freeze=state.last_freeze, last_unfreeze=decision)


def overlaps_told(caller: Principal, overlaps: Sequence[Overlap]) -> list[dict[str, Any]]:
    """Return the overlaps with frozen versions as the caller is told them."""
    return [_told(caller, overlap.shown()) for overlap in overlaps[:LISTED]]


def fields_told(caller: Principal, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a refusal as the caller is told them; the audit has them in full."""
    hiding = {name: [_told(caller, each) for each in fields[name]] for name in _FROZEN_NAMED & fields.keys()}
    return {**fields, **hiding}


_FROZEN_NAMED = {"frozen_overlap", "equal_samples"}


def _told(caller: Principal, shown: dict[str, Any]) -> dict[str, Any]:
    """Return what is told of a frozen version: nobody learns the name of one in a project that they cannot see."""
    if permit(caller, *Workspace(*shown["workspace"].split("/")), Action.READ).visible:
        return shown
    return shown | {"dataset_version_id": None, "workspace": None}
