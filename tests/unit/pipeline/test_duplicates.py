"""Of rows that are equal or near equal the first stays, however the rows are cut into units."""

from array import array
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline import near
from packhouse.pipeline.duplicates import Duplicate, find_duplicates
from packhouse.pipeline.packed import pack_words
from packhouse.pipeline.rendering import RowReason
from packhouse.pipeline.sketches import SketchFacts
from packhouse.pipeline.stretches import count_stretches
from tests.unit.pipeline.sketched import Row, Sketched, chance, cut, draw_text, is_near, said_grams

EXACT, NEAR = RowReason.EXACT_DUPLICATE, RowReason.NEAR_DUPLICATE
randoms = st.randoms(use_true_random=True)


def mutate(random: Random, words: list[str], edits: int) -> list[str]:
    changed = list(words)
    for _ in range(edits if words else 0):
        at = random.randrange(len(changed) + 1)
        changed[at : at + random.randrange(2)] = draw_text(random, random.randrange(1, 3))
    return changed


def draw_rows(random: Random, count: int, shortest: int, longest: int) -> list[Row]:
    """Return rows of which about half are like another one or equal to it, or differ in one of the two who speak."""
    drawn: list[tuple[list[str], list[str]]] = []
    while len(drawn) < count:
        length = random.randint(shortest, longest)
        asked = random.choice([0, 3, length // 2, length - 2])
        persona, text = draw_text(random, asked), draw_text(random, length - asked)
        if drawn and random.random() < 0.7:
            like = random.choice(drawn[-50:])
            persona = mutate(random, like[0], random.choice([0, 0, 1, 2])) if random.random() < 0.9 else persona
            text = mutate(random, like[1], random.choice([0, 0, 1, 2])) if random.random() < 0.9 else text
        drawn.append((persona, text))
    random.shuffle(drawn)
    return [
        Row(" ".join(text), random.choice(["ua", "ua", "ut"]), persona=" ".join(persona)) for persona, text in drawn
    ]


def find_all(rows: Sequence[Row], mode: str = "near", units: int = 1, seed: int = 0) -> list[Duplicate]:
    dealt, ranks = cut(rows, chance(seed), units)
    sketched = Sketched(dealt)
    return list(find_duplicates(sketched.units, ranks, sketched.read, "near" if mode == "near" else "exact"))


def brute_force(rows: Sequence[Row]) -> set[int]:
    """Return the ranks that are left out, by comparing each row with all before it that stay and share a 5-gram."""
    staying: dict[tuple[str, ...], list[int]] = {}
    left = set()
    for rank, row in enumerate(rows):
        ours = said_grams(row)
        if any(is_near(row, rows[kept]) for kept in {kept for gram in ours for kept in staying.get(gram, ())}):
            left.add(rank)
        else:
            for gram in ours:
                staying.setdefault(gram, []).append(rank)
    return left


def of_words(count: int, name: str = "w") -> str:
    return " ".join(f"{name}{number}" for number in range(count))


def test_equal_rows_are_left_out_with_the_first_in_their_stead() -> None:
    rows = [Row("Yes, I do."), Row("no"), Row("yes I DO"), Row("yes i do", "ua_"), Row("yes - i do!")]
    assert find_all(rows, "exact", units=3) == [Duplicate(2, EXACT, 0), Duplicate(4, EXACT, 0)]


ASKED = " ".join(f"run{number}" for number in range(45))


def test_four_answers_to_one_long_message_all_stay() -> None:
    answers = [
        Row("Hold pace.", persona=ASKED),
        Row("", "u-", persona=ASKED),
        Row("Stop running now, see a doctor.", persona=ASKED),
        Row("Hold pace.", "ut", persona=ASKED, thinking=("The calf is a risk.",)),
    ]
    assert find_all(answers) == find_all(answers, "exact") == []
    assert find_all([*answers, *answers], units=2) == [Duplicate(4 + rank, EXACT, rank) for rank in range(4)]


def test_signs_without_a_word_are_answers_too() -> None:
    answers = [Row(text, persona=ASKED) for text in ("\U0001f44d", "\U0001f6d1", "...", "?!")]
    assert find_all(answers) == []
    assert find_all([*answers, answers[1]]) == [Duplicate(4, EXACT, 1)]


def test_a_typo_of_either_side_in_a_long_talk_makes_no_other_row() -> None:
    rows = [Row(of_words(45), persona=ASKED), Row(of_words(44) + " w4A", persona=ASKED)]
    rows += [Row(of_words(45), persona=ASKED.replace("run44", "rum")), Row(of_words(45), persona=f"Oh {ASKED}")]
    assert find_all(rows) == [Duplicate(rank, NEAR, 0) for rank in (1, 2, 3)]


def test_two_silences_after_nearly_the_same_message_are_near_equal() -> None:
    rows = [Row("", "u-", persona=ASKED), Row("", "u-", persona=f"{ASKED} ok"), Row("", "u--", persona=ASKED)]
    assert find_all(rows) == [Duplicate(1, NEAR, 0)]


def test_the_same_answer_to_another_message_stays() -> None:
    rows = [Row("Hold pace.", persona=ASKED), Row("Hold pace.", persona=of_words(45)), Row("Hold pace.")]
    assert find_all(rows) == []


def test_who_says_it_makes_a_difference() -> None:
    asked, answered = ASKED, of_words(45)
    assert find_all([Row(answered, persona=asked), Row(asked, persona=answered)]) == []
    assert find_all([Row("yes i do", persona="well"), Row("i do", persona="well yes")]) == []


def test_rows_of_another_shape_are_not_near_equal() -> None:
    rows = [Row(of_words(45), shape) for shape in ("ua", "ua-", "ut", "a")]
    assert find_all(rows) == find_all(rows, "exact") == []


def test_other_thinking_makes_a_row_near_equal_and_not_equal() -> None:
    rows = [Row(of_words(45), "ut", thinking=(text,)) for text in ("Rest.", "Go on.", "Rest.")]
    assert find_all(rows, "exact") == [Duplicate(2, EXACT, 0)]
    assert find_all(rows) == [Duplicate(1, NEAR, 0), Duplicate(2, EXACT, 0)]


@pytest.mark.parametrize(
    ("words", "longer", "left_out"), [(8, 9, True), (12, 14, True), (7, 8, False), (11, 13, False)]
)
def test_a_similarity_of_four_fifths_is_near_and_less_is_not(words: int, longer: int, left_out: bool) -> None:
    rows = [Row(of_words(words)), Row(of_words(longer))]
    assert is_near(rows[0], rows[1]) == left_out
    assert bool(find_all(rows)) == left_out


def test_a_row_that_is_like_one_left_out_stays() -> None:
    rows = [Row(of_words(44)), Row(of_words(50)), Row(of_words(57))]
    assert [is_near(rows[a], rows[b]) for a, b in ((0, 1), (1, 2), (0, 2))] == [True, True, False]
    assert find_all(rows) == [Duplicate(1, NEAR, 0)]


def test_a_row_that_equals_one_left_out_is_stood_for_by_the_one_that_stays() -> None:
    rows = [Row(of_words(44)), Row(of_words(45)), Row(of_words(45)), Row(of_words(45))]
    assert find_all(rows) == [Duplicate(1, NEAR, 0), Duplicate(2, EXACT, 0), Duplicate(3, EXACT, 0)]
    assert find_all(rows, "exact") == [Duplicate(2, EXACT, 1), Duplicate(3, EXACT, 1)]


def test_texts_of_less_than_five_words_are_near_only_as_a_whole() -> None:
    rows = [Row("a b c d"), Row("a b c"), Row("a b c d e"), Row("b a c d"), Row("A, B, C, D!", thinking=("",))]
    assert find_all(rows) == [Duplicate(4, NEAR, 0)]


def test_rows_without_a_word_are_never_near() -> None:
    assert find_all([Row(""), Row("", "ua_"), Row("", thinking=("Hm",))]) == []
    assert find_all([Row("", "-"), Row("", "-")]) == [Duplicate(1, EXACT, 0)]


def test_no_rows_have_no_duplicates() -> None:
    assert find_all([]) == []
    assert list(find_duplicates([], [], Sketched([]).read, "near")) == []


def test_a_unit_without_rows_changes_nothing() -> None:
    sketched = Sketched([[], [Row(of_words(44))], [], [Row(of_words(45))], []])
    ranks = [array("I", ranks) for ranks in ([], [0], [], [1], [])]
    assert list(find_duplicates(sketched.units, ranks, sketched.read, "near")) == [Duplicate(1, NEAR, 0)]


@pytest.mark.parametrize(("shortest", "longest"), [(5, 16), (20, 60), (60, 60), (40, 300)])
def test_what_brute_force_leaves_out_is_left_out_and_nothing_else(shortest: int, longest: int) -> None:
    rows = draw_rows(chance(longest), 1500, shortest, longest)
    expected = brute_force(rows)
    found = find_all(rows, units=4)
    left = {duplicate.rank for duplicate in found}
    assert len(expected) > 100
    assert len(left & expected) >= 0.99 * len(expected)
    assert len(left - expected) <= 0.002 * len(expected)  # like a row that should itself have been left out
    for duplicate in found:
        assert duplicate.stands_for < duplicate.rank
        assert duplicate.stands_for not in left
        assert is_near(rows[duplicate.rank], rows[duplicate.stands_for])


@settings(max_examples=30)
@given(randoms, st.integers(1, 6))
def test_the_cut_into_units_and_their_order_make_no_difference(random: Random, units: int) -> None:
    rows = draw_rows(random, 60, 6, 40)
    dealt, ranks = cut(rows, random, units)
    order = random.sample(range(units), units)
    numbers = random.sample(range(1000), units)
    sketched = Sketched([dealt[unit] for unit in order], numbers)
    found = find_duplicates(sketched.units, [ranks[unit] for unit in order], sketched.read, "near")
    assert list(found) == find_all(rows)


@settings(max_examples=30)
@given(randoms)
def test_the_ranks_of_a_unit_may_come_in_any_order(random: Random) -> None:
    rows = draw_rows(random, 60, 6, 40)
    dealt, ranks = cut(rows, random, 3)
    for unit in range(3):
        order = random.sample(range(len(dealt[unit])), len(dealt[unit]))
        dealt[unit] = [dealt[unit][at] for at in order]
        ranks[unit] = array("I", [ranks[unit][at] for at in order])
    sketched = Sketched(dealt)
    assert list(find_duplicates(sketched.units, ranks, sketched.read, "near")) == find_all(rows)


@settings(max_examples=20)
@given(randoms, st.integers(1, 300), st.sampled_from([1, 500, 5000]), st.sampled_from([1, 300, 2000]))
def test_how_much_is_held_at_a_time_makes_no_difference(random: Random, entries: int, batch: int, piece: int) -> None:
    rows = draw_rows(random, 60, 6, 40)
    expected = find_all(rows)
    dealt, ranks = cut(rows, random, 3)
    sketched = Sketched(dealt)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near, "BATCH_BYTES", batch)
        patch.setattr(near, "PIECE_BYTES", piece)
        patch.setattr(near, "GAP_BYTES", piece // 10)
        patch.setattr(near, "_STRETCH_BITS", 4)
        assert list(find_duplicates(sketched.units, ranks, sketched.read, "near", entries)) == expected


def test_sets_are_read_a_bounded_amount_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "BATCH_BYTES", 4000)
    monkeypatch.setattr(near, "GAP_BYTES", 200)
    monkeypatch.setattr(near, "PIECE_BYTES", 1000)
    rows = draw_rows(chance(3), 400, 20, 60)
    dealt, ranks = cut(rows, chance(3), 3)
    sketched = Sketched(dealt)
    assert len(list(find_duplicates(sketched.units, ranks, sketched.read, "near"))) > 50
    reads = [pieces for pieces in sketched.reads if pieces and pieces[0][0].endswith(".grams")]
    assert len(reads) > 5
    assert all(end - start <= 1000 for pieces in reads for _, start, end in pieces)
    assert max(sum(end - start for _, start, end in pieces) for pieces in reads) < 2 * 4000


def test_sets_far_from_those_that_are_compared_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    random = chance(8)
    fresh = [Row(" ".join(draw_text(random, 60))) for _ in range(1000)]
    rows = [*fresh, Row(f"{fresh[5].text} indeed"), Row(f"{fresh[900].text} indeed")]
    dealt, ranks = cut(rows, random, 1)
    for gap, most in ((10**6, 10**6), (1000, 4 * 60 * 4)):
        monkeypatch.setattr(near, "GAP_BYTES", gap)
        sketched = Sketched(dealt)
        found = list(find_duplicates(sketched.units, ranks, sketched.read, "near"))
        assert found == [Duplicate(1000, NEAR, 5), Duplicate(1001, NEAR, 900)]
        pieces = [piece for pieces in sketched.reads for piece in pieces if piece[0].endswith(".grams")]
        assert sum(end - start for _, start, end in pieces) <= most


def test_rows_that_agree_in_48_bits_of_112_are_not_equal() -> None:
    row = 5 << 60
    for second, found in ((7, [Duplicate(1, EXACT, 0)]), (8, [])):
        body = pack_words("Q", [row, 7, row | 1, second])
        counts = count_stretches(body, 16)
        facts = SketchFacts(unit=0, rows=2, exact=counts, bands=[], fingerprints=[])
        assert list(find_duplicates([facts], [array("I", [0, 1])], lambda pieces, body=body: [body], "exact")) == found  # type: ignore[misc]


def count_comparisons(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    compared = [0]
    compare = near.is_near

    def counted(ours: frozenset[int], body: bytes) -> bool:
        compared[0] += 1
        return compare(ours, body)

    monkeypatch.setattr(near, "is_near", counted)
    return compared


def test_a_crowd_of_equal_rows_is_not_compared_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = count_comparisons(monkeypatch)
    found = find_all([Row(of_words(20))] * 3000, units=3)
    assert found == [Duplicate(rank, EXACT, 0) for rank in range(1, 3000)]
    assert compared == [0]


def test_a_crowd_of_near_equal_rows_takes_about_one_comparison_each(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = count_comparisons(monkeypatch)
    words = draw_text(chance(1), 60)
    rows = [Row(" ".join([*words, f"name{number}"])) for number in range(2000)]
    found = find_all(rows, units=3)
    assert found == [Duplicate(rank, NEAR, 0) for rank in range(1, 2000)]
    assert compared[0] < 2100


@pytest.mark.parametrize(("compared", "looked_at", "most"), [(32, 16, 32), (4, 16, 4), (1000, 1, 10)])
def test_a_crowd_of_rows_that_are_not_near_takes_bounded_work_and_hides_few_that_are(
    monkeypatch: pytest.MonkeyPatch, compared: int, looked_at: int, most: int
) -> None:
    monkeypatch.setattr(near, "COMPARED", compared)
    monkeypatch.setattr(near, "LOOKED_AT", looked_at)
    counted = count_comparisons(monkeypatch)
    random = chance(2)
    words = draw_text(random, 48)
    rows = [Row(" ".join([*words, *draw_text(random, 12)])) for _ in range(1500)]
    rows += [Row(f"{row.text} indeed") for row in rows[-500:]]
    random.shuffle(rows)
    found = find_all(rows, units=3)
    assert most / 4 < counted[0] / len(rows) <= most  # not much less than is allowed: they are a crowd
    assert all(is_near(rows[duplicate.rank], rows[duplicate.stands_for]) for duplicate in found)
    assert len(found) >= 480


def test_every_unit_has_a_rank_for_each_row() -> None:
    sketched = Sketched([[Row("a"), Row("b")]])
    with pytest.raises(ValueError, match="one rank for each"):
        list(find_duplicates(sketched.units, [array("I", [0])], sketched.read, "exact"))
