"""Every bad line is refused at its number and by its rule, wherever it stands, and nothing else of its upload is."""

import json
from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest

from packhouse.pipeline.ingest import (
    IngestedPart,
    LabelLines,
    Lines,
    Part,
    RolloutLines,
    Sealed,
    cut_parts,
    ingest_part,
    iter_owned_lines,
    seal_import,
    seal_revision,
)
from packhouse.pipeline.keys import SampleKeys
from packhouse.pipeline.rows import TOLD_CHARACTERS
from tests.faults.bad_lines import COMMON, HEAVY, BadLine, Kind, iter_bad_lines
from tests.faults.bad_rows import LABEL_ROWS, ROLLOUTS
from tests.unit.pipeline.labels import BALL, owned

LABEL_LINES, ROLLOUT_LINES, HEAVY_LINES = 5_000, 1_500, 40


def taken(kind: Kind) -> Lines:
    return LabelLines(BALL) if kind is LABEL_ROWS else RolloutLines()


def ingested(kind: Kind, upload: bytes, part_bytes: int, block: int) -> list[IngestedPart]:
    parts = cut_parts(len(upload), part_bytes)
    return [ingest_part(part, owned(upload, part, block), taken(kind)) for part in parts]


def sealed(kind: Kind, parts: list[IngestedPart]) -> Sealed:
    chunks, keys = [part.chunk for part in parts], SampleKeys.held([part.keys for part in parts])
    return seal_revision(chunks, keys, BALL) if kind is LABEL_ROWS else seal_import(chunks, keys)


def good_lines(kind: Kind, random: Random, count: int) -> dict[str, bytes]:
    """Return good lines by their ids, in order."""
    rows = [kind.good(random, number) for number in range(count)]
    return {row[kind.id_field]: json.dumps(row, ensure_ascii=random.random() < 0.5).encode() for row in rows}


def what_is_wrong(kind: Kind, bad: BadLine, number: int) -> str:
    """Put a bad line among good ones, cut and ingest them; return what is not as it must be, or nothing."""
    random = Random(f"among good lines {number}")  # noqa: S311  lines, no secret
    good = good_lines(kind, random, random.randint(1, 5))
    place = random.randint(0 if bad.first else 1, len(good))
    lines = [*good.values()]
    lines.insert(place, bad.line)
    upload = b"".join(line + random.choice([b"\n", b"\r\n"]) for line in lines)
    size = len(bad.line) // 3 + random.randint(60, 600)
    parts = ingested(kind, upload, size, random.choice([size // 2, size, 1 << 20]))
    verdict = sealed(kind, parts)
    told = [(fault.line, fault.rule) for fault in verdict.faults]
    kept = [json.loads(line)[kind.id_field] for part in parts for line in part.rows.splitlines()]
    checks = {
        "passed": not verdict.passed and verdict.content_hash is None,
        f"told {verdict.faults}": told == [(place + 1, bad.rule)] and verdict.fault_count == 1,
        f"pointer of {verdict.faults}": bad.pointer in {None, *(fault.pointer for fault in verdict.faults)},
        "no short sentence": all(0 < len(fault.detail) <= TOLD_CHARACTERS for fault in verdict.faults),
        f"kept {kept}": kept == list(good) and verdict.rows == len(good),
    }
    return "; ".join(wrong for wrong, right in checks.items() if not right)


@pytest.mark.parametrize(
    ("kind", "count"), [(LABEL_ROWS, LABEL_LINES), (ROLLOUTS, ROLLOUT_LINES)], ids=["labels", "rollouts"]
)
def test_every_bad_line_is_told_by_its_number_and_rule_and_no_other_line_is(kind: Kind, count: int) -> None:
    violations, families = [], Counter[str]()
    for number, bad in enumerate(iter_bad_lines(kind, count, HEAVY_LINES, seed=1)):
        families[bad.family] += 1
        if wrong := what_is_wrong(kind, bad, number):
            violations.append(f"{bad.family}: {bad.line[:200]!r}: {wrong[:600]}")
    assert violations == []
    assert families.total() == count
    assert len(families) == len(COMMON | HEAVY | kind.families)
    assert min(families.values()) >= HEAVY_LINES // len(HEAVY)


@pytest.mark.parametrize("kind", [LABEL_ROWS, ROLLOUTS], ids=["labels", "rollouts"])
@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("last", [b"", None], ids=["open end", "closed end"])
def test_good_lines_pass_however_they_end_and_behind_a_byte_order_mark(
    kind: Kind, begin: bytes, end: bytes, last: bytes | None
) -> None:
    good = good_lines(kind, Random(7), 40)  # noqa: S311  lines, no secret
    upload = begin + end.join(good.values()) + (end if last is None else last)
    verdicts = [sealed(kind, ingested(kind, upload, part_bytes, 1000)) for part_bytes in (120, 999, 1 << 23)]
    assert [(verdict.passed, verdict.rows, verdict.faults) for verdict in verdicts] == [(True, 40, [])] * 3


def test_an_upload_whose_lines_end_in_carriage_returns_alone_is_one_bad_line() -> None:
    upload = b"\r".join(good_lines(LABEL_ROWS, Random(7), 5).values())  # noqa: S311  lines, no secret
    (fault,) = sealed(LABEL_ROWS, ingested(LABEL_ROWS, upload, 100, 50)).faults
    assert (fault.line, fault.rule) == (1, "NOT_JSON")


def test_a_part_in_which_no_line_begins_is_read_no_further_than_to_its_end() -> None:
    """One line of gigabytes would else be read to its end by every part of it."""
    read = []

    def blocks() -> Iterable[bytes]:
        for number in range(1000):
            read.append(number)
            yield b"x" * 1000

    assert list(iter_owned_lines(blocks(), Part(1, 5_001, 10_000))) == []
    assert len(read) <= 6
