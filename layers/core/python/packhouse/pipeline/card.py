"""The dataset card: the README.md of a training dataset, for people and for `datasets.load_dataset(folder)`.

A YAML block between two `---` lines, then Markdown. The block holds what the Hub's metadata calls `configs` (one per
profile, with its file; the first is the default) and `dataset_info` (the features of each), and its lines are JSON,
which YAML takes as it stands (https://huggingface.co/docs/datasets/repository_structure,
https://huggingface.co/docs/hub/datasets-cards, YAML 1.2 §1.3). No licence is named: it is the owner's to say.

The features are what makes the files load whole: a reader that infers types from the first block of a file takes a
score that is null there for a column of nulls, and knows no member that first appears later.

No clock, no name and no id of a run is in a card: the same facts give the same bytes.
"""

import json
from typing import Any

from msgspec import Struct

from packhouse.pipeline.markdown import counted, line, table
from packhouse.pipeline.profiles import features_of

SPLIT = "train"
_LISTED = 20
"""Entries of a filter's list that are written out; a longer list is cut and counted."""

_THINKING = {
    "default": "in `thinking`, beside `content`",
    "openai-chat": "left out",
    "reasoning_content": "in `reasoning_content`, beside `content`",
    "inline-think": "in `content`, as `<think>\\n…\\n</think>\\n\\n` before the text",
    "strip": "left out",
}


class CardFile(Struct, frozen=True):
    """One profile's NDJSON file.

    `path` is relative to the folder of the card. `bytes` and `sha256` (hex) are of the uncompressed file. `refused`
    counts, by rule, the rows that the profile's readers would reject and that are therefore not in it.
    """

    profile: str
    path: str
    rows: int
    bytes: int
    sha256: str
    refused: dict[str, int] = {}


class CardScore(Struct, frozen=True):
    """One score: the key in `metadata`, who computes it where it was not given, and how many rows have it from where.

    `given + computed + missing` is the number of rows; a missing score is null.
    """

    key: str
    scorer: str
    version: int
    formula: str
    source: str
    given: int
    computed: int
    missing: int


class CardFacts(Struct, frozen=True):
    """What a card says.

    `rows` are those of the dataset, before a profile refuses any. `files` stand in the profiles' order, the default one
    first. `filters` are the request's, as JSON values (absent ones absent). `left_out` counts rollouts by reason.
    """

    rows: int
    files: list[CardFile]
    scores: list[CardScore]
    filters: dict[str, Any]
    left_out: dict[str, int]


def training_card(facts: CardFacts) -> bytes:
    """Return the card's bytes: UTF-8, LF line ends, filters and reasons in the order of their names."""
    summary = (
        f"{counted(facts.rows, 'completed rollout')}, one JSON object a line, as messages for supervised fine-tuning. "
        "`user` is the simulated persona, `assistant` the operator, whose role the model learns."
    )
    blocks = [
        _front_matter(facts.files),
        "# Training dataset",
        summary,
        "## Files\n\n" + _files(facts.files),
        *([_refused(facts.files)] if any(file.refused for file in facts.files) else []),
        "## Loading\n\n" + _loading(facts.files),
        "## Canonical tokens\n\n" + _tokens(facts.files),
        "## Scores\n\n" + _scores(facts.scores),
        "## Filters\n\n" + _filters(facts.filters),
        "## Left out\n\n" + _left_out(facts.left_out),
    ]
    return ("\n\n".join(blocks) + "\n").encode()


def _front_matter(files: list[CardFile]) -> str:
    """`description` is what `datasets` tells datasets apart by: its cache looks at the folder's last name and at this
    block, not at the files. `splits` lets it refuse a file that lost rows.
    """
    configs = [
        {
            "config_name": file.profile,
            **({"default": True} if place == 0 else {}),
            "data_files": [{"split": SPLIT, "path": file.path}],
        }
        for place, file in enumerate(files)
    ]
    described = [
        {
            "config_name": file.profile,
            "description": f"{file.path} sha256:{file.sha256}",
            "features": features_of(file.profile),
            "splits": [{"name": SPLIT, "num_bytes": file.bytes, "num_examples": file.rows}],
        }
        for file in files
    ]
    lines = ["---", "configs:", *map(_entry, configs), "dataset_info:", *map(_entry, described), "---"]
    return "\n".join(lines)


