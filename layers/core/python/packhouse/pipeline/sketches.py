"""The sketches of a unit's rows: what says, without the rows, which of them are equal, alike, or overlap with others.

Five objects a unit, all of little-endian words (see `packed`), rows by their number in the unit:

- `exact`: 16 bytes a row, sorted: 48 bits of the hash of its words, shape and thinking and the row's number, then 64
  bits more of the hash
- `bands`: 8 bytes a MinHash band, sorted: 48 bits of the hash of the band and the row's shape, and the row's number
- `sizes`: 4 bytes a row, in row order: how many 5-grams it has, 0 for a row without words
- `grams`: 4 bytes a 5-gram hash, ascending within each row, rows in their order; the lowest bit is 1 for those of the
  operator's words, 0 for the persona's
- `fingerprints`: 8 bytes a fingerprint, sorted: 48 bits of its hash and the row's number
"""

import json
from array import array
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import chain, compress
from typing import Literal

from msgspec import Struct

from packhouse.pipeline.grams import (
    ENTRY_MASK,
    OPERATOR,
    ROW_BITS,
    WordTable,
    band_hashes,
    gram_set,
    hash_bits,
    hash_eights,
    hash_whole,
    split_words,
    winnow,
)
from packhouse.pipeline.packed import pack_words
from packhouse.pipeline.render import ASSISTANT
from packhouse.pipeline.runs import Run
from packhouse.pipeline.stretches import WORD_BYTES, count_stretches

VERSION = 1
"""Of the hashes: fingerprints of different versions cannot be compared."""

UNIT_ROWS = 1 << ROW_BITS
ENDINGS = ("exact", "bands", "sizes", "grams", "fingerprints")
WIDTHS = {"exact": 2 * WORD_BYTES, "bands": WORD_BYTES, "fingerprints": WORD_BYTES}

Role = Literal["user", "assistant"]
"""The persona's and the operator's, as a row's messages have them."""

_WORD_MASK = (1 << 64) - 1
_EXACT_BYTES = 14


class SketchFacts(Struct, frozen=True):
    """What a reader of a unit's sketches needs: its rows, and how many entries each stretch of the sorted runs has."""

    unit: int
    rows: int
    exact: list[int]
    bands: list[int]
    fingerprints: list[int]
    version: int = VERSION

    def name(self, ending: str) -> str:
        """Return the name of an object of the unit.

        >>> SketchFacts(3, 0, [], [], []).name("bands")
        '00003.bands'
        """
        return f"{self.unit:05d}.{ending}"

    def run(self, ending: Literal["exact", "bands", "fingerprints"]) -> Run:
        """Return one of the sorted runs."""
        return Run(self.name(ending), getattr(self, ending))


class Sketcher:
    """Makes the sketches of one unit, row by row."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._table = WordTable()
        self._exact: list[int] = []
        self._bands = array("Q")
        self._sizes = array("I")
        self._grams = array("I")
        self._fingerprints = array("Q")

    def add(
        self, row: int, said: Iterable[tuple[Role, str]], shape: str, thinking: Sequence[str], identity: bytes
    ) -> None:
        """Add the next row by its number, counted from 0: `ValueError` for any other, and beyond `UNIT_ROWS`.

        `said` is who says what, in order. `shape` is what rows must have in common beside their words to be equal or
        near equal, `thinking` the texts that they must have in common to be equal. `identity` is what the row came
        from: rows of one identity overlap, whatever their words. A row without any word is near equal to no other.
        """
        if row != len(self._sizes) or row >= UNIT_ROWS:
            raise ValueError(f"row {row} cannot follow {len(self._sizes)} rows of at most {UNIT_ROWS}")
        said = list(said)
        spoken = [split_words(text) for _, text in said]
        fingerprints = {hash_bits(identity, b"identity")}
        if any(spoken):
            self._add_words(row, spoken, [role == ASSISTANT for role, _ in said], shape, fingerprints)
        else:
            self._sizes.append(0)
        words = "\n".join(map(" ".join, spoken))
        content = f"{shape}\0{json.dumps(thinking) if thinking else ''}\0{words}"
        equal = int.from_bytes(blake2b(content.encode(), digest_size=_EXACT_BYTES).digest(), "little")
        self._exact.append((equal >> 64 << ROW_BITS | row) << 64 | equal & _WORD_MASK)
        self._fingerprints.extend([hashed & ENTRY_MASK | row for hashed in fingerprints])

    def _add_words(
        self, row: int, spoken: list[list[str]], by_operator: list[bool], shape: str, fingerprints: set[int]
    ) -> None:
        spelled = [self._table.spell(words) for words in spoken]
        by_persona = [not operator for operator in by_operator]
        grams = sorted(_grams(spoken, spelled, by_persona, 0) | _grams(spoken, spelled, by_operator, OPERATOR))
        self._sizes.append(len(grams))
        self._grams.extend(grams)
        salt = hash_bits(shape.encode(), b"shape")
        self._bands.extend([band | row for band in band_hashes(grams, salt)])
        eights = hash_eights(b"".join(spelled))
        fingerprints |= winnow(eights) if eights else {hash_whole(chain.from_iterable(spoken))}

    def finish(self) -> tuple[dict[str, bytes], SketchFacts]:
        """Return the five objects by their endings, and the facts."""
        halves = chain.from_iterable((entry >> 64, entry & _WORD_MASK) for entry in sorted(self._exact))
        bodies = {
            "exact": pack_words("Q", halves),
            "bands": pack_words("Q", sorted(self._bands)),
            "sizes": pack_words("I", self._sizes),
            "grams": pack_words("I", self._grams),
            "fingerprints": pack_words("Q", sorted(self._fingerprints)),
        }
        exact, bands, prints = (count_stretches(bodies[ending], width) for ending, width in WIDTHS.items())
        return bodies, SketchFacts(self._unit, len(self._sizes), exact, bands, prints)


def _grams(spoken: list[list[str]], spelled: list[bytes], messages: list[bool], role: int) -> set[int]:
    words = list(chain.from_iterable(compress(spoken, messages)))
    return gram_set(words, b"".join(compress(spelled, messages)), role)
