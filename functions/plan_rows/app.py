"""A task of `training_export`: lists the imports, finds rollouts that come twice, writes the units of work."""

from packhouse.settings import TrainingSourceSettings
from packhouse.task import task_handler
from packhouse.training.sources import TrainingSources

_steps = TrainingSources.from_settings(TrainingSourceSettings.from_env())
handler = task_handler("PlanRows", _steps.plan_rows, _steps.data)
