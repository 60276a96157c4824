"""The words of the audit: who tried what with a dataset version, and what came of it."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class AuditAction(StrEnum):
    """What was tried."""

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    USE = "use"
    RELEASE = "release"


class AuditEntry(BaseModel):
    """One attempt: `code` is why it was refused, `None` where it was allowed; `facts` are what it was about."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    entry_id: str
    dataset_version_id: str
    action: AuditAction
    allowed: bool
    code: str | None
    at: str
    by: str
    facts: dict[str, Any] = {}
