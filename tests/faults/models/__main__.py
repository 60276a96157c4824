"""Print what comes of exploring the models; the exit status says whether all is as it should be."""

import sys
from collections.abc import Iterable

from tests.faults.models.freeze.scenarios import FREEZE
from tests.faults.models.publish.scenarios import PUBLISH
from tests.faults.models.results import Model, Result

ROW = "{:<66}{:>30}{:>9}{:>28}{:>8}"


def main() -> int:
    """Print what comes of every model."""
    return max([_tell(model) for model in (FREEZE, PUBLISH)])


def _tell(model: Model) -> int:
    """Print a row for each result and the schedules that break the twins."""
    _head(f"{model.name} (R3)")
    sound = [_show(result) for result in model.of_protocol()]
    _show(_added("all", sound))
    _head("what it bears")
    sound += [_show(result) for result in model.of_what_it_bears()]
    _head("twins (in which scenarios they break)")
    unsound = [_show(result) for result in model.of_twins()]
    _head("what breaks it, or is not promised")
    unsound += [_show(result) for result in model.of_what_breaks_it()]
    for result in unsound:
        _say(f"\n{result.name}: {result.shortest[-1] if result.shortest else 'breaks nothing'}")
        for number, step in enumerate(result.shortest[:-1], 1):
            _say(f"    {number:>2}  {step}")
        for broken in sorted(result.broken - {*result.shortest[-1:]}):
            _say(f"    in other schedules: {broken}")
    return int(any(result.violations for result in sound) or not all(result.violations for result in unsound))


def _added(name: str, results: Iterable[Result]) -> Result:
    columns = list(zip(*results, strict=True))
    schedules, violations, states, seconds = (sum(column) for column in columns[1:5])
    return Result(name, schedules, violations, states, seconds, "", frozenset(), ())


def _head(name: str) -> None:
    _say("\n" + ROW.format(name, "schedules", "states", "violations", "seconds"))


def _show(result: Result) -> Result:
    name = result.name + (f" ({', '.join(result.breaks)})" if result.breaks else "")
    counts = f"{result.schedules:,}", f"{result.states:,}", f"{result.violations:,}", f"{result.seconds:.2f}"
    _say(ROW.format(name, *counts))
    return result


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
