"""The words of annotation sets: audio files, annotations, sets and what they are kept in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from packhouse.access.model import Workspace
from packhouse.errors import ConflictError, NotFoundError

CAPABILITY = "audio_artifact_detection"
"""What annotation sets are of: their artifact types are its classes, and as this they are promoted."""

BULK_ROWS = 10_000
LONGEST_PAGE = 10_000
PAGE_BYTES = 4 * 1024 * 1024
"""So many bytes of rows an answer may have; what a function answers ends at 6 MB."""

GATES = 8
BATCH_ROWS_ALL, EDITS_A_GATE = 256_000, 32_000
"""So many annotations all batches of a set hold together, and so many single ones are added at each of its gates."""


KEPT_SECONDS = 3_600
"""What nothing names any more is kept so long: no request that began to read it before lasts longer."""

TRIES_IN_TURN = 30
"""What has to be written one after the other, such as the next version, is tried so often by those who came second."""


class SetStatus(StrEnum):
    """A draft is edited, a published set never again."""

    DRAFT = "draft"
    PUBLISHED = "published"


class SetState(StrEnum):
    """Where a set stands; between draft and published nobody writes any more, and the statistics are not there yet."""

    DRAFT = "draft"
    PUBLISHING = "publishing"
    PUBLISHED = "published"


class Annotation(BaseModel):
    """A stretch of an audio file, from `start_ms` up to `end_ms`, and what is heard there.

    The order of the fields is that of the keys of a line; see `packhouse.annotations.batches`.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    audio_file_id: str
    artifact_type: str
    start_ms: int
    end_ms: int
    confidence: float | None
    created_at: str
    created_by: str
    updated_at: str


class Statistics(BaseModel):
    """What a set comes to; durations are of the union of its segments per audio file, added over the files."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    total_annotations: int
    total_positive_duration_ms: int
    annotations_by_type: dict[str, int]
    duration_ms_by_type: dict[str, int]
    audio_files: int


class Batch(BaseModel):
    """Annotations that came together: one immutable object, sorted by place, with its index and ids beside it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    key: str
    rows: int
    bytes: int
    sha256: str


class ChoreKind(StrEnum):
    """What is left to be done for a set: finish its publishing, remove batches, or all that it needs no more."""

    PUBLISH = "publish"
    REMOVE = "remove"
    CLEAR = "clear"


class Chore(BaseModel):
    """Something that is left to be done when nobody has done it by `due`; `keys` are the batches to be removed."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    kind: ChoreKind
    due: str
    annotation_set_id: str
    dataset_id: str
    workspace: str
    keys: tuple[str, ...] = ()


class Head(BaseModel):
    """A set as it is kept; `revision` moves with every write of the head.

    `publish_token` tells the request that published it, if it came under an `Idempotency-Key`; `publishing` is the
    chore that finishes it.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    dataset_id: str
    workspace: str
    project_id: str
    version: int
    state: SetState
    revision: int
    copied_from: str | None
    extra_data: dict[str, Any] | None
    created_at: str
    created_by: str
    batches: tuple[Batch, ...]
    statistics: Statistics | None = None
    published_at: str | None = None
    published_by: str | None = None
    publish_token: str | None = None
    publishing: Chore | None = None

    @property
    def is_published(self) -> bool:
        """Whether the set is published, its object and statistics there."""
        return self.state is SetState.PUBLISHED

    @property
    def batch_rows(self) -> int:
        """How many annotations are in its batches."""
        return sum(batch.rows for batch in self.batches)


class Gate(BaseModel):
    """One of a set's gates: what single writes at it have added less what they removed, and how many there were."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    number: int
    rows: int
    writes: int


@dataclass(frozen=True)
class SetKey:
    """Which set is meant: whose, of which dataset."""

    workspace: Workspace
    dataset_id: str
    id: str

    def missing(self) -> NotFoundError:
        """Return that there is no such set."""
        return NotFoundError("ANNOTATION_SET_NOT_FOUND", f"There is no annotation set {self.id} in {self.dataset_id}.")

    def published(self) -> ConflictError:
        """Return that the set takes no write any more."""
        return ConflictError("ANNOTATION_SET_PUBLISHED", f"The annotation set {self.id} is published, for good.")


class AnnotationSet(BaseModel):
    """A version of a dataset's annotations. The statistics of a draft are computed when it is published."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    id: str
    dataset_id: str
    version: int
    status: SetStatus
    total_annotations: int
    total_positive_duration_ms: int | None = None
    annotations_by_type: dict[str, int] | None = None
    duration_ms_by_type: dict[str, int] | None = None
    copied_from: str | None
    extra_data: dict[str, Any] | None
    rows_sha256: str | None = Field(default=None, description="SHA-256 of the published object.")
    rows_bytes: int | None = None
    created_at: str
    created_by: str
    published_at: str | None
    published_by: str | None
    etag: str


class Added(BaseModel):
    """What a bulk came to."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    annotation_set_id: str
    created: int


class Download(BaseModel):
    """The published object of a set, and a URL that downloads it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: str
    rows: int
    bytes: int
    sha256: str
    url: str
    expires_at: str


class Promotion(BaseModel):
    """The label pack revision that a published set became, and the job that ingests it."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    annotation_set_id: str
    label_pack_id: str
    revision_id: str
    revision: int
    rows: int
    job_id: str


class Unannotated(StrEnum):
    """What becomes of audio files without an annotation in the set: no row, an unlabelled one, or an empty one."""

    LEFT_OUT = "left_out"
    UNLABELLED = "unlabelled"
    EMPTY = "empty"


class ChangeKind(StrEnum):
    """How an annotation of one set differs from the other set."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Change(BaseModel):
    """An annotation that is only in one of two sets, or that says another thing in each."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    change: ChangeKind
    before: Annotation | None
    after: Annotation | None


class SetDiff(BaseModel):
    """What changed from the set `against` to the set: counts of all, and a page of the changes by place."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    annotation_set_id: str
    against: str
    counts: dict[str, int]
    deltas_by_type: dict[str, int]
    items: tuple[Change, ...]
    next_cursor: str | None
