"""Rollout imports → which rollouts are looked at for a training dataset, in which units of work."""

from msgspec import Struct

from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.plan import ChunkFacts, UnitChunk, Units, bundle, find_repeats, unit_chunks

UNIT_BYTES = 8 * 1024 * 1024
"""A unit holds its rollouts, their rows and the sketches of these: 10 to 20 times its bytes."""


class RolloutSource(Struct, frozen=True):
    """An import that a training dataset is made of."""

    import_id: str
    content_hash: str
    rollouts: int


class RowUnit(Struct, frozen=True):
    """A unit of RenderRows: its chunks in order, each with the lines that another import's rollout stands for."""

    unit: int
    chunks: list[UnitChunk]


class RowPlan(Struct, frozen=True):
    """The whole plan; `rollouts` counts those of all units, the ones that are there twice as well."""

    units: Units[RowUnit]
    rollouts: int


def plan_rows(sources: list[RolloutSource], chunks: list[ChunkFacts], keys: SampleKeys) -> RowPlan:
    """Return the plan for the chunks of the imports (imports by age, chunks in upload order), with their keys.

    A rollout is known by its `rollout_id`. Of rollouts with one content the oldest import's stays; of rollouts whose
    content differs, the newest import's.
    """
    repeats = find_repeats([f"{age:08d}" for age in range(len(sources))], chunks, keys)
    units = Units(
        list(bundle(chunks, UNIT_BYTES)),
        lambda number, members: RowUnit(number, unit_chunks(members, chunks, repeats)),
    )
    return RowPlan(units, sum(facts.chunk.rows for facts in chunks))
