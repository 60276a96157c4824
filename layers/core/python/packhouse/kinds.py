"""Every kind of job: what ends it, the machine that it runs on, and what lets it go on."""

from dataclasses import replace

from packhouse.aws.objects import Objects
from packhouse.builds.endings import BuildEndings
from packhouse.builds.store import BuildStore
from packhouse.jobs.model import JobKind
from packhouse.jobs.store import JobStore
from packhouse.labels.ingest import Ingest
from packhouse.rollouts.ingest import ImportSteps
from packhouse.settings import SettleSettings
from packhouse.settle import Settle
from packhouse.training.endings import TrainingEndings
from packhouse.training.store import TrainingStore


def settle_of(settings: SettleSettings) -> Settle:
    """Return what ends jobs of every kind."""
    jobs = JobStore(settings.builds_table)
    return Settle(
        jobs=jobs,
        notes=Objects(settings.data_bucket),
        ends={
            JobKind.LABEL_INGEST: Ingest.from_settings(settings).end,
            JobKind.DATASET_BUILD: BuildEndings(BuildStore(settings.builds_table), jobs).end,
            JobKind.ROLLOUT_INGEST: ImportSteps.from_settings(settings).end,
            JobKind.TRAINING_EXPORT: TrainingEndings(TrainingStore(settings.training_table), jobs).end,
        },
        machines={
            JobKind.LABEL_INGEST: settings.label_ingest_arn,
            JobKind.DATASET_BUILD: settings.dataset_build_arn,
            JobKind.ROLLOUT_INGEST: settings.rollout_ingest_arn,
            JobKind.TRAINING_EXPORT: settings.training_export_arn,
        },
    )


def sweeper_of(settings: SettleSettings) -> Settle:
    """Return what ends jobs of every kind, and lets those go on that wait and need not."""
    settle = settle_of(settings)
    training = TrainingEndings(TrainingStore(settings.training_table), settle.jobs)
    return replace(settle, resumes={JobKind.TRAINING_EXPORT: training.resume})
