"""Sketches depend on the rows alone, have the bytes that other datasets are compared with, and can be read in part."""

import hashlib
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline import grams as gram_hashes
from packhouse.pipeline import sketches
from packhouse.pipeline.grams import (
    BANDS,
    BINS,
    ROW_BITS,
    WordTable,
    hash_eights,
    hash_fives,
    sign,
    split_words,
    winnow,
)
from packhouse.pipeline.packed import iter_bits, pack_bits, pack_words, unpack_words
from packhouse.pipeline.render import ASSISTANT, USER
from packhouse.pipeline.runs import cut_slices
from packhouse.pipeline.sketches import ENDINGS, WIDTHS, Role, Sketcher, SketchFacts
from packhouse.pipeline.stretches import ROW_MASK, count_stretches, read_slice
from tests.unit.pipeline.sketched import Row, Sketched, chance, draw_text, grams

CORE = Path(sketches.__file__).parents[2]
DIGESTS = """
from hashlib import sha256
from packhouse.pipeline.sketches import Sketcher
sketcher = Sketcher(0)
said = [("user", "The quick brown fox jumps over the lazy dog;"), ("assistant", "then it sleeps until 今日は comes.")]
sketcher.add(0, said, "ut", ["Sleep!"], b"1")
sketcher.add(1, [("user", "Hello!"), ("assistant", "Yes")], "ua-", [], b"2")
sketcher.add(2, [("assistant", "👍")], "a", [], b"3")
sketcher.add(3, [], "-", [], b"4")
for ending, body in sketcher.finish()[0].items():
    print(ending, len(body), sha256(body).hexdigest()[:16])
"""
WRITTEN = """\
exact 64 ef45ef020d4efc58
bands 264 ab06ce0b9df941c1
sizes 16 462dc00626084450
grams 48 d750857fe9157c67
fingerprints 72 a3b4c9e1e91c11ab
"""

texts = st.lists(st.text(st.sampled_from("ab c.É\u0661\ufb00👍\n"), max_size=60), max_size=3)
randoms = st.randoms(use_true_random=True)


def sketch(*rows: Row) -> tuple[dict[str, bytes], SketchFacts]:
    sketcher = Sketcher(0)
    for at, row in enumerate(rows):
        row.add_to(sketcher, at)
    return sketcher.finish()


def equal_hash(row: Row) -> bytes:
    return sketch(row)[0]["exact"]


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_bytes_are_those_that_earlier_datasets_have_whatever_the_hash_seed(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(CORE)}
    told = subprocess.run([sys.executable, "-c", DIGESTS], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == WRITTEN


def test_words_are_little_endian_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pack_words("Q", [1]) == (1).to_bytes(8, "little")
    monkeypatch.setattr("sys.byteorder", {"little": "big", "big": "little"}[sys.byteorder])
    assert pack_words("Q", [1]) == (1).to_bytes(8, "big")
    assert unpack_words("I", pack_words("I", [1, 2**32 - 1])) == [1, 2**32 - 1]


@given(st.lists(texts, max_size=6))
def test_every_run_is_sorted_counted_by_stretch_and_names_rows_of_the_unit(rows: list[list[str]]) -> None:
    sketcher = Sketcher(7)
    for at, row in enumerate(rows):
        sketcher.add(at, [(USER, text) for text in row], "ua", [], bytes([at]))
    bodies, facts = sketcher.finish()
    assert tuple(bodies) == ENDINGS
    assert (facts.unit, facts.rows) == (7, len(rows))
    for ending, width in WIDTHS.items():
        entries = [int.from_bytes(bodies[ending][at : at + 8], "little") for at in range(0, len(bodies[ending]), width)]
        assert entries == sorted(entries)
        assert all(entry & ROW_MASK < len(rows) for entry in entries)
        counts = [0] * 256
        for entry in entries:
            counts[entry >> 56] += 1
        assert getattr(facts, ending) == counts == count_stretches(bodies[ending], width)
    assert len(bodies["exact"]) == 16 * len(rows)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=40), max_size=5))
def test_the_sets_of_5_grams_follow_each_other_with_the_sizes_that_they_have(rows: list[list[str]]) -> None:
    bodies, _ = sketch(*(Row(" ".join(words)) for words in rows))
    sizes, packed = unpack_words("I", bodies["sizes"]), unpack_words("I", bodies["grams"])
    assert sizes == [len(grams(" ".join(words))) if words else 0 for words in rows]
    begin = 0
    for words, size in zip(rows, sizes, strict=True):
        assert packed[begin : begin + size] == unpack_words("I", sketch(Row(" ".join(words)))[0]["grams"])
        assert packed[begin : begin + size] == sorted(set(packed[begin : begin + size]))
        begin += size
    assert begin == len(packed)


def test_the_same_words_in_another_order_are_other_n_grams() -> None:
    words = ["a", "b", "c", "d", "e", "f", "g", "h"]
    orders = [order for order in permutations(range(8)) if sum(at != place for at, place in enumerate(order)) <= 3]
    spelled = [WordTable().spell(words[at] for at in order) for order in orders]
    assert len({hash_eights(text)[0] >> ROW_BITS for text in spelled}) == len(orders) == 1 + 28 + 112
    assert len({hash_fives(text)[0] for text in spelled}) == len({order[:5] for order in orders})


