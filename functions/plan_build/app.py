"""A task of `dataset_build`: decides which rows stay, their splits, and the units of work."""

from packhouse.builds.sources import SourceSteps
from packhouse.settings import SourceTaskSettings
from packhouse.task import task_handler

_steps = SourceSteps.from_settings(SourceTaskSettings.from_env())
handler = task_handler("PlanBuild", _steps.plan_build, _steps.data)
