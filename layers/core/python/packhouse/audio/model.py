"""The words of audio files."""

from pydantic import BaseModel, ConfigDict

LONGEST_MS = 10**10 - 1
"""An audio file lasts less than 116 days: a start has ten digits in an annotation's place."""


class AudioFile(BaseModel):
    """An audio file of a dataset; it never changes. Rows of one `group` (a speaker, a call) stay in one split."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    uri: str
    duration_ms: int
    group: str | None = None
    created_at: str
    created_by: str
