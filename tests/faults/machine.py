"""Runs the definitions under `statemachines/` in this process, state by state, on the real functions.

Knows the part of the states language that they use: Task, Map over S3 or over the payload, Choice on a string, Fail,
ResultPath, Catch, and Retry of `ServiceUnavailableError`. A task that is killed is delivered again, as Lambda may.
"""

import json
from collections.abc import Callable
from typing import Any

from local import ROOT
from tests.faults.gate import Killed

Json = dict[str, Any]
Invoke = Callable[[str, Json], Any]
RETRIES = 6


class MachineFailed(Exception):  # noqa: N818  the end of an execution, not a fault of ours
    """The execution ended in its Fail state."""


class Machine:
    """One definition. `invoke(function folder, payload)` runs a task, `read(key)` an object of the data bucket."""

    def __init__(self, name: str, invoke: Invoke, read: Callable[[str], bytes]) -> None:
        self.definition: Json = json.loads((ROOT / "statemachines" / f"{name}.asl.json").read_text())
        self.invoke = invoke
        self._read = read

    def run(self, payload: Json, start: str | None = None) -> Json:
        """Run an execution to its end, from a state on if one is named, and return its output.

        `MachineFailed` from its Fail state.
        """
        return self._run(self.definition | ({"StartAt": start} if start else {}), payload)

    def _run(self, definition: Json, payload: Json) -> Json:
        name = definition["StartAt"]
        while True:
            state = definition["States"][name]
            if state["Type"] == "Fail":
                raise MachineFailed(state["Error"])
            if state["Type"] == "Choice":
                name = _choose(state, payload)
                continue
            try:
                result = self._map(state, payload) if state["Type"] == "Map" else self._task(state, payload)
            except Exception as error:
                if "Catch" not in state:
                    raise
                payload = payload | {"failure": {"Error": type(error).__name__, "Cause": str(error)}}
                name = state["Catch"][0]["Next"]
                continue
            payload = _place(state.get("ResultPath", "$"), payload, result)
            if state.get("End"):
                return payload
            name = state["Next"]

    def _task(self, state: Json, payload: Json) -> Any:
        folder = _folder(state["Resource"])
        for _ in range(RETRIES):
            try:
                return self.invoke(folder, payload)
            except Killed:
                continue
            except Exception as error:
                if type(error).__name__ not in state["Retry"][0]["ErrorEquals"]:
                    raise
        return self.invoke(folder, payload)

    def _map(self, state: Json, payload: Json) -> list[Json]:
        if "ItemReader" in state:
            items = json.loads(self._read(_find(state["ItemReader"]["Parameters"]["Key.$"], payload)))
        else:
            items = _find(state["ItemsPath"], payload)
        return [self._run(state["ItemProcessor"], _select(state["ItemSelector"], payload, item)) for item in items]


def _folder(resource: str) -> str:
    """`${PlanBuildArn}` is the function in `plan_build`."""
    name = resource.removeprefix("${").removesuffix("Arn}")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _find(path: str, document: Any) -> Any:
    for step in path.removeprefix("$").strip(".").split("."):
        document = document[step] if step else document
    return document


def _select(selector: Json, payload: Json, item: Json) -> Json:
    return {
        name.removesuffix(".$"): _find(path.removeprefix("$$.Map.Item.Value"), item)
        if path.startswith("$$.Map.Item.Value")
        else _find(path, payload)
        for name, path in selector.items()
    }


def _choose(state: Json, payload: Json) -> str:
    for rule in state["Choices"]:
        if _find(rule["Variable"], payload) == rule["StringEquals"]:
            return str(rule["Next"])
    return str(state["Default"])


def _place(path: str | None, payload: Json, result: Any) -> Any:
    if path is None:
        return payload
    return result if path == "$" else payload | {path.removeprefix("$."): result}
