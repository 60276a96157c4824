"""The sweeper, once a minute: starts jobs that were committed and not started, ends those that were left open."""

from typing import Any

from packhouse.kinds import sweeper_of
from packhouse.settings import SettleSettings

_settle = sweeper_of(SettleSettings.from_env())


def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answer the schedule."""
    return _settle.sweep()
