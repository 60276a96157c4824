"""`croissant.json` describes each split's file by its bytes and each of its columns, and nothing else."""

import json
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest

from packhouse.pipeline.capabilities import CAPABILITIES, LabelKind
from packhouse.pipeline.columns import COLUMNS, GEOMETRY
from packhouse.pipeline.croissant import croissant
from packhouse.pipeline.rows import Label, LabelRow
from packhouse.pipeline.statistics import Example, Findings, Statistics
from tests.unit.pipeline.described import FACTS, changed


def document(**changes: Any) -> Any:
    return json.loads(croissant(changed(**changes)))


def ids(value: Any) -> list[str]:
    """The ids that are given, references to them left out."""
    if isinstance(value, list):
        return [each for part in value for each in ids(part)]
    if not isinstance(value, dict) or len(value) == 1:
        return []
    return [*([value["@id"]] if "@id" in value else []), *(each for part in value.values() for each in ids(part))]


def test_a_file_is_the_plain_one_of_a_split_with_the_hash_of_its_bytes() -> None:
    assert document()["distribution"] == [
        {
            "@type": "cr:FileObject",
            "@id": f"{split}.ndjson",
            "name": f"{split}.ndjson",
            "contentUrl": f"{split}.ndjson",
            "contentSize": f"{size} B",
            "encodingFormat": "application/jsonlines",
            "sha256": f"{number:064}",
        }
        for split, size, number in (("train", 1000, 1), ("test", 200, 2))
    ]


def test_a_record_set_is_a_split_and_has_the_columns_that_its_rows_have() -> None:
    train, test = document()["recordSet"]
    assert [train["@id"], test["@id"]] == ["train", "test"]
    assert [field["name"] for field in train["field"]] == ["sample_id", "asset", "width", "labels"]
    assert [field["name"] for field in test["field"]] == ["sample_id", "group", "labels"]
    assert [field.get("dataType") for field in train["field"]] == ["sc:Text", "sc:Text", "cr:Int64", None]
    assert train["key"] == {"@id": "train/sample_id"}
    assert train["field"][1]["source"] == {"fileObject": {"@id": "train.ndjson"}, "extract": {"column": "asset"}}


@pytest.mark.parametrize(
    ("name", "paths", "dtype"),
    [
        ("ball_detection", ["point.x", "point.y"], "cr:Float64"),
        ("player_detection", ["bbox.x", "bbox.y", "bbox.w", "bbox.h"], "cr:Float64"),
        ("audio_artifact_detection", ["segment.start_ms", "segment.end_ms"], "cr:Int64"),
    ],
)
def test_labels_are_an_array_of_a_class_and_the_numbers_of_the_kind(name: str, paths: list[str], dtype: str) -> None:
    labels = document(capability=CAPABILITIES[name])["recordSet"][0]["field"][-1]
    assert (labels["isArray"], labels["arrayShape"]) == (True, "-1")
    assert [(each["source"]["transform"]["jsonPath"], each["dataType"]) for each in labels["subField"]] == [
        ("$[*].class", "sc:Text"),
        *((f"$[*].{path}", dtype) for path in paths),
    ]


def test_labels_of_other_kinds_bring_every_kind() -> None:
    faulty = Statistics(rows=1, schema_faults=Findings(1, [Example("a", 0, "a bbox")]))
    labels = document(statistics=faulty)["recordSet"][0]["field"][-1]
    assert len(labels["subField"]) == 1 + sum(len(numbers) for numbers in GEOMETRY.values())


def test_ids_are_unique_and_every_term_has_its_meaning() -> None:
    whole = document()
    given = [each for each in ids([whole["distribution"], whole["recordSet"]]) if each]
    assert len(given) == len(set(given)) == 2 + 2 + (4 + 3) + (3 + 3)
    used = {key for part in ("distribution", "recordSet") for each in whole[part] for key in _keys(each)}
    schema_org = {"contentUrl", "contentSize", "encodingFormat", "sha256"}
    assert {key for key in used if not key.startswith("@")} <= whole["@context"].keys() | schema_org


def _keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return {key for part in value for key in _keys(part)}
    return set(value) | {key for part in value.values() for key in _keys(part)} if isinstance(value, dict) else set()


def test_the_same_facts_give_the_same_bytes_whatever_their_order() -> None:
    assert croissant(changed(files=FACTS.files[::-1], sources=FACTS.sources[::-1])) == croissant(FACTS)
    assert croissant(FACTS).endswith(b"}\n")


def test_the_columns_are_those_of_a_label_row_and_the_numbers_those_of_its_geometries() -> None:
    fields = [field.encode_name for field in msgspec.structs.fields(LabelRow)]
    assert sorted(fields) == sorted([column.name for column in COLUMNS] + ["labels"])
    assert [name for name in fields if name != "labels"] == [column.name for column in COLUMNS]
    kinds = {field.name: field.type for field in msgspec.structs.fields(Label) if field.name != "class_"}
    assert list(kinds) == [kind.value for kind in GEOMETRY] == [kind.value for kind in LabelKind]
    types = {"float64": float, "int64": int}
    for kind, numbers in GEOMETRY.items():
        geometry = next(each for each in kinds[kind.value].__args__ if hasattr(each, "__struct_fields__"))
        assert [(field.name, _bare(field.type)) for field in msgspec.structs.fields(geometry)] == [
            (name, types[dtype]) for name, dtype in numbers
        ]


def _bare(annotated: Any) -> Any:
    return get_args(annotated)[0] if get_origin(annotated) is Annotated else annotated
