"""Whatever one call of the sweeper meets, the next run leaves what an undisturbed one leaves."""

import pytest

from tests.faults.kinds import iter_faults
from tests.faults.set_sweeps import SWEEPS, try_sweep
from tests.faults.world import World


@pytest.mark.parametrize("name", SWEEPS)
def test_no_single_fault_of_the_sweeper_leaves_or_removes_too_much(world: World, name: str) -> None:
    tally = try_sweep(world, name)
    assert tally.cases == len(list(iter_faults(tally.calls))) > 0
    assert tally.violations == []
