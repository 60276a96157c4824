"""Scores follow their published equations, in cases worked out by hand and against the definitions written plainly."""

import itertools
import re
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.rollouts import parse_rollout
from packhouse.pipeline.scoring import SCORERS, Scores, complexity_score, lix, mattr, quality_score, score_rollout
from tests.unit.pipeline.captures import SILENCE, capture, captures, line, operator, persona, rollout


def likelihood(turn: int, conditional: float, unconditional: float, tokens: int = 1) -> dict[str, Any]:
    return {"turn": turn, "conditional": conditional, "unconditional": unconditional, "tokens": tokens}


def distinct(count: int, letters: int = 4) -> list[str]:
    """Words of so many letters, all different, none of them in the phrases of the tests."""
    return ["z" + "".join(each) for each in itertools.islice(itertools.product("abcdefgh", repeat=letters - 1), count)]


def twice(phrase: list[str], count: int) -> list[str]:
    """Text of `count` words of 4 letters in which the phrase stands twice, apart."""
    rest = distinct(count - 2 * len(phrase))
    return [*rest[:3], *phrase, *rest[3:7], *phrase, *rest[7:]]


PHRASE = ["hold", "pace", "rest", "well", "swim", "bike"]
ALL = 7
"""Rules that apply to a text of six words or more."""


def test_ifd_is_the_ratio_of_the_mean_losses_over_all_tokens() -> None:
    # Turn 2 is silence and does not count. Mean loss given the context: (41.2 + 20) / (23 + 5); alone: (77.9 + 10) /
    # (23 + 5); ratio 61.2 / 87.9 = 0.696246. The mean of the turns' ratios would be (0.528883 + 2) / 2 = 1.264442.
    turns = [likelihood(1, -41.2, -77.9, 23), likelihood(2, -1, -90, 9), likelihood(3, -20, -10, 5)]
    scored = score_rollout(rollout(operator("a"), SILENCE, persona("b"), operator("c"), loglik=turns))
    assert scored.ifd_score == 0.696246


@pytest.mark.parametrize(
    "turns", [[], [likelihood(2, -1, -2)], [likelihood(1, -1, 0)], [likelihood(1, 0, 0), likelihood(2, -1, -2)]]
)
def test_ifd_is_null_without_losses_to_compare(turns: list[dict[str, Any]]) -> None:
    assert score_rollout(rollout(operator("a"), SILENCE, loglik=turns)).ifd_score is None


@pytest.mark.parametrize(
    ("words", "score"),
    [
        # Each of 3 letters: a mean of 3 passes. Each of 2: a mean of 2 fails the first rule of seven.
        (["our", "run", "was", "not", "too", "bad"], 1.0),
        (["we", "go", "on", "up", "to", "it"], 6 / ALL),
        # A mean of 10 passes, of 61 / 6 = 10.17 fails.
        (distinct(6, 10), 1.0),
        ([*distinct(5, 10), "a" * 11], 6 / ALL),
        # 1 symbol in 10 words is 0.1 and passes, 2 of one kind are 0.2 and fail; an ellipsis has two spellings.
        ([*distinct(10), "#"], 1.0),
        ([*distinct(10), "…"], 1.0),
        ([*distinct(10), "..."], 1.0),
        ([*distinct(10), "#", "..."], 1.0),
        ([*distinct(10), "#", "#"], 6 / ALL),
        ([*distinct(10), "…", "..."], 6 / ALL),
        # 8 of 10 words with a letter pass, 7 fail; one letter in a word is enough.
        ([*distinct(8), "2026", "1500"], 1.0),
        ([*distinct(7), "2026", "1500", "4242"], 6 / ALL),
        ([*distinct(7), "2026", "1500", "42km"], 1.0),
        # Two words twice: 16 of 4 * 20 letters are 0.2 and pass, 16 of 4 * 19 are 0.211 and fail.
        (twice(PHRASE[:2], 20), 1.0),
        (twice(PHRASE[:2], 19), 6 / ALL),
        # Three words twice: 24 of 136 letters are 0.176 and pass (0.18), 24 of 132 are 0.182; 16 of 132 pass as pairs.
        (twice(PHRASE[:3], 34), 1.0),
        (twice(PHRASE[:3], 33), 6 / ALL),
        # Four words twice: 32 of 200 letters are 0.16 and pass, 32 of 196 are 0.163; 24 of 196 = 0.122 pass as threes.
        (twice(PHRASE[:4], 50), 1.0),
        (twice(PHRASE[:4], 49), 6 / ALL),
        # Five words twice: 40 of 268 letters are 0.149 and pass (0.15), 40 of 264 are 0.152; 32 of 264 pass as fours.
        (twice(PHRASE[:5], 67), 1.0),
        (twice(PHRASE[:5], 66), 6 / ALL),
        # Six words twice are two 5-grams that overlap; counted once: 48 of 320 letters are 0.15, 48 of 316 are 0.152.
        (twice(PHRASE[:6], 80), 1.0),
        (twice(PHRASE[:6], 79), 6 / ALL),
    ],
)
def test_quality_is_the_share_of_gophers_rules_that_pass(words: list[str], score: float) -> None:
    assert quality_score([" ".join(words)]) == round(score, 6)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        # Fewer words, fewer rules that apply: three, then one more for each n below the number of words.
        ("it", 2 / 3),
        ("go on", 2 / 3),
        ("go on up", 3 / 4),
        ("go on up to", 4 / 5),
        ("go on up to it", 5 / 6),
        # Twice the pair, once the three: "go on" and "on go" have 4 of 6 letters or more; "go on go" stands once.
        ("go on go on", 3 / 5),
        # Of equally frequent pairs the longest counts: 2 * 2 letters of "x y" are below 0.2 of 55, 2 * 8 are not.
        ("x y hold pace " + " ".join(distinct(5)) + " x y " + " ".join(distinct(4, 5)[1:]) + " hold pace", 6 / ALL),
    ],
)
def test_only_rules_that_can_apply_count(text: str, score: float) -> None:
    assert quality_score([text]) == round(score, 6)


