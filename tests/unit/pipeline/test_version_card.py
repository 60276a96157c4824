"""The card of a dataset version: its YAML block says what the files are, its text every fact, and nothing else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from packhouse.pipeline.capabilities import CAPABILITIES
from packhouse.pipeline.card_texts import _PICTURE_REASONS, _ROW_REASONS, _STRATEGIES
from packhouse.pipeline.drawn import PictureLeftOut
from packhouse.pipeline.files import file_names
from packhouse.pipeline.plan import LeftOutReason
from packhouse.pipeline.quality import QualitySummary, Verdict
from packhouse.pipeline.splits import SplitPlan, SplitStrategy
from packhouse.pipeline.statistics import Example, Findings, Statistics, Tally
from packhouse.pipeline.version_card import version_card
from packhouse.pipeline.version_facts import VersionSplit
from tests.unit.pipeline.described import FACTS, changed, exported


def card(**changes: Any) -> str:
    return version_card(changed(**changes)).decode()


def front_matter(text: str) -> Any:
    empty, block, _ = text.split("---\n", 2)
    assert empty == ""
    return yaml.safe_load(block)


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


def tables(text: str) -> Iterator[list[str]]:
    yield from (block.splitlines() for block in body(text).split("\n\n") if block.startswith("|"))


def test_the_block_names_the_plain_file_of_each_split_that_has_one_and_nothing_else() -> None:
    block = front_matter(card())
    assert set(block) == {"configs", "dataset_info"}
    (config,) = block["configs"]
    data_files = [{"split": split, "path": f"{split}.ndjson"} for split in ("train", "test")]
    assert config == {"config_name": "default", "data_files": data_files}


def test_the_block_tells_versions_apart_and_counts_rows() -> None:
    (info,) = front_matter(card())["dataset_info"]
    assert info["description"] == f"train.ndjson sha256:{1:064}, test.ndjson sha256:{2:064}"
    assert info["splits"] == [
        {"name": "train", "num_bytes": 1000, "num_examples": 10},
        {"name": "test", "num_bytes": 200, "num_examples": 2},
    ]


def test_the_block_states_the_type_of_every_column_and_the_kind_of_the_capability_alone() -> None:
    (info,) = front_matter(card())["dataset_info"]
    assert info["config_name"] == "default"
    assert [(each["name"], each.get("dtype")) for each in info["features"]] == [
        ("sample_id", "string"),
        ("group", "string"),
        ("camera_type", "string"),
        ("asset", "string"),
        ("width", "int64"),
        ("height", "int64"),
        ("labels", None),
        ("split", "string"),
    ]
    assert info["features"][6]["list"] == [
        {"name": "class", "dtype": "string"},
        {"name": "point", "struct": [{"name": "x", "dtype": "float64"}, {"name": "y", "dtype": "float64"}]},
    ]


def test_labels_of_other_kinds_bring_every_kind_into_the_block() -> None:
    faulty = Statistics(rows=1, schema_faults=Findings(1, [Example("a", 0, "a bbox")]))
    text = card(statistics=faulty)
    label = front_matter(text)["dataset_info"][0]["features"][6]["list"]
    assert [member["name"] for member in label] == ["class", "point", "bbox", "segment"]
    assert "Some labels are not of the capability's kind or classes" in text
    assert "Some labels" not in card()


@pytest.mark.parametrize("name", CAPABILITIES)
def test_each_capability_tells_its_geometry(name: str) -> None:
    capability = CAPABILITIES[name]
    text = body(card(capability=capability))
    assert f'"{capability.kind.value}": {{' in text
    assert (
        f"A label is a class ({', '.join(f'`{each}`' for each in capability.classes)}) and a {capability.kind}."
    ) in text
    drawn = capability.kind.value != "segment"
    assert ("## COCO and YOLO" in text) is drawn
    assert ("2 %" in text) is (capability.kind.value == "point")
    assert ("the origin at the top left" in text) is drawn


@pytest.mark.parametrize(
    "line",
    [
        "# Dataset version: `ball_detection`",
        "12 labelled samples, one JSON object a line.",
        f"| `train.ndjson` | ndjson | train | 10 | 1000 | `{1:064}` |",
        f"| `train.ndjson.gz` | ndjson | train | 10 | 1000 | `{1:064}` |",
        f"| `coco-train.json` | coco | train | 4 | 70 | `{7:064}` |",
        'load_dataset("path/to/this/folder")',
        'described.records("train")',
        "`labels: null`: unlabelled.",
        "`labels: []`: labelled as empty.",
        "9 samples with labels, 1 labelled as empty, 2 unlabelled; 10 labels in all:",
        "| `ball` | 8 |",
        "| ``b`|all`` | 2 |".replace("`|", "`\\|"),
        "| train | `ASSET_NOT_FOUND` | 3 | there is no asset of that name |",
        "| train | `UNLABELLED` | 2 |",
        "Strategy `group_quota`: whole groups,",
        "Ratio: train 80 %, val 7.5 %, test 12.5 %; seed 7.",
        "| train | 10 | 3 |",
        "| val | 0 | 0 |",
        "| `CONFLICTING_SAMPLE` | 5 | a newer revision",
        "9 of 12 rows had an asset that was there.",
        "| `ASSET_NOT_FOUND` | 3 | there is no asset of that name |",
        "Verdict `warnings`, by the policy `v1`.",
        "| `LOW_SAMPLE_COUNT` | warning | `samples` | 12 | 1000 |",
        f"| `lpk_1` | `rev_1` | `sha256:{3:064}` | 17 |",
        "`python -m packhouse.verify FOLDER`",
    ],
)
def test_the_text_says_every_fact(line: str) -> None:
    assert line in body(card())


def test_a_packed_file_is_told_by_what_it_holds_and_not_by_its_compressed_bytes() -> None:
    packed_elsewhere = [exported("train.ndjson.gz", sha256="f" * 64, size=999), *FACTS.files[:1], *FACTS.files[2:]]
    assert card(files=packed_elsewhere) == card()


def test_every_reason_and_every_strategy_has_its_words() -> None:
    assert set(_PICTURE_REASONS) == set(PictureLeftOut)
    assert set(_ROW_REASONS) == set(LeftOutReason)
    assert set(_STRATEGIES) == set(SplitStrategy)


def test_reasons_stand_in_the_order_in_which_they_count_and_those_of_no_row_do_not() -> None:
    left_out = {reason.value: count for count, reason in enumerate(reversed(PictureLeftOut))}
    text = card(splits=[VersionSplit("train", 30, 3, frozenset(), left_out)])
    found = [row for table in tables(text) for row in table if row.startswith("| train | `")]
    assert [row.split("`")[1] for row in found] == [reason.value for reason in PictureLeftOut][:-1]


def test_a_version_without_anything_to_tell_says_so() -> None:
    splits = [VersionSplit("train", 12, 3)]
    quality = QualitySummary(Verdict.NOT_EVALUATED, None, 0, 0, [])
    text = card(splits=splits, left_out={"DUPLICATE_SAMPLE": 0}, quality=quality)
    assert "Every row is a picture of both." in text
    assert "No row of the sources was left out." in text
    assert "Not evaluated: there is no quality policy" in text


def test_classes_that_nobody_declared_are_cut_and_counted() -> None:
    classes = {f"c{number:03}": Tally(1, 2) for number in range(100)}
    text = card(statistics=Statistics(rows=100, labels=200, classes=classes))
    assert "| `ball` | 0 |\n| `c000` | 2 |" in text
    assert "| `c019` | 2 |\n| 80 more | 160 |" in text


def test_a_kept_assignment_is_named_and_a_predefined_one_has_no_ratio() -> None:
    assert "kept their split (`sha256:5b`)" in card(
        plan=SplitPlan(SplitStrategy.GROUP_HASH, {"train": 10_000}, 7, "sha256:5b")
    )
    text = card(plan=SplitPlan(SplitStrategy.PREDEFINED, {}, 0))
    assert "as the rows themselves name it" in text
    assert "Ratio" not in text


def test_every_table_has_as_many_cells_in_every_line() -> None:
    found = list(tables(card()))
    assert len(found) == 9
    for table in found:
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1, table


def test_the_order_in_which_facts_are_given_makes_no_difference() -> None:
    turned = {
        "files": FACTS.files[::-1],
        "sources": FACTS.sources[::-1],
        "left_out": dict(reversed(FACTS.left_out.items())),
    }
    assert card(**turned) == card()


def test_two_lines_of_shell_put_the_pictures_in_place(tmp_path: Path) -> None:
    """What the card says is run, on archives as they are made: each has `data.yaml`, labels, and where pictures are."""
    names = {
        "images/train/a.png": "frames/one  two/a.png",
        "images/train/b.JPG": "-b'\"$x\\.JPG",
        "images/test/c": "ü/c",
    }
    for split in ("train", "test"):
        made = tmp_path / split
        places = {place: asset for place, asset in names.items() if f"/{split}/" in place}
        (made / "pictures").mkdir(parents=True)
        (made / "data.yaml").write_text("names: {0: ball}\n")
        lines = "".join(f"{place}\t{asset}\n" for place, asset in places.items())
        (made / "pictures" / f"{split}-00000.tsv").write_text(lines)
        packed = tmp_path / file_names("yolo", split)[0]
        subprocess.run(["tar", "-czf", packed, "-C", made, "data.yaml", "pictures"], check=True)
    for asset in names.values():
        path = tmp_path / "ASSETS" / asset
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(asset)
    shell = card().split("```sh\n")[1].split("```")[0]
    assert shell.count("\n") == 2
    subprocess.run(["sh", "-eu", "-c", shell], cwd=tmp_path, check=True)
    assert {place: (tmp_path / place).read_text() for place in names} == names
