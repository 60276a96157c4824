"""A machine that waits for a confirmation goes on when somebody was told that it was confirmed, and only then."""

from typing import Any

import pytest

from tests.faults.confirmations import BREAKS, Broken, Confirmations
from tests.faults.exports import DATASETS, Asked, ask, run_before, run_to_wait, send, status, waiting
from tests.faults.gate import Killed
from tests.faults.kinds import Fault, Kind, iter_crashes
from tests.faults.machine import Waiting
from tests.faults.world import Memory, World

Json = dict[str, Any]
SEEDS, BROKEN_SEEDS = 200, 300
WANTED = {
    (("confirm",), (200, "")),
    (("confirm",), (409, "JOB_ENDED")),
    (("confirm",), (409, "TRAINING_DATASET_CONFLICT")),
    (("cancel",), (200, "JOB_CANCELLED")),
}


@pytest.fixture(scope="module")
def ground(world: World) -> Memory:
    send(world)
    return world.remember()


@pytest.fixture(scope="module")
def race(world: World, ground: Memory) -> Confirmations:
    world.recall(ground)
    return Confirmations(world)


def confirm(world: World, asked: Asked, fault: Fault | None = None) -> Any:
    return world.disturbed(fault, "POST", f"{asked.path}/confirm", {})


def go_on(world: World, asked: Asked, waits: Waiting) -> None:
    """Run a machine to its end that was let go on; `LookupError` when it was not."""
    assert status(world, asked)["status"] == "preview"
    world.machines["training_export"].resume(waits)
    assert status(world, asked)["status"] == "ready"


def test_what_waits_says_so_and_goes_on_when_it_is_confirmed(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked, waits = waiting(world)
    assert status(world, asked)["awaits_confirmation"]
    world.sweep()
    with pytest.raises(LookupError):
        go_on(world, asked, waits)
    confirmed = confirm(world, asked)
    assert (confirmed.status, confirmed.body["awaits_confirmation"]) == (200, False)
    go_on(world, asked, waits)
    again = confirm(world, asked)
    assert (again.status, again.body["status"]) == (200, "ready")


def test_what_is_confirmed_before_it_waits_never_waits(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked = ask(world, require_confirmation=True)
    machine = world.machines["training_export"]

    def invoke(folder: str, payload: Json) -> Any:
        if folder == "await_confirmation":
            assert confirm(world, asked).status == 200
            assert list(world.executions.tokens.values()) == ["waiting"]
        return world.invoke(folder, payload)

    machine.invoke = invoke
    try:
        world.run_job(asked.job_id)
    finally:
        machine.invoke = world.invoke
    assert status(world, asked)["status"] == "ready"
    assert list(world.executions.tokens.values()) == ["sent"]


def test_what_was_confirmed_and_not_told_the_sweeper_tells(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked, waits = waiting(world)
    there = world.remember()
    confirm(world, asked)
    committed = world.gate.operations.index("dynamodb.TransactWriteItems")
    for kill in iter_crashes(len(world.gate.operations)):
        world.recall(there)
        assert confirm(world, asked, kill) is None
        world.sweep()
        taken = kill.call > committed or (kill.call, kill.kind) == (committed, Kind.CRASH_AFTER)
        assert (world.executions.tokens[waits.token] == "sent") is taken, kill
        if not taken:
            assert confirm(world, asked).status == 200
        go_on(world, asked, waits)


def test_a_sweep_that_is_killed_is_finished_by_the_next(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked, waits = waiting(world)
    tokens = dict(world.executions.tokens)
    confirm(world, asked)
    world.executions.tokens = tokens
    untold = world.remember()
    with world.gate.injecting(None):
        world.sweep()
        calls = len(world.gate.operations)
    assert world.executions.tokens[waits.token] == "sent"
    assert calls >= 4
    for kill in iter_crashes(calls):
        world.recall(untold)
        world.sweep(kill)
        world.sweep()
        go_on(world, asked, waits)


def test_a_preview_that_comes_late_keeps_the_sweeper_from_nothing(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked = ask(world, require_confirmation=True)
    preview = run_before(world, asked, "await_confirmation")[-2]
    assert preview.folder == "render_preview"
    waits = run_to_wait(world, asked)
    world.invoke(*preview)
    assert status(world, asked)["awaits_confirmation"]
    assert confirm(world, asked, Fault(2, Kind.CRASH_BEFORE)) is None
    world.sweep()
    go_on(world, asked, waits)


def test_an_attempt_that_comes_again_waits_with_a_token_of_its_own(world: World, ground: Memory) -> None:
    world.recall(ground)
    asked = ask(world, require_confirmation=True)
    machine, calls = world.machines["training_export"], 0

    def invoke(folder: str, payload: Json) -> Any:
        nonlocal calls
        if folder == "await_confirmation":
            calls += 1
            if calls == 1:
                world.invoke(folder, payload)
                raise Killed
        return world.invoke(folder, payload)

    machine.invoke = invoke
    try:
        waits = run_to_wait(world, asked)
    finally:
        machine.invoke = world.invoke
    assert list(world.executions.tokens.values()) == ["over", "waiting"]
    confirm(world, asked)
    go_on(world, asked, waits)
    assert list(world.executions.tokens.values()) == ["over", "sent"]


def test_a_dataset_that_was_committed_and_not_started_the_sweeper_starts(world: World, ground: Memory) -> None:
    world.recall(ground)
    wanted = {"name": "not started"}
    calls = world.calls_of("POST", DATASETS, wanted)
    assert world.gate.operations[-1] == "sfn.StartExecution"
    world.recall(ground)
    assert world.disturbed(Fault(calls - 1, Kind.CRASH_BEFORE), "POST", DATASETS, wanted) is None
    (listed,) = world.call("GET", DATASETS)["items"]
    world.sweep(later_seconds=10)
    assert world.executions.status == {}
    world.sweep(later_seconds=31)
    assert world.executions.status == {listed["job_id"]: "RUNNING"}
    world.run_job(listed["job_id"])
    assert status(world, Asked(f"{DATASETS}/{listed['training_dataset_id']}", ""))["status"] == "ready"


def test_it_goes_on_when_somebody_confirmed_it_whatever_the_order(race: Confirmations) -> None:
    trials = {seed: race.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    assert len({trial.run.trace for trial in trials.values()}) > SEEDS * 0.7
    assert {(done.words, done.answer) for trial in trials.values() for done in trial.history} >= WANTED


@pytest.mark.parametrize("lacking", BREAKS)
def test_a_product_that_lacks_something_is_caught(race: Confirmations, lacking: str) -> None:
    broken = Broken(race, BREAKS[lacking])
    assert any(broken.try_seed(seed).wrong for seed in range(BROKEN_SEEDS))