def plain_quality(text: str) -> float | None:
    """The rules of Rae et al. 2021, table A1, as they are worded."""
    words = re.findall(r"\w+", text)
    if not words:
        return None
    letters = sum(len(word) for word in words)
    rules = [
        3 <= letters / len(words) <= 10,
        all(len(re.findall(symbol, text)) / len(words) <= 0.1 for symbol in ("#", r"…|\.\.\.")),
        sum(any(letter.isalpha() for letter in word) for word in words) / len(words) >= 0.8,
    ]
    for size, limit in ((2, 0.2), (3, 0.18), (4, 0.16)):
        grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
        if len(grams) > 1:
            most, longest = max((times, len("".join(gram))) for gram, times in Counter(grams).items())
            rules.append(most == 1 or most * longest / letters <= limit)
    grams = [tuple(words[at : at + 5]) for at in range(len(words) - 4)]
    if len(grams) > 1:
        inside = [any(grams.count(gram) > 1 for gram in grams[max(at - 4, 0) : at + 1]) for at in range(len(words))]
        rules.append(sum(len(word) for word, within in zip(words, inside, strict=True) if within) / letters <= 0.15)
    return round(sum(rules) / len(rules), 6)


def plain_mattr(words: list[str], window: int) -> float:
    if len(words) <= window:
        return len(set(words)) / len(words)
    shares = [len(set(words[at : at + window])) / window for at in range(len(words) - window + 1)]
    return sum(shares) / len(shares)


prose = st.lists(
    st.sampled_from(
        ["hold", "pace", "Hold", "a", "go", "intensities", "2026", "4", "#", "...", "…", "zwölf", "走", "!", "\n"]
    ),
    max_size=90,
).map(" ".join)


@given(prose)
def test_quality_is_what_the_rules_say_plainly(text: str) -> None:
    assert quality_score([text]) == plain_quality(text)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), st.integers(1, 50))
def test_mattr_is_the_mean_over_all_windows(words: list[str], window: int) -> None:
    assert mattr(words, window) == pytest.approx(plain_mattr(words, window), abs=1e-12)


def test_mattr_counts_a_repeat_only_within_a_window() -> None:
    fifty = distinct(50)
    assert mattr([*fifty, fifty[0]]) == 1.0  # the repeat is 50 words away: both windows have 50 words
    assert mattr([*fifty, fifty[1]]) == pytest.approx((50 / 50 + 49 / 50) / 2)
    assert mattr(fifty[:49] + fifty[:1]) == 49 / 50


@pytest.mark.parametrize(
    ("texts", "score"),
    [
        # 10 words (10.5 is two), 4 sentences (a colon ends one, 10.5 does not, a turn does), 3 of 7 letters or more.
        (["Run 10.5 km easy. Rest: then stretch properly!", "Recovery"], 10 / 4 + 100 * 3 / 10),
        (["Really?! Yes…"], 2 / 2),
        (["He said “rest.” She ran."], 5 / 2),
        (["Rest"], 1),
        (["...Rest. ... !"], 1),
        (["Rest..... Run.) Swim?!? Bike.a"], 5 / 4),
        (["Rest\nnow\n\nplease"], 3 / 3),
        (["休息。明天跑步。"], 2 / 2),
        # Six letters are not long, seven are.
        (["tempos"], 1),
        (["tempoes"], 101),
    ],
)
def test_lix_is_words_per_sentence_and_the_percentage_of_long_words(texts: list[str], score: float) -> None:
    assert lix(texts) == score


