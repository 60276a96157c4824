"""One registry in this process a test file."""

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from packhouse.aws import dynamo, objects
from tests.bench.template import iter_tables
from tests.bench.wire import fresh_clients
from tests.faults.executions import Executions
from tests.faults.gate import Gate
from tests.faults.world import World
from tests.unit.conftest import BUCKETS, ENVIRONMENT


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with mock_aws(), fresh_clients(ENVIRONMENT) as session:
        gate, executions = Gate(session), Executions(session)
        client: Any = dynamo.connection().client
        for table in iter_tables():
            client.create_table(**table)
        for bucket in BUCKETS:
            objects.s3().create_bucket(Bucket=bucket)
        yield World(gate, executions)
