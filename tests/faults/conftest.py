"""One registry in this process a test file."""

from collections.abc import Iterator

import pytest

from tests.faults.world import World, opened


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as there:
        yield there
