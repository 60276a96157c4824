"""`/api/v1/datasets/{dataset_id}`: freeze and unfreeze, the history of both, uses."""

from aws_lambda_powertools.event_handler import Response
from pydantic import Field, model_validator

from packhouse.access.model import Action
from packhouse.api.app import spliced
from packhouse.api.bodies import NoBody, RequestBody
from packhouse.api.endpoints import Call, Endpoints, Listed, Success
from packhouse.api.fields import Prose
from packhouse.api.paging import Cursors, Place, Section
from packhouse.audit.model import AuditEntry
from packhouse.freezes.model import LONGEST_USE_SECONDS, USE_SECONDS, Frozen, Purpose, Unfrozen, Use
from packhouse.freezes.service import Freezes

_VERSION = "/api/v1/datasets/{dataset_id}"
_USES = f"{_VERSION}/uses"


class FreezeBody(RequestBody):
    """Why it is frozen, if there is something to say."""

    reason: Prose | None = None


class UnfreezeBody(RequestBody):
    """Why it is unfrozen; there is no unfreezing without a word."""

    reason: Prose | None = None


class UseBody(RequestBody):
    """What a run reads the version for, and for how many seconds; `require_frozen` is for official evaluation."""

    purpose: Purpose
    require_frozen: bool = False
    ttl_seconds: int = Field(default=USE_SECONDS, ge=60, le=LONGEST_USE_SECONDS)

    @model_validator(mode="after")
    def _fits(self) -> "UseBody":
        if self.require_frozen and self.purpose is Purpose.TRAINING:
            raise ValueError("require_frozen is for evaluation: nothing frozen is trained on")
        return self


def register(api: Endpoints, freezes: Freezes, cursors: Cursors) -> None:
    """Declare the endpoints. Who may do what is decided behind the door, where a refusal is written down."""

    @api.post(
        f"{_VERSION}/freeze",
        Action.SEE,
        refusals=(
            "DATASET_NOT_FOUND",
            "DATASET_NOT_READY",
            "DATASET_ALREADY_FROZEN",
            "DATASET_IN_ACTIVE_USE",
            "FREEZE_STATE_CONFLICT",
        ),
    )
    def freeze_dataset(call: Call[FreezeBody]) -> Frozen:
        """Freeze a dataset version as a test set; for internal Ops.

        Nothing is trained on it from then on, nor on its label packs, nor on copies of its samples. The answer lists
        the training uses that had seen its label packs before.
        """
        return freezes.freeze(call.workspace, call.path["dataset_id"], call.wanted.reason, call.caller, call.once)

    @api.post(
        f"{_VERSION}/unfreeze",
        Action.SEE,
        refusals=(
            "DATASET_NOT_FOUND",
            "UNFREEZE_PERMISSION_REQUIRED",
            "UNFREEZE_REASON_REQUIRED",
            "DATASET_NOT_FROZEN",
            "FREEZE_STATE_CONFLICT",
        ),
    )
    def unfreeze_dataset(call: Call[UnfreezeBody]) -> Unfrozen:
        """Unfreeze a dataset version, with the reason; for developers."""
        reason = (call.wanted.reason or "").strip()
        return freezes.unfreeze(call.workspace, call.path["dataset_id"], reason, call.caller, call.once)

    @api.get(
        f"{_VERSION}/freeze-history",
        Action.READ,
        result=Listed(AuditEntry),
        refusals=("INVALID_CURSOR", "DATASET_NOT_FOUND"),
    )
    def list_freeze_history(call: Call[Section]) -> Response[str]:
        """List every attempt to freeze, unfreeze, use or release a dataset version, newest first; for internal Ops."""
        version_id = call.path["dataset_id"]

        def read(_: dict[str, str], after: Place | None) -> tuple[list[str], Place | None]:
            return freezes.list_history(call.workspace, version_id, call.caller, call.wanted.limit, after)

        return spliced(*cursors.turn(call.wanted, ("freeze-history", str(call.workspace), version_id), read))

    @api.post(
        _USES,
        Action.SEE,
        status=201,
        refusals=(
            "DATASET_NOT_FOUND",
            "DATASET_NOT_READY",
            "DATASET_NOT_FROZEN",
            "FROZEN_DATASET_TRAINING_FORBIDDEN",
            "FROZEN_SOURCE_LEAKAGE_FORBIDDEN",
            "FREEZE_STATE_CONFLICT",
        ),
    )
    def take_use(call: Call[UseBody]) -> Use:
        """Take a use of a dataset version: the gate of a training or evaluation run. It expires by itself."""
        wanted = call.wanted
        return freezes.take_use(
            call.workspace,
            call.path["dataset_id"],
            wanted.purpose,
            wanted.ttl_seconds,
            call.caller,
            call.once,
            require_frozen=wanted.require_frozen,
        )

    @api.delete(f"{_USES}/{{use_id}}", Action.SEE, refusals=("DATASET_NOT_FOUND", "USE_NOT_FOUND"))
    def release_use(call: Call[NoBody]) -> Success:
        """Give a use back before it expires; for whoever may take one, and for internal Ops."""
        freezes.release_use(call.workspace, call.path["dataset_id"], call.path["use_id"], call.caller, call.once)
        return Success()
