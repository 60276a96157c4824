"""Counts the calls that leave this process for AWS, attempt by attempt, where botocore hands them to the socket."""

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.session import Session

from packhouse.aws import dynamo, executions, objects

_CLIENTS: tuple[Callable[[], Any], ...] = (dynamo.session, dynamo.connection, objects.s3, executions.step_functions)


class _Raw(io.BytesIO):

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield self.read()


def canned(url: str, status: int, body: dict[str, Any]) -> AWSResponse:
    """Return a JSON answer that never came over a socket."""
    headers: Any = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse(url, status, headers, _Raw(json.dumps(body).encode()))


@dataclass
class Wire:
    """The calls so far, as (service, operation), in the order in which they left."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def listen(self, session: Any) -> None:
        """Count what the clients of this session send; those that exist already are not heard."""
        session.register("before-send", self._count)

    def answer_executions(self, session: Any) -> None:
        """Answer starts, stops and task tokens here instead of sending them: no machine runs while it counts."""
        session.register("before-send.sfn.StartExecution", self._started)
        session.register("before-send.sfn.StopExecution", self._stopped)
        session.register("before-send.sfn.SendTaskSuccess", self._told)

    def of(self, service: str) -> tuple[str, ...]:
        """Return the operations of one service."""
        return tuple(operation for called, operation in self.calls if called == service)

    def take(self) -> "Wire":
        """Return the calls so far and begin again."""
        taken = Wire(self.calls)
        self.calls = []
        return taken

    def _count(self, event_name: str, **_: object) -> None:
        service, operation = event_name.split(".")[1:]
        self.calls.append((service, operation))

    def _started(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.calls.append(("sfn", "StartExecution"))
        started = {"executionArn": "arn:aws:states:us-east-1:0:execution:counted:job", "startDate": 0}
        return canned(request.url, 200, started)

    def _stopped(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.calls.append(("sfn", "StopExecution"))
        return canned(request.url, 200, {"stopDate": 0})

    def _told(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        self.calls.append(("sfn", "SendTaskSuccess"))
        return canned(request.url, 200, {})


@contextmanager
def fresh_clients(environment: Mapping[str, str]) -> Iterator[Session]:
    """Give the process the AWS environment of a function and clients of its own in it; both end with the block."""
    before = {name: os.environ[name] for name in os.environ}
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(environment)
    _forget_clients()
    try:
        yield dynamo.session()
    finally:
        _forget_clients()
        os.environ.clear()
        os.environ.update(before)


def _forget_clients() -> None:
    for cached in _CLIENTS:
        cached.cache_clear()  # type: ignore[attr-defined]
