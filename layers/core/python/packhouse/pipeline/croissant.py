"""`croissant.json`: what the NDJSON files of a dataset version hold, for tools that read Croissant.

Format: Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html), a JSON-LD document. A record
set a split, because a record set has one source; its name is the split's. `labels` is an array of sub-fields, each a
JSON path into the column. A null column comes as one label whose members are all null, `[]` as no label.

Licence, address, creator and date of publication are the owner's to say: the format asks for them, its readers load a
file without. No clock, no name and no id of a run is in it: the same facts give the same bytes.
"""

import json
from typing import Any

from packhouse.pipeline.capabilities import LabelKind
from packhouse.pipeline.columns import CLASS, COLUMNS, GEOMETRY, LABELS
from packhouse.pipeline.files import ExportFile
from packhouse.pipeline.version_facts import VersionFacts, VersionSplit

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
JSON_LINES = "application/jsonlines"
"""The one name of NDJSON that Croissant's readers know; `application/x-ndjson` they refuse."""

_TYPES = {"string": "sc:Text", "int64": "cr:Int64", "float64": "cr:Float64"}

_CROISSANT_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject"),
    *("fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _CROISSANT_TERMS},
}
"""The whole context of the format, also of terms that are not used here: readers warn of one that lacks any."""


def croissant(facts: VersionFacts) -> bytes:
    """Return the document's bytes: UTF-8, indented by two, LF line ends."""
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": facts.capability.name,
        "description": _description(facts),
        "conformsTo": CONFORMS_TO,
        "distribution": [_file_object(file) for _, file in facts.row_files],
        "recordSet": [_record_set(split, file, facts.kinds) for split, file in facts.row_files],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _description(facts: VersionFacts) -> str:
    return (
        f"Labelled samples for {facts.capability.name}, one JSON object a line. A label is a class "
        f"({', '.join(facts.capability.classes)}) and a {facts.capability.kind.value}. Labels that are null: nobody "
        "looked; an empty list: somebody looked, and nothing was there. README.md says more."
    )


def _file_object(file: ExportFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": JSON_LINES,
        "sha256": file.sha256,
    }


def _record_set(split: VersionSplit, file: ExportFile, kinds: tuple[LabelKind, ...]) -> dict[str, Any]:
    columns = [column for column in COLUMNS if column.name == "sample_id" or column.name in split.columns]
    return {
        "@type": "cr:RecordSet",
        "@id": split.name,
        "name": split.name,
        "description": f"The rows of {file.name}.",
        "key": {"@id": f"{split.name}/sample_id"},
        "field": [
            *(
                _field(split, column.name, column.dtype, _column(file, column.name), column.meaning)
                for column in columns
            ),
            _labels(split, file, kinds),
        ],
    }


def _column(file: ExportFile, name: str) -> dict[str, Any]:
    return {"fileObject": {"@id": file.name}, "extract": {"column": name}}


def _field(split: VersionSplit, path: str, dtype: str, source: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{split.name}/{path}",
        "name": path,
        "description": meaning,
        "dataType": _TYPES[dtype],
        "source": source,
    }


def _labels(split: VersionSplit, file: ExportFile, kinds: tuple[LabelKind, ...]) -> dict[str, Any]:
    members = [(CLASS, "string", "the class of the label")]
    for kind in kinds:
        members += [(f"{kind.value}/{name}", dtype, f"{name} of the {kind.value}") for name, dtype in GEOMETRY[kind]]
    return {
        "@type": "cr:Field",
        "@id": f"{split.name}/{LABELS}",
        "name": LABELS,
        "description": "The labels of the sample.",
        "isArray": True,
        "arrayShape": "-1",
        "subField": [
            _field(split, f"{LABELS}/{path}", dtype, _member(file, path), meaning) for path, dtype, meaning in members
        ],
    }


def _member(file: ExportFile, path: str) -> dict[str, Any]:
    return {**_column(file, LABELS), "transform": {"jsonPath": f"$[*].{path.replace('/', '.')}"}}
