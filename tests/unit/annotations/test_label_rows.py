"""A published set as label rows: an audio file each, with its spans, and what becomes of files it says nothing of."""

from collections import Counter
from random import Random

import pytest

from packhouse.annotations.batches import Span, read_span
from packhouse.annotations.model import Annotation, Unannotated
from packhouse.annotations.promotions import label_rows
from packhouse.audio.model import AudioFile
from packhouse.errors import UnitFailedError
from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.rows import Label, LabelRow, Segment, encode_row, parse_row
from tests.unit.annotations.segments import MOMENT, an_annotation, drawn_annotation, rows_of, seeded

RANDOM_SETS = 100


def a_file(name: str, group: str | None = None, created_at: str = MOMENT) -> AudioFile:
    return AudioFile(
        id=f"aud_{name}",
        uri=f"calls/{name}.wav",
        duration_ms=60_000,
        group=group,
        created_at=created_at,
        created_by="user-ana",
    )


def spans(annotations: list[Annotation]) -> list[Span]:
    return [read_span(row.line) for row in rows_of(annotations)]


def promoted(
    annotations: list[Annotation], files: list[AudioFile], unannotated: Unannotated = Unannotated.LEFT_OUT
) -> list[LabelRow]:
    return list(label_rows(iter(spans(annotations)), iter(files), unannotated, MOMENT))


def segments(row: LabelRow) -> list[tuple[str, object]]:
    return [(label.class_, label.segment) for label in row.labels or []]


def said(annotation: Annotation) -> tuple[str, object]:
    return annotation.artifact_type, Segment(annotation.start_ms, annotation.end_ms)


FILES = [a_file("a", "ana"), a_file("b"), a_file("c", "cem"), a_file("d")]
ANNOTATIONS = [
    an_annotation(1, "aud_b", 500, 900, "long_pause", 0.5),
    an_annotation(2, "aud_b", 20, 30, "glitch"),
    an_annotation(3, "aud_c", 0, 60_000, "other"),
]


@pytest.mark.parametrize(
    ("unannotated", "expected"),
    [
        (Unannotated.LEFT_OUT, {"aud_b": 2, "aud_c": 1}),
        (Unannotated.UNLABELLED, {"aud_a": None, "aud_b": 2, "aud_c": 1, "aud_d": None}),
        (Unannotated.EMPTY, {"aud_a": 0, "aud_b": 2, "aud_c": 1, "aud_d": 0}),
    ],
)
def test_files_without_annotation_become_what_was_asked_for(
    unannotated: Unannotated, expected: dict[str, int | None]
) -> None:
    found = promoted(ANNOTATIONS, FILES, unannotated)
    assert {row.sample_id: None if row.labels is None else len(row.labels) for row in found} == expected
    assert [row.sample_id for row in found] == sorted(expected)


def test_a_row_says_where_its_file_is_and_with_what_it_stays_in_one_split() -> None:
    found = promoted([], FILES, Unannotated.EMPTY)
    assert [(row.group, row.asset) for row in found] == [
        ("ana", "calls/a.wav"),
        ("aud_b", "calls/b.wav"),
        ("cem", "calls/c.wav"),
        ("aud_d", "calls/d.wav"),
    ]


def test_the_spans_of_a_file_come_by_their_start() -> None:
    (row, _) = promoted(ANNOTATIONS, FILES)
    assert segments(row) == [("glitch", Segment(20, 30)), ("long_pause", Segment(500, 900))]


def test_an_empty_set_is_no_rows_unless_files_without_annotations_are_wanted() -> None:
    assert promoted([], FILES) == []
    assert promoted([], []) == []
    assert [row.labels for row in promoted([], FILES, Unannotated.UNLABELLED)] == [None] * 4


def test_a_file_that_came_behind_the_publishing_is_no_row_unless_the_set_speaks_of_it() -> None:
    late = [*FILES[:2], *(a_file(name, created_at="2026-04-16T08:00:00.001Z") for name in ("c", "d"))]
    for unannotated in (Unannotated.UNLABELLED, Unannotated.EMPTY):
        assert [row.sample_id for row in promoted(ANNOTATIONS, late, unannotated)] == ["aud_a", "aud_b", "aud_c"]
    assert [row.sample_id for row in promoted(ANNOTATIONS, late)] == ["aud_b", "aud_c"]


@pytest.mark.parametrize("missing", ["aud_b", "aud_c"])
@pytest.mark.parametrize("unannotated", Unannotated)
def test_no_annotation_is_left_out_for_want_of_its_file(missing: str, unannotated: Unannotated) -> None:
    with pytest.raises(UnitFailedError, match=missing):
        promoted(ANNOTATIONS, [file for file in FILES if file.id != missing], unannotated)


def drawn_files(rng: Random) -> list[AudioFile]:
    return [a_file(str(number), rng.choice((None, "", "ana", "cem"))) for number in range(6) if rng.random() < 0.9]


def test_every_span_is_in_one_row_and_every_row_is_one_that_ingest_takes() -> None:
    classes = CAPABILITIES["audio_artifact_detection"].classes
    for seed in range(RANDOM_SETS):
        rng = seeded(seed)
        files = drawn_files(rng)
        known = {file.id for file in files}
        drawn = [drawn_annotation(rng, number, audio_files=6) for number in range(rng.choice((0, 1, 30)))]
        drawn = [each for each in drawn if each.audio_file_id in known]
        annotated = {each.audio_file_id for each in drawn}
        for unannotated in Unannotated:
            found = [parse_row(encode_row(row)) for row in promoted(drawn, files, unannotated)]
            is_left_out = unannotated is Unannotated.LEFT_OUT
            assert [row.sample_id for row in found] == sorted(annotated if is_left_out else known)
            told = Counter((row.sample_id, *each) for row in found for each in segments(row))
            assert told == Counter((each.audio_file_id, *said(each)) for each in drawn)
            assert {name for _, name, _ in told} <= set(classes)
            rest = {row.sample_id: row.labels for row in found if row.sample_id not in annotated}
            without: list[Label] | None = None if unannotated is Unannotated.UNLABELLED else []
            assert list(rest.values()) == [without] * len(rest)
