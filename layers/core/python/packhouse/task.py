"""The edge of a state-machine task: a payload in, a few bytes out, and a failure told where RecordFailure finds it.

This is one of the two edges where an unforeseen exception is caught (the other is `packhouse.api.app`). A map hides its
units' errors from the machine, so a failing task first writes a note (code, unit, detail) below the job's prefix. Only
`ServiceUnavailableError` leaves no note: the machine retries it.
"""

import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from packhouse.aws.faults import AWS_ERRORS, is_transient, unavailable
from packhouse.aws.objects import Objects
from packhouse.errors import PackhouseError, ServiceUnavailableError
from packhouse.jobs.model import JobError

Payload = dict[str, Any]
Task = Callable[[Payload], Payload]

logger = Logger(service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "packhouse"))
metrics = Metrics(namespace="Packhouse", service=logger.service)


def task_handler(step: str, run: Task, notes: Objects) -> Callable[[Payload, object], Payload]:
    """Return the Lambda handler of a task; `notes` is the bucket that holds the job's prefix."""

    def handler(event: Payload, _context: object) -> Payload:
        with logger.append_context_keys(job_id=event["job_id"], step=step, unit=event.get("unit")):
            try:
                result = run(event)
            except ServiceUnavailableError:
                logger.warning("service unavailable", exc_info=True)
                raise
            except PackhouseError as error:
                logger.exception("task failed")
                _write_note(notes, event, step, JobError(code=error.code, detail=error.detail))
                raise
            except Exception as error:
                if isinstance(error, AWS_ERRORS) and is_transient(error):
                    raise unavailable() from error
                logger.exception("task failed in an unforeseen way")
                count_unforeseen()
                _write_note(notes, event, step, JobError(code="TASK_FAILED", detail=f"{step}: {type(error).__name__}"))
                raise
            logger.info("task done", result=result)
            return result

    return handler


def count_unforeseen() -> None:
    """Count an error that has no code of its own: the alarm of a task's function looks at nothing else."""
    metrics.add_metric(name="UnhandledError", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def note_prefix(prefix: str) -> str:
    """Return where the failures of a job's tasks are noted."""
    return f"{prefix}failures/"


def _write_note(notes: Objects, event: Payload, step: str, error: JobError) -> None:
    unit = event.get("unit")
    told = error if unit is None else error.model_copy(update={"unit": f"{step} {unit}"})
    name = f"{step}-{unit}.json" if unit is not None else f"{step}.json"
    notes.overwrite(note_prefix(event["prefix"]) + name, told.model_dump_json().encode(), "application/json")


def find_note(notes: Objects, prefix: str) -> JobError | None:
    """Return the first failure that a job's tasks noted, by step and unit, or `None`."""
    for page in notes.iter_facts(note_prefix(prefix)):
        for facts in page:
            return JobError.model_validate_json(notes.read(facts.key))
    return None


NOT_CONFIRMED = JobError(code="NOT_CONFIRMED", detail="Nobody confirmed the preview within seven days.")
_MACHINE_ERRORS = {"States.Timeout": "TASK_TIMED_OUT", "ServiceUnavailableError": "SERVICE_UNAVAILABLE"}


def machine_error(failure: dict[str, str]) -> JobError:
    """Return the job's error for an error that the machine itself names (`Error` and `Cause` of a Catch).

    >>> machine_error({"Error": "States.Timeout", "Cause": ""}).code
    'TASK_TIMED_OUT'
    """
    name = failure.get("Error", "")
    return JobError(code=_MACHINE_ERRORS.get(name, "TASK_FAILED"), detail=f"The machine reports {name or 'a failure'}.")
