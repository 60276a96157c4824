"""A task of `training_export`: writes the rows in one profile."""

from packhouse.settings import TrainingTaskSettings
from packhouse.task import task_handler
from packhouse.training.steps import TrainingSteps

_steps = TrainingSteps.from_settings(TrainingTaskSettings.from_env())
handler = task_handler("ExportRows", _steps.export_profile, _steps.data)
