"""Every write of the API as a use case: what has to be there, and the request."""

from typing import Any
from zlib import crc32

from tests.faults.annotation_cases import ANNOTATION_CASES
from tests.faults.freeze_cases import FREEZE_CASES
from tests.faults.kinds import CRASHES, Kind
from tests.faults.single_faults import Request, UseCase
from tests.faults.training_cases import TRAINING_CASES
from tests.faults.world import DEVELOPER, WORKSPACE, World, pack_of
from tests.registry import ball_rows

Json = dict[str, Any]
ACME = "/namespaces/acme"
MATCH_DAY = f"{ACME}/projects/match-day"
DATASETS, COLLECTIONS = f"{MATCH_DAY}/datasets", f"{MATCH_DAY}/collections"
PACKS = "/api/v1/label-packs"
BUILDS = "/api/v1/datasets"
BUILD = f"{BUILDS}/build"
JOBS = "/api/v1/jobs"


def _create_namespace(_: World) -> Request:
    return Request("POST", "/namespaces", {"slug": "fresh", "name": "Fresh"})


def _create_project(_: World) -> Request:
    return Request("POST", f"{ACME}/projects", {"slug": "fresh", "name": "Fresh"}, (f"{ACME}/projects",))


def _update_project(_: World) -> Request:
    return Request("PATCH", MATCH_DAY, {"description": "Changed.", "trainingUse": "opted_out"}, (MATCH_DAY,))


def _add_member(_: World) -> Request:
    return Request("PUT", f"{ACME}/members/user-new", {"role": "editor"}, (f"{ACME}/members",))


def _lower_oneself(world: World) -> Request:
    world.call("PUT", f"{ACME}/members/user-heir", {"role": "owner"})
    return Request("PUT", f"{ACME}/members/user-owner", {"role": "viewer"}, (f"{ACME}/members",))


def _remove_member(world: World) -> Request:
    world.call("PUT", f"{ACME}/members/user-leaver", {"role": "viewer"})
    return Request("DELETE", f"{ACME}/members/user-leaver", None, (f"{ACME}/members",))


def _create_key(_: World) -> Request:
    keys = f"{MATCH_DAY}/api-keys"
    return Request("POST", keys, {"name": "key", "scopes": ["read"]}, (keys,))


def _revoke_key(world: World) -> Request:
    keys = f"{MATCH_DAY}/api-keys"
    key = world.call("POST", keys, {"name": "key", "scopes": ["read"]})
    return Request("DELETE", f"{keys}/{key['id']}", None, (keys,))


def _create_dataset(_: World) -> Request:
    wanted = {"name": "fresh", "description": "New.", "tags": ["a"], "metadata": {"b": 1}}
    return Request("POST", DATASETS, wanted, (DATASETS, f"{DATASETS}/fresh"))


def _new_dataset(world: World, name: str) -> str:
    world.call("POST", DATASETS, {"name": name})
    return f"{DATASETS}/{name}"


def _update_dataset(world: World) -> Request:
    dataset = _new_dataset(world, "known")
    return Request("PATCH", dataset, {"description": "Changed.", "tags": ["c"]}, (DATASETS, dataset))


def _rename_dataset(world: World) -> Request:
    dataset = _new_dataset(world, "known")
    _new_collection(world, dataset="known")
    return Request("PATCH", dataset, {"name": "renamed"}, (DATASETS, f"{DATASETS}/renamed", COLLECTIONS))


def _delete_dataset(world: World) -> Request:
    dataset = _new_dataset(world, "known")
    collection = _new_collection(world, dataset="known")
    return Request("DELETE", dataset, None, (DATASETS, COLLECTIONS, collection))


def _create_collection(world: World) -> Request:
    dataset = _new_dataset(world, "known")
    wanted = {"name": "fresh", "description": "New.", "dataset": "known", "members": ["a", "b"]}
    return Request("POST", COLLECTIONS, wanted, (COLLECTIONS, f"{COLLECTIONS}/fresh", dataset))


def _new_collection(world: World, **more: Any) -> str:
    world.call("POST", COLLECTIONS, {"name": "gathered", "members": ["a", "b", "c"], **more})
    return f"{COLLECTIONS}/gathered"


def _update_collection(world: World) -> Request:
    collection = _new_collection(world)
    return Request("PATCH", collection, {"description": "Changed."}, (COLLECTIONS, collection))


def _rename_collection(world: World) -> Request:
    collection = _new_collection(world)
    return Request("PATCH", collection, {"name": "renamed"}, (COLLECTIONS, f"{COLLECTIONS}/renamed"))


