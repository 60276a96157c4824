"""A task of `dataset_build`: decides which rows stay, their splits, and the units of work."""

from packhouse.builds.steps import BuildSteps
from packhouse.settings import TaskSettings
from packhouse.task import task_handler

_steps = BuildSteps.from_settings(TaskSettings.from_env())
handler = task_handler("PlanBuild", _steps.plan_build, _steps.data)