@pytest.mark.parametrize("piece", [".", '."', '"', "?!", " .", "a", "a b ", "\n", "。", "#"])
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    text = "rest" + piece * (200_000 // len(piece)) + "rest"
    begun = time.process_time()
    quality_score([text])
    complexity_score([text])
    assert time.process_time() - begun < 2  # a quadratic scan would take minutes


@pytest.mark.parametrize(
    ("texts", "score"),
    [
        # LIX 32.5 as above, every word once: (0.325 + 10 / 10) / 2.
        (["Run 10.5 km easy. Rest: then stretch properly!", "Recovery"], 0.6625),
        # LIX 2 / 1 + 0; one word in two spellings: (0.02 + 1 / 2) / 2.
        (["Run run."], 0.26),
        # LIX 1 + 100 is cut at 100.
        (["Periodization"], 1.0),
        # LIX 3 / 1 + 0; (0.03 + 2 / 3) / 2 = 0.348333…
        (["go on go"], 0.348333),
    ],
)
def test_complexity_is_the_mean_of_lix_and_variety(texts: list[str], score: float) -> None:
    assert complexity_score(texts) == score


@given(prose)
def test_a_text_has_both_scores_or_no_word(text: str) -> None:
    scores = quality_score([text]), complexity_score([text])
    if re.search(r"\w", text):
        assert all(score is not None and 0 <= score <= 1 and score == round(score, 6) for score in scores)
    else:
        assert scores == (None, None)


@pytest.mark.parametrize(
    "events", [[persona("Hi.")], [SILENCE], [operator("👍 … !")], [operator("<thinking>a</thinking>!")]]
)
def test_without_a_word_of_the_operator_there_is_no_score(events: list[dict[str, Any]]) -> None:
    assert score_rollout(rollout(*events)) == Scores()


def test_given_scores_are_kept_and_the_others_computed() -> None:
    turns = [likelihood(1, -1, -2)]
    scored = score_rollout(rollout(operator("Rest well."), scores={"quality_score": 12.3456789}, loglik=turns))
    # LIX 2 / 1; two words of two: (0.02 + 1) / 2.
    assert scored == Scores(12.3456789, 0.51, 0.5, ("quality_score",), ("complexity_score", "ifd_score"))


@pytest.mark.parametrize("name", SCORERS)
def test_a_given_score_is_never_computed(name: str) -> None:
    events = (operator("Rest well."),)
    computed = score_rollout(rollout(*events, loglik=[likelihood(1, -1, -2)]))
    kept = score_rollout(rollout(*events, loglik=[likelihood(1, -1, -2)], scores={name: 1}))
    assert computed.computed == tuple(SCORERS)
    assert (getattr(kept, name), kept.given) == (1.0, (name,))
    assert kept.computed == tuple(other for other in SCORERS if other != name)
    assert isinstance(getattr(kept, name), float)


@given(captures())
def test_every_score_is_given_computed_or_null(captured: dict[str, Any]) -> None:
    scored = score_rollout(parse_rollout(line(captured)))
    there = [name for name in SCORERS if getattr(scored, name) is not None]
    assert sorted(scored.given + scored.computed) == sorted(there)
    sent = {name: score for name, score in (captured.get("scores") or {}).items() if score is not None}
    assert {name: getattr(scored, name) for name in scored.given} == sent


@given(captures(), prose)
def test_scores_come_from_what_the_operator_says_alone(captured: dict[str, Any], text: str) -> None:
    def heard(event: dict[str, Any]) -> dict[str, Any]:
        if event["type"] == "persona_message":
            return persona("Something else.")
        thinks = event["type"] == "operator_message" and "<thinking>" not in event["content"]
        return operator(f"<thinking>{text}</thinking>{event['content'].lstrip()}") if thinks else event

    other = {**captured, "events": [heard(event) for event in captured["events"]]}
    assert score_rollout(parse_rollout(line(other))) == score_rollout(parse_rollout(line(captured)))


def test_every_scorer_says_what_it_computes_and_whose_equation_it_is() -> None:
    assert list(SCORERS) == ["quality_score", "complexity_score", "ifd_score"]
    assert len({scorer.name for scorer in SCORERS.values()}) == 3
    assert all(
        scorer.version >= 1 and scorer.formula and re.search(r"\b(19|20)\d\d\b", scorer.source)
        for scorer in SCORERS.values()
    )


def test_a_rollout_has_one_score_in_every_run() -> None:
    events = [
        operator("Rest well tonight: eight hours. Then run 10.5 km easy…"),
        persona("Ok."),
        operator("Rest well!"),
    ]
    body = line(capture(*events))
    # 13 words (10.5 is two), "Rest well" twice; 3 + 4 rules, and 16 of 49 letters are above 0.2.
    # Sentences: tonight: / hours. / easy… / well! = 4; long: tonight. LIX 13/4 + 100/13; TTR 11/13.
    assert quality_score(["Rest well tonight: eight hours. Then run 10.5 km easy…", "Rest well!"]) == round(6 / 7, 6)
    assert score_rollout(parse_rollout(body)).complexity_score == round((13 / 400 + 1 / 13 + 11 / 13) / 2, 6)
