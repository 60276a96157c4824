"""Sentences of contract A, "Frozen test set workflow", one test each, over HTTP.

Uses, history and copies are files beside. Above each group stands the heading that it quotes from.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.containers import succeeded
from tests.contract.uses import OUTSIDERS, House, asked, new_house, release, taken
from tests.registry import VERSIONS, Json, Pack, Project, Registry, build_body, own_rows, problem

TRAINING = "FROZEN_DATASET_TRAINING_FORBIDDEN"
LEAKAGE = "FROZEN_SOURCE_LEAKAGE_FORBIDDEN"
REASON = "the benchmark of the season"
UNFROZEN: Json = {
    "is_frozen_test_set": False,
    "frozen_at": None,
    "last_freeze": None,
    "last_unfreeze": None,
    "frozen_overlap": [],
}


@pytest.fixture
def house(registry: Registry) -> House:
    return new_house(registry)


@pytest.fixture(scope="module")
def settled(registry: Registry) -> House:
    """A version that is looked at, and that nobody freezes."""
    return new_house(registry)


def frozen(project: Project, version: str, **body: Any) -> Json:
    """Freeze a version and return the answer."""
    return succeeded(project.freeze(version, **body))


def overlap(version: str, project: Project, *packs: Pack) -> Json:
    """Return how an overlap with a frozen version is told to one who may know of it."""
    ids = sorted(pack.label_pack_id for pack in packs)
    return {
        "dataset_version_id": version,
        "workspace": project.workspace,
        "label_pack_count": len(ids),
        "label_pack_ids": ids,
    }


def shown(project: Project, version: str, person: str = "editor") -> Json:
    """Return what a version's detail shows of frozen test sets."""
    detail = succeeded(project.call("GET", f"{VERSIONS}/{version}", person))
    return {name: detail[name] for name in UNFROZEN}


# What freeze does


def test_training_cannot_use_that_dataset_directly(house: House) -> None:
    frozen(house.project, house.version)
    problem(house.project.take_use(house.version), 403, TRAINING)


@pytest.mark.parametrize("force", [False, True])
def test_training_cannot_use_another_dataset_that_reuses_the_same_packs(house: House, force: bool) -> None:
    """Whether it was built before or after, of the same packs anew or of others beside them, here or elsewhere."""
    more = [] if force else [house.project.new_approved_pack(own_rows())]
    before = house.project.new_version(house.pack, *more, force=force)
    frozen(house.project, house.version)
    elsewhere = house.project.registry.new_project()
    after = elsewhere.new_version(house.pack, *more, name="later", force=force)
    for project, version in ((house.project, before), (elsewhere, after)):
        refused = problem(project.take_use(version), 403, LEAKAGE)
        assert refused["frozen_overlap"] == [overlap(house.version, house.project, house.pack)]


def test_a_pack_is_protected_with_its_later_revisions(house: House) -> None:
    frozen(house.project, house.version)
    later = Pack(house.pack.label_pack_id, house.project.new_revision(house.pack.label_pack_id, own_rows()))
    house.project.wait(house.project.submit(later))
    house.project.make_eligible(later)
    detail = house.project.build(later)
    assert detail["sources"]["included"][0]["revision_id"] == later.revision_id
    refused = problem(house.project.take_use(detail["dataset_version_id"]), 403, LEAKAGE)
    assert refused["frozen_overlap"] == [overlap(house.version, house.project, house.pack)]


def test_training_uses_what_shares_no_pack_with_it(house: House) -> None:
    frozen(house.project, house.version)
    taken(house.project, house.project.new_version())


def test_evaluation_in_frozen_required_flows_must_use_a_frozen_dataset(house: House) -> None:
    wanted: Json = {"require_frozen": True}
    problem(house.project.take_use(house.version, "evaluation", **wanted), 409, "DATASET_NOT_FROZEN")
    frozen(house.project, house.version)
    assert taken(house.project, house.version, "evaluation", **wanted)["require_frozen"] is True
    again = house.project.new_version(house.pack, force=True)
    problem(house.project.take_use(again, "evaluation", **wanted), 409, "DATASET_NOT_FROZEN")
    succeeded(house.project.unfreeze(house.version, reason=REASON))
    problem(house.project.take_use(house.version, "evaluation", **wanted), 409, "DATASET_NOT_FROZEN")


def test_evaluation_in_other_flows_uses_any_dataset(house: House) -> None:
    again = house.project.new_version(house.pack, force=True)
    taken(house.project, house.version, "evaluation")
    frozen(house.project, house.version)
    for version in (house.version, again):
        assert taken(house.project, version, "evaluation")["require_frozen"] is False


