"""What a preflight says is what the build does: the same packs, splits and refusals, whatever is asked."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from packhouse.access.model import Principal, Role
from packhouse.aws import dynamo
from tests.faults.world import World, opened
from tests.registry import ball_rows

Json = dict[str, Any]
BUILD = "/api/v1/datasets/build"
CASES = 500
RATIOS = [
    {"train": 0.8, "val": 0.1, "test": 0.1},
    {"train": 0.5, "val": 0.3, "test": 0.2},
    {"train": 0.9, "test": 0.1},
    {"train": 1.0},
    {"val": 0.0001, "test": 0.9999},
]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as made:
        yield made


@pytest.fixture(scope="module")
def packs(world: World) -> list[str]:
    """Packs that overlap, with and without splits of their own, eligible and not, and one that is not there."""
    chance = random.Random(4)  # noqa: S311  a pool, no secret
    found = []
    for number in range(10):
        samples = 4 if number == 9 else chance.randrange(1, 5)
        rows = ball_rows(groups=chance.randrange(1, 6), samples=samples, prefix=f"m{number % 4}")
        for place, row in enumerate(rows):
            if number % 3 == 0:  # the last one tears its groups
                row["split"] = ("train", "val")[place % 2] if number == 9 else ("train", "val", "test")[number // 3]
            if chance.random() < 0.2:
                row["labels"] = []
        found.append(world.approved_pack(rows))
    world.call("POST", f"/api/v1/label-packs/{found[1]}/review", {"decision": "reject"})
    world.call("POST", f"/api/v1/label-packs/{found[2]}/review", {"decision": "revoke"})
    other = world.call("POST", "/api/v1/label-packs", {"capability": "player_detection", "name": "another"})
    return [*found, other["label_pack_id"], "lp_nothing"]


@pytest.fixture(scope="module")
def kept(world: World, packs: list[str]) -> str:
    """A version that others stick to."""
    built = world.call("POST", BUILD, {"capability": "ball_detection", "label_pack_ids": packs[3:6], "name": "kept"})
    world.run_job(built["job_id"])
    return str(built["dataset_version_id"])


def drawn(seed: int, packs: list[str], kept: str) -> Json:
    """Return the body of a request that is drawn from a seed."""
    chance = random.Random(seed)  # noqa: S311  a request, no secret
    split: Json = {"strategy": chance.choice(["group_quota", "stratified_group", "group_hash", "predefined"])}
    if split["strategy"] != "predefined":
        split |= {"ratio": chance.choice(RATIOS), "seed": chance.randrange(3)}
        split |= {"sticky_to": kept} if chance.random() < 0.3 else {}
    pool = packs[:10:3] if split["strategy"] == "predefined" and chance.random() < 0.5 else packs
    ids = chance.sample(pool, chance.randrange(1, min(6, len(pool))))
    return {"capability": "ball_detection", "label_pack_ids": ids, "split": split, "force": chance.random() < 0.5}


def planned(world: World, job_id: str) -> Json:
    """Run the first task of a build alone and return the plan, or the code that the task ended with."""
    client: Any = dynamo.connection().client
    item = client.get_item(TableName="BuildsTable", Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "META"}})["Item"]
    payload = json.loads(item["body"]["S"])["execution_input"] | {"job_id": job_id}
    try:
        world.invoke("plan_build", payload)
    except Exception as error:  # the task's error is what the job ends with
        return {"refused": getattr(error, "code", repr(error))}
    plan: Json = json.loads(world.data.read(f"{payload['prefix']}plan.json"))
    return plan


def test_a_preflight_and_its_build_never_disagree(world: World, packs: list[str], kept: str) -> None:
    met: set[str] = set()
    ground = world.remember()
    for seed in range(CASES):
        if seed % 25 == 0:  # moto looks through all it holds
            world.recall(ground)
        body = drawn(seed - seed % 5 // 4, packs, kept)  # every fifth request is the one before again
        before = world.request("POST", f"{BUILD}/preflight", body)
        built = world.request("POST", BUILD, body)
        assert before.status == 200, before.text
        said = before.body
        errors = [issue["code"] for issue in said["issues"] if issue["level"] == "error"]
        met |= {issue["code"] for issue in said["issues"]} | {built.body.get("outcome", "refused")}
        assert said["buildable"] == (not errors)
        if built.status == 400:
            assert [built.body["code"]] == errors
            assert built.body["excluded_label_pack_ids"] == said["excluded_label_pack_ids"]
            continue
        for name in ("included_label_pack_ids", "excluded_label_pack_ids", "revisions", "reuse_fingerprint"):
            assert built.body[name] == said[name], (seed, name)
        if built.body["outcome"] != "created":
            continue
        plan = planned(world, built.body["job_id"])
        if "refused" in plan:
            assert plan["refused"] == errors[0], seed
            continue
        assert errors == [], seed
        assert plan["splits"] == said["split"]["counts"], seed
        assert plan["issues"] == said["issues"], seed
        assert {"DUPLICATE_SAMPLE": plan["duplicates"], "CONFLICTING_SAMPLE": plan["conflicts"]} == said["left_out"]
        assert sum(counts["samples"] for counts in plan["splits"].values()) == said["samples"]
    assert met >= {"created", "reused_in_progress", "refused", "SPLIT_NOT_GIVEN", "GROUP_IN_TWO_SPLITS", "SPLIT_EMPTY"}


def test_a_pack_that_the_caller_cannot_see_costs_the_reads_of_one_that_is_not_there(world: World) -> None:
    other = Principal(principal_id="user-other", memberships={"hidden": Role.OWNER})
    for path, body in (
        ("/namespaces", {"slug": "hidden", "name": "Hidden"}),
        ("/namespaces/hidden/projects", {"slug": "away", "name": "Away"}),
    ):
        assert world.handlers.call("POST", path, other, body).status == 201
    wanted = {"capability": "ball_detection", "name": "theirs"}
    theirs = world.handlers.call("POST", "/api/v1/label-packs", other, wanted, "hidden/away").body["label_pack_id"]
    told = []
    for label_pack_id in (theirs, "lp_nothing"):
        with world.gate.injecting(None):
            answered = world.request(
                "POST", f"{BUILD}/preflight", {"capability": "ball_detection", "label_pack_ids": [label_pack_id]}
            )
        told.append((answered.text.replace(label_pack_id, ""), tuple(world.gate.operations)))
    assert told[0][1] == told[1][1] == ("dynamodb.BatchGetItem",)
    assert json.loads(told[0][0])["excluded_label_pack_ids"] == json.loads(told[1][0])["excluded_label_pack_ids"]
