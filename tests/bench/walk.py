"""Requests made one after the other in this process, each with the calls that it cost and those it may cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packhouse.access.model import Principal, Role
from tests.bench.handlers import Answered, Handlers
from tests.bench.prepared import NAMESPACE, PROJECT
from tests.bench.wire import Wire

WORKSPACE = f"{NAMESPACE}/{PROJECT}"
OWNER = Principal(principal_id="user-owner", memberships={NAMESPACE: Role.OWNER})
Json = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """The most calls that a request may cost; `stated` where the design names the number itself."""

    dynamodb: int
    s3: int = 0
    stated: bool = False


@dataclass(frozen=True)
class Spent:
    """What one request cost."""

    request: str
    route: str
    dynamodb: tuple[str, ...]
    s3: tuple[str, ...]
    budget: Budget

    @property
    def kept(self) -> bool:
        return len(self.dynamodb) <= self.budget.dynamodb and len(self.s3) <= self.budget.s3


NONE = Budget(0, stated=True)
READ = Budget(1, stated=True)
ONE, TWO = Budget(1, stated=True), Budget(2, stated=True)
COMMAND = Budget(1)
DECISION = Budget(2)


class Walk:
    """Requests one after the other; `spent` holds what each cost."""

    def __init__(self, handlers: Handlers, wire: Wire) -> None:
        self.handlers, self.wire = handlers, wire

    def request(
        self,
        budget: Budget,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        name: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        caller: Principal = OWNER,
    ) -> tuple[Spent, Json]:
        """Make one request, which must answer with the status, and return what it cost and said."""
        self.wire.take()
        answered = self.handlers.call(method, path, caller, body, WORKSPACE, headers)
        spent = self._spent(name, f"{method} {answered.route.path}", budget)
        _demand(answered, status)
        return spent, answered.body

    def lines(self, budget: Budget, method: str, path: str, *, name: str = "", status: int = 200) -> Spent:
        """Make one request that is answered with lines of JSON, or with a head alone, and return what it cost."""
        self.wire.take()
        answered = self.handlers.call(method, path, OWNER, None, WORKSPACE)
        spent = self._spent(name, f"{method} {answered.route.path}", budget)
        _demand(answered, status)
        return spent

    def page(self, path: str) -> Spent:
        """Read a page, which answers no JSON and calls nothing."""
        self.wire.take()
        answered = self.handlers.call("GET", path)
        _demand(answered, 200)
        return self._spent("", f"GET {answered.route.path}", NONE)

    def authorize(self, name: str, budget: Budget, headers: Mapping[str, str], *, refused: bool = False) -> Spent:
        """Let the authorizer judge a credential."""
        self.wire.take()
        try:
            self.handlers.authorize(headers)
        except self.handlers.app("authorizer").Unauthorized:
            if not refused:
                raise
        return self._spent(name, "authorizer", budget)

    def _spent(self, name: str, route: str, budget: Budget) -> Spent:
        sent = self.wire.take()
        return Spent(name or route, route, sent.of("dynamodb"), sent.of("s3"), budget)


def _demand(answered: Answered, status: int) -> None:
    if answered.status != status:
        route = answered.route
        raise AssertionError(f"{route.method} {route.path}: {answered.status} {answered.text[:500]}")
