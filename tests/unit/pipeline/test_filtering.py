"""Rows of all units are put in one order, compared, sampled and exported in turn, however they were cut into units."""

import hashlib
import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.errors import UnitFailedError
from packhouse.pipeline import filtering
from packhouse.pipeline.exporting import Exported, export_profile, iter_kept
from packhouse.pipeline.filtering import FilteredRows, Wish, iter_sealed_lines
from packhouse.pipeline.overlap import OtherDataset
from tests.unit.pipeline.captures import SILENCE, capture, operator, persona
from tests.unit.pipeline.rendered import Rendered, rendered, session

NOTHING = Wish("none", None, 0)
randoms = st.randoms(use_true_random=True)
SENTENCE = "we ran along the river and back over old bridge before rain came on"
PROSE = SENTENCE.split()


class Bytes(bytearray):
    """A sink that keeps what it is given."""

    def write(self, block: bytes) -> None:
        self.extend(block)


def cut(random: Random, captured: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the sessions in units, of any size, in any order."""
    shuffled = random.sample(list(captured), len(captured))
    units: list[list[dict[str, Any]]] = [[] for _ in range(random.randint(1, 5))]
    for each in shuffled:
        random.choice(units).append(each)
    return units


def exported(made: Rendered, found: FilteredRows, profile: str = "default") -> tuple[Exported, bytes]:
    """Return what comes of the rows that stay."""
    plain, packed = Bytes(), Bytes()
    ending = "order" if profile == "lineage" else "ndjson"
    lines = iter_kept(found.turns, found.kept, made.lines(ending))
    return export_profile(profile, lines, found.rows, plain, packed), bytes(plain)


def drawn(random: Random, count: int) -> list[dict[str, Any]]:
    """Return sessions of few scenarios, some of which say the same."""
    return [
        session(f"r{number}", f"sc_{random.randrange(3)}", random.randrange(4), " ".join(random.sample(PROSE, 12)))
        if random.random() < 0.8
        else session(f"r{number}", f"sc_{random.randrange(3)}", random.randrange(4), " ".join(PROSE))
        for number in range(count)
    ]


def key(captured: dict[str, Any]) -> tuple[str, int, str]:
    return captured["scenario_id"], captured["rollout_index"], captured["rollout_id"]


def names(made: Rendered, found: FilteredRows) -> list[str]:
    """Return the rollouts that stay, in the rows' order."""
    _, body = exported(made, found, "lineage")
    return [json.loads(line)["rollout_id"] for line in body.splitlines()]


@settings(max_examples=60)
@given(randoms, st.integers(1, 40))
def test_all_rows_come_in_the_order_of_their_keys_however_they_are_cut(random: Random, count: int) -> None:
    captured = drawn(random, count)
    made = rendered(cut(random, captured))
    found = made.filtered(NOTHING)
    assert found.rows == count
    assert found.left_out == {}
    assert names(made, found) == [each["rollout_id"] for each in sorted(captured, key=key)]
    made_once = rendered([captured])
    assert exported(made, found)[1] == exported(made_once, made_once.filtered(NOTHING))[1]


@settings(max_examples=60)
@given(randoms, st.integers(1, 40), st.integers(1, 45), st.integers(0, 2**63 - 1))
def test_sampling_takes_the_smallest_hashes_of_seed_and_rollout(
    random: Random, count: int, most: int, seed: int
) -> None:
    captured = drawn(random, count)
    made = rendered(cut(random, captured))
    found = made.filtered(Wish("none", most, seed))

    def drawn_by(each: dict[str, Any]) -> bytes:
        return hashlib.sha256(seed.to_bytes(8, "big") + each["rollout_id"].encode()).digest()[:8]

    expected = sorted(sorted(captured, key=drawn_by)[:most], key=key)
    assert names(made, found) == [each["rollout_id"] for each in expected]
    assert found.left_out == ({"NOT_SAMPLED": count - most} if most < count else {})


def test_a_larger_sample_holds_the_smaller_one() -> None:
    captured = [session(f"r{number}") for number in range(500)]
    made = rendered([captured[:200], captured[200:]])
    samples = [set(names(made, made.filtered(Wish("none", most, 7)))) for most in (10, 100, 499)]
    assert [len(sample) for sample in samples] == [10, 100, 499]
    assert samples[0] < samples[1] < samples[2]
    assert samples[0] != set(names(made, made.filtered(Wish("none", 10, 8))))


@settings(max_examples=40)
@given(randoms, st.integers(2, 40))
def test_the_first_of_equal_rows_stays_however_they_are_cut(random: Random, count: int) -> None:
    captured = drawn(random, count)
    made = rendered(cut(random, captured))
    found = made.filtered(Wish("exact", None, 0))
    seen: set[str] = set()
    expected = []
    for each in sorted(captured, key=key):
        said = each["events"][1]["content"]
        if said not in seen:
            expected.append(each["rollout_id"])
        seen.add(said)
    assert names(made, found) == expected
    assert found.left_out == ({"EXACT_DUPLICATE": count - len(expected)} if len(expected) < count else {})


def test_near_rows_go_only_when_near_ones_are_asked_for() -> None:
    long = " ".join(f"{word}{number}" for number in range(6) for word in PROSE)
    captured = [session("a", index=0, said=long), session("b", index=1, said=f"{long} again")]
    made = rendered([captured[:1], captured[1:]])
    assert made.filtered(Wish("exact", None, 0)).left_out == {}
    found = made.filtered(Wish("near", None, 0))
    assert (names(made, found), found.left_out) == (["a"], {"NEAR_DUPLICATE": 1})


def test_four_answers_to_one_long_message_all_stay() -> None:
    asked = persona(" ".join(f"{word}{number}" for number in range(4) for word in PROSE))
    answers = [
        operator("Hold pace."),
        SILENCE,
        operator("Stop running now, see a doctor."),
        operator("<thinking>The calf is a risk.</thinking>Hold pace."),
        operator("<thinking>It may be nothing.</thinking>Hold pace."),
    ]
    captured = [
        capture(asked, answer, rollout_id=f"r{index}", rollout_index=index) for index, answer in enumerate(answers)
    ]
    made = rendered([captured[::2], captured[1::2]])
    assert made.filtered(Wish("exact", None, 0)).left_out == {}
    found = made.filtered(Wish("near", None, 0))
    assert (names(made, found), found.left_out) == (["r0", "r1", "r2", "r3"], {"NEAR_DUPLICATE": 1})


def test_a_silence_at_another_turn_makes_another_row() -> None:
    asked, told, answer = (" ".join(f"{word}{number}" for word in PROSE) for number in range(3))
    captured = [
        capture(*events, rollout_id=f"r{index}", rollout_index=index)
        for index, events in enumerate(
            [
                (persona(asked), SILENCE, persona(told), operator(answer)),
                (persona(asked), operator(answer), persona(told), SILENCE),
            ]
        )
    ]
    assert rendered([captured]).filtered(Wish("near", None, 0)).left_out == {}


def test_a_run_of_words_is_not_broken_by_a_silence() -> None:
    theirs = rendered([[capture(persona(SENTENCE), SILENCE, rollout_id="t")]])
    ours = rendered(
        [[capture(persona(" ".join(PROSE[:6])), SILENCE, persona(" ".join(PROSE[6:])), SILENCE, rollout_id="o")]]
    )
    others = [OtherDataset([unit.sketch for unit in theirs.units], theirs.filtered(NOTHING).kept, theirs.read)]
    assert ours.filtered(NOTHING, others=others).left_out == {"OVERLAPS_DATASET": 1}


@given(st.binary(max_size=200).map(lambda body: body.replace(b"\0", b"\n")), st.integers(1, 60), st.integers(1, 20))
def test_lines_are_those_of_the_file_however_it_is_read(body: bytes, block: int, split: int) -> None:
    body = re.sub(b"[^\n]$", b"\n", body)
    blocks = [body[at : at + block] for at in range(0, len(body), block)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filtering, "_SPLIT_BYTES", split)
        lines = list(iter_sealed_lines(blocks, hashlib.sha256(body).hexdigest()))
    assert lines == body.split(b"\n")[:-1]


def test_a_file_that_ends_within_a_line_is_not_what_was_rendered() -> None:
    with pytest.raises(UnitFailedError, match="SOURCE_CHANGED"):
        list(iter_sealed_lines([b"a\nb"], hashlib.sha256(b"a\nb").hexdigest()))


def test_what_overlaps_another_dataset_goes_and_only_rows_that_stayed_there_count() -> None:
    shared, other = " ".join(PROSE), " ".join(reversed(PROSE))
    theirs = rendered([[session("t1", said=f"Well, {shared}, I think."), session("t2", said=f"Now {other}.")]])
    ours = rendered([[session("o1", said=f"As I said: {shared}!")], [session("o2", said=f"Or: {other}?")]])
    all_kept = theirs.filtered(NOTHING).kept
    sketches = [unit.sketch for unit in theirs.units]
    found = ours.filtered(NOTHING, others=[OtherDataset(sketches, all_kept, theirs.read)])
    assert (found.rows, found.left_out) == (0, {"OVERLAPS_DATASET": 2})
    first_kept = ours.filtered(NOTHING, others=[OtherDataset(sketches, [b"\1"], theirs.read)])
    assert names(ours, first_kept) == ["o2"]


@pytest.mark.parametrize("ending", ["order", "ndjson"])
def test_a_file_that_is_not_what_was_rendered_stops_it(ending: str) -> None:
    made = rendered([[session("a"), session("b")], [session("c")]])
    found = made.filtered(NOTHING)
    made.bodies[1][ending] = made.bodies[1][ending].replace(b"c", b"d", 1)
    with pytest.raises(UnitFailedError, match="SOURCE_CHANGED"):
        made.filtered(NOTHING) if ending == "order" else exported(made, found)


def test_lines_that_are_missing_are_never_exported_as_a_shorter_file() -> None:
    made = rendered([[session("a"), session("b")]])
    found = made.filtered(NOTHING)
    short = made.bodies[0]["ndjson"].split(b"\n")[0] + b"\n"
    lines = [iter_sealed_lines([short], hashlib.sha256(short).hexdigest())]
    with pytest.raises(UnitFailedError, match="SOURCE_CHANGED"):
        export_profile("default", iter_kept(found.turns, found.kept, lines), found.rows, Bytes(), Bytes())


def test_lines_that_are_too_many_are_noticed() -> None:
    made = rendered([[session("a"), session("b")]])
    found = made.filtered(NOTHING)
    with pytest.raises(UnitFailedError, match="more rows"):
        list(iter_kept(found.turns[:2], found.kept, made.lines()))


def test_a_row_that_a_profile_refuses_is_told_by_its_line_and_the_others_are_written() -> None:
    captured = [session("a", index=0), session("b", index=1, said="It is </think> now."), session("c", index=2)]
    made = rendered([captured])
    found = made.filtered(NOTHING)
    result, body = exported(made, found, "inline-think")
    assert (result.rows, result.refused_count, result.refused_rules) == (2, 1, {"THINK_TAG": 1})
    assert [(fault.line, fault.rule, fault.pointer) for fault in result.refused] == [
        (2, "THINK_TAG", "/messages/1/content")
    ]
    assert len(body.splitlines()) == 2
    assert exported(made, found)[0].rows == 3
