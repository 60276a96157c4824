"""A version is judged by the policy that was in force when it was requested; a newer one is a file and no more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from packhouse.aws import dynamo
from tests.faults.judged_builds import (
    BUILD,
    PolicyFolder,
    detail,
    enforcing,
    few_rows,
    pack_of,
    policies_below,
    put_asset,
    requested,
    run,
)
from tests.faults.world import World

Json = dict[str, Any]
BALL, PLAYERS, SOUNDS = "ball_detection", "player_detection", "audio_artifact_detection"
FEW = {"code": "LOW_SAMPLE_COUNT", "level": "warning", "measure": "samples", "at_least": 1000}
FEWER = {"code": "FEW_SAMPLES", "level": "warning", "measure": "samples", "at_least": 50}
V1 = ["LOW_SAMPLE_COUNT"]


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Iterator[PolicyFolder]:
    ground = world.remember()
    put_asset(world)
    with policies_below(tmp_path) as below:
        yield below
    world.recall(ground)


def judged(world: World, built: Json) -> tuple[str | None, list[str]]:
    quality = detail(world, built)["quality"]
    return quality["policy_version"], [found["code"] for found in quality["indicators"]]


def reuse_fingerprint(world: World, pack: str, capability: str) -> str:
    body = {"capability": capability, "label_pack_ids": [pack]}
    return str(world.call("POST", f"{BUILD}/preflight", body)["reuse_fingerprint"])


@pytest.mark.parametrize("deployed_after", [None, "plan_build", "build_shard", "evaluate_quality", "materialize_shard"])
def test_what_was_requested_under_v1_is_judged_by_v1_whenever_v2_comes(
    world: World, folder: PolicyFolder, deployed_after: str | None
) -> None:
    pack = pack_of(world, few_rows(BALL))
    first = requested(world, pack)
    done: set[str] = set()

    def deploy(task: str | None) -> None:
        if task == deployed_after and not done:
            done.add("v2")
            folder.deploy("v2", [BALL], [FEWER])

    deploy(None)
    assert run(world, first, deploy)
    assert done
    assert judged(world, first) == ("v1", V1)
    manifest = json.loads(world.data.read(f"{world.job(first['job_id'])[1]['prefix']}manifest.json"))
    assert manifest["quality"]["policy_version"] == "v1"


@pytest.mark.parametrize("deployed_after", ["plan_build", "materialize_shard"])
def test_what_only_v2_refuses_ends_no_build_that_was_requested_under_v1(
    world: World, folder: PolicyFolder, deployed_after: str
) -> None:
    pack = pack_of(world, few_rows(BALL))
    first = requested(world, pack)
    shown: dict[str, Any] = {}

    def deploy(task: str) -> None:
        if task == deployed_after and "v2" not in shown:
            folder.deploy("v2", [BALL], [FEWER | {"level": "hard_fail"}])
            shown["v2"] = "deployed"
        if task in {"evaluate_quality", "settle_materialization"}:
            shown[task] = judged(world, first)

    with enforcing(world):
        assert run(world, first, deploy)
        assert shown == {"v2": "deployed", "evaluate_quality": ("v1", V1), "settle_materialization": ("v1", V1)}
        assert not run(world, requested(world, pack))


def test_new_requests_take_v2_and_make_a_version_of_their_own(world: World, folder: PolicyFolder) -> None:
    pack = pack_of(world, few_rows(BALL))
    first = requested(world, pack)
    assert run(world, first)
    assert requested(world, pack)["outcome"] == "reused_success"
    folder.deploy("v2", [BALL], [FEWER])
    second = requested(world, pack)
    assert (first["outcome"], second["outcome"]) == ("created", "created")
    assert first["reuse_fingerprint"] != second["reuse_fingerprint"]
    assert run(world, second)
    assert judged(world, second) == ("v2", ["FEW_SAMPLES"])
    assert judged(world, first) == ("v1", V1)
    again = requested(world, pack)
    assert (again["outcome"], again["dataset_version_id"]) == ("reused_success", second["dataset_version_id"])


def test_a_capability_that_v2_does_not_name_stays_with_v1(world: World, folder: PolicyFolder) -> None:
    ball, players = pack_of(world, few_rows(BALL)), pack_of(world, few_rows(PLAYERS), PLAYERS)
    before = [reuse_fingerprint(world, ball, BALL), reuse_fingerprint(world, players, PLAYERS)]
    folder.deploy("v2", [BALL], [FEWER])
    after = [reuse_fingerprint(world, ball, BALL), reuse_fingerprint(world, players, PLAYERS)]
    assert after[0] != before[0]
    assert after[1] == before[1]
    built = requested(world, players, PLAYERS)
    assert run(world, built)
    assert judged(world, built) == ("v1", [*V1, "CLASS_IMBALANCE"])


def test_a_capability_gets_its_first_policy_so(world: World, folder: PolicyFolder) -> None:
    pack = pack_of(world, few_rows(SOUNDS), SOUNDS)
    first = requested(world, pack, SOUNDS)
    folder.deploy("v2", [SOUNDS], [FEW])
    second = requested(world, pack, SOUNDS)
    for built in (first, second):
        assert run(world, built)
    assert judged(world, first) == (None, [])
    assert detail(world, first)["quality"] | {"stage": None} == {
        "status": "not_evaluated", "policy_version": None, "warnings": 0, "hard_fails": 0, "indicators": [],
        "badge": "Not evaluated", "stage": None,
    }  # fmt: skip
    assert judged(world, second) == ("v2", V1)
    assert first["reuse_fingerprint"] != second["reuse_fingerprint"]


def test_an_execution_that_is_started_again_is_given_the_same_policy(world: World, folder: PolicyFolder) -> None:
    built = requested(world, pack_of(world, few_rows(BALL)))
    before = world.job(built["job_id"])
    folder.deploy("v2", [BALL], [FEWER])
    del world.executions.status[built["job_id"]]
    world.sweep()
    assert built["job_id"] in world.executions.status
    assert world.job(built["job_id"]) == before
    assert before[1]["policy"] == "v1"


def test_a_version_from_before_policies_were_kept_is_shown_as_not_evaluated(world: World, folder: PolicyFolder) -> None:
    built = requested(world, pack_of(world, few_rows(BALL)))
    key = {"pk": {"S": f"DSV#{built['dataset_version_id']}"}, "sk": {"S": "META"}}
    client: Any = dynamo.connection().client
    (item,) = world.items("BuildsTable", key["pk"]["S"])
    body = {name: value for name, value in json.loads(item["body"]["S"]).items() if name != "policy"}
    update = "SET body = :body REMOVE quality"
    client.update_item(
        TableName="BuildsTable", Key=key, UpdateExpression=update,
        ExpressionAttributeValues={":body": {"S": json.dumps(body)}},
    )  # fmt: skip
    assert detail(world, built)["quality"]["badge"] == "Not evaluated"
    assert judged(world, built) == (None, [])
