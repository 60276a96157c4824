"""Label rows, chunks and units for the tests of the pipeline."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from packhouse.pipeline.build import BuiltShard, BuiltUnit, LeftOutRow, build_shard
from packhouse.pipeline.capabilities import CAPABILITIES, Capability
from packhouse.pipeline.ingest import IngestedPart, LabelLines, Part, cut_parts, ingest_part, iter_owned_lines
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.plan import BuildPlan, ChunkFacts, Source, SourceChunk, plan_build
from packhouse.pipeline.splits import SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import decode_statistics

BALL = CAPABILITIES["ball_detection"]
PLAYERS = CAPABILITIES["player_detection"]
THIRDS = SplitPlan(SplitStrategy.GROUP_QUOTA, {"train": 8000, "val": 1000, "test": 1000}, 0)


def row(sample_id: str, group: str = "g", x: float = 0.5, **more: Any) -> dict[str, Any]:
    """Return one ball label row."""
    return {"sample_id": sample_id, "group": group, "labels": [{"class": "ball", "point": {"x": x, "y": 0.5}}], **more}


def ndjson(rows: Sequence[dict[str, Any]], end: str = "\n") -> bytes:
    """Return the rows as the bytes of an upload."""
    return "".join(json.dumps(each, ensure_ascii=False) + end for each in rows).encode()


def ingest(
    upload: bytes, part_bytes: int = 1 << 23, block: int = 1 << 20, capability: Capability = BALL
) -> list[IngestedPart]:
    """Return the upload's chunks, cut into parts of the given size and read in blocks of the given size."""
    return [
        ingest_part(part, owned(upload, part, block), LabelLines(capability))
        for part in cut_parts(len(upload), part_bytes)
    ]


def owned(upload: bytes, part: Part, block: int = 1 << 20) -> Any:
    """Return the lines that a part owns."""
    start = max(part.start - 1, 0)
    return iter_owned_lines((upload[at : at + block] for at in range(start, len(upload), block)), part)


def facts(source: int, chunk: IngestedPart, project_id: str = "prj_1") -> ChunkFacts:
    """Return what the plan is told of a chunk."""
    counted = decode_statistics(chunk.statistics)
    return ChunkFacts(
        SourceChunk(
            source, project_id, f"{source}/{chunk.chunk.part}", chunk.chunk.sha256, chunk.chunk.rows, len(chunk.rows)
        ),
        counted.groups,
    )


def build(
    uploads: Sequence[bytes],
    split: SplitPlan = THIRDS,
    kept: Mapping[str, str] | None = None,
    part_bytes: int = 1 << 23,
    capability: Capability = BALL,
) -> tuple[BuildPlan, list[tuple[BuiltUnit, list[BuiltShard], list[LeftOutRow]]]]:
    """Plan and build the uploads as sources `lp_0`, `lp_1`, … whose revisions are in the same order in time."""
    ingested = [
        (number, chunk)
        for number, upload in enumerate(uploads)
        for chunk in ingest(upload, part_bytes, capability=capability)
    ]
    sources = [Source(f"lp_{number}", f"lpr_{number}", "", "prj_1", 0) for number in range(len(uploads))]
    keys = SampleKeys.held([chunk.keys for _, chunk in ingested])
    plan = plan_build(sources, [facts(number, chunk) for number, chunk in ingested], keys, split, kept)
    bodies = {f"{number}/{chunk.chunk.part}": chunk.rows for number, chunk in ingested}
    return plan, [build_shard(unit, [bodies[chunk.key] for chunk in unit.chunks], capability) for unit in plan.units]


names = st.text("abcxyz019_.:-", min_size=1, max_size=8)
coordinates = st.floats(-1, 2, allow_nan=False).map(lambda value: round(value, 4))
rows = st.lists(
    st.builds(row, names, st.sampled_from(["g1", "g2", "grüppe", "g4", "g5"]), coordinates),
    max_size=40,
    unique_by=lambda each: str(each["sample_id"]),
)
