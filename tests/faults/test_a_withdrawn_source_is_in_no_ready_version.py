"""What was withdrawn before a version became ready is not in it, however late that was."""

from collections import Counter

from tests.faults.withdrawn_sources import WithdrawnSources
from tests.faults.world import World

SEEDS = 64


def test_a_version_is_ready_with_all_its_sources_or_not_at_all(world: World) -> None:
    sources = WithdrawnSources(world)
    trials = {seed: sources.try_seed(seed) for seed in range(SEEDS)}
    assert {seed: trial.wrong for seed, trial in trials.items() if trial.wrong} == {}
    assert len({trial.run.trace for trial in trials.values()}) > SEEDS * 9 // 10
    answers = [done.answer for trial in trials.values() for done in trial.history if done.words[0] == "build"]
    ends = Counter(answer[0] for answer in answers if answer)
    assert min(ends[200], ends[409]) > SEEDS // 8  # it goes either way
