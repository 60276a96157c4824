"""The services of annotation sets in this process, on tables that are empty whenever a test begins."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.world import Memory, World, opened
from tests.unit.annotations.studio import Studio


@pytest.fixture(scope="module")
def remembered() -> Iterator[tuple[World, Memory]]:
    with opened() as world:
        yield world, world.remember()


@pytest.fixture
def new_studio(remembered: tuple[World, Memory]) -> Callable[[int], Studio]:
    """Makes a studio of which nothing is there yet; of the one before it nothing is left."""
    world, memory = remembered

    def made(seed: int) -> Studio:
        world.gate.tables.recall(memory.items)
        world.buckets.recall(memory.objects)
        return Studio(world, seed)

    return made


@pytest.fixture
def studio(new_studio: Callable[[int], Studio]) -> Studio:
    return new_studio(0)
