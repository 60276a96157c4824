"""What comes of exploring: a row for each scenario and faults, each twin, and each attack."""

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.faults.models import invariants
from tests.faults.models.protocol import Rules
from tests.faults.models.scenarios import BEARS, BREAKS, EVERY, PROTOCOL, SCENARIOS, TWINS, Attack
from tests.faults.models.schedules import ALL, CRASHES, NONE, Exploration, Fault, Judge, Scenario

FAULTS = {"no fault": NONE, "one crash": CRASHES, "one fault": ALL}
"""A crash is of a process, or of the way back to it; a fault is that, or a process that goes on beside its repeat."""


class Result(NamedTuple):
    """The counts of some explorations, the scenarios in which something breaks, and a shortest schedule that does."""

    name: str
    schedules: int
    violations: int
    states: int
    seconds: float
    breaks: str
    shortest: tuple[str, ...]


def of_protocol() -> Iterator[Result]:
    """Explore every scenario without and with faults."""
    for scenario in SCENARIOS.values():
        for name, faults in FAULTS.items():
            yield _result(
                f"({scenario.name}) {scenario.about}; {name}", [scenario], PROTOCOL, invariants.broken, faults
            )


def of_twins() -> Iterator[Result]:
    """Explore every scenario with each twin, without faults."""
    for name, rules in TWINS.items():
        yield _result(name, SCENARIOS.values(), rules, invariants.broken, NONE)


def of_attacks(attacks: Iterable[Attack]) -> Iterator[Result]:
    """Explore what is tried beyond."""
    for attack in attacks:
        scenarios = [EVERY[name] for name in attack.scenarios]
        yield _result(attack.name, scenarios, attack.rules, attack.judge, attack.faults)


def of_what_it_bears() -> Iterator[Result]:
    """Explore the attacks that break nothing."""
    return of_attacks(BEARS)


def of_what_breaks_it() -> Iterator[Result]:
    """Explore the attacks that break something."""
    return of_attacks(BREAKS)


def _result(name: str, scenarios: Iterable[Scenario], rules: Rules, judge: Judge, faults: frozenset[Fault]) -> Result:
    began = time.perf_counter()
    schedules = violations = states = 0
    breaks, shortest = "", list[tuple[str, ...]]()
    for scenario in scenarios:
        exploration = Exploration(scenario, rules, judge, faults)
        found = exploration.tally()
        schedules, violations = schedules + found.schedules, violations + found.violations
        states += exploration.states
        if found.violations:
            moves, what = exploration.shortest()
            breaks += scenario.name
            shortest.append((*map(str, moves), what))
        invariants.forget()
    seconds = time.perf_counter() - began
    return Result(name, schedules, violations, states, seconds, breaks, min(shortest, key=len, default=()))