def _move_collection(world: World) -> Request:
    here, there = _new_dataset(world, "here"), _new_dataset(world, "there")
    collection = _new_collection(world, dataset="here")
    return Request("PATCH", collection, {"dataset": "there"}, (COLLECTIONS, collection, here, there))


def _free_collection(world: World) -> Request:
    here = _new_dataset(world, "here")
    collection = _new_collection(world, dataset="here")
    return Request("PATCH", collection, {"dataset": None}, (COLLECTIONS, collection, here))


def _delete_collection(world: World) -> Request:
    here = _new_dataset(world, "here")
    return Request("DELETE", _new_collection(world, dataset="here"), None, (COLLECTIONS, here))


def _change_members(world: World) -> Request:
    here = _new_dataset(world, "here")
    collection = _new_collection(world, dataset="here")
    wanted = {"add": ["d", "e"], "remove": ["a"]}
    return Request("POST", f"{collection}/members", wanted, (collection, f"{collection}/members", here))


def _change_many_members(world: World) -> Request:
    collection = _new_collection(world)
    wanted = {"add": [f"member-{number:03d}" for number in range(250)], "remove": ["a"]}
    return Request("POST", f"{collection}/members", wanted, (collection, f"{collection}/members"))


def _change_members_everywhere(world: World) -> Request:
    """A change in more places of a large collection than one transaction takes.

    Behind the first thousand members, one whose CRC-32 is a multiple of 256 begins an item; here every one does.
    """
    collection = _new_collection(world)
    apart = [f"z{number}" for number in range(25_000) if crc32(f"z{number}".encode()) % 256 == 0]
    for members in ([f"member-{number:04d}" for number in range(1_000)], apart):
        world.call("POST", f"{collection}/members", {"add": members})
    return Request("POST", f"{collection}/members", {"remove": apart[3:]}, (COLLECTIONS, collection))


def _create_pack(_: World) -> Request:
    return Request("POST", PACKS, {"capability": "ball_detection", "name": "a pack"}, (PACKS,))


def _new_pack(world: World) -> str:
    return f"{PACKS}/{world.call('POST', PACKS, {'capability': 'ball_detection', 'name': 'a pack'})['label_pack_id']}"


def _create_revision(world: World) -> Request:
    pack = _new_pack(world)
    return Request("POST", f"{pack}/revisions", {"rows": ball_rows(1, 1)}, (pack, f"{pack}/revisions"))


def _announce_revision(world: World) -> Request:
    pack = _new_pack(world)
    return Request("POST", f"{pack}/revisions", {"upload": "presigned"}, (pack, f"{pack}/revisions"))


def _submit(world: World) -> Request:
    revision = world.uploaded_revision(ball_rows(1, 1))
    return Request("POST", f"{revision}/submit", {}, (revision,))


def _ingested_revision(world: World) -> str:
    revision = world.uploaded_revision(ball_rows(2, 2))
    world.run_job(world.call("POST", f"{revision}/submit")["job_id"])
    return revision


def _make_eligible(world: World) -> Request:
    revision = _ingested_revision(world)
    shown = (revision, revision.partition("/revisions")[0])
    return Request("POST", f"{revision}/eligibility", {"status": "REVIEWED", "note": "Seen."}, shown)


def _review(world: World) -> Request:
    pack = _ingested_revision(world).partition("/revisions")[0]
    return Request("POST", f"{pack}/review", {"decision": "approve", "note": "Good."}, (pack,))


def _revoke_eligibility(world: World) -> Request:
    revision = world.approved_revision(ball_rows(1, 1))
    shown = (revision, pack_of(revision))
    return Request("POST", f"{revision}/eligibility", {"status": "REVOKED", "note": "Wrong."}, shown)


def _revoke_again(world: World) -> Request:
    """The second withdrawal in a project: its fence is there."""
    world.call("POST", f"{world.approved_revision(ball_rows(1, 1))}/eligibility", {"status": "REVOKED"})
    return _revoke_eligibility(world)


def _reject(world: World) -> Request:
    pack = pack_of(_ingested_revision(world))
    return Request("POST", f"{pack}/review", {"decision": "reject", "note": "Blurred."}, (pack,))


def _revoke_review(world: World) -> Request:
    pack = pack_of(world.approved_revision(ball_rows(1, 1)))
    return Request("POST", f"{pack}/review", {"decision": "revoke", "note": "Wrong."}, (pack,))


def _build(world: World) -> Request:
    packs = [world.approved_pack(ball_rows(prefix=prefix)) for prefix in ("a", "b")]
    return Request("POST", BUILD, {"capability": "ball_detection", "label_pack_ids": packs})


def _force_build(world: World) -> Request:
    wanted = _build(world)
    return Request("POST", BUILD, {**(wanted.body or {}), "force": True})


