"""What versions have in common: the comparison of sorted hashes, held against sets."""

from array import array
from collections.abc import Collection, Iterator, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from packhouse.pipeline.contents import HASH_BYTES, ROW_HASHES
from packhouse.pipeline.equality import read_hashes, rows_with, shared_hashes

MOST = 2**64 - 1
# few values, so that they meet; and those at the ends of what eight bytes hold
HASHES = st.integers(1, 300) | st.sampled_from([2**63 - 1, 2**63, MOST]) | st.integers(1, MOST)
CUTS = st.lists(st.integers(1, 40), min_size=1)


def contents(hashes: Collection[int]) -> bytes:
    return b"".join(each.to_bytes(HASH_BYTES, "big") for each in sorted(hashes))


def blocks(body: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """Cut a contents object into blocks of so many hashes, over and over."""
    number = 0
    while body:
        size = cuts[number % len(cuts)] * HASH_BYTES
        yield body[:size]
        body, number = body[size:], number + 1


@given(st.sets(HASHES))
def test_hashes_are_read_in_their_order(hashes: set[int]) -> None:
    assert read_hashes(contents(hashes)).tolist() == sorted(hashes)


@given(st.sets(HASHES), st.sets(HASHES), CUTS)
@example(set(range(1, 400)), {1, 399}, [1])  # so few that each is looked up
@example(set(range(1, 400, 2)), {2, 200, 398, MOST}, [2])
@example({5}, set(range(1, 400)), [40])
def test_what_is_shared_is_the_intersection(mine: set[int], others: set[int], cuts: list[int]) -> None:
    """However the other one comes, and however many more hashes either has."""
    assert shared_hashes(array("Q", sorted(mine)), blocks(contents(others), cuts)) == mine & others


@given(st.sets(st.integers(1, MOST), min_size=100), st.data())
def test_a_few_among_many_are_found(many: set[int], data: st.DataObject) -> None:
    few = data.draw(st.sets(st.sampled_from(sorted(many)), max_size=3)) | data.draw(st.sets(HASHES, max_size=2))
    for mine, others in ((many, few), (few, many)):
        found = shared_hashes(array("Q", sorted(mine)), blocks(contents(others), [7]))
        assert found == few & many


@given(st.lists(st.lists(HASHES, max_size=ROW_HASHES, unique=True)), st.sets(HASHES))
def test_rows_are_found_by_any_of_their_hashes(rows: list[list[int]], wanted: set[int]) -> None:
    body = b"".join(
        b"".join(each.to_bytes(HASH_BYTES, "big") for each in [*row, *[0] * (ROW_HASHES - len(row))]) for row in rows
    )
    found = dict(rows_with(body, wanted))
    assert found == {number: set(row) & wanted for number, row in enumerate(rows) if set(row) & wanted}
    assert list(found) == sorted(found)
