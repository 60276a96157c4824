"""Refusals of frozen test sets and of uses: what brings each about."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.ground import Bring, Case, Ground, Told, told
from tests.registry import VERSIONS, Json, Pack, Project, own_rows


def frozen(ground: Ground, *packs: Pack) -> str:
    """Return a version that is frozen."""
    version = ground.project.new_version(*packs)
    assert ground.project.freeze(version).is_success
    return version


def training_on_frozen(ground: Ground) -> Told:
    return told(ground.project.take_use(frozen(ground)))


def training_on_frozen_packs(ground: Ground) -> Told:
    pack = ground.project.new_approved_pack(own_rows())
    frozen(ground, pack)
    return told(ground.project.take_use(ground.project.new_version(pack, force=True)))


def training_on_copies(ground: Ground) -> Told:
    rows, elsewhere = own_rows(), ground.registry.new_project()
    frozen(ground, ground.project.new_approved_pack(rows))
    return told(elsewhere.take_use(elsewhere.new_version(elsewhere.new_approved_pack(rows))))


def frozen_twice(ground: Ground) -> Told:
    return told(ground.project.freeze(frozen(ground)))


def frozen_in_use(ground: Ground) -> Told:
    version = ground.project.new_version()
    assert ground.project.take_use(version).is_success
    return told(ground.project.freeze(version))


def frozen_in_a_race(ground: Ground) -> Told:
    """No freeze reads half a training: to each, the fence has moved on when it commits."""
    version, client = ground.project.new_version(), ground.registry.stack.client("dynamodb")
    key = {"pk": {"S": f"FENCE#{ground.project.project_id}"}, "sk": {"S": "META"}}
    place: Json = {"TableName": "packhouse-local-evaluation", "Key": key}
    half: Json = {"UpdateExpression": "ADD epoch :more", "ExpressionAttributeValues": {":more": {"N": "0.5"}}}
    client.update_item(**place, **half)
    try:
        return told(ground.project.freeze(version))
    finally:
        client.update_item(**place, **half)


def of_new_version(send: Callable[[Project, str], httpx.Response]) -> Bring:
    """Send something about a version that nothing was tried with."""
    return lambda ground: told(send(ground.project, ground.project.new_version()))


def of_frozen_version(person: str, **body: Any) -> Bring:
    """Unfreeze a version that is frozen."""
    return lambda ground: told(ground.project.unfreeze(frozen(ground), person, **body))


FREEZE_CASES = [
    Case("FROZEN_DATASET_TRAINING_FORBIDDEN", "403", "training on a frozen version", training_on_frozen),
    Case("FROZEN_SOURCE_LEAKAGE_FORBIDDEN", "403", "training on packs of a frozen version", training_on_frozen_packs),
    Case("FROZEN_SOURCE_LEAKAGE_FORBIDDEN", "403", "training on copies of frozen samples", training_on_copies),
    Case("DATASET_NOT_FROZEN", "409", "an unfreeze of what is not frozen",
         of_new_version(lambda project, version: project.unfreeze(version, reason="over"))),
    Case("DATASET_NOT_FROZEN", "409", "official evaluation on what is not frozen",
         of_new_version(lambda project, version: project.take_use(version, "evaluation", require_frozen=True))),
    Case("DATASET_ALREADY_FROZEN", "409", "a second freeze", frozen_twice),
    Case("UNFREEZE_PERMISSION_REQUIRED", "403", "support's unfreeze", of_frozen_version("support", reason="over")),
    Case("UNFREEZE_REASON_REQUIRED", "400", "an unfreeze without a reason", of_frozen_version("developer")),
    Case("UNFREEZE_REASON_REQUIRED", "400", "an unfreeze for no reason", of_frozen_version("developer", reason=" ")),
    Case("DATASET_IN_ACTIVE_USE", "409", "a freeze of what is trained on", frozen_in_use),
    Case("FREEZE_STATE_CONFLICT", "409", "a freeze while trainings begin", frozen_in_a_race),
    Case("USE_NOT_FOUND", "404", "a use that is none",
         of_new_version(lambda project, version: project.release_use(version, "use_nothing"))),
    Case("FORBIDDEN", "403", "an editor's freeze",
         of_new_version(lambda project, version: project.freeze(version, "editor"))),
    Case("FORBIDDEN", "403", "a viewer's use",
         of_new_version(lambda project, version: project.take_use(version, person="viewer"))),
    Case("FORBIDDEN", "403", "an owner's look at the freeze history",
         of_new_version(lambda project, version: project.call("GET", f"{VERSIONS}/{version}/freeze-history", "owner"))),
    Case("INVALID_REQUEST", "400", "training that requires a frozen version",
         of_new_version(lambda project, version: project.take_use(version, require_frozen=True))),
    Case("DATASET_NOT_FOUND", "404", "a freeze of no version",
         lambda ground: told(ground.project.freeze("dsv_nothing"))),
    Case("DATASET_NOT_READY", "409", "a freeze of an unbuilt version",
         lambda ground: told(ground.project.freeze(ground.unready()))),
    Case("DATASET_NOT_READY", "409", "a use of an unbuilt version",
         lambda ground: told(ground.project.take_use(ground.unready()))),
]  # fmt: skip
