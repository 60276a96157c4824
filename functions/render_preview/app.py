"""A task of `training_export`: renders the first rows."""

from packhouse.settings import TrainingTaskSettings
from packhouse.task import task_handler
from packhouse.training.steps import TrainingSteps

_steps = TrainingSteps.from_settings(TrainingTaskSettings.from_env())
handler = task_handler("RenderPreview", _steps.render_preview, _steps.data)
