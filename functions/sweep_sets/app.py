"""The sweeper of annotation sets, once a minute: finishes what began to be published, removes what no set names."""

from typing import Any

from packhouse.annotations.chores import Chores
from packhouse.settings import ChoresSettings

_chores = Chores.from_settings(ChoresSettings.from_env())


def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answer the schedule."""
    return _chores.sweep()
