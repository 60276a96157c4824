"""One snapshot, built again and again in a process of its own: prints the SHA-256 of all that each build left.

python -m tests.faults.same_versions <process> <builds>

The uploads are the same in every process, and so are the ids, which are counted. What must not matter is drawn by the
number of the process and the build: the order of the packs and how often one is named, of the units, shards and files,
how much is read side by side, the bytes of blocks and parts; and the day is another in each process.
"""

import json
import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Any, Self
from unittest import mock

import moto.s3.models

from packhouse.aws import clock, objects
from packhouse.aws.objects import sha256_hex
from tests.faults.drawn_builds import Built, Ground, lay_ground, request, small_parts
from tests.faults.machine import Machine
from tests.faults.same_exports import counted_ids
from tests.faults.world import World, opened

Json = dict[str, Any]


class Shuffled(Machine):
    """A machine whose maps take their items in any order."""

    def __init__(self, made: Machine, chance: random.Random) -> None:
        super().__init__("dataset_build", made.invoke, made._read)
        self._chance = chance

    def _map(self, state: Json, payload: Json) -> list[Json]:
        read, self._read = self._read, lambda key: json.dumps(self._shuffled(json.loads(read(key)))).encode()
        try:
            if "ItemsPath" in state:
                _, task, name = state["ItemsPath"].split(".")
                payload = payload | {task: payload[task] | {name: self._shuffled(payload[task][name])}}
            return super()._map(state, payload)
        finally:
            self._read = read

    def _shuffled(self, items: list[Json]) -> list[Json]:
        return self._chance.sample(items, len(items))


@contextmanager
def another_day(days: int) -> Iterator[None]:
    """Let the registry's clock be so many days ahead, in the block."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(days=days)

    with mock.patch.object(clock, "datetime", Ahead):
        yield


@contextmanager
def drawn_sizes(chance: random.Random) -> Iterator[None]:
    """Draw how much is read side by side, and the bytes of blocks and parts, for the block."""
    least = chance.randint(100, 2_000)
    sizes = {
        "SIDE_BY_SIDE": chance.randint(1, 16),
        "_AHEAD": chance.randint(1, 64),
        "BLOCK_BYTES": chance.choice([61, 500, 4_096, 1_000_000]),
        "LEAST_PART_BYTES": least,
        "PART_BYTES": least + chance.randint(0, 3_000),
    }
    with ExitStack() as here:
        here.enter_context(mock.patch.object(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", least))
        for name, size in sizes.items():
            here.enter_context(mock.patch.object(objects, name, size))
        yield


def build(world: World, ground: Ground, chance: random.Random) -> Json:
    """Build a version of its own and return what tells it from all others."""
    named = ground.packs + chance.sample(ground.packs, 1)
    built = request(world, ground, label_pack_ids=chance.sample(named, len(named)), force=True)
    with drawn_sizes(chance):
        world.run_job(built.job_id)
    found = world.call("GET", built.path)["provenance"]
    return {"manifest_hash": found["manifest_hash"], "objects": left_by(world, built)}


def left_by(world: World, built: Built) -> dict[str, str]:
    """Return the SHA-256 of every object of a version by its name; its own id in them is left out."""
    prefix = built.prefix
    return {
        key.removeprefix(prefix): sha256_hex(body.replace(prefix.encode(), b""))
        for _, key, body in world.buckets.contents()
        if key.startswith(prefix)
    }


def main(process: str, builds: str) -> int:
    """Print a line a build."""
    with counted_ids(), small_parts(), another_day(int(process)), opened() as world:
        ground = lay_ground(world)
        machine = world.machines["dataset_build"]
        for number in range(int(builds)):
            chance = random.Random(f"{process} {number}")  # noqa: S311  an order, no secret
            world.machines["dataset_build"] = Shuffled(machine, chance)
            sys.stdout.write(json.dumps(build(world, ground, chance), sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
