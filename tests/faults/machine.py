"""Runs the definitions under `statemachines/` in this process, state by state, on the real functions.

Knows the part of the states language that they use: Task, Map over S3 or over the payload, Choice on a string, Fail,
ResultPath, Catch, and Retry of `ServiceUnavailableError`. A task that is killed is delivered again, as Lambda may.
A task that waits for its token ends the run, unless the token was sent before it answered: `Waiting` says what is next.
"""

import json
from collections.abc import Callable
from typing import Any

from local import ROOT
from tests.faults.executions import Executions
from tests.faults.gate import Killed

Json = dict[str, Any]
Invoke = Callable[[str, Json], Any]
RETRIES = 6


class MachineFailed(Exception):  # noqa: N818  the end of an execution, not a fault of ours
    """The execution ended in its Fail state."""


class Waiting(Exception):  # noqa: N818  nothing is wrong with it
    """The execution waits until `token` is sent; it goes on with `payload` in the state `following`."""

    def __init__(self, token: str, payload: Json, following: str) -> None:
        super().__init__(token)
        self.token, self.payload, self.following = token, payload, following


class Machine:
    """One definition. `invoke(function folder, payload)` runs a task, `read(key)` an object of the data bucket.

    `executions` give the tokens that tasks wait with. `transitions` are counted as they are billed: each state that is
    entered and each execution that starts, those of a distributed map among them.
    """

    def __init__(
        self, name: str, invoke: Invoke, read: Callable[[str], bytes], executions: Executions | None = None
    ) -> None:
        self.definition: Json = json.loads((ROOT / "statemachines" / f"{name}.asl.json").read_text())
        self.invoke = invoke
        self._read = read
        self._executions = executions or Executions()
        self.transitions = 0

    def run(self, payload: Json, start: str | None = None) -> Json:
        """Run an execution to its end, from a state on if one is named, and return its output.

        `MachineFailed` from its Fail state, `Waiting` where a task waits for its token.
        """
        self.transitions += 1
        return self._run(self.definition | ({"StartAt": start} if start else {}), payload)

    def resume(self, waiting: Waiting) -> Json:
        """Run what waited to its end, now that the token was sent."""
        if self._executions.tokens[waiting.token] != "sent":
            raise LookupError(f"nobody sent the {waiting.token}")
        return self.run(waiting.payload, waiting.following)

    def _run(self, definition: Json, payload: Json) -> Json:
        name = definition["StartAt"]
        while True:
            state = definition["States"][name]
            self.transitions += 1
            if state["Type"] == "Fail":
                raise MachineFailed(state["Error"])
            if state["Type"] == "Choice":
                name = _choose(state, payload)
                continue
            try:
                result = self._result(state, payload)
            except (Waiting, AssertionError):  # what a test finds wrong on the way is no failure of the task
                raise
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

    def _result(self, state: Json, payload: Json) -> Any:
        if state["Type"] == "Map":
            return self._map(state, payload)
        if state["Resource"].endswith(".waitForTaskToken"):
            return self._callback(state, payload)
        return self._task(state, lambda: self.invoke(_folder(state["Resource"]), payload))

    def _callback(self, state: Json, payload: Json) -> None:
        wanted, name = state["Parameters"], payload["job_id"]
        folder, token = _folder(wanted["FunctionName"]), ""

        def attempt() -> None:
            nonlocal token
            if self._executions.tokens.get(token) != "sent":
                token = self._executions.give_token(name)
                self.invoke(folder, _parameters(wanted["Payload"], payload, {"$$.Task.Token": token}))

        try:
            self._task(state, attempt)
        except Exception:
            self._executions.tokens[token] = "over"
            raise
        if self._executions.tokens[token] != "sent":
            raise Waiting(token, payload, state["Next"])

    def _task(self, state: Json, attempt: Callable[[], Any]) -> Any:
        for _ in range(RETRIES):
            try:
                return attempt()
            except Killed:
                continue
            except Exception as error:
                if type(error).__name__ not in state["Retry"][0]["ErrorEquals"]:
                    raise
        return attempt()

    def _map(self, state: Json, payload: Json) -> list[Json]:
        if "ItemReader" in state:
            items = json.loads(self._read(_find(state["ItemReader"]["Parameters"]["Key.$"], payload)))
        else:
            items = _find(state["ItemsPath"], payload)
        if state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
            self.transitions += len(items)
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


def _parameters(wanted: Json, payload: Json, context: Json) -> Json:
    return {name.removesuffix(".$"): context.get(path) or _find(path, payload) for name, path in wanted.items()}


def _choose(state: Json, payload: Json) -> str:
    for rule in state["Choices"]:
        if _find(rule["Variable"], payload) == rule["StringEquals"]:
            return str(rule["Next"])
    return str(state["Default"])


def _place(path: str | None, payload: Json, result: Any) -> Any:
    if path is None:
        return payload
    return result if path == "$" else payload | {path.removeprefix("$."): result}
