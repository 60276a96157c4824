"""A batch gives back every row that went into it: all of them, from any place on, and each by its id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packhouse.annotations.batches import (
    BLOCK_ROWS,
    BatchIndex,
    Indexing,
    Row,
    find_number,
    is_id,
    iter_lines,
    line_in,
    merged,
    read_index,
    read_rows,
)
from packhouse.aws.clock import new_id
from tests.unit.annotations.segments import an_annotation, drawn_annotation, rows_of, seeded

SIZES = (0, 1, 499, 500, 501, 3_000)


class Written:
    """The bytes of a batch and what lies beside it."""

    def __init__(self, rows: list[Row]) -> None:
        indexing = Indexing()
        self.body = b"".join([indexing.add(row) for row in rows])
        index, self.ids = indexing.sealed()
        self.index: BatchIndex = read_index(index)

    def find(self, annotation_id: str) -> bytes | None:
        """Return the line of an annotation, by three ranges."""
        entries = self.index.entries_of(annotation_id)
        if entries is None:
            return None
        first, behind = entries
        assert first < behind <= len(self.ids)
        number = find_number(self.ids[first:behind], annotation_id)
        if number is None:
            return None
        first, behind = self.index.block_of(number)
        return line_in(self.body[first:behind], number)

    def page(self, place: str, count: int) -> list[Row]:
        """Return the rows from a place on, some blocks at a time."""
        blocks = [self.body[first:behind] for first, behind in self.index.blocks_from(place, count)]
        rows = [row for block in blocks for row in read_rows(block.splitlines())]
        return [row for row in rows if row.place >= place]


def drawn_rows(seed: int, size: int) -> list[Row]:
    """Draw rows whose ids have nothing to do with their places, as those of a bulk have not."""
    rng = seeded(seed)
    numbers = rng.sample(range(1, 10**6, 2), size)
    return rows_of(drawn_annotation(rng, number, longest=10_000) for number in numbers)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_every_row_is_found_by_its_id_and_no_other(seed: int, size: int) -> None:
    rows = drawn_rows(seed, size)
    written = Written(rows)
    assert (written.index.rows, written.index.bytes) == (size, len(written.body))
    assert len(written.index.ids) == len(written.index.places) == -(-size // BLOCK_ROWS)
    for row in rows:
        assert written.find(row.place[-30:]) == row.line
    even = [f"ann_{number:026d}" for number in (0, *(int(row.place[-26:]) + 1 for row in rows), 10**6)]
    assert {written.find(annotation_id) for annotation_id in even} == {None}


@pytest.mark.parametrize("size", SIZES)
def test_ids_that_are_made_in_the_order_of_places_or_against_it_are_found_too(size: int) -> None:
    for step in (1, -1):
        numbers = range(size)[::step]
        drawn = [an_annotation(number, start_ms=start, end_ms=start + 1) for start, number in enumerate(numbers)]
        rows = rows_of(drawn)
        written = Written(rows)
        assert [written.find(row.place[-30:]) for row in rows] == [row.line for row in rows]


@pytest.mark.parametrize("size", SIZES)
def test_the_rows_from_any_place_on_are_read(size: int) -> None:
    rows = drawn_rows(size, size)
    written = Written(rows)
    assert list(read_rows(iter_lines([written.body]))) == rows
    edges = {0, 1, size // 2, size - 1, *range(BLOCK_ROWS - 2, size, BLOCK_ROWS), *range(BLOCK_ROWS, size, BLOCK_ROWS)}
    for number in sorted(edges & set(range(size))):
        here = rows[number].place
        assert written.page(here, 1) == rows[number:]
        assert written.page(f"{here}!", 4) == rows[number + 1 :]
        before = here[:-1]
        assert written.page(before, 2) == [row for row in rows if row.place >= before]
    for place, expected in (("", rows), ("aud_0", rows), ("z", [])):
        assert written.page(place, 2) == expected
    for file in range(3):
        within = f"aud_{file}#"
        (first, *_) = [*(number for number, row in enumerate(rows) if row.place >= within), size]
        assert written.page(within, 1) == rows[first:]


def test_a_page_reads_no_block_before_the_one_of_its_place() -> None:
    rows = drawn_rows(7, 3_000)
    index = Written(rows).index
    for number in (0, 1, 499, 500, 501, 1_500, 2_999):
        (first, *_) = index.blocks_from(rows[number].place, 1)
        assert first == index.block_of(number)
    assert [len(list(index.blocks_from("", count))) for count in (1, 4, 6)] == [6, 2, 1]


def test_the_same_rows_are_the_same_bytes() -> None:
    rows = drawn_rows(1, 1_200)
    once, again = Written(rows), Written(list(rows))
    assert (once.body, once.ids, once.index) == (again.body, again.ids, again.index)


def test_an_id_is_told_by_its_form() -> None:
    assert all(is_id(new_id("ann")) for _ in range(100))
    for other in ("", "ann_", "ast_01KPA3F6G8J0K2M4N6P8Q0R2S4", "ann_01KPA3F6G8J0K2M4N6P8Q0R2S", "x", "ann_é"):
        assert not is_id(other)
    for letter in "ILOUa-#\n":
        assert not is_id(f"ann_01KPA3F6G8J0K2M4N6P8Q0R2S{letter}")
    assert not is_id("ann_01KPA3F6G8J0K2M4N6P8Q0R2S4\n")


@given(st.lists(st.binary(max_size=6)))
def test_lines_are_the_same_however_their_bytes_are_cut(blocks: list[bytes]) -> None:
    whole = b"".join(blocks)
    expected = whole.split(b"\n")
    assert list(iter_lines(blocks)) == (expected if expected[-1] else expected[:-1])


_PLACES = st.text("abcd", min_size=1, max_size=2)
_BATCHES = st.dictionaries(_PLACES, st.integers(0, 3))
_EDITS = st.dictionaries(_PLACES, st.none() | st.just(b"edited"))


@given(_BATCHES, _EDITS)
def test_edits_stand_in_for_rows_of_batches(homes: dict[str, int], edits: dict[str, bytes | None]) -> None:
    """A place is in one batch at most; `homes` says in which."""
    batches = [sorted(Row(place, b"row") for place, home in homes.items() if home == number) for number in range(4)]
    expected = {**dict.fromkeys(homes, b"row"), **edits}
    found = list(merged([iter(batch) for batch in batches], iter(sorted(edits.items()))))
    assert found == sorted((place, line) for place, line in expected.items() if line is not None)


@pytest.mark.parametrize("seed", range(20))
def test_random_batches_and_edits_are_one_stream_by_place(seed: int) -> None:
    rng = seeded(seed)
    rows = drawn_rows(seed, rng.choice((0, 1, 40, 400)))
    streams: list[list[Row]] = [[] for _ in range(rng.randint(1, 8))]
    for row in rows:
        rng.choice(streams).append(row)
    model = dict(rows)
    edits: dict[str, bytes | None] = {}
    for row in rng.sample(rows, len(rows) // 3):
        edits[row.place] = rng.choice((None, b'{"edited":1}'))
    edits |= {row.place: rng.choice((None, row.line)) for row in drawn_rows(seed + 1_000, 30)}
    model |= {place: line or b"" for place, line in edits.items()}
    expected = sorted((place, line) for place, line in model.items() if line)
    assert list(merged(map(iter, streams), iter(sorted(edits.items())))) == expected
