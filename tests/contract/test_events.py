"""The event shapes below `events/`: real ones, so that a person or a test can hand them to a handler."""

import json
import re
from pathlib import Path

import pytest

from tests.contract.imported import said
from tests.contract.sources import EVENTS, Json, folders, functions, iter_states, machine, machines, snake

PATHS = sorted(EVENTS.glob("*.json"))
INPUT = {
    "label_ingest": {"workspace", "label_pack_id", "revision_id", "capability", "upload_key", "prefix", "job_id"},
    "dataset_build": {"workspace", "dataset_version_id", "capability", "policy", "snapshot_key", "prefix", "job_id"},
    "rollout_ingest": {"workspace", "import_id", "upload_key", "prefix", "job_id"},
    "training_export": {"workspace", "training_dataset_id", "prefix", "job_id"},
}
"""What an execution is started with: the job's `execution_input` and its id."""


def read(path: Path) -> Json:
    event: Json = json.loads(path.read_text())
    return event


def of_function(path: Path) -> str:
    return path.name.split(".", maxsplit=1)[0]


def handed_on() -> dict[str, list[set[str]]]:
    """Return, by function, the payload keys that reach it from each machine: all of the state's input.

    A callback task, whose function is a parameter beside its payload, names the keys itself.
    """
    found: dict[str, list[set[str]]] = {}
    for name in machines():
        carried = set(INPUT[name])
        for state_name, state in machine(name)["States"].items():
            if state["Type"] == "Map":
                (inner,) = state["ItemProcessor"]["States"]
                keys = {key.removesuffix(".$") for key in state["ItemSelector"]}
                found.setdefault(snake(inner), []).append(keys)
            elif state["Type"] == "Task":
                named = state.get("Parameters", {}).get("Payload")
                keys = carried if named is None else {key.removesuffix(".$") for key in named}
                found.setdefault(snake(state_name), []).append(set(keys))
            if state.get("ResultPath"):
                carried.add(state["ResultPath"].removeprefix("$."))
    return found


def test_every_function_has_an_event() -> None:
    assert {of_function(path) for path in PATHS} == set(folders())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_http_event_is_of_a_route_that_its_function_answers(path: Path) -> None:
    event, folder = read(path), of_function(path)
    if "httpMethod" not in event or folder == "authorizer":
        return
    assert [event["httpMethod"], event["resource"]] in said()["routes"][folder]
    filled = event["resource"]
    for name, value in (event["pathParameters"] or {}).items():
        filled = filled.replace(f"{{{name}}}", value)
    assert event["path"] == filled
    assert "{" not in filled
    assert event["requestContext"]["resourcePath"] == event["resource"]


@pytest.mark.parametrize(
    "path", [path for path in PATHS if of_function(path) in handed_on()], ids=lambda path: path.stem
)
def test_a_task_event_has_the_payload_that_its_state_hands_on(path: Path) -> None:
    event, folder = read(path), of_function(path)
    if folder == "record_failure":  # reached from anywhere: whatever the execution came to, and the failure or the gate
        assert any(keys <= event.keys() for keys in INPUT.values())
        assert "failure" in event or event["quality"]["gate"] == "shut"
        return
    assert event.keys() in handed_on()[folder]


def test_the_authorizer_finds_the_one_credential_of_each_event() -> None:
    found = said()["credentials"]
    opened = {name.split(".")[1]: credential[:4] for name, credential in found.items() if credential}
    assert opened == {"bearer": "eyJh", "api_key": "phk_", "bearer_api_key": "phk_"}
    refused = {name.split(".")[1] for name, credential in found.items() if credential is None}
    assert refused == {"no_credential", "two_credentials", "query_credential"}


def test_an_authorizer_event_asks_for_a_route_of_the_api() -> None:
    routes = {tuple(route) for known in said()["routes"].values() for route in known}
    for path in EVENTS.glob("authorizer.*.json"):
        event = read(path)
        assert event["type"] == "REQUEST"
        assert (event["httpMethod"], event["resource"]) in routes
        asked = event["httpMethod"] + event["path"]
        assert re.fullmatch(rf"arn:aws:execute-api:[^:]+:\d+:\w+/\w+/{asked}", event["methodArn"])


@pytest.mark.parametrize("folder", ["sweep", "sweep_sets"])
def test_a_sweeper_is_called_by_its_schedule(folder: str) -> None:
    (event,) = [read(path) for path in PATHS if of_function(path) == folder]
    assert event["source"] == "aws.scheduler"
    (told,) = functions()[folder]["Events"].values()
    assert told["Type"] == "ScheduleV2"
    (schedule,) = event["resources"]
    assert schedule.rpartition("/")[2] == told["Properties"]["Name"]["Fn::Sub"].replace("${Stage}", "dev")


@pytest.mark.parametrize("name", machines())
def test_every_task_of_a_machine_has_an_event(name: str) -> None:
    tasks = {snake(state_name) for state_name, state, _ in iter_states(machine(name)) if state["Type"] == "Task"}
    assert tasks <= {of_function(path) for path in PATHS}
