"""A unit of chunks becomes rows: each rollout is kept or left out for a reason, rendered, scored and sketched."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from packhouse.pipeline.plan import LeftOutReason, UnitChunk
from packhouse.pipeline.profiles import render_profile
from packhouse.pipeline.render import (
    ASSISTANT,
    Message,
    TrainingRow,
    encode_training_row,
    render_rollout,
    sort_key,
)
from packhouse.pipeline.rollouts import COMPLETED, Rollout, decode_rollout
from packhouse.pipeline.row_plan import RowUnit
from packhouse.pipeline.rows import RowError
from packhouse.pipeline.scoring import Scores, score_rollout
from packhouse.pipeline.sketches import Sketcher, SketchFacts

SCORE_KEYS = ("quality_score", "complexity_score", "ifd_score")
MISSING, GIVEN, COMPUTED = 0, 1, 2
"""Where a row's score comes from; three of these, base 4, are a row's byte of origins."""

PREVIEW_ROWS, PREVIEW_BYTES = 20, 3_000_000


class RowReason(StrEnum):
    """Why a rollout becomes no row."""

    REPEATED_ROLLOUT = "REPEATED_ROLLOUT"
    SUPERSEDED_ROLLOUT = "SUPERSEDED_ROLLOUT"
    NOT_COMPLETED = "NOT_COMPLETED"
    SCENARIO_NOT_WANTED = "SCENARIO_NOT_WANTED"
    TEMPLATE_NOT_WANTED = "TEMPLATE_NOT_WANTED"
    NO_ASSISTANT_TURN = "NO_ASSISTANT_TURN"
    SCORE_MISSING = "SCORE_MISSING"
    SCORE_TOO_LOW = "SCORE_TOO_LOW"
    EXACT_DUPLICATE = "EXACT_DUPLICATE"
    NEAR_DUPLICATE = "NEAR_DUPLICATE"
    OVERLAPS_DATASET = "OVERLAPS_DATASET"
    NOT_SAMPLED = "NOT_SAMPLED"


_REPEATS = {
    LeftOutReason.DUPLICATE_SAMPLE: RowReason.REPEATED_ROLLOUT,
    LeftOutReason.CONFLICTING_SAMPLE: RowReason.SUPERSEDED_ROLLOUT,
}


class Selection(NamedTuple):
    """Which rollouts are wanted; `None` takes all. `min_scores` are by score key."""

    scenario_ids: frozenset[str] | None
    agent_template_ids: frozenset[str] | None
    min_scores: Mapping[str, float]


class RenderedUnit(Struct, frozen=True):
    """A unit's result: how many rollouts came in, how many stayed out for which reason, and what its objects hash to.

    `order` has a line a row, in the rows' order: their sort key and the rollout's id; `origins` a byte a row.
    `sketches` are by their endings.
    """

    unit: int
    rollouts: int
    left_out: dict[str, int]
    rows: int
    bytes: int
    sha256: str
    order_bytes: int
    order_sha256: str
    origins_sha256: str
    sketch: SketchFacts
    sketches: dict[str, str]


class RenderedRow(NamedTuple):
    """A row that stays, with the key it is sorted by and the place of its rollout: chunk of the unit, byte in it."""

    key: bytes
    chunk: int
    offset: int
    row: TrainingRow
    origins: int
    identity: bytes


def judge_rollout(rollout: Rollout, selection: Selection) -> RowReason | None:
    """Return why a rollout is not wanted, its scores apart, or `None`."""
    if rollout.status != COMPLETED:
        return RowReason.NOT_COMPLETED
    if selection.scenario_ids is not None and rollout.scenario_id not in selection.scenario_ids:
        return RowReason.SCENARIO_NOT_WANTED
    if selection.agent_template_ids is not None and rollout.agent_template_id not in selection.agent_template_ids:
        return RowReason.TEMPLATE_NOT_WANTED
    return None if rollout.turn_count else RowReason.NO_ASSISTANT_TURN


def judge_scores(scores: Scores, min_scores: Mapping[str, float]) -> RowReason | None:
    """Return why a rollout's scores do not do, or `None`.

    >>> judge_scores(Scores(0.5, None, None, (), ("quality_score",)), {"quality_score": 0.5, "ifd_score": 0.1})
    <RowReason.SCORE_MISSING: 'SCORE_MISSING'>
    """
    for key, least in min_scores.items():
        score = getattr(scores, key)
        if score is None:
            return RowReason.SCORE_MISSING
        if score < least:
            return RowReason.SCORE_TOO_LOW
    return None


def iter_rendered(chunks: Iterable[tuple[UnitChunk, bytes]], selection: Selection) -> Iterator[RenderedRow | RowReason]:
    """Yield for every rollout of the chunks its row, or why it has none, in upload order."""
    for number, (chunk, body) in enumerate(chunks):
        repeats = {left.line: _REPEATS[left.reason] for left in chunk.left_out}
        offset = 0
        for line_number, line in enumerate(body.split(b"\n")[:-1], start=1):
            yield repeats.get(line_number) or _rendered(line, number, offset, selection)
            offset += len(line) + 1


def _rendered(line: bytes, chunk: int, offset: int, selection: Selection) -> RenderedRow | RowReason:
    rollout = decode_rollout(line)
    reason = judge_rollout(rollout, selection)
    if reason is not None:
        return reason
    scores = score_rollout(rollout)
    reason = judge_scores(scores, selection.min_scores)
    if reason is not None:
        return reason
    row = render_rollout(rollout, scores)
    identity = hashlib.sha256(rollout.rollout_id.encode()).digest()
    return RenderedRow(sort_key(rollout), chunk, offset, row, _origins(scores), identity)


def _origins(scores: Scores) -> int:
    """Return the row's byte of origins.

    >>> _origins(Scores(0.5, 0.25, None, ("quality_score",), ("complexity_score",)))
    9
    """
    origins = [GIVEN if key in scores.given else COMPUTED if key in scores.computed else MISSING for key in SCORE_KEYS]
    return sum(origin << 2 * place for place, origin in enumerate(origins))


def count_origins(origins: Mapping[int, int]) -> dict[str, dict[str, int]]:
    """Return how many rows have each score from where; `origins` counts the rows of every byte of origins.

    >>> count_origins({9: 2, 1: 1})["complexity_score"]
    {'missing': 1, 'given': 0, 'computed': 2}
    """
    counted = {}
    for place, key in enumerate(SCORE_KEYS):
        of = [sum(rows for byte, rows in origins.items() if byte >> 2 * place & 3 == origin) for origin in range(3)]
        counted[key] = dict(zip(("missing", "given", "computed"), of, strict=True))
    return counted


def render_unit(
    unit: RowUnit, bodies: Iterable[bytes], selection: Selection, id_of: Callable[[int, int], str]
) -> tuple[RenderedUnit, dict[str, bytes]]:
    """Return the unit's result and its objects by their endings; rows are sorted by their keys.

    `bodies` are the canonical bytes of the unit's chunks, in order; `id_of` tells a rollout's id by the number of its
    chunk in the unit and its first byte there.
    """
    left_out: Counter[str] = Counter()
    kept: list[RenderedRow] = []
    rollouts = 0
    for found in iter_rendered(zip(unit.chunks, bodies, strict=True), selection):
        rollouts += 1
        if isinstance(found, RowReason):
            left_out[found.value] += 1
        else:
            kept.append(found)
    kept.sort(key=lambda found: found.key)
    sketcher = Sketcher(unit.unit)
    for number, found in enumerate(kept):
        said = [(message.role, message.content) for message in found.row.messages if not message.is_silence]
        thinking = [message.thinking for message in found.row.messages if isinstance(message.thinking, str)]
        sketcher.add(number, said, shape_of(found.row), thinking, found.identity)
    sketches, sketch = sketcher.finish()
    rows = b"".join(encode_training_row(found.row) + b"\n" for found in kept)
    order = b"".join(b"%s\0%s\n" % (found.key, id_of(found.chunk, found.offset).encode()) for found in kept)
    origins = bytes(found.origins for found in kept)
    rendered = RenderedUnit(
        unit=unit.unit,
        rollouts=rollouts,
        left_out=dict(sorted(left_out.items())),
        rows=len(kept),
        bytes=len(rows),
        sha256=hashlib.sha256(rows).hexdigest(),
        order_bytes=len(order),
        order_sha256=hashlib.sha256(order).hexdigest(),
        origins_sha256=hashlib.sha256(origins).hexdigest(),
        sketch=sketch,
        sketches={ending: hashlib.sha256(body).hexdigest() for ending, body in sketches.items()},
    )
    return rendered, {"ndjson": rows, "order": order, "origins": origins, **sketches}


def shape_of(row: TrainingRow) -> str:
    """Return who speaks, with thinking or without, and who is silent: a letter a message."""
    return "".join(map(_letter, row.messages))


def _letter(message: Message) -> str:
    if message.is_silence:
        return "-"
    if message.role == ASSISTANT:
        return "t" if isinstance(message.thinking, str) else "a"
    return "u"


def render_preview(chunks: Iterable[tuple[UnitChunk, bytes]], selection: Selection, profile: str) -> list[bytes]:
    """Return the first rows that come of some chunks, in upload order, before any row is compared with others.

    So many as one answer holds: `PREVIEW_ROWS`, or fewer that are long; bytes are counted as they are escaped there.
    """
    rows: list[bytes] = []
    size = 0
    for row in _iter_lines(chunks, selection, profile):
        size += len(json.dumps(row.decode()))
        if rows and size > PREVIEW_BYTES:
            break
        rows.append(row)
        if len(rows) == PREVIEW_ROWS:
            break
    return rows


def _iter_lines(chunks: Iterable[tuple[UnitChunk, bytes]], selection: Selection, profile: str) -> Iterator[bytes]:
    for found in iter_rendered(chunks, selection):
        if not isinstance(found, RowReason):
            with suppress(RowError):
                yield render_profile(found.row, profile)
