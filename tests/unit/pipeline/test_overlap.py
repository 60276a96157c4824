"""Rows overlap with rows that stay in other datasets when they have a long run of words or an origin in common."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.errors import UnitFailedError
from packhouse.pipeline.overlap import OtherDataset, find_overlapping
from tests.unit.pipeline.sketched import Row, Sketched, chance, draw_text

SURE_WORDS, NEVER_WORDS = 13, 8
randoms = st.randoms(use_true_random=True)


def own(*texts: str) -> list[Row]:
    return [Row(text, identity=f"ours {number}".encode()) for number, text in enumerate(texts)]


def other(rows: Sequence[Row], kept: Sequence[bool] | None = None) -> OtherDataset:
    """Return a dataset of one unit whose rows came from elsewhere, if they do not say where from."""
    named = [row if row.identity else row._replace(identity=f"theirs {at}".encode()) for at, row in enumerate(rows)]
    bits = sum(1 << at for at, stays in enumerate(kept or [True] * len(rows)) if stays)
    sketched = Sketched([named])
    return OtherDataset(sketched.units, [bits.to_bytes((len(rows) + 7) // 8, "little")], sketched.read)


def find_rows(rows: Sequence[Row], *others: OtherDataset) -> list[int]:
    sketched = Sketched([rows])
    found = list(find_overlapping(sketched.units, sketched.read, others))
    assert [unit for unit, _ in found] == [0] * len(found)
    return [row for _, row in found]


def longest_common_run(one: list[str], two: list[str]) -> int:
    longest, ends = 0, [0] * (len(two) + 1)
    for a in one:
        ends = [0, *(ends[at] + 1 if a == b else 0 for at, b in enumerate(two))]
        longest = max(longest, *ends)
    return longest


@settings(max_examples=60)
@given(randoms)
def test_a_common_run_of_13_words_is_always_found_and_one_below_8_never(random: Random) -> None:
    theirs = [draw_text(random, random.randint(8, 60)) for _ in range(20)]
    ours = []
    for _ in range(20):
        source = random.choice(theirs)
        length = random.randint(5, 16)
        at = random.randrange(max(len(source) - length, 1))
        head, tail = draw_text(random, random.randint(4, 30)), draw_text(random, random.randint(4, 30))
        ours.append([*head, *source[at : at + length], *tail])
    found = find_rows(own(*map(" ".join, ours)), other([Row(" ".join(words)) for words in theirs]))
    for row, words in enumerate(ours):
        longest = max(longest_common_run(words, text) for text in theirs)
        assert row in found or longest < SURE_WORDS
        assert row not in found or longest >= NEVER_WORDS


def test_a_run_of_13_words_is_found_wherever_it_stands() -> None:
    random = chance(9)
    run = draw_text(random, SURE_WORDS)
    for before in range(8):
        for after in range(8):
            ours = [*draw_text(random, before), *run, *draw_text(random, after)]
            theirs = [*draw_text(random, after + 3), *run, *draw_text(random, before)]
            assert find_rows(own(" ".join(ours)), other([Row(" ".join(theirs))])) == [0]


def test_texts_below_8_words_overlap_only_as_a_whole() -> None:
    theirs = other([Row("one two three four"), Row("a b c d e f g")])
    rows = own("One, two: three. FOUR", "one two three", "a b c d e f g", "b c d e f g", "a b c d e f g h", "four")
    assert find_rows(rows, theirs) == [0, 2]


def test_rows_that_do_not_stay_in_the_other_dataset_do_not_count() -> None:
    random = chance(4)
    texts = [" ".join(draw_text(random, 30)) for _ in range(19)]
    kept = [random.random() < 0.5 for _ in texts]
    assert find_rows(own(*texts), other([Row(text) for text in texts], kept)) == [
        number for number, stays in enumerate(kept) if stays
    ]


def test_the_first_row_is_the_lowest_bit_of_the_first_byte() -> None:
    sketched = Sketched([[Row(f"word {number}", identity=bytes([number])) for number in range(10)]])
    theirs = OtherDataset(sketched.units, [bytes([0b00000101, 0b10])], sketched.read)
    assert find_rows(own(*(f"word {number}" for number in range(10))), theirs) == [0, 2, 9]


def test_the_same_rollout_is_found_whatever_its_words() -> None:
    ours = [
        Row("", identity=b"one"),
        Row("👍", identity=b"two"),
        Row("other words", identity=b"three"),
        Row("", identity=b""),
    ]
    theirs = other([Row("", identity=b"one"), Row("", identity=b"three"), Row("👎", identity=b"four")])
    assert find_rows(ours, theirs) == [0, 2]


def test_rows_are_told_once_and_in_order_whatever_the_datasets_units_and_slices() -> None:
    random = chance(6)
    texts = [" ".join(draw_text(random, 30)) for _ in range(60)]
    ours = Sketched([own(*texts[:20]), own(*texts[20:40]), own(*texts[40:])], numbers=[9, 2, 5])
    others = [
        other([Row(texts[at]) for at in (3, 25, 59)]),
        other([Row(texts[at]) for at in (59, 3, 40)]),
        other([Row(" ".join(draw_text(random, 30)))]),
    ]
    for entries in (1, 100, 400_000):
        found = list(find_overlapping(ours.units, ours.read, others, entries))
        assert found == [(2, 5), (5, 0), (5, 19), (9, 3)]


def test_a_common_run_is_found_whoever_says_it() -> None:
    words = draw_text(chance(8), SURE_WORDS)
    theirs = other([Row(" ".join(words[6:]), persona=" ".join(["so", *words[:6]]))])
    assert find_rows([Row("", "u-", b"ours", persona=" ".join([*words, "then"]))], theirs) == [0]


def test_a_common_run_of_a_script_without_spaces_is_counted_by_its_characters() -> None:
    run = "今日は川沿いを十キロ走った"
    assert len(run) == SURE_WORDS
    theirs = other([Row(f"昨日も{run}のです")])
    assert find_rows(own(f"ええ、{run}。", f"ええ、{run[:7]}。"), theirs) == [0]


def test_texts_of_signs_alone_overlap_as_a_whole() -> None:
    theirs = other([Row("!!!", persona="???"), Row("", "u-", persona="\U0001f44d")])
    rows = [Row("!!!", persona="???"), Row("", "u-", persona="\U0001f44d"), Row("!!", persona="???")]
    assert find_rows([row._replace(identity=bytes([at])) for at, row in enumerate(rows)], theirs) == [0, 1]


def test_nothing_overlaps_with_nothing() -> None:
    assert find_rows(own("some words")) == []
    assert find_rows(own("some words"), other([])) == []
    assert list(find_overlapping([], Sketched([]).read, [other([Row("some words")])])) == []


def test_sketches_of_another_version_are_refused() -> None:
    theirs = other([Row("some words")])
    newer = theirs._replace(units=[msgspec.structs.replace(theirs.units[0], version=2)])
    with pytest.raises(UnitFailedError, match=r"A dataset of .*version 2.* make it anew") as found:
        find_rows(own("some words"), newer)
    assert found.value.code == "SOURCE_CHANGED"


def test_a_bitmap_that_is_not_of_the_units_rows_is_refused() -> None:
    theirs = other([Row("some words")] * 9)
    with pytest.raises(ValueError, match="a bit for each of its rows"):
        find_rows(own("some words"), theirs._replace(kept=[b"\xff"]))
