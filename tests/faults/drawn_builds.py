"""Builds of rows that are drawn on pictures: two projects, several units, several shards a split, parts that S3 copies.

Of the rows some have no asset, or one that is not there, is empty or no picture; one is not labelled, one is empty, one
has a label that no picture takes; every second size is read from the picture's header.
"""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest import mock

import moto.s3.models
from PIL import Image

from packhouse.aws import objects
from packhouse.pipeline import plan
from tests.faults.world import OTHER_WORKSPACE, WORKSPACE, World
from tests.registry import ball_rows

Json = dict[str, Any]
DATASETS = "/api/v1/datasets"
BUILD = f"{DATASETS}/build"
SPLIT = {"strategy": "group_quota", "ratio": {"train": 0.5, "val": 0.25, "test": 0.25}, "seed": 3}
VERSION_FACTS = ("build_status", "materialization_status", "split", "quality", "materialization", "stats")
SIZE = (64, 48)
LEAST_PART_BYTES, PART_BYTES, BLOCK_BYTES = 300, 500, 128


class Ground(NamedTuple):
    """The packs that a build is of, and the projects that they lie in."""

    packs: list[str]
    project_ids: list[str]


class Built(NamedTuple):
    """A build that somebody asked for."""

    version_id: str
    job_id: str
    prefix: str

    @property
    def path(self) -> str:
        return f"{DATASETS}/{self.version_id}"


class Left(NamedTuple):
    """What a build left: the SHA-256 of its objects by name, and what is told of it."""

    objects: dict[str, str]
    facts: Json


@contextmanager
def small_parts(block: int = BLOCK_BYTES) -> Iterator[None]:
    """Make a unit of every chunk, and parts of a few hundred bytes, in the block."""
    sizes = {"LEAST_PART_BYTES": LEAST_PART_BYTES, "PART_BYTES": PART_BYTES, "BLOCK_BYTES": block}
    with ExitStack() as here:
        here.enter_context(mock.patch.object(plan, "UNIT_BYTES", 1))
        here.enter_context(mock.patch.object(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", LEAST_PART_BYTES))
        for name, size in sizes.items():
            here.enter_context(mock.patch.object(objects, name, size))
        yield


def png(width: int, height: int) -> bytes:
    """Return a black picture."""
    written = io.BytesIO()
    Image.new("L", (width, height)).save(written, "PNG")
    return written.getvalue()


def drawn_rows(prefix: str) -> list[Json]:
    """Return sixteen rows of a pack, in eight groups."""
    rows = ball_rows(groups=8, samples=2, prefix=prefix)
    for number, row in enumerate(rows):
        row["asset"] = f"frames/{row['sample_id']}.png"
        if number % 2:
            row["width"], row["height"] = SIZE
    rows[2]["labels"] = None
    rows[4]["labels"] = []
    rows[5]["labels"] *= 3
    del rows[6]["asset"]
    rows[8]["labels"] = [{"class": "ball", "point": {"x": 1.5, "y": 0.5}}]
    return rows


def lay_pictures(world: World, project_id: str, rows: list[Json]) -> None:
    """Write the assets of rows: all but one, one of them empty, one no picture."""
    bodies = {10: b"", 12: b"no picture"}
    for number, row in enumerate(rows):
        if "asset" in row and number != 14:
            key = f"projects/{project_id}/assets/{row['asset']}"
            world.data.write_once(key, bodies.get(number, png(*SIZE)), "image/png")


def lay_ground(world: World, prefixes: tuple[str, str] = ("ac", "b")) -> Ground:
    """Make packs with their pictures in two projects, one a letter; each was withdrawn something of before."""
    world.new_project()
    packs, project_ids = [], []
    for workspace, letters in zip((WORKSPACE, OTHER_WORKSPACE), prefixes, strict=True):
        namespace, _, slug = workspace.partition("/")
        project_ids.append(world.call("GET", f"/namespaces/{namespace}/projects/{slug}")["id"])
        revoked = world.approved_revision(ball_rows(1, 1, f"{letters}{letters}"), workspace)
        world.call("POST", f"{revoked}/eligibility", {"status": "REVOKED"}, workspace)
        for prefix in letters:
            rows = drawn_rows(prefix)
            lay_pictures(world, project_ids[-1], rows)
            packs.append(world.approved_pack(rows, workspace))
    return Ground(packs, project_ids)


def request(world: World, ground: Ground, **more: Any) -> Built:
    """Request a build of all packs."""
    body = {"capability": "ball_detection", "label_pack_ids": ground.packs, "split": SPLIT, **more}
    told = world.call("POST", BUILD, body)
    _, payload = world.job(told["job_id"])
    return Built(told["dataset_version_id"], told["job_id"], payload["prefix"])


def detail(world: World, built: Built) -> Json:
    """Return what is told of a version."""
    return world.call("GET", built.path)


def left_by(world: World, built: Built) -> Left:
    """Return what a build left that is ready, but the notes of tasks that came late."""
    found = detail(world, built)
    job = world.call("GET", f"/api/v1/jobs/{built.job_id}")
    facts = {name: found[name] for name in VERSION_FACTS} | {
        "manifest_hash": found["provenance"]["manifest_hash"],
        "job": {name: job[name] for name in ("status", "error", "done", "total")},
        "exports": exports_told(world, built),
        "row": row_told(world, built),
    }
    objects_left = world.objects(built.prefix)
    return Left({name: each for name, each in objects_left.items() if not name.startswith("failures/")}, facts)


def exports_told(world: World, built: Built) -> list[Json]:
    """Return what is told of a version's files, without their URLs."""
    files = world.call("GET", f"{built.path}/exports")["items"]
    return [{name: value for name, value in file.items() if name not in {"url", "expires_at"}} for file in files]


def row_told(world: World, built: Built) -> Json:
    """Return what a list of versions tells of one, without what differs between equal builds."""
    listed = world.call("GET", f"{DATASETS}?limit=200")["items"]
    row = next(each for each in listed if each["dataset_version_id"] == built.version_id)
    own = ("dataset_version_id", "version_id", "job_id", "created_at", "ended_at")
    return {name: value for name, value in row.items() if name not in own}


def differences(found: Left, wanted: Left) -> Json:
    """Return what is not as wanted, by name: what was found, and what was wanted."""
    told = [{**left.objects, **left.facts} for left in (found, wanted)]
    return {
        name: [each.get(name) for each in told] for name in told[0] | told[1] if told[0].get(name) != told[1].get(name)
    }
