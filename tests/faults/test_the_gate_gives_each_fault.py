"""What the tests of faults stand on: each kind of fault has the effect and the error that it is named for."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from packhouse.aws import dynamo, executions, objects
from tests.faults.gate import Killed
from tests.faults.kinds import Fault, Kind, iter_faults, kinds_at
from tests.faults.world import World

Json = dict[str, Any]
TABLE = "LabelsTable"
BEFORE = (Kind.THROTTLE, Kind.OVER_CAPACITY, Kind.ERROR, Kind.TIMEOUT_BEFORE, Kind.CRASH_BEFORE)
AFTER = (Kind.TIMEOUT_AFTER, Kind.CRASH_AFTER)


def client() -> Any:
    return dynamo.connection().client


def key(name: str) -> Json:
    return {"pk": {"S": "GATE"}, "sk": {"S": name}}


def put(name: str) -> None:
    client().put_item(TableName=TABLE, Item=key(name))


def there() -> set[str]:
    asked: Json = {"TableName": TABLE, "KeyConditionExpression": "pk = :pk"}
    found = client().query(**asked, ExpressionAttributeValues={":pk": {"S": "GATE"}}, ConsistentRead=True)["Items"]
    return {item["sk"]["S"] for item in found}


def raised(world: World, fault: Fault, call: Callable[[], object]) -> BaseException | None:
    with world.gate.injecting(fault):
        try:
            call()
        except (ClientError, ReadTimeoutError, Killed) as error:
            return error
    return None


def code(error: BaseException | None) -> tuple[int, str]:
    assert isinstance(error, ClientError)
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


@pytest.mark.parametrize("kind", BEFORE)
def test_nothing_is_written_before_the_effect(world: World, kind: Kind) -> None:
    assert raised(world, Fault(0, kind, sustained=True), lambda: put(f"not {kind}")) is not None
    assert f"not {kind}" not in there()


@pytest.mark.parametrize("kind", AFTER)
def test_the_effect_is_there_when_its_answer_is_lost(world: World, kind: Kind) -> None:
    error = raised(world, Fault(0, kind, sustained=True), lambda: put(f"yes {kind}"))
    assert isinstance(error, ReadTimeoutError if kind is Kind.TIMEOUT_AFTER else Killed)
    assert f"yes {kind}" in there()


@pytest.mark.parametrize("kind", [Kind.THROTTLE, Kind.OVER_CAPACITY, Kind.ERROR, *AFTER[:1], Kind.TIMEOUT_BEFORE])
def test_what_happens_once_is_tried_again_by_the_client(world: World, kind: Kind) -> None:
    assert raised(world, Fault(0, kind), lambda: put(f"once {kind}")) is None
    assert world.gate.operations == ["dynamodb.PutItem"] * 2
    assert f"once {kind}" in there()


def test_only_the_named_call_meets_the_fault(world: World) -> None:
    with world.gate.injecting(Fault(1, Kind.CRASH_BEFORE)):
        put("first")
        with pytest.raises(Killed):
            put("second")
        put("third")
    assert {"first", "third"} <= there()
    assert "second" not in there()
    assert world.gate.met == 1


def test_each_service_refuses_in_its_own_words(world: World) -> None:
    def read() -> None:
        objects.s3().get_object(Bucket="databucket", Key="any")

    def look() -> None:
        objects.s3().head_object(Bucket="databucket", Key="any")

    def start() -> None:
        executions.start("arn:aws:states:us-east-1:0:stateMachine:any", "gate", {})

    throttled = Fault(0, Kind.THROTTLE, sustained=True)
    broken = Fault(0, Kind.ERROR, sustained=True)
    full = Fault(0, Kind.OVER_CAPACITY, sustained=True)
    assert code(raised(world, throttled, there)) == (400, "ThrottlingException")
    assert code(raised(world, full, there)) == (400, "ProvisionedThroughputExceededException")
    assert code(raised(world, broken, there)) == (500, "InternalServerError")
    assert code(raised(world, throttled, read)) == (503, "SlowDown")
    assert code(raised(world, broken, read)) == (500, "InternalError")
    assert code(raised(world, throttled, look)) == (503, "503")
    assert code(raised(world, throttled, start)) == (400, "ThrottlingException")
    assert code(raised(world, broken, start)) == (500, "InternalFailure")
    assert "gate" not in world.executions.status


def test_half_a_batch_is_done_and_the_rest_told(world: World) -> None:
    half = Fault(0, Kind.PARTIAL_BATCH)
    puts = [{"PutRequest": {"Item": key(f"batch {number}")}} for number in range(4)]
    with world.gate.injecting(half):
        left = client().batch_write_item(RequestItems={TABLE: puts})["UnprocessedItems"]
    assert left == {TABLE: puts[2:]}
    assert {name for name in there() if name.startswith("batch")} == {"batch 0", "batch 1"}
    asked = {TABLE: {"ConsistentRead": True, "Keys": [key("batch 0"), key("batch 1")]}}
    with world.gate.injecting(half):
        answer = client().batch_get_item(RequestItems=asked)
    assert answer["Responses"] == {TABLE: [key("batch 0")]}
    assert answer["UnprocessedKeys"] == {TABLE: {"ConsistentRead": True, "Keys": [key("batch 1")]}}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Kind.CONFLICT, "TransactionConflict"), (Kind.OVER_CAPACITY, "ProvisionedThroughputExceeded")],
)
def test_a_transaction_is_cancelled_with_a_reason(world: World, kind: Kind, reason: str) -> None:
    items = [{"Put": {"TableName": TABLE, "Item": key(f"{reason} {number}")}} for number in range(2)]
    error = raised(world, Fault(0, kind), lambda: client().transact_write_items(TransactItems=items))
    assert code(error) == (400, "TransactionCanceledException")
    assert isinstance(error, ClientError)
    reply: Any = error.response
    assert [told["Code"] for told in reply["CancellationReasons"]] == [reason, "None"]
    assert there().isdisjoint({f"{reason} 0", f"{reason} 1"})


def test_a_transaction_that_comes_again_under_its_token_changes_nothing(world: World) -> None:
    def add(more: str) -> None:
        update = {
            "TableName": TABLE,
            "Key": key("counter"),
            "UpdateExpression": "ADD version :more",
            "ExpressionAttributeValues": {":more": {"N": more}},
        }
        client().transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken="token")

    assert raised(world, Fault(0, Kind.TIMEOUT_AFTER), lambda: add("1")) is None
    with suppress(ReadTimeoutError), world.gate.injecting(Fault(0, Kind.TIMEOUT_AFTER, sustained=True)):
        add("1")
    assert client().get_item(TableName=TABLE, Key=key("counter"))["Item"]["version"] == {"N": "1"}
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        add("2")


def test_kinds_are_given_where_they_apply() -> None:
    assert Kind.PARTIAL_BATCH not in kinds_at("dynamodb.PutItem")
    assert Kind.PARTIAL_BATCH in kinds_at("dynamodb.BatchGetItem")
    assert Kind.CONFLICT in kinds_at("dynamodb.TransactWriteItems")
    assert {Kind.CONFLICT, Kind.PARTIAL_BATCH, Kind.OVER_CAPACITY}.isdisjoint(kinds_at("s3.PutObject"))
    # Six kinds on S3, four of them sustained too.
    assert len(list(iter_faults(["s3.PutObject"]))) == 10
    assert len(list(iter_faults(["dynamodb.TransactWriteItems", "s3.PutObject"]))) == 24


def test_what_is_remembered_comes_back_whole(world: World) -> None:
    store = world.data
    put("kept")
    store.overwrite("kept", b"first", "text/plain")
    store.overwrite("deleted", b"first", "text/plain")
    executions.start("arn:aws:states:us-east-1:0:stateMachine:any", "kept", {})
    memory = world.remember()
    put("later")
    client().delete_item(TableName=TABLE, Key=key("kept"))
    store.overwrite("kept", b"second", "text/plain")
    store.overwrite("later", b"second", "text/plain")
    objects.s3().delete_object(Bucket=store.bucket, Key="deleted")
    world.executions.status |= {"kept": "ABORTED", "later": "RUNNING"}
    for _ in range(2):
        world.recall(memory)
        assert "kept" in there()
        assert "later" not in there()
        assert (store.read("kept"), store.read("deleted"), store.find_facts("later")) == (b"first", b"first", None)
        assert (world.executions.status["kept"], world.executions.status.get("later")) == ("RUNNING", None)
        assert client().get_item(TableName=TABLE, Key=key("kept"))["Item"] == key("kept")
        store.overwrite("kept", b"third", "text/plain")
        more: Json = {"AttributeUpdates": {"version": {"Action": "ADD", "Value": {"N": "1"}}}}
        client().update_item(TableName=TABLE, Key=key("kept"), **more)
