"""One verb in four places: the state's name, the function's folder, the task's method, the pure function."""

import ast
import importlib

import pytest

from tests.contract.sources import FUNCTIONS, PACKAGE, iter_states, machine, machines, snake, tree, written

PURE = {
    "ingest_part": "ingest",
    "seal_revision": "ingest",
    "plan_build": "plan",
    "build_shard": "build",
    "evaluate_quality": "quality",
    "materialize_shard": "materialize",
    "settle_materialization": "materialize",
    "seal_version": "seal",
    "seal_import": "ingest",
    "plan_rows": "row_plan",
    "render_preview": "rendering",
    "render_unit": "rendering",
    "filter_rows": "filtering",
    "export_profile": "exporting",
    "seal_training_dataset": "training_seal",
}
"""The module of `packhouse.pipeline` that holds the pure function of the same name."""

WITHOUT_PURE = {
    "open_upload": "looks at a bucket; what is pure of it are `ingest.cut_parts` and `unpacking.Unpacking`",
    "export_format": "one pure function a format: `export.join_<format>`",
    "record_failure": "ends what failed; stands outside the flow",
    "await_confirmation": "keeps the token that its machine waits for",
}
MAPS = {"RenderUnit": "RenderRows", "ExportProfile": "ExportRows"}
"""Tasks of a map that is named after what it makes of all of them; the verb is the same."""

TASKS = [
    (name, state, shown)
    for name in machines()
    for shown, top in machine(name)["States"].items()
    for state in ([shown] if top["Type"] == "Task" else top.get("ItemProcessor", {}).get("States", {}))
]
"""Machine, task state, and the state that operators see: the task itself, or the map around it."""

CALLBACK = "arn:${Partition}:states:::lambda:invoke.waitForTaskToken"
STEPS = [
    PACKAGE / name
    for name in (
        *("builds/steps.py", "builds/exports.py", "builds/sealing.py", "builds/sources.py"),
        *("labels/ingest.py", "rollouts/ingest.py", "uploads/ingest.py", "training/steps.py", "training/sources.py"),
    )
]
REPORTS = ("enter_step", "begin_step", "count_unit")
"""What tells a job the step that it has come to."""


def called(folder: str) -> ast.Call:
    """Return the `task_handler(...)` of a function."""
    assigned = [node.value for node in tree(FUNCTIONS / folder / "app.py").body if isinstance(node, ast.Assign)]
    calls = [value for value in assigned if isinstance(value, ast.Call) and ast.unparse(value.func) == "task_handler"]
    assert len(calls) == 1, folder
    return calls[0]


@pytest.mark.parametrize(("name", "state", "shown"), TASKS)
def test_a_task_state_calls_the_function_of_its_name(name: str, state: str, shown: str) -> None:
    found = next(found for state_name, found, _ in iter_states(machine(name)) if state_name == state)
    called_by = found["Parameters"]["FunctionName"] if found["Resource"] == CALLBACK else found["Resource"]
    assert called_by == f"${{{state}Arn}}"
    properties = next(
        properties
        for properties in written("AWS::Serverless::StateMachine").values()
        if properties["DefinitionUri"] == f"statemachines/{name}.asl.json"
    )
    assert properties["DefinitionSubstitutions"][f"{state}Arn"] == {"Fn::GetAtt": [f"{state}Function", "Arn"]}
    assert (FUNCTIONS / snake(state) / "app.py").exists()
    assert shown in machine(name)["States"]


@pytest.mark.parametrize(("name", "state", "shown"), TASKS)
def test_a_function_runs_the_method_of_its_name_and_reports_the_step_that_operators_see(
    name: str, state: str, shown: str
) -> None:
    step, method, _ = called(snake(state)).args
    assert ast.literal_eval(step) == shown, name
    assert isinstance(method, ast.Attribute)
    assert method.attr == snake(state)


def test_a_map_is_named_after_the_plural_of_its_task() -> None:
    for _, state, shown in TASKS:
        assert shown in {state, state + "s", MAPS.get(state)}
        assert snake(shown).split("_")[0] == snake(state).split("_")[0]


@pytest.mark.parametrize("folder", sorted({snake(state) for _, state, _ in TASKS}))
def test_a_task_has_a_pure_function_of_its_name(folder: str) -> None:
    if folder in WITHOUT_PURE:
        assert folder not in PURE
        return
    module = importlib.import_module(f"packhouse.pipeline.{PURE[folder]}")
    assert callable(getattr(module, folder))


def test_what_stands_for_the_missing_pure_functions_is_there() -> None:
    ingest = importlib.import_module("packhouse.pipeline.ingest")
    export = importlib.import_module("packhouse.pipeline.export")
    assert callable(ingest.cut_parts)
    assert any(name.startswith("join_") for name in vars(export))


def test_every_step_that_a_job_reports_is_a_state() -> None:
    """They are the names that operators see in the console."""
    states = {state for name in machines() for state in machine(name)["States"]}
    for path in STEPS:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(REPORTS):
                step = node.args[1]
                assert not isinstance(step, ast.Constant) or step.value in states, ast.unparse(node)
