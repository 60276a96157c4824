"""Step Functions as the product asks it, answered in this process: what was started, and how the test lets it end."""

import json
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.wire import canned


class Executions:
    """The status of every started execution by its name; starts are `RUNNING` until a test says otherwise."""

    def __init__(self) -> None:
        self.status: dict[str, str] = {}
        self.starts = 0

    def __call__(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        body: Any = request.body
        asked: dict[str, str] = json.loads(body)
        status, told = self._answer(operation, asked)
        return canned(request.url, status, told)

    def _answer(self, operation: str, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if operation == "sfn.StartExecution":
            return self._start(asked["name"])
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

    def _describe(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        arn = asked["executionArn"]
        status = self.status.get(arn.rpartition(":")[2])
        if status is None:
            return 400, {"__type": "ExecutionDoesNotExist", "message": arn}
        return 200, {"executionArn": arn, "stateMachineArn": "arn", "status": status, "startDate": 0}
