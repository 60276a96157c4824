"""One training dataset, made in a process of its own: prints its manifest hash and the SHA-256 of its files.

python -m tests.faults.same_exports <order>      with the parts of its maps run from the first, or `backwards`

Ids and times are counted from nothing, so that two processes have the same imports.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from packhouse.pipeline import ingest
from tests.faults.exports import made, rollouts, send, small_units, uploaded
from tests.faults.machine import Machine
from tests.faults.world import World, opened

Json = dict[str, Any]
PART_BYTES = 700


@contextmanager
def counted_ids() -> Iterator[None]:
    """Count ids instead of drawing them, in the block."""
    counted = (f"01J{number:023d}" for number in itertools.count(1))
    with mock.patch("packhouse.aws.clock.ULID", side_effect=counted):
        yield


class Backwards(Machine):
    """A machine whose maps begin with their last item."""

    def _map(self, state: Json, payload: Json) -> list[Json]:
        read, self._read = self._read, lambda key: json.dumps(json.loads(read(key))[::-1]).encode()
        try:
            if "ItemsPath" in state:
                name = state["ItemsPath"].split(".")[1:]
                payload = payload | {name[0]: payload[name[0]] | {name[1]: payload[name[0]][name[1]][::-1]}}
            return super()._map(state, payload)
        finally:
            self._read = read


def make(world: World) -> Json:
    """Make the dataset from four imports and return what tells it from all others."""
    for prefix in ("a", "b", "a"):
        send(world, prefix=prefix)
    world.run_job(world.call("POST", f"{uploaded(world, rollouts(9))}/submit")["job_id"])
    other = made(world, scenario_ids=["scenario-1"]).id
    asked = made(world, exclude_overlap_with=[other], max_rows=7, seed=3)
    found = world.call("GET", asked.path)
    files = {file["name"]: file["sha256"] for file in found["sealed"]["files"]}
    return {"manifest_hash": found["sealed"]["manifest_hash"], "files": files, "left_out": found["left_out"]}


def main(order: str = "forwards") -> int:
    """Print it."""
    parts = mock.patch.object(ingest.cut_parts, "__defaults__", (PART_BYTES,))
    with counted_ids(), small_units(), parts, opened() as world:
        if order == "backwards":
            world.machines = {
                kind: Backwards(kind, world.invoke, world.data.read, world.executions) for kind in world.machines
            }
        sys.stdout.write(json.dumps(make(world), sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