def test_case_punctuation_and_compatibility_forms_make_no_difference_to_equality() -> None:
    plain = equal_hash(Row("the file is at 5 strasse"))
    assert equal_hash(Row("The \ufb01le... IS, at: \uff15 (Straße)!")) == plain
    assert equal_hash(Row("the file is at 6 strasse")) != plain
    assert equal_hash(Row("file the is at 5 strasse")) != plain


def test_112_bits_of_hash_tell_rows_apart() -> None:
    words = unpack_words("Q", sketch(*(Row(f"text {number}") for number in range(100)))[0]["exact"])
    assert len({first >> ROW_BITS for first in words[::2]}) == len(set(words[1::2])) == 100
    assert max(words[1::2]) > 2**60


def test_another_shape_is_another_row() -> None:
    assert equal_hash(Row("yes", "ua")) == equal_hash(Row("Yes!", "ua")) != equal_hash(Row("yes", "ua_"))


def test_other_thinking_is_another_row() -> None:
    rows = [Row("yes", "utt", thinking=thinking) for thinking in [(), ("a", "b"), ("a b",), ("", "a b"), ("A", "b")]]
    assert len({equal_hash(row) for row in rows}) == len(rows)
    assert equal_hash(rows[1]) == equal_hash(Row("Yes.", "utt", thinking=("a", "b")))


def test_a_word_is_where_it_is_said() -> None:
    assert equal_hash(Row("yes i do", persona="well")) != equal_hash(Row("i do", persona="well yes"))


def test_the_lowest_bit_of_a_gram_says_who_says_it() -> None:
    words = draw_text(chance(7), 20)
    asked, answered, both = (
        unpack_words("I", sketch(row)[0]["grams"])
        for row in (
            Row("", persona=" ".join(words)),
            Row(" ".join(words)),
            Row(" ".join(words[:9]), persona=" ".join(words[9:])),
        )
    )
    assert [gram | 1 for gram in asked] == answered
    assert [gram & 1 for gram in asked] == [0] * 16
    assert (len(both), sum(gram & 1 for gram in both)) == (5 + 7, 5)


def test_rows_of_another_shape_or_with_another_answer_have_no_band_in_common() -> None:
    asked = " ".join(draw_text(chance(3), 60))
    rows = [Row("Hold pace.", persona=asked), Row("Hold pace.", "ut", persona=asked), Row("Stop now.", persona=asked)]
    bands = [{entry >> ROW_BITS for entry in unpack_words("Q", sketch(row)[0]["bands"])} for row in rows]
    assert [len(of_row) for of_row in bands] == [BANDS] * 3
    assert len(set[int]().union(*bands)) == 3 * BANDS


def test_signs_are_words_only_where_a_message_has_no_others() -> None:
    assert split_words("\U0001f44d \U0001f44d!") == ["\U0001f44d", "\U0001f44d!"]
    assert split_words("Yes \U0001f44d!") == ["yes"]
    assert split_words(" \n") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我们今天跑了10公里、很好。", [*"我们今天跑了", "10", *"公里很好"]),
        ("カタカナとｶﾅ、OKです", [*"カタカナとカナ", "ok", *"です"]),
        ("สวัสดีครับ 5km", [*"สวัสดีครับ", "5km"]),
        ("달리기 좋아요", ["달리기", "좋아요"]),
        ("\U00020000\U0002a6dfx", ["\U00020000", "\U0002a6df", "x"]),
    ],
)
def test_each_character_of_a_script_without_spaces_is_a_word(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_a_row_without_a_word_has_no_5_grams_and_equals_only_the_same_shape() -> None:
    bodies, _ = sketch(Row(""), Row("", "-"), Row(""))
    assert (bodies["sizes"], bodies["grams"], bodies["bands"]) == (bytes(12), b"", b"")
    assert len({equal_hash(Row(text)) for text in ("\U0001f44d", "\U0001f44e", "…", "")}) == 4
    assert equal_hash(Row("")) == equal_hash(Row("")) != equal_hash(Row("", "-"))


@given(st.lists(st.booleans(), max_size=40))
def test_a_bitmap_has_the_bits_of_rows_from_the_lowest_on(bits: list[bool]) -> None:
    bitmap = pack_bits(bytes(bits))
    assert [bitmap[row >> 3] >> (row & 7) & 1 for row in range(len(bits))] == bits
    assert list(iter_bits(bitmap)) == bits + [False] * (-len(bits) % 8)


def test_rows_are_added_in_order_and_no_more_than_a_unit_has(monkeypatch: pytest.MonkeyPatch) -> None:
    sketcher = Sketcher(0)
    with pytest.raises(ValueError, match="row 1 cannot follow 0 rows"):
        sketcher.add(1, [], "-", [], b"")
    monkeypatch.setattr(sketches, "UNIT_ROWS", 2)
    sketcher.add(0, [], "-", [], b"")
    sketcher.add(1, [], "-", [], b"")
    with pytest.raises(ValueError, match="at most 2"):
        sketcher.add(2, [], "-", [], b"")


def test_the_last_row_of_a_full_unit_is_told_from_its_hashes() -> None:
    sketcher = Sketcher(0)
    for at in range(sketches.UNIT_ROWS):
        sketcher.add(at, [], "-", [], b"")
    entries = unpack_words("Q", sketcher.finish()[0]["fingerprints"])
    assert [entry & ROW_MASK for entry in entries] == list(range(sketches.UNIT_ROWS))
    assert len({entry >> 16 for entry in entries}) == 1


def test_a_table_that_forgot_its_words_hashes_them_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    words = draw_text(chance(0), 100, 20)
    before = WordTable().spell(words)
    monkeypatch.setattr(gram_hashes, "_WORDS_HELD", 3)
    small = WordTable()
    assert small.spell(words) == before
    assert len(small) <= 3


@given(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=120), st.sampled_from([BANDS, BINS]))
def test_a_signature_has_the_least_hash_of_each_bin_and_borrows_for_empty_ones(members: set[int], bins: int) -> None:
    signature = sign(sorted(members), bins)
    assert len(signature) == bins
    for number, least in enumerate(signature):
        own = [member for member in members if member % bins == number]
        assert least == min(own) if own else least == signature[least % bins]


