"""Sentences of contract D ("Training Datasets"), one test each, over HTTP on the deployed template with an API key.

Above each group stands the heading that it quotes from. The status table is in `test_training_dataset_statuses`, the
contract's code and its worked row in `test_training_dataset_examples`, polling in `test_status_is_cheap`. Nothing that
can be checked: that tokens will be added and none will change shape, what a model learns from a silence, and how the
runtime tells a persona of one.
"""

import json
import re
from pathlib import Path

import pytest

from tests.registry import Json, Project, Row
from tests.training import (
    NO_RESPONSE,
    PROFILES,
    SILENCE,
    RolloutProject,
    answered,
    rollout,
    rollouts,
    said,
    skipped,
    talk,
    texts,
)

CONTRACT = (Path(__file__).parent / "examples" / "training_datasets.txt").read_text()
ROW_TYPE = CONTRACT[CONTRACT.index("type TrainingRow") : CONTRACT.index("A worked row")]
FIELDS = re.findall(r"^ +(\w+\??): (\{|Array<|[^;{<]+)", ROW_TYPE, re.MULTILINE)
"""Every field of the contract's row, in its order, with its type as it is written."""

SEPARATORS = "\u2028\u2029\x85"


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    return RolloutProject.new(project)


@pytest.fixture(scope="module")
def shared(shared_project: Project) -> RolloutProject:
    """One project for tests that look at the row of one rollout, each of a scenario of its own."""
    return RolloutProject.new(shared_project)


def row_of(labs: RolloutProject, name: str, events: list[Row] | None = None, **more: object) -> Json:
    return labs.row_of(rollout(name, events, scenario_id=f"sc_{name}", **more))


# "A training dataset is a collection of completed scenario rollouts, packaged as NDJSON for supervised fine-tuning."


def test_a_training_dataset_is_a_collection_of_completed_rollouts(labs: RolloutProject) -> None:
    """What is sent as anything else than completed is counted, and no row."""
    unfinished = [
        rollout(status, status=status) for status in ("failed", "abandoned", "running", "complete", "completed_")
    ]
    labs.send([*rollouts(3), *unfinished])
    made = labs.new_ready()
    assert [row["metadata"]["rollout_index"] for row in labs.rows(made)] == [0, 1, 2]
    assert labs.shown(made)["left_out"] == {"NOT_COMPLETED": len(unfinished)}


def test_it_is_packaged_as_ndjson(labs: RolloutProject) -> None:
    """A JSON object a line, every line ended, no line break of any kind within one."""
    spoken = [said(f"one\ntwo\r\n{SEPARATORS}three"), answered(f"four{SEPARATORS}\n\nfive")]
    labs.send([*rollouts(4), rollout("lines", spoken, rollout_index=4)])
    made = labs.new_ready()
    answer = labs.export(made)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    rows = [json.loads(line) for line in answer.content.decode().removesuffix("\n").split("\n")]
    assert answer.content.endswith(b"}\n")
    assert all(isinstance(row, dict) for row in rows)
    assert texts(rows[4]) == [f"one\ntwo\r\n{SEPARATORS}three", f"four{SEPARATORS}\n\nfive"]
    for separator in ("\u2028", "\u2029"):
        assert separator.encode() not in answer.content
        assert f"\\u{ord(separator):04x}".encode() in answer.content.lower()


# "Each row is one capture session, rendered as a sequence of user and assistant messages with metadata …"


def test_each_row_is_one_capture_session(labs: RolloutProject) -> None:
    sent = rollouts(12)
    labs.send(sent[6:])
    labs.send(sent[:6])
    rows = labs.rows(labs.new_ready())
    assert [texts(row)[1] for row in rows] == [one["events"][1]["content"] for one in sent]


def test_a_row_is_a_sequence_of_user_and_assistant_messages(shared: RolloutProject) -> None:
    """In the order in which they were said, whoever speaks several times in a row."""
    spoken = [said("First."), said("Second."), answered("Third."), answered("Fourth."), SILENCE, said("Fifth.")]
    messages = row_of(shared, "sequence", spoken)["messages"]
    assert [(one["role"], one["content"]) for one in messages] == [
        ("user", "First."),
        ("user", "Second."),
        ("assistant", "Third."),
        ("assistant", "Fourth."),
        ("assistant", NO_RESPONSE),
        ("user", "Fifth."),
    ]


def test_metadata_describe_how_the_rollout_was_produced(shared: RolloutProject) -> None:
    row = row_of(shared, "metadata", agent_template_id="agt_other.v3:b", rollout_index=41, temperature=1)
    assert (row["scenario_id"], row["agent_template_id"]) == ("sc_metadata", "agt_other.v3:b")
    assert (row["metadata"]["rollout_index"], row["metadata"]["temperature"]) == (41, 1.0)


# "… Operators … generate the assistant messages; the simulated persona generates the user messages."


