"""A sample that goes into another split than it was in is found, from units and sample keys alone."""

from array import array
from collections import Counter
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from packhouse.pipeline.keys import KEY_BYTES, SampleKeys, sample_key
from packhouse.pipeline.moves import PlacedChunk, differing_chunks, find_moved, place_chunk
from packhouse.pipeline.plan import BuildPlan, ChunkFacts, Source, SourceChunk, plan_build
from packhouse.pipeline.splits import SPLITS, SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import GroupTally

TRAIN, VAL, TEST = "match-15", "match-14", "match-19"
"""A group in each split, as a hash of seed 0 places them."""

Rows = dict[str, str]
"""The group of every sample of a revision, by its id."""
Moved = Counter[tuple[str, str]]


class Version(NamedTuple):
    """What is built of revisions, each of one chunk: the plan, and the chunks by the revisions' ids."""

    revisions: dict[str, Rows]
    plan: BuildPlan
    chunks: dict[str, ChunkFacts]
    keys: dict[str, bytes]


def version_of(revisions: dict[str, Rows], kept: Version | None = None) -> Version:
    """Plan a version; one that keeps the groups of another places its new ones by another seed."""
    chunks, keys = {}, {}
    for number, (name, rows) in enumerate(sorted(revisions.items())):
        chunks[name], keys[name] = chunk_of(number, name, rows)
    sources = [Source(f"lp_{name}", name, name, "prj", facts.chunk.rows) for name, facts in chunks.items()]
    split = SplitPlan(SplitStrategy.GROUP_HASH, {"train": 5000, "val": 2500, "test": 2500}, 0 if kept is None else 1)
    held = SampleKeys.held(list(keys.values()))
    plan = plan_build(sources, list(chunks.values()), held, split, kept.plan.split_of if kept else None)
    return Version(revisions, plan, chunks, keys)


def chunk_of(source: int, revision: str, rows: Rows) -> tuple[ChunkFacts, bytes]:
    groups = list(dict.fromkeys(rows.values()))
    keys = [
        sample_key(sample, f"{sample} of {revision}".encode(), line, groups.index(group))
        for line, (sample, group) in enumerate(rows.items(), start=1)
    ]
    tallies = {group: GroupTally(samples) for group, samples in Counter(rows.values()).items()}
    facts = ChunkFacts(
        SourceChunk(source, "prj", revision, revision, len(rows), 1), {group: tallies[group] for group in groups}
    )
    return facts, b"".join(sorted(keys))


def compared(before: dict[str, Rows], after: dict[str, Rows]) -> tuple[Moved, list[list[str]]]:
    """Return what moves when a version keeps the groups of another, and which chunks were looked at for it."""
    versions = [version_of(before)]
    versions.append(version_of(after, versions[0]))
    differ = differing_chunks(*(version.plan.units for version in versions))
    old, new = (
        [place_chunk(chunk, version.chunks[chunk.key].groups) for chunk in chunks]
        for chunks, version in zip(differ, versions, strict=True)
    )
    keys = [version.keys[chunk.key] for chunks, version in zip(differ, versions, strict=True) for chunk in chunks]
    return find_moved(old, new, SampleKeys.held(keys)), [[chunk.key for chunk in chunks] for chunks in differ]


def places(version: Version) -> dict[str, str]:
    """Return the split of every sample: that of its group in the newest revision which has it."""
    groups: Rows = {}
    for _, rows in sorted(version.revisions.items()):
        groups |= rows
    return {sample: version.plan.split_of[group] for sample, group in groups.items()}


def test_a_sample_that_a_newer_revision_takes_out_of_its_group_moves() -> None:
    before = {"r1": {"a": TEST, "b": TEST, "c": TRAIN}}
    assert compared(before, {"r2": {"a": TRAIN, "b": TEST, "c": TRAIN}}) == (
        Counter({("test", "train"): 1}),
        [["r1"], ["r2"]],
    )
    before["r1"]["d"] = VAL
    assert compared(before, {"r2": {"a": VAL, "b": TRAIN, "c": TEST, "d": VAL}})[0] == Counter(
        {("test", "val"): 1, ("test", "train"): 1, ("train", "test"): 1}
    )


def test_a_sample_that_another_pack_now_has_in_another_group_moves() -> None:
    kept = {"r1": {"a": TEST, "b": TRAIN}}
    moved, read = compared(kept, kept | {"r2": {"a": TRAIN}})
    assert (moved, read) == (Counter({("test", "train"): 1}), [["r1"], ["r1", "r2"]])


def test_a_sample_that_comes_or_goes_does_not_move() -> None:
    assert compared({"r1": {"a": TEST, "b": TRAIN}}, {"r2": {"c": TRAIN, "b": TRAIN}})[0] == Counter()


def test_of_what_both_versions_have_nothing_is_read() -> None:
    kept = {"r1": {"a": TEST, "b": TRAIN}, "r2": {"c": VAL}}
    assert compared(kept, kept) == (Counter(), [[], []])
    assert compared(kept, kept | {"r3": {"d": "match-1"}}) == (Counter(), [[], ["r3"]])


revisions = st.dictionaries(
    st.sampled_from(["r1", "r2", "r3", "r4"]),
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([TRAIN, VAL, TEST, "match-1", "match-2"]), min_size=1),
    min_size=1,
)


@given(revisions, revisions, st.sets(st.sampled_from(["r1", "r2", "r3", "r4"])))
def test_what_moved_is_what_the_definition_says(
    before: dict[str, Rows], after: dict[str, Rows], shared: set[str]
) -> None:
    after |= {name: before[name] for name in shared & before.keys()}
    after = {name: rows for name, rows in after.items() if name not in before or rows == before[name]} or before
    kept = version_of(before)
    then, now = places(kept), places(version_of(after, kept))
    expected = Counter(
        (then[sample], now[sample]) for sample in then.keys() & now.keys() if then[sample] != now[sample]
    )
    assert compared(before, after)[0] == expected


samples = st.dictionaries(st.binary(min_size=16, max_size=16), st.sampled_from(SPLITS))


@given(samples, samples, st.integers(1, 4), st.integers(1, 100))
def test_samples_are_found_over_the_chunks_of_both(
    before: dict[bytes, str], after: dict[bytes, str], n: int, held_bytes: int
) -> None:
    after |= {sample: after.get(sample, "val") for sample in list(before)[::2]}
    cut = [[sorted(each.items())[at::n] for at in range(n)] for each in (before, after)]
    bodies = [b"".join(placed_key(*each) for each in chunk) for chunks in cut for chunk in chunks]
    keys = SampleKeys.held(bodies, held_bytes)
    stays = PlacedChunk(array("I"), list(SPLITS))
    both = before.keys() & after.keys()
    expected = Counter((before[each], after[each]) for each in both if before[each] != after[each])
    assert find_moved([stays] * n, [stays] * n, keys) == expected


def placed_key(identity: bytes, split: str) -> bytes:
    """Return a sample's key; its group is the one that has the number of its split."""
    return identity + SPLITS.index(split).to_bytes(KEY_BYTES - len(identity), "big")
