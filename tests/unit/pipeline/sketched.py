"""Rows and their sketches in memory, for tests of what is decided from sketches."""

from array import array
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from packhouse.pipeline.render import ASSISTANT, USER
from packhouse.pipeline.runs import Piece
from packhouse.pipeline.sketches import Role, Sketcher, SketchFacts


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311  chance, no secret


class Row(NamedTuple):
    """A row as a sketcher takes it: what the operator says, after the persona if that says anything."""

    text: str
    shape: str = "ua"
    identity: bytes = b""
    persona: str = ""
    thinking: tuple[str, ...] = ()

    def add_to(self, sketcher: Sketcher, number: int) -> None:
        said: list[tuple[Role, str]] = [(USER, self.persona), (ASSISTANT, self.text)]
        sketcher.add(number, [each for each in said if each[1]], self.shape, self.thinking, self.identity)


class Sketched:
    """The sketches of rows that are given unit by unit, and a list of all reads: how many bytes each asked for."""

    def __init__(self, units: Sequence[Sequence[Row]], numbers: Sequence[int] | None = None) -> None:
        self.units: list[SketchFacts] = []
        self.reads: list[list[Piece]] = []
        self._bodies: dict[str, bytes] = {}
        for number, rows in zip(numbers or range(len(units)), units, strict=True):
            sketcher = Sketcher(number)
            for at, row in enumerate(rows):
                row.add_to(sketcher, at)
            bodies, facts = sketcher.finish()
            self._bodies.update({facts.name(ending): body for ending, body in bodies.items()})
            self.units.append(facts)

    def read(self, pieces: list[Piece]) -> Iterator[bytes]:
        assert all(start < end for _, start, end in pieces), "a store has no range without bytes"
        self.reads.append(pieces)
        return (self._bodies[name][start:end] for name, start, end in pieces)


def cut(rows: Sequence[Row], random: Random, units: int) -> tuple[list[list[Row]], "list[array[int]]"]:
    """Return rows dealt to units at random, and the rank that each of them has: its place in `rows`."""
    dealt: list[list[Row]] = [[] for _ in range(units)]
    ranks = [array("I") for _ in range(units)]
    for rank, row in enumerate(rows):
        unit = random.randrange(units)
        dealt[unit].append(row)
        ranks[unit].append(rank)
    return dealt, ranks


def draw_text(random: Random, words: int, vocabulary: int = 5000) -> list[str]:
    return [f"w{random.randrange(vocabulary)}" for _ in range(words)]


def grams(text: str) -> frozenset[tuple[str, ...]]:
    """The set of word 5-grams as the definition has it, for texts of plain words."""
    words = text.split()
    return frozenset(tuple(words[at : at + 5]) for at in range(max(len(words) - 4, bool(words))))


def said_grams(row: Row) -> frozenset[tuple[str, ...]]:
    """The 5-grams of a row, by who says them."""
    return frozenset(
        (role, *gram) for role, text in ((USER, row.persona), (ASSISTANT, row.text)) for gram in grams(text)
    )


def is_near(one: Row, other: Row) -> bool:
    return (
        one.shape == other.shape
        and _are_alike(said_grams(one), said_grams(other))
        and _are_alike(grams(one.text), grams(other.text))
    )


def _are_alike(ours: frozenset[tuple[str, ...]], theirs: frozenset[tuple[str, ...]]) -> bool:
    return 5 * len(ours & theirs) >= 4 * len(ours | theirs)
