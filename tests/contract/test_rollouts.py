"""Rollouts over HTTP on the deployed template: sent in a request, all or none, listed, looked at, each once a row."""

from typing import Any

import pytest

from tests.registry import Project, problem
from tests.training import (
    IMPORTS,
    NAMED,
    ROLLOUTS,
    SILENCE,
    TRAINING,
    RolloutProject,
    answered,
    rollout,
    rollouts,
    said,
    skipped,
    talk,
    texts,
)

INLINE = 500


@pytest.fixture
def labs(project: Project) -> RolloutProject:
    return RolloutProject.new(project)


@pytest.fixture(scope="module")
def empty(shared_project: Project) -> RolloutProject:
    """A project to which nothing is sent that is taken in."""
    return RolloutProject.new(shared_project)


def changed(**changes: Any) -> dict[str, Any]:
    return rollout("changed", **changes)


def of_events(*events: dict[str, Any]) -> dict[str, Any]:
    return rollout("events", events)


# POST /rollouts


def test_five_hundred_rollouts_are_sent_in_one_request(labs: RolloutProject) -> None:
    """They are an import of their own that has passed; their ids come in their order."""
    sent = rollouts(INLINE)
    answer = labs.call("POST", ROLLOUTS, json={"rollouts": sent})
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"] == f"{IMPORTS}/{made['import_id']}"
    assert (made["validation_status"], made["rollouts"], len(set(made["ids"]))) == ("passed", INLINE, INLINE)
    listed = labs.listed(ROLLOUTS)
    assert [one["id"] for one in listed] == made["ids"]
    assert [one["rollout_id"] for one in listed] == [one["rollout_id"] for one in sent]
    del made["ids"]
    assert labs.get(IMPORTS, made["import_id"]) == made
    assert labs.listed(IMPORTS) == [made]


@pytest.mark.parametrize("count", [0, INLINE + 1])
def test_no_more_are_sent_in_one_request_and_not_none(empty: RolloutProject, count: int) -> None:
    assert list(empty.pointers(rollouts(count))) == ["/rollouts"]
    assert empty.listed(ROLLOUTS) == []


def test_all_of_them_are_taken_in_or_none(labs: RolloutProject) -> None:
    """Every faulty one is named by where it is; those beside it are not there afterwards."""
    sent = rollouts(20)
    sent[3] |= {"temperature": "warm"}
    sent[11] |= {"events": [said("Hi."), answered("  ", "Hm.")]}
    sent[19] |= {"rollout_id": sent[4]["rollout_id"]}
    faults = labs.pointers(sent)
    assert list(faults) == ["/rollouts/3/temperature", "/rollouts/11/events/1/content", "/rollouts/19/rollout_id"]
    assert "MESSAGE_EMPTY" in faults["/rollouts/11/events/1/content"]
    assert labs.listed(ROLLOUTS) == labs.listed(IMPORTS) == []
    labs.send(rollouts(20))
    assert len(labs.listed(ROLLOUTS)) == 20


@pytest.mark.parametrize(
    ("sent", "pointer", "rule"),
    [
        (changed(rollout_id="has space"), "/rollout_id", "ROW_FORM"),
        (changed(rollout_id="a" * 201), "/rollout_id", "ROW_FORM"),
        (changed(scenario_id=""), "/scenario_id", "ROW_FORM"),
        (changed(agent_template_id=None), "/agent_template_id", "ROW_FORM"),
        (changed(rollout_index=-1), "/rollout_index", "ROW_FORM"),
        (changed(rollout_index=0.5), "/rollout_index", "ROW_FORM"),
        (changed(temperature=-0.1), "/temperature", "ROW_FORM"),
        (changed(status="Completed"), "/status", "ROW_FORM"),
        (changed(events=[]), "/events", "ROW_FORM"),
        (changed(colour="red"), "", "ROW_FORM"),
        (changed(scores={"quality_score": "high"}), "/scores/quality_score", "ROW_FORM"),
        (changed(scores={"beauty": 1}), "/scores", "ROW_FORM"),
        (changed(loglik=[{"turn": 3, "conditional": -1, "unconditional": -1, "tokens": 1}]), "/loglik/0/turn",
         "LOGLIK_TURN"),
        (changed(loglik=[{"turn": 1, "conditional": 1, "unconditional": -1, "tokens": 1}]), "/loglik/0/conditional",
         "ROW_FORM"),
        (of_events({"type": "applause"}), "/events/0/type", "ROW_FORM"),
        (of_events(said("")), "/events/0/content", "ROW_FORM"),
        (of_events(said(" \n")), "/events/0/content", "MESSAGE_EMPTY"),
        (of_events(SILENCE, skipped(0)), "/events/1/days", "ROW_FORM"),
        (of_events(said("Hi."), SILENCE | {"content": "x"}), "/events/1", "ROW_FORM"),
        (of_events(answered("a <thinking>b")), "/events/0/content", "THINKING_BLOCK"),
        (of_events(answered("a</thinking> b")), "/events/0/content", "THINKING_BLOCK"),
        (of_events(answered("<thinking>b</thinking> c", "a")), "/events/0/content", "THINKING_BLOCK"),
        (of_events(answered("b", "a <thinking>b</thinking>")), "/events/0/content", "THINKING_BLOCK"),
        (of_events(answered("<no_response/>")), "/events/0/content", "CANONICAL_TOKEN"),
    ],
)  # fmt: skip
def test_what_is_no_rollout_is_refused_by_where_and_why(
    empty: RolloutProject, sent: dict[str, Any], pointer: str, rule: str
) -> None:
    ((where, reason),) = empty.pointers([rollout("fine"), sent]).items()
    assert where == f"/rollouts/1{pointer}"
    assert f"({rule})" in reason


