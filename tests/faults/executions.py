"""Step Functions as the product asks it, answered in this process: what was started, and how the test lets it end."""

import json
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.wire import canned

_OF = "token of "


class Executions:
    """The status of every started execution by its name; starts are `RUNNING` until a test says otherwise.

    `tokens` are those that tasks wait with, or have waited with: `waiting`, `sent`, or `over` where the task has ended
    without it.
    """

    def __init__(self) -> None:
        self.status: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.starts = 0

    def give_token(self, name: str) -> str:
        """Return the token of another attempt at a task of an execution; those given before are over."""
        own = f"{_OF}{name} "
        self.tokens |= {token: "over" for token, is_at in self.tokens.items() if own in token and is_at == "waiting"}
        token = f"{own}{sum(own in token for token in self.tokens)}"
        self.tokens[token] = "waiting"
        return token

    def remember(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the executions and tokens that there are now."""
        return dict(self.status), dict(self.tokens)

    def recall(self, status: dict[str, str], tokens: dict[str, str]) -> None:
        """Make executions and tokens what they were."""
        self.status, self.tokens = dict(status), dict(tokens)

    def __call__(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        body: Any = request.body
        asked: dict[str, str] = json.loads(body)
        status, told = self._answer(operation, asked)
        return canned(request.url, status, told)

    def _answer(self, operation: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if operation == "sfn.StartExecution":
            return self._start(asked["name"])
        if operation == "sfn.SendTaskSuccess":
            return self._go_on(asked["taskToken"])
        return self._stop(asked) if operation == "sfn.StopExecution" else self._describe(asked)

    def _start(self, name: str) -> tuple[int, dict[str, Any]]:
        if name in self.status:
            return 400, {"__type": "ExecutionAlreadyExists", "message": name}
        self.starts += 1
        self.status[name] = "RUNNING"
        return 200, {"executionArn": f"arn:execution:{name}", "startDate": 0}

    def _stop(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        name = asked["executionArn"].rpartition(":")[2]
        if name not in self.status:
            return 400, {"__type": "ExecutionDoesNotExist", "message": name}
        if self.status[name] == "RUNNING":
            self.status[name] = "ABORTED"
        return 200, {"stopDate": 0}

    def _go_on(self, token: str) -> tuple[int, dict[str, Any]]:
        if token not in self.tokens:
            return 400, {"__type": "InvalidToken", "message": "Invalid Token: 'Invalid token'"}
        name = token.removeprefix(_OF).partition(" ")[0]
        if self.tokens[token] != "waiting" or self.status.get(name, "RUNNING") != "RUNNING":
            return 400, {"__type": "TaskTimedOut", "message": "Task Timed Out: 'Provided task does not exist anymore'"}
        self.tokens[token] = "sent"
        return 200, {}

    def _describe(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        arn = asked["executionArn"]
        status = self.status.get(arn.rpartition(":")[2])
        if status is None:
            return 400, {"__type": "ExecutionDoesNotExist", "message": arn}
        return 200, {"executionArn": arn, "stateMachineArn": "arn", "status": status, "startDate": 0}
