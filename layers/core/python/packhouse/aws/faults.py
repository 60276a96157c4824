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
    "TransactionConflictException",
    "ThrottlingException",
    "TransactionInProgressException",
}


_TRANSIENT_REASONS = {"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}


def is_transient(error: AwsError) -> bool:
    """Whether the same call may succeed later: throttled, a 5xx, or no answer at all."""
    if isinstance(error, PynamoDBException):
        cause = error.cause
        return isinstance(cause, ClientError | BotoCoreError) and is_transient(cause)
    if isinstance(error, ClientError):
        # pynamodb's own ClientError holds the code alone; the one that botocore raised, its cause, has the whole reply.
        reply = (error.__cause__ if isinstance(error.__cause__, ClientError) else error).response
        reasons = {reason["Code"] for reason in reply.get("CancellationReasons", ())} - {"None"}
        return (
            reply["Error"]["Code"] in _TRANSIENT
            or reply.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500  # noqa: PLR2004  the 5xx class
            or (bool(reasons) and reasons <= _TRANSIENT_REASONS)
        )
    return True


def unavailable() -> ServiceUnavailableError:
    """Return the transient error that such a failed call stands for; the cause is for the log, not for the caller."""
    return ServiceUnavailableError("SERVICE_UNAVAILABLE", "A service below is busy or unreachable; retry with backoff.")