@pytest.mark.parametrize("field", ["rollout_id", "scenario_id", "agent_template_id", "rollout_index", "temperature"])
def test_every_field_but_scores_must_be_given(empty: RolloutProject, field: str) -> None:
    sent = rollout("lacking")
    del sent[field]
    ((where, reason),) = empty.pointers([sent]).items()
    assert where == "/rollouts/0"
    assert field in reason


# GET /rollouts


@pytest.fixture(scope="module")
def many(registry: Any) -> RolloutProject:
    """Sixty rollouts in three imports: of three scenarios, two templates, two statuses."""
    labs = RolloutProject.new(registry.new_project())
    sent = [
        rollout(at, scenario_id=f"sc_{at % 3}", agent_template_id=f"agt_{at % 2}", rollout_index=at,
                status="failed" if at % 10 == 0 else "completed")
        for at in range(60)
    ]  # fmt: skip
    labs.send(sent[:25])
    labs.take_in(sent[25:50])
    labs.send(sent[50:])
    return labs


@pytest.mark.parametrize("limit", [1, 7, 25, 60, 200])
def test_rollouts_are_listed_in_pages_in_the_order_in_which_they_came(many: RolloutProject, limit: int) -> None:
    pages = list(many.iter_pages(ROLLOUTS, limit))
    assert [one["rollout_index"] for page in pages for one in page] == list(range(60))
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("limit", [1, 5, 200])
@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"scenario_id": "sc_1"}, range(1, 60, 3)),
        ({"agent_template_id": "agt_1"}, range(1, 60, 2)),
        ({"status": "failed"}, range(0, 60, 10)),
        ({"rollout_id": "r-33"}, [33]),
        ({"scenario_id": "sc_0", "agent_template_id": "agt_0", "status": "completed"}, [
            at for at in range(0, 60, 6) if at % 10
        ]),
        ({"scenario_id": "sc_7"}, []),
    ],
)  # fmt: skip
def test_rollouts_are_listed_by_what_they_are(
    many: RolloutProject, filters: dict[str, str], wanted: list[int], limit: int
) -> None:
    listed = many.listed(ROLLOUTS, limit, **filters)
    assert [one["rollout_index"] for one in listed] == list(wanted)


def test_a_cursor_is_of_its_own_list(many: RolloutProject) -> None:
    cursor = many.get(ROLLOUTS, limit=5)["next_cursor"]
    problem(many.call("GET", IMPORTS, params={"cursor": cursor}), 400, "INVALID_CURSOR")
    problem(many.call("GET", ROLLOUTS, params={"cursor": cursor, "status": "failed"}), 400, "INVALID_CURSOR")
    assert len(many.get(ROLLOUTS, limit=3, cursor=cursor)["items"]) == 3


def test_imports_are_listed_by_how_they_were_judged(many: RolloutProject) -> None:
    assert [one["rollouts"] for one in many.listed(IMPORTS, 2)] == [25, 25, 10]
    assert len(many.listed(IMPORTS, validation_status="passed")) == 3
    assert many.listed(IMPORTS, validation_status="failed") == []


# A rollout of the list by its id


def test_a_rollout_is_shown_as_it_was_sent(labs: RolloutProject) -> None:
    """Its events to the letter; what was left open is absent."""
    spoken = [said("Größe\u2028🏃"), answered("Hold\n pace.", " Why? "), skipped(2.5), SILENCE]
    likelihoods = [{"turn": 1, "conditional": -4.5, "unconditional": -9.0, "tokens": 3}]
    sent = rollout("whole", spoken, scores={"quality_score": 0.5}, loglik=likelihoods)
    made = labs.send([rollout("before"), sent, rollout("behind", loglik=None, scores={"ifd_score": None})])
    shown = labs.get(ROLLOUTS, made["ids"][1])
    assert shown == {"id": made["ids"][1], "import_id": made["import_id"], "rollout": sent}
    assert {"loglik", "scores"}.isdisjoint(labs.get(ROLLOUTS, made["ids"][2])["rollout"])


