"""Step Functions executions: start one under its job's id, let it go on, stop it, ask how it ended."""

import functools
import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from packhouse.aws.dynamo import session


@functools.cache
def step_functions() -> Any:
    """Return the process's Step Functions client, made when first needed."""
    return session().create_client("stepfunctions")


@dataclass(frozen=True)
class ExecutionFacts:
    """How an execution stands: `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`, and the error it names."""

    status: str
    error: str | None


def execution_arn(machine_arn: str, name: str) -> str:
    """Return the ARN of a machine's execution.

    >>> execution_arn("arn:aws:states:eu-west-1:1:stateMachine:packhouse-build", "job_1")
    'arn:aws:states:eu-west-1:1:execution:packhouse-build:job_1'
    """
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def console_url(machine_arn: str, name: str) -> str:
    """Return the page of an execution in the Step Functions console."""
    region = machine_arn.split(":")[3]
    page = f"https://{region}.console.aws.amazon.com/states/home?region={region}"
    return f"{page}#/v2/executions/details/{execution_arn(machine_arn, name)}"


def start(machine_arn: str, name: str, payload: dict[str, Any]) -> None:
    """Start an execution; a second start under the same name is the same execution and changes nothing."""
    try:
        step_functions().start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(payload))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise


def go_on(token: str) -> None:
    """Let an execution go on that waits with this task token; one that waits no more is left as it is."""
    try:
        step_functions().send_task_success(taskToken=token, output="{}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"}:
            raise


def find(machine_arn: str, name: str) -> ExecutionFacts | None:
    """Return how the execution stands, or `None` when it was never started."""
    try:
        facts = step_functions().describe_execution(executionArn=execution_arn(machine_arn, name))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return None
        raise
    return ExecutionFacts(facts["status"], facts.get("error"))


def stop(machine_arn: str, name: str, cause: str) -> None:
    """Stop an execution; one that was never started or has ended is left as it is."""
    try:
        step_functions().stop_execution(executionArn=execution_arn(machine_arn, name), cause=cause)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"ExecutionDoesNotExist", "ValidationException"}:
            raise
