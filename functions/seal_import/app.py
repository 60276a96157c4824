"""A task of `rollout_ingest`: settles an import as passed or failed."""

from packhouse.rollouts.ingest import ImportSteps
from packhouse.settings import TrainingTaskSettings
from packhouse.task import task_handler

_steps = ImportSteps.from_settings(TrainingTaskSettings.from_env())
handler = task_handler("SealImport", _steps.seal_import, _steps.data)
