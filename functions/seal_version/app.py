"""A task of `dataset_build`: writes the manifest and makes the version ready."""

from packhouse.builds.steps import BuildSteps
from packhouse.settings import TaskSettings
from packhouse.task import task_handler

_steps = BuildSteps.from_settings(TaskSettings.from_env())
handler = task_handler("SealVersion", _steps.seal_version, _steps.data)
