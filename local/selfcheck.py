"""Whether this emulator still does what the product leans on, in about two seconds.

Asks the deployed API for the outside and a throw-away state machine for the inside. What needs a crash to be seen
(writes and executions after `kill -9`) is a test's matter.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable

import httpx

from local import deploy
from local.stack import Stack

NAME = "packhouse-self-check"
ROLE = "arn:aws:iam::000000000000:role/self-check"
TASK = """
class Spoiled(Exception):
    pass

def handler(event, context):
    if event["n"] == 2:
        raise Spoiled("two")
    return event["n"]
"""
WAIT_SECONDS = 10


def served(stack: Stack) -> bool:
    """A public route answers."""
    return httpx.get(f"{stack.api_url}/api/v1/live").status_code == httpx.codes.OK


def guarded(stack: Stack) -> bool:
    """A route without a token answers 401, and with one it does not."""
    without, with_token = (httpx.get(f"{stack.api_url}/namespaces", headers=h) for h in ({}, stack.headers("owner")))
    return without.status_code == httpx.codes.UNAUTHORIZED and with_token.is_success


def expiring(stack: Stack) -> bool:
    """Items expire in every table that says so."""
    dynamodb = stack.client("dynamodb")
    found = [dynamodb.describe_time_to_live(TableName=table) for table in deploy.expiring_tables(stack.endpoint)]
    return all(one["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED" for one in found)


def signed(stack: Stack) -> bool:
    """A presigned upload with another content type than the signed one is refused."""
    address = stack.client("s3").generate_presigned_url(
        "put_object", {"Bucket": stack.buckets["uploads"], "Key": NAME, "ContentType": "application/x-ndjson"}
    )
    answer = httpx.put(address, content=b"{}", headers={"Content-Type": "text/html"})
    return answer.status_code == httpx.codes.FORBIDDEN


def mapped(stack: Stack) -> bool:
    """A distributed map reads its units from S3, and a Python error is caught by its class name."""
    s3, functions, machines = (stack.client(service) for service in ("s3", "lambda", "stepfunctions"))
    s3.put_object(Bucket=stack.buckets["data"], Key=f"{NAME}.json", Body=json.dumps([{"n": n} for n in range(3)]))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("task.py", TASK)
    function = functions.create_function(
        FunctionName=NAME, Runtime=deploy.MACHINE["Runtime"], Role=ROLE, Handler="task.handler",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]
    machine = machines.create_state_machine(
        name=NAME, roleArn=ROLE, definition=json.dumps(definition(stack.buckets["data"], function))
    )["stateMachineArn"]
    try:
        execution = machines.start_execution(stateMachineArn=machine)["executionArn"]
        deadline = time.monotonic() + WAIT_SECONDS
        found = machines.describe_execution(executionArn=execution)
        while found["status"] == "RUNNING" and time.monotonic() < deadline:
            time.sleep(0.05)
            found = machines.describe_execution(executionArn=execution)
        return bool(found["status"] == "SUCCEEDED" and json.loads(found["output"]) == [0, 1, "caught"])
    finally:
        machines.delete_state_machine(stateMachineArn=machine)
        functions.delete_function(FunctionName=NAME)


def definition(bucket: str, function: str) -> dict[str, object]:
    """Return the throw-away state machine."""
    caught = [{"ErrorEquals": ["Spoiled"], "Next": "Caught"}]
    return {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "End": True,
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket": bucket, "Key": f"{NAME}.json"},
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Unit",
                    "States": {
                        "Unit": {"Type": "Task", "Resource": function, "Catch": caught, "End": True},
                        "Caught": {"Type": "Pass", "Result": "caught", "End": True},
                    },
                },
            }
        },
    }


FACTS: tuple[Callable[[Stack], bool], ...] = (served, guarded, expiring, signed, mapped)


def failures(stack: Stack) -> list[str]:
    """Return the facts that do not hold."""
    return [(fact.__doc__ or fact.__name__) for fact in FACTS if not fact(stack)]