def _entry(value: dict[str, Any]) -> str:
    return f"- {json.dumps(value)}"


def _files(files: list[CardFile]) -> str:
    return table(
        ("profile", "file", "rows", "bytes", "sha256", "`<thinking>` blocks"),
        [
            (
                f"`{file.profile}`",
                f"`{file.path}`",
                str(file.rows),
                str(file.bytes),
                f"`{file.sha256}`",
                _THINKING[file.profile],
            )
            for file in files
        ],
    )


def _refused(files: list[CardFile]) -> str:
    said = "Not in a profile's file, because the profile's readers reject them:"
    rows = [
        (f"`{file.profile}`", f"`{rule}`", str(count)) for file in files for rule, count in sorted(file.refused.items())
    ]
    return f"{said}\n\n{table(('profile', 'rule', 'rows'), rows)}"


def _loading(files: list[CardFile]) -> str:
    names = ", ".join(f'`"{file.profile}"`' for file in files)
    example = (
        "```python\n"
        "from datasets import load_dataset\n\n"
        f'rows = load_dataset("path/to/this/folder", "{files[0].profile}", split="{SPLIT}")\n'
        "```"
    )
    return (
        f"{example}\n\n"
        f"The second argument is the profile: {names}. The types of all columns stand at the top of this file, so that "
        "no row is lost or misread where a score is null, or where a message has no thinking, for many rows on end. "
        "Read this way a message without thinking has `None` in that column; in the NDJSON the key is absent.\n\n"
        "Limits of these tools: `load_dataset` reads identifiers or texts that all look like dates for 10 MiB on end "
        "(`2026-11-21`) with a time behind them (`2026-11-21 00:00:00`), and it refuses a file without rows; TRL's "
        "`SFTConfig` keeps 1,024 tokens of a row unless it is given `max_length=None`."
    )


def _tokens(files: list[CardFile]) -> str:
    places = "; ".join(f"`{file.profile}`: {_THINKING[file.profile]}" for file in files)
    return (
        "- `<no_response/>`, as the whole content of an assistant message: the operator deliberately stayed silent. "
        "It is a target to learn, not missing data; add it to a tokenizer as one special token.\n"
        f"- A `<thinking>` block, word for word as it was captured, for every profile in its own place ({places})."
    )


def _scores(scores: list[CardScore]) -> str:
    counts = table(
        ("`metadata`", "scorer", "given", "computed", "null"),
        [
            (
                f"`{score.key}`",
                f"`{score.scorer}` v{score.version}",
                str(score.given),
                str(score.computed),
                str(score.missing),
            )
            for score in scores
        ],
    )
    formulas = "\n".join(
        f"- `{score.scorer}` v{score.version}: {line(score.formula)} Source: {line(score.source)}" for score in scores
    )
    given = "A given score came with the rollout and is kept; a scorer fills in where there was none."
    return f"{counts}\n\n{given}\n\n{formulas}"


def _filters(filters: dict[str, Any]) -> str:
    if not filters:
        return "None."
    return table(("filter", "value"), [(f"`{name}`", _value(value)) for name, value in sorted(filters.items())])


def _value(value: Any) -> str:
    if isinstance(value, list) and len(value) > _LISTED:
        return f"{_code(value[:_LISTED])} and {len(value) - _LISTED} more"
    return _code(value)


def _code(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False, sort_keys=True)}`"


def _left_out(left_out: dict[str, int]) -> str:
    if not left_out:
        return "No rollout was left out."
    rows = [(f"`{reason}`", str(count)) for reason, count in sorted(left_out.items())]
    return table(("reason", "rollouts"), [*rows, ("all", str(sum(left_out.values())))])
