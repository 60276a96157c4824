"""A task of `training_export`: renders, scores and sketches the rollouts of one unit."""

from packhouse.settings import TrainingTaskSettings
from packhouse.task import task_handler
from packhouse.training.steps import TrainingSteps

_steps = TrainingSteps.from_settings(TrainingTaskSettings.from_env())
handler = task_handler("RenderRows", _steps.render_unit, _steps.data)
