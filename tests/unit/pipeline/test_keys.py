"""Equal ids are found whatever is held at once, and what is held does not grow with the keys."""

import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.errors import UnitFailedError
from packhouse.pipeline import keys as module
from packhouse.pipeline.ingest import FAULTS_TOLD, Chunk, seal_revision
from packhouse.pipeline.keys import KEY_BYTES, ChunkKeys, Placed, SampleKeys
from packhouse.pipeline.rows import RowFault
from tests.unit.pipeline.labels import BALL

# Ids that share their first 8 bytes, or lie at the ends of the range, beside a hash.
IDS = [
    bytes([first, *[0] * 6, eighth, *[0] * 7, last]) for first in (0, 7, 255) for eighth in (0, 9) for last in (0, 1)
]
IDS += [b"\xff" * 16, hashlib.sha256(b"a").digest()[:16]]
Row = tuple[bytes, bytes]
chunks_of_rows = st.lists(
    st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from([b"\x00" * 8, b"content1"])), max_size=12), max_size=6
)


class Bucket:
    """Objects that are read by ranges, and what was read of them."""

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = list(bodies)
        self.chunks = [
            ChunkKeys(str(number), len(body) // KEY_BYTES, hashlib.sha256(body).hexdigest())
            for number, body in enumerate(bodies)
        ]
        self.ranges: list[tuple[str, int, int]] = []

    def keys(self, held_bytes: int | None = None) -> SampleKeys:
        return SampleKeys(self.chunks, self.read, held_bytes)

    def read(self, wanted: Iterable[tuple[str, int, int]]) -> Iterator[bytes]:
        for key, start, end in wanted:
            self.ranges.append((key, start, end))
            yield self.bodies[int(key)][start:end]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of keys are held, after every read."""
    going: dict[int, module._Going] = {}
    found: list[int] = []
    take = module._Going.take

    def taken(self: module._Going, body: bytes, end: int) -> None:
        take(self, body, end)
        going[id(self)] = self
        found.append(sum(len(each.body) for each in going.values()))

    monkeypatch.setattr(module._Going, "take", taken)
    return found


def bodies_of(chunks: Sequence[Sequence[Row]]) -> list[bytes]:
    """Return the sorted keys of chunks; a row's line is its place in the chunk."""
    return [
        b"".join(sorted(identity + content + line.to_bytes(8, "big") for line, (identity, content) in enumerate(rows)))
        for rows in chunks
    ]


def hashed(chunks: int, rows: int, ids: int, seed: int = 0) -> list[bytes]:
    """Return chunks of rows whose ids are drawn from so many."""
    chance = random.Random(seed)  # noqa: S311  ids, no secret
    drawn = [[hashlib.sha256(b"%d" % chance.randrange(ids)).digest()[:16] for _ in range(rows)] for _ in range(chunks)]
    return bodies_of([[(identity, b"contents") for identity in each] for each in drawn])


def by_definition(bodies: Sequence[bytes]) -> dict[bytes, list[Placed]]:
    found: dict[bytes, list[Placed]] = {}
    for number, body in enumerate(bodies):
        for at in range(0, len(body), KEY_BYTES):
            key = body[at : at + KEY_BYTES]
            found.setdefault(key[:16], []).append((key, number))
    return {identity: run for identity, run in found.items() if len(run) > 1}


def searched(keys: SampleKeys) -> dict[bytes, list[Placed]]:
    found: dict[bytes, list[Placed]] = {}
    for same_id in keys.iter_same_ids():
        run = list(same_id)
        (identity,) = {key[:16] for key, _ in run}
        assert identity not in found
        if len(run) > 1:
            found[identity] = run
    return found


@settings(max_examples=500)
@given(chunks_of_rows, st.integers(1, 600), st.integers(1, 40))
def test_equal_ids_are_found_within_and_across_chunks(chunks: list[list[Row]], held_bytes: int, step_keys: int) -> None:
    bodies = bodies_of(chunks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEP_KEYS", step_keys)
        patch.setattr(module, "READ_BYTES", KEY_BYTES)
        assert searched(Bucket(bodies).keys(held_bytes)) == by_definition(bodies)


@pytest.mark.parametrize("ids", [3, 400, 10**9])
@pytest.mark.parametrize("held_bytes", [2_000, 100_000, None])
def test_equal_hashes_are_found_however_many_rows_have_them(ids: int, held_bytes: int | None) -> None:
    bodies = [*hashed(30, 200, ids), b"", *hashed(30, 3, ids, seed=1)]
    expected = by_definition(bodies)
    assert bool(expected) == (ids < 10**9)
    assert searched(Bucket(bodies).keys(held_bytes)) == expected


def test_a_chunk_is_read_once_where_all_keys_can_be_held() -> None:
    bucket = Bucket([*hashed(50, 100, 10**9), b""])
    assert searched(bucket.keys()) == {}
    assert sorted(int(key) for key, _, _ in bucket.ranges) == list(range(50))


def test_a_chunk_is_read_on_where_it_was_left_and_seldom_more_than_once_a_window() -> None:
    bucket = Bucket(hashed(40, 1_000, 10**9))
    windows = 10
    searched(bucket.keys(40 * 1_000 * KEY_BYTES // windows))
    for number, body in enumerate(bucket.bodies):
        ranges = [(start, end) for key, start, end in bucket.ranges if key == str(number)]
        assert [start for start, _ in ranges] == [0, *[end for _, end in ranges[:-1]]]
        assert ranges[-1][1] == len(body) + 1
    assert len(bucket.ranges) < 1.5 * windows * 40


@pytest.mark.parametrize("ids", [1, 10, 10**9])
def test_what_is_held_does_not_grow_with_the_keys(held: list[int], ids: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_BYTES", 1_024)
    bucket, held_bytes = Bucket(hashed(20, 2_000, ids)), 64_000
    lines = sum(1 for same_id in bucket.keys(held_bytes).iter_same_ids() for _ in same_id)
    assert lines == (40_000 if ids < 10**9 else 0)
    assert sum(map(len, bucket.bodies)) > 19 * held_bytes
    assert held_bytes / 2 < max(held) < 3.5 * held_bytes


@pytest.mark.parametrize("held_bytes", [3_000, None])
@pytest.mark.parametrize("place", [0, 100, -1])
def test_other_bytes_than_were_sealed_are_refused(held_bytes: int | None, place: int) -> None:
    bucket = Bucket(hashed(5, 100, 10**9))
    searched(bucket.keys(held_bytes))
    good = bucket.bodies[3]
    flipped = bytearray(good)
    flipped[place] ^= 1
    for other in (bytes(flipped), good[:-1], good[:-KEY_BYTES], b"", good + b"!", good + good[-KEY_BYTES:]):
        bucket.bodies[3] = other
        with pytest.raises(UnitFailedError, match="SOURCE_CHANGED: The bytes of 3 are not those that were sealed"):
            searched(bucket.keys(held_bytes))


def merged(chunks: list[Chunk], bodies: Sequence[bytes]) -> list[RowFault]:
    """Return the lines whose id an earlier line has, by a merge of all keys that are at hand."""
    offsets = [sum(chunk.lines for chunk in chunks[:number]) for number in range(len(chunks))]
    placed = [
        [
            (body[at : at + 16], int.from_bytes(body[at + 24 : at + 28], "big") + offset)
            for at in range(0, len(body), KEY_BYTES)
        ]
        for body, offset in zip(bodies, offsets, strict=True)
    ]
    faults = []
    known, first = b"", 0
    for identity, line in heapq.merge(*placed, key=itemgetter(0)):
        if identity != known:
            known, first = identity, line
            continue
        first, later = sorted((first, line))
        detail = f"the sample_id stands in line {first} already"
        faults.append(RowFault(later, "/sample_id", "DUPLICATE_SAMPLE_ID", detail))
    return sorted(faults, key=lambda fault: fault.line)


@given(chunks_of_rows, st.integers(1, 400), st.randoms(use_true_random=False))
def test_a_seal_says_what_a_merge_of_all_keys_says(
    chunks: list[list[Row]], held_bytes: int, chance: random.Random
) -> None:
    bodies, facts = [], []
    for part, rows in enumerate(chunks):
        lines = chance.sample(range(1, len(rows) + 5), len(rows))
        keys = [
            identity + content + line.to_bytes(4, "big") + bytes(4)
            for line, (identity, content) in zip(lines, rows, strict=True)
        ]
        bodies.append(b"".join(sorted(keys)))
        facts.append(Chunk(part, len(rows) + 4, len(rows), 0, "", "", "", [], 0))
    sealed = seal_revision(facts, SampleKeys.held(bodies, held_bytes), BALL)
    expected = merged(facts, bodies)
    if any(chunks):
        assert sealed.faults == expected[:FAULTS_TOLD]
        assert sealed.fault_count == len(expected)
        assert sealed.passed == (not expected)