def test_operators_generate_the_assistant_messages_and_personas_the_user_messages(shared: RolloutProject) -> None:
    spoken = [answered(talk("operator")), said(talk("persona"))]
    messages = row_of(shared, "roles", spoken)["messages"]
    assert messages == [
        {"role": "assistant", "content": talk("operator")},
        {"role": "user", "content": talk("persona")},
    ]


UTTERANCES = [" Hi,  Luke! \n", 'Größe 🏃🏽‍♀️ \x00 \\ " </s> <|im_end|>', "<no_response>", "[]"]


@pytest.mark.parametrize("content", UTTERANCES)
def test_what_is_said_is_kept_to_the_letter(shared: RolloutProject, content: str) -> None:
    row = row_of(shared, f"letter{UTTERANCES.index(content)}", [said(content), answered(content)])
    assert texts(row) == [content, content]


# Of /export: "… the heavy NDJSON download and is only meaningful when status='ready'."


def test_nothing_of_the_rows_is_exported_before_it_is_ready(labs: RolloutProject) -> None:
    """Not even when all rows are decided over, nor by another way."""
    labs.send(rollouts(3))
    with labs.held("filtering") as made:
        for profile in PROFILES:
            assert labs.export(made, profile=profile).json()["status"] == "filtering"
        answer = labs.call("GET", "/api/v1/training-datasets", made, "files")
        assert (answer.status_code, answer.json()["code"]) == (409, "TRAINING_DATASET_NOT_READY")
        labs.post("/api/v1/training-datasets", made, "cancel")


# "NDJSON Row Shape"


def has_type(value: object, written: str) -> bool:
    """Whether a value is of a type as the contract writes it; a number of these is never a boolean."""
    kinds: dict[str, bool] = {
        "string": isinstance(value, str),
        "number": type(value) in {int, float},
        "null": value is None,
        "Array<": isinstance(value, list),
        "{": isinstance(value, dict),
    }
    return any(kinds[one] if one in kinds else value == one.strip("'") for one in written.split(" | "))


def test_each_line_is_a_row_of_the_contracts_type(labs: RolloutProject) -> None:
    """All its keys in its order, each of its type, and no other key."""
    scores = {"quality_score": 1, "complexity_score": 0, "ifd_score": -2.5}
    labs.send([
        *rollouts(3),
        rollout("silent", [said("Hm."), SILENCE], rollout_index=3),
        rollout("scored", rollout_index=4, scores=scores, temperature=2),
    ])  # fmt: skip
    written: dict[str, str] = dict(FIELDS)
    assert list(written) == [
        *("scenario_id", "agent_template_id", "messages", "role", "content", "thinking?", "metadata"),
        *("temperature", "rollout_index", "turn_count", "quality_score", "complexity_score", "ifd_score"),
    ]
    for row in labs.rows(labs.new_ready()):
        assert list(row) == ["scenario_id", "agent_template_id", "messages", "metadata"]
        assert list(row["metadata"]) == list(written)[7:]
        for part in (row, row["metadata"], *row["messages"]):
            types = {name: written.get(name, written.get(f"{name}?", "?")) for name in part}
            assert all(has_type(value, types[name]) for name, value in part.items()), part
        for message in row["messages"]:
            assert list(message) in (["role", "content"], ["role", "content", "thinking"])


def test_thinking_is_present_on_assistant_rows_that_emitted_a_block(shared: RolloutProject) -> None:
    """Absent on all others, never null; a block with nothing in it was emitted, too."""
    spoken = [said("<thinking>mine</thinking>"), answered("A.", "Steady."), answered("B."), SILENCE, answered("C.", "")]
    messages = row_of(shared, "thinking", spoken)["messages"]
    assert [message.get("thinking", "absent") for message in messages] == ["absent", "Steady.", "absent", "absent", ""]
    assert [message["content"] for message in messages] == [
        "<thinking>mine</thinking>",
        *("A.", "B.", NO_RESPONSE, "C."),
    ]


@pytest.mark.parametrize("turns", [1, 2, 7])
def test_turn_count_counts_the_assistant_messages(shared: RolloutProject, turns: int) -> None:
    """Silences are assistant messages."""
    spoken = [event for at in range(turns) for event in (said("And?"), SILENCE if at % 2 else answered(talk(at)))]
    row = row_of(shared, f"turns{turns}", [*spoken, said("Bye."), skipped(1)])
    assert row["metadata"]["turn_count"] == turns
    assert sum(message["role"] == "assistant" for message in row["messages"]) == turns


def test_given_scores_are_kept(shared: RolloutProject) -> None:
    scores = {"quality_score": 0.123456789, "complexity_score": 7, "ifd_score": -0.5}
    metadata = row_of(shared, "given", scores=scores)["metadata"]
    assert {name: metadata[name] for name in scores} == scores
    assert all(isinstance(metadata[name], float) for name in scores)


