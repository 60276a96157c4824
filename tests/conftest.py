"""What all folders share: one deployed stack for the whole run, and the registry on it."""

from collections.abc import Iterator

import pytest

from local.seed import seed
from local.stack import Stack
from tests.registry import Project, Registry


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real template on an emulator of its own, seeded; nobody stops it or resets it."""
    running = Stack.start(tmp_path_factory.mktemp("stack"))
    try:
        running.deploy()
        seed(running)
        yield running
    finally:
        running.kill()


@pytest.fixture(scope="session")
def registry(stack: Stack) -> Iterator[Registry]:
    with Registry(stack) as opened:
        yield opened


@pytest.fixture
def project(registry: Registry) -> Project:
    """A project that nobody else uses: tests keep apart by it."""
    return registry.new_project()


@pytest.fixture(scope="module")
def shared_project(registry: Registry) -> Project:
    """A project of one test file, for tests that only add to it."""
    return registry.new_project()
