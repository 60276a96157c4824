"""A task of `training_export`: keeps the token that the machine waits with."""

from packhouse.settings import TrainingTaskSettings
from packhouse.task import task_handler
from packhouse.training.steps import TrainingSteps

_steps = TrainingSteps.from_settings(TrainingTaskSettings.from_env())
handler = task_handler("AwaitConfirmation", _steps.await_confirmation, _steps.data)
