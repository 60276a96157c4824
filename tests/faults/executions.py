"""Step Functions as the product asks it, answered in this process: what was started, and how the test lets it end."""

import json
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.wire import canned


class Executions:
    """The status of every started execution by its name; starts are `RUNNING` until a test says otherwise."""

    def __init__(self, session: Any) -> None:
        self.status: dict[str, str] = {}
        self.starts = 0
        session.register("before-send.sfn.StartExecution", self._start)
        session.register("before-send.sfn.DescribeExecution", self._describe)

    def _start(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        name = _sent(request)["name"]
        if name in self.status:
            return canned(request.url, 400, {"__type": "ExecutionAlreadyExists", "message": name})
        self.starts += 1
        self.status[name] = "RUNNING"
        return canned(request.url, 200, {"executionArn": f"arn:execution:{name}", "startDate": 0})

    def _describe(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        arn = _sent(request)["executionArn"]
        status = self.status.get(arn.rpartition(":")[2])
        if status is None:
            return canned(request.url, 400, {"__type": "ExecutionDoesNotExist", "message": arn})
        described = {"executionArn": arn, "stateMachineArn": "arn", "status": status, "startDate": 0}
        return canned(request.url, 200, described)


def _sent(request: AWSPreparedRequest) -> dict[str, str]:
    body: Any = request.body
    sent: dict[str, str] = json.loads(body)
    return sent
