"""Of rollouts that several imports have, one stays; units hold neighbouring chunks and are bounded."""

from packhouse.pipeline.keys import SampleKeys, sample_key
from packhouse.pipeline.plan import ChunkFacts, LeftOut, LeftOutReason, SourceChunk
from packhouse.pipeline.row_plan import UNIT_BYTES, RolloutSource, RowPlan, plan_rows

DUPLICATE, CONFLICT = LeftOutReason.DUPLICATE_SAMPLE, LeftOutReason.CONFLICTING_SAMPLE


def source(number: int, rollouts: int) -> RolloutSource:
    return RolloutSource(f"rim_{number}", f"sha256:{number}", rollouts)


def chunk(number: int, rollouts: dict[str, str], size: int = 100) -> tuple[ChunkFacts, bytes]:
    """Return an import's chunk of rollouts, each with its content, and their keys."""
    keys = sorted(
        sample_key(name, content.encode(), line, 0) for line, (name, content) in enumerate(rollouts.items(), start=1)
    )
    facts = ChunkFacts(SourceChunk(number, "prj", f"{number}.ndjson", "", len(rollouts), size), {})
    return facts, b"".join(keys)


def planned(sources: list[RolloutSource], chunks: list[tuple[ChunkFacts, bytes]]) -> RowPlan:
    return plan_rows(sources, [facts for facts, _ in chunks], SampleKeys.held([keys for _, keys in chunks]))


def test_equal_content_stays_where_it_came_first_and_other_content_where_it_came_last() -> None:
    sources = [source(0, 3), source(1, 3), source(2, 1)]
    chunks = [
        chunk(0, {"same": "x", "changed": "old", "own": "x"}),
        chunk(1, {"changed": "newer", "same": "x", "other": "x"}),
        chunk(2, {"changed": "newest"}),
    ]
    plan = planned(sources, chunks)
    (unit,) = plan.units
    assert [part.left_out for part in unit.chunks] == [
        [LeftOut(2, CONFLICT, 2)],
        [LeftOut(1, CONFLICT, 2), LeftOut(2, DUPLICATE, 0)],
        [],
    ]
    assert plan.rollouts == 7


def test_content_that_came_back_is_the_oldest_of_its_kind() -> None:
    chunks = [chunk(0, {"r": "x"}), chunk(1, {"r": "y"}), chunk(2, {"r": "x"})]
    plan = planned([source(number, 1) for number in range(3)], chunks)
    assert [len(part.left_out) for part in plan.units[0].chunks] == [0, 1, 1]


def test_a_unit_is_bounded_and_a_large_chunk_is_one_of_its_own() -> None:
    sizes = [UNIT_BYTES // 2, UNIT_BYTES // 2, UNIT_BYTES + 1, 1, 1]
    chunks = [chunk(0, {f"r{number}": "x"}, size) for number, size in enumerate(sizes)]
    plan = planned([source(0, 5)], chunks)
    assert [len(unit.chunks) for unit in plan.units] == [2, 1, 2]
    assert [unit.unit for unit in plan.units] == [0, 1, 2]
