"""The machines: graphs that end, limits on every task, errors that exist, failures that are recorded."""

import re

import pytest

from packhouse import errors
from tests.contract.sources import Json, functions, iter_states, machine, machines, snake, subclasses_in, written

STATES = {
    "label_ingest": ["OpenUpload", "IngestParts", "SealRevision", "RecordFailure", "Failed"],
    "dataset_build": [
        "PlanBuild",
        "BuildShards",
        "EvaluateQuality",
        "QualityGate",
        "MaterializeShards",
        "SettleMaterialization",
        "ExportFormats",
        "SealVersion",
        "RecordFailure",
        "Failed",
    ],
    "rollout_ingest": ["OpenUpload", "IngestParts", "SealImport", "RecordFailure", "Failed"],
    "training_export": [
        "PlanRows",
        "RenderPreview",
        "ConfirmationGate",
        "AwaitConfirmation",
        "RenderRows",
        "FilterRows",
        "ExportRows",
        "SealTrainingDataset",
        "RecordFailure",
        "Failed",
    ],
}
WAITS = {"AwaitConfirmation": 7 * 24 * 3600}
"""Tasks that end when somebody tells them to, and the seconds that they wait for it."""

TRANSIENT = [
    "ServiceUnavailableError",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
EVERY = [(name, state) for name in machines() for state, _, _ in iter_states(machine(name))]


def state_of(name: str, state_name: str) -> tuple[Json, Json]:
    """Return a state and the definition that it stands in."""
    return next((state, around) for found, state, around in iter_states(machine(name)) if found == state_name)


def targets(state: Json) -> list[str]:
    """Return where a state can lead, its catches apart."""
    found = [choice["Next"] for choice in state.get("Choices", [])]
    return found + [state[field] for field in ("Next", "Default") if field in state]


def caught(state: Json) -> list[str]:
    """Return where a state's errors lead."""
    return [catch["Next"] for catch in state.get("Catch", [])]


def test_the_machines_are_those_of_the_design() -> None:
    assert machines() == sorted(STATES)


@pytest.mark.parametrize("name", machines())
def test_a_machine_has_the_states_of_the_design_in_their_order(name: str) -> None:
    assert list(machine(name)["States"]) == STATES[name]


@pytest.mark.parametrize("name", machines())
def test_the_way_without_failures_takes_the_states_in_their_order(name: str) -> None:
    """The longest: where a gate may be shut, what waits behind it is on the way."""
    definition = machine(name)
    way, at = [], definition["StartAt"]
    while at:
        way.append(at)
        at = next((found for found in targets(definition["States"][at]) if found != "RecordFailure"), "")
    assert way == STATES[name][:-2]


def test_nobody_is_waited_for_who_was_not_asked_for() -> None:
    gate = machine("training_export")["States"]["ConfirmationGate"]
    assert gate["Default"] == machine("training_export")["States"]["AwaitConfirmation"]["Next"]


@pytest.mark.parametrize(("name", "state_name"), EVERY)
def test_a_state_leads_to_states_that_exist(name: str, state_name: str) -> None:
    state, around = state_of(name, state_name)
    assert set(targets(state) + caught(state)) <= around["States"].keys()
    assert around["StartAt"] in around["States"]
    ends = state.get("End", False) or state["Type"] in {"Fail", "Succeed"}
    assert ends != bool(targets(state))


@pytest.mark.parametrize("name", machines())
def test_every_state_can_be_reached(name: str) -> None:
    definition = machine(name)
    reached, waiting = set(), [definition["StartAt"]]
    while waiting:
        at = waiting.pop()
        if at not in reached:
            reached.add(at)
            waiting += targets(definition["States"][at]) + caught(definition["States"][at])
    assert reached == definition["States"].keys()


@pytest.mark.parametrize("name", machines())
def test_every_machine_and_every_task_has_a_time_limit(name: str) -> None:
    """A map has none of its own (Step Functions refuses the field there): its tasks' and the machine's bound it."""
    assert machine(name)["TimeoutSeconds"] > 0
    for state_name, state, _ in iter_states(machine(name)):
        assert ("TimeoutSeconds" in state) == (state["Type"] == "Task"), state_name


@pytest.mark.parametrize("name", machines())
def test_a_task_waits_as_long_as_its_function_may_run(name: str) -> None:
    for state_name, state, _ in iter_states(machine(name)):
        if state["Type"] == "Task" and state_name not in WAITS:
            assert state["TimeoutSeconds"] == functions()[snake(state_name)]["Timeout"], state_name


@pytest.mark.parametrize("name", machines())
def test_a_task_that_is_told_to_go_on_waits_for_days_and_its_machine_longer(name: str) -> None:
    callbacks = {
        state_name: state["TimeoutSeconds"]
        for state_name, state, _ in iter_states(machine(name))
        if str(state.get("Resource", "")).endswith(".waitForTaskToken")
    }
    assert callbacks == {state_name: WAITS[state_name] for state_name in STATES[name] if state_name in WAITS}
    assert machine(name)["TimeoutSeconds"] > sum(callbacks.values())


@pytest.mark.parametrize("name", machines())
def test_every_task_is_retried_on_transient_errors_alone_with_full_jitter(name: str) -> None:
    for state_name, state, _ in iter_states(machine(name)):
        if state["Type"] == "Task":
            (retry,) = state["Retry"]
            assert retry["ErrorEquals"] == TRANSIENT, state_name
            assert retry["JitterStrategy"] == "FULL"
            assert retry["BackoffRate"] > 1
            assert 1 <= retry["MaxAttempts"] <= 10
            assert retry["MaxDelaySeconds"] >= retry["IntervalSeconds"]


@pytest.mark.parametrize("name", machines())
def test_errors_are_named_that_exist(name: str) -> None:
    classes = subclasses_in(errors, errors.PackhouseError)
    for state_name, state, _ in iter_states(machine(name)):
        for rule in state.get("Retry", []) + state.get("Catch", []):
            for error in rule["ErrorEquals"]:
                assert error in classes or error.startswith(("Lambda.", "States.")), f"{state_name}: {error}"


@pytest.mark.parametrize("name", machines())
def test_every_failure_is_recorded(name: str) -> None:
    """Tasks inside a map fail their map, and the map's catch records it."""
    for state_name, state in machine(name)["States"].items():
        if state["Type"] in {"Task", "Map"} and state_name != "RecordFailure":
            (catch,) = state["Catch"]
            assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "RecordFailure"}
    assert machine(name)["States"]["RecordFailure"]["Next"] == "Failed"
    assert machine(name)["States"]["Failed"]["Type"] == "Fail"


