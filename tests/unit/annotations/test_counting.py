"""What a set comes to is what a bitmap of its milliseconds says."""

from collections import Counter
from random import Random

import pytest

from packhouse.annotations.batches import read_span
from packhouse.annotations.counting import Counting
from packhouse.annotations.model import Annotation, Statistics
from packhouse.annotations.rules import ARTIFACT_TYPES
from tests.unit.annotations.segments import an_annotation, by_bitmap, drawn_stretch, rows_of, seeded

RANDOM_SETS = 500


def counted(annotations: list[Annotation]) -> Statistics:
    counting = Counting()
    for row in rows_of(annotations):
        counting.add(read_span(row.line))
    return counting.statistics()


def drawn_set(rng: Random) -> list[Annotation]:
    """Draw a set of few files, short ones mostly, whose segments nest, touch, repeat and begin together."""
    longest = [rng.choice((1, 2, 10, 60, 3_000)) for _ in range(rng.randint(1, 5))]
    before: list[list[tuple[int, int]]] = [[] for _ in longest]
    types = rng.sample(ARTIFACT_TYPES, rng.randint(1, len(ARTIFACT_TYPES)))
    drawn = []
    for number in range(rng.choice((0, 1, 2, 5, 20, 60))):
        file = rng.randrange(len(longest))
        start, end = drawn_stretch(rng, longest[file], before[file])
        before[file].append((start, end))
        drawn.append(an_annotation(number, f"aud_{file}", start, end, rng.choice(types)))
    return drawn


def test_random_sets_come_to_what_a_bitmap_of_them_says() -> None:
    seen: Counter[str] = Counter()
    for seed in range(RANDOM_SETS):
        drawn = drawn_set(seeded(seed))
        found = counted(drawn)
        assert found == by_bitmap(drawn), seed
        assert list(found.annotations_by_type) == list(found.duration_ms_by_type) == sorted(found.annotations_by_type)
        stretches = [(each.audio_file_id, each.start_ms, each.end_ms) for each in drawn]
        starts = Counter((file, start) for file, start, _ in stretches)
        ends = {(file, end) for file, _, end in stretches}
        seen["equal"] += len(set(stretches)) < len(stretches)
        seen["begin together"] += any(count > 2 for count in starts.values())
        seen["touching"] += not ends.isdisjoint(starts)
        seen["one millisecond"] += any(end == start + 1 for _, start, end in stretches)
        seen["several files"] += found.audio_files > 1
        overlaps = sum(end - start for _, start, end in stretches) > found.total_positive_duration_ms
        seen["overlapping"] += overlaps
        seen["types overlap"] += sum(found.duration_ms_by_type.values()) > found.total_positive_duration_ms
        seen["empty"] += not drawn
    assert len(seen) == 8
    assert min(seen.values()) > RANDOM_SETS // 20, seen


@pytest.mark.parametrize(
    ("stretches", "covered"),
    [
        ([(0, 1)], 1),
        ([(0, 5), (5, 9)], 9),
        ([(0, 5), (6, 9)], 8),
        ([(0, 9), (2, 4)], 9),
        ([(0, 9), (2, 4), (3, 11)], 11),
        ([(3, 7), (3, 7), (3, 4)], 4),
        ([(0, 10**10 - 1)], 10**10 - 1),
        ([(10**10 - 2, 10**10 - 1), (0, 1)], 2),
    ],
)
def test_a_millisecond_counts_once_however_many_segments_cover_it(
    stretches: list[tuple[int, int]], covered: int
) -> None:
    drawn = [an_annotation(number, "aud_a", *stretch) for number, stretch in enumerate(stretches)]
    assert counted(drawn).total_positive_duration_ms == covered
    twice = drawn + [an_annotation(100 + number, "aud_b", *stretch) for number, stretch in enumerate(stretches)]
    assert counted(twice).total_positive_duration_ms == 2 * covered


def test_a_type_covers_its_own_time_whatever_other_types_cover() -> None:
    drawn = [
        an_annotation(1, "aud_a", 0, 10, "glitch"),
        an_annotation(2, "aud_a", 5, 15, "long_pause"),
        an_annotation(3, "aud_a", 8, 12, "glitch"),
        an_annotation(4, "aud_b", 0, 3, "long_pause"),
    ]
    assert counted(drawn) == Statistics(
        total_annotations=4,
        total_positive_duration_ms=18,
        annotations_by_type={"glitch": 2, "long_pause": 2},
        duration_ms_by_type={"glitch": 12, "long_pause": 13},
        audio_files=2,
    )


def test_a_type_that_skips_a_file_begins_anew_on_the_next_one() -> None:
    drawn = [
        an_annotation(1, "aud_a", 0, 100, "glitch"),
        an_annotation(2, "aud_b", 0, 100, "long_pause"),
        an_annotation(3, "aud_c", 0, 100, "glitch"),
    ]
    assert counted(drawn).duration_ms_by_type == {"glitch": 200, "long_pause": 100}
