"""An upload comes out the same however it is cut, and its faults are told by line."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packhouse.pipeline.ingest import FAULTS_TOLD, IngestedPart, Sealed, cut_parts, seal_revision
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.rows import LINE_BYTES
from packhouse.pipeline.statistics import Statistics, decode_statistics
from tests.unit.pipeline.labels import BALL, ingest, ndjson, owned, row, rows


def seal(parts: list[IngestedPart]) -> Sealed:
    return seal_revision([part.chunk for part in parts], SampleKeys.held([part.keys for part in parts]), BALL)


def whole(parts: list[IngestedPart]) -> tuple[bytes, Statistics]:
    counted = Statistics()
    for part in parts:
        counted.merge(decode_statistics(part.statistics))
    return b"".join(part.rows for part in parts), counted


@settings(max_examples=300)
@given(rows, st.integers(1, 400), st.integers(1, 300), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_every_cut_gives_the_same_rows_and_statistics(
    given_rows: list[dict[str, Any]], part_bytes: int, block: int, end: str, open_end: bool
) -> None:
    upload = ndjson(given_rows, end)
    upload = upload.removesuffix(end.encode()) if open_end else upload
    cut = ingest(upload, part_bytes, block)
    assert whole(cut) == whole(ingest(upload))
    assert sum(part.chunk.lines for part in cut) == len(given_rows)
    assert seal(cut).passed is bool(given_rows)


@given(rows, st.data())
def test_rows_kept_and_rows_refused_are_all_lines(given_rows: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = [json.dumps(each).encode() for each in given_rows]
    bad = sorted(data.draw(st.sets(st.integers(0, max(len(lines) - 1, 0)), max_size=len(lines))))
    for number in bad:
        lines[number] = b'{"sample_id":"broken"'
    sealed = seal(ingest(b"\n".join(lines), 90))
    assert sealed.rows + sealed.fault_count == max(len(lines), 1)
    assert [fault.line for fault in sealed.faults if fault.rule == "NOT_JSON"] == [number + 1 for number in bad]


def test_the_first_hundred_faults_are_told_and_all_are_counted() -> None:
    sealed = seal(ingest(b"x\n" * 250, 60))
    assert sealed.fault_count == 250
    assert [fault.line for fault in sealed.faults] == list(range(1, FAULTS_TOLD + 1))
    assert sealed.content_hash is None


def test_a_sample_id_twice_is_told_at_its_second_line_across_parts() -> None:
    sealed = seal(ingest(ndjson([row("a"), row("b"), row("c"), row("a", x=0.1)]), 100))
    assert [(fault.line, fault.rule, fault.pointer) for fault in sealed.faults] == [
        (4, "DUPLICATE_SAMPLE_ID", "/sample_id")
    ]
    assert "line 1" in sealed.faults[0].detail


def test_an_empty_upload_is_a_fault() -> None:
    assert [fault.rule for fault in seal(ingest(b"")).faults] == ["UPLOAD_EMPTY"]


def test_an_empty_line_is_a_fault() -> None:
    sealed = seal(ingest(ndjson([row("a")]) + b"\n" + ndjson([row("b")])))
    assert [(fault.line, fault.rule) for fault in sealed.faults] == [(2, "LINE_EMPTY")]


@pytest.mark.parametrize("length", [LINE_BYTES, LINE_BYTES + 1, 3 * LINE_BYTES])
@pytest.mark.parametrize("block", [4096, 1 << 20, 1 << 23])
def test_a_line_over_a_million_bytes_is_a_fault_and_the_next_is_read(length: int, block: int) -> None:
    line = b'{"sample_id":"long","labels":null' + b" " * (length - 34) + b"}"
    assert len(line) == length
    sealed = seal(ingest(line + b"\n" + ndjson([row("b")]), 500_000, block))
    assert [fault.rule for fault in sealed.faults] == ([] if length == LINE_BYTES else ["LINE_TOO_LONG"])
    assert sealed.rows == (2 if length == LINE_BYTES else 1)


def test_a_byte_order_mark_is_taken_at_the_very_start_only() -> None:
    assert seal(ingest(b"\xef\xbb\xbf" + ndjson([row("a")]))).passed
    sealed = seal(ingest(ndjson([row("a")]) + b"\xef\xbb\xbf" + ndjson([row("b")])))
    assert [(fault.line, fault.rule) for fault in sealed.faults] == [(2, "NOT_JSON")]


def test_bytes_that_are_not_utf8_are_a_fault_of_their_line() -> None:
    sealed = seal(ingest(ndjson([row("a")]) + b'{"sample_id":"b","group":"\xff","labels":[]}\n'))
    assert [(fault.line, fault.rule) for fault in sealed.faults] == [(2, "NOT_JSON")]


def test_a_part_without_a_line_of_its_own_is_empty() -> None:
    upload = ndjson([row("a" * 100)])
    parts = cut_parts(len(upload), 40)
    assert [len(list(owned(upload, part))) for part in parts] == [1] + [0] * (len(parts) - 1)


def test_the_content_hash_tells_labels_apart_and_nothing_else() -> None:
    first = seal(ingest(ndjson([row("a"), row("b")])))
    assert first.content_hash == seal(ingest(ndjson([row("a"), row("b")], "\r\n"))).content_hash
    assert first.content_hash != seal(ingest(ndjson([row("a"), row("b", x=0.51)]))).content_hash


@pytest.mark.parametrize("part_bytes", [40, 200, 500_000])
def test_of_equal_ids_the_first_line_stands_whatever_is_in_the_others(part_bytes: int) -> None:
    rows = [row("same", x=x / 100) for x in (90, 10, 50, 10, 70, 30)]
    sealed = seal(ingest(ndjson(rows), part_bytes))
    told = [(fault.line, fault.rule) for fault in sealed.faults]
    assert told == [(line, "DUPLICATE_SAMPLE_ID") for line in range(2, 7)]
    assert sealed.fault_count == 5
    assert all(int(fault.detail.split("line ")[1].split()[0]) < fault.line for fault in sealed.faults)


def test_of_very_many_repeats_the_first_hundred_lines_are_told_and_all_are_counted() -> None:
    sealed = seal(ingest(ndjson([row("same", x=x % 97 / 100) for x in range(500)]), 2_000))
    assert [fault.line for fault in sealed.faults] == list(range(2, 102))
    assert sealed.fault_count == 499
