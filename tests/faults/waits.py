"""No test sits through a backoff: waits are added up instead of slept."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from unittest import mock

from botocore.retries.quota import RetryQuota

from tests.bench.template import read

FUNCTION_SECONDS: int = read()["Globals"]["Function"]["Timeout"]
"""When Lambda ends a function of the API: what waits longer has no answer."""

_ENDLESS_SECONDS = 3600.0


class EndlessError(BaseException):
    """Something retries for ever."""


class Waits:
    """The seconds that were asked for since `begin`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def begin(self) -> None:
        self.seconds = 0.0

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds
        if self.seconds > _ENDLESS_SECONDS:
            raise EndlessError


@contextmanager
def no_waiting() -> Iterator[Waits]:
    """Add up what is slept in the block.

    botocore lets a client retry no more once a few dozen calls of it have failed. Every request here stands for a
    process of its own, so the clients made in the block have quota for all of them.
    """
    waits = Waits()
    plenty = partial(RetryQuota, 10**9)
    with mock.patch("time.sleep", waits), mock.patch("botocore.retries.quota.RetryQuota", plenty):
        yield waits
