"""How many of the duplicates are found, and whether what is found is one: against all pairs that share a gram.

Near equal are two rows in which the same speak in the same order, whose word 5-grams have a Jaccard similarity of 0.8
or more, and those of what the operator says too. The grams of persona and operator are told apart.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from packhouse.pipeline.filtering import Wish
from packhouse.pipeline.grams import GRAM_WORDS, split_words
from packhouse.pipeline.render import ASSISTANT, TrainingRow, decode_training_row
from packhouse.pipeline.rendering import shape_of
from tests.bench.rendered_rows import RenderedRows

RECALL_GOAL = 0.99
Gram = tuple[str, ...]


class Recall(NamedTuple):
    """Rows that all pairs say are to go, those of them that went, all that went, and of these the near duplicates."""

    rows: int
    to_go: int
    found: int
    gone: int
    alike: int

    @property
    def met(self) -> bool:
        return self.found >= RECALL_GOAL * self.to_go and self.alike == self.gone

    def sentence(self) -> str:
        return (
            f"duplicates (Jaccard of word 5-grams ≥ 0.8) among {self.rows:,} rows against all pairs: "
            f"recall {self.found / self.to_go:.4f} ({self.found:,} of {self.to_go:,}), "
            f"precision {self.alike / self.gone:.4f} ({self.alike:,} of {self.gone:,})"
        )


class _Compared(NamedTuple):
    """What of a row is compared; each gram begins with who says it."""

    shape: str
    grams: frozenset[Gram]

    @property
    def by_operator(self) -> frozenset[Gram]:
        return frozenset(gram for gram in self.grams if gram[0] == ASSISTANT)

    def is_like(self, other: "_Compared") -> bool:
        """Whether two rows are near equal; nothing at all is like nothing."""
        pairs = (self.grams, other.grams), (self.by_operator, other.by_operator)
        return self.shape == other.shape and all(5 * len(a & b) >= 4 * len(a | b) for a, b in pairs)


def measure_recall(source: RenderedRows) -> Recall:
    """Compare what is left out of all rows with what all pairs say."""
    lines = source.iter_lines(source.filter(Wish("none", None, 0)))
    rows = [_compared(decode_training_row(line)) for line in lines]
    to_go = _to_go(rows)
    gone = {found.rank: found.stands_for for found in source.find_duplicates()}
    alike = sum(rows[rank].is_like(rows[kept]) for rank, kept in gone.items() if kept not in gone)
    return Recall(len(rows), len(to_go), len(to_go & gone.keys()), len(gone), alike)


def _compared(row: TrainingRow) -> _Compared:
    words: defaultdict[str, list[str]] = defaultdict(list)
    for message in row.messages:
        if not message.is_silence:
            words[message.role] += split_words(message.content)
    grams = frozenset(
        (role, *said[at : at + GRAM_WORDS])
        for role, said in words.items()
        for at in range(max(len(said) - GRAM_WORDS + 1, bool(said)))
    )
    return _Compared(shape_of(row), grams)


def _to_go(rows: Sequence[_Compared]) -> set[int]:
    """Return the rows that are like an earlier row that stays, found by an index of every gram."""
    index: defaultdict[Gram, list[int]] = defaultdict(list)
    gone = set()
    for rank, row in enumerate(rows):
        common = Counter(before for gram in row.grams for before in index[gram])
        if any(5 * shared >= 4 * len(row.grams) and row.is_like(rows[at]) for at, shared in common.items()):
            gone.add(rank)
            continue
        for gram in row.grams:
            index[gram].append(rank)
    return gone
