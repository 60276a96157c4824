"""Rows that overlap with the rows of other datasets (decontamination), found in the sketches alone.

A row overlaps when it has a fingerprint in common with a row that stays in another dataset: every run of 13 words in
both is found (Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C, take the same length), a run
below 8 words never, but for texts that have no more and are equal as a whole. Fingerprints have 48 bits: between two
datasets of a million rows of 60 words less than one row is left out by chance.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from packhouse.errors import UnitFailedError
from packhouse.pipeline.grams import ROW_BITS
from packhouse.pipeline.packed import iter_bits, unpack_words
from packhouse.pipeline.runs import Run, cut_slices
from packhouse.pipeline.sketches import VERSION, WIDTHS, SketchFacts
from packhouse.pipeline.stretches import ROW_MASK, SLICE_ENTRIES, STRETCHES, Read, read_slice


class OtherDataset(NamedTuple):
    """Another dataset by its sketches: per unit the facts, and a bitmap of the rows that stay (see `packed`)."""

    units: Sequence[SketchFacts]
    kept: Sequence[bytes]
    read: Read


_WIDTH = WIDTHS["fingerprints"]


def find_overlapping(
    units: Sequence[SketchFacts],
    read: Read,
    others: Sequence[OtherDataset],
    slice_entries: int = SLICE_ENTRIES,
) -> Iterator[tuple[int, int]]:
    """Yield the unit and the number of each row of ours that overlaps with another dataset, in their order.

    `UnitFailedError` (`SOURCE_CHANGED`) for sketches of another version. Holds the fingerprints of others in one slice
    at a time, and a byte for each row of ours and theirs.
    """
    ours = sorted(units, key=lambda facts: facts.unit)
    _refuse_other_versions(ours, "This dataset")
    for other in others:
        _refuse_other_versions(other.units, "A dataset of `exclude_overlap_with`")
    found = [bytearray(facts.rows) for facts in ours]
    runs = [facts.run("fingerprints") for facts in ours]
    theirs = [_Theirs(other) for other in others]
    for first, last in cut_slices(_held(runs, theirs), slice_entries):
        wanted = set[int]().union(*(dataset.fingerprints(first, last) for dataset in theirs))
        for number, body in read_slice(runs, _WIDTH, read, first, last):
            for entry in unpack_words("Q", body):
                if entry >> ROW_BITS in wanted:
                    found[number][entry & ROW_MASK] = 1
    for facts, marks in zip(ours, found, strict=True):
        yield from ((facts.unit, row) for row, mark in enumerate(marks) if mark)


def _refuse_other_versions(units: Sequence[SketchFacts], dataset: str) -> None:
    for facts in units:
        if facts.version != VERSION:
            raise UnitFailedError(
                "SOURCE_CHANGED",
                f"{dataset} has sketches of version {facts.version}, and only those of version {VERSION} can be "
                "compared: make it anew.",
            )


def _held(runs: Sequence[Run], theirs: Sequence["_Theirs"]) -> list[int]:
    """Return how many entries of each stretch are held at once: all of theirs, and of ours those of one unit."""
    totals = [max(counts) for counts in zip([0] * STRETCHES, *(run.buckets for run in runs), strict=True)]
    for run in (run for dataset in theirs for run in dataset.runs):
        totals = [total + count for total, count in zip(totals, run.buckets, strict=True)]
    return totals


class _Theirs:
    def __init__(self, other: OtherDataset) -> None:
        self.runs = [facts.run("fingerprints") for facts in other.units]
        self._read = other.read
        self._kept = [bytes(iter_bits(bitmap)) for bitmap in other.kept]
        if [len(bitmap) for bitmap in other.kept] != [(facts.rows + 7) // 8 for facts in other.units]:
            raise ValueError("each unit of another dataset has a bit for each of its rows, in whole bytes")

    def fingerprints(self, first: int, last: int) -> set[int]:
        """Return those of the rows that stay."""
        taken = set[int]()
        for number, body in read_slice(self.runs, _WIDTH, self._read, first, last):
            kept = self._kept[number]
            taken.update(entry >> ROW_BITS for entry in unpack_words("Q", body) if kept[entry & ROW_MASK])
        return taken