def test_every_listed_rollout_is_found_by_its_id(many: RolloutProject) -> None:
    for listed in many.listed(ROLLOUTS)[::7]:
        found = many.get(ROLLOUTS, listed["id"])
        assert all(found["rollout"][name] == listed[name] for name in (*NAMED, "status", "rollout_index"))
        assert len(found["rollout"]["events"]) == listed["events"]


def test_what_is_no_id_of_a_rollout_is_not_found(many: RolloutProject) -> None:
    """Nor is one a byte beside, nor one of another project."""
    known = many.listed(ROLLOUTS, 1)[1]["id"]
    beside = f"{known[:-7]}{int(known[-7:], 16) + 1:07x}"
    beyond = f"{known[:-7]}fffffff"
    other_part = f"{known[:-11]}0001{known[-7:]}"
    for unknown in ("ro_nothing", "r-33", beside, beyond, other_part, known.upper()):
        problem(many.call("GET", ROLLOUTS, unknown), 404, "ROLLOUT_NOT_FOUND")
    stranger = RolloutProject.new(many.project.registry.new_project())
    problem(stranger.call("GET", ROLLOUTS, known), 404, "ROLLOUT_NOT_FOUND")
    assert stranger.listed(ROLLOUTS) == []


# From rollouts to rows


def test_the_same_rollout_sent_again_is_one_row(labs: RolloutProject) -> None:
    """One with other content under the same name takes the place of the one before."""
    first = rollouts(4)
    labs.send(first)
    second = [first[0], rollout("1", [said("Again?"), answered(talk("again"))], rollout_index=1)]
    labs.send(second)
    made = labs.new_ready()
    assert [texts(row)[1] for row in labs.rows(made)] == [
        one["events"][1]["content"] for one in (first[0], second[1], first[2], first[3])
    ]
    assert labs.shown(made)["left_out"] == {"REPEATED_ROLLOUT": 1, "SUPERSEDED_ROLLOUT": 1}


def test_rows_are_chosen_by_scenario_template_and_score(many: RolloutProject) -> None:
    made = many.new_ready(scenario_ids=["sc_1", "sc_1"], agent_template_ids=["agt_1"], dedupe=False)
    wanted = [at for at in range(60) if at % 6 == 1]
    assert [row["metadata"]["rollout_index"] for row in many.rows(made)] == wanted
    assert many.shown(made)["left_out"] == {"NOT_COMPLETED": 6, "SCENARIO_NOT_WANTED": 36, "TEMPLATE_NOT_WANTED": 8}


def test_rows_are_chosen_by_score(labs: RolloutProject) -> None:
    sent = rollouts(4)
    for at, score in enumerate((0.2, 0.5, None, 0.9)):
        sent[at]["scores"] = {"ifd_score": score}
    labs.send(sent)
    made = labs.new_ready(min_scores={"ifd_score": 0.5})
    assert [row["metadata"]["ifd_score"] for row in labs.rows(made)] == [0.5, 0.9]
    assert labs.shown(made)["left_out"] == {"SCORE_MISSING": 1, "SCORE_TOO_LOW": 1}


def test_a_session_without_an_assistant_is_no_row(labs: RolloutProject) -> None:
    labs.send([rollout("heard", [said("Anyone?"), skipped(3), said("Hello?")]), *rollouts(1)])
    made = labs.new_ready()
    assert len(labs.rows(made)) == 1
    assert labs.shown(made)["left_out"] == {"NO_ASSISTANT_TURN": 1}


def test_no_more_rows_are_drawn_than_asked_for_and_the_same_again(labs: RolloutProject) -> None:
    labs.send(rollouts(40))
    made = [labs.new_ready(max_rows=15, seed=seed) for seed in (7, 7, 8)]
    drawn = [labs.lines(one) for one in made]
    assert labs.shown(made[0])["left_out"] == {"NOT_SAMPLED": 25}
    assert [len(lines) for lines in drawn] == [15, 15, 15]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_project_that_opted_out_makes_no_training_dataset(labs: RolloutProject) -> None:
    labs.project.choose_training_use("opted_out")
    problem(labs.call("POST", TRAINING, json={"name": "x"}), 409, "WORKSPACE_TRAINING_OPT_OUT")
