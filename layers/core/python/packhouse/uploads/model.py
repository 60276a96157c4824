"""The words of uploads, whatever their lines are."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class ValidationStatus(StrEnum):
    """Whether all lines of an upload are rows of the form that it is taken for."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"


class LineFault(BaseModel):
    """A faulty line of an upload; line 0 is the upload as a whole."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    line: int
    pointer: str
    rule: str
    detail: str
