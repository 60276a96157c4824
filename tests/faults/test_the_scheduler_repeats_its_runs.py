"""What the races stand on: processes interleave at their calls to AWS, one at a time, as the seed or the trace says."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from packhouse.aws import dynamo
from tests.faults.scheduler import Crash, Scheduler, replayed, seeded
from tests.faults.world import World

TABLE = "LabelsTable"
KEY = {"pk": {"S": "COUNTER"}, "sk": {"S": "META"}}
SEEDS = range(40)


@pytest.fixture(scope="module")
def scheduler(world: World) -> Scheduler:
    return Scheduler(world.gate, world.waits)


def add_one() -> int:
    """Read, then write one more: what is lost when another does the same in between."""
    client: Any = dynamo.connection().client
    seen = int(client.get_item(TableName=TABLE, Key=KEY).get("Item", {"number": {"N": "0"}})["number"]["N"])
    client.put_item(TableName=TABLE, Item={**KEY, "number": {"N": str(seen + 1)}})
    return seen + 1


def from_zero(world: World, scheduler: Scheduler, seed: int, **more: Any) -> tuple[Any, int]:
    client: Any = dynamo.connection().client
    client.delete_item(TableName=TABLE, Key=KEY)
    run = scheduler.run([add_one] * 3, **{"choose": seeded(seed), **more})
    found = client.get_item(TableName=TABLE, Key=KEY).get("Item", {"number": {"N": "0"}})
    return run, int(found["number"]["N"])


def test_a_seed_and_a_trace_repeat_a_run(world: World, scheduler: Scheduler) -> None:
    traces = set()
    for seed in SEEDS:
        first = from_zero(world, scheduler, seed)
        assert from_zero(world, scheduler, seed) == first
        assert from_zero(world, scheduler, 0, choose=replayed(first[0].trace)) == first
        traces.add(first[0].trace)
    assert len(traces) == len(SEEDS)


def test_every_call_yields_before_its_effect_and_behind_it(world: World, scheduler: Scheduler) -> None:
    run, _ = from_zero(world, scheduler, 1)
    assert run.yields == (4, 4, 4)
    one_by_one = [0] * 5 + [1] * 5 + [2] * 5
    assert from_zero(world, scheduler, 0, choose=replayed(one_by_one))[1] == 3
    all_read_first = [0, 0, 0, 1, 1, 1, 2, 2, 2, *[0] * 2, *[1] * 2, *[2] * 2]
    assert from_zero(world, scheduler, 0, choose=replayed(all_read_first))[1] == 1


def test_updates_are_lost_in_some_orders(world: World, scheduler: Scheduler) -> None:
    counts = {from_zero(world, scheduler, seed)[1] for seed in SEEDS}
    assert counts == {1, 2, 3}


@pytest.mark.parametrize(("at", "left"), [(0, 2), (1, 2), (2, 2), (3, 3), (4, 3)])
def test_a_killed_process_ends_where_it_yields_and_the_others_go_on(
    world: World, scheduler: Scheduler, at: int, left: int
) -> None:
    one_by_one = replayed([0] * 20)
    run, count = from_zero(world, scheduler, 0, choose=one_by_one, crash=Crash(0, at))
    assert (run.results[0] is None, run.yields[0]) == (at < 4, min(at + 1, 4))
    assert None not in run.results[1:]
    assert count == left


def test_an_error_of_a_process_is_raised_when_all_have_ended(scheduler: Scheduler) -> None:
    done = []

    def fail() -> None:
        add_one()
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one"):
        scheduler.run([fail, lambda: done.append(add_one())], seeded(3))
    assert len(done) == 1


def test_every_process_serves_a_request_of_its_own(scheduler: Scheduler) -> None:
    def served(name: str) -> Callable[[], str]:
        app = APIGatewayRestResolver()

        @app.get("/<_name>")
        def path(_name: str) -> dict[str, str]:
            add_one()
            return {"path": app.current_event.path}

        event = {"httpMethod": "GET", "path": f"/{name}", "headers": {}, "requestContext": {}}
        return lambda: str(app.resolve(event, object())["body"])  # type: ignore[arg-type]

    names = ("a", "b", "c")
    for seed in SEEDS:
        run = scheduler.run([served(name) for name in names], seeded(seed))
        assert [name in (answer or "") for name, answer in zip(names, run.results, strict=True)] == [True] * 3