def test_scores_that_cannot_be_computed_are_null(shared: RolloutProject) -> None:
    """Of a silence there is no text, and without log-likelihoods no ratio of losses."""
    assert row_of(shared, "spoken")["metadata"]["ifd_score"] is None
    metadata = row_of(shared, "mute", [said("Hello?"), SILENCE])["metadata"]
    assert [metadata[name] for name in ("quality_score", "complexity_score", "ifd_score")] == [None, None, None]


def test_the_ratio_of_losses_is_computed_over_what_was_said(shared: RolloutProject) -> None:
    likelihoods = [
        {"turn": 1, "conditional": -10.0, "unconditional": -40.0, "tokens": 8},
        {"turn": 2, "conditional": -1000.0, "unconditional": -1.0, "tokens": 3},
        {"turn": 3, "conditional": -20.0, "unconditional": -20.0, "tokens": 5},
    ]
    spoken = [said("Hi."), answered(talk("one")), said("So?"), SILENCE, said("Well?"), answered(talk("three"))]
    assert row_of(shared, "losses", spoken, loglik=likelihoods)["metadata"]["ifd_score"] == 0.5


# "Canonical Tokens"


def test_a_deliberate_silence_is_a_token_of_the_assistant(shared: RolloutProject) -> None:
    """<no_response/> | assistant: each silence its own target, wherever it stands."""
    messages = row_of(shared, "silences", [SILENCE, said("Hello?"), SILENCE, SILENCE])["messages"]
    silent = {"role": "assistant", "content": "<no_response/>"}
    assert messages == [silent, {"role": "user", "content": "Hello?"}, silent, silent]


@pytest.mark.parametrize("role", ["persona_message", "operator_message"])
def test_the_token_is_made_of_silence_alone(shared: RolloutProject, role: str) -> None:
    """An operator who writes it is refused; a persona's words are never the assistant's."""
    spoken = [{"type": role, "content": "I am <no_response/> here."}, answered("Fine.")]
    sent = rollout(f"written-{role}", spoken, scenario_id=f"sc_written_{role}")
    if role == "operator_message":
        (reason,) = shared.pointers([sent]).values()
        assert "CANONICAL_TOKEN" in reason
    else:
        assert shared.row_of(sent)["messages"][0] == {"role": "user", "content": "I am <no_response/> here."}


THOUGHTS = [" Steady.\n\tStay <b>calm</b>. ", '{"plan": [1, 2]}', "<think>x</think>", "ü\u2028🏃", "&lt;/thinking&gt;"]


@pytest.mark.parametrize("thinking", THOUGHTS)
def test_thinking_is_the_raw_block(shared: RolloutProject, thinking: str) -> None:
    """The platform does not interpret it."""
    row = row_of(shared, f"raw{THOUGHTS.index(thinking)}", [said("Hi."), answered("Hold pace.", thinking)])
    assert row["messages"][1] == {"role": "assistant", "content": "Hold pace.", "thinking": thinking}


def test_thinking_changes_nothing_but_its_field(labs: RolloutProject) -> None:
    """No score is computed of it, and a session that differs in it alone is no repetition of another."""
    plain = [said("Hi."), answered(talk("said"))]
    thought = [said("Hi."), answered(talk("said"), talk("thought", 200))]
    labs.send([rollout("plain", plain, rollout_index=0), rollout("thought", thought, rollout_index=1)])
    first, second = labs.rows(labs.new_ready(dedupe="exact"))
    assert second["messages"][1].pop("thinking") == talk("thought", 200)
    assert second["metadata"].pop("rollout_index") - first["metadata"].pop("rollout_index") == 1
    assert first == second


# "Why no-response is its own token"


def test_silence_is_encoded_rather_than_missing(labs: RolloutProject) -> None:
    """Sessions that differ only in where the operator was silent are both there."""
    spoken = [said("Week 3."), answered(talk("week 3")), said("Week 4.")]
    labs.send([
        rollout("silent", [*spoken, SILENCE], rollout_index=0),
        rollout("without", spoken, rollout_index=1),
        rollout("elsewhere", [*spoken[:2], SILENCE, *spoken[2:]], rollout_index=2),
    ])  # fmt: skip
    rows = labs.rows(labs.new_ready(dedupe="exact"))
    assert [texts(row).index(NO_RESPONSE) if NO_RESPONSE in texts(row) else None for row in rows] == [3, None, 2]


def test_the_export_does_not_speak_of_time_that_passed(shared: RolloutProject) -> None:
    """Time skips are the runtime's representation: no row's messages know of them."""
    spoken = [skipped(2), said("Hi."), skipped(0.5), skipped(400), SILENCE, skipped(3)]
    messages = row_of(shared, "skips", spoken)["messages"]
    assert messages == [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": NO_RESPONSE}]