def _build_again(world: World) -> Request:
    wanted = _build(world)
    world.call("POST", BUILD, wanted.body)
    return wanted


def _build_in_a_dataset(world: World) -> Request:
    dataset = _new_dataset(world, "known")
    wanted = {**(_build(world).body or {}), "dataset": "known"}
    return Request("POST", BUILD, wanted, (dataset,))


def _built(world: World, wanted: Json) -> Json:
    """Build a version to its end and return what its request was answered."""
    answered = world.call("POST", BUILD, wanted)
    world.run_job(answered["job_id"])
    return answered


def _build_stuck_to_another(world: World) -> Request:
    wanted = _build(world).body or {}
    first = _built(world, {**wanted, "label_pack_ids": wanted["label_pack_ids"][:1]})
    return Request("POST", BUILD, {**wanted, "split": {"sticky_to": first["dataset_version_id"]}})


def _packs_of_two_projects(world: World) -> list[str]:
    homes = {"a": WORKSPACE, "b": world.new_project()}
    return [world.approved_pack(ball_rows(prefix=prefix), home) for prefix, home in homes.items()]


def _build_from_two_projects(world: World) -> Request:
    return Request("POST", BUILD, {"capability": "ball_detection", "label_pack_ids": _packs_of_two_projects(world)})


def _build_what_is_reviewed(world: World) -> Request:
    packs = [pack_of(world.reviewed_revision(ball_rows())).split("/")[4], world.approved_pack(ball_rows(prefix="b"))]
    wanted = {"capability": "ball_detection", "label_pack_ids": packs, "include_reviewed_override": True}
    return Request("POST", BUILD, wanted, caller=DEVELOPER)


def _look_at_a_build(world: World) -> Request:
    """A preflight that reads all it can: packs of two projects, a dataset, a version to stick to."""
    packs = _packs_of_two_projects(world)
    wanted = {"capability": "ball_detection", "label_pack_ids": packs}
    first = _built(world, wanted)
    dataset = _new_dataset(world, "known")
    more = {"dataset": "known", "split": {"sticky_to": first["dataset_version_id"]}}
    return Request("POST", f"{BUILD}/preflight", {**wanted, **more}, (dataset,))


def _cancel_queued(world: World) -> Request:
    answered = world.call("POST", BUILD, _build(world).body)
    job, version = (f"{JOBS}/{answered['job_id']}", f"{BUILDS}/{answered['dataset_version_id']}")
    return Request("POST", f"{job}/cancel", {}, (job, version))


def _cancel_running(world: World) -> Request:
    wanted = _cancel_queued(world)
    world.invoke("plan_build", world.job(wanted.path.split("/")[4])[1])
    return wanted


def _cancel_unstarted(world: World) -> Request:
    """The process that committed the job was killed before it started the execution."""
    wanted = _cancel_queued(world)
    del world.executions.status[wanted.path.split("/")[4]]
    return wanted


def _cancel_forced(world: World) -> Request:
    """A forced build that equals another one in progress: the lock is not its own."""
    wanted = _build(world).body or {}
    world.call("POST", BUILD, wanted)
    answered = world.call("POST", BUILD, {**wanted, "force": True})
    job = f"{JOBS}/{answered['job_id']}"
    return Request("POST", f"{job}/cancel", {}, (job, f"{BUILDS}/{answered['dataset_version_id']}"))


def _cancel_overtaken(world: World) -> Request:
    """A build whose lock a forced one, ready before it, has taken over."""
    wanted = _build(world).body or {}
    answered = world.call("POST", BUILD, wanted)
    _built(world, {**wanted, "force": True})
    job = f"{JOBS}/{answered['job_id']}"
    return Request("POST", f"{job}/cancel", {}, (job, f"{BUILDS}/{answered['dataset_version_id']}"))


def _cancel_ingest(world: World) -> Request:
    revision = world.uploaded_revision(ball_rows(1, 1))
    job = f"{JOBS}/{world.call('POST', f'{revision}/submit')['job_id']}"
    return Request("POST", f"{job}/cancel", {}, (job, revision, pack_of(revision)))


def _cancel_again(world: World) -> Request:
    wanted = _cancel_running(world)
    world.call("POST", wanted.path, {})
    return wanted


_PROJECT = "/namespaces/{slug}/projects/{projectSlug}"
_DATASET, _COLLECTION = f"{_PROJECT}/datasets/{{name}}", f"{_PROJECT}/collections/{{name}}"
_MEMBER = "/namespaces/{slug}/members/{principalId}"
_KEYS = f"{_PROJECT}/api-keys"
_CANCEL = f"{JOBS}/{{job_id}}/cancel"
_REVISIONS = f"{PACKS}/{{label_pack_id}}/revisions"

