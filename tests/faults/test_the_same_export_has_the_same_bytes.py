"""Equal imports and an equal request come to equal bytes: in any process, time zone and order of their parts."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from local import ROOT
from tests.faults.exports import Asked, made, rollouts, send, small_units, uploaded
from tests.faults.world import World

Json = dict[str, Any]
CORE = ROOT / "layers" / "core" / "python"
PROCESSES = [("0", "UTC", "forwards"), ("1", "Asia/Kathmandu", "forwards"), ("4242", "America/St_Johns", "backwards")]


def printed(hash_seed: str, zone: str, order: str) -> Json:
    told = {"PYTHONHASHSEED": hash_seed, "TZ": zone, "PYTHONPATH": f"{CORE}:{ROOT}"}
    command = [sys.executable, "-m", "tests.faults.same_exports", order]
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **told}, capture_output=True, text=True, check=True)
    found: Json = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_processes_make_one_dataset_whatever_their_hashes_zones_and_orders() -> None:
    first, *others = [printed(*process) for process in PROCESSES]
    assert first["manifest_hash"].startswith("sha256:")
    assert first["left_out"].keys() >= {"NEAR_DUPLICATE", "NOT_SAMPLED", "OVERLAPS_DATASET", "REPEATED_ROLLOUT"}
    assert others == [first, first]


def facts(world: World, asked: Asked) -> tuple[str, dict[str, str]]:
    sealed = world.call("GET", asked.path)["sealed"]
    return sealed["manifest_hash"], {file["name"]: file["sha256"] for file in sealed["files"]}


@pytest.fixture(scope="module")
def imports(world: World) -> None:
    for prefix in ("a", "b", "c"):
        send(world, prefix=prefix)


@pytest.mark.usefixtures("imports")
def test_one_world_makes_one_dataset_again_and_again(world: World) -> None:
    found = [facts(world, made(world, max_rows=8, seed=5)) for _ in range(3)]
    assert found[1:] == found[:1] * 2
    assert facts(world, made(world, max_rows=8, seed=6))[0] != found[0][0]


@pytest.mark.usefixtures("imports")
def test_the_rows_are_the_same_in_one_unit_and_in_several(world: World) -> None:
    whole = facts(world, made(world, max_rows=8))[1]
    with small_units():
        apart = facts(world, made(world, max_rows=8))[1]
    rows = {name for name in whole if name != "manifest.json"}
    assert {name: apart[name] for name in rows} == {name: whole[name] for name in rows}


def test_the_rows_are_the_same_whether_they_came_inline_or_by_upload(world: World) -> None:
    inline, other = world.new_project(), "acme/by-upload"
    send(world, 9, workspace=inline)
    world.call("POST", "/namespaces/acme/projects", {"slug": "by-upload", "name": "By upload"})
    path = uploaded(world, rollouts(9), other)
    world.run_job(world.call("POST", f"{path}/submit", None, other)["job_id"])
    files = []
    for workspace in (inline, other):
        told = world.call("POST", "/api/v1/training-datasets", {"name": "of nine"}, workspace)
        world.run_job(told["job_id"])
        found = world.call("GET", f"/api/v1/training-datasets/{told['training_dataset_id']}", workspace=workspace)
        files.append({file["name"]: file["sha256"] for file in found["sealed"]["files"]})
    unlike = {name for name in files[0] if files[0][name] != files[1][name]}
    assert unlike == {"lineage.ndjson", "lineage.ndjson.gz", "manifest.json"}
