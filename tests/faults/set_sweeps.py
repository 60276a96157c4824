"""One run of the sweeper of annotation sets, disturbed in every way that a single fault can, and the next one."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from tests.faults.annotation_cases import edited, published
from tests.faults.gate import Killed
from tests.faults.kinds import Fault, Kind, iter_faults
from tests.faults.pictures import picture
from tests.faults.set_standings import left_over, missing
from tests.faults.single_faults import Tally, iter_differences
from tests.faults.world import World

OVERDUE_SECONDS, HOURS_SECONDS = 180, 7_200
_ENDED = (Killed, ExceptionGroup, PynamoDBException, ClientError, BotoCoreError)
"""How a run may end before its time: the schedule comes again in a minute."""


class Sweep(NamedTuple):
    """What was left to be done, and when the sweeper comes."""

    lay: Callable[[World], object]
    later_seconds: int


def _killed(world: World, method: str, path: str, transaction: int, body: dict[str, object] | None = None) -> None:
    """End a request behind one of its transactions, counted from its end."""
    ground = world.remember()
    world.disturbed(None, method, path, body)
    calls = [call for call, name in enumerate(world.gate.operations) if name == "dynamodb.TransactWriteItems"]
    world.recall(ground)
    world.disturbed(Fault(calls[transaction], Kind.CRASH_AFTER), method, path, body)


def _begin_to_publish(world: World) -> None:
    there, _ = edited(world)
    _killed(world, "POST", f"{there.path}/publish", -2)


def _write_for_nobody(world: World) -> None:
    """A bulk and a copy ended before their batches became part of a set."""
    there, _ = edited(world)
    for path, body in ((f"{there.rows}/bulk", there.many(5, 11)), (there.sets, {"copy_from": there.id})):
        ground = world.remember()
        world.disturbed(None, "POST", path, body)
        calls = len(world.gate.operations)
        world.recall(ground)
        world.disturbed(Fault(calls - 1, Kind.CRASH_BEFORE), "POST", path, body)


def _delete(world: World) -> None:
    there, _ = edited(world)
    world.request("DELETE", there.path)


SWEEPS: Mapping[str, Sweep] = {
    "sweeper publishes": Sweep(_begin_to_publish, OVERDUE_SECONDS),
    "sweeper removes batches": Sweep(_write_for_nobody, HOURS_SECONDS),
    "sweeper clears published set": Sweep(published, HOURS_SECONDS),
    "sweeper clears deleted draft": Sweep(_delete, HOURS_SECONDS),
}


def try_sweep(world: World, name: str) -> Tally:
    """Give a run of the sweeper every single fault there is for it and return what was found wrong."""
    before, sweep = world.remember(), SWEEPS[name]
    sweep.lay(world)
    ground = world.remember()
    world.sweep_sets(None, sweep.later_seconds)
    tally = Tally(tuple(world.gate.operations))
    reference = _settled(world)
    for fault in iter_faults(tally.calls):
        world.recall(ground)
        tally.cases += 1
        wrongs = [] if _ends(world, sweep, fault) else ["the fault was not met"]
        world.sweep_sets(None, sweep.later_seconds)
        wrongs += [*iter_differences(reference, _settled(world)), *missing(world), *left_over(world)]
        if wrongs:
            tally.violations.append(f"{name}, {fault}: " + "; ".join(wrongs[:4]))
    world.recall(before)
    return tally


def _ends(world: World, sweep: Sweep, fault: Fault) -> bool:
    """Run the sweeper into a fault; return whether it met it."""
    world.waits.begin()
    try:
        world.sweep_sets(fault, sweep.later_seconds)
    except _ENDED:
        return True
    return world.gate.met > 0


def _settled(world: World) -> list[str]:
    world.settle()
    return picture(world, ())
