"""Answers whose form no result of a handler tells: what `show` makes of one, and what is answered as plain JSON.

For the document alone: it imports them when it is asked for, so that no other function pays for them at its cold start.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from packhouse.builds.model import ExcludedPack, MaterializationStatus, Outcome, Scope
from packhouse.freezes.model import Decision
from packhouse.jobs.model import Job, JobError, JobStatus
from packhouse.labels.model import Revision

Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]


def sometimes(default: Any) -> Any:
    """Declare a field that an answer does not always have."""
    return Field(default=default, exclude_if=lambda _: True)


class Upload(BaseModel):
    """How the bytes of a revision or an import are sent: with this method, to this URL, with exactly these headers."""

    method: Literal["PUT"]
    url: Url
    headers: dict[str, str]
    expires_at: str


class RevisionMade(Revision):
    """A new revision; `upload` is there when its bytes are to be sent to a presigned URL."""

    upload: Upload | None = sometimes(None)


class IngestStarted(BaseModel):
    """The job that validates a revision."""

    job_id: str
    job_status: JobStatus
    revision_id: str


class JobShown(Job):
    """A job, and where its execution is seen. `done` of `total` units of the current `step` are finished."""

    execution_input: dict[str, Any] = Field(default={}, exclude=True)
    execution_url: Url


class BuildShown(BaseModel):
    """What a build request led to: the version that serves it, its job, and how each requested pack was judged."""

    outcome: Outcome
    dataset_version_id: str
    version_id: str
    name: str
    capability: str
    workspace: str
    build_status: JobStatus
    job_id: str
    job_status: JobStatus
    included_label_pack_ids: list[str]
    excluded_label_pack_ids: list[ExcludedPack]
    revisions: dict[str, str] = Field(description="The revision that is built, by label pack.")
    reuse_fingerprint: str
    build_fingerprint: str


class IssueShown(BaseModel):
    """Something to know before a build: an error refuses it, a warning goes along with it."""

    code: str
    level: Literal["error", "warning"]
    detail: str


class OverlapShown(BaseModel):
    """Label packs that are in a frozen version as well, the first of them by id; counted are all.

    The version is named to a caller who can see its project, and null to others.
    """

    dataset_version_id: str | None
    workspace: str | None
    label_pack_count: int
    label_pack_ids: list[str]


class PreflightShown(BaseModel):
    """What a build of the same body would take in, leave out and put where; counts are null where none were made."""

    capability: str
    requested_count: int
    included_count: int
    excluded_count: int
    included_label_pack_ids: list[str]
    excluded_label_pack_ids: list[ExcludedPack]
    revisions: dict[str, str] = Field(description="The revision that would be built, by label pack.")
    scope: Scope
    split: "SplitShown"
    samples: int | None
    groups: int | None
    left_out: dict[str, int] | None
    frozen_overlap: list[OverlapShown]
    issues: list[IssueShown]
    buildable: bool | None = Field(description="Null where nothing speaks against it and not all was looked at.")
    reuse_fingerprint: str


class ChangedRow(BaseModel):
    """A row that changed, and its split; of a removed one the split it was in."""

    sample_id: str
    split: str


class MovedRow(BaseModel):
    """A row that is in another split now."""

    sample_id: str
    from_: str = Field(alias="from")
    to: str


class ChangedRows(BaseModel):
    """How many rows changed in this way, and the first hundred by sample id."""

    count: int
    first: list[ChangedRow]


class MovedRows(BaseModel):
    """How many rows moved, and the first hundred by sample id."""

    count: int
    first: list[MovedRow]


class RowChanges(BaseModel):
    """Rows that changed; one that was relabelled and moved stands in both."""

    added: ChangedRows
    removed: ChangedRows
    relabelled: ChangedRows
    moved: MovedRows


class Delta(BaseModel):
    """A count in both versions, and how much it grew."""

    before: int
    after: int
    delta: int


class ClassDelta(BaseModel):
    """A class's samples and labels in both versions."""

    class_: str = Field(alias="class")
    samples: Delta
    labels: Delta


class DiffShown(BaseModel):
    """What changed from the version `against` to this one."""

    dataset_version_id: str
    against: str
    rows: RowChanges
    classes: list[ClassDelta]


class VersionJob(BaseModel):
    """The job that builds the version."""

    job_id: str
    status: JobStatus
    error: JobError | None


