"""Freezes and uses as use cases: what has to be there, and the request. Refused ones leave an entry in the audit."""

from typing import Any

from packhouse.access.model import Principal, Role
from tests.faults.single_faults import Request, UseCase
from tests.faults.world import DEVELOPER, OWNER, SUPPORT, WORKSPACE, World
from tests.registry import ball_rows

Json = dict[str, Any]
VERSIONS = "/api/v1/datasets"
EDITOR = Principal(principal_id="user-editor", memberships={"acme": Role.EDITOR})
VIEWER = Principal(principal_id="user-viewer", memberships={"acme": Role.VIEWER})
_TRAINING: Json = {"purpose": "training", "ttl_seconds": 600}
_EVALUATION: Json = {"purpose": "evaluation"}
_OFFICIAL: Json = {"purpose": "evaluation", "require_frozen": True}
_REASON: Json = {"reason": "The season is over."}


def _version(world: World, *packs: str, force: bool = False) -> str:
    """Build a version of these packs, or of one with two rows, and return its path."""
    wanted = {"capability": "ball_detection", "label_pack_ids": list(packs) or [_pack(world)], "force": force}
    told = world.call("POST", f"{VERSIONS}/build", wanted)
    world.run_job(told["job_id"])
    return f"{VERSIONS}/{told['dataset_version_id']}"


def _pack(world: World, workspace: str = WORKSPACE, name: str = "a") -> str:
    return world.approved_pack(ball_rows(1, 2, name), workspace)


def _packs_of_two_projects(world: World) -> list[str]:
    return [_pack(world), _pack(world, world.new_project(), "b")]


def _sent(world: World, request: Request) -> Json:
    answered = world.request(request.method, request.path, request.body, request.headers, request.caller)
    if answered.status >= 400:
        raise AssertionError(answered.text)
    return answered.body


def _freeze(version: str, caller: Principal = SUPPORT) -> Request:
    return Request("POST", f"{version}/freeze", _REASON, (version,), caller)


def _unfreeze(version: str, reason: Json, caller: Principal = DEVELOPER) -> Request:
    return Request("POST", f"{version}/unfreeze", reason, (version,), caller)


def _use(version: str, wanted: Json, caller: Principal = OWNER) -> Request:
    return Request("POST", f"{version}/uses", wanted, (version,), caller)


def _release(world: World, version: str, wanted: Json, caller: Principal) -> Request:
    used = world.call("POST", f"{version}/uses", wanted)
    return Request("DELETE", f"{version}/uses/{used['use_id']}", None, (version,), caller)


def _frozen(world: World, *packs: str) -> str:
    version = _version(world, *packs)
    world.request("POST", f"{version}/freeze", _REASON, caller=SUPPORT)
    return version


def _freeze_one(world: World) -> Request:
    return _freeze(_version(world))


def _freeze_of_two_projects(world: World) -> Request:
    return _freeze(_version(world, *_packs_of_two_projects(world)))


def _freeze_after_uses(world: World) -> Request:
    """Two versions that share packs with it were trained on; neither use lasts."""
    packs = _packs_of_two_projects(world)
    version, again = _version(world, *packs), _version(world, packs[1])
    for used in (version, again):
        _sent(world, _release(world, used, _TRAINING, EDITOR))
    return _freeze(version)


def _freeze_beside_another(world: World) -> Request:
    """Other versions are trained on, evaluated and frozen; none of it stands in the way."""
    pack = _pack(world)
    version = _version(world, pack)
    world.call("POST", f"{version}/uses", _EVALUATION)
    world.call("POST", f"{_version(world, _pack(world, name='b'))}/uses", _TRAINING)
    _frozen(world, pack, _pack(world, name="c"))
    return _freeze(version)


def _freeze_anew(world: World) -> Request:
    version = _frozen(world)
    _sent(world, _unfreeze(version, _REASON))
    return _freeze(version)


def _freeze_repeated(world: World) -> Request:
    wanted = _freeze_one(world)
    _sent(world, wanted)
    return wanted


def _freeze_repeated_late(world: World) -> Request:
    """Repeated when it was unfrozen since: what the request came to is told, and nothing is frozen again."""
    wanted = _freeze_repeated(world)
    _sent(world, _unfreeze(wanted.path.removesuffix("/freeze"), _REASON))
    return wanted


def _unfreeze_one(world: World) -> Request:
    return _unfreeze(_frozen(world, *_packs_of_two_projects(world)), _REASON)


def train(world: World) -> Request:
    return _use(_version(world), _TRAINING)


def _train_on_two_projects(world: World) -> Request:
    return _use(_version(world, *_packs_of_two_projects(world)), _TRAINING)


def _train_again(world: World) -> Request:
    wanted = train(world)
    world.call("POST", wanted.path, _TRAINING)
    return wanted


def _train_beside_frozen(world: World) -> Request:
    """Two other versions are frozen, whose packs and samples are looked at."""
    for name in ("b", "c"):
        _frozen(world, _pack(world, name=name))
    return train(world)


def _train_repeated(world: World) -> Request:
    wanted = train(world)
    _sent(world, wanted)
    return wanted


def train_when_ended(world: World) -> Request:
    """The same request took a use before, which was given back: it takes another one."""
    wanted = train(world)
    used = _sent(world, wanted)
    _sent(world, Request("DELETE", f"{wanted.path}/{used['use_id']}"))
    return wanted


def _evaluate(world: World) -> Request:
    return _use(_version(world), _EVALUATION)


def _evaluate_frozen(world: World) -> Request:
    return _use(_frozen(world), _OFFICIAL, EDITOR)


