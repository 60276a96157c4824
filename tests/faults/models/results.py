"""What a model is made of, and what comes of exploring it: a row for each scenario, each twin, each attack."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tests.faults.models.items import by_key
from tests.faults.models.schedules import ALL, CRASHES, NONE, Exploration, Fault, Judge, Rules, Scenario

FAULTS = {"no fault": NONE, "one crash": CRASHES, "one fault": ALL}
"""A crash is of a process, or of the way back to it; a fault is that, or a process that goes on beside its repeat."""


class Attack(NamedTuple):
    """Something that a protocol is not said to bear or to promise, or that it may do without."""

    name: str
    scenarios: str
    judge: Judge | None = None
    """Who judges it, where that is not the judge of the protocol."""
    rules: Rules | None = None
    """What it is tried on, where that is not the protocol."""
    faults: frozenset[Fault] = NONE


class Result(NamedTuple):
    """The counts of some explorations, the scenarios in which something breaks, and a shortest schedule that does."""

    name: str
    schedules: int
    violations: int
    states: int
    seconds: float
    breaks: str
    broken: frozenset[str]
    shortest: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Model:
    """A protocol with its scenarios, the twins that each leave one thing out, and what is tried beyond."""

    name: str
    scenarios: Mapping[str, Scenario]
    alone: Mapping[str, Scenario]
    """Scenarios of attacks alone."""
    protocol: Rules
    twins: Mapping[str, Rules]
    broken: Judge
    bears: tuple[Attack, ...]
    breaks: tuple[Attack, ...]
    forget: Callable[[], None]
    """Lets go of what the judges know of items."""

    def of_protocol(self) -> Iterator[Result]:
        """Explore every scenario without and with faults."""
        for scenario in self.scenarios.values():
            for name, faults in FAULTS.items():
                about = f"({scenario.name}) {scenario.about}; {name}"
                yield self._result(about, [scenario], self.protocol, self.broken, faults)

    def of_twins(self) -> Iterator[Result]:
        """Explore every scenario with each twin, without faults."""
        for name, rules in self.twins.items():
            yield self._result(name, self.scenarios.values(), rules, self.broken, NONE)

    def of_what_it_bears(self) -> Iterator[Result]:
        """Explore the attacks that break nothing."""
        return self._of_attacks(self.bears)

    def of_what_breaks_it(self) -> Iterator[Result]:
        """Explore the attacks that break something."""
        return self._of_attacks(self.breaks)

    def _of_attacks(self, attacks: Iterable[Attack]) -> Iterator[Result]:
        every = {**self.scenarios, **self.alone}
        for attack in attacks:
            scenarios = [every[name] for name in attack.scenarios]
            judge, rules = attack.judge or self.broken, attack.rules or self.protocol
            yield self._result(attack.name, scenarios, rules, judge, attack.faults)

    def _result(
        self, name: str, scenarios: Iterable[Scenario], rules: Rules, judge: Judge, faults: frozenset[Fault]
    ) -> Result:
        began = time.perf_counter()
        schedules = violations = states = 0
        breaks, broken, shortest = "", set[str](), list[tuple[str, ...]]()
        for scenario in scenarios:
            exploration = Exploration(scenario, rules, judge, faults)
            found = exploration.tally()
            schedules, violations = schedules + found.schedules, violations + found.violations
            states += exploration.states
            broken |= exploration.broken
            if found.violations:
                moves, what = exploration.shortest()
                breaks += scenario.name
                shortest.append((*map(str, moves), what))
            by_key.cache_clear()
            self.forget()
        seconds = time.perf_counter() - began
        first = min(shortest, key=len, default=())
        return Result(name, schedules, violations, states, seconds, breaks, frozenset(broken), first)
