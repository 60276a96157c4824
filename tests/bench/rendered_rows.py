"""Rows that RenderRows has written, held in memory: what FilterRows and ExportProfile cost without S3."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packhouse.aws.objects import PART_BYTES, Objects
from packhouse.pipeline.duplicates import Duplicate, find_duplicates
from packhouse.pipeline.exporting import DEFAULT, Exported, export_profile, iter_kept
from packhouse.pipeline.filtering import FilteredRows, Wish, filter_rows, iter_sealed_lines
from packhouse.pipeline.rendering import RenderedUnit
from packhouse.pipeline.runs import Piece
from packhouse.training.steps import BLOCK_BYTES

ENDINGS = ("ndjson", "order", "exact", "bands", "sizes", "grams")


class Parts:
    """A sink that does what `ObjectWriter` does, but for the sending: hashes, and cuts parts."""

    def __init__(self) -> None:
        self._hash, self._buffer = hashlib.sha256(), bytearray()
        self.bytes = 0

    def write(self, block: bytes) -> None:
        self._hash.update(block)
        self.bytes += len(block)
        self._buffer += block
        while len(self._buffer) >= PART_BYTES:
            bytes(self._buffer[:PART_BYTES])
            del self._buffer[:PART_BYTES]


@dataclass(frozen=True)
class RenderedRows:
    """Units and their objects by name."""

    units: Sequence[RenderedUnit]
    objects: dict[str, bytes]

    @classmethod
    def read(cls, data: Objects, prefix: str, units: Sequence[RenderedUnit]) -> "RenderedRows":
        """Read all that is needed of some units of a training dataset."""
        names = [f"{unit.unit:05d}.{ending}" for unit in units for ending in ENDINGS]
        bodies = data.iter_read(f"{prefix}rows/{name}" for name in names)
        return cls(units, dict(zip(names, bodies, strict=True)))

    @property
    def rows(self) -> int:
        return sum(unit.rows for unit in self.units)

    def first(self, rows: int) -> "RenderedRows":
        """Return the first units, as many as come closest to so many rows."""
        counts = [sum(unit.rows for unit in self.units[:number]) for number in range(len(self.units) + 1)]
        taken = min(range(1, len(counts)), key=lambda number: abs(counts[number] - rows))
        return RenderedRows(self.units[:taken], self.objects)

    def filter(self, wish: Wish) -> FilteredRows:
        """Decide which rows stay."""
        return filter_rows(self.units, lambda unit: self._blocks(unit, "order"), self._read, wish)

    def find_duplicates(self) -> Iterator[Duplicate]:
        """Find the rows that are left out as equal or near equal to another, by their ranks."""
        ranks = [array("I") for _ in self.units]
        for rank, unit in enumerate(array("H", self.filter(Wish("none", None, 0)).turns)):
            ranks[unit].append(rank)
        return find_duplicates([unit.sketch for unit in self.units], ranks, self._read, "near")

    def export(self, filtered: FilteredRows, profile: str = DEFAULT) -> Exported:
        """Export the rows that stay into nothing."""
        return export_profile(profile, self.iter_lines(filtered), filtered.rows, Parts(), Parts())

    def iter_lines(self, filtered: FilteredRows) -> Iterator[bytes]:
        """Yield the rows that stay, in their order."""
        lines = [iter_sealed_lines(self._blocks(unit, "ndjson"), unit.sha256) for unit in self.units]
        return iter_kept(filtered.turns, filtered.kept, lines)

    def _blocks(self, unit: RenderedUnit, ending: str) -> Iterator[bytes]:
        body = self.objects[f"{unit.unit:05d}.{ending}"]
        return (body[at : at + BLOCK_BYTES] for at in range(0, len(body), BLOCK_BYTES))

    def _read(self, pieces: list[Piece]) -> Iterable[bytes]:
        return (self.objects[name][start:end] for name, start, end in pieces)
