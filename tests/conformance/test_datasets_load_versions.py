"""`datasets.load_dataset(folder)` reads every split of a dataset version whole, because the card states the types.

The loader reads a file in blocks of 10 MiB and, without stated types, takes them from the first one. Each trap here has
more than that in front of it.
"""

import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from local.demo.match import CAPABILITIES, iter_frames, label_row
from packhouse.pipeline.statistics import Statistics
from packhouse.pipeline.version_facts import VersionFacts
from tests.conformance import tud_campus
from tests.conformance.conftest import Load
from tests.conformance.label_rows import CLASSES, GEOMETRIES, awkward, full, labels, sparse
from tests.conformance.version_folders import BLOCK_BYTES, lines, rows_of, text, untyped, with_nulls, write_version

SPARSE = 10_600
"""Rows of a kilobyte, more than the loader's block."""

BALL = "ball_detection"


@pytest.fixture(scope="module", params=CLASSES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    capability: str = request.param
    written = tmp_path_factory.mktemp("version")
    splits = {
        "train": rows_of([*sparse(SPARSE), *full(capability), *awkward(capability)]),
        "val": rows_of([*sparse(SPARSE, labels=[]), *full(capability)]),
        "test": rows_of(sparse(1)),
    }
    write_version(written, capability, splits)
    return written


def different(loaded: Any, folder: Path) -> dict[str, list[int]]:
    """The numbers of the rows that are not what the files say, by split; `ValueError` when a row is missing."""
    return {
        split: [
            number
            for number, (row, line) in enumerate(zip(loaded[split], lines(folder, split), strict=True))
            if text(row) != text(with_nulls(line))
        ]
        for split in loaded
    }


def test_the_first_block_knows_nothing_of_what_comes_later(folder: Path) -> None:
    for split, first_labels in (("train", b'"labels":null'), ("val", b'"labels":[]')):
        body = (folder / f"{split}.ndjson").read_bytes()
        first, later = body[: BLOCK_BYTES + 1_200], body[BLOCK_BYTES + 1_200 :]
        assert first.count(b"\n") == first.count(first_labels) > 10_000
        for name in (b"camera_type", b"asset", b"width", b"height", b"split", b"class"):
            assert b'"%b":' % name not in first
            assert b'"%b":' % name in later


def test_every_split_loads_whole_and_row_by_row_as_it_stands_in_the_file(load_dataset: Load, folder: Path) -> None:
    loaded = load_dataset(str(folder))
    assert {split: len(loaded[split]) for split in loaded} == {"train": SPARSE + 20, "val": SPARSE + 5, "test": 1}
    assert different(loaded, folder) == {"train": [], "val": [], "test": []}
    assert loaded["train"][-1]["labels"] is None
    assert loaded["train"][-2]["labels"] == []


def test_rows_are_streamed_as_they_are_loaded(load_dataset: Load, folder: Path) -> None:
    loaded = load_dataset(str(folder), streaming=True)
    assert different(loaded, folder) == {"train": [], "val": [], "test": []}


def test_without_the_types_of_the_card_the_same_files_do_not_load(
    load_dataset: Load, folder: Path, tmp_path: Path
) -> None:
    assert refusal(load_dataset, untyped(folder, tmp_path / "bare"))


def refusal(load_dataset: Load, folder: Path) -> str:
    """Why a folder does not load."""
    from datasets.exceptions import DatasetGenerationError

    with pytest.raises(DatasetGenerationError) as refused:
        load_dataset(str(folder))
    return str(refused.value.__cause__)


def late(*names: str) -> list[dict[str, Any]]:
    """Rows that first have these columns behind the loader's block, and their labels empty throughout."""
    whole = full(BALL, 1)[0]
    kept = {"group": whole["group"], "labels": [], **{name: whole[name] for name in names}}
    return [*sparse(SPARSE, labels=[]), {"sample_id": "late", **kept}]


TRAPS: dict[str, Callable[[], Sequence[dict[str, Any]]]] = {
    "asset": lambda: late("asset"),
    "camera_type": lambda: late("camera_type"),
    "width": lambda: late("width", "height"),
    "split": lambda: late("split"),
    "labels null, then lists": lambda: [*sparse(SPARSE), *sparse(1, SPARSE, labels=labels(BALL))],
    "labels empty, then with members": lambda: [
        *sparse(SPARSE, labels=[]),
        *sparse(1, SPARSE, labels=labels(BALL)),
    ],
    "labels of another kind late": lambda: [
        *sparse(SPARSE, labels=labels(BALL)[:1]),
        *sparse(1, SPARSE, labels=labels("player_detection")),
    ],
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_is_one_and_the_types_carry_over_it(load_dataset: Load, tmp_path: Path, trap: str) -> None:
    folder = tmp_path / "typed"
    write_version(folder, BALL, {"train": rows_of(TRAPS[trap]())})
    assert refusal(load_dataset, untyped(folder, tmp_path / "bare"))
    loaded = load_dataset(str(folder))["train"]
    assert len(loaded) == SPARSE + 1
    assert [text(loaded[place]) for place in (0, -1)] == [
        text(with_nulls(lines(folder, "train")[place])) for place in (0, -1)
    ]


def test_types_without_the_other_kinds_do_not_carry_over_a_label_of_another_kind(
    load_dataset: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VersionFacts, "kinds", property(lambda facts: (facts.capability.kind,)))
    rows = [*sparse(2, labels=labels(BALL)), *sparse(1, 2, labels=labels("player_detection"))]
    assert write_version(tmp_path, BALL, {"train": rows_of(rows)}).statistics.schema_faults.count
    assert "Couldn't cast" in refusal(load_dataset, tmp_path)


def test_coordinates_that_are_whole_are_written_as_floats_and_so_need_no_types(
    load_dataset: Load, tmp_path: Path
) -> None:
    whole = [{"class": "ball", "point": {"x": 1, "y": 0}}]
    rows = [*sparse(SPARSE, labels=whole), *sparse(1, SPARSE, labels=labels(BALL)[1:2])]
    folder = tmp_path / "typed"
    write_version(folder, BALL, {"train": rows_of(rows)})
    bare = untyped(folder, tmp_path / "bare")
    loaded = load_dataset(str(bare))
    assert [row["labels"] for row in islice(loaded["train"], SPARSE, None)] == [labels(BALL)[1:2]]

    integers = tmp_path / "integers"
    integers.mkdir()
    (integers / "README.md").write_bytes((bare / "README.md").read_bytes())
    body = (folder / "train.ndjson").read_bytes()
    (integers / "train.ndjson").write_bytes(body.replace(b'"x":1.0,"y":0.0', b'"x":1,"y":0'))
    assert "Float value 0.300000 was truncated converting to int64" in refusal(load_dataset, integers)


def test_versions_in_folders_of_one_name_are_told_apart_though_the_loader_keeps_a_copy(
    load_dataset: Load, tmp_path: Path
) -> None:
    """The loader's cache knows a folder by its last name and by the card's block; without its hashes they are one."""
    first, second = [{"sample_id": "a", "labels": []}], [{"sample_id": "b", "labels": []}]
    for version, rows in (("v1", first), ("v2", second)):
        folder = tmp_path / version / "exports"
        write_version(folder, BALL, {"train": rows_of(rows)})
        assert different(load_dataset(str(folder)), folder) == {"train": []}
        card = (folder / "README.md").read_text()
        untold = folder.with_name("untold")
        folder.rename(untold)
        (untold / "README.md").write_text(re.sub(r'"description": "[^"]*", ', "", card, count=1))
    assert load_dataset(str(tmp_path / "v1" / "untold"))["train"]["sample_id"][:] == ["a"]
    assert load_dataset(str(tmp_path / "v2" / "untold"))["train"]["sample_id"][:] == ["a"]


def test_a_file_that_lost_a_row_is_refused(load_dataset: Load, tmp_path: Path) -> None:
    from datasets.exceptions import NonMatchingSplitsSizesError

    write_version(tmp_path, BALL, {"train": rows_of(full(BALL))})
    path = tmp_path / "train.ndjson"
    path.write_bytes(path.read_bytes().partition(b"\n")[2])
    with pytest.raises(NonMatchingSplitsSizesError):
        load_dataset(str(tmp_path))


def test_a_split_without_rows_has_no_file_and_the_others_load(load_dataset: Load, tmp_path: Path) -> None:
    write_version(tmp_path, BALL, {"train": rows_of(full(BALL)), "val": [], "test": rows_of(sparse(1))})
    loaded = load_dataset(str(tmp_path))
    assert list(loaded) == ["train", "test"]
    assert different(loaded, tmp_path) == {"train": [], "test": []}


def test_the_loader_takes_identifiers_that_are_all_dates_for_times(load_dataset: Load, tmp_path: Path) -> None:
    """A known fault of the loader, which no type in a card prevents; the card says so."""
    rows = [{"sample_id": f"2026-11-{day}", "labels": []} for day in (20, 21)]
    write_version(tmp_path, BALL, {"train": rows_of(rows)})
    loaded = load_dataset(str(tmp_path), split="train")
    assert loaded["sample_id"][:] == ["2026-11-20 00:00:00", "2026-11-21 00:00:00"]
    assert "look like dates" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_match_loads_whole(load_dataset: Load, tmp_path: Path, capability: Any) -> None:
    rows = rows_of(label_row(frame, capability) for frame in iter_frames())
    cut = len(rows) * 8 // 10
    facts = write_version(tmp_path, capability, {"train": rows[:cut], "test": rows[cut:]})
    loaded = load_dataset(str(tmp_path))
    assert sum(len(loaded[split]) for split in loaded) == len(rows) > 3_000
    assert different(loaded, tmp_path) == {"train": [], "test": []}
    assert_counted(loaded, facts.statistics)


def assert_counted(loaded: Any, counted: Statistics) -> None:
    """The loaded rows have as many labels, empty lists and nulls as were counted while they were written."""
    found = [labels for split in loaded for labels in loaded[split]["labels"]]
    assert sum(labels is None for labels in found) == counted.unlabelled
    assert sum(labels == [] for labels in found) == counted.empty
    assert sum(len(labels or ()) for labels in found) == counted.labels > 0


def test_measured_pedestrians_load_whole(load_dataset: Load, tmp_path: Path) -> None:
    rows = rows_of(tud_campus.iter_rows())
    facts = write_version(tmp_path, "player_detection", {"train": rows[:50], "val": rows[50:]})
    loaded = load_dataset(str(tmp_path))
    assert different(loaded, tmp_path) == {"train": [], "val": []}
    assert_counted(loaded, facts.statistics)
    assert facts.statistics.labels == sum(1 for _ in tud_campus.boxes())


def test_the_awkward_rows_of_a_capability_are_of_its_kind() -> None:
    for capability, geometries in GEOMETRIES.items():
        kinds = {row.labels[0].kind for row in rows_of(full(capability)) if row.labels}
        assert kinds == {next(iter(geometries[0]))}
