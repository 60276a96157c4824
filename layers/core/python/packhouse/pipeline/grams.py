"""What texts are compared by: normalised words, hashes of word n-grams, MinHash bands and winnowed fingerprints.

Every hash here is fixed: it depends on what is said alone, and is stored, so a change needs a new `sketches.VERSION`.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise

from packhouse.pipeline.packed import read_words

GRAM_WORDS = 5
"""Near duplicates are told by the sets of their word 5-grams."""

FINGERPRINT_WORDS = 8
WINDOW_GRAMS = 6
"""Of every 6 word 8-grams in a row one at least is a fingerprint, so a run of 13 words always has a common one."""

BANDS = 11
BAND_BINS = 4
"""Rows of one shape and of Jaccard similarity s, of all that is said and of what the operator says, share a band with
probability 1 - (1 - s⁴)¹¹ or more: 0.997 for 0.8, 0.006 for 0.15."""

BINS = BANDS * (BAND_BINS - 1)
OPERATOR = 1
"""The lowest bit of a 5-gram's hash, where the operator says it; it is 0 for the persona's."""

HASH_BITS = 48
ROW_BITS = 64 - HASH_BITS

ENTRY_MASK = (1 << 64) - (1 << ROW_BITS)
"""The bits of a 64-bit hash that an entry holds; the row's number takes the place of the others."""

_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e"  # Thai
    "\u0e81-\u0ecf"  # Lao
    "\u1000-\u103f\u1050-\u108f"  # Myanmar
    "\u1780-\u17d3"  # Khmer
    "\u3041-\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
)
"""Letters and marks of scripts that put no spaces between words."""

_WORD = re.compile(rf"[^\W{_UNSPACED}]+|[{_UNSPACED}]")
_SAID = (1 << 32) - 1 - OPERATOR
_WORDS_HELD = 1 << 16
_PLACE_BYTES = 16


