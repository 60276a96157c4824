"""Scores of a rollout: those that its sender gave, and for the rest the built-in scorers.

The scorers are deterministic text heuristics over what the operator says, thinking and silences apart. A word is a run
of word characters of any script (`\\w+`), and a text without one has no score. Computed scores are rounded to 6
decimals. A scorer whose results change gets a new version.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from msgspec import Struct

from packhouse.pipeline.rollouts import GivenScores, OperatorMessage, OperatorNoResponse, Rollout, split_thinking

DECIMALS = 6
WINDOW_WORDS = 50
"""The moving window of MATTR."""

LONG_WORD = 7
"""LIX calls a word long from this many letters on."""

_TOP_LIMITS = {2: 0.20, 3: 0.18, 4: 0.16}
_SHORTEST = min(_TOP_LIMITS)
_REPEATED_WORDS, _REPEATED_LIMIT = 5, 0.15
_WORD_LENGTHS = (3, 10)
_SYMBOLS_LIMIT = 0.1
_ALPHABETIC_SHARE = 0.8

_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(
    r"""[.!?:…。！？：\n](?:(?<=[。！？：\n])|(?<![.!?:…]{2})[.!?:…]*+["'”’»)\]]*+(?=\s|\Z))\W*"""  # noqa: RUF001
)
"""With all that follows up to the next word. A mark of the first five ends a sentence before white space only, and is
tried where a run of them begins: every text takes linear time."""


class Scorer(Struct, frozen=True):
    """A built-in scorer as the dataset card names it."""

    name: str
    version: int
    formula: str
    source: str


class Scores(Struct, frozen=True):
    """The three scores of a rollout, and which of them were given and which computed; the others are `None`."""

    quality_score: float | None = None
    complexity_score: float | None = None
    ifd_score: float | None = None
    given: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()


SCORERS: dict[str, Scorer] = {
    "quality_score": Scorer(
        "gopher-rules",
        1,
        "The share of the applicable rules that the assistant text passes: mean word length 3 to 10; at most 0.1 "
        "hashes (#) per word, and as many ellipses (… or ...); at least 80 % of the words with a letter; at most "
        "20 / 18 / 16 % of the characters in the most frequent repeated 2- / 3- / 4-gram of words (three rules); "
        "at most 15 % of the characters in repeated 5-grams. A rule on n-grams applies to texts of more than n "
        "words.",
        "Rae et al. 2021, Scaling Language Models (Gopher), arXiv:2112.11446, table A1",
    ),
    "complexity_score": Scorer(
        "lix-mattr",
        1,
        "(min(LIX, 100) / 100 + MATTR) / 2 over the assistant text; LIX = words per sentence + the percentage of words "
        "of more than 6 letters; MATTR = the mean share of distinct words in all windows of 50 words, or in the whole "
        "of a shorter text.",
        "Björnsson 1968, Läsbarhet; Covington and McFall 2010, Cutting the Gordian Knot, doi:10.1080/09296171003643098",
    ),
    "ifd_score": Scorer(
        "ifd",
        1,
        "The mean loss per token of the assistant turns given their context / that of the same turns alone, over all "
        "turns with given log-likelihoods, silences apart.",
        "Li et al. 2024, From Quantity to Quality, NAACL 2024, arXiv:2308.12032",
    ),
}


def score_rollout(rollout: Rollout) -> Scores:
    """Return the rollout's scores: given ones as they are, the others computed where they can be."""
    given = rollout.scores if isinstance(rollout.scores, GivenScores) else _NONE_GIVEN
    scores: dict[str, float] = {
        name: score for name in SCORERS if isinstance(score := getattr(given, name), float | int)
    }
    kept = tuple(scores)
    if "ifd_score" not in scores and (ifd := ifd_score(rollout)) is not None:
        scores["ifd_score"] = ifd
    if "quality_score" not in scores or "complexity_score" not in scores:
        said = _Said.read(assistant_texts(rollout))
        for name, scorer in _TEXT_SCORERS.items():
            if name not in scores and said.words:
                scores[name] = scorer(said)
    return Scores(**scores, given=kept, computed=tuple(name for name in SCORERS if name in scores and name not in kept))


def assistant_texts(rollout: Rollout) -> list[str]:
    """Return what the operator says, turn by turn, without thinking."""
    return [split_thinking(event.content)[1] for event in rollout.events if isinstance(event, OperatorMessage)]


def ifd_score(rollout: Rollout) -> float | None:
    """Return the instruction-following difficulty, or `None` without log-likelihoods of turns that say something.

    The mean loss of the answers given their context over their mean loss alone (Li et al. 2024); both means are over
    the same tokens, so it is a ratio of sums.
    """
    if not rollout.loglik:
        return None
    turns = [event for event in rollout.events if isinstance(event, OperatorMessage | OperatorNoResponse)]
    spoken = [each for each in rollout.loglik if isinstance(turns[each.turn - 1], OperatorMessage)]
    alone = sum(each.unconditional for each in spoken)
    return round(sum(each.conditional for each in spoken) / alone, DECIMALS) if alone else None


def quality_score(texts: Sequence[str]) -> float | None:
    """Return the share of the applicable Gopher rules that the texts together pass, or `None` without a word.

    >>> quality_score(["Hold pace for week 4."])  # the 4-gram rule applies, the 5-gram rule does not
    1.0
    >>> quality_score(["no no no no"])  # three rules of five fail: words of 2 letters, and the 2- and 3-grams repeat
    0.4
    """
    said = _Said.read(texts)
    return _quality(said) if said.words else None


def complexity_score(texts: Sequence[str]) -> float | None:
    """Return the mean of LIX (in hundredths, at most 1) and MATTR of the texts together, or `None` without a word."""
    said = _Said.read(texts)
    return _complexity(said) if said.words else None


def lix(texts: Sequence[str]) -> float:
    """Return LIX (Björnsson 1968): words per sentence and the percentage of words of more than 6 letters.

    A sentence ends at a full stop, question mark, exclamation mark, colon or line end, and where a text ends; one
    without a word is none. `ZeroDivisionError` without a word.

    >>> lix(["Recovery matters. Sleep well tonight!"])  # 5 words, 2 sentences, 3 long words
    62.5
    """
    return _lix(_Said.read(texts))


def mattr(words: Sequence[str], window: int = WINDOW_WORDS) -> float:
    """Return the moving-average type-token ratio (Covington and McFall 2010), of a shorter text the plain ratio.

    >>> mattr(["a", "b", "a", "c"], window=3)  # windows a b a and b a c: (2/3 + 3/3) / 2
    0.8333333333333334
    """
    count = len(words)
    if count <= window:
        return len(set(words)) / count
    windows = count - window + 1
    repeats, last = 0, dict[str, int]()
    for place, word in enumerate(words):
        before = last.get(word)
        last[word] = place
        if before is not None and place - before < window:
            # The windows that hold both places count one word less.
            repeats += min(before, windows - 1) - max(place - window + 1, 0) + 1
    return (windows * window - repeats) / (windows * window)


class _Said(Struct, frozen=True):
    """Texts together, a line end between two of them, and their words in order."""

    text: str
    words: list[str]

    @classmethod
    def read(cls, texts: Sequence[str]) -> "_Said":
        text = "\n".join(texts)
        return cls(text, _WORD.findall(text))


def _quality(said: _Said) -> float:
    count, characters = len(said.words), sum(map(len, said.words))
    symbols = max(said.text.count("#"), said.text.count("…") + said.text.count("..."))
    passed = [
        _WORD_LENGTHS[0] <= characters / count <= _WORD_LENGTHS[1],
        symbols / count <= _SYMBOLS_LIMIT,
        _share_with_letter(said.words) >= _ALPHABETIC_SHARE,
        *_repetition_rules(said.words, characters),
    ]
    return round(sum(passed) / len(passed), DECIMALS)


def _complexity(said: _Said) -> float:
    variety = mattr([word.casefold() for word in said.words])
    return round((min(_lix(said), 100.0) / 100 + variety) / 2, DECIMALS)


def _lix(said: _Said) -> float:
    begin = _WORD.search(said.text)
    pieces = _SENTENCE_END.split(said.text[begin.start() if begin else 0 :])
    sentences = len(pieces) - (not pieces[-1])
    long_words = sum(length >= LONG_WORD for length in map(len, said.words))
    return len(said.words) / sentences + 100 * long_words / len(said.words)


def _share_with_letter(words: Sequence[str]) -> float:
    plain = sum(map(str.isalpha, words))
    if plain < len(words):
        plain += sum(any(map(str.isalpha, word)) for word in words if not word.isalpha())
    return plain / len(words)


def _repetition_rules(words: Sequence[str], characters: int) -> list[bool]:
    """Return which of the applicable rules on repeated n-grams pass, in the order of n."""
    passed: list[bool] = []
    places: Sequence[int] = range(len(words))
    for size in (*_TOP_LIMITS, _REPEATED_WORDS):
        if len(words) <= size:
            break
        counts, places = _repeated(words, size, places)
        if not counts:
            passed.append(True)
        elif size in _TOP_LIMITS:
            passed.append(_top_share(counts, characters) <= _TOP_LIMITS[size])
        else:
            passed.append(_inside_share(words, places, characters) <= _REPEATED_LIMIT)
    return passed


def _repeated(
    words: Sequence[str], size: int, places: Sequence[int]
) -> tuple[dict[tuple[str, ...], int], Sequence[int]]:
    """Return how often the n-grams that stand more than once stand, and where, among the places of shorter ones."""
    grams: list[tuple[str, ...]]
    if size == _SHORTEST:
        grams = list(pairwise(words))
    else:
        grams = [tuple(words[place : place + size]) for place in places if place + size <= len(words)]
    if len(set(grams)) == len(grams):
        return {}, ()
    counts = {gram: times for gram, times in Counter(grams).items() if times > 1}
    return counts, [place for place, gram in zip(places, grams, strict=False) if gram in counts]


def _top_share(counts: dict[tuple[str, ...], int], characters: int) -> float:
    """Return the share of characters in the most frequent n-gram, of equally frequent ones in the longest."""
    most = max(counts.values())
    return max(sum(map(len, gram)) for gram, times in counts.items() if times == most) * most / characters


def _inside_share(words: Sequence[str], places: Sequence[int], characters: int) -> float:
    """Return the share of characters in the 5-grams at the places; none counts twice."""
    inside = {place + step for place in places for step in range(_REPEATED_WORDS)}
    return sum(len(words[place]) for place in inside) / characters


_NONE_GIVEN = GivenScores()
_TEXT_SCORERS: dict[str, Callable[[_Said], float]] = {"quality_score": _quality, "complexity_score": _complexity}
