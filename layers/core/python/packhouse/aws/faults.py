"""Which failed calls to AWS are worth making again."""

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from packhouse.errors import ServiceUnavailableError

AWS_ERRORS = (PynamoDBException, BotoCoreError, ClientError)
AwsError = PynamoDBException | BotoCoreError | ClientError

_TRANSIENT = {
    "InternalError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottlingException",
    "TransactionInProgressException",
}


def is_transient(error: AwsError) -> bool:
    """Whether the same call may succeed later: throttled, a 5xx, or no answer at all."""
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return code in _TRANSIENT or status >= 500  # noqa: PLR2004  the 5xx class
    if isinstance(error, PynamoDBException):
        cause = error.cause
        return is_transient(cause) if isinstance(cause, ClientError | BotoCoreError) else False
    return True


def unavailable(error: AwsError) -> ServiceUnavailableError:
    """Return the transient error that a failed call stands for."""
    detail = "A service below is busy or unreachable; retry with backoff."
    return ServiceUnavailableError("SERVICE_UNAVAILABLE", detail, cause=type(error).__name__)
