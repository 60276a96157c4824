"""AWS in this process, for what is tested against its own stores: one thread, no races."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from moto import mock_aws

from packhouse.aws import dynamo, objects
from tests.bench.template import iter_tables
from tests.bench.wire import Wire, fresh_clients

# A deadline for each example would fail on a busy machine, not on a wrong program.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
BUCKETS = ("databucket", "uploadsbucket")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The template's tables and buckets, empty, named after their logical ids; every call to them is counted."""
    with mock_aws(), fresh_clients(ENVIRONMENT) as session:
        counted = Wire()
        counted.listen(session)
        counted.answer_executions(session)
        client: Any = dynamo.connection().client
        for table in iter_tables():
            client.create_table(**table)
        for bucket in BUCKETS:
            objects.s3().create_bucket(Bucket=bucket)
        counted.take()
        yield counted
