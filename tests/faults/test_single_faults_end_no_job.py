"""R1 for the tasks: whatever one call of a task meets, its machine delivers it again and it comes to the same."""

import pytest

from tests.faults.kinds import iter_faults
from tests.faults.task_faults import TASKS, Delivery, every_delivery, try_task
from tests.faults.world import World


@pytest.fixture(scope="module")
def delivered(world: World) -> dict[str, Delivery]:
    return every_delivery(world)


@pytest.mark.parametrize("task", TASKS)
def test_no_single_fault_of_a_task_ends_its_job_or_changes_its_result(
    world: World, delivered: dict[str, Delivery], task: str
) -> None:
    tally = try_task(world, delivered[task])
    assert tally.cases == len(list(iter_faults(tally.calls))) > 0
    assert tally.violations == []


def test_every_task_of_the_machines_is_tried(delivered: dict[str, Delivery]) -> None:
    assert set(TASKS) == delivered.keys()
