"""What a list and a detail show of how far the looking up of assets has come."""

import pytest

from packhouse.builds.model import MaterializationStatus, materialization_status
from packhouse.jobs.model import JobStatus

REACHED = (None, *MaterializationStatus)
SETTLED = ("complete", "partial", "failed")


@pytest.mark.parametrize("build_status", list(JobStatus))
@pytest.mark.parametrize("reached", REACHED)
def test_what_has_settled_is_shown_and_what_cannot_settle_any_more_has_failed(
    build_status: JobStatus, reached: str | None
) -> None:
    shown = materialization_status(build_status, reached)
    if reached in SETTLED:
        assert shown == reached
    elif build_status in {JobStatus.FAILED, JobStatus.CANCELLED}:
        assert shown == "failed"
    else:
        assert shown == (reached or "pending")
