"""Ten thousand annotations that come together: readers see all of them or none, whatever a call of the request meets.

What is seen behind each call is seen where the process ends behind it. Repeated under its key the bulk is there once.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from packhouse.annotations.model import BULK_ROWS
from tests.faults.annotation_cases import Draft, draft
from tests.faults.kinds import CRASHES, Fault, Kind
from tests.faults.set_standings import left_over, missing
from tests.faults.single_faults import Request
from tests.faults.world import World

PAGE = 6_000
NEXT = re.compile(r'<([^>]+)>; rel="next"')
KINDS = (Kind.CRASH_AFTER, Kind.ERROR, Kind.TIMEOUT_AFTER)


@pytest.fixture(scope="module")
def there(world: World) -> Draft:
    """A draft with two annotations."""
    made = draft(world)
    world.call("POST", made.rows, made.row(40_000))
    world.call("POST", f"{made.rows}/bulk", made.many(1, 50_000))
    return made


def pages(world: World, there: Draft) -> Iterator[list[Any]]:
    """Yield the pages of the draft as a caller turns them."""
    path: str | None = f"{there.rows}?limit={PAGE}"
    while path:
        shown = world.request("GET", path)
        assert shown.status == 200, shown.text
        yield list(shown.body)
        found = NEXT.search(shown.headers.get("Link", ""))
        path = f"{there.rows}{found[1]}" if found else None


def shown(world: World, there: Draft) -> int:
    """Return how many of the ten thousand are shown; each once, and the two that were there before beside them."""
    ids = [row["id"] for page in pages(world, there) for row in page]
    assert len(ids) == len(set(ids))
    assert world.call("GET", there.path)["total_annotations"] == len(ids)
    return len(ids) - 2


def iter_faults(calls: int) -> Iterator[Fault]:
    for call in range(calls):
        for kind in KINDS:
            yield Fault(call, kind, sustained=kind not in CRASHES)


def bulk(there: Draft) -> Request:
    rows = [there.row(5 * number, "long_pause", number % 2) for number in range(BULK_ROWS)]
    return Request("POST", f"{there.rows}/bulk", {"annotations": rows})


def send(world: World, request: Request, fault: Fault | None) -> int | None:
    answered = world.disturbed(fault, request.method, request.path, request.body, request.headers)
    return answered.status if answered else None


def test_all_of_it_is_shown_or_none_and_a_repeat_adds_nothing(world: World, there: Draft) -> None:
    request, ground = bulk(there), world.remember()
    assert send(world, request, None) == 201
    calls = tuple(world.gate.operations)
    assert shown(world, there) == BULK_ROWS
    seen = set()
    for fault in iter_faults(len(calls)):
        world.recall(ground)
        status = send(world, request, fault)
        assert status == (None if fault.kind in CRASHES else 503), fault
        is_there = shown(world, there)
        assert is_there in {0, BULK_ROWS}, fault
        seen.add((fault.kind, is_there))
        if fault.kind in CRASHES:
            assert send(world, request, None) == 201, fault
            assert shown(world, there) == BULK_ROWS, fault
            world.settle()
            assert [*missing(world), *left_over(world)] == [], fault
    assert seen >= {(Kind.CRASH_AFTER, 0), (Kind.CRASH_AFTER, BULK_ROWS), (Kind.ERROR, 0)}
    world.recall(ground)
