"""What contract C states each request of datasets to cost, and that ours costs less: counted on the wire.

"DB roundtrips | 3" of creating, 4 of each other; the list's last two of four go out together ("3 effective").
"""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from packhouse.aws import dynamo
from tests.bench.handlers import Handlers
from tests.bench.prepared import NAMESPACE, PROJECT
from tests.bench.template import filled_in, iter_functions, iter_tables
from tests.bench.walk import Budget, Walk
from tests.bench.wire import Wire, fresh_clients
from tests.registry import Json
from tests.unit.conftest import ENVIRONMENT

SPACE = f"/namespaces/{NAMESPACE}/projects/{PROJECT}"
DATASETS = f"{SPACE}/datasets"
ANY = Budget(100)


@pytest.fixture
def walk() -> Iterator[Walk]:
    """A space with the dataset `training-v2`, in which a collection is."""
    with mock_aws(), fresh_clients(ENVIRONMENT) as session:
        wire = Wire()
        wire.listen(session)
        client: Any = dynamo.connection().client
        for table in iter_tables():
            client.create_table(**table)
        (catalog,) = [function for function in iter_functions() if function.name == "catalog"]
        walk = Walk(Handlers({"catalog": filled_in(catalog, {})}), wire)
        walk.request(ANY, "POST", "/namespaces", {"slug": NAMESPACE, "name": "Counted"}, status=201)
        walk.request(ANY, "POST", f"/namespaces/{NAMESPACE}/projects", {"slug": PROJECT, "name": "Counted"}, status=201)
        walk.request(ANY, "POST", DATASETS, {"name": "training-v2", "description": "Q1"}, status=201)
        collection = {"name": "front-camera-clips", "dataset": "training-v2", "members": ["nodeId1"]}
        walk.request(ANY, "POST", f"{SPACE}/collections", collection, status=201)
        yield walk


def cost(walk: Walk, method: str, path: str, body: Json | None = None, status: int = 200) -> int:
    spent = walk.request(ANY, method, path, body, status=status)[0]
    assert spent.s3 == ()
    return len(spent.dynamodb)


def test_create_costs_fewer_round_trips_than_the_contract_states(walk: Walk) -> None:
    """DB roundtrips | 3; a refused one costs no more."""
    assert cost(walk, "POST", DATASETS, {"name": "eval-set"}, 201) == 1
    assert cost(walk, "POST", DATASETS, {"name": "eval-set"}, 409) == 1
    assert cost(walk, "POST", f"/namespaces/{NAMESPACE}/projects/none/datasets", {"name": "eval-set"}, 404) == 1


def test_list_costs_fewer_round_trips_than_the_contract_states(walk: Walk) -> None:
    """DB roundtrips | 4 (3 effective)."""
    assert cost(walk, "GET", DATASETS) == 1
    assert cost(walk, "GET", f"{DATASETS}?page=7&pageSize=200") == 1


def test_get_costs_fewer_round_trips_than_the_contract_states(walk: Walk) -> None:
    """DB roundtrips | 4."""
    assert cost(walk, "GET", f"{DATASETS}/training-v2") == 2
    assert cost(walk, "GET", f"{DATASETS}/nothing", status=404) == 1


def test_update_costs_fewer_round_trips_than_the_contract_states(walk: Walk) -> None:
    """DB roundtrips | 4."""
    assert cost(walk, "PATCH", f"{DATASETS}/training-v2", {"description": "Q2", "tags": ["q2"]}) == 1
    assert cost(walk, "PATCH", f"{DATASETS}/training-v2", {"name": "training-v3"}) == 2


def test_delete_costs_fewer_round_trips_than_the_contract_states(walk: Walk) -> None:
    """DB roundtrips | 4."""
    assert cost(walk, "DELETE", f"{DATASETS}/training-v2") == 2


def test_soft_delete_keeps_what_the_dataset_was(walk: Walk) -> None:
    """Soft-delete a dataset."""
    made = walk.request(ANY, "GET", f"{DATASETS}/training-v2")[1]
    walk.request(ANY, "DELETE", f"{DATASETS}/training-v2")
    client: Any = dynamo.connection().client
    items = client.scan(TableName="CatalogTable")["Items"]
    (kept,) = [item for item in items if "deleted_at" in item]
    assert made["id"] in kept["body"]["S"]
    assert made["description"] in kept["body"]["S"]
