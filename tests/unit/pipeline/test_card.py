"""The dataset card: its YAML block says what the files are, its tables every fact, its bytes nothing else."""

from typing import Any

import pytest
import yaml

from packhouse.pipeline.card import CardFacts, CardFile, CardScore, training_card
from packhouse.pipeline.profiles import PROFILES, features_of

FILES = [
    CardFile(profile, f"exports/{profile}.ndjson", 7, 700 + place, f"{place:064}")
    for place, profile in enumerate(PROFILES)
]
SCORE = CardScore("quality_score", "gopher-rules", 1, "a | b,\n  in two lines.", "Rae et al. 2021", 3, 4, 0)
FACTS = CardFacts(
    rows=7,
    files=FILES,
    scores=[SCORE],
    filters={"min_scores": {"quality_score": 0.5}, "dedupe": "near", "scenario_ids": ["a", "b"]},
    left_out={"SCORE_TOO_LOW": 2, "EXACT_DUPLICATE": 40},
)


def card(**changes: Any) -> str:
    facts = {name: getattr(FACTS, name) for name in FACTS.__struct_fields__}
    return training_card(CardFacts(**{**facts, **changes})).decode()


def front_matter(text: str) -> Any:
    empty, block, _ = text.split("---\n", 2)
    assert empty == ""
    return yaml.safe_load(block)


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


def test_the_block_names_each_profiles_file_and_the_first_is_the_default() -> None:
    configs = front_matter(card())["configs"]
    assert [config["config_name"] for config in configs] == list(PROFILES)
    assert [config.get("default") for config in configs] == [True, None, None, None, None]
    assert [config["data_files"] for config in configs] == [[{"split": "train", "path": file.path}] for file in FILES]


def test_the_block_states_the_types_of_each_profiles_columns() -> None:
    stated = {entry["config_name"]: entry["features"] for entry in front_matter(card())["dataset_info"]}
    assert stated == {profile: features_of(profile) for profile in PROFILES}


def test_the_block_holds_nothing_else_and_no_licence() -> None:
    assert set(front_matter(card())) == {"configs", "dataset_info"}


@pytest.mark.parametrize(
    "line",
    [
        "7 completed rollouts, one JSON object a line",
        f"| `openai-chat` | `exports/openai-chat.ndjson` | 7 | 701 | `{1:064}` | left out |",
        "| `quality_score` | `gopher-rules` v1 | 3 | 4 | 0 |",
        "- `gopher-rules` v1: a | b, in two lines. Source: Rae et al. 2021",
        '| `min_scores` | `{"quality_score": 0.5}` |',
        '| `scenario_ids` | `["a", "b"]` |',
        "| `EXACT_DUPLICATE` | 40 |",
        "| all | 42 |",
        "`<no_response/>`",
        'load_dataset("path/to/this/folder", "default", split="train")',
    ],
)
def test_the_text_says_every_fact(line: str) -> None:
    assert line in body(card())


def test_one_row_is_one_rollout() -> None:
    assert "\n1 completed rollout, one" in card(rows=1)


def test_every_table_has_as_many_cells_in_every_line() -> None:
    facts = CardFile("default", "a|b.ndjson", 7, 700, "0" * 64, {"CONTENT_EMPTY": 1})
    for table in body(card(files=[facts], filters={"name": "a|b"})).split("\n\n"):
        if table.startswith("|"):
            cells = {line.replace("\\|", "").count("|") for line in table.splitlines()}
            assert len(cells) == 1, table


def test_rows_that_a_profile_refused_are_counted_by_rule() -> None:
    refused = CardFile("inline-think", "inline-think.ndjson", 4, 1, "0" * 64, {"THINK_TAG": 2, "CONTENT_EMPTY": 1})
    said = body(card(files=[FILES[0], refused]))
    assert "| `inline-think` | `CONTENT_EMPTY` | 1 |\n| `inline-think` | `THINK_TAG` | 2 |" in said
    assert "reject" not in body(card())


def test_a_long_list_of_a_filter_is_cut_and_counted() -> None:
    said = body(card(filters={"scenario_ids": [f"sc_{number}" for number in range(10_000)]}))
    assert '"sc_19"]` and 9980 more |' in said
    assert "sc_20" not in said


def test_a_card_without_filters_or_rows_left_out_says_so() -> None:
    said = body(card(filters={}, left_out={}))
    assert "## Filters\n\nNone." in said
    assert said.endswith("## Left out\n\nNo rollout was left out.\n")


def test_the_order_in_which_filters_and_reasons_are_given_makes_no_difference() -> None:
    turned = {name: dict(reversed(getattr(FACTS, name).items())) for name in ("filters", "left_out")}
    assert card(**turned) == card()