def test_what_is_not_frozen_any_more_is_trained_on(house: House) -> None:
    again = house.project.new_version(house.pack, force=True)
    frozen(house.project, house.version)
    frozen(house.project, again)
    succeeded(house.project.unfreeze(house.version, reason=REASON))
    refused = problem(house.project.take_use(house.version), 403, LEAKAGE)
    assert refused["frozen_overlap"] == [overlap(again, house.project, house.pack)]
    succeeded(house.project.unfreeze(again, reason=REASON))
    for version in (house.version, again):
        taken(house.project, version)


# Who can change frozen state


@pytest.mark.parametrize("caller", ["developer", "support"])
def test_freeze_internal_ops(house: House, caller: str) -> None:
    succeeded(house.project.freeze(house.version, caller))


@pytest.mark.parametrize("caller", ["owner", "editor", "viewer", "key", "stranger"])
def test_freeze_nobody_else(settled: House, caller: str) -> None:
    answer = asked(settled.project, "POST", f"{settled.version}/freeze", caller, json={"reason": REASON})
    problem(answer, *OUTSIDERS.get(caller, (403, "FORBIDDEN")))
    assert shown(settled.project, settled.version) == UNFROZEN


def test_unfreeze_is_developer_only(house: House) -> None:
    frozen(house.project, house.version)
    for caller in ("support", "owner", "editor", "viewer", "key", "stranger"):
        for body in ({"reason": REASON}, {}):
            answer = asked(house.project, "POST", f"{house.version}/unfreeze", caller, json=body)
            problem(answer, *OUTSIDERS.get(caller, (403, "UNFREEZE_PERMISSION_REQUIRED")))
    assert shown(house.project, house.version)["is_frozen_test_set"] is True
    succeeded(house.project.unfreeze(house.version, "developer", reason=REASON))


def test_unfreeze_always_requires_a_non_empty_reason(house: House) -> None:
    bodies: list[Json] = [{}, *({"reason": reason} for reason in (None, "", " ", "\n\t ", "\u00a0\u2003", "\u200b"))]
    for body in bodies:  # whether or not it is frozen
        problem(house.project.unfreeze(house.version, **body), 400, "UNFREEZE_REASON_REQUIRED")
    frozen(house.project, house.version)
    before = shown(house.project, house.version)
    for body in bodies:
        problem(house.project.unfreeze(house.version, **body), 400, "UNFREEZE_REASON_REQUIRED")
    assert shown(house.project, house.version) == before
    assert succeeded(house.project.unfreeze(house.version, reason=f" {REASON}\n"))["last_unfreeze"]["reason"] == REASON


@pytest.mark.parametrize("body", [{}, {"reason": None}, {"reason": ""}, {"reason": REASON}])
def test_a_freeze_needs_no_reason(house: House, body: Json) -> None:
    made = frozen(house.project, house.version, **body)
    assert made["last_freeze"] == {"at": made["frozen_at"], "by": "user-support", "reason": body.get("reason")}


@pytest.mark.parametrize("body", [{"reason": 5}, {"reason": "a\u0000b"}, {"reason": "x" * 4001}, {"why": "not"}])
def test_a_reason_is_prose(settled: House, body: Json) -> None:
    for answer in (settled.project.freeze(settled.version, **body), settled.project.unfreeze(settled.version, **body)):
        problem(answer, 400, "INVALID_REQUEST")
    assert shown(settled.project, settled.version) == UNFROZEN


# Operator-visible outcomes; FREEZE_STATE_CONFLICT takes a race and stands beside the history


def test_a_frozen_dataset_is_frozen_already(house: House) -> None:
    made = frozen(house.project, house.version)
    refused = problem(house.project.freeze(house.version, "developer"), 409, "DATASET_ALREADY_FROZEN")
    assert made["frozen_at"] in refused["detail"]
    assert shown(house.project, house.version)["last_freeze"]["by"] == "user-support"


def test_a_dataset_that_is_not_frozen_is_not_unfrozen(house: House) -> None:
    problem(house.project.unfreeze(house.version, reason=REASON), 409, "DATASET_NOT_FROZEN")
    frozen(house.project, house.version)
    succeeded(house.project.unfreeze(house.version, reason=REASON))
    problem(house.project.unfreeze(house.version, reason=REASON), 409, "DATASET_NOT_FROZEN")


