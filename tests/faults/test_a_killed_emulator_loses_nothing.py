"""`kill -9` of the whole local stack: what was answered is there again, and what was running ends by itself."""

import time
from collections.abc import Iterator

import pytest

from local.seed import seed
from local.stack import Stack
from tests.registry import Pack, Project, Registry, ball_rows, sha256

SETTLED_SECONDS = 120


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that a test may kill."""
    stack = Stack.start(tmp_path_factory.mktemp("killed"))
    try:
        stack.deploy()
        seed(stack)
        yield stack
    finally:
        stack.kill()


@pytest.fixture(scope="module")
def project(own_stack: Stack) -> Iterator[Project]:
    with Registry(own_stack) as registry:
        yield registry.new_project()


@pytest.fixture(scope="module")
def pack(project: Project) -> Pack:
    return project.new_approved_pack(ball_rows(groups=12))


def crash(stack: Stack) -> None:
    stack.kill()
    stack.restart()


def test_a_version_is_there_again_and_its_downloads_verify(own_stack: Stack, project: Project, pack: Pack) -> None:
    built = project.build(pack)
    before = project.downloads(built["dataset_version_id"])
    crash(own_stack)
    assert project.version(built["dataset_version_id"]) == built
    exports = project.exports(built["dataset_version_id"])
    after = project.downloads(built["dataset_version_id"])
    assert {name: sha256(body) for name, body in after.items()} == {
        name: export["sha256"] for name, export in exports.items()
    }
    assert after == before


@pytest.mark.parametrize("seconds_in", [0.0, 0.7])
def test_a_build_that_was_running_ends_by_itself(
    own_stack: Stack, project: Project, pack: Pack, seconds_in: float
) -> None:
    built = project.request_build(pack, force=True)
    time.sleep(seconds_in)
    crash(own_stack)
    deadline = time.monotonic() + SETTLED_SECONDS
    while (job := project.job(built["job_id"]))["status"] in {"queued", "running"}:
        assert time.monotonic() < deadline, job
        time.sleep(0.5)
    assert job["status"] == "ready" or job["error"]["code"] == "EXECUTION_ABORTED"
    version = project.version(built["dataset_version_id"])
    assert version["build_status"] == job["status"]
    assert project.build(pack, force=True)["build_status"] == "ready"