@pytest.mark.parametrize("name", machines())
def test_a_map_is_bounded_and_a_distributed_one_reads_its_units_from_the_data_bucket(name: str) -> None:
    for state_name, state, _ in iter_states(machine(name)):
        if state["Type"] != "Map":
            continue
        assert 1 <= state["MaxConcurrency"] <= 40, state_name
        assert state["ResultPath"] is None, f"{state_name}: ten thousand results do not fit a payload"
        if state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
            assert state["ItemReader"]["Parameters"]["Bucket"] == "${DataBucket}"
            assert state["Label"] == state_name
            assert len(state["Label"]) <= 40


@pytest.mark.parametrize("name", machines())
def test_every_state_says_what_it_does(name: str) -> None:
    for state_name, state, _ in iter_states(machine(name)):
        assert re.fullmatch(r"[A-Z].+\.", state["Comment"]), state_name


def test_substitutions_are_those_that_the_definition_asks_for() -> None:
    for properties in written("AWS::Serverless::StateMachine").values():
        name = properties["DefinitionUri"].removeprefix("statemachines/").removesuffix(".asl.json")
        asked = set(re.findall(r"\$\{(\w+)\}", str(machine(name))))
        assert asked == set(properties["DefinitionSubstitutions"])
        assert properties["Name"] == {"Fn::Sub": f"packhouse-${{Stage}}-{name.replace('_', '-')}"}


def test_machines_log_errors_without_payloads_and_are_traced() -> None:
    for name, properties in written("AWS::Serverless::StateMachine").items():
        assert properties["Type"] == "STANDARD"
        assert properties["Logging"]["Level"] == "ERROR", name
        assert properties["Logging"]["IncludeExecutionData"] is False
        assert properties["Tracing"] == {"Enabled": True}