class Provenance(BaseModel):
    """What the version can be told from others by, and made again from."""

    manifest_hash: str | None
    reuse_fingerprint: str
    build_fingerprint: str
    seed: int


class SplitCount(BaseModel):
    """What of the version lies in one split."""

    samples: int
    groups: int


class SplitShown(BaseModel):
    """How groups are spread over train, val and test."""

    strategy: str
    ratio: dict[str, float]
    seed: int
    sticky_to: str | None
    counts: dict[str, SplitCount] | None


class IndicatorShown(BaseModel):
    """One thing that the quality policy found: the value measured, the bound it broke, and what shows it."""

    code: str
    level: Literal["warning", "hard_fail"]
    measure: str
    value: float
    threshold: float
    detail: Any


class QualityShown(BaseModel):
    """The verdict of the quality policy; the stage is absent until it has been judged."""

    status: Literal["pass", "warnings", "hard_fail", "not_evaluated"]
    policy_version: str | None
    warnings: int
    hard_fails: int
    stage: Literal["built", "materialized"] = sometimes("built")
    indicators: list[IndicatorShown]
    badge: str


class MaterializationShown(BaseModel):
    """The assets that the rows name: wanted, found, and missing by reason."""

    status: Literal["complete", "partial", "failed"]
    wanted: int
    found: int
    missing: dict[str, int]
    bytes: int


class SourcePack(BaseModel):
    """A label pack that is built in, and the revision and content of it."""

    label_pack_id: str
    workspace: str
    revision_id: str
    content_hash: str
    rows: int


class SourcesShown(BaseModel):
    """What the version is made of and what stayed out; of very many packs the first are named."""

    include_reviewed_override: bool = Field(description="Whether revisions that were only reviewed could go in.")
    included_count: int
    excluded_count: int
    included: list[SourcePack]
    excluded: list[ExcludedPack]


class ClassCount(BaseModel):
    """How often a class occurs."""

    samples: int
    labels: int


class Counted(BaseModel):
    """What is in the version, and which rows were left out by reason."""

    rows_in: int
    rows: int
    left_out: dict[str, int]
    unlabelled: int
    empty: int
    labels: int
    classes: dict[str, ClassCount]
    cameras: dict[str, int]
    groups: int


class VersionShown(BaseModel):
    """A dataset version in full; a section whose step has not run yet is null."""

    dataset_version_id: str
    version_id: str
    name: str
    description: str | None
    dataset: str | None = Field(description="The dataset's name when the build was requested.")
    dataset_id: str | None
    workspace: str
    capability: str
    scope: Scope
    build_status: JobStatus
    materialization_status: MaterializationStatus
    job: VersionJob
    provenance: Provenance
    split: SplitShown
    quality: QualityShown
    materialization: MaterializationShown | None
    sources: SourcesShown
    stats: Counted | None
    is_frozen_test_set: bool
    frozen_at: str | None
    last_freeze: Decision | None
    last_unfreeze: Decision | None
    frozen_overlap: list[OverlapShown] = Field(description="Other frozen versions that share label packs with it.")
    created_at: str
    created_by: str
    ended_at: str | None


class ExportShown(BaseModel):
    """A file of a version; `url` downloads it until `expires_at`. What begins with `content` is of it uncompressed.

    `rows` are label rows, or the pictures of `coco` and `yolo` files, whose `left_out` counts the other rows of the
    split by reason. A file that is of no split has neither.
    """

    name: str
    key: str
    format: str = Field(description="One of ndjson, ndjson.gz, coco, yolo, card, croissant, manifest.")
    split: str | None
    content_type: str
    rows: int | None
    bytes: int
    sha256: str
    content_bytes: int = sometimes(0)
    content_sha256: str = sometimes("")
    left_out: dict[str, int] = sometimes({})
    url: Url
    expires_at: str


class FacetValueShown(BaseModel):
    """A value that samples can be filtered by (empty: samples without one), and the samples that have it."""

    value: str
    samples: int
    splits: dict[str, int]


class FacetShown(BaseModel):
    """The values of a filter by name; of very many the commonest of each part of the version, or the first groups."""

    values: list[FacetValueShown]
    complete: bool = Field(description="False where values are left out; counts are then of at least so many.")


class FacetsShown(BaseModel):
    """What the samples of a version can be filtered by; `group_count` is of all groups, whatever they begin with."""

    splits: FacetShown
    classes: FacetShown
    camera_types: FacetShown
    groups: FacetShown
    group_count: int
