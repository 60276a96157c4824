"""Rollouts are listed page by page over imports and blocks of chunks: each once, in the order in which they came."""

import json
from dataclasses import replace
from typing import Any

import pytest

from packhouse.access.model import Principal, Workspace
from packhouse.access.store import AccessStore
from packhouse.aws.objects import Objects
from packhouse.aws.once import Once
from packhouse.catalog.service import Catalog
from packhouse.catalog.store import CatalogStore
from packhouse.errors import NotFoundError, RequestFaultsError
from packhouse.jobs.store import JobStore
from packhouse.rollouts.rules import Address, find_address
from packhouse.rollouts.service import BLOCK_BYTES, READ_BYTES, Rollouts
from packhouse.rollouts.store import RolloutStore
from tests.bench.wire import Wire
from tests.unit.pipeline.rendered import canonical, session

PLACE = Workspace("acme", "coach")
CALLER = Principal(principal_id="user")
SIZES = (1, 40, 3 * BLOCK_BYTES, 7, BLOCK_BYTES, BLOCK_BYTES - 300, 2, 2 * BLOCK_BYTES + 5, 12)


@pytest.fixture
def rollouts(wire: Wire) -> Rollouts:
    """The use cases, on a project of their own."""
    catalog = CatalogStore("CatalogTable")
    projects = Catalog(catalog, AccessStore("AccessTable"))
    projects.create_namespace(PLACE.namespace, "Acme", CALLER, Once())
    projects.create_project(PLACE, "Coach", None, Once())
    wire.take()
    return Rollouts(
        RolloutStore("TrainingTable"),
        JobStore("BuildsTable"),
        catalog,
        Objects("databucket"),
        Objects("uploadsbucket"),
        "arn:aws:states:us-east-1:0:stateMachine:rollout-ingest",
    )


def sent(name: str, size: int = 1, **more: Any) -> bytes:
    """Return a rollout whose line is about so many bytes long."""
    return canonical(session(name, said="x" * size, **more))


def listed(rollouts: Rollouts, limit: int, filters: dict[str, str] | None = None) -> tuple[list[str], int]:
    """Return the names of all rollouts, by pages, and how many pages there are."""
    names, pages = [], 0
    after: dict[str, Any] | None = None
    while True:
        rows, after = rollouts.list_rollouts(PLACE, filters or {}, limit, json.loads(json.dumps(after)))
        names += [row.rollout_id for row in rows]
        pages += 1
        if after is None:
            return names, pages


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
def test_every_rollout_is_listed_once_whatever_its_size_and_that_of_a_page(rollouts: Rollouts, limit: int) -> None:
    names = []
    for number in range(3):
        batch = [f"r{number}-{place}" for place in range(len(SIZES))]
        rollouts.add(PLACE, [sent(*pair) for pair in zip(batch, SIZES, strict=True)], CALLER, Once())
        names += batch
    assert listed(rollouts, limit)[0] == names


def test_every_id_leads_to_its_rollout(rollouts: Rollouts) -> None:
    lines = [sent(f"r{place}", size) for place, size in enumerate(SIZES)]
    added = rollouts.add(PLACE, lines, CALLER, Once())
    for rollout, line in zip(added.ids, lines, strict=True):
        assert rollouts.get_rollout(PLACE, rollout)[1] == line
    assert list(added.ids) == sorted(added.ids)


def test_a_look_at_a_rollout_is_one_read_of_the_table(rollouts: Rollouts, wire: Wire) -> None:
    added = rollouts.add(PLACE, [sent("a"), sent("b")], CALLER, Once())
    wire.take()
    rollouts.get_rollout(PLACE, added.ids[1])
    assert wire.take().of("dynamodb") == ("GetItem",)


def test_an_id_that_leads_into_a_line_or_nowhere_or_elsewhere_finds_nothing(rollouts: Rollouts) -> None:
    first = rollouts.add(PLACE, [sent("a"), sent("b")], CALLER, Once()).ids[0]
    address = find_address(first)
    assert address is not None
    made_up = [
        address._replace(offset=1).id,
        address._replace(offset=10**6).id,
        address._replace(part=1).id,
        Address("rim_01J9Z3K4M5N6P7Q8R9S0T1V2W3", 0, 0).id,
        first[:-1],
        first + "0",
        "../../secret",
    ]
    for rollout in made_up:
        with pytest.raises(NotFoundError, match="ROLLOUT_NOT_FOUND"):
            rollouts.get_rollout(PLACE, rollout)
    with pytest.raises(NotFoundError, match="ROLLOUT_NOT_FOUND"):
        rollouts.get_rollout(Workspace("acme", "other"), first)


def test_filters_pass_over_what_is_not_wanted_and_a_page_that_looked_far_is_short(rollouts: Rollouts) -> None:
    large = [sent(f"r{number}", 900_000, scenario="sc_9" if number == 19 else "sc_1") for number in range(20)]
    for at in range(0, 20, 4):
        rollouts.add(PLACE, large[at : at + 4], CALLER, Once())
    names, pages = listed(rollouts, 5, {"scenario_id": "sc_9"})
    assert names == ["r19"]
    assert pages > 1
    assert listed(rollouts, 50, {"rollout_id": "r3", "status": "completed"})[0] == ["r3"]
    assert listed(rollouts, 50, {"rollout_id": "r3", "status": "aborted"})[0] == []


def test_a_fault_is_told_by_its_place_in_the_body_and_nothing_is_taken_in(rollouts: Rollouts) -> None:
    with pytest.raises(RequestFaultsError) as refused:
        rollouts.add(PLACE, [sent("a"), b'{"rollout_id":1}', sent("a")], CALLER, Once())
    told = {fault.loc: fault.reason for fault in refused.value.faults}
    assert told.keys() == {"/rollouts/1/rollout_id", "/rollouts/2/rollout_id"}
    assert "DUPLICATE_ROLLOUT_ID" in told["/rollouts/2/rollout_id"]
    assert listed(rollouts, 5) == ([], 1)


def test_many_small_imports_are_read_side_by_side_and_a_page_looks_at_so_many(rollouts: Rollouts, wire: Wire) -> None:
    for number in range(60):
        rollouts.add(PLACE, [sent(f"r{number}")], CALLER, Once())
    wire.take()
    impatient = replace(rollouts, looked_at_bytes=20 * READ_BYTES)
    rows, after = impatient.list_rollouts(PLACE, {"rollout_id": "r59"}, 50, None)
    assert rows == []
    assert after is not None
    assert wire.take().of("s3").count("GetObject") < 40
    assert listed(impatient, 50, {"rollout_id": "r59"}) == (["r59"], 3)
