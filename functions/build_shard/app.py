"""A task of `dataset_build`: builds one unit into a shard a split."""

from packhouse.builds.steps import BuildSteps
from packhouse.settings import TaskSettings
from packhouse.task import task_handler

_steps = BuildSteps.from_settings(TaskSettings.from_env())
handler = task_handler("BuildShards", _steps.build_shard, _steps.data)
