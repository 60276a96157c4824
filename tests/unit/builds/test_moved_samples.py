"""A build that sticks to a version says which samples leave their split all the same, since they were regrouped."""

import json
from typing import Any

from tests.faults.world import World, opened
from tests.registry import ball_rows

Json = dict[str, Any]
BUILD = "/api/v1/datasets/build"


def issues_of(world: World, packs: list[str], sticky_to: str) -> list[Json]:
    """Return what a preflight says of samples that move, which is what the build's plan says."""
    wanted = {"capability": "ball_detection", "label_pack_ids": packs, "split": {"sticky_to": sticky_to}}
    said = world.call("POST", f"{BUILD}/preflight", wanted)
    built = world.call("POST", BUILD, wanted)
    world.run_job(built["job_id"])
    _, payload = world.job(built["job_id"])
    assert json.loads(world.data.read(f"{payload['prefix']}plan.json"))["issues"] == said["issues"]
    return [issue for issue in said["issues"] if issue["code"] in {"SAMPLES_MOVED", "MOVES_NOT_COUNTED"}]


def test_a_regrouped_sample_is_told_with_both_splits() -> None:
    with opened() as world:
        rows = ball_rows(groups=10, samples=2)
        pack = world.approved_pack(rows)
        first = world.call("POST", BUILD, {"capability": "ball_detection", "label_pack_ids": [pack]})
        world.run_job(first["job_id"])
        kept = first["dataset_version_id"]
        _, payload = world.job(first["job_id"])
        groups = json.loads(world.data.read(f"{payload['prefix']}assignment.json"))["groups"]
        homes = {split: next(group for group, home in groups.items() if home == split) for split in ("train", "test")}

        beside = world.approved_pack(ball_rows(groups=2, samples=2, prefix="n"))
        assert issues_of(world, [pack, beside], kept) == []

        leaving = next(row for row in rows if row["group"] == homes["test"])
        regrouped = world.approved_pack([leaving | {"group": homes["train"]}])
        (issue,) = issues_of(world, [pack, regrouped], kept)
        assert (issue["code"], issue["level"]) == ("SAMPLES_MOVED", "warning")
        assert issue["detail"].endswith("from test to train: 1.")
