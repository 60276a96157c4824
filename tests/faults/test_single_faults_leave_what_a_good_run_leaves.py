"""R1: whatever one call of a request meets, its caller repeats it and the end is that of a run without a fault."""

from collections.abc import Callable
from typing import Any

import pytest

from packhouse.aws import dynamo, executions, objects
from tests.bench.template import iter_routes
from tests.faults.kinds import iter_faults
from tests.faults.single_faults import UseCase, try_all
from tests.faults.use_cases import USE_CASES
from tests.faults.waits import FUNCTION_SECONDS
from tests.faults.world import World

READS = {"GET", "HEAD"}


@pytest.mark.parametrize("case", USE_CASES, ids=lambda case: case.name)
def test_no_single_fault_loses_or_doubles_anything(world: World, case: UseCase) -> None:
    tally = try_all(world, case)
    assert tally.cases == len(list(iter_faults(tally.calls, case.kinds))) > 0
    assert tally.violations == []


def test_every_write_of_the_api_is_a_use_case() -> None:
    writes = {f"{route.method} {route.path}" for route in iter_routes() if route.method not in READS}
    assert {case.at for case in USE_CASES} == writes


def dynamodb() -> Any:
    return dynamo.connection().client


@pytest.mark.parametrize("client", [dynamodb, objects.s3, executions.step_functions])
@pytest.mark.usefixtures("world")
def test_a_call_that_is_never_answered_is_given_up_before_lambda_ends_the_function(client: Callable[[], Any]) -> None:
    config = client().meta.config
    attempts = config.retries.get("total_max_attempts", 3)  # three are the standard mode's own
    assert attempts * max(config.connect_timeout, config.read_timeout) < FUNCTION_SECONDS
