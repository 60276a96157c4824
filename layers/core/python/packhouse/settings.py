"""What each function is told by its environment: one frozen class a function, and the only reader of `os.environ`."""

import os
from dataclasses import dataclass, fields
from typing import Self


class SettingsError(RuntimeError):
    """A variable that the function needs is not set; names all that are missing."""


@dataclass(frozen=True)
class Settings:
    """The base: a field `labels_table` is read from `LABELS_TABLE`."""

    @classmethod
    def from_env(cls) -> Self:
        """Read every field of the class; raise `SettingsError` naming those that are missing."""
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if name.upper() not in os.environ]
        if missing:
            raise SettingsError(f"{cls.__name__}: not set in the environment: {', '.join(missing)}")
        return cls(**{name: os.environ[name.upper()] for name in names})


@dataclass(frozen=True)
class AuthorizerSettings(Settings):
    """Where keys and memberships are, and whose tokens are believed."""

    access_table: str
    jwks_url: str
    jwt_issuer: str
    jwt_audience: str


@dataclass(frozen=True)
class AccessSettings(Settings):
    """Members and API keys."""

    access_table: str
    idempotency_table: str
    issue_secret: str


@dataclass(frozen=True)
class CatalogSettings(Settings):
    """Namespaces, projects, datasets and collections, and the membership that a new namespace begins with."""

    access_table: str
    catalog_table: str
    idempotency_table: str


@dataclass(frozen=True)
class LabelsSettings(Settings):
    """Label packs, and what starts their ingest."""

    idempotency_table: str
    catalog_table: str
    labels_table: str
    builds_table: str
    uploads_bucket: str
    label_ingest_arn: str
    cursor_secret: str


@dataclass(frozen=True)
class BuildsSettings(Settings):
    """Dataset builds, versions and their exports."""

    idempotency_table: str
    catalog_table: str
    labels_table: str
    builds_table: str
    evaluation_table: str
    data_bucket: str
    dataset_build_arn: str
    cursor_secret: str


@dataclass(frozen=True)
class FreezesSettings(Settings):
    """Frozen test sets, the uses of versions, and the audit of both."""

    idempotency_table: str
    builds_table: str
    evaluation_table: str
    audit_table: str
    data_bucket: str
    cursor_secret: str


@dataclass(frozen=True)
class SamplesSettings(Settings):
    """The samples of dataset versions."""

    builds_table: str
    data_bucket: str
    cursor_secret: str


@dataclass(frozen=True)
class ChoresSettings(Settings):
    """What is left to be done for annotation sets."""

    annotations_table: str
    data_bucket: str


@dataclass(frozen=True)
class AnnotationsSettings(ChoresSettings):
    """Audio files and annotation sets, and what starts the ingest of a promoted one."""

    idempotency_table: str
    catalog_table: str
    labels_table: str
    builds_table: str
    uploads_bucket: str
    label_ingest_arn: str
    cursor_secret: str


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """Rollouts and training datasets, and what starts their machines."""

    idempotency_table: str
    catalog_table: str
    builds_table: str
    training_table: str
    data_bucket: str
    uploads_bucket: str
    rollout_ingest_arn: str
    training_export_arn: str
    cursor_secret: str


@dataclass(frozen=True)
class TaskSettings(Settings):
    """The tasks of `dataset_build`, and what every task needs: its job, and where results lie."""

    builds_table: str
    data_bucket: str

    @property
    def enforced(self) -> bool:
        """Whether a hard fail of the quality policy ends the build."""
        return False


@dataclass(frozen=True)
class SourceTaskSettings(TaskSettings):
    """The tasks that look at the label packs of a build and at their projects."""

    labels_table: str
    catalog_table: str


@dataclass(frozen=True)
class QualityTaskSettings(TaskSettings):
    """The tasks that shut the quality gate: `"true"` ends a build at a hard fail."""

    dataset_quality_enforcement_enabled: str

    @property
    def enforced(self) -> bool:
        """Whether a hard fail of the quality policy ends the build."""
        return self.dataset_quality_enforcement_enabled == "true"


@dataclass(frozen=True)
class UploadTaskSettings(TaskSettings):
    """The tasks that cut an upload into parts and take these in."""

    uploads_bucket: str


@dataclass(frozen=True)
class IngestSettings(TaskSettings):
    """What settles a label pack revision."""

    labels_table: str


@dataclass(frozen=True)
class TrainingTaskSettings(TaskSettings):
    """SealImport and the tasks of `training_export`."""

    training_table: str


@dataclass(frozen=True)
class TrainingSourceSettings(TrainingTaskSettings):
    """The tasks of `training_export` that look whether the project may be trained on."""

    catalog_table: str


@dataclass(frozen=True)
class SettleSettings(IngestSettings, TrainingTaskSettings):
    """RecordFailure and the sweeper: whose jobs they end, and the machines those run on."""

    label_ingest_arn: str
    dataset_build_arn: str
    rollout_ingest_arn: str
    training_export_arn: str


@dataclass(frozen=True)
class JobsSettings(SettleSettings):
    """Jobs of every kind, and what ends them when they are cancelled."""

    catalog_table: str
    idempotency_table: str
    cursor_secret: str
