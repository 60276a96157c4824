"""`datasets.load_dataset(folder)` reads every profile whole: the types in the card carry it over the loader's blocks.

The loader reads a file in blocks of 10 MiB and, without stated types, takes them from the first one. Here every file
has more than that before the first score and the first thinking.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from packhouse.pipeline.profiles import PROFILES
from tests.conformance.conftest import Load
from tests.conformance.exports import write_folder
from tests.conformance.rollouts import AWKWARD, silent, spoken

BLOCK_BYTES = 10 << 20
SILENT, SPOKEN = 4_200, 800
ROWS = SILENT + SPOKEN + len(AWKWARD)
SCORES = ("quality_score", "complexity_score", "ifd_score")
THINKING = {"default": b'"thinking":"', "reasoning_content": b'"reasoning_content":"', "inline-think": b'"<think>\\n'}
WITH_TYPES_THAT_CHANGE = [profile for profile in PROFILES if profile != "openai-chat"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("training-dataset")
    write_folder(written, [*silent(SILENT), *spoken(SPOKEN)])
    return written


@pytest.fixture(scope="module")
def untyped(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files, and a card without `dataset_info`."""
    bare = tmp_path_factory.mktemp("untyped")
    for path in folder.glob("*.ndjson"):
        (bare / path.name).symlink_to(path)
    card = (folder / "README.md").read_text()
    (bare / "README.md").write_text(card[: card.index("dataset_info:")] + card[card.index("---\n\n#") :])
    return bare


def lines(folder: Path, profile: str) -> Iterator[dict[str, Any]]:
    with (folder / f"{profile}.ndjson").open("rb") as file:
        for line in file:
            yield json.loads(line)


def text(row: Mapping[str, Any]) -> str:
    """A row as JSON, its nulls within messages taken out, so that 1 and 1.0 and the order of keys differ."""
    messages = [{key: value for key, value in each.items() if value is not None} for each in row["messages"]]
    return json.dumps({**row, "messages": messages})


def different(loaded: Any, folder: Path, profile: str) -> list[int]:
    """The numbers of the rows that are not what the file says."""
    pairs = zip(loaded, lines(folder, profile), strict=True)
    return [number for number, (row, line) in enumerate(pairs) if text(row) != json.dumps(line)]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_first_block_knows_nothing_of_what_comes_later(folder: Path, profile: str) -> None:
    body = (folder / f"{profile}.ndjson").read_bytes()
    first, later = body[: BLOCK_BYTES + 1], body[BLOCK_BYTES + 1 :]
    assert not any(mark in first for mark in THINKING.values())
    assert [name for name, mark in THINKING.items() if mark in later] == [profile] * (profile in THINKING)
    for score in SCORES if profile != "openai-chat" else ():
        member = f'"{score}":'.encode()
        assert first.count(member) == first.count(member + b"null") > 0
        assert later.count(member) > later.count(member + b"null")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_loads_whole_and_row_by_row_as_it_stands_in_the_file(
    load_dataset: Load, folder: Path, profile: str
) -> None:
    loaded = load_dataset(str(folder), profile, split="train")
    assert len(loaded) == ROWS
    assert different(loaded, folder, profile) == []


def test_the_default_profile_is_what_a_folder_loads_as(load_dataset: Load, folder: Path) -> None:
    import datasets

    assert datasets.get_dataset_config_names(str(folder)) == list(PROFILES)
    assert datasets.get_dataset_default_config_name(str(folder)) == "default"
    assert list(load_dataset(str(folder))) == ["train"]
    assert "thinking" in load_dataset(str(folder), split="train").features["messages"].feature


@pytest.mark.parametrize("profile", WITH_TYPES_THAT_CHANGE)
def test_without_the_types_of_the_card_the_same_files_do_not_load(
    load_dataset: Load, untyped: Path, profile: str
) -> None:
    from datasets.exceptions import DatasetGenerationError

    with pytest.raises(DatasetGenerationError) as refused:
        load_dataset(str(untyped), profile, split="train")
    assert "Couldn't cast array" in str(refused.value.__cause__)


def test_a_profile_of_texts_alone_needs_no_types(load_dataset: Load, folder: Path, untyped: Path) -> None:
    assert different(load_dataset(str(untyped), "openai-chat", split="train"), folder, "openai-chat") == []


@pytest.mark.parametrize("profile", PROFILES)
def test_rows_are_streamed_as_they_are_loaded(load_dataset: Load, folder: Path, profile: str) -> None:
    streamed = load_dataset(str(folder), profile, split="train", streaming=True)
    assert different(streamed, folder, profile) == []


def test_the_loader_takes_identifiers_that_are_all_dates_for_times(load_dataset: Load, tmp_path: Path) -> None:
    """A known fault of the loader, which no type in a card prevents; the card says so."""
    rollouts = list(spoken(3))[:3]
    for rollout in rollouts:
        rollout.scenario_id = "2026-11-21"
    write_folder(tmp_path, rollouts)
    loaded = load_dataset(str(tmp_path), split="train")
    assert loaded["scenario_id"][:] == ["2026-11-21 00:00:00"] * 3
    assert "look like dates" in (tmp_path / "README.md").read_text()


def test_a_file_without_a_row_is_refused_by_the_loader_and_the_card_says_so(load_dataset: Load, tmp_path: Path) -> None:
    write_folder(tmp_path, [])
    with pytest.raises(ValueError, match="corresponds to no data"):
        load_dataset(str(tmp_path), split="train")
    assert "refuses a file without rows" in (tmp_path / "README.md").read_text()


def test_two_datasets_in_folders_of_one_name_are_two(load_dataset: Load, tmp_path: Path) -> None:
    """The loader's cache knows a folder by its last name and its card's first block, not by its files."""
    for count in (3, 5):
        folder = tmp_path / str(count) / "dataset"
        write_folder(folder, list(spoken(count)))
        rows = (folder / f"{PROFILES[0]}.ndjson").read_bytes().splitlines()
        assert len(load_dataset(str(folder))["train"]) == len(rows)


def test_a_file_that_lost_a_row_is_refused_by_the_loader(load_dataset: Load, tmp_path: Path) -> None:
    write_folder(tmp_path / "cut", list(spoken(4)))
    file = tmp_path / "cut" / f"{PROFILES[0]}.ndjson"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(Exception, match="num_examples"):
        load_dataset(str(tmp_path / "cut"))
