"""However a set of members came about it lies in the same items, and a change of it touches few of them."""

import json
from collections.abc import Iterable
from hashlib import sha256
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from packhouse.collections.rules import HEAD, Layout, changed, first_members, lay_out, rewrite

LONGEST = 1_024  # members of a segment
ITEM_BYTES = 300 * 1024

randoms = st.randoms(use_true_random=True)  # seeded; every number drawn by Hypothesis would take it seconds
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
counts = st.sampled_from([0, 1, 2, 999, 1_000, 1_001, 1_002, 1_500, 2_023, 2_024, 2_025, 3_100])


def members_of(count: int, salt: str = "") -> list[str]:
    """Return so many ids as projects have them, in no order; every seventh is not ASCII."""
    digests = (sha256(f"{salt}{number}".encode()).hexdigest()[:12] for number in range(count))
    return [f"{digest[0]}-é\uffff🎬-{digest}" if number % 7 == 0 else digest for number, digest in enumerate(digests)]


def in_order(members: Iterable[str]) -> list[str]:
    return sorted(set(members), key=lambda member: member.encode())


def as_json(members: Iterable[str]) -> str:
    return json.dumps(list(members), ensure_ascii=False, separators=(",", ":"))


def applied(before: Layout, after: Layout) -> dict[str, tuple[str, ...]]:
    """Return the segments of one layout once the rewrite to the other is carried out on them."""
    change = rewrite(before, after)
    return {first: kept for first, kept in before.segments.items() if first not in change.removed} | change.written


def full_segments(*layouts: Layout) -> int:
    """Count the segments that end because they are full: what follows begins where no member says so."""
    return sum(len(segment) == LONGEST for layout in layouts for segment in layout.segments.values())


@given(st.lists(names))
@example(["🎬", "\uffff", "é", "z", "z"])
def test_members_come_back_once_each_in_the_order_of_their_bytes(members: list[str]) -> None:
    layout = lay_out(members)
    assert layout.members == in_order(members)
    assert layout.count == len(set(members))


