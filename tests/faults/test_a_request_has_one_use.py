"""A request that is delivered twice at one moment takes one use, also when the use that it came to before has ended."""

from collections.abc import Callable

import pytest

from tests.bench.handlers import Answered, Handlers
from tests.faults.freeze_cases import train, train_when_ended
from tests.faults.scheduler import Process, Scheduler, seeded
from tests.faults.single_faults import Request
from tests.faults.world import WORKSPACE, World

SEEDS = 40


def delivered(world: World, request: Request) -> Process[Answered]:
    """Return a delivery of the request to a process of its own."""
    handlers = Handlers(world.variables)

    def deliver() -> Answered:
        return handlers.call(request.method, request.path, request.caller, request.body, WORKSPACE, request.headers)

    return deliver


@pytest.mark.parametrize("lay", [train, train_when_ended])
def test_two_deliveries_take_one_use(world: World, lay: Callable[[World], Request]) -> None:
    request = lay(world)
    before = {item["sk"]["S"] for item in world.items("EvaluationTable", "DSV#")}
    ground, scheduler = world.remember(), Scheduler(world.gate, world.waits)
    for seed in range(SEEDS):
        world.recall(ground)
        run = scheduler.run([delivered(world, request) for _ in range(2)], seeded(seed))
        taken = {item["sk"]["S"] for item in world.items("EvaluationTable", "DSV#")} - before
        told = {f"USE#{answered.body['use_id']}" for answered in run.results if answered and answered.status == 201}
        assert len(taken) == 1, seed
        assert told == taken, seed
