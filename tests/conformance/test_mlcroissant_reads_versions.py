"""`mlcroissant` takes `croissant.json` without an error, checks each file's hash, and finds every record again.

It gives text as bytes, and it reads numbers through pandas, which is off by some units in the last place: what is
expected is compared with that much room. A row whose labels are null comes as one label without members.
"""

import json
import math
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from local.demo.match import iter_frames, label_row
from packhouse.pipeline.columns import GEOMETRY
from packhouse.pipeline.version_facts import VersionFacts
from tests.conformance import tud_campus
from tests.conformance.label_rows import CLASSES, awkward, full, labels, sparse
from tests.conformance.version_folders import lines, rows_of, write_version

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # by its parser

BALL = "ball_detection"
ROOM = 1e-14
UNTOLD = ["citeAs", "datePublished", "license", "version"]
"""What the format recommends and a version does not know: they are its owner's to say."""

Describe = Callable[[Path], Any]


@pytest.fixture(scope="session")
def describe(offline: Path) -> Describe:
    """The `mlcroissant.Dataset` of a folder's document; nothing is fetched, so its cache stays unused."""
    import mlcroissant

    def described(folder: Path) -> Any:
        return mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))

    return described


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record as a row of a file: names without the record set's, text decoded, labels as they are nested there."""
    row = {path.partition("/")[2]: _plain(value) for path, value in record.items()}
    row["labels"] = [_label(label) for label in row["labels"]]
    return row


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _label(members: dict[str, Any]) -> dict[str, Any]:
    label: dict[str, Any] = {}
    for path, value in members.items():
        if value is not None:
            _, _, kind, *number = path.split("/")
            (label.setdefault(kind, {}) if number else label)[number[0] if number else kind] = _plain(value)
    return label


def is_same(record: dict[str, Any], line: dict[str, Any]) -> bool:
    """Whether a record is a line of the file, columns that the line does not have null, null labels one empty label."""
    told = plain(record)
    expected = {**line, "labels": [{}] if line["labels"] is None else line["labels"]}
    return told.keys() >= expected.keys() and all(_near(told[name], expected.get(name)) for name in told)


