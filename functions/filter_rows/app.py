"""A task of `training_export`: decides which rows stay."""

from packhouse.settings import TrainingTaskSettings
from packhouse.task import task_handler
from packhouse.training.steps import TrainingSteps

_steps = TrainingSteps.from_settings(TrainingTaskSettings.from_env())
handler = task_handler("FilterRows", _steps.filter_rows, _steps.data)
