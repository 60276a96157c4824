"""Time and ids, so that everything else can take them as arguments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ulid import ULID

Clock = Callable[[], str]
"""Says the present moment as UTC ISO-8601 with milliseconds and `Z`; such strings sort in time."""

NewId = Callable[[str], str]
"""Makes a fresh id with the given prefix, sortable in time: `lp` → `lp_01J…`."""


def timestamp(moment: datetime) -> str:
    """Return the moment as it stands in every answer and item.

    >>> timestamp(datetime(2026, 4, 15, 10, 0, 0, 5000, tzinfo=UTC))
    '2026-04-15T10:00:00.005Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """Return the present moment."""
    return timestamp(datetime.now(UTC))


def new_id(prefix: str) -> str:
    """Return `<prefix>_<ULID>`: 26 characters of Crockford base 32, the first ten the millisecond."""
    return f"{prefix}_{ULID()}"


def later(moment: str, seconds: int) -> str:
    """Return the moment that many seconds after the given one.

    >>> later("2026-04-15T10:00:00.005Z", 900)
    '2026-04-15T10:15:00.005Z'
    """
    return timestamp(datetime.fromisoformat(moment) + timedelta(seconds=seconds))
