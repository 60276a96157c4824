"""Pages of a query: as long as asked for, none twice and none lost, and bounded where a filter lets little through."""

from typing import Any

import pytest

from packhouse.aws.dynamo import LOOKED_AT, Place, filtered, section
from tests.bench.wire import Wire
from tests.unit.aws.things import Thing, bound

MANY = 1_200


@pytest.fixture
def things(wire: Wire) -> Wire:
    """Twelve hundred things in one partition, every hundredth of them rare."""
    bound()
    with Thing.batch_write() as batch:
        for number in range(MANY):
            batch.save(Thing("ALL", f"{number:05d}", state="common" if number % 100 else "rare"))
    wire.take()
    return wire


def page(
    limit: int, after: Place | None = None, *, state: str = "", looked_at: int = LOOKED_AT
) -> tuple[list[str], Place | None]:
    how: dict[str, Any] = {"limit": limit + 1}
    if state:
        how = {"filter_condition": filtered(Thing, {"state": state}), "page_size": 50}
    items, rest = section(Thing.query("ALL", last_evaluated_key=after, **how), limit, looked_at)
    return [item["sk"]["S"] for item in items], rest


@pytest.mark.parametrize("limit", [1, 7, 200, MANY, MANY + 1])
def test_every_item_is_on_one_page(things: Wire, limit: int) -> None:
    seen, rest = page(limit)
    pages = 1
    while rest is not None and pages < 9:
        more, rest = page(limit, rest)
        seen, pages = seen + more, pages + 1
    assert seen == [f"{number:05d}" for number in range(len(seen))]
    assert len(seen) == min(limit * 9, MANY)
    assert len(things.take().of("dynamodb")) == pages


@pytest.mark.parametrize("limit", [200, 400, 600, MANY])
def test_a_whole_number_of_pages_ends_with_a_full_one(things: Wire, limit: int) -> None:
    seen, rest = page(limit)
    while rest is not None:
        more, rest = page(limit, rest)
        assert len(more) == limit
        seen += more
    assert seen == [f"{number:05d}" for number in range(MANY)]
    assert len(things.take().of("dynamodb")) == MANY // limit


@pytest.mark.parametrize("limit", [1, 4, 6, 12])
def test_a_whole_number_of_pages_of_what_passes_a_filter_ends_with_a_full_one(things: Wire, limit: int) -> None:
    seen, rest = page(limit, state="rare")
    while rest is not None:
        more, rest = page(limit, rest, state="rare")
        assert len(more) == limit
        seen += more
    assert seen == [f"{number:05d}" for number in range(0, MANY, 100)]


def test_a_page_of_what_passes_a_filter_reads_on_until_it_is_full(things: Wire) -> None:
    first, rest = page(3, state="rare")
    assert first == ["00000", "00100", "00200"]
    more, end = page(50, rest, state="rare")
    assert more == [f"{number:05d}" for number in range(300, MANY, 100)]
    assert end is None


def test_a_page_that_looked_at_enough_is_short_and_goes_on(things: Wire) -> None:
    first, rest = page(50, state="rare", looked_at=500)
    assert first == [f"{number:05d}" for number in range(0, 500, 100)]
    second, rest = page(50, rest, state="rare", looked_at=500)
    assert second == [f"{number:05d}" for number in range(500, 1_000, 100)]
    assert page(50, rest, state="rare") == ([f"{number:05d}" for number in range(1_000, MANY, 100)], None)


def test_a_filter_of_nothing_is_none(things: Wire) -> None:
    assert filtered(Thing, {}) is None
    assert page(50, state="nowhere") == ([], None)