@given(counts, randoms)
def test_equal_sets_lie_equally_in_whatever_order_and_however_often_they_are_given(count: int, random: Random) -> None:
    members = members_of(count)
    shuffled = members + members[: count // 2]
    random.shuffle(shuffled)
    layout = lay_out(shuffled)
    assert layout == lay_out(members)
    assert layout.members == in_order(members)
    assert layout.count == count


@given(counts)
def test_the_head_is_exactly_the_first_thousand_and_segments_hold_the_rest(count: int) -> None:
    ordered = in_order(members_of(count))
    layout = lay_out(ordered)
    assert layout.head == tuple(ordered[:1_000])
    assert HEAD == 1_000
    segments = [layout.segments[first] for first in sorted(layout.segments)]
    assert [member for segment in segments for member in segment] == ordered[1_000:]
    assert all(segment and segment[0] == first for first, segment in layout.segments.items())
    assert bool(segments) == (count > 1_000)


@given(counts, counts, randoms)
def test_changes_make_the_layout_that_the_set_has(before: int, pool: int, random: Random) -> None:
    members = members_of(before)
    changes = [(member, random.random() < 0.5) for member in members_of(pool) + members_of(20, "new")]
    random.shuffle(changes)
    left = set(members)
    for member, is_added in changes:
        left = left | {member} if is_added else left - {member}
    assert changed(lay_out(members), changes) == lay_out(left)


@given(names)
def test_adding_what_is_there_and_removing_what_is_not_change_nothing(name: str) -> None:
    layout = lay_out([*members_of(1_200), name])
    assert changed(layout, [(name, True), (f"{name}?", False)]) == layout
    assert changed(layout, []) == layout


@given(counts, counts, st.sampled_from(["", "other"]))
def test_a_rewrite_turns_the_one_into_the_other_and_touches_nothing_else(before: int, after: int, salt: str) -> None:
    one, other = lay_out(members_of(before)), lay_out(members_of(after, salt))
    change = rewrite(one, other)
    assert applied(one, other) == other.segments
    kept = one.segments.items() & other.segments.items()
    assert not change.written.items() & kept
    assert set(change.removed) <= one.segments.keys() - other.segments.keys()
    assert change.items == len(change.written) + len(change.removed)
    assert change.bytes == sum(len(as_json(segment).encode()) for segment in change.written.values())


LARGE = members_of(20_000)


@pytest.mark.parametrize("added", [1, 2, 5, 20, 100, 1_000])
@pytest.mark.parametrize("salt", ["a", "b", "c", "d"])
def test_an_added_member_touches_two_items_at_most(added: int, salt: str) -> None:
    """The bound is 2 for each: its segment, and the one that it begins or that the head's last member comes out of.

    Where segments are full, each may push the beginning of the next, there and in what was before.
    """
    before = lay_out(LARGE)
    after = changed(before, [(member, True) for member in members_of(added, salt)])
    change = rewrite(before, after)
    assert after.count == 20_000 + added
    assert 0 < change.items <= 2 * added + full_segments(before, after)
    assert applied(before, after) == after.segments


@pytest.mark.parametrize("removed", [1, 2, 5, 20, 100, 1_000])
def test_a_removed_member_touches_two_items_at_most(removed: int) -> None:
    before = lay_out(LARGE)
    after = changed(before, [(member, False) for member in LARGE[::20][:removed]])
    assert 0 < rewrite(before, after).items <= 2 * removed + full_segments(before, after)


def test_few_segments_end_because_they_are_full_and_the_mean_one_has_a_quarter_thousand_members() -> None:
    layout = lay_out(members_of(100_000))
    lengths = [len(segment) for segment in layout.segments.values()]
    assert 220 < sum(lengths) / len(lengths) < 290
    assert full_segments(layout) < len(lengths) / 20
    assert full_segments(lay_out(LARGE)) <= 4


def unmarked(count: int, letter: str) -> list[str]:
    """Return the longest ids there may be, 256 bytes as JSON, none of which begins a segment by itself."""
    width = 5 + (256 - 5) // (len(as_json(letter)) - len('""'))
    layout = lay_out(f"{number:05d}".ljust(width, letter) for number in range(HEAD + count))
    return [member for member in layout.members if member not in layout.segments]


def test_a_segment_holds_a_thousand_and_twenty_four_members_at_most() -> None:
    layout = lay_out(unmarked(6_000, "m"))
    assert layout.count > HEAD + 5 * LONGEST
    lengths = [len(layout.segments[first]) for first in sorted(layout.segments)]
    assert lengths[:5] == [LONGEST] * 5
    assert max(lengths) == LONGEST


@pytest.mark.parametrize("letter", ["m", '"'])
def test_neither_the_head_nor_a_segment_is_longer_than_an_item_may_be(letter: str) -> None:
    layout = lay_out(unmarked(6_000, letter))
    sizes = [len(as_json(kept).encode()) for kept in (layout.head, *layout.segments.values())]
    assert max(sizes) < ITEM_BYTES


def longest_prefix(members: list[str], limit: int) -> str:
    """Return what `first_members` must: try every length, the longest first."""
    prefixes = (as_json(members[:count]) for count in range(len(members), 0, -1))
    return next((prefix for prefix in prefixes if len(prefix.encode()) <= limit), "[]")


@given(st.lists(names, max_size=12), st.integers(-5, 200))
@example(["a"], 4)
@example(["a"], 5)
@example([], 2)
@example(["é", '"'], 10)
def test_first_members_are_the_longest_beginning_that_fits(members: list[str], limit: int) -> None:
    assert first_members(as_json(members), limit) == longest_prefix(members, limit)


@given(st.lists(names, max_size=12))
def test_first_members_are_all_where_they_fit_to_the_byte(members: list[str]) -> None:
    text = as_json(members)
    assert first_members(text, len(text.encode())) == text
    if members:
        assert first_members(text, len(text.encode()) - 1) == as_json(members[:-1])
