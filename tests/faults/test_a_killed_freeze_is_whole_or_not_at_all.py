"""A freeze of ten thousand label packs is killed at any of its calls: the version is frozen or not, never between.

Then the sweeper runs, which has nothing to do with it, and the caller asks again.
"""

import json
from typing import Any

import pytest

from packhouse.builds.store import BuildStore
from tests.bench.freezes import EDITOR, HASHES, OPS, PACKS, PROJECTS, WORKSPACE, included_packs, item_bytes, put_version
from tests.faults.kinds import Fault, Kind, iter_crashes
from tests.faults.world import World

Json = dict[str, Any]
TRAINED = 100


@pytest.fixture(scope="module")
def version(world: World) -> str:
    """A version with sources in three projects; another one of some of its packs was trained on before."""
    world.sweep()  # binds its stores in an order of its own
    packs, store = included_packs("many", PACKS), BuildStore("BuildsTable")
    used = put_version(store, world.data, packs[:TRAINED], HASHES)
    path = f"/api/v1/datasets/{used}/uses"
    use = world.request("POST", path, {"purpose": "training"}, caller=EDITOR, workspace=str(WORKSPACE))
    assert use.status == 201, use.text
    assert (
        world.request("DELETE", f"{path}/{use.body['use_id']}", caller=EDITOR, workspace=str(WORKSPACE)).status == 200
    )
    return put_version(store, world.data, packs, HASHES)


def freeze(world: World, version: str, fault: Fault | None) -> Json | None:
    headers, workspace = {"Idempotency-Key": "the-one-freeze"}, str(WORKSPACE)
    path = f"/api/v1/datasets/{version}/freeze"
    answered = world.disturbed(fault, "POST", path, {}, headers, OPS, workspace)
    assert answered is None or answered.status == 200, answered.text
    return answered.body if answered else None


def standing(world: World, version: str) -> tuple[bool, bool, int, int, int]:
    """Whether it is frozen by its state and by the list, the registry's epoch, its entries and its request's."""
    items = {(item["pk"]["S"], item["sk"]["S"]): item for item in world.items("EvaluationTable", "")}
    state, fence = items.get((f"DSV#{version}", "STATE")), items.get(("FENCE", "META"))
    is_frozen = state is not None and json.loads(state["body"]["S"])["is_frozen_test_set"]
    entries, kept = world.items("AuditTable", f"AUDIT#{version}"), world.items("IdempotencyTable", "")
    return (
        is_frozen,
        ("FROZEN", f"DSV#{version}") in items,
        int(fence["epoch"]["N"]) if fence else 0,
        len(entries),
        len(kept),
    )


UNFROZEN, FROZEN = (False, False, 0, 0, 0), (True, True, 1, 1, 1)


def test_it_is_frozen_or_not_whenever_it_is_killed(world: World, version: str) -> None:
    ground = world.remember()
    told = freeze(world, version, None)
    calls = list(world.gate.operations)
    assert told is not None
    assert (told["prior_exposure_count"], told["prior_exposures"][0]["label_pack_count"]) == (1, TRAINED)
    assert standing(world, version) == FROZEN
    for kill in iter_crashes(len(calls)):
        world.recall(ground)
        assert freeze(world, version, kill) is None
        is_behind = kill == Fault(len(calls) - 1, Kind.CRASH_AFTER)
        assert standing(world, version) == (FROZEN if is_behind else UNFROZEN), kill
        world.sweep(later_seconds=3 * 24 * 3600)
        assert standing(world, version) == (FROZEN if is_behind else UNFROZEN), kill
        assert freeze(world, version, None) is not None
        assert standing(world, version) == FROZEN, kill
    world.recall(ground)


def test_it_costs_as_many_calls_as_one_of_few_packs_and_small_items(world: World, version: str) -> None:
    few = put_version(BuildStore("BuildsTable"), world.data, included_packs("many", PROJECTS), HASHES)
    spent = {}
    for each in (few, version):
        ground = world.remember()
        freeze(world, each, None)
        spent[each] = [operation for operation in world.gate.operations if operation.startswith("dynamodb.")]
        sizes = [item_bytes(item) for name in ("EvaluationTable", "AuditTable") for item in world.items(name, "")]
        assert max(sizes) < 20_000
        world.recall(ground)
    assert spent[version] == spent[few]
    assert spent[version][-1] == "dynamodb.TransactWriteItems"
    assert spent[version].count("dynamodb.TransactWriteItems") == 1
