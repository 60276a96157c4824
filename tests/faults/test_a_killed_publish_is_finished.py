"""A publish is killed at any of its calls: whoever goes on, the next request or the sweeper, leaves the same.

Until its first transaction nothing has happened, and the sweeper does nothing; from then on nobody writes to the set.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.faults.annotation_cases import Draft, edited
from tests.faults.kinds import Fault, Kind, iter_crashes
from tests.faults.pictures import picture
from tests.faults.set_standings import left_over, missing
from tests.faults.set_sweeps import OVERDUE_SECONDS
from tests.faults.single_faults import iter_differences
from tests.faults.world import ANNOTATIONS, CHORE, Memory, World


class Ground(NamedTuple):
    """A draft with batches and edits, and what there is when it is published without a fault."""

    draft: Draft
    memory: Memory
    calls: tuple[str, ...]
    published: list[str]


@pytest.fixture(scope="module")
def ground(world: World) -> Ground:
    draft, _ = edited(world)
    memory = world.remember()
    publish(world, draft, None)
    calls = tuple(world.gate.operations)
    return Ground(draft, memory, calls, settled(world, draft))


def publish(world: World, draft: Draft, fault: Fault | None) -> int | None:
    answered = world.disturbed(fault, "POST", f"{draft.path}/publish")
    return answered.status if answered else None


def settled(world: World, draft: Draft) -> list[str]:
    """Everything there is when the sweeper has done what is left, a set and its rows as callers see them."""
    world.settle()
    assert [*missing(world), *left_over(world)] == []
    return picture(world, (draft.path, draft.rows))


def publish_again(world: World, draft: Draft) -> None:
    assert publish(world, draft, None) == 200


def sweep(world: World, _: Draft) -> None:
    world.sweep_sets(later_seconds=OVERDUE_SECONDS)


@pytest.mark.parametrize("go_on", [publish_again, sweep])
def test_whoever_goes_on_leaves_what_the_undisturbed_publish_leaves(
    world: World, ground: Ground, go_on: Callable[[World, Draft], None]
) -> None:
    shut = ground.calls.index("dynamodb.TransactWriteItems")
    done = len(ground.calls) - 1
    assert ground.calls.count("dynamodb.TransactWriteItems") == 2
    assert ground.calls[done] == "dynamodb.TransactWriteItems"
    for kill in iter_crashes(len(ground.calls)):
        world.recall(ground.memory)
        assert publish(world, ground.draft, kill) is None
        is_shut = kill.call > shut or kill == Fault(shut, Kind.CRASH_AFTER)
        is_done = kill == Fault(done, Kind.CRASH_AFTER)
        assert world.call("GET", ground.draft.path)["status"] == ("published" if is_done else "draft"), kill
        refused = world.request("POST", ground.draft.rows, ground.draft.row(7)).status if is_shut else None
        assert refused in {None, 409}, kill
        if go_on is sweep or not is_done:
            go_on(world, ground.draft)
        if go_on is sweep and not is_shut:
            assert world.call("GET", ground.draft.path)["status"] == "draft"
            assert not world.items(ANNOTATIONS, CHORE)
            publish_again(world, ground.draft)
        assert list(iter_differences(ground.published, settled(world, ground.draft))) == [], kill
    world.recall(ground.memory)


def test_a_request_whose_publish_the_sweeper_finished_is_answered_as_if_it_had_been_its_own(
    world: World, ground: Ground
) -> None:
    path, key = f"{ground.draft.path}/publish", {"Idempotency-Key": "the-one-publish"}
    shut = ground.calls.index("dynamodb.TransactWriteItems")
    world.recall(ground.memory)
    assert world.disturbed(Fault(shut, Kind.CRASH_AFTER), "POST", path, None, key) is None
    sweep(world, ground.draft)
    again = [world.request("POST", path, None, key) for _ in range(2)]
    assert [answered.status for answered in again] == [200, 200]
    assert again[0].body == again[1].body == world.call("GET", ground.draft.path)
    assert world.request("POST", path).body["code"] == "ANNOTATION_SET_PUBLISHED"
    world.recall(ground.memory)