def test_a_dataset_in_active_use_is_not_frozen(house: House) -> None:
    """Nor is one that shares a pack with it; the uses are named, wherever they are."""
    elsewhere = house.project.registry.new_project()
    other = elsewhere.new_version(house.pack, elsewhere.new_approved_pack(own_rows()))
    uses = [taken(house.project, house.version), taken(elsewhere, other), taken(elsewhere, other)]
    for project, version in ((house.project, house.version), (elsewhere, other)):
        refused = problem(project.freeze(version), 409, "DATASET_IN_ACTIVE_USE")
        assert (refused["use_count"], shown(project, version)) == (3, UNFROZEN)
        told = sorted(refused["uses"], key=lambda use: str(use["use_id"]))
        assert told == [{name: use[name] for name in use if name != "require_frozen"} for use in uses]
    for project, use in zip((house.project, elsewhere, elsewhere), uses, strict=True):
        succeeded(project.release_use(use["dataset_version_id"], use["use_id"]))
    exposures = frozen(house.project, house.version)["prior_exposures"]
    assert [exposure["dataset_version_id"] for exposure in exposures] == [other, house.version]


def expire(registry: Registry, use: Json) -> None:
    """Let a use have expired a second ago; the table's TTL has not come by yet."""
    table = {"TableName": "packhouse-local-evaluation"}
    key = {"pk": {"S": f"DSV#{use['dataset_version_id']}"}, "sk": {"S": f"USE#{use['use_id']}"}}
    client = registry.stack.client("dynamodb")
    item = client.get_item(**table, Key=key)["Item"]
    body = json.loads(item["body"]["S"])
    body["expires_at"] = body["created_at"]
    client.put_item(**table, Item=item | {"body": {"S": json.dumps(body)}})


@pytest.mark.parametrize("end", [release, lambda registry, _, use: expire(registry, use)], ids=["released", "expired"])
def test_a_use_that_has_ended_is_in_no_way(
    house: House, registry: Registry, end: Callable[[Registry, Project, Json], None]
) -> None:
    use = taken(house.project, house.version)
    problem(house.project.freeze(house.version), 409, "DATASET_IN_ACTIVE_USE")
    end(registry, house.project, use)
    frozen(house.project, house.version)


def test_evaluation_is_in_no_way(house: House) -> None:
    taken(house.project, house.version, "evaluation")
    assert frozen(house.project, house.version)["prior_exposure_count"] == 0


def test_a_freeze_lists_the_training_that_had_seen_its_packs(house: House) -> None:
    """The newest first; what was only evaluated, or trained on other packs alone, is not among them."""
    apart, again = house.project.new_version(), house.project.new_version(house.pack, force=True)
    first = [taken(house.project, version) for version in (house.version, apart, again, house.version)]
    taken(house.project, apart, "evaluation")
    for use in first:
        release(house.project.registry, house.project, use)
    made = frozen(house.project, house.version)
    assert made["prior_exposure_count"] == 2
    moments = [{name: told.pop(name) for name in ("first_used_at", "last_used_at")} for told in made["prior_exposures"]]
    assert made["prior_exposures"] == [
        overlap(version, house.project, house.pack) for version in (house.version, again)
    ]
    begun = [use["created_at"] for use in first]  # each a moment after what is remembered of it
    assert moments[0]["first_used_at"] <= begun[0] < moments[1]["first_used_at"] <= begun[2]
    assert moments[1]["first_used_at"] == moments[1]["last_used_at"]
    assert begun[2] < moments[0]["last_used_at"] <= begun[3]


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_what_is_not_ready_is_neither_frozen_nor_used(project: Project, status: str) -> None:
    pack = project.new_approved_pack(own_rows())
    if status == "failed":
        project.spoil(pack)
        built = project.request_build(pack)
    else:
        with project.registry.holding("DatasetBuildMachine", "PlanBuild", 20):
            built = project.request_build(pack)
            problem(project.freeze(built["dataset_version_id"]), 409, "DATASET_NOT_READY")
            project.editor.post(f"/api/v1/jobs/{built['job_id']}/cancel")
    assert project.job_at_its_end(built["job_id"])["status"] == status
    version = built["dataset_version_id"]
    for answer in (project.freeze(version), project.take_use(version), project.take_use(version, "evaluation")):
        assert problem(answer, 409, "DATASET_NOT_READY")["job_id"] == built["job_id"]
    problem(project.unfreeze(version, reason=REASON), 409, "DATASET_NOT_FROZEN")
    assert shown(project, version) == UNFROZEN