USE_CASES = (
    UseCase("create namespace", "POST /namespaces", _create_namespace),
    UseCase("create project", "POST /namespaces/{slug}/projects", _create_project),
    UseCase("update project", f"PATCH {_PROJECT}", _update_project),
    UseCase("add member", f"PUT {_MEMBER}", _add_member),
    UseCase("lower oneself", f"PUT {_MEMBER}", _lower_oneself),
    UseCase("remove member", f"DELETE {_MEMBER}", _remove_member, ("MEMBER_NOT_FOUND",)),
    UseCase("create API key", f"POST {_KEYS}", _create_key),
    UseCase("revoke API key", f"DELETE {_KEYS}/{{keyId}}", _revoke_key),
    UseCase("create dataset", f"POST {_PROJECT}/datasets", _create_dataset),
    UseCase("update dataset", f"PATCH {_DATASET}", _update_dataset),
    UseCase("rename dataset", f"PATCH {_DATASET}", _rename_dataset, ("DATASET_NOT_FOUND",)),
    UseCase("delete dataset", f"DELETE {_DATASET}", _delete_dataset, ("DATASET_NOT_FOUND",)),
    UseCase("create collection", f"POST {_PROJECT}/collections", _create_collection),
    UseCase("update collection", f"PATCH {_COLLECTION}", _update_collection),
    UseCase("rename collection", f"PATCH {_COLLECTION}", _rename_collection, ("COLLECTION_NOT_FOUND",)),
    UseCase("move collection", f"PATCH {_COLLECTION}", _move_collection),
    UseCase("free collection", f"PATCH {_COLLECTION}", _free_collection),
    UseCase("delete collection", f"DELETE {_COLLECTION}", _delete_collection, ("COLLECTION_NOT_FOUND",)),
    UseCase("change members", f"POST {_COLLECTION}/members", _change_members),
    UseCase("change many members", f"POST {_COLLECTION}/members", _change_many_members),
    UseCase(
        "change members everywhere",
        f"POST {_COLLECTION}/members",
        _change_members_everywhere,
        transactions=2,
        kinds=(Kind.TIMEOUT_AFTER, *CRASHES),
    ),
    UseCase("create label pack", f"POST {PACKS}", _create_pack),
    UseCase("create revision of rows", f"POST {_REVISIONS}", _create_revision),
    UseCase("create revision to upload", f"POST {_REVISIONS}", _announce_revision),
    UseCase("submit revision", f"POST {_REVISIONS}/{{revision_id}}/submit", _submit),
    UseCase("make revision eligible", f"POST {_REVISIONS}/{{revision_id}}/eligibility", _make_eligible),
    UseCase("review label pack", f"POST {PACKS}/{{label_pack_id}}/review", _review),
    UseCase("revoke eligibility", f"POST {_REVISIONS}/{{revision_id}}/eligibility", _revoke_eligibility),
    UseCase("revoke another eligibility", f"POST {_REVISIONS}/{{revision_id}}/eligibility", _revoke_again),
    UseCase("reject label pack", f"POST {PACKS}/{{label_pack_id}}/review", _reject),
    UseCase("revoke review", f"POST {PACKS}/{{label_pack_id}}/review", _revoke_review),
    UseCase("build dataset", f"POST {BUILD}", _build),
    UseCase("build dataset anew", f"POST {BUILD}", _force_build),
    UseCase("build what is being built", f"POST {BUILD}", _build_again),
    UseCase("build in a dataset", f"POST {BUILD}", _build_in_a_dataset),
    UseCase("build stuck to another", f"POST {BUILD}", _build_stuck_to_another),
    UseCase("build from two projects", f"POST {BUILD}", _build_from_two_projects),
    UseCase("build what is reviewed", f"POST {BUILD}", _build_what_is_reviewed),
    UseCase("look at a build", f"POST {BUILD}/preflight", _look_at_a_build, reads=True),
    UseCase("cancel queued build", f"POST {_CANCEL}", _cancel_queued),
    UseCase("cancel running build", f"POST {_CANCEL}", _cancel_running),
    UseCase("cancel build never started", f"POST {_CANCEL}", _cancel_unstarted),
    UseCase("cancel forced build", f"POST {_CANCEL}", _cancel_forced),
    UseCase("cancel overtaken build", f"POST {_CANCEL}", _cancel_overtaken),
    UseCase("cancel ingest", f"POST {_CANCEL}", _cancel_ingest),
    UseCase("cancel again", f"POST {_CANCEL}", _cancel_again),
    *FREEZE_CASES,
    *ANNOTATION_CASES,
    *TRAINING_CASES,
)
