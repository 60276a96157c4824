"""No endpoint costs more calls to DynamoDB and S3 than its budget; the bench counts the same on the emulator."""

from collections.abc import Iterator

import pytest

from tests.bench.endpoints import iter_spent
from tests.bench.handlers import Handlers
from tests.bench.template import filled_in, iter_functions, iter_routes
from tests.bench.walk import Spent
from tests.bench.wire import Wire
from tests.unit.access.issuer import AUDIENCE, ISSUER, KeyServer, claims, token

# Found by the reads a request needs in any case: two keys beside a full hundred of packs cost a second call, and the
# version that serves a repeated request, or the counter of the dataset that a request names, one more. Nothing else may
# be over, and these leave the list once they are not.
KNOWN_OVER = {
    "POST /api/v1/datasets/build, 99 packs, reused",
    "POST /api/v1/datasets/build, 100 packs, reused",
    "POST /api/v1/datasets/build, 100 packs, in a dataset",
}

FREE = {"GET /api/v1/live", "GET /api/v1/openapi.json", "GET /api/v1/docs", "authorizer, forged JWT"}


@pytest.fixture
def spent(wire: Wire) -> Iterator[list[Spent]]:
    with KeyServer() as server:
        parameters = {"JwksUrl": server.url, "JwtIssuer": ISSUER, "JwtAudience": AUDIENCE}
        variables = {function.name: filled_in(function, parameters) for function in iter_functions()}
        everything = {name: value for told in variables.values() for name, value in told.items()}
        yield list(iter_spent(Handlers(variables), wire, everything, token(claims())))


def test_no_request_costs_more_than_its_budget_and_every_endpoint_has_one(spent: list[Spent]) -> None:
    over = {one.request: (one.dynamodb, one.s3, one.budget) for one in spent if not one.kept}
    assert over.keys() == KNOWN_OVER, over
    routes = {f"{route.method} {route.path}" for route in iter_routes()}
    assert routes - {one.route for one in spent} == set()
    # Counting nothing would keep every budget.
    assert sum(len(one.dynamodb) for one in spent) > len(routes)
    assert {one.request for one in spent if not one.dynamodb} == FREE