@pytest.mark.parametrize("version", ["of another project", "dsv_nothing"])
def test_a_version_that_is_not_of_the_project_is_not_found(project: Project, settled: House, version: str) -> None:
    place = settled.version if version == "of another project" else version
    history = project.call("GET", f"{VERSIONS}/{place}/freeze-history", "support")
    evaluation = project.take_use(place, "evaluation")
    posts = (project.freeze(place), project.unfreeze(place, reason=REASON), project.take_use(place), evaluation)
    for answer in (*posts, project.release_use(place, "use_none"), history):
        problem(answer, 404, "DATASET_NOT_FOUND")


# Inspect frozen state and history: "Dataset detail exposes"


def test_detail_exposes_the_frozen_state_and_its_last_changes(house: House) -> None:
    assert shown(house.project, house.version, "viewer") == UNFROZEN
    made = frozen(house.project, house.version, reason=REASON)
    last_freeze = {"at": made["frozen_at"], "by": "user-support", "reason": REASON}
    state = {"is_frozen_test_set": True, "frozen_at": made["frozen_at"], "last_freeze": last_freeze}
    assert shown(house.project, house.version, "viewer") == UNFROZEN | state
    ended = succeeded(house.project.unfreeze(house.version, reason="over"))["last_unfreeze"]
    assert ended == {"at": ended["at"], "by": "user-developer", "reason": "over"}
    assert ended["at"] > made["frozen_at"]
    last = {"last_freeze": last_freeze, "last_unfreeze": ended}
    assert shown(house.project, house.version, "viewer") == UNFROZEN | last
    again = frozen(house.project, house.version)
    state |= {"frozen_at": again["frozen_at"], "last_freeze": again["last_freeze"], "last_unfreeze": ended}
    assert shown(house.project, house.version) == UNFROZEN | state
    assert again["last_freeze"]["at"] == again["frozen_at"] > ended["at"]


def test_detail_and_preflight_say_which_frozen_versions_share_packs(house: House) -> None:
    beside = house.project.new_approved_pack(own_rows())
    both = house.project.new_version(house.pack, beside)
    assert shown(house.project, both)["frozen_overlap"] == []
    assert house.project.preflight(house.pack, beside)["frozen_overlap"] == []
    frozen(house.project, house.version)
    one = [overlap(house.version, house.project, house.pack)]
    assert shown(house.project, both)["frozen_overlap"] == one
    assert shown(house.project, house.version)["frozen_overlap"] == []
    found = house.project.preflight(house.pack, beside)
    issues = {issue["code"]: issue["level"] for issue in found["issues"]}
    assert (found["frozen_overlap"], issues["FROZEN_OVERLAP"], found["buildable"]) == (one, "warning", True)
    apart = house.project.preflight(beside)
    assert apart["frozen_overlap"] == []
    assert "FROZEN_OVERLAP" not in {issue["code"] for issue in apart["issues"]}
    frozen(house.project, both)
    assert shown(house.project, house.version)["frozen_overlap"] == [overlap(both, house.project, house.pack)]
    counts = [told["label_pack_count"] for told in house.project.preflight(house.pack, beside)["frozen_overlap"]]
    assert counts == [1, 2]


def test_a_frozen_version_is_not_named_to_one_who_cannot_see_it(house: House, registry: Registry) -> None:
    hidden = registry.new_project(registry.new_namespace())
    owner = registry.api("owner", hidden.workspace)
    built = owner.post(f"{VERSIONS}/build", build_body(house.pack))
    owner.wait(built["job_id"], poll_s=0.05)
    frozen(hidden, built["dataset_version_id"])
    told = overlap(built["dataset_version_id"], hidden, house.pack)
    nameless = told | {"dataset_version_id": None, "workspace": None}
    refused = problem(house.project.take_use(house.version), 403, LEAKAGE)
    assert refused["frozen_overlap"] == [nameless]
    assert hidden.workspace not in json.dumps(refused)
    assert house.project.freeze_history(house.version)[0]["facts"]["frozen_overlap"] == [told]  # Ops see every project
    assert house.project.preflight(house.pack)["frozen_overlap"] == [nameless]
    for person, found in (("editor", nameless), ("viewer", nameless), ("owner", told), ("support", told)):
        assert shown(house.project, house.version, person)["frozen_overlap"] == [found]
    assert problem(house.project.take_use(house.version, person="owner"), 403, LEAKAGE)["frozen_overlap"] == [told]