def test_signatures_agree_in_as_many_bins_as_the_similarity_says() -> None:
    random = chance(5)
    for size, kept in ((10, 8), (50, 40), (200, 100)):
        agreed = 0
        for _ in range(400):
            members = random.sample(range(2**32), 2 * size - kept)
            one, other = sign(sorted(members[:size]), BINS), sign(sorted(members[size - kept :]), BINS)
            agreed += sum(a == b for a, b in zip(one, other, strict=True))
        assert agreed / (400 * BINS) == pytest.approx(kept / (2 * size - kept), abs=0.02)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_winnowing_takes_the_least_of_every_window(hashes: list[int]) -> None:
    windows = {min(hashes[at : at + 6]) for at in range(len(hashes) - 5)}
    assert winnow(hashes) == (windows or set(hashes))


@pytest.mark.parametrize("length", [8, 9, 13, 14, 60])
def test_a_text_of_8_words_or_more_has_its_identity_and_its_winnowed_8_grams_for_fingerprints(length: int) -> None:
    words = draw_text(chance(length), length)
    eights = hash_eights(WordTable().spell(words))
    assert len(eights) == length - 7
    expected = {gram >> ROW_BITS for gram in winnow(eights)}
    bodies = [sketch(Row(" ".join(words), identity=identity))[0] for identity in (b"1", b"2")]
    one, two = ({entry >> ROW_BITS for entry in unpack_words("Q", body["fingerprints"])} for body in bodies)
    assert one & two == expected
    assert len(one - two) == 1


def test_fingerprints_are_of_all_words_in_their_order_whoever_says_them() -> None:
    words = draw_text(chance(4), 30)
    cuts = [Row(" ".join(words[at:]), shape, persona=" ".join(words[:at])) for at, shape in ((0, "a"), (9, "ua"))]
    assert len({sketch(row)[0]["fingerprints"] for row in cuts}) == 1
    sketcher = Sketcher(0)
    turns: list[tuple[Role, list[str]]] = [
        (USER, words[:9]),
        (ASSISTANT, words[9:14]),
        (USER, words[14:25]),
        (ASSISTANT, words[25:]),
    ]
    sketcher.add(0, [(role, " ".join(part)) for role, part in turns], "uaua", [], b"")
    assert sketcher.finish()[0]["fingerprints"] == sketch(cuts[0])[0]["fingerprints"]
    short = [Row("c d", persona="a b"), Row("b c d", "ut", persona="a")]
    assert len({sketch(row)[0]["fingerprints"] for row in short}) == 1
    assert len({sketch(row)[0]["fingerprints"] for row in (*short, Row("cd", persona="a b"))}) == 2


@given(randoms, st.integers(1, 300))
def test_slices_of_the_key_space_have_every_entry_once(random: Random, slice_entries: int) -> None:
    sketched = Sketched([[Row(" ".join(draw_text(random, 12))) for _ in range(9)] for _ in range(3)])
    runs = [facts.run("bands") for facts in sketched.units]
    totals = [sum(counts) for counts in zip(*(run.buckets for run in runs), strict=True)]
    bodies: dict[int, bytes] = {}
    for first, last in cut_slices(totals, slice_entries):
        pieces = dict(read_slice(runs, 8, sketched.read, first, last))
        held = sum(map(len, pieces.values())) // 8
        assert held == sum(totals[first:last]) <= max(slice_entries, *totals[first:last])
        for number, body in pieces.items():
            bodies[number] = bodies.get(number, b"") + body
    whole = sketched.read([(run.name, 0, 8 * sum(run.buckets)) for run in runs])
    assert [hashlib.sha256(bodies[number]).digest() for number in range(3)] == [
        hashlib.sha256(body).digest() for body in whole
    ]
