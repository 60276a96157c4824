"""The dataset card: the README.md of a dataset version, for people and for `datasets.load_dataset(folder)`.

A YAML block between two `---` lines, then Markdown, as `card.py` has it for training datasets: `configs` names the file
of each split, `dataset_info` the types of all columns. What the text says of each subject is in `card_texts`.

No licence is named: it is the owner's to say. No clock, no name and no id of a run is in a card: the same facts give
the same bytes.
"""

import json

from packhouse.pipeline.card_texts import (
    assets_text,
    formats_text,
    left_out_text,
    loading_text,
    quality_text,
    rows_text,
    sources_text,
    splits_text,
    verify_text,
)
from packhouse.pipeline.columns import features
from packhouse.pipeline.markdown import counted, span, table
from packhouse.pipeline.version_facts import VersionFacts


def version_card(facts: VersionFacts) -> bytes:
    """Return the card's bytes: UTF-8, LF line ends; files, sources and reasons in the order of their names."""
    sections = {
        "Files": _files(facts),
        "Loading": loading_text(facts),
        "Rows": rows_text(facts),
        "COCO and YOLO": formats_text(facts),
        "Splits": splits_text(facts),
        "Left out": left_out_text(facts),
        "Assets": assets_text(facts),
        "Quality": quality_text(facts),
        "Sources": sources_text(facts),
        "Verifying": verify_text(),
    }
    blocks = [_front_matter(facts), f"# Dataset version: {span(facts.capability.name)}", _summary(facts)]
    blocks += [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return ("\n\n".join(blocks) + "\n").encode()


def _front_matter(facts: VersionFacts) -> str:
    """JSON values, which YAML takes as they stand (YAML 1.2 §1.3).

    `description` is what `datasets` tells versions apart by: its cache looks at the folder's last name and at this
    block, not at the files. `splits` lets it refuse a file that lost rows.
    """
    data_files = [{"split": split.name, "path": file.name} for split, file in facts.row_files]
    config = {"config_name": "default", "data_files": data_files}
    info = {
        "config_name": "default",
        "description": ", ".join(f"{file.name} sha256:{file.sha256}" for _, file in facts.row_files),
        "features": features(facts.kinds),
        "splits": [
            {"name": split.name, "num_bytes": file.bytes, "num_examples": file.rows} for split, file in facts.row_files
        ],
    }
    return "\n".join(["---", "configs:", f"- {json.dumps(config)}", "dataset_info:", f"- {json.dumps(info)}", "---"])


def _summary(facts: VersionFacts) -> str:
    classes = ", ".join(span(name) for name in facts.capability.classes)
    return (
        f"{counted(sum(split.samples for split in facts.splits), 'labelled sample')}, one JSON object a line. A label "
        f"is a class ({classes}) and a {facts.capability.kind.value}."
    )


def _files(facts: VersionFacts) -> str:
    rows = [
        (
            span(file.name),
            file.format,
            file.split or "",
            "" if file.rows is None else str(file.rows),
            str(file.content_bytes),
            span(file.content_sha256),
        )
        for file in sorted(facts.files, key=lambda file: file.name)
    ]
    said = (
        "Rows of COCO and YOLO files are pictures. Bytes and SHA-256 of a packed file (`.gz`) are those of what it "
        "holds: `gzip -dc FILE | sha256sum`."
    )
    return f"{table(('file', 'format', 'split', 'rows', 'bytes', 'sha256'), rows)}\n\n{said}"