def split_words(text: str) -> list[str]:
    r"""Return the normalised words of a text: NFKC, then case folded, then runs of `\w`.

    Of scripts that put no spaces between words (Thai, Lao, Myanmar, Khmer, kana, ideographs) each character is a word.
    A text that has no words by this is taken by its runs without white space.

    >>> split_words("Straße №\u00a05: don't ... \uff33\uff34\uff2f\uff30")
    ['strasse', 'no', '5', 'don', 't', 'stop']
    >>> split_words("\u4eca\u65e5\u306f5km\u8d70")
    ['今', '日', 'は', '5km', '走']
    >>> split_words("?! \u2026")
    ['?!', '...']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(folded) or folded.split()


class WordTable(dict[str, bytes]):
    """The hashes of words, of 60 bits in 16 bytes (BLAKE2b, RFC 7693); it forgets all at 65,536 words, about 10 MB."""

    def __missing__(self, word: str) -> bytes:
        if len(self) >= _WORDS_HELD:
            self.clear()
        hashed = self[word] = (hash_bits(word.encode(), b"word") >> 4).to_bytes(_PLACE_BYTES, "little")
        return hashed

    def spell(self, words: Iterable[str]) -> bytes:
        """Return the hashes of words in their order, as `hash_fives` and `hash_eights` take them."""
        return b"".join(map(self.__getitem__, words))


def hash_fives(text: bytes) -> list[int]:
    """Return the 32-bit hashes of all 5-grams of spelled words, in their order.

    A hash is multilinear (Lemire and Kaser 2014, "Strongly Universal String Hashing is Fast"): high bits of a sum,
    modulo 2⁶⁴, of the words' hashes, each times an odd number that belongs to its place. All sums are made by one
    multiplication of two numbers that have 128 bits for each word and for each place: 128 bits of the product are one
    sum, of 8 numbers below 2¹²⁰, so that nothing is carried over.

    >>> spell = WordTable().spell
    >>> fives = hash_fives(spell("a b c d e f g h i".split()))
    >>> (len(fives), fives[4:] == hash_fives(spell("e f g h i".split())), f"{fives[0]:08x}")
    (5, True, '05855a80')
    """
    return read_words("I", _sums(text, _FIVE))[(GRAM_WORDS - 1) * 4 + 1 :: 4].tolist()


def hash_eights(text: bytes) -> list[int]:
    """Return the 64-bit hashes of all 8-grams of spelled words, in their order; they are made as those of 5-grams.

    >>> [f"{eight:016x}" for eight in hash_eights(WordTable().spell("a b c d e f g h".split()))]
    ['bfdf561fea5f6bbd']
    """
    return read_words("Q", _sums(text, _EIGHT))[(FINGERPRINT_WORDS - 1) * 2 :: 2].tolist()


def _sums(text: bytes, places: int) -> bytes:
    product = int.from_bytes(text, "little") * places
    return product.to_bytes(len(text) + FINGERPRINT_WORDS * _PLACE_BYTES, "little")[: len(text)]


def hash_bits(body: bytes, kind: bytes) -> int:
    """Return a 64-bit hash of bytes; those of another kind (at most 16 bytes) have nothing to do with it.

    >>> f"{hash_bits(b'a rollout', b'row'):016x}"
    '9ba1f27d8091bad9'
    """
    return int.from_bytes(blake2b(body, digest_size=8, person=kind).digest(), "little")


def hash_whole(words: Iterable[str]) -> int:
    """Return the 64-bit hash of a text that has too few words for an n-gram."""
    return hash_bits(" ".join(words).encode(), b"whole")


def gram_set(words: Sequence[str], text: bytes, role: int) -> set[int]:
    """Return the 32-bit hashes of the 5-grams that are said in a role; fewer than 5 words are a gram as a whole.

    Two different 5-grams of a pair of texts with n of them each are taken for one with probability n² / 2³¹, which
    moves their similarity by about 1 / n: for texts of 60 words one pair in 500,000, by two hundredths.
    """
    if len(words) < GRAM_WORDS:
        return {hash_whole(words) >> 32 & _SAID | role} if words else set()
    return {five & _SAID | role for five in hash_fives(text)}


def sign(grams: Sequence[int], bins: int) -> list[int]:
    """Return the MinHash signature of a sorted set of n-grams: the hash that comes first in each of 11 or 33 bins.

    One permutation does for all bins (Li, Owen and Zhang 2012, "One Permutation Hashing"). An empty bin takes what is
    in the first bin that is not empty, in an order of its own (after Shrivastava 2017, "Optimal Densification for Fast
    and Accurate Minwise Hashing"). The role, which is the lowest bit, has no say: the number of bins is odd. All are 0
    for a set without members.

    >>> sorted(set(sign([7, 40, 80], BINS)))
    [7, 80]
    """
    first = {gram % bins: gram for gram in reversed(grams)}
    if len(first) == bins:
        return [first[number] for number in range(bins)]
    if not first:
        return [0] * bins
    return [
        first[number] if number in first else next(first[lender] for lender in lenders if lender in first)
        for number, lenders in enumerate(_LENDERS[bins])
    ]


def band_hashes(grams: Sequence[int], salt: int) -> list[int]:
    """Return the 64-bit hashes of the bands of an ascending set of 5-grams, their low 16 bits 0.

    A band (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", ch. 3) is three bins of all 5-grams and one of
    the operator's alone: rows that are answers to one long message are brought together by like answers only. Of the
    operator's the greatest hashes are taken, which have nothing to do with the least ones of all. A band's hash is
    multilinear as well, with numbers of its own, so that equal values in two bands do not meet.
    """
    bins = iter(sign(grams, BINS))
    operator = sign([gram for gram in reversed(grams) if gram & OPERATOR], BANDS)
    return [
        (w * a + x * b + y * c + z * d + salt) & ENTRY_MASK
        for (w, x, y, z), a, b, c, d in zip(_COEFFICIENTS, bins, bins, bins, operator, strict=True)
    ]


def winnow(grams: list[int]) -> set[int]:
    """Return the fingerprints of a text: the least of every 6 n-gram hashes in a row, and all when there are fewer.

    Winnowing (Schleimer, Wilkerson and Aiken 2003): texts with 6 n-grams in a row in common share a fingerprint; which
    of equal hashes is taken makes no difference to the set of them.

    >>> winnow([9, 8, 7, 6, 7, 8, 9, 9]) == {6} and winnow([3, 2]) == {2, 3}
    True
    """
    if len(grams) < WINDOW_GRAMS:
        return set(grams)
    pairs = [a if a < b else b for a, b in pairwise(grams)]
    fours = [a if a < b else b for a, b in zip(pairs, pairs[2:], strict=False)]
    return {a if a < b else b for a, b in zip(fours, pairs[4:], strict=False)}


def _fixed_number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8, person=b"number").digest(), "little")


_COEFFICIENTS = [
    tuple(_fixed_number(f"band {band} {place}") | 1 for place in range(BAND_BINS)) for band in range(BANDS)
]


def _lenders(bins: int, number: int) -> list[int]:
    return sorted(range(bins), key=lambda lender: _fixed_number(f"lender {number} {lender}"))


_LENDERS = {bins: [_lenders(bins, number) for number in range(bins)] for bins in (BANDS, BINS)}


def _places(words: int) -> int:
    numbers = (_fixed_number(f"gram {words} {place}") >> 4 | 1 for place in range(words))
    return sum(number << place * _PLACE_BYTES * 8 for place, number in enumerate(numbers))


_FIVE, _EIGHT = _places(GRAM_WORDS), _places(FINGERPRINT_WORDS)
