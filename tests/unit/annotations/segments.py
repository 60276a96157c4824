"""Annotations for tests: told by a number and a stretch, or drawn by a seeded generator; and rows made of them."""

from collections import Counter
from collections.abc import Collection, Iterable
from random import Random

from packhouse.annotations.batches import Row, row_of
from packhouse.annotations.model import Annotation, Batch, Statistics
from packhouse.annotations.rules import ARTIFACT_TYPES

MOMENT = "2026-04-16T08:00:00.000Z"
CONFIDENCES = (None, 0.0, 0.25, 1.0)


def seeded(seed: int) -> Random:
    """Return a generator that draws the same every time."""
    return Random(seed)  # noqa: S311  draws tests, no secret


def an_id(number: int) -> str:
    return f"ann_{number:026d}"


def an_annotation(
    number: int,
    audio_file_id: str = "aud_a",
    start_ms: int = 0,
    end_ms: int = 1,
    artifact_type: str = "glitch",
    confidence: float | None = None,
) -> Annotation:
    return Annotation(
        id=an_id(number),
        audio_file_id=audio_file_id,
        artifact_type=artifact_type,
        start_ms=start_ms,
        end_ms=end_ms,
        confidence=confidence,
        created_at=MOMENT,
        created_by="user-ana",
        updated_at=MOMENT,
    )


def drawn_stretch(rng: Random, longest: int, before: list[tuple[int, int]]) -> tuple[int, int]:
    """Draw a stretch; often one that is equal to, within, behind or begins with one of those before."""
    start = rng.randrange(longest)
    if before and rng.random() < 0.6:
        first, last = rng.choice(before)
        start, end = rng.choice(
            (
                (first, last),
                (first, first + 1),
                (first, rng.randint(first + 1, longest)),
                (last, last + 1),
                (last - 1, last),
                (rng.randint(first, last - 1), last),
            )
        )
        return (start, end) if end <= longest else (first, last)
    return start, start + 1 if rng.random() < 0.2 else rng.randint(start + 1, longest)


def drawn_annotation(rng: Random, number: int, longest: int = 40, audio_files: int = 3) -> Annotation:
    """Draw an annotation among so few places and words that equal ones are frequent."""
    start = rng.randrange(longest)
    return an_annotation(
        number,
        f"aud_{rng.randrange(audio_files)}",
        start,
        rng.randint(start + 1, longest),
        rng.choice(ARTIFACT_TYPES[:3]),
        rng.choice(CONFIDENCES),
    )


def rows_of(annotations: Iterable[Annotation]) -> list[Row]:
    """Return annotations as a set keeps them, by place."""
    return sorted(row_of(annotation) for annotation in annotations)


def a_batch(name: object, rows: int) -> Batch:
    return Batch(key=f"projects/p/annotation-sets/batches/{name}.ndjson", rows=rows, bytes=0, sha256="")


def by_bitmap(annotations: Collection[Annotation]) -> Statistics:
    """Mark every millisecond of every file, once for all types and once for each, and count the marks."""
    marks: dict[tuple[str, str], set[int]] = {}
    for annotation in annotations:
        for name in ("", annotation.artifact_type):
            covered = marks.setdefault((annotation.audio_file_id, name), set())
            covered.update(range(annotation.start_ms, annotation.end_ms))
    durations: Counter[str] = Counter()
    for (_, name), covered in marks.items():
        durations[name] += len(covered)
    total = durations.pop("", 0)
    return Statistics(
        total_annotations=len(annotations),
        total_positive_duration_ms=total,
        annotations_by_type=dict(Counter(annotation.artifact_type for annotation in annotations)),
        duration_ms_by_type=dict(durations),
        audio_files=len({annotation.audio_file_id for annotation in annotations}),
    )
