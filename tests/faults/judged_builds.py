"""Builds to be judged: packs of any capability, with assets or without, under enforcement and under more policies."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from packhouse.pipeline import policies
from tests.bench.handlers import Handlers
from tests.faults.machine import MachineFailed
from tests.faults.world import World
from tests.registry import rows_of

Json = dict[str, Any]
FLAG = "DATASET_QUALITY_ENFORCEMENT_ENABLED"
BUILD = "/api/v1/datasets/build"
THERE: Json = {"asset": "frame.jpg", "width": 1920, "height": 1080}


@contextmanager
def enforcing(world: World, *, enforced: bool = True) -> Iterator[None]:
    """The world's tasks as they are deployed with enforcement on, or off."""
    before = world.variables
    told = {FLAG: "true" if enforced else "false"}
    world.variables = {name: found | (told if FLAG in found else {}) for name, found in before.items()}
    world.handlers = Handlers(world.variables)
    try:
        yield
    finally:
        world.variables = before
        world.handlers = Handlers(before)


def put_asset(world: World) -> None:
    """Write the asset that rows name with `THERE`."""
    project = world.call("GET", "/namespaces/acme/projects/match-day")["id"]
    world.data.overwrite(f"projects/{project}/assets/{THERE['asset']}", b"a picture", "image/jpeg")


def pack_of(world: World, rows: list[Json], capability: str = "ball_detection") -> str:
    """Create a pack of a capability that goes into every build; return its id."""
    pack = world.call("POST", "/api/v1/label-packs", {"capability": capability, "name": "a pack"})
    pack_id = str(pack["label_pack_id"])
    path = f"/api/v1/label-packs/{pack_id}"
    revision = world.call("POST", f"{path}/revisions", {"rows": rows})["revision_id"]
    world.run_job(world.call("POST", f"{path}/revisions/{revision}/submit")["job_id"])
    world.call("POST", f"{path}/revisions/{revision}/eligibility", {"status": "REVIEWED"})
    world.call("POST", f"{path}/review", {"decision": "approve"})
    world.call("POST", f"{path}/revisions/{revision}/eligibility", {"status": "APPROVED"})
    return pack_id


def few_rows(capability: str, samples: int = 40) -> list[Json]:
    """Return rows that nothing but their small number speaks against."""
    return rows_of(capability, samples, **THERE)


def requested(world: World, pack_id: str, capability: str = "ball_detection", **more: Any) -> Json:
    """Request a build of one pack; return what is answered."""
    return world.call("POST", BUILD, {"capability": capability, "label_pack_ids": [pack_id], **more})


def run(world: World, built: Json, after: Callable[[str], None] = lambda _: None) -> bool:
    """Run a build to its end and return whether that was a good one; `after` is told of each task that was done."""

    def invoke(folder: str, payload: Json) -> Any:
        result = world.invoke(folder, payload)
        after(folder)
        return result

    machine = world.machines["dataset_build"]
    machine.invoke = invoke
    try:
        world.run_job(built["job_id"])
    except MachineFailed:
        return False
    finally:
        machine.invoke = world.invoke
    return True


def detail(world: World, built: Json) -> Json:
    return world.call("GET", f"/api/v1/datasets/{built['dataset_version_id']}")


def row(world: World, built: Json) -> Json:
    """Return the version as the list shows it."""
    listed = world.call("GET", "/api/v1/datasets?limit=200")["items"]
    return next(each for each in listed if each["dataset_version_id"] == built["dataset_version_id"])


class PolicyFolder:
    """The documents that are read, each deployment of more of them in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self._root, self._deployed = root, 0

    def deploy(self, version: str, capabilities: list[str], indicators: list[Json]) -> None:
        """Add one file to what there is."""
        document = {"version": version, "capabilities": capabilities, "indicators": indicators}
        self._deployed += 1
        folder = self._root / str(self._deployed)
        shutil.copytree(policies.FOLDER, folder)
        (folder / f"{version}.json").write_text(json.dumps(document))
        policies.FOLDER = folder


@contextmanager
def policies_below(root: Path) -> Iterator[PolicyFolder]:
    """More policies than are shipped, as long as the block lasts."""
    with patch.object(policies, "FOLDER", policies.FOLDER):
        yield PolicyFolder(root)