def _near(told: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return told.keys() == expected.keys() and all(_near(told[name], expected[name]) for name in expected)
    if isinstance(expected, list):
        return len(told) == len(expected) and all(map(_near, told, expected))
    if isinstance(expected, float):
        return math.isclose(told, expected, rel_tol=ROOM, abs_tol=ROOM)
    return bool(told == expected)


def different(described: Any, folder: Path, split: str) -> list[int]:
    """The numbers of the records that are not what the file says; `ValueError` when one is missing."""
    pairs = zip(described.records(split), lines(folder, split), strict=True)
    return [number for number, (record, line) in enumerate(pairs) if not is_same(record, line)]


def assert_read_whole(describe: Describe, folder: Path, facts: VersionFacts) -> None:
    described = describe(folder)
    assert [record_set.id for record_set in described.metadata.record_sets] == [
        split.name for split in facts.splits if split.samples
    ]
    for split in facts.splits:
        if split.samples:
            assert different(described, folder, split.name) == []


@pytest.mark.parametrize("capability", CLASSES)
def test_every_record_of_every_split_is_found_again(describe: Describe, tmp_path: Path, capability: str) -> None:
    splits = {
        "train": rows_of([*sparse(10), *full(capability), *awkward(capability)]),
        "val": rows_of([{"sample_id": "a", "labels": []}, *full(capability, 2)]),
        "test": rows_of([{"sample_id": "null", "labels": None}]),
    }
    assert_read_whole(describe, tmp_path, write_version(tmp_path, capability, splits))


@pytest.mark.parametrize("rows", [sparse(3), sparse(3, labels=[])], ids=["all null", "all empty"])
def test_labels_that_are_all_alike_are_read(describe: Describe, tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    assert_read_whole(describe, tmp_path, write_version(tmp_path, BALL, {"train": rows_of(rows)}))


def test_labels_of_another_kind_are_read_with_their_numbers(describe: Describe, tmp_path: Path) -> None:
    every_kind = [label for capability in CLASSES for label in labels(capability)]
    facts = write_version(tmp_path, BALL, {"train": rows_of([*sparse(2), *sparse(1, 2, labels=every_kind)])})
    assert facts.kinds == tuple(GEOMETRY)
    assert_read_whole(describe, tmp_path, facts)


def test_the_document_is_valid_and_lacks_only_what_its_owner_knows(
    describe: Describe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_version(tmp_path, BALL, {"train": rows_of(full(BALL))})
    issues = describe(tmp_path).metadata.ctx.issues
    assert issues.errors == set()
    assert sorted(warning.rpartition("/")[2].split('"')[0] for warning in issues.warnings) == UNTOLD
    assert issues.report() in caplog.text
    assert "`@context` is not standard" not in caplog.text


def refusal(describe: Describe, folder: Path) -> str:
    """Why the records of the train split are not read."""
    from mlcroissant import GenerationError

    with pytest.raises(GenerationError) as refused:
        list(describe(folder).records("train"))
    error: BaseException = refused.value
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)


def test_a_changed_byte_is_noticed(describe: Describe, tmp_path: Path) -> None:
    write_version(tmp_path, BALL, {"train": rows_of(full(BALL)), "test": rows_of(sparse(1))})
    path = tmp_path / "train.ndjson"
    body = bytearray(path.read_bytes())
    body[body.index(b"broadcast")] ^= 1
    path.write_bytes(body)
    assert f"Hash of downloaded file {path} is not identical" in refusal(describe, tmp_path)
    assert len(list(describe(tmp_path).records("test"))) == 1


def rewritten(folder: Path, change: Callable[[Any], None]) -> None:
    path = folder / "croissant.json"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def test_the_usual_name_of_ndjson_is_refused_which_is_why_the_file_has_another(
    describe: Describe, tmp_path: Path
) -> None:
    write_version(tmp_path, BALL, {"train": rows_of(full(BALL))})

    def named(document: Any) -> None:
        document["distribution"][0]["encodingFormat"] = "application/x-ndjson"

    rewritten(tmp_path, named)
    assert "None of the provided encoding formats: application/x-ndjson" in refusal(describe, tmp_path)


def test_a_column_that_no_row_has_is_refused_which_is_why_only_stated_ones_are_described(
    describe: Describe, tmp_path: Path
) -> None:
    write_version(tmp_path, BALL, {"train": rows_of(sparse(2))})
    assert "train/asset" not in (tmp_path / "croissant.json").read_text()
    (tmp_path / "croissant.json").write_text((tmp_path / "croissant.json").read_text().replace("group", "asset"))
    assert 'Column "asset" does not exist' in refusal(describe, tmp_path)


def test_texts_that_all_look_like_numbers_become_numbers_and_the_card_says_so(
    describe: Describe, tmp_path: Path
) -> None:
    """A known fault of the reader."""
    write_version(tmp_path, BALL, {"train": rows_of([{"sample_id": "007", "labels": []}])})
    (record,) = describe(tmp_path).records("train")
    assert record["train/sample_id"] == b"7"
    assert "texts for numbers where all of a column look like numbers" in (tmp_path / "README.md").read_text()


def test_identifiers_that_are_all_dates_stay_as_they_are(describe: Describe, tmp_path: Path) -> None:
    rows = rows_of({"sample_id": f"2026-11-{day}", "labels": []} for day in (20, 21))
    assert_read_whole(describe, tmp_path, write_version(tmp_path, BALL, {"train": rows}))


REAL: dict[str, tuple[str, Callable[[], Iterable[dict[str, Any]]]]] = {
    "ball of a match": (BALL, lambda: (label_row(frame, "ball_detection") for frame in iter_frames())),
    "players of a match": (
        "player_detection",
        lambda: (label_row(frame, "player_detection") for frame in islice(iter_frames(), 0, None, 3)),
    ),
    "measured pedestrians": ("player_detection", tud_campus.iter_rows),
}


@pytest.mark.parametrize("name", REAL)
def test_real_labels_are_read_whole(describe: Describe, tmp_path: Path, name: str) -> None:
    capability, given = REAL[name]
    rows = rows_of(given())
    facts = write_version(tmp_path, capability, {"train": rows[::2], "val": rows[1::2], "test": []})
    assert facts.statistics.rows == len(rows) > 70
    assert facts.statistics.labels > 300
    assert_read_whole(describe, tmp_path, facts)
