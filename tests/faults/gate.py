"""A gate at the botocore edge: every attempt of every call to AWS passes here, is counted, and can meet a fault.

Behind the gate stand moto and what plays beside it; nothing leaves the process. A scheduler may hold whoever passes,
before the effect of the call and again behind it.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core.models import botocore_stubber

from tests.faults.batches import answer_half
from tests.faults.kinds import CRASHES, Fault, Kind
from tests.faults.refusals import find_refusal
from tests.faults.tables import Tables, played

Service = Callable[[str, AWSPreparedRequest], AWSResponse]


class Killed(BaseException):
    """The process ended here. No edge catches it: whatever was not written is lost, nothing is cleaned up."""


class Gate:
    """Stands between the clients of one session and AWS; make it before the clients.

    `operations` are the calls since the last block began, named as in `dynamodb.PutItem`, `met` counts the faults that
    were given. A scheduler sets `pause`; it is called on both sides of every effect, and `notice` at once behind it,
    with the operation, while nobody else runs.
    """

    def __init__(self, session: Any, services: Mapping[str, Service]) -> None:
        self.operations: list[str] = []
        self.met = 0
        self.pause: Callable[[], None] = go_on
        self.notice: Callable[[str], None] = unnoticed
        self.tables = Tables()
        self._services: dict[str, Service] = {"dynamodb": self.tables, **services}
        self._fault: Fault | None = None
        # All handlers of this event are called, and moto's comes first: its effect would precede every fault.
        session.unregister("before-send", botocore_stubber)
        session.register("before-send", self._pass)

    @contextmanager
    def injecting(self, fault: Fault | None) -> Iterator[None]:
        """Disturb what runs in the block by one fault; `operations` and `met` are of the block."""
        self.operations, self.met, self._fault = [], 0, fault
        try:
            yield
        finally:
            self._fault = None

    def _pass(self, event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        operation = event_name.removeprefix("before-send.")
        if isinstance(sys.exception(), Killed):  # a context that is left by it makes no call any more
            raise Killed
        self.operations.append(operation)
        kind = self._kind_at(len(self.operations) - 1)
        self.pause()
        answer = self._answer(kind, operation, request)
        self.pause()
        return answer

    def _kind_at(self, call: int) -> Kind | None:
        fault = self._fault
        if fault is None or call < fault.call:
            return None
        if call > fault.call and not (fault.sustained and self.operations[call] == self.operations[fault.call]):
            return None
        self.met += 1
        return fault.kind

    def _answer(self, kind: Kind | None, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        if kind is None:
            return self._effect(operation, request)
        if kind is Kind.PARTIAL_BATCH:
            return answer_half(self.tables, operation, request)
        refused = find_refusal(kind, operation, request)
        if refused is not None:
            return refused
        if kind in {Kind.TIMEOUT_AFTER, Kind.CRASH_AFTER}:
            self._effect(operation, request)
        if kind in CRASHES:
            raise Killed
        raise ReadTimeoutError(endpoint_url=request.url)

    def _effect(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        service = self._services.get(operation.partition(".")[0], played)
        answer = service(operation, request)
        self.notice(operation)
        return answer


def go_on() -> None:
    """Hold nobody."""


def unnoticed(_: str) -> None:
    """Let it pass."""