def _release_as_editor(world: World) -> Request:
    return _release(world, _version(world), _TRAINING, EDITOR)


def _release_as_ops(world: World) -> Request:
    return _release(world, _frozen(world), _OFFICIAL, SUPPORT)


def _freeze_as_editor(world: World) -> Request:
    return _freeze(_version(world), EDITOR)


def _freeze_frozen(world: World) -> Request:
    return _freeze(_frozen(world))


def _freeze_used(world: World) -> Request:
    """What shares a pack with it is in use."""
    pack = _pack(world)
    version = _version(world, pack, _pack(world, name="b"))
    world.call("POST", f"{_version(world, pack)}/uses", _TRAINING)
    return _freeze(version)


def _unfreeze_without_reason(world: World) -> Request:
    return _unfreeze(_frozen(world), {"reason": " "})


def _unfreeze_as_support(world: World) -> Request:
    return _unfreeze(_frozen(world), _REASON, SUPPORT)


def _unfreeze_unfrozen(world: World) -> Request:
    return _unfreeze(_version(world), _REASON)


def _train_as_viewer(world: World) -> Request:
    return _use(_version(world), _TRAINING, VIEWER)


def _train_on_frozen(world: World) -> Request:
    return _use(_frozen(world), _TRAINING)


def _train_on_frozen_packs(world: World) -> Request:
    packs = _packs_of_two_projects(world)
    _frozen(world, *packs)
    return _use(_version(world, packs[1]), _TRAINING)


def _train_on_frozen_copies(world: World) -> Request:
    """The rows of the frozen version lie in a pack of another project, too."""
    version = _version(world, _pack(world, world.new_project()))
    _frozen(world, _pack(world))
    return _use(version, _TRAINING)


def _evaluate_unfrozen(world: World) -> Request:
    return _use(_version(world), _OFFICIAL)


def _release_nothing(world: World) -> Request:
    """The use is another version's."""
    used = _release(world, _version(world), _TRAINING, EDITOR)
    version = _version(world, _pack(world, name="b"))
    return Request("DELETE", f"{version}/uses/{used.path.split('/')[-1]}", None, (version,), EDITOR)


_VERSION = f"{VERSIONS}/{{dataset_id}}"
_FREEZE, _UNFREEZE = f"POST {_VERSION}/freeze", f"POST {_VERSION}/unfreeze"
_TAKE, _RELEASE = f"POST {_VERSION}/uses", f"DELETE {_VERSION}/uses/{{use_id}}"

FREEZE_CASES = (
    UseCase("freeze", _FREEZE, _freeze_one),
    UseCase("freeze of two projects", _FREEZE, _freeze_of_two_projects),
    UseCase("freeze after uses", _FREEZE, _freeze_after_uses),
    UseCase("freeze beside another", _FREEZE, _freeze_beside_another),
    UseCase("freeze anew", _FREEZE, _freeze_anew),
    UseCase("freeze repeated", _FREEZE, _freeze_repeated, reads=True),
    UseCase("freeze repeated late", _FREEZE, _freeze_repeated_late, reads=True),
    UseCase("unfreeze", _UNFREEZE, _unfreeze_one),
    UseCase("train", _TAKE, train),
    UseCase("train on two projects", _TAKE, _train_on_two_projects),
    UseCase("train again", _TAKE, _train_again),
    UseCase("train beside frozen", _TAKE, _train_beside_frozen),
    UseCase("train repeated", _TAKE, _train_repeated, reads=True),
    UseCase("train when a use ended", _TAKE, train_when_ended),
    UseCase("evaluate", _TAKE, _evaluate),
    UseCase("evaluate frozen", _TAKE, _evaluate_frozen),
    UseCase("release", _RELEASE, _release_as_editor, ("USE_NOT_FOUND",)),
    UseCase("release as Ops", _RELEASE, _release_as_ops, ("USE_NOT_FOUND",)),
    UseCase("freeze as editor", _FREEZE, _freeze_as_editor, refused="FORBIDDEN"),
    UseCase("freeze frozen", _FREEZE, _freeze_frozen, refused="DATASET_ALREADY_FROZEN"),
    UseCase("freeze used", _FREEZE, _freeze_used, refused="DATASET_IN_ACTIVE_USE"),
    UseCase("unfreeze without reason", _UNFREEZE, _unfreeze_without_reason, refused="UNFREEZE_REASON_REQUIRED"),
    UseCase("unfreeze as support", _UNFREEZE, _unfreeze_as_support, refused="UNFREEZE_PERMISSION_REQUIRED"),
    UseCase("unfreeze unfrozen", _UNFREEZE, _unfreeze_unfrozen, refused="DATASET_NOT_FROZEN"),
    UseCase("train as viewer", _TAKE, _train_as_viewer, refused="FORBIDDEN"),
    UseCase("train on frozen", _TAKE, _train_on_frozen, refused="FROZEN_DATASET_TRAINING_FORBIDDEN"),
    UseCase("train on frozen packs", _TAKE, _train_on_frozen_packs, refused="FROZEN_SOURCE_LEAKAGE_FORBIDDEN"),
    UseCase("train on frozen copies", _TAKE, _train_on_frozen_copies, refused="FROZEN_SOURCE_LEAKAGE_FORBIDDEN"),
    UseCase("evaluate unfrozen", _TAKE, _evaluate_unfrozen, refused="DATASET_NOT_FROZEN"),
    UseCase("release nothing", _RELEASE, _release_nothing, refused="USE_NOT_FOUND"),
)
